"""A command that cannot be done ends in one Trouble: what, where, how to mend it; nothing else is told as a traceback."""

import re
from collections.abc import Sequence
from difflib import get_close_matches


class Trouble(Exception):
    """`where` is a field, a path or file:line:column; `errors` are (where, message) where there is more than one."""

    def __init__(
        self, what: str, *, where: str = "", mend: str = "", type_: str = "", errors: Sequence[tuple[str, str]] = ()
    ) -> None:
        super().__init__(what)
        self.what, self.where, self.mend, self.type, self.errors = what, where, mend, type_, tuple(errors)

    def lines(self) -> list[str]:
        """As the terminal tells it.

        >>> Trouble("there is no deal d_1", where="deal", mend="check the id", type_="UnknownDeal").lines()
        ['Refused: there is no deal d_1 (UnknownDeal)', '  where  deal', '  mend   check the id']
        """
        told = [f"Refused: {self.what}" + (f" ({self.type})" if self.type else "")]
        if self.errors:
            told += [f"  {where}: {message}" if where else f"  {message}" for where, message in self.errors]
        elif self.where:
            told.append(f"  where  {self.where}")
        if self.mend:
            told.append(f"  mend   {self.mend}")
        return told


def nearly(said: str, field: str) -> str:
    """What is said of an unknown field, with the known one that is spelled nearly so before all others.

    >>> nearly("f.yaml:2:3: card.colr: unknown field; known here: colour, name", "card.colr")
    'f.yaml:2:3: card.colr: unknown field, did you mean colour? Known here: colour, name'
    """
    before, found, known = said.partition("unknown field; known here: ")
    name = re.split(r"[.\]]", field)[-1]
    near = get_close_matches(name, known.split(", "), n=1) if found else []
    return f"{before}unknown field, did you mean {near[0]}? Known here: {known}" if near else said
