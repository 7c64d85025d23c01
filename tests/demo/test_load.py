"""Files of every malformed sort are refused with file, line and column, all problems at once; the demo's own are clean."""

from __future__ import annotations

import csv
import shutil
from collections import Counter
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from demo.book import FOLDER, load_book
from demo.load import (
    ACCOUNT_COLUMNS,
    DEAL_COLUMNS,
    load_accounts,
    load_approval_policy,
    load_deals,
    load_dunning_policy,
    load_entities,
    load_people,
    load_price_book,
)
from demo.positions import FileProblems, load_csv, load_yaml
from domain.price_book import Charge, Tier
from domain.quote import Draft, price
from domain.rating.charge import MODELS

BOOK = """\
name: acme
currency: EUR
valid_from: 2026-01-01
products:
  - id: seats
    name: Acme seats
    charges:
      - {id: monthly, model: per_unit, per: month, unit_price: 0.10}
      - id: calls
        model: graduated
        per: month
        tiers:
          - {up_to: 1000, unit_price: "0.01"}
          - {unit_price: "0.002"}
"""
ROW = {
    "name": "One deal",
    "entity": "fr",
    "account": "brune",
    "owner": "camille@halyard.example",
    "price_book": "office-eur",
    "term_months": "12",
    "interval_months": "1",
    "lines": "standard:35@10%; translation/access:1",
    "discount": "5",
    "net_days": "0",
    "method": "card",
    "auto_renew": "yes",
    "notice_days": "30",
    "uplift_percent": "3",
    "start": "2026-01-05",
    "card_script": "succeed*2;insufficient_funds",
    "sepa": "no",
    "desk": "",
    "signer": "sign 24h",
    "provisioner": "ok",
    "payer": "",
    "renewal_signer": "",
}


def problems_of(refused: pytest.ExceptionInfo[FileProblems], folder: Path) -> list[str]:
    return [str(problem).removeprefix(f"{folder}/") for problem in refused.value.problems]


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def deals_file(folder: Path, *rows: dict[str, str]) -> Path:
    path = folder / "deals.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, DEAL_COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    return path


# --- YAML ------------------------------------------------------------------------------------------------------------


def test_a_price_keeps_the_digits_that_were_written(tmp_path: Path) -> None:
    book = load_price_book(write(tmp_path / "b.yaml", BOOK))

    monthly, calls = book.product("seats").charges
    assert monthly == Charge(
        id="monthly", model="per_unit", months=1, unit_price=Decimal("0.10"), revenue_account="revenue:seats"
    )
    assert calls.tiers == (
        Tier(up_to=Decimal(1000), unit_price=Decimal("0.01")),
        Tier(up_to=None, unit_price=Decimal("0.002")),
    )
    assert book.valid_from == date(2026, 1, 1)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name: [a\ncurrency: EUR\n", "b.yaml:2:9: malformed YAML: expected ',' or ']', but got ':'"),
        ("name: a\n\tcurrency: EUR\n", "b.yaml:2:1: malformed YAML: found character '\\t' that cannot start any token"),
        ("name: a\nname: b\n", "b.yaml:2:1: name: is there twice"),
        ("a: &x 1\nb: *x\n", "b.yaml:2:4: aliases (*name) are not taken: write it out"),
        ("? [a]\n: 1\n", "b.yaml:1:3: a field's name must be plain text"),
        ("- a\n- b\n", "b.yaml:1:1: expected fields by name"),
        ("", "b.yaml:1:1: is empty"),
        ("# nothing\n", "b.yaml:1:1: is empty"),
        ("a: 1\n---\nb: 2\n", "b.yaml:2:1: malformed YAML: but found another document"),
        ("a: \x00\n", "b.yaml:1: malformed YAML: unacceptable character #x0000: special characters are not allowed"),
    ],
)
def test_malformed_yaml_is_told_with_line_and_column(tmp_path: Path, text: str, said: str) -> None:
    path = write(tmp_path / "b.yaml", text)

    with pytest.raises(FileProblems) as refused:
        load_yaml(path)

    assert problems_of(refused, tmp_path) == [said]


def test_an_alias_that_holds_itself_ends(tmp_path: Path) -> None:
    with pytest.raises(FileProblems, match="aliases"):
        load_yaml(write(tmp_path / "b.yaml", "a: &x [*x]\n"))


