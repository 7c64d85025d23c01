"""One whole system for all tests of the terminal, spoken to by `q2c` itself; refusals are asserted on what it prints."""

import asyncio
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from cli import main
from embedded.system import System
from migrations.run import upgrade


@dataclass(frozen=True, slots=True)
class Said:
    """How a command ended and what it printed."""

    code: int
    out: str
    err: str


Q2c = Callable[..., Said]


@pytest.fixture(scope="session")
def system() -> Iterator[System]:
    """PostgreSQL, Temporal, the outside, the API and a worker; `q2c up` furnishes it like any other."""
    folder = Path(tempfile.mkdtemp(prefix="q2c-cli-"))
    folder.chmod(0o711)
    system = System(folder / "data", ui=False, durable=False, migrate=lambda url: asyncio.run(upgrade(url)))
    try:
        system.up()
        yield system
    finally:
        system.destroy()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def first_up(system: System) -> str:
    """What the first `q2c up` printed."""
    import contextlib  # noqa: PLC0415
    import io  # noqa: PLC0415

    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        assert main(["up", "--no-ui", "--folder", str(system.folder)]) == 0
    return printed.getvalue()


@pytest.fixture
def q2c(system: System, first_up: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Q2c:
    """Run one command in this process; `key` speaks with another key than the remembered one; `fails` None: either way."""
    assert first_up
    monkeypatch.setenv("Q2C_DATA", str(system.folder))

    def run(*arguments: str, key: str = "", fails: int | None = 0) -> Said:
        monkeypatch.setenv("Q2C_API_KEY", key)
        capsys.readouterr()
        code = main(arguments)
        printed = capsys.readouterr()
        said = Said(code, printed.out, printed.err)
        assert fails is None or code == fails, said
        return said

    return run


ENTITIES = """
entities:
  - id: acme
    name: Acme GmbH
    country: DE
    currency: EUR
    zone: Europe/Berlin
    invoice_prefix: ACME
    bank_account: DE02 1203 0000 0000 2020 51
    address: Unter den Linden 1
    tax_number: DE123456789
    email: billing@acme.example
    tax_rates:
      - {valid_from: 2020-01-01, rate: "0.19", name: VAT}
"""
BOOK = """
name: acme-2026
version: 1
currency: EUR
valid_from: 2026-01-01
source: acme.example
products:
  - id: team
    name: Acme Team
    unit: seat
    provisioning: [tenant, entitlements, users]
    charges:
      - {id: monthly, model: per_unit, per: month, unit_price: "12.50"}
"""
ACCOUNTS = """account,name,entity,contact,email,address,country,currency,zone,tax_number
globex,Globex S.p.A.,acme,Gina Globex,ap@globex.example,Via Roma 1 / 20121 Milano,IT,EUR,Europe/Rome,
"""
DRAFT = """name: {name}
account: Globex S.p.A.
price_book: acme-2026
currency: EUR
term_months: 12
interval_months: 1
method: card
auto_renew: true
signer: {{name: Gina Globex, email: gina@globex.example}}
lines:
  - {{product: team, quantity: {quantity}, discount_percent: "{discount}"}}
"""


@pytest.fixture(scope="session")
def files() -> Iterator[Path]:
    """A newcomer's own files."""
    folder = Path(tempfile.mkdtemp(prefix="q2c-files-"))
    for name, content in (("entities.yaml", ENTITIES), ("book.yaml", BOOK), ("accounts.csv", ACCOUNTS)):
        (folder / name).write_text(content, encoding="utf-8")
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def draft(folder: Path, name: str, *, quantity: str = "20", discount: str = "0", **changes: str) -> Path:
    """A deal's file; `changes` replace texts of it."""
    content = DRAFT.format(name=name, quantity=quantity, discount=discount)
    for old, new in changes.items():
        content = content.replace(old, new)
    path = folder / "deal.yaml"
    path.write_text(content, encoding="utf-8")
    return path


@pytest.fixture
def sandbox(q2c: Q2c, files: Path) -> str:
    """A sandbox with an account, made once by the commands that a newcomer uses."""
    q2c("import", str(files / "entities.yaml"), str(files / "book.yaml"))
    if "trial" not in q2c("clock", "show").out:
        q2c("sandbox", "create", "acme", "--id", "trial", "--starts", "2027-01-01T09:00")
    q2c("import", str(files / "accounts.csv"), "--entity", "trial", "--card", "pm_card_visa")
    return "trial"
