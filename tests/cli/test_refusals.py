"""What cannot be done is told in plain words with its place, ends with 1 (not understood: 2), and changes nothing."""

from pathlib import Path

import pytest

from embedded.system import System
from tests.cli.conftest import ACCOUNTS, BOOK, ENTITIES, Q2c, draft


@pytest.mark.parametrize(
    ("changes", "what", "where"),
    [
        ({"quantity": "-1"}, "lines[0].quantity: must be above 0, found -1", "deal.yaml:11:31"),
        ({"quantity": "1000000000000000"}, "lines[0].quantity: must be at most", "deal.yaml:11:31"),
        ({"product: team": "product: tea"}, "unknown product", "deal.yaml:11:15: lines[0].product"),
        ({"acme-2026": "acme-1999"}, "UnknownPriceBook", "deal.yaml:3:13: price_book"),
        ({"currency: EUR": "currency: USD"}, "currency mismatch", "deal.yaml:4:11: currency"),
        ({"auto_renew: true": "auto_renew: true\nname: twice"}, "name: is there twice", "deal.yaml:9:1"),
        ({"signer: {": "signer: [{"}, "malformed YAML", "deal.yaml:10:1"),
        ({"Globex S.p.A.": "Nobody"}, "there is no account 'Nobody'", "deal.yaml:2:10"),
        ({"account: Globex S.p.A.\n": ""}, "account: is missing", "deal.yaml:1:1"),
    ],
)
def test_a_draft_that_is_wrong(
    q2c: Q2c, sandbox: str, tmp_path: Path, changes: dict[str, str], what: str, where: str
) -> None:
    before = q2c("deal", "list", "--entity", sandbox, "--limit", "1000").out
    refused = q2c("deal", "open", str(draft(tmp_path, "Wrong", **changes)), fails=1)
    assert what in refused.err
    assert where in refused.err
    assert q2c("deal", "list", "--entity", sandbox, "--limit", "1000").out == before


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("deal.json", '{"name": "x",\n "account": }', "deal.json:2:13: malformed JSON: Expecting value"),
        (
            "entities.yaml",
            ENTITIES.replace("Europe/Berlin", "Berlin"),
            "entities.yaml:7:11: entities[0].zone: expected an IANA time zone",
        ),
        ("book.yaml", BOOK.replace("per_unit", "per_head"), "book.yaml:13:30: products[0].charges[0].model"),
        ("accounts.csv", ACCOUNTS.replace(",IT,", ",Italy,"), "accounts.csv:2: country"),
        ("accounts.csv", ACCOUNTS.replace("tax_number", "taxes"), "accounts.csv:1: tax_number: this column is missing"),
        (
            "accounts.csv",
            ACCOUNTS.replace("tax_number", "tax_number,language").replace("Europe/Rome,", "Europe/Rome,,de"),
            "accounts.csv:2: language: expected one of en, fr",
        ),
        ("accounts.csv", ACCOUNTS + '"open,x\n', "accounts.csv:3: malformed CSV"),
        ("other.yaml", "colour: red\n", "other.yaml:1:1: is nothing that can be imported"),
    ],
)
def test_a_file_that_is_wrong(q2c: Q2c, tmp_path: Path, name: str, content: str, said: str) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8")
    command = ("deal", "open") if name == "deal.json" else ("import",)
    assert said in q2c(*command, str(tmp_path / name), fails=1).err


def test_nothing_is_imported_while_one_file_is_wrong(q2c: Q2c, tmp_path: Path) -> None:
    (tmp_path / "good.yaml").write_text(BOOK.replace("acme-2026", "never"), encoding="utf-8")
    (tmp_path / "bad.yaml").write_text("colour: red\n", encoding="utf-8")
    q2c("import", str(tmp_path / "good.yaml"), str(tmp_path / "bad.yaml"), fails=1)
    draft(tmp_path, "x", **{"acme-2026": "never"})
    assert "UnknownPriceBook" in q2c("deal", "open", str(tmp_path / "deal.yaml"), fails=1).err


def test_an_import_again_changes_nothing(q2c: Q2c, sandbox: str, files: Path) -> None:
    said = ("import", str(files / "accounts.csv"), "--entity", sandbox)
    assert q2c(*said, "--card", "pm_card_visa").out == q2c(*said, "--card", "pm_card_visa").out
    refused = q2c(*said, fails=1).err
    assert "is there already, with another method, method_token" in refused
    assert f"{files}/accounts.csv:2" in refused


def test_a_clock_that_cannot_be_moved(q2c: Q2c, sandbox: str) -> None:
    before = q2c("clock", "show").out
    assert (
        "a real entity's clock can never be moved" in q2c("clock", "advance", "acme", "--to", "2030-01-01", fails=1).err
    )
    assert "a clock never goes backwards" in q2c("clock", "advance", sandbox, "--to", "2026-01-01", fails=1).err
    assert "neither a date nor an instant" in q2c("clock", "advance", sandbox, "--to", "soon", fails=1).err
    assert q2c("clock", "show").out == before


def test_a_key_of_the_wrong_role_or_none(q2c: Q2c, tmp_path: Path) -> None:
    finance = q2c("key", "create", "--person", "fin@acme.example", "--role", "finance").out.strip()
    path = str(draft(tmp_path, "Wrong role"))
    refused = q2c("deal", "open", path, key=finance, fails=1).err
    assert "the role finance may not do this (WrongRole)" in refused
    assert "mend   use a key of one of these roles: admin, sales" in refused
    listed = next(line for line in q2c("key", "list").out.splitlines() if finance[:12] in line)
    assert q2c("key", "revoke", listed.split()[0]).out.startswith("revoked: key_")
    assert "not known, or was revoked (KeyInvalid)" in q2c("deal", "list", key=finance, fails=1).err
    assert "KeyInvalid" in q2c("deal", "list", key="q2c_nonsense", fails=1).err


def test_a_deal_that_is_not_there(q2c: Q2c) -> None:
    assert q2c("deal", "show", "nothing", fails=1).err == (
        "Refused: there is no deal 'nothing'\n  where  DEAL\n  mend   see `q2c deal list`\n"
    )
    assert "(UnknownDeal)" in q2c("deal", "show", "d_" + "a" * 26, fails=1).err


def test_what_is_not_understood_ends_with_two(q2c: Q2c, tmp_path: Path) -> None:
    for command in (("deal", "show"), ("nonsense",), ("deal", "list", "--limit", "0"), ("clock", "advance", "trial")):
        assert q2c(*command, fails=2).out == ""
    assert "--price-book" in q2c("deal", "forecast", str(draft(tmp_path, "x")), fails=2).err


def test_no_system_here(q2c: Q2c, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, system: System) -> None:
    missing = str(tmp_path / "none")
    for command in (("down",), ("status",), ("deal", "list"), ("audit",)):
        refused = q2c(*command, "--folder", missing, fails=1)
        assert "q2c up" in refused.err
        assert missing in refused.err
    assert not (tmp_path / "none").exists()
    monkeypatch.setenv("Q2C_API_URL", "http://127.0.0.1:1")
    assert "the API at http://127.0.0.1:1 does not answer" in q2c("deal", "list", fails=1).err
    assert system.api_url.startswith("http://127.0.0.1:")
