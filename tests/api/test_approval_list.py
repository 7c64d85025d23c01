"""What waits for somebody is what they have a voice left in: who answered among several is told, and asked no more."""

from datetime import UTC, datetime

from api.approval import answered, waits_for
from models.approval import ApprovalRequestRow, ApprovalVoteRow

AT = datetime(2027, 1, 4, 9, tzinfo=UTC)
GORDON, KENJI = "gordon@acme.example", "kenji@acme.example"


def request(*seats: tuple[str, str]) -> ApprovalRequestRow:
    held = [{"member": member, "holder": holder, "via": []} for member, holder in seats]
    return ApprovalRequestRow(
        id="apr_1", deal_id="d_1", order_number=1, version=1, level=2, group_name="finance", reason="", asked_at=AT,
        quorum=2, seats=held,
    )  # fmt: skip


def vote(by: str, *members: str) -> ApprovalVoteRow:
    return ApprovalVoteRow(
        id="vote_1", ref="msg_1", request_id="apr_1", deal_id="d_1", order_number=1, version=1, content_hash="",
        level=2, group_name="finance", by=by, members=list(members), verb="approve", at=AT, channel="api",
    )  # fmt: skip


def test_who_answered_for_all_they_hold_is_asked_no_more() -> None:
    asked = request(("fiona@acme.example", GORDON), (GORDON, GORDON), (KENJI, KENJI))
    said = [vote(GORDON, "fiona@acme.example", GORDON)]

    assert [answered(seat, said) for seat in asked.seats] == [True, True, False]
    assert (waits_for(asked, said, GORDON), waits_for(asked, said, KENJI)) == (False, True)


def test_a_voice_that_came_after_the_answer_is_waited_for() -> None:
    asked = request(("fiona@acme.example", GORDON), (GORDON, GORDON))

    assert waits_for(asked, [vote(GORDON, GORDON)], GORDON)


def test_a_crowd_has_no_seats_and_waits_for_any_of_it() -> None:
    assert waits_for(request(), [], KENJI)
