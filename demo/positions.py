"""A file from outside is read as text with its positions: every problem in it is told at once, with line and column.

YAML scalars stay the text that was written, so that a price never passes through a float and 2026-01-31 is not guessed at.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import yaml

from domain.errors import InvalidDocument

T = TypeVar("T")
NOT_A_DOCUMENT = "is empty"
FAST = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # written in C, where it is there: ten times as fast
Position = tuple[int, int]


@dataclass(frozen=True, slots=True, order=True)
class FileProblem:
    """One thing wrong in a file. `column` is 0 where the file has named columns (CSV); `where` is a path or a column."""

    file: str
    line: int
    column: int
    where: str
    message: str

    def __str__(self) -> str:
        at = f"{self.file}:{self.line}:{self.column}" if self.column else f"{self.file}:{self.line}"
        return f"{at}: {self.where}: {self.message}" if self.where else f"{at}: {self.message}"


class FileProblems(Exception):
    """A file that cannot be taken, with all that is wrong in it, in the order of the lines."""

    def __init__(self, problems: list[FileProblem]) -> None:
        self.problems = tuple(sorted(problems))
        super().__init__("\n".join(str(problem) for problem in self.problems))


@dataclass(frozen=True, slots=True)
class Document:
    """A YAML file as a plain mapping of texts, and where each path (`products[2].charges[0].per`) stands in it."""

    file: str
    mapping: Mapping[str, object]
    positions: Mapping[str, Position]

    def position(self, path: str) -> Position:
        """Line and column (from 1) of a path; of its nearest parent where the path itself is missing from the file."""
        while path not in self.positions:
            path = path[: max(path.rfind("."), path.rfind("["), 0)]
        return self.positions[path]

    def problem(self, path: str, message: str) -> FileProblem:
        return FileProblem(self.file, *self.position(path), path, message)

    def read(self, parse: Callable[[Mapping[str, object]], T]) -> T:
        """What `parse` makes of the mapping; an InvalidDocument becomes FileProblems at the lines it is about."""
        try:
            return parse(self.mapping)
        except InvalidDocument as refusal:
            raise FileProblems([self.problem(each.path, each.message) for each in refusal.problems]) from None


def load_text(path: Path) -> str:
    """The file as UTF-8 text. Raises FileProblems where it cannot be read."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise FileProblems([FileProblem(str(path), 1, 0, "", f"cannot be read: {error.strerror}")]) from None
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise FileProblems([FileProblem(str(path), line, 0, "", "is not UTF-8 text")]) from None


def load_yaml(path: Path) -> Document:
    """One YAML mapping with its positions. Raises FileProblems: malformed, a key twice, an alias, not a mapping."""
    text = load_text(path)
    try:
        try:
            aliases, node = _composed(text, FAST)
        except yaml.YAMLError:  # told by the slow one, so that the words are the same everywhere
            aliases, node = _composed(text, yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 0)
        message = f"malformed YAML: {error.problem or error.context}"
        raise FileProblems([FileProblem(str(path), line, column, "", message)]) from None
    except yaml.YAMLError as error:  # a control character: no mark, only an offset
        raise FileProblems([FileProblem(str(path), 1, 0, "", f"malformed YAML: {error}".splitlines()[0])]) from None
    if aliases:  # an alias could hold itself, or unfold without end
        message = "aliases (*name) are not taken: write it out"
        raise FileProblems([FileProblem(str(path), *at, "", message) for at in aliases])
    tree = _Tree(str(path))
    mapping = tree.value(node, "") if node is not None else None
    if not isinstance(mapping, dict) and not tree.problems:
        message = "expected fields by name" if node is not None else NOT_A_DOCUMENT
        tree.problems.append(FileProblem(str(path), 1, 1, "", message))
    if tree.problems or not isinstance(mapping, dict):
        raise FileProblems(tree.problems)
    return Document(str(path), mapping, tree.positions)


def _composed(text: str, loader: Any) -> tuple[list[Position], yaml.Node | None]:
    """Where the aliases of a YAML text stand, and its nodes if there are none."""
    marks = [event.start_mark for event in yaml.parse(text, Loader=loader) if _is_alias(event)]
    aliases = [(mark.line + 1, mark.column + 1) for mark in marks if mark is not None]
    return aliases, yaml.compose(text, Loader=loader) if not aliases else None


