"""`q2c preview quote`: a whole quote priced without a server; what is wrong is told with file, line, column and how to mend it."""

import json
import re
from pathlib import Path

import pytest
import yaml

from cli import main
from tests.quotes import COUPON, SUITE_BOOK, SUITE_DRAFT

POLICY = """
name: standard
rules:
  - when: {discount_percent_over: "10"}
    require: [{level: 1, group: deal_desk}]
  - when: {below_floor: true}
    require: [{level: 2, group: finance}]
    escalate_to: cfo
"""
DEAL = """name: Globex suite
account: Globex S.p.A.
price_book: books/cloud.yaml
currency: EUR
term_months: 24
signer: {name: Gina Globex, email: gina@globex.example}
groups: [{name: platform, discount_percent: "10"}]
coupons: [SPRING-20]
lines:
  - {product: suite, quantity: 1, group: platform}
  - product: seats
    group: platform
    ramp:
      - {months: 12, quantity: 20, discount_percent: "10"}
      - {months: 12, quantity: 40, unit_price: "11.00"}
  - {product: silver, quantity: 1}
"""


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Files of somebody who has no system: no address is known, no data folder is there."""
    monkeypatch.setenv("Q2C_DATA", str(tmp_path / "none"))
    for name in ("Q2C_API_URL", "Q2C_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "books").mkdir()
    (tmp_path / "books" / "cloud.yaml").write_text(yaml.safe_dump(SUITE_BOOK), encoding="utf-8")
    (tmp_path / "coupons.yaml").write_text(yaml.safe_dump({"coupons": [COUPON]}), encoding="utf-8")
    (tmp_path / "policy.yaml").write_text(POLICY, encoding="utf-8")
    (tmp_path / "deal.yaml").write_text(DEAL, encoding="utf-8")
    return tmp_path


def preview(
    capsys: pytest.CaptureFixture[str], folder: Path, *more: str, coupons: bool = True, code: int = 0
) -> tuple[str, str]:
    """What the command printed and what it refused."""
    capsys.readouterr()
    said = ["preview", "quote", str(folder / "deal.yaml"), "--on", "2027-01-31", *more]
    assert main([*said, *(["--coupons", str(folder / "coupons.yaml")] if coupons else [])]) == code
    printed = capsys.readouterr()
    return printed.out, printed.err


def test_it_shows_the_waterfall_the_approvals_and_every_invoice(
    files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, err = preview(capsys, files, "--policy", str(files / "policy.yaml"))
    assert err == ""
    assert "priced from cloud-eur, version 1, on 2027-01-31; the term from 2027-01-31; net of tax\n" in out
    assert re.search(r"  TCV +10,434\.00 EUR\n", out), out
    assert "  months 13–24" in out
    assert "promotion -10.00 EUR, group discount -9.00 EUR" in out
    assert "         40 × 12.5\n         line discount -60.00 EUR, group discount -44.00 EUR\n" in out
    assert "  1      deal_desk  discount of 20.8 % is over 10 %" in out
    assert "  2      finance    the price is below the floor of a charge  reminded after 24 h, to cfo after 72 h" in out
    # month ends do not drift, and what does not change is not told again
    assert re.search(r"2027-02-28  2027-02-28 until 2027-03-31  as before", out), out
    assert re.search(r"2027-03-31  2027-03-31 until 2027-04-30  +\d", out), out
    assert "2027-04-30  2027-04-30 until 2027-05-31" in out
    assert out.count(" until ") == 24
    assert "\x1b" not in out
    assert not (files / "none").exists()


def test_for_machines_everything_adds_up(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (files / "deal.yaml").write_text(
        yaml.safe_dump({**SUITE_DRAFT, "price_book": "books/cloud.yaml"}), encoding="utf-8"
    )
    said = json.loads(preview(capsys, files, "--json", "--starts", "2027-01-02")[0])
    assert (said["price_book"], said["on"], said["starts_on"]) == ("cloud-eur", "2027-01-31", "2027-01-02")
    assert said["approvals"] is None
    (offer,) = said["offers"]
    for line in offer["lines"]:
        for segment in line["segments"]:
            parts = [each["amount"]["minor"] for each in segment["waterfall"]]
            assert sum(parts[:-1]) == parts[-1] == segment["net"]["minor"]
    for invoice in offer["invoices"]:
        assert sum(line["amount"]["minor"] for line in invoice["lines"]) == invoice["net"]["minor"]
    billed = sum(each["net"]["minor"] for each in (*offer["invoices"], *offer["milestones"]))
    assert billed == offer["totals"]["tcv"]["minor"] == offer["waterfall"][-1]["amount"]["minor"]
    in_first_year = [each["net"]["minor"] for each in offer["invoices"] if each["on"] < "2028-01-02"]
    assert sum(in_first_year) == offer["totals"]["first_year"]["minor"]


def test_alternatives_stand_side_by_side(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    more = """
alternatives:
  - {name: good, lines: [{product: seats, quantity: 20}], coupons: [], groups: []}
  - {name: better, recommended: true}
  - {name: best, lines: [{product: suite, quantity: 1}, {product: gold, quantity: 1}], term_months: 36, coupons: []}
