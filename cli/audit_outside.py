"""Audit against the outside's own books: every captured payment, signed envelope and provisioned step is in ours once, and ours in theirs."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import httpx
from sqlalchemy import text

from domain.state import Deal
from gateways.parties import PartiesFor
from gateways.ports import CapturedPayment
from models.audit import Breach
from models.database import Database
from workflows.converter import from_json

Row = dict[str, Any]

_ENTITIES = text(
    "SELECT id, virtual FROM legal_entities e WHERE EXISTS (SELECT FROM deals d WHERE d.entity_id = e.id) ORDER BY id"
)
_RECEIPTS = text(
    "SELECT id, gateway_ref, amount_minor, currency, deal_id, invoice_id FROM receipts WHERE source = 'card' AND entity_id = :entity"
)
_ASKED = text("""
    SELECT t.key, t.invoice_id, d.state FROM payment_attempts t JOIN deals d ON d.id = t.deal_id
     WHERE t.status IN ('started', 'pending', 'unknown') AND d.entity_id = :entity
""")
_ENVELOPES = text("""
    SELECT v.id, v.status, v.deal_id, v.order_number, v.version,
           EXISTS (SELECT FROM inbox i WHERE i.provider = 'signature' AND i.payload ->> 'envelope_id' = v.id
                      AND i.payload ->> 'kind' = 'signed' AND i.status NOT IN ('new', 'signalled')) AS told
      FROM envelopes v JOIN deals d ON d.id = v.deal_id WHERE d.entity_id = :entity
""")
_PROVISIONED = text("""
    SELECT p.deal_id, p.step, count(*) FILTER (WHERE p.status = 'done') AS standing
      FROM provisionings p JOIN deals d ON d.id = p.deal_id WHERE d.entity_id = :entity GROUP BY 1, 2
""")


@dataclass(slots=True)
class Outside:
    """The outside of one system: the gateways by entity, and the control log where the parties are the sandbox's."""

    database: Database
    parties: PartiesFor
    control: httpx.AsyncClient | None

    async def entities(self) -> list[tuple[str, bool]]:
        """The entities that have deals, and which of them are virtual."""
        return [(row["id"], row["virtual"]) for row in await self.rows(_ENTITIES)]

    async def rows(self, query: Any, **values: Any) -> list[Row]:
        async with self.database.session() as session:
            return [dict(row) for row in (await session.execute(query, values)).mappings()]

    async def log(self, entity: str, party: str) -> list[Row]:
        """Every effect of one party for one account; nothing where the outside is not a sandbox."""
        if self.control is None:
            return []
        answer = await self.control.get("/control/log", params={"account": entity, "party": party})
        answer.raise_for_status()
        found: list[Row] = answer.json()["entries"]
        return found


async def captured_payments_are_in_the_ledger_once(outside: Outside) -> list[Breach]:
    """Every payment that the gateway captured is one card receipt of its amount, and every card receipt is at the gateway."""
    found: list[Breach] = []
    for entity, virtual in await outside.entities():
        captured = await outside.parties.entity(entity, virtual).payments.captured()
        receipts = await outside.rows(_RECEIPTS, entity=entity)
        asked = {row["key"] for row in await outside.rows(_ASKED, entity=entity) if _still_asks(row)}
        found += compared(captured, receipts, asked)
    return found


def _still_asks(row: Row) -> bool:
    """The deal itself does not know yet what became of this attempt, and will find out."""
    collection = from_json(Deal, row["state"]).collection(row["invoice_id"])
    return collection is not None and not collection.parked


def compared(captured: Sequence[CapturedPayment], receipts: Sequence[Row], asked: set[str]) -> list[Breach]:
    """The gateway's book against ours. `asked` are the keys whose outcome the deal still asks about."""
    check = "captured_payments_are_in_the_ledger_once"
    found: list[Breach] = []

    def breach(said: str, *rows: Row) -> None:
        found.append(Breach(check=check, text=said, rows=rows))

    ours = {row["gateway_ref"]: row for row in receipts}
    for ref, number in Counter(each.gateway_ref for each in captured).items():
        if number > 1:
            breach(f"the gateway lists {ref} {number} times")
    for key, number in Counter(each.key for each in captured).items():
        if number > 1:
            breach(
                f"the gateway captured {number} times under {key}",
                *(_theirs(each) for each in captured if each.key == key),
            )
    for each in captured:
        row = ours.pop(each.gateway_ref, None)
        if row is None and each.key not in asked:
            breach(
                f"{each.gateway_ref} of {each.amount_minor} {each.currency} is captured and not in the ledger",
                _theirs(each),
            )
        elif row is not None and (row["amount_minor"], row["currency"]) != (each.amount_minor, each.currency):
            breach(
                f"{each.gateway_ref}: the gateway captured {each.amount_minor} {each.currency}, the ledger says {row['amount_minor']} {row['currency']}",
                row,
            )
    for ref, row in ours.items():
        breach(f"receipt {row['id']} says {ref}, which the gateway never captured", row)
    return found


