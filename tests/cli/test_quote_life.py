"""A quote's life in a terminal: read, compared, shown, asked about, accepted; its milestone reached, its invoice explained; cloned."""

import re
from pathlib import Path

import httpx
import pytest
import yaml

from tests.cli.conftest import ACCOUNTS, Q2c
from tests.quotes import SUITE_BOOK

OWN = "quoting"
SILVER = "{product: silver, quantity: 1}"
DEAL = """name: {name}
account: Globex Quotes
price_book: cloud.yaml
currency: EUR
term_months: 12
delivery: link
signer: {{name: Gina Globex, email: gina@globex.example}}
lines:
  - {{product: suite, quantity: 1}}
  - {support}
  - {{product: setup, charge: acceptance, quantity: 1, milestone: go live}}
"""


@pytest.fixture
def files(q2c: Q2c, sandbox: str, tmp_path: Path) -> Path:
    """A price book that quotes name by its file, and an account of a sandbox of their own: other tests keep their clock."""
    assert sandbox
    (tmp_path / "cloud.yaml").write_text(yaml.safe_dump(SUITE_BOOK), encoding="utf-8")
    accounts = ACCOUNTS.replace("Globex S.p.A.", "Globex Quotes").replace("tax_number", "tax_number,segment,language")
    accounts = accounts.replace("Europe/Rome,", "Europe/Rome,,enterprise,fr")
    (tmp_path / "accounts.csv").write_text(accounts, encoding="utf-8")
    q2c("sandbox", "create", "acme", "--id", OWN, "--starts", "2027-01-01T09:00")
    said = ("import", str(tmp_path / "cloud.yaml"), str(tmp_path / "accounts.csv"))
    q2c(*said, "--entity", OWN, "--card", "pm_card_visa")
    return tmp_path


def deal_file(folder: Path, name: str, support: str = SILVER) -> str:
    path = folder / "suite.yaml"
    path.write_text(DEAL.format(name=name, support=support), encoding="utf-8")
    return str(path)


def fill_in(url: str, action: str, **form: str) -> httpx.Response:
    """What the customer does on the page that the link opens."""
    path = httpx.URL(url).path
    with httpx.Client(base_url=url.removesuffix(path), trust_env=False) as customer:
        page = customer.get(path).text
        nonce = re.search(rf'action="{re.escape(path)}/{action}">\s*<input[^>]*name="nonce" value="([^"]+)"', page)
        assert nonce is not None, page
        return customer.post(f"{path}/{action}", data={"nonce": nonce[1], **form})


def test_a_quote_from_its_draft_to_its_milestone(q2c: Q2c, files: Path) -> None:
    name = "Globex suite"
    deal = re.findall(r"d_[a-z2-7]{26}", q2c("deal", "open", deal_file(files, name)).out)[0]
    gold = deal_file(files, name, support="{product: gold, quantity: 1}")
    q2c("deal", "revise", deal, gold)

    # versions, and what changed between them
    listed = q2c("deal", "versions", name).out
    assert re.search(r"\n1 +1 +superseded +1,770\.00 EUR +6,770\.00 EUR +", listed), listed
    assert re.search(r"\n1 +2 +priced +3,570\.00 EUR +8,570\.00 EUR +", listed), listed
    compared = q2c("deal", "compare", deal).out
    assert compared.startswith("Version 1.1 → 1.2\n")
    assert re.search(r"  TCV +6,770\.00 EUR +8,570\.00 EUR +\+1,800\.00 EUR\n", compared), compared
    assert "Silver support (silver, yearly) removed: quantity 1; per period 50.00 EUR → 0.00 EUR (-50.00)" in compared
    assert q2c("deal", "compare", deal, "2", "1").out.startswith("Version 1.2 → 1.1\n")
    shown = q2c("deal", "quote", deal, "1").out
    assert "Version 1.1  superseded; net of tax\n" in shown
    assert "promotion -10.00 EUR" in shown
    assert "Waterfall of the whole term" in shown

    # shown to the customer, who asks and accepts
    assert "the version is priced (VersionNotShareable)" in q2c("deal", "share", deal, fails=1).err
    q2c("deal", "submit", deal)
    url = q2c("deal", "share", deal).out.splitlines()[0]
    assert q2c("deal", "share", deal).out.splitlines()[0] == url
    assert '<html lang="fr"' in httpx.get(url, trust_env=False).text  # as the account reads
    assert "no questions" in q2c("deal", "questions", deal).out
    assert "no question waits for an answer" in q2c("deal", "answer", deal, "Yes.", fails=1).err
    assert fill_in(url, "ask", question="Is support included?", name="Gina").status_code == 303
    assert "1 questions of the customer wait for an answer" in q2c("deal", "show", deal).out
    assert "waits for an answer: q2c deal answer" in q2c("deal", "questions", deal).out
    assert "  → Yes.  (admin@q2c.local, " in q2c("deal", "answer", deal, "Yes.").out
    assert fill_in(url, "accept", name="Gina Globex", agree="yes").status_code == 303
    assert "the customer accepted" in q2c("deal", "show", deal).out

    # revoked: the link opens no more
    assert " revoked " in q2c("deal", "share", deal, "--revoke").out
    assert httpx.get(url, trust_env=False).status_code == 410
    assert "no link of the deal is open" in q2c("deal", "share", deal, "--revoke", fails=1).err

    # in service: a milestone is reached, once
    q2c("clock", "advance", OWN, "--to", "2027-01-05")
    page = q2c("deal", "show", deal).out
    assert "when go live is reached" in page
    assert re.search(
        r"  still to invoice: 11 times, from 290\.00 EUR on 2027-02-02, then 300\.00 EUR on 2027-04-02\n", page
    ), page
    assert "(UnknownMilestone)" in q2c("deal", "milestone", deal, "come back", fails=1).err
    q2c("deal", "milestone", deal, "go live")
    assert "(UnknownMilestone)" in q2c("deal", "milestone", deal, "go live", fails=1).err
    numbers = re.findall(r"\n  (ACME-\d{6})  ", q2c("deal", "show", deal).out)
    explained = q2c("invoice", "show", numbers[-1], "--entity", OWN).out
    assert f"Invoice {numbers[-1]}  " in explained
    assert "term 1, milestone go live" in explained
    assert re.search(r"  1 +Setup +1 day .* 5,000\.00 EUR\n +1 × 5000\n", explained), explained
    assert re.search(r"VAT 19 % +950\.00 EUR\n", explained), explained
    assert "there is no invoice 'ACME-999999'" in q2c("invoice", "show", "ACME-999999", fails=1).err

    # and once more, for a new deal
    cloned = q2c("deal", "clone", deal, "--name", "Globex suite, again").out
    assert cloned.startswith("Globex suite, again  quote\n")
    assert "is not a name and an address" in q2c("deal", "clone", deal, "--signer", "gina", fails=1).err
    assert "there is no account 'Nobody'" in q2c("deal", "clone", deal, "--account", "Nobody", fails=1).err
    assert "there is no version '9'" in q2c("deal", "quote", deal, "9", fails=1).err
    assert "there is but one version" in q2c("deal", "compare", "Globex suite, again", fails=1).err
