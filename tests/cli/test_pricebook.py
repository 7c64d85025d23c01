"""Price books and coupons at the terminal: read in, shown, written out, compared; what is wrong is told at its line and column."""

from pathlib import Path

import pytest

from tests.cli.conftest import BOOK, Q2c

SOLD = BOOK.replace("acme-2026", "sold").replace("version: 1\n", "")
DEARER = SOLD.replace('"12.50"', '"13.75"') + (
    "      - id: calls\n"
    "        model: graduated\n"
    "        per: month\n"
    '        tiers: [{up_to: 1000, unit_price: "0.01"}, {unit_price: "0.002"}]\n'
)


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """Two versions of one price book as files."""
    (tmp_path / "old.yaml").write_text(SOLD, encoding="utf-8")
    (tmp_path / "new.yaml").write_text(DEARER, encoding="utf-8")
    return tmp_path


def test_a_book_is_read_in_shown_and_written_out(q2c: Q2c, written: Path) -> None:
    old, new, out = written / "old.yaml", written / "new.yaml", written / "out.yaml"
    first = q2c("pricebook", "import", str(old)).out
    assert "sold@1" in first
    assert q2c("pricebook", "import", str(old)).out == first
    assert "sold@2" in q2c("pricebook", "import", str(new)).out
    listed = q2c("pricebook", "list", "sold").out
    assert [line.split()[0] for line in listed.splitlines()[1:]] == ["sold@1", "sold@2"]
    shown = q2c("pricebook", "show", "sold").out
    assert "sold@2" in shown
    assert "calls" in shown
    assert "13.75" in shown
    q2c("pricebook", "export", "sold@2", "-o", str(out))
    assert q2c("pricebook", "export", "sold@2").out == out.read_text(encoding="utf-8")
    assert "sold@2" in q2c("pricebook", "import", str(out)).out  # it is the same version
    assert q2c("pricebook", "diff", str(out), "sold@2").out == "the same prices\n"
    assert "12.5 " in q2c("pricebook", "diff", "sold@1", str(new)).out


def test_a_diff_of_two_files_needs_no_system(
    q2c: Q2c, written: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("Q2C_DATA", str(tmp_path / "none"))
    said = q2c("pricebook", "diff", str(written / "old.yaml"), str(written / "new.yaml")).out.splitlines()
    assert said[1].split() == ["changed", "team", "monthly", "unit_price", "12.5", "13.75", "10"]
    assert said[2].split()[:4] == ["added", "team", "calls", "model"]
    assert said[-1] == "charges: 1 added, 0 removed, 1 changed"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (('"12.50"', "-1"), "old.yaml:12:64: products[0].charges[0].unit_price: expected 0 to"),
        (("per_unit", "per_head"), "old.yaml:12:30: products[0].charges[0].model"),
        (("currency: EUR", "currency: EURO"), "old.yaml:3:11: currency: 'EURO' is not an ISO 4217 currency"),
        (("unit: seat", "units: seat"), "old.yaml:9:12: products[0].units: unknown field"),
        (("id: team", "id: team\n   name: x"), "old.yaml:8:4: malformed YAML"),
    ],
)
def test_a_book_that_is_wrong_is_told_by_line_column_and_path(
    q2c: Q2c, written: Path, change: tuple[str, str], said: str
) -> None:
    before = q2c("pricebook", "list").out
    (written / "old.yaml").write_text(SOLD.replace(*change), encoding="utf-8")
    (written / "never.yaml").write_text(SOLD.replace("name: sold", "name: never"), encoding="utf-8")
    for command in ("import", "diff"):
        other = str(written / "never.yaml")
        assert said in q2c("pricebook", command, str(written / "old.yaml"), other, fails=1).err
    assert q2c("pricebook", "list").out == before


def test_a_book_that_is_not_there(q2c: Q2c, written: Path) -> None:
    for command in (("show", "nothing@1"), ("export", "nothing"), ("diff", "nothing", str(written / "old.yaml"))):
        assert "(UnknownPriceBook)" in q2c("pricebook", *command, fails=1).err
    assert "none.yaml:1: cannot be read" in q2c("pricebook", "import", str(written / "none.yaml"), fails=1).err


def test_coupons(q2c: Q2c, tmp_path: Path) -> None:
    file = tmp_path / "coupons.yaml"
    file.write_text(
        'coupons:\n  - {code: WELCOME, percent: "15", periods: 3, total_uses: 50, first_order_only: true}\n'
        "  - {code: TEN-OFF, amount: 10, currency: EUR, valid_to: 2027-06-01, products: [team]}\n",
        encoding="utf-8",
    )
    said = q2c("coupon", "add", str(file)).out
    assert q2c("coupon", "add", str(file)).out == said
    listed = [line.split("  ") for line in q2c("coupon", "list").out.splitlines()]
    assert [line[0] for line in listed[1:]] == ["TEN-OFF", "WELCOME"]
    assert "15 % for 3 periods" in said
    assert "before 2027-06-01" in said
    file.write_text('coupons:\n  - {code: A, percent: 5}\n  - {code: WELCOME, percent: "20"}\n', encoding="utf-8")
    refused = q2c("coupon", "add", str(file), fails=1).err
    assert "was issued with another content (CouponExists)" in refused
    assert "coupons.yaml:3:12: code" in refused
    file.write_text('coupons:\n  - {code: B, percent: 5}\n  - {code: C, percent: "200"}\n', encoding="utf-8")
    assert "coupons.yaml:3:24: coupons[1].percent: expected 0 to 100" in q2c("coupon", "add", str(file), fails=1).err
    assert "B" not in [line.split()[0] for line in q2c("coupon", "list").out.splitlines()]
