"""One deal before its desk, March to May 2027, as it would be told: every date, every hand, every decision."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from domain.approving.policy import Matrix
from domain.message import Verdict
from domain.order import OrderStage
from domain.standing import standing
from domain.step import StepKind
from tests.domain.approving.desk import ANN, BOB, CEM, DANA, EVE, FAY, GIL, MAX, VERA, Desk, facts
from tests.domain.approving.desk_watch import DeskWatch

RULES = [
    {
        "name": "discount",
        "when": {"discount_percent_over": 10},
        "require": [{"level": 1, "group": "desk", "quorum": 2}],
        "remind_after": "1 business_days",
        "escalate": [{"after": "2 business_days", "to": "manager"}],
    },
    {"name": "terms", "when": {"net_days_over": 45}, "require": [{"level": 1, "group": "legal"}]},
    {
        "name": "margin",
        "when": {"margin_percent_below": 30},
        "require": [{"level": 2, "group": "finance"}],
        "remind_after": "1 business_days",
        "escalate": [{"after": "2 business_days", "to": "manager"}, {"after": "5 business_days", "to": "sales"}],
    },
]
MATRIX = Matrix.parse({"name": "standard", "stands_days": 60, "rules": RULES}, version=1)


def on(day: str) -> datetime:
    return datetime.fromisoformat(f"2027-{day}").replace(tzinfo=UTC)


def waiting(desk: Desk) -> tuple[str, ...]:
    return desk.waits_for


def stage(desk: Desk) -> OrderStage:
    return desk.order.stage


def since(desk: Desk, start: int) -> list[str]:
    kinds = (StepKind.ASK, StepKind.REMIND, StepKind.ESCALATE, StepKind.EXPIRE, StepKind.SEND)
    return [f"{p.now:%m-%d %H:%M} {p.step.kind.value}" for p in desk.played[start:] if p.step.kind in kinds]


def test_a_deal_desk_in_march() -> None:
    desk = Desk(MATRIX)
    watch = DeskWatch(desk)

    # 24 March, Wednesday: version 1 is steep, slow and thin. Ann is away, her deputy Gil as well, his is Fay.
    desk.play(on("03-24 08:00"))
    desk.away(ANN, GIL, days=10)
    desk.away(GIL, FAY, days=10)
    desk.offer(discount_percent=Decimal(20), net_days=60, margin_percent=Decimal(25))
    assert waiting(desk) == (BOB, CEM, EVE, FAY)
    desk.word("approve", EVE)

    # 25 March, Maundy Thursday: Fay decides with Ann's voice. Bob and Cem are silent over Easter.
    mark = len(desk.played)
    desk.play(on("03-25 10:00"))
    assert desk.word("approve", FAY).verdict is Verdict.ACCEPTED
    assert desk.order.approval.requests[0].votes[0].hands == (ANN, GIL, FAY)

    # 30 March: by Friday Cem in Dubai and Fay in New York had had their two working days, enough for two voices; Berlin
    # has its second one on Tuesday only. The managers are asked besides: Max for Ann and Bob, Vera for Cem.
    desk.play(on("03-30 12:00"))
    assert since(desk, mark) == ["03-25 08:00 remind", "03-26 13:00 escalate"]
    assert waiting(desk) == (BOB, CEM, MAX, VERA)
    desk.word("approve", MAX)

    # The second level: Dana wants more margin, and proposes 15 % off.
    assert (desk.order.approval.level, waiting(desk)) == (2, (CEM, DANA))
    desk.word("changes", DANA, draft=facts(discount_percent=Decimal(15), net_days=60, margin_percent=Decimal(28)))
    assert (stage(desk), desk.order.version, desk.order.drafted_by) == (OrderStage.PRICED, 2, DANA)

    # Sales takes it. The desk and legal approved worse than that: only finance is asked, and Dana has no voice there.
    desk.submit()
    carried = {r.need.group: r.carried.version for r in desk.order.approval.requests if r.carried}
    assert carried == {"desk": 1, "legal": 1}
    assert waiting(desk) == (CEM,)

    # 31 March: the policy grows a board for thin margins. This deal is in flight: nothing changes for it.
    desk.play(on("03-31 07:00"))
    board = {"when": {"margin_percent_below": 29}, "require": [{"level": 3, "group": "board"}]}
    desk.matrix = Matrix.parse({"name": "standard", "stands_days": 60, "rules": [*RULES, board]}, version=2)
    before = desk.deal
    desk.settle()
    assert desk.deal == before

    # Cem leaves the company. His manager stands in for him at once; nobody waits for a patience that helps nobody.
    desk.leave(CEM)
    desk.reseat(CEM)
    assert waiting(desk) == (VERA,)

    # An admin applies the new policy after all: the desk's and legal's decisions stand, finance and the board are asked.
    assert desk.apply().verdict is Verdict.ACCEPTED
    assert [(r.need.group, r.approved) for r in desk.order.approval.requests] == [
        ("desk", True),
        ("legal", True),
        ("finance", False),
        ("board", False),
    ]
    desk.word("approve", VERA)
    assert (desk.order.approval.level, waiting(desk)) == (3, (VERA,))

    # 7 April: Vera approves for the board. Out for signature; everybody who counts is on record.
    desk.play(on("04-07 15:00"))
    desk.word("approve", VERA)
    assert stage(desk) is OrderStage.OUT_FOR_SIGNATURE
    assert standing(desk.deal).waits_for == "signature"
    assert watch.granted_versions == 1
    assert [s.group for s in desk.order.revised(draft_id="d", draft_hash="h", by="x", at=desk.now).stands] == [
        "desk",
        "legal",
        "finance",
        "board",
    ]

    # 3 May: the customer wants 21 % off. The desk approved 20: it is asked again, and Fay no longer speaks for Ann.
    desk.play(on("05-03 08:00"))
    desk.offer(discount_percent=Decimal(21), net_days=60, margin_percent=Decimal(28))
    assert [r.need.group for r in desk.order.approval.requests if not r.approved] == ["desk"]
    assert waiting(desk) == (ANN, BOB)