def _is_alias(event: yaml.Event) -> bool:
    return isinstance(event, yaml.AliasEvent)


@dataclass
class _Tree:
    """Walks YAML nodes into plain values, noting where each path stands."""

    file: str
    positions: dict[str, Position] = field(default_factory=dict)
    problems: list[FileProblem] = field(default_factory=list)

    def value(self, node: yaml.Node, path: str) -> object:
        here = (node.start_mark.line + 1, node.start_mark.column + 1)
        self.positions.setdefault(path, here)
        if isinstance(node, yaml.MappingNode):
            return self._fields(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item, f"{path}[{i}]") for i, item in enumerate(node.value)]
        return None if node.tag == "tag:yaml.org,2002:null" else node.value

    def _fields(self, node: yaml.MappingNode, path: str) -> dict[str, object]:
        fields: dict[str, object] = {}
        for key, item in node.value:
            here = (key.start_mark.line + 1, key.start_mark.column + 1)
            if not isinstance(key, yaml.ScalarNode):
                self.problems.append(FileProblem(self.file, *here, path, "a field's name must be plain text"))
                continue
            inner = f"{path}.{key.value}" if path else str(key.value)
            if key.value in fields:
                self.problems.append(FileProblem(self.file, *here, inner, "is there twice"))
                continue
            value_at = (item.start_mark.line + 1, item.start_mark.column + 1)
            self.positions[inner] = value_at if isinstance(item, yaml.ScalarNode) else here
            fields[key.value] = self.value(item, inner)
        return fields


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a CSV file as the fields of its named columns."""

    file: str
    line: int
    fields: Mapping[str, str]

    def problem(self, column: str, message: str) -> FileProblem:
        return FileProblem(self.file, self.line, 0, column, message)

    def read(self, parse: Callable[[Mapping[str, object]], T]) -> T:
        """What `parse` makes of the fields; an InvalidDocument becomes FileProblems that name line and column."""
        try:
            return parse(self.fields)
        except InvalidDocument as refusal:
            raise FileProblems([self.problem(each.path, each.message) for each in refusal.problems]) from None


def load_csv(path: Path, columns: tuple[str, ...], optional: tuple[str, ...] = ()) -> list[Row]:
    """The rows of a CSV file with these named columns, in any order; `optional` ones may be left out. Raises FileProblems."""
    reader = csv.reader(io.StringIO(load_text(path), newline=""), strict=True)
    problems: list[FileProblem] = []
    rows: list[Row] = []
    header: list[str] | None = None
    start = 1
    try:
        for cells in reader:
            start, line = reader.line_num + 1, start  # a quoted cell may hold line breaks: a row is where it starts
            if not any(cell.strip() for cell in cells):
                continue
            if header is None:
                header = [cell.strip() for cell in cells]
                problems += _header_problems(str(path), line, header, columns, optional)
                if problems:
                    break
            elif len(cells) != len(header):
                message = f"expected {len(header)} columns, found {len(cells)}"
                problems.append(FileProblem(str(path), line, 0, "", message))
            else:
                fields = dict(zip(header, (cell.strip() for cell in cells), strict=True))
                rows.append(Row(str(path), line, fields))
    except csv.Error as error:
        problems.append(FileProblem(str(path), start, 0, "", f"malformed CSV: {error}"))
    if header is None and not problems:
        problems.append(FileProblem(str(path), 1, 0, "", NOT_A_DOCUMENT))
    if problems:
        raise FileProblems(problems)
    return rows


def _header_problems(
    file: str, line: int, header: list[str], columns: tuple[str, ...], optional: tuple[str, ...]
) -> list[FileProblem]:
    missing = [FileProblem(file, line, 0, name, "this column is missing") for name in columns if name not in header]
    unknown = [FileProblem(file, line, 0, name, "unknown column") for name in header if name not in columns + optional]
    twice = {name for name in header if header.count(name) > 1}
    return (
        missing + unknown + [FileProblem(file, line, 0, name, "this column is there twice") for name in sorted(twice)]
    )
