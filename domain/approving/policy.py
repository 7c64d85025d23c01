"""The approval matrix as data: rules over facts ask for groups at levels; no match means approved.

As a document (all that the first release's form says means the same here):

    name: standard
    stands_days: 90                # a decision is carried over to a better version for so long; 0 (the default): never
    auto_approve:                  # where one of these holds nobody is asked, whatever the rules say
      - {tcv_below: {EUR: "1000"}, discount_percent_below: "5"}
    rules:
      - name: steep discount       # `rule 1`, `rule 2`, … where none is given
        names: {fr: Remise forte}  # how it is called in other languages (naming.py)
        when:
          any: [{discount_percent_over: "25"}, {acv_over: {EUR: "100000", USD: "110000"}}]
          not: {segment_in: [public]}
        require:
          - {level: 1, group: sales_manager}
          - {level: 2, group: finance, quorum: 2}     # any (the default), all, or how many
        remind_after: 8 business_hours
        escalate:                  # rung by rung, each counted from the one before
          - {after: 2 business_days, to: manager}
          - {after: 1 business_days, to: next_level}
          - {after: 10 days, to: sales}               # nobody decided: the version goes back, expired
    groups:                        # one that is not listed: the people who have that role
      finance:
        - {people: [fay@acme.example], regions: [EMEA]}
        - {roles: [finance_us], regions: [AMER], segments: [enterprise], entities: [ent_us]}
    group_names:                   # how groups are called; one that is not here as it is written
      sales_manager: {en: Sales managers, fr: Responsables des ventes}

Conditions: `<fact>_over` and `<fact>_below` for discount_percent, margin_percent, partner_percent, term_months, net_days,
clauses (how many) and for acv, tcv, one_time (major units: one figure, or a table by currency); below_floor and ramp (true or
false); product_in, region_in, clause_in, segment_in, method_in, currency_in, entity_in (lists); any, all, not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from domain.approving.calendar import SHAPE, Patience
from domain.approving.condition import All, Node, Sheet, reasons, value_of
from domain.approving.condition_form import WORD, read
from domain.catalogue.naming import Names, in_language, read_names
from domain.document import Reader
from domain.errors import InvalidDocument, Problem
from domain.need import ALL, MANAGER, NEXT_LEVEL, SALES

GROUP = r"[a-z0-9][a-z0-9_.-]{0,63}"
GROUP_SHAPE = "a group in lower case, such as deal_desk"
PERSON = r"[^@\s]{1,100}@[^@\s]{1,150}"
RUNGS = 9
QUORUMS = {"any": 1, "all": ALL}
MOST_VOICES = 20


class MatrixInvalid(InvalidDocument):
    """An approval matrix with problems, each with its path."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Members:
    """Some of a group: people by e-mail, or all who have a role; for some entities, regions, segments or for all."""

    people: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    entities: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    segments: tuple[str, ...] = ()

    def serve(self, facts: Sheet) -> bool:
        """Are they asked about a deal of these facts? One whose region is not known is nobody's region."""
        regions = value_of(facts, "regions")
        if self.regions and not (isinstance(regions, tuple) and set(regions) & set(self.regions)):
            return False
        scopes = (("entity", self.entities), ("segment", self.segments))
        return all(not allowed or facts.get(name) in allowed for name, allowed in scopes)


@dataclass(frozen=True, slots=True)
class Stage:
    """One rung as a policy states it: after how long, and to whom ('' nobody)."""

    after: Patience
    to: str


@dataclass(frozen=True, slots=True)
class Require:
    level: int
    group: str
    quorum: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    name: str
    when: Node
    require: tuple[Require, ...]
    remind_after: Patience
    stages: tuple[Stage, ...]
    names: Names = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """One version of a policy. `version` is given by whoever keeps it; 0 where it is not kept yet."""

    name: str
    rules: tuple[Rule, ...] = ()
    groups: tuple[tuple[str, tuple[Members, ...]], ...] = ()
    auto_approve: tuple[Node, ...] = ()
    stands_days: int = 0
    version: int = 0
    group_names: tuple[tuple[str, Names], ...] = ()

    @property
    def label(self) -> str:
        return f"{self.name}/{self.version}"

    @classmethod
    def parse(cls, mapping: Mapping[str, object], *, version: int = 0) -> Matrix:
        """Read a matrix; raises MatrixInvalid with every problem in it. A matrix without rules approves all.

        >>> matrix = Matrix.parse({"name": "p", "rules": [
        ...     {"when": {"discount_percent_over": 10}, "require": [{"group": "desk", "quorum": 2}]}]}, version=3)
        >>> matrix.label, matrix.rules[0].name, matrix.rules[0].require
        ('p/3', 'rule 1', (Require(level=1, group='desk', quorum=2),))
        """
        problems: list[Problem] = []
        reader = Reader(mapping, problems)
        matrix = cls(
            name=reader.text("name", pattern=GROUP, shape="a name in lower case"),
            rules=tuple(_rule(each, i) for i, each in enumerate(reader.sections("rules", required=False))),
            groups=_groups(reader.section("groups", required=False)),
            auto_approve=tuple(read(each) for each in reader.sections("auto_approve", required=False)),
            stands_days=reader.whole("stands_days", 0, minimum=0, maximum=3650),
            version=version,
            group_names=_group_names(reader.section("group_names", required=False)),
        )
        reader.end()
        matrix._refuse_unknown_names(reader)
        for i, node in enumerate(matrix.auto_approve):
            if node == All():
                reader.problem(f"auto_approve[{i}]", "says nothing: it would approve everything")
        if problems:
            raise MatrixInvalid(problems=tuple(problems))
        return matrix

    def members(self, group: str) -> tuple[Members, ...]:
        """Who is in a group; one that is not listed is a role."""
        return dict(self.groups).get(group, (Members(roles=(group,)),))

    def rule_called(self, name: str, language: str) -> str:
        """A rule as a reader of this language calls it."""
        return next((in_language(each.names, language, name) for each in self.rules if each.name == name), name)

    def _refuse_unknown_names(self, reader: Reader) -> None:
        """A name for a group that nobody asks is a misspelling: its readers would never see it."""
        known = {name for name, _ in self.groups} | {need.group for rule in self.rules for need in rule.require}
        known |= {stage.to for rule in self.rules for stage in rule.stages}
        for group, _ in self.group_names:
            if group not in known:
                reader.problem(f"group_names.{group}", "is a group that no rule asks")

    def approves(self, facts: Sheet) -> tuple[str, ...] | None:
        """Why this version needs nobody, whatever the rules say; None where they have the word."""
        for node in self.auto_approve:
            if (why := reasons(node, facts, unknown=False)) is not None:
                return why
        return None