def test_all_problems_of_a_price_book_come_at_once_with_their_lines(tmp_path: Path) -> None:
    text = (
        BOOK.replace("EUR", "XYZ")
        .replace("0.10", "ten")
        .replace('{unit_price: "0.002"}', "{up_to: 500, unit_price: 1}")
    )

    with pytest.raises(FileProblems) as refused:
        load_price_book(write(tmp_path / "b.yaml", text + "coloor: red\n"))

    assert problems_of(refused, tmp_path) == [
        "b.yaml:2:11: currency: 'XYZ' is not an ISO 4217 currency with a minor unit",
        "b.yaml:8:64: products[0].charges[0].unit_price: expected a number, found 'ten'",
        "b.yaml:14:21: products[0].charges[1].tiers[1].up_to: must be above 1000, the tier below",
        (
            "b.yaml:14:21: products[0].charges[1].tiers[1].up_to: the last tier must be open (no up_to), "
            "unless `beyond` says what the rest costs"
        ),
        (
            "b.yaml:15:9: coloor: unknown field; known here: currency, entities, name, products, promotions, rules, "
            "segments, source, valid_from, valid_to, version"
        ),
    ]


def test_what_is_missing_is_told_where_it_should_stand(tmp_path: Path) -> None:
    text = BOOK.replace("model: per_unit, ", "")

    with pytest.raises(FileProblems) as refused:
        load_price_book(write(tmp_path / "b.yaml", text))

    assert problems_of(refused, tmp_path) == ["b.yaml:8:9: products[0].charges[0].model: is missing"]


@pytest.mark.parametrize(
    ("load", "text", "said"),
    [
        (
            load_approval_policy,
            "name: p\nrules:\n  - when: {discount_percent_over: 101}\n    require: []\n",
            [
                "f.yaml:3:35: rules[0].when.discount_percent_over: expected 0 to 100, found 101",
                "f.yaml:4:5: rules[0].require: is empty",
            ],
        ),
        (
            load_dunning_policy,
            "card:\n  retry_days: [3]\n",
            [
                (
                    "f.yaml:2:3: card.retry_days: unknown field; known here: "
                    "cancel_after_days, message_after_days, retry_after_days, suspend_after_days"
                ),
            ],
        ),
        (
            load_people,
            "people:\n  - {email: nobody, name: N, role: king, country: fr}\n",
            [
                "f.yaml:2:13: people[0].email: expected a mail address, found 'nobody'",
                "f.yaml:2:36: people[0].role: expected one of sales, deal_desk, finance, ops, admin, found 'king'",
                "f.yaml:2:51: people[0].country: expected an ISO 3166 code in capitals, such as FR, found 'fr'",
            ],
        ),
    ],
)
def test_problems_of_policies_and_people_are_told_with_line_and_column(
    tmp_path: Path, load: object, text: str, said: list[str]
) -> None:
    assert callable(load)

    with pytest.raises(FileProblems) as refused:
        load(write(tmp_path / "f.yaml", text))

    assert problems_of(refused, tmp_path) == said


def test_problems_of_entities_are_told_with_line_and_column(tmp_path: Path) -> None:
    text = (FOLDER / "entities.yaml").read_text(encoding="utf-8")
    text = (
        text.replace("Europe/Paris", "Europe/Pariss").replace('rate: "0.2"', 'rate: "20"').replace("id: us", "id: fr")
    )

    with pytest.raises(FileProblems) as refused:
        load_entities(write(tmp_path / "e.yaml", text))

    assert problems_of(refused, tmp_path) == [
        "e.yaml:8:11: entities[0].zone: expected an IANA time zone such as Europe/Paris, found 'Europe/Pariss'",
        "e.yaml:19:40: entities[0].tax_rates[0].rate: expected 0 to 1, found 20",
        "e.yaml:20:5: entities[1]: 'fr' is there twice",
    ]


def test_a_file_that_is_not_text_or_not_there_is_told(tmp_path: Path) -> None:
    (tmp_path / "b.yaml").write_bytes(b"a: 1\nb: \xff\n")

    with pytest.raises(FileProblems) as binary:
        load_yaml(tmp_path / "b.yaml")
    with pytest.raises(FileProblems) as absent:
        load_yaml(tmp_path / "c.yaml")

    assert problems_of(binary, tmp_path) == ["b.yaml:2: is not UTF-8 text"]
    assert problems_of(absent, tmp_path) == ["c.yaml:1: cannot be read: No such file or directory"]


# --- CSV -------------------------------------------------------------------------------------------------------------


