"""The bank says what it booked; a mail arrives with its attachments and is recognisable when it comes twice."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from gateways.bank import read_statement
from gateways.email import message_id
from gateways.parties import Addresses, LiveParty, PartiesFor
from gateways.ports import BankLine, BankStatement, GatewayUnavailable, Mail, WebhookRefused
from tests.outside import Account, Receiver

ADDRESSES = Addresses(
    stripe_url="http://127.0.0.1:1/stripe",
    signature_url="http://127.0.0.1:1/signature",
    provisioner_url="http://127.0.0.1:1/provisioner",
    smtp_host="127.0.0.1",
    smtp_port=1,
    mail_from="billing@seller.test",
)


async def test_a_transfer_becomes_a_line_of_a_signed_statement_on_its_day(account: Account, receiver: Receiver) -> None:
    await account.clock("2026-01-01T00:00:00Z")
    order = {
        "account": account.name,
        "to_account": "DE02",
        "payer": "Ada GmbH",
        "reference": "INV-1",
        "currency": "EUR",
    }
    ordered = (
        await account.http.post("/bank/transfers", json={**order, "amount_minor": 11900, "on": "2026-01-10"})
    ).json()
    assert receiver.received[account.name] == []

    await account.clock("2026-01-10T23:59:59Z")

    [webhook] = receiver.received[account.name]
    statement = read_statement(webhook.headers, webhook.body, account.sandbox.bank_secret)
    assert webhook.path == "webhooks/bank"
    assert statement == BankStatement(
        event_id=webhook.headers["webhook-id"],
        statement_id=statement.statement_id,
        bank_account="DE02",
        account=account.name,
        lines=(
            BankLine(
                line_id=ordered["id"], booked_on=date(2026, 1, 10), amount_minor=11900,
                currency="EUR", payer="Ada GmbH", reference="INV-1",
            ),
        ),
    )  # fmt: skip
    kept = (await account.http.get("/bank/statements", params={"account": account.name})).json()["statements"]
    assert [one["id"] for one in kept] == [statement.statement_id]
    with pytest.raises(WebhookRefused):
        read_statement(webhook.headers, webhook.body.replace(b"11900", b"21900"), account.sandbox.bank_secret)


async def test_a_mail_arrives_with_its_attachments_and_one_id_for_one_key(account: Account) -> None:
    to, pdf = f"{account.name}@buyer.test", b"%PDF-1.7 \x00\xff invoice"
    mail = Mail(
        key="d_1/mail/inv_1/1",
        to=to,
        subject="Rechnung 1 über 119,00 €",
        body="Grüße",
        sent_at=datetime(2026, 1, 1, tzinfo=UTC),
        attachments=(("invoice.pdf", pdf), ("terms.pdf", b"%PDF")),
    )

    await account.parties.mailer.send(mail)
    await account.parties.mailer.send(mail)

    first, second = (await account.http.get("/control/mails", params={"to": to})).json()["mails"]
    assert (first["subject"], first["body"].strip()) == ("Rechnung 1 über 119,00 €", "Grüße")
    assert [one["sha256"] for one in first["attachments"]] == [
        hashlib.sha256(pdf).hexdigest(),
        hashlib.sha256(b"%PDF").hexdigest(),
    ]
    assert first["message_id"] == second["message_id"] == message_id(mail.key, "Billing <billing@seller.test>")
    assert (await account.http.get(f"/control/mails/{first['id']}/attachments/0")).content == pdf
    assert (await account.http.get(f"/control/mails/{first['id']}/attachments/2")).status_code == 404


async def test_a_post_office_in_trouble_is_unavailable(account: Account) -> None:
    mail = Mail(key="k", to=f"{account.name}@x.test", subject="s", body="b", sent_at=datetime(2026, 1, 1, tzinfo=UTC))
    await account.http.post("/control/faults", json={"account": "mail", "script": ["error"]})

    with pytest.raises(GatewayUnavailable):
        await account.parties.mailer.send(mail)
    await account.parties.mailer.send(mail)

    assert len((await account.http.get("/control/mails", params={"to": mail.to})).json()["mails"]) == 1


async def test_parties_are_made_once_and_a_virtual_entity_never_gets_live_ones() -> None:
    live = PartiesFor(replace(ADDRESSES, stripe_key="sk_live_1"))
    assert live.entity("ent_1", virtual=False) is live.entity("ent_1", virtual=False)
    assert live.entity("ent_1", virtual=True) is not live.entity("ent_1", virtual=False)
    virtual, real = live.entity("ent_2", virtual=True).payments, live.entity("ent_2", virtual=False).payments
    assert _reaches(virtual) == ("sk_ent_2", "http://127.0.0.1:1/stripe")
    assert _reaches(real) == ("sk_live_1", "https://api.stripe.com")

    for url in ("", "https://api.stripe.com"):
        wrong = PartiesFor(replace(ADDRESSES, stripe_url=url, stripe_key="sk_live_1"))
        with pytest.raises(LiveParty):
            wrong.entity("ent_1", virtual=True)
        await wrong.close()
    await live.close()


def _reaches(payments: object) -> tuple[str, str]:
    options = payments._stripe._requestor._options  # type: ignore[attr-defined]
    return options.api_key, options.base_addresses["api"]


async def test_a_party_that_is_not_there_is_unavailable() -> None:
    away = PartiesFor(ADDRESSES)
    parties = away.entity("ent_1", virtual=True)

    with pytest.raises(GatewayUnavailable):
        await parties.payments.find_charge(key="k")
    with pytest.raises(GatewayUnavailable):
        await parties.provisioner.set_access(key="k", account_id="a", deal_id="d", access="full")
    with pytest.raises(GatewayUnavailable):
        await parties.mailer.send(
            Mail(key="k", to="a@b.test", subject="", body="", sent_at=datetime(2026, 1, 1, tzinfo=UTC))
        )
    await away.close()