"""
    (files / "deal.yaml").write_text(DEAL + more, encoding="utf-8")
    out, _ = preview(capsys, files)
    head = next(line for line in out.splitlines() if "good" in line)
    assert head.split() == ["good", "better", "(recommended)", "best"]
    assert re.search(r"  TCV +6,000\.00 EUR +10,434\.00 EUR +10,770\.00 EUR\n", out), out
    assert re.search(r"  term +24 months, billed monthly +24 months, billed monthly +36 months, billed monthly\n", out)
    for name in ("Good", "Better", "Best"):
        assert f"\n{name}: invoices\n" in out


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"group: platform}": "group: platfrom}"}, "deal.yaml:10:42: lines[0].group: there is no group 'platfrom'; known: platform"),
        (
            {"  - {product: silver, quantity: 1}\n": ""},
            "deal.yaml:10:5: lines[0]: suite takes at least 1 line of support, found 0: add 1 of silver or gold",
        ),
        (
            {"quantity: 20,": "quantity: 3,"},
            "deal.yaml:11:5: lines[1].quantity: the quantity of seats, 3, is below the minimum of 5: add 2 or remove seats",
        ),
        ({"months: 24": "months: 36"}, "deal.yaml:13:5: lines[1].ramp: comes to 24 months, the term is 36"),
        ({"product: suite": "product: sweet"}, "unknown product"),
        ({"SPRING-20": "AUTUMN-20"}, "unknown coupon (code AUTUMN-20) (UnknownCoupon)"),
        ({"currency: EUR": "currency: USD"}, "quote currency mismatch"),
        ({"books/cloud.yaml": "books/none.yaml"}, "deal.yaml:3:13: price_book: there is no file"),
        ({"price_book: books/cloud.yaml\n": ""}, "a file is priced from a price book's file"),
        ({"lines:": "colour: red\nlines:"}, "deal.yaml:9:9: colour: unknown field"),
        ({"lines:": "lines: ["}, "malformed YAML"),
    ],
)  # fmt: skip
def test_a_file_that_is_wrong(
    files: Path, capsys: pytest.CaptureFixture[str], changes: dict[str, str], said: str
) -> None:
    text = DEAL
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    (files / "deal.yaml").write_text(text, encoding="utf-8")
    out, err = preview(capsys, files, code=1)
    assert said in err
    assert out == ""


def test_a_coupon_that_is_wrong_or_was_not_issued(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "'soon' is no date" in preview(capsys, files, "--starts", "soon", code=1)[1]
    assert "(UnknownCoupon)\n  where  " in preview(capsys, files, coupons=False, code=1)[1]
    (files / "coupons.yaml").write_text('coupons:\n  - {code: SPRING-20, percent: "120"}\n', encoding="utf-8")
    assert "coupons.yaml:2:32: coupons[0].percent: expected 0 to 100, found 120" in preview(capsys, files, code=1)[1]
