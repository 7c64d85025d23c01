"""(d) A quote is reminded of, escalated, rejected, revised, approved, declined by the customer, revised and signed."""

from embedded.temporal import TemporalServer
from sandbox.process import SandboxProcess
from tests.place import PEOPLE, SIGNER
from tests.world import World, world

DANA, VERA, CARL = PEOPLE["desk"][0], PEOPLE["vp"][0], PEOPLE["cfo"][0]
NOTICES = "SELECT kind, channel, person, to_char(at, 'YYYY-MM-DD') FROM notices ORDER BY at, key"
STATUSES = "SELECT version, status FROM quote_versions ORDER BY version"


def lines(discount_percent: str) -> dict[str, object]:
    return {"product": "team", "quantity": 20, "discount_percent": discount_percent}


async def revise(w: World, deal: str, discount_percent: str) -> None:
    draft = {
        "price_book": "acme",
        "currency": "EUR",
        "term_months": 12,
        "interval_months": 1,
        "method": "card",
        "signer": {"name": "Gina Globex", "email": SIGNER},
        "lines": [lines(discount_percent)],
    }
    await w.say(deal, "revise", {"draft": draft})


async def test_from_escalation_to_signature(
    database_url: str, temporal_server: TemporalServer, outside: SandboxProcess
) -> None:
    async with world(database_url, temporal_server.address, outside) as w:
        deal = await w.open(await w.account(), lines=[lines("30")])
        await w.say(deal, "submit", {"version": 1})

        # 2027-01-01: thirty percent off: first the sales managers, then finance
        assert await w.standing(deal) == ("approval", "approval")
        asked = "SELECT level, group_name, status, escalated_to FROM approval_requests WHERE version = 1 ORDER BY level"
        assert await w.rows(asked) == [(1, "sales_manager", "asked", "")]

        # 2027-01-03: reminded after a day, escalated after two
        await w.advance("2027-01-03T12:00:00Z")
        assert await w.steps(deal, "ask", "remind", "escalate") == [
            ("2027-01-01 10:00", "ask", 101),
            ("2027-01-02 10:00", "remind", 100),
            ("2027-01-03 10:00", "escalate", 100),
        ]
        assert await w.rows(NOTICES) == [
            ("ask", "mail", DANA, "2027-01-01"),
            ("remind", "mail", DANA, "2027-01-02"),
            ("escalate", "mail", VERA, "2027-01-03"),
        ]

        # 2027-01-03: nobody but those asked decides; the one above may, and finance is asked next
        looked = await w.look()
        refused = await w.say(deal, "decide", {"version": 1, "approve": True, "reason": "me"}, by="cfo", status=403)
        assert refused["type"].endswith("WrongGroup")
        assert {name for name, was in looked.items() if (await w.look())[name] != was} <= {
            "deals", "deal_steps", "timeline"
        }  # a refusal is written down, and nothing else  # fmt: skip
        await w.say(deal, "decide", {"version": 1, "approve": True, "reason": "a lighthouse"}, by="vp")
        assert await w.rows(asked) == [
            (1, "sales_manager", "approved", "vp_sales"),
            (2, "finance", "asked", ""),
        ]
        await w.say(deal, "decide", {"version": 1, "approve": False, "reason": "too much"}, by="cfo")
        assert await w.standing(deal) == ("quote", "revision")
        assert await w.rows(STATUSES) == [(1, "rejected")]

        # 2027-01-04: twelve percent needs the sales managers alone; a decision on the old version is refused
        await w.advance("2027-01-04")
        await revise(w, deal, "12")
        await w.say(deal, "submit", {"version": 2})
        late = await w.say(
            deal, "decide", {"version": 1, "approve": True, "reason": "after all"}, by="desk", status=409
        )
        assert late["type"].endswith("SupersededVersion")
        await w.behave("signature", email=SIGNER, action="decline", after_hours=12, reason="too dear")
        await w.say(deal, "decide", {"version": 2, "approve": True, "reason": "fine"}, by="desk")
        await w.settled(deal, "signature")

        # 2027-01-04, 13:00: the customer declines, with a reason
        await w.advance("2027-01-05")
        assert await w.standing(deal) == ("quote", "revision")
        assert await w.rows(STATUSES) == [(1, "superseded"), (2, "declined")]
        assert (await w.page(deal))["orders"][0]["reason"] == "too dear"

        # 2027-01-05: ten percent needs nobody; signed after a day, in service
        await w.behave("signature", email=SIGNER, action="sign", after_hours=24)
        await revise(w, deal, "10")
        await w.say(deal, "submit", {"version": 3})
        await w.settled(deal, "signature")
        await w.advance("2027-01-07")
        assert await w.standing(deal) == ("active", "next period")
        assert await w.rows(STATUSES) == [(1, "superseded"), (2, "superseded"), (3, "booked")]
        assert await w.lines(deal) == [("ACME-000001", 1, "Acme Team", "20", 22500, "2027-01-06", "2027-02-06")]
        closed = [each["kind"] for each in await w.effects("envelope.declined", "envelope.signed")]
        assert closed == ["envelope.declined", "envelope.signed"]
        # what was signed is byte for byte what was sent, and what the contract names
        kept = await w.rows("SELECT e.document_sha256 = d.sha256, d.sha256 = encode(sha256(d.bytes), 'hex'),"
                            " c.signed_sha256 = d.sha256 FROM envelopes e JOIN documents d ON d.sha256 = e.document_sha256"
                            " JOIN contracts c ON c.deal_id = e.deal_id WHERE e.status = 'signed'")  # fmt: skip
        assert kept == [(True, True, True)]
