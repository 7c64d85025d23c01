"""What a workflow costs the server, read from its history: events, and actions as Temporal Cloud counts (and bills) them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import Client

BILLABLE = {
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED: "start",
    EventType.EVENT_TYPE_TIMER_STARTED: "timer",
    EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED: "activity",
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED: "signal",
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED: "update",
    EventType.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES: "search attributes",
    EventType.EVENT_TYPE_SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED: "signal out",
}
LOCAL = "core_local_activity"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Of one workflow, or of a stretch of one."""

    events: int
    actions: int
    kinds: Counter[str]


def cost(history: Iterable[HistoryEvent]) -> Cost:
    """Local activities that end in one workflow task are one action; every retry of an activity is one more."""
    kinds: Counter[str] = Counter()
    events = 0
    tasks_with_local: set[int] = set()
    for event in history:
        events += 1
        if event.event_type in BILLABLE:
            kinds[BILLABLE[event.event_type]] += 1
        elif event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_STARTED:
            kinds["activity retry"] += max(0, event.activity_task_started_event_attributes.attempt - 1)
        elif event.event_type == EventType.EVENT_TYPE_MARKER_RECORDED:
            marker = event.marker_recorded_event_attributes
            if marker.marker_name == LOCAL:
                tasks_with_local.add(marker.workflow_task_completed_event_id)
            else:
                kinds["marker"] += 1
    kinds["local activities of a task"] = len(tasks_with_local)
    kinds = Counter({kind: number for kind, number in kinds.items() if number})
    return Cost(events=events, actions=sum(kinds.values()), kinds=kinds)


async def events_of(client: Client, workflow_id: str) -> Sequence[HistoryEvent]:
    """The history of the current run, without pages."""
    return list((await client.get_workflow_handle(workflow_id).fetch_history()).events)


def cycle(events: Sequence[HistoryEvent]) -> Sequence[HistoryEvent]:
    """From the last timer that fired up to the next timer: one billing cycle of a deal on the wall's clock."""
    fired = [place for place, event in enumerate(events) if event.event_type == EventType.EVENT_TYPE_TIMER_FIRED]
    return events[fired[-1] :] if fired else []