def test_a_deal_reads_as_a_draft_and_its_fate(tmp_path: Path) -> None:
    (deal,) = load_deals(deals_file(tmp_path, ROW))
    account = next(each for each in load_accounts(FOLDER / "accounts.csv") if each.account == "brune")

    assert deal.card_script == ("succeed", "succeed", "insufficient_funds")
    assert (deal.start, deal.method_token) == (date(2026, 1, 5), "pm_card_visa")
    assert deal.draft(account, discount_percent=Decimal(15)) == {
        "price_book": "office-eur",
        "term_months": "12",
        "interval_months": "1",
        "net_days": "0",
        "method": "card",
        "auto_renew": "yes",
        "notice_days": "30",
        "uplift_percent": "3",
        "discount_percent": "15",
        "currency": "EUR",
        "signer": {"name": "Louise Brune", "email": "compta@brune.example"},
        "lines": [
            {"product": "standard", "quantity": "35", "discount_percent": "10"},
            {"product": "translation", "charge": "access", "quantity": "1"},
        ],
    }


def test_all_problems_of_all_rows_come_at_once_with_line_and_column(tmp_path: Path) -> None:
    bad = {
        **ROW,
        "name": "Bad deal",
        "term_months": "twelve",
        "lines": "standard:-35",
        "discount": "105",
        "auto_renew": "maybe",
        "start": "5 January",
        "signer": "sing 24h",
        "card_script": "stolen_card*;succeed",
        "provisioner": "users fails",
        "desk": "approve",
    }
    transfer = {**ROW, "name": "Transfer", "method": "transfer"}

    with pytest.raises(FileProblems) as refused:
        load_deals(deals_file(tmp_path, ROW, bad, transfer, ROW))

    assert problems_of(refused, tmp_path) == [
        "deals.csv:3: auto_renew: expected true or false, found 'maybe'",
        "deals.csv:3: card_script: 'stolen_card*' never ends, so nothing can follow it",
        "deals.csv:3: card_script: is missing: a deal on a card says what the card does",
        (
            "deals.csv:3: desk: expected 'approve 4h', 'silent then approve 4h', "
            "'reject 6h: reason; then revise 15%' or 'by name', found 'approve'"
        ),
        "deals.csv:3: discount: expected 0 to 100, found 105",
        "deals.csv:3: lines: line 1 quantity: must be above 0, found -35",
        "deals.csv:3: provisioner: expected 'ok', 'users fails 2' or 'users fails for good', found 'users fails'",
        "deals.csv:3: signer: expected 'sign 24h', 'decline 48h: reason' or 'ignore', found 'sing 24h'",
        "deals.csv:3: start: expected a date as in 2026-01-31, found '5 January'",
        "deals.csv:3: term_months: expected a number, found 'twelve'",
        "deals.csv:4: card_script: a deal on transfer has no card and no debit",
        "deals.csv:4: payer: is missing: a deal on transfer says how its payer pays",
        "deals.csv:5: name: 'One deal' is there twice",
    ]


@pytest.mark.parametrize("lines", ["", "standard", "standard:", "standard:1@ten%", "standard:1;;basic:2"])
def test_lines_that_cannot_be_read_are_told_with_their_form(tmp_path: Path, lines: str) -> None:
    with pytest.raises(FileProblems) as refused:
        load_deals(deals_file(tmp_path, {**ROW, "lines": lines}))

    assert {problem.where for problem in refused.value.problems} == {"lines"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", ["a.csv:1: is empty"]),
        ("a,c\n1,2\n", ["a.csv:1: b: this column is missing", "a.csv:1: c: unknown column"]),
        ("a,b,b\n", ["a.csv:1: b: this column is there twice"]),
        ("a,b\n1\n2,3,4\n", ["a.csv:2: expected 2 columns, found 1", "a.csv:3: expected 2 columns, found 3"]),
        ('a,b\n1,2\n"3,4\n', ["a.csv:3: malformed CSV: unexpected end of data"]),
        ('a,b\n1,"2"x\n', ["a.csv:2: malformed CSV: ',' expected after '\"'"]),
    ],
)
def test_malformed_csv_is_told_with_its_line(tmp_path: Path, text: str, said: list[str]) -> None:
    path = write(tmp_path / "a.csv", text)

    with pytest.raises(FileProblems) as refused:
        load_csv(path, ("a", "b"))

    assert problems_of(refused, tmp_path) == said


