"""README.md, docs/price-books.md, docs/quotes.md and docs/approvals.md are true: every example is played as it stands."""

import doctest
import json
import re
import shlex
from pathlib import Path
from types import ModuleType

import pytest
import yaml

from cli import approve, invoice, main, trouble
from cli.app import COMMANDS, GROUPS, PREVIEWS
from demo.load import load_price_book
from demo.positions import load_yaml
from domain.preview import told
from domain.quote_draft import Draft

DOCS = Path(__file__).parents[2] / "docs"
QUOTES, BOOKS, APPROVALS = (DOCS / name for name in ("quotes.md", "price-books.md", "approvals.md"))


def blocks(path: Path, kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```$", path.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)


FRAGMENTS = [block for block in blocks(QUOTES, "yaml") if block.startswith("# TCV")]
CONSOLE = blocks(QUOTES, "console")


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The files that the two pages show, and the one that breaks a rule."""
    for block in (*blocks(BOOKS, "yaml"), *blocks(QUOTES, "yaml")):
        if (named := re.match(r"# (\S+\.yaml)\n", block)) is not None:
            (tmp_path / named[1]).write_text(block.partition("\n")[2], encoding="utf-8")
    whole = (tmp_path / "deal.yaml").read_text(encoding="utf-8")
    (tmp_path / "broken.yaml").write_text(whole.replace("  - {product: silver, quantity: 1}\n", ""), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_files_are_whole(files: Path) -> None:
    assert {path.name for path in files.iterdir()} == {"cloud.yaml", "coupons.yaml", "deal.yaml", "broken.yaml"}
    assert len(load_price_book(files / "cloud.yaml").products) == 7
    assert (len(FRAGMENTS), len(CONSOLE)) == (6, 2)


@pytest.mark.parametrize("fragment", FRAGMENTS, ids=[block.splitlines()[0] for block in FRAGMENTS])
def test_each_fragment_comes_to_what_it_says(files: Path, capsys: pytest.CaptureFixture[str], fragment: str) -> None:
    draft = {**load_yaml(files / "deal.yaml").mapping}
    (files / "fragment.yaml").write_text(fragment, encoding="utf-8")
    draft.update(load_yaml(files / "fragment.yaml").mapping)
    (files / "deal.yaml").write_text(yaml.safe_dump(draft), encoding="utf-8")
    said = ["preview", "quote", "deal.yaml", "--on", "2027-01-01", "--coupons", "coupons.yaml", "--json"]
    assert main(said) == 0, capsys.readouterr().err
    offers = json.loads(capsys.readouterr().out)["offers"]
    (chosen,) = [each for each in offers if each["recommended"] or len(offers) == 1]
    assert f"# TCV {chosen['totals']['tcv']['text']}" == fragment.splitlines()[0]


@pytest.mark.parametrize("block", CONSOLE, ids=[block.splitlines()[0] for block in CONSOLE])
@pytest.mark.usefixtures("files")
def test_each_command_prints_what_it_says(capsys: pytest.CaptureFixture[str], block: str) -> None:
    """What stands between two ellipses is printed as it stands, in this order."""
    command, _, expected = block.partition("\n")
    main(command.removeprefix("$ q2c ").split())
    printed = "".join(capsys.readouterr())
    at = 0
    for part in expected.split("…\n"):
        assert part in printed[at:], part
        at = printed.index(part, at) + len(part)


@pytest.mark.parametrize("path", [QUOTES, BOOKS, APPROVALS], ids=lambda path: path.name)
def test_every_command_that_is_named_exists(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    named = set(re.findall(r"q2c ([a-z]+) ([a-z]+)\b", path.read_text(encoding="utf-8")))
    assert named
    for group, command in named:
        assert group in {*GROUPS, *COMMANDS, "preview"}
        assert group != "preview" or command in PREVIEWS
        assert main([group, command, "--help"]) == 0, (group, command)
    capsys.readouterr()


README = DOCS.parent / "README.md"
SHOWN = [
    said
    for path in (APPROVALS, README)
    for said in re.findall(r"^ {4,6}q2c (.*)$", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
]


@pytest.mark.parametrize("said", SHOWN)
def test_every_option_that_is_shown_exists(capsys: pytest.CaptureFixture[str], said: str) -> None:
    """What does not exist ends with 2, before help is shown."""
    assert main([*shlex.split(said, comments=True), "--help"]) == 0, capsys.readouterr().err
    capsys.readouterr()


@pytest.mark.parametrize("module", [invoice, told, approve, trouble], ids=lambda module: module.__name__)
def test_the_figures_in_the_docstrings_are_true(module: ModuleType) -> None:
    failed, attempted = doctest.testmod(module)
    assert (failed, attempted > 0) == (0, True)


def test_every_field_of_a_draft_is_told() -> None:
    text = QUOTES.read_text(encoding="utf-8")
    with pytest.raises(Exception, match="known here") as refused:
        Draft.parse({"colour": "red"})
    known = re.search(r"known here: ([a-z_, ]+)", str(refused.value))
    assert known is not None
    assert [name for name in known[1].split(", ") if not re.search(rf"\b{name}\b", text)] == []


def test_every_link_between_pages_leads_somewhere() -> None:
    pages = [README, *DOCS.rglob("*.md")]
    links = [(page, link) for page in pages for link in re.findall(r"\]\(([^)#:]+)[^)]*\)", page.read_text("utf-8"))]
    assert len(links) > 20
    assert [(page.name, link) for page, link in links if not (page.parent / link).exists()] == []


def test_every_page_has_its_task() -> None:
    index = (DOCS / "README.md").read_text(encoding="utf-8")
    pages = [path.relative_to(DOCS) for path in DOCS.rglob("*.md") if path.parent.name != "decisions"]
    assert [str(page) for page in pages if page.name != "README.md" and f"({page}" not in index] == []
