"""Today's code replays each recorded life, and reads every state, message and outcome in it without losing a field."""

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from temporalio.api.common.v1 import Payload
from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer

from domain.message import Message
from domain.state import Deal
from worker import WORKFLOWS, workflow_runner
from workflows.converter import data_converter, from_json, to_json
from workflows.deal import DealEnded, Reply
from workflows.stubs import GiveUp, Note, Perform, Performed, ToTell

RECORDED = sorted(Path(__file__).parent.glob("*.json"))


def recorded(path: Path) -> WorkflowHistory:
    said = json.loads(path.read_text(encoding="utf-8"))
    return WorkflowHistory.from_json(said["workflow_id"], said["history"])


def test_there_is_a_history_of_each_workflow() -> None:
    kinds = {path.name.split("-")[0] for path in RECORDED}
    assert kinds == {"deal", "statement"}


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
async def test_todays_code_replays_it(path: Path) -> None:
    replayer = Replayer(workflows=WORKFLOWS, workflow_runner=workflow_runner(), data_converter=data_converter)
    await replayer.replay_workflow(recorded(path))


def payloads(history: WorkflowHistory) -> Iterator[tuple[Any, Payload]]:
    """Every payload with the type that it must be readable as."""
    deal = "Deal" in history.events[0].workflow_execution_started_event_attributes.workflow_type.name
    for event in history.events:
        yield from _of(event, deal=deal)


def _of(event: HistoryEvent, *, deal: bool) -> Iterator[tuple[Any, Payload]]:  # noqa: PLR0912  (one case per event)
    match event.event_type:
        case EventType.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED:
            for each in event.workflow_execution_started_event_attributes.input.payloads:
                yield (Deal if deal else str), each
        case EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW:
            for each in event.workflow_execution_continued_as_new_event_attributes.input.payloads:
                yield Deal, each
        case EventType.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED:
            for each in event.workflow_execution_completed_event_attributes.result.payloads:
                yield (DealEnded if deal else int), each
        case EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED:
            for each in event.workflow_execution_signaled_event_attributes.input.payloads:
                yield str, each
        case EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED:
            asked = event.workflow_execution_update_accepted_event_attributes.accepted_request.input
            for each in asked.args.payloads:
                yield (datetime if asked.name == "advance" else Message), each
        case EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_COMPLETED:
            for each in event.workflow_execution_update_completed_event_attributes.outcome.success.payloads:
                yield Reply, each
        case EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:
            asked_for = event.activity_task_scheduled_event_attributes
            kind = {"give_up": GiveUp, "note": Note, "book_statement": str}.get(asked_for.activity_type.name, Perform)
            for each in asked_for.input.payloads:
                yield kind, each
        case EventType.EVENT_TYPE_ACTIVITY_TASK_COMPLETED:
            for each in event.activity_task_completed_event_attributes.result.payloads:
                yield (Performed if deal else list[ToTell]), each
        case EventType.EVENT_TYPE_MARKER_RECORDED:
            for each in event.marker_recorded_event_attributes.details["result"].payloads:
                yield Performed, each


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
def test_every_recorded_payload_is_read_and_no_field_of_it_is_lost(path: Path) -> None:
    seen = 0
    for kind, payload in payloads(recorded(path)):
        written = json.loads(payload.data)
        value = from_json(kind, written)
        assert lost(written, to_json(value)) == []
        seen += 1
    assert seen > 1


def lost(written: Any, read: Any, where: str = "") -> list[str]:
    """The paths in what was written that are not there, or are otherwise, in what was read."""
    if isinstance(written, dict) and isinstance(read, dict):
        return [path for name in written for path in lost(written[name], read.get(name), f"{where}.{name}")]
    if isinstance(written, list) and isinstance(read, list) and len(written) == len(read):
        pairs = zip(written, read, strict=True)
        return [path for number, (one, two) in enumerate(pairs) for path in lost(one, two, f"{where}[{number}]")]
    return [] if written == read else [where]
