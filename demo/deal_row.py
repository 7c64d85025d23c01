"""What a row of deals.csv and one of quotes.csv say alike: whose deal it is, when it begins, and the fate that awaits it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import TypedDict, TypeVar

from demo import fates
from demo.records import EMAIL, Deal
from domain.document import Reader

T = TypeVar("T")

FATE_COLUMNS = ("card_script", "sepa", "desk", "signer", "provisioner", "payer", "renewal_signer")


class Told(TypedDict):
    """Those fields of a Deal."""

    entity: str
    account: str
    owner: str
    start: date
    sepa: bool
    card_script: tuple[str, ...]
    desk: fates.Desk | None
    signer: fates.Signer
    provisioning: fates.Provisioning
    payer: fates.Payer | None
    renewal_signer: fates.Signer


def told(reader: Reader) -> Told:
    """Read them; what is wrong is a problem of the reader's."""
    return Told(
        entity=reader.text("entity"),
        account=reader.text("account"),
        owner=reader.text("owner", pattern=EMAIL, shape="a mail address"),
        start=reader.on("start"),
        sepa=reader.flag("sepa", default=False),
        card_script=fate(reader, "card_script", fates.card_script, ()),
        desk=fate(reader, "desk", fates.desk, None),
        signer=fate(reader, "signer", fates.signer, fates.signer("")),
        provisioning=fate(reader, "provisioner", fates.provisioning, fates.Provisioning()),
        payer=fate(reader, "payer", fates.payer, None),
        renewal_signer=fate(reader, "renewal_signer", fates.signer, fates.signer("")),
    )


def check_payment(reader: Reader, deal: Deal) -> None:
    if deal.method == "transfer":
        if deal.payer is None:
            reader.problem("payer", "is missing: a deal on transfer says how its payer pays")
        if deal.card_script or deal.sepa:
            reader.problem("card_script", "a deal on transfer has no card and no debit")
    elif not deal.card_script:
        reader.problem("card_script", "is missing: a deal on a card says what the card does")


def fate(reader: Reader, column: str, read: Callable[[str], T], otherwise: T) -> T:
    try:
        return read(reader.text(column, ""))
    except fates.FateUnreadable as unreadable:
        reader.problem(column, str(unreadable))
        return otherwise
