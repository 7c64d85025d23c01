"""The audit of a whole running system sees what was done past it: at the workflows, and at the outside under our own name."""

import asyncio
import hashlib
import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from temporalio.client import Client

from domain.ids import deal_workflow_id
from embedded.system import System
from gateways.parties import Addresses, PartiesFor
from gateways.ports import ChargeRequest, EnvelopeRequest, ProvisionRequest
from tests.cli.conftest import ACCOUNTS, Q2c, draft

DOCUMENT = b"%PDF-1.7 never ours"


async def past_us(system: System, deal: str) -> dict[str, str]:
    """Everything at the outside that our books know nothing of, and a workflow that somebody ended."""
    url = system.sandbox_url
    addresses = Addresses(
        stripe_url=f"{url}/stripe",
        signature_url=f"{url}/signature",
        provisioner_url=f"{url}/provisioner",
        smtp_host="127.0.0.1",
        smtp_port=1,
        mail_from="x@acme.example",
    )
    outside = PartiesFor(addresses)
    parties = outside.entity("strays", virtual=True)
    customer = await parties.payments.ensure_customer(key="c", account_id="acc_x", name="X", email="x@globex.example")
    method = await parties.payments.attach_method(key="m", customer_ref=customer, method_token="pm_card_visa")
    charge = ChargeRequest(
        key="stray",
        deal_id=deal,
        invoice_id="inv_x",
        amount_minor=777,
        currency="EUR",
        customer_ref=customer,
        method_ref=method,
    )
    captured = await parties.payments.charge(charge)
    envelope = await parties.signatures.send(
        EnvelopeRequest(
            key="stray",
            deal_id=deal,
            title="X",
            signer_name="X",
            signer_email="x@globex.example",
            document=DOCUMENT,
            document_sha256=hashlib.sha256(DOCUMENT).hexdigest(),
            expires_at=datetime(2040, 1, 1, tzinfo=UTC),
        )
    )
    step = ProvisionRequest(
        key="stray",
        deal_id=deal,
        account_id="acc_x",
        customer_name="X",
        customer_email="x@globex.example",
        step="tenant",
    )
    await parties.provisioner.perform(step)
    await outside.close()
    client = await Client.connect(system.temporal_address)
    await client.get_workflow_handle(deal_workflow_id(deal)).terminate("somebody's mistake")
    return {"payment": captured.gateway_ref, "envelope": envelope}


def a_deal(q2c: Q2c, files: Path, folder: Path) -> str:
    """A deal in a sandbox of its own: what is strange there must not hold up another's clock."""
    q2c("import", str(files / "entities.yaml"), str(files / "book.yaml"))
    q2c("sandbox", "create", "acme", "--id", "strays", "--starts", "2027-01-01")
    (folder / "accounts.csv").write_text(ACCOUNTS.replace("Globex S.p.A.", "Stray S.p.A."), encoding="utf-8")
    q2c("import", str(folder / "accounts.csv"), "--entity", "strays", "--card", "pm_card_visa")
    opened = q2c("deal", "open", str(draft(folder, "Stray deal", **{"Globex S.p.A.": "Stray S.p.A."}))).out
    return str(re.findall(r"d_[a-z2-7]{26}", opened)[0])


def test_the_audit_sees_what_was_done_past_us(system: System, q2c: Q2c, files: Path, tmp_path: Path) -> None:
    deal = a_deal(q2c, files, tmp_path)
    clean = q2c("audit").out
    assert clean.endswith("audit: clean, 40 checks\n")
    assert clean.count("  ok      ") == 40

    refs = asyncio.run(past_us(system, deal))
    told: dict[str, Any] = json.loads(q2c("audit", "--json", fails=1).out)
    assert told["clean"] is False
    assert {
        check["check"]: [b["text"] for b in check["breaches"]] for check in told["checks"] if check["breaches"]
    } == {
        "every_deal_has_its_workflow": [f"deal {deal}: it is not over, and its workflow is TERMINATED"],
        "captured_payments_are_in_the_ledger_once": [f"{refs['payment']} of 777 EUR is captured and not in the ledger"],
        "envelopes_are_as_at_the_provider": [f"{refs['envelope']} was sent and is no row of ours"],
        "provisioned_steps_are_as_at_the_provisioner": [
            f"tenant of {deal} stands 1 times at the provisioner, 0 times in our rows"
        ],
    }
    page = q2c("audit", fails=1).out
    assert "  BREACH  every deal has its workflow: A deal that is not over has a running workflow" in page
    assert "key=stray" in page
    assert page.endswith("audit: 4 breaches\n")
