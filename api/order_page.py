"""The orders of a deal: each with its versions, who was asked to approve, what the customer may choose and said."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from pydantic import Field

from api.amount import AmountOut, amount
from api.schema import At, Figure, Out
from domain.order import Order, OrderStage
from domain.state import Deal
from models.approval import ApprovalRequestRow
from models.quote import QuoteVersionRow

AFTER_ACCEPTANCE = frozenset(
    {
        OrderStage.ACCEPTED,
        OrderStage.OUT_FOR_SIGNATURE,
        OrderStage.SIGNED,
        OrderStage.PROVISIONING,
    }
)


class VersionOut(Out):
    id: str
    version: int
    kind: str = Field(description="quote, renewal or migration")
    status: str
    alternative: str = Field(
        description="the alternative that the customer chose; empty: none yet, or there is no choice"
    )
    total: AmountOut
    acv: AmountOut
    discount_percent: Figure
    expires_at: At
    content_hash: str


class ApprovalOut(Out):
    version: int
    level: int
    group: str
    reason: str
    status: str
    asked_at: At
    decided_by: str
    decided_at: At | None
    comment: str
    escalated_to: str


class AlternativeOut(Out):
    name: str
    recommended: bool
    term_months: int
    interval_months: int
    acv: AmountOut


class OrderOut(Out):
    number: int
    kind: str = Field(description="new or renewal")
    stage: str
    since: At | None
    reason: str = Field(description="why it came back: of a refused price, a rejection, a decline")
    parked: str
    version: int = Field(description="the current version; 0: nothing is priced yet")
    delivery: str = Field(description="link: it is shown by a share link and accepted there before it is signed")
    alternatives: list[AlternativeOut] = Field(description="of the current version, of which the customer picks one")
    chosen: str = Field(description="the alternative that the customer picked")
    answer: str = Field(description="what the customer said on the share link: accepted, declined, or nothing yet")
    versions: list[VersionOut]
    approvals: list[ApprovalOut]


def orders_of(
    deal: Deal, versions: Sequence[QuoteVersionRow], approvals: Sequence[ApprovalRequestRow]
) -> list[OrderOut]:
    """Every order, the closed ones too: those are only in the tables."""
    numbers = sorted({row.order_number for row in versions} | {order.number for order in deal.orders})
    found: list[OrderOut] = []
    for number in numbers:
        order = deal.order(f"order-{number}")
        rows = [row for row in versions if row.order_number == number]
        newest = rows[-1] if rows else None
        found.append(
            OrderOut(
                number=number,
                kind=order.kind if order else ("new" if number == 1 else "renewal"),
                stage=order.stage.value if order else (newest.status if newest else ""),
                since=order.since if order else None,
                reason=order.reason if order else "",
                parked=order.parked if order else "",
                version=order.version if order else (newest.version if newest else 0),
                **_with_customer(order, newest, deal.currency),
                versions=[version_out(row) for row in rows],
                approvals=[_approval(row) for row in approvals if row.order_number == number],
            )
        )
    return found


def _with_customer(order: Order | None, newest: QuoteVersionRow | None, currency: str) -> dict[str, Any]:
    """How the current version reaches the customer, and what the customer said. Of a closed order the version tells."""
    terms = order.terms if order else None
    if order is None or terms is None:
        chosen = newest.alternative if newest else ""
        return {"delivery": "", "alternatives": [], "chosen": chosen, "answer": ""}
    choices = [
        AlternativeOut(
            name=each.name,
            recommended=each.recommended,
            term_months=each.term_months,
            interval_months=each.interval_months,
            acv=amount(each.acv_minor, currency),
        )
        for each in terms.alternatives
    ]
    answer = "declined" if order.stage is OrderStage.DECLINED and not order.document_sha256 else ""
    if order.stage in AFTER_ACCEPTANCE:
        answer = "accepted"
    shown = bool(order.share_id)
    return {
        "delivery": terms.delivery,
        "alternatives": choices,
        "chosen": order.chosen,
        "answer": answer if shown else "",
    }


def version_out(row: QuoteVersionRow) -> VersionOut:
    """A version as a deal's page shows it."""
    return VersionOut(
        id=row.id,
        version=row.version,
        kind=row.kind,
        status=row.status,
        alternative=row.alternative,
        total=amount(row.total_minor, row.currency),
        acv=amount(row.acv_minor, row.currency),
        discount_percent=discount_of(row),
        expires_at=row.expires_at,
        content_hash=row.content_hash,
    )


def discount_of(row: QuoteVersionRow) -> Decimal:
    """The discount on the list total as stated, in percent; of alternatives, that of the recommended one."""
    content = row.content
    if "alternatives" in content:
        content = next(each["offer"] for each in content["alternatives"] if each["name"] == content["recommended"])
    return Decimal(content["totals"]["discount_percent"])


def _approval(row: ApprovalRequestRow) -> ApprovalOut:
    known = row.model_dump(exclude={"group_name", "id", "deal_id", "order_number", "recorded_at"})
    return ApprovalOut(group=row.group_name, **known)
