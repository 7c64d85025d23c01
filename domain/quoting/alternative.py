"""A version may hold several complete offers; whoever picks one names it."""

from __future__ import annotations

from dataclasses import dataclass

from domain.errors import Invalid


@dataclass(kw_only=True, eq=False)
class UnknownAlternative(Invalid):
    """An alternative that the version does not offer, or none picked where it offers several."""

    alternative: str
    offered: tuple[str, ...]
    hint: str = "name one of the alternatives of the version"