def test_a_row_is_numbered_by_the_line_on_which_it_starts(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", '\ufeffb,a\r\n"two\nlines",1\r\n\r\n3, 4 \r\n')

    rows = load_csv(path, ("a", "b"))

    assert [(row.line, dict(row.fields)) for row in rows] == [
        (2, {"b": "two\nlines", "a": "1"}),
        (5, {"b": "3", "a": "4"}),
    ]


def test_an_account_without_its_columns_in_order_is_refused(tmp_path: Path) -> None:
    header = ",".join(ACCOUNT_COLUMNS)
    path = write(tmp_path / "a.csv", f"{header}\nx y,X,fr,C,mail,Street,FRA,EURO,Paris,\n")

    with pytest.raises(FileProblems) as refused:
        load_accounts(path)

    assert [problem.where for problem in refused.value.problems] == ["account", "country", "currency", "email", "zone"]


# --- the demo's own book ---------------------------------------------------------------------------------------------


def test_the_demo_has_every_fate_and_the_mix_it_promises() -> None:
    book = load_book()

    desks = Counter(deal.desk.action for deal in book.deals if deal.desk)
    payers = Counter(deal.payer.action for deal in book.deals if deal.payer)
    charges = {
        model.model for each in book.price_books.values() for product in each.products for model in product.charges
    }
    assert len(book.deals) == 46
    assert sum(deal.whole for deal in book.deals) == 10
    assert {deal.draft(book.accounts[deal.account])["currency"] for deal in book.deals} == {"EUR", "USD", "GBP", "JPY"}
    assert charges == set(MODELS)
    assert set(desks) == {"approve", "reject", "silent", "named"}
    assert set(payers) == {"transfer", "short", "never"}
    assert {deal.signer.action for deal in book.deals} == {"sign", "decline", "ignore"}
    assert {deal.renewal_signer.action for deal in book.deals} == {"sign", "decline", "ignore"}
    assert {deal.provisioning.for_good for deal in book.deals if deal.provisioning.fail_step} == {True, False}
    assert {deal.card_script[-1] for deal in book.deals if deal.card_script} == {
        "succeed",
        "stolen_card",
        "insufficient_funds",
        "expired_card",
    }
    assert {deal.terms.get("interval_months", "1") for deal in book.deals} == {"1", "3", "12"}
    assert sum(deal.sepa for deal in book.deals) == 3
    assert sum(deal.desk is None for deal in book.deals) == 31


def test_the_demo_prices_as_its_vendors_publish() -> None:
    book = load_book()
    (pinewood,) = (deal for deal in book.deals if deal.account == "pinewood")

    quote = price(
        Draft.parse(pinewood.draft(book.accounts["pinewood"])), book.price_books["storage-usd"], on=pinewood.start
    )

    # 51,200 × 0.023 + 460,800 × 0.022 + 128,000 × 0.021 = 14,003.20 a month; the transfer 100 × 0 + 10,140 × 0.09
    # + 40,960 × 0.085 + 8,800 × 0.07 = 5,010.20; a quarter of each
    assert [line.list_minor for line in quote.lines] == [4200960, 1503060]
    assert [line.line_discount_minor for line in quote.lines] == [420096, 0]
    assert quote.totals.net_minor == 5019728


def test_names_that_lead_nowhere_are_told_with_their_line(tmp_path: Path) -> None:
    shutil.copytree(FOLDER, tmp_path / "book", ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    unknown = {**ROW, "account": "nobody", "owner": "no@one.example", "price_book": "nothing"}
    elsewhere = {**ROW, "name": "Elsewhere", "entity": "us"}
    product = {**ROW, "name": "Product", "lines": "gold:1", "discount": "0"}
    crowded = {**ROW, "name": "Crowded", "lines": "standard:301", "discount": "0"}
    asked = {**ROW, "name": "Asked", "lines": "standard:30", "discount": "20"}
    unasked = {**ROW, "name": "Unasked", "lines": "standard:30", "discount": "0", "desk": "approve 4h"}
    step = {**ROW, "name": "Step", "lines": "standard:30", "discount": "0", "provisioner": "rocket fails 1"}
    deals_file(tmp_path / "book", unknown, elsewhere, product, crowded, asked, unasked, step)

    with pytest.raises(FileProblems) as refused:
        load_book(tmp_path / "book")

    assert [(problem.line, problem.where) for problem in refused.value.problems] == [
        (2, "account"),
        (2, "owner"),
        (2, "price_book"),
        (3, "desk"),
        (3, "entity"),
        (4, "lines"),
        (5, "lines"),
        (6, "desk"),
        (7, "desk"),
        (8, "provisioner"),
    ]


def test_problems_of_several_files_come_together(tmp_path: Path) -> None:
    shutil.copytree(FOLDER, tmp_path / "book", ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    write(tmp_path / "book" / "people.yaml", "people: []\n")
    write(tmp_path / "book" / "price_books" / "zzz.yaml", "name: [\n")

    with pytest.raises(FileProblems) as refused:
        load_book(tmp_path / "book")

    assert [Path(problem.file).name for problem in refused.value.problems] == ["people.yaml", "zzz.yaml"]


def test_a_deal_is_a_value() -> None:
    (first, *_) = load_book().deals

    assert replace(first, name="other") != first