def _theirs(payment: CapturedPayment) -> Row:
    return {
        "gateway_ref": payment.gateway_ref,
        "key": payment.key,
        "deal": payment.deal_id,
        "invoice": payment.invoice_id,
        "amount_minor": payment.amount_minor,
        "currency": payment.currency,
    }


async def envelopes_are_as_at_the_provider(outside: Outside) -> list[Breach]:
    """Every envelope that was sent is a row of ours, once per version; what was signed we know as signed; ours are all there."""
    check = "envelopes_are_as_at_the_provider"
    found: list[Breach] = []
    for entity, _ in await outside.entities():
        log = await outside.log(entity, "signature")
        rows = {row["id"]: row for row in await outside.rows(_ENVELOPES, entity=entity)}
        signed = {each["subject"] for each in log if each["kind"] == "envelope.signed"}
        sent = [each for each in log if each["kind"] == "envelope.sent"]
        strangers = [each for each in sent if each["subject"] not in rows]
        found += [
            Breach(check=check, text=f"{each['subject']} was sent and is no row of ours", rows=(each,))
            for each in strangers
        ]
        known = {each["subject"] for each in sent} if outside.control is not None else None
        for id_, row in rows.items():
            if said := _envelope(id_, row, signed=id_ in signed, known=known):
                found.append(Breach(check=check, text=said, rows=(row,)))
        found += _twice(rows.values(), check)
    return found


def _envelope(id_: str, row: Row, *, signed: bool, known: set[str] | None) -> str:
    """What is wrong with one envelope of ours; `known` is what the provider ever sent, None where it cannot be asked."""
    if known is None:
        return ""
    if id_ not in known:
        return f"the provider knows nothing of {id_}"
    if signed and row["status"] != "signed" and not row["told"]:
        return f"{id_} was signed, ours says {row['status']}"
    if row["status"] == "signed" and not signed:
        return f"ours says {id_} is signed, the provider does not"
    return ""


def _twice(rows: Iterable[Row], check: str) -> list[Breach]:
    by_version: dict[tuple[str, int, int], list[Row]] = defaultdict(list)
    for row in rows:
        by_version[row["deal_id"], row["order_number"], row["version"]].append(row)
    return [
        Breach(
            check=check,
            text=f"order {order} version {version} of {deal} was sent {len(those)} times",
            rows=tuple(those),
        )
        for (deal, order, version), those in by_version.items()
        if len(those) > 1
    ]


async def provisioned_steps_are_as_at_the_provisioner(outside: Outside) -> list[Breach]:
    """Each step stands at the provisioner as often as in our rows, and never twice, under whichever keys."""
    check = "provisioned_steps_are_as_at_the_provisioner"
    found: list[Breach] = []
    if outside.control is None:
        return found
    for entity, _ in await outside.entities():
        standing: Counter[tuple[str, str]] = Counter()
        about: dict[tuple[str, str], list[Row]] = defaultdict(list)
        for each in await outside.log(entity, "provisioner"):
            change = {"step.performed": 1, "step.compensated": -1}.get(each["kind"], 0)
            if change:
                place = (each["subject"], each["data"]["step"])
                standing[place] += change
                about[place].append(each)
        ours = {
            (row["deal_id"], row["step"]): row["standing"] for row in await outside.rows(_PROVISIONED, entity=entity)
        }
        for place in sorted({*standing, *ours}):
            theirs, mine = standing[place], ours.get(place, 0)
            if theirs != mine or theirs > 1:
                said = f"{place[1]} of {place[0]} stands {theirs} times at the provisioner, {mine} times in our rows"
                found.append(Breach(check=check, text=said, rows=tuple(about[place])))
    return found


CHECKS = (
    captured_payments_are_in_the_ledger_once,
    envelopes_are_as_at_the_provider,
    provisioned_steps_are_as_at_the_provisioner,
)