def called(matrices: Iterable[Matrix], language: str) -> Callable[[str], str]:
    """How the groups of these policies are called in a language: as the first of them says that calls it anything.

    >>> matrix = Matrix.parse({"name": "p", "rules": [{"require": [{"group": "deal_desk"}]}],
    ...     "group_names": {"deal_desk": {"fr": "Cellule des offres"}}})
    >>> called([matrix], "fr")("deal_desk"), called([matrix], "en")("deal_desk")
    ('Cellule des offres', 'deal desk')
    """
    tables = [dict(each.group_names) for each in matrices]

    def group(name: str) -> str:
        plain = name.replace("_", " ")
        return next((in_language(each[name], language, plain) for each in tables if name in each), plain)

    return group


def _rule(reader: Reader, index: int) -> Rule:
    when = read(reader.section("when", required=False))
    require = tuple(_require(each) for each in reader.sections("require"))
    rule = Rule(
        name=reader.text("name", f"rule {index + 1}"),
        when=when,
        require=require,
        remind_after=_remind(reader),
        stages=_stages(reader),
        names=read_names(reader),
    )
    reader.end()
    return rule


def _require(reader: Reader) -> Require:
    level = reader.whole("level", 1, minimum=1, maximum=9)
    group = reader.text("group", pattern=GROUP, shape=GROUP_SHAPE)
    said = reader.text("quorum", "any").lower()
    quorum = QUORUMS.get(said)
    if quorum is None:
        quorum = int(said) if said.isascii() and said.isdigit() and len(said) < 3 else 0  # noqa: PLR2004 — digits
        if not 1 <= quorum <= MOST_VOICES:
            reader.problem("quorum", f"expected any, all or 1 to {MOST_VOICES}, found {said!r}")
    reader.end()
    return Require(level, group, quorum)


def _patience(reader: Reader, name: str) -> Patience:
    said = reader.text(name)
    patience = Patience.read(said)
    if patience is None:
        if said:
            reader.problem(name, f"expected {SHAPE}, found {said!r}")
        return Patience(24, "hours")
    return patience


def _remind(reader: Reader) -> Patience:
    hours = Patience(reader.whole("remind_after_hours", 24, minimum=1, maximum=8760), "hours")
    if not reader.has("remind_after"):
        return hours
    if reader.has("remind_after_hours"):
        reader.problem("remind_after", "is said twice: leave remind_after_hours out")
    return _patience(reader, "remind_after")


def _stages(reader: Reader) -> tuple[Stage, ...]:
    hours = Patience(reader.whole("escalate_after_hours", 72, minimum=1, maximum=8760), "hours")
    to = reader.text("escalate_to", "", pattern=f"({GROUP})?", shape=GROUP_SHAPE)
    if not reader.has("escalate"):
        return (Stage(hours, to),)
    if reader.has("escalate_to") or reader.has("escalate_after_hours"):
        reader.problem("escalate", "is said twice: leave escalate_to and escalate_after_hours out")
    stages = []
    for each in reader.sections("escalate"):
        shape = "manager, next_level, sales or a group in lower case"
        stages.append(Stage(_patience(each, "after"), each.text("to", pattern=GROUP, shape=shape)))
        each.end()
    if len(stages) > RUNGS:
        reader.problem("escalate", f"has more than {RUNGS} rungs")
    if any(stage.to == SALES for stage in stages[:-1]):
        reader.problem("escalate", "goes on after sales: the version is back with them then")
    return tuple(stages)


def _groups(reader: Reader) -> tuple[tuple[str, tuple[Members, ...]], ...]:
    found = []
    for name in reader.names():
        if name in (MANAGER, NEXT_LEVEL, SALES):
            reader.problem(name, "is a word of escalations, and no group")
        found.append((name, tuple(_members(each) for each in reader.sections(name))))
    reader.end()
    return tuple(found)


def _group_names(reader: Reader) -> tuple[tuple[str, Names], ...]:
    found = tuple((group, read_names(reader, group)) for group in reader.names())
    reader.end()
    return found


def _members(reader: Reader) -> Members:
    members = Members(
        people=reader.texts("people", pattern=PERSON, shape="an e-mail address"),
        roles=reader.texts("roles", pattern=GROUP, shape=GROUP_SHAPE),
        entities=reader.texts("entities", pattern=WORD, shape="a legal entity"),
        regions=reader.texts("regions", pattern=WORD, shape="a region"),
        segments=reader.texts("segments", pattern=WORD, shape="a segment"),
    )
    if not members.people and not members.roles:
        reader.problem("", "names neither people nor roles")
    reader.end()
    return members
