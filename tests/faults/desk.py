"""A desk that decides by one-click links while servers die: its people read their inbox, open the page, send its form, and
ask again until it is clear what happened.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any

from tests.inbox import Inbox, nonce_in, outcome
from tests.whole import DESK, PATIENCE, POLICY

DORA, FAY, FRED, FLO, KEN = (f"{name}@acme.example" for name in ("dora", "fay", "fred", "flo", "ken"))
BY_CHAT = {FRED: "@fred", KEN: "@ken"}
PEOPLE: tuple[dict[str, Any], ...] = (
    {"email": DESK, "name": "Dana Desk", "groups": ["deal_desk", "sales_lead"]},
    {"email": DORA, "name": "Dora Desk", "groups": ["deal_desk"], "language": "fr", "country": "FR"},
    {"email": FAY, "name": "Fay Finance", "groups": ["finance"]},
    {"email": FRED, "name": "Fred Finance", "groups": ["finance"], "slack": BY_CHAT[FRED]},
    {"email": FLO, "name": "Flo Finance", "groups": ["finance"]},
    {"email": KEN, "name": "Ken Key", "groups": [], "slack": BY_CHAT[KEN]},
)
STEEP = {"when": {"discount_percent_over": "20"}, "require": [{"level": 2, "group": "finance", "quorum": 2}]}
MATRIX: dict[str, Any] = {**POLICY, "rules": [*POLICY["rules"], STEEP]}
AT_WORK = ("still working on it", "y travaillons encore")


@dataclass(frozen=True, kw_only=True)
class Word:
    """What somebody says about a version, by a link of theirs; `form`: the page's other fields."""

    who: str
    verb: str = "approve"
    version: int = 1
    form: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Told:
    """What a person was told became of it."""

    deal_id: str
    word: Word
    said: str


@dataclass(kw_only=True)
class Desk:
    """Those people, in one running system."""

    inbox: Inbox
    told: list[Told] = field(default_factory=list)

    async def say(self, name: str, deal_id: str, word: Word) -> None:
        """Decide, whatever it takes. Raises TimeoutError, or AssertionError where the deal refuses."""
        path, form = await self._form(name, word)
        said = await self._sent(path, form)
        until = time.monotonic() + PATIENCE
        while said == "heard" and time.monotonic() < until:
            await asyncio.sleep(0.3)
            page = (await self.inbox.asked("GET", f"{path}?said=heard")).text
            if not any(words in page for words in AT_WORK):  # the same form once more says what became of it
                said = await self._sent(path, form)
        self.told.append(Told(deal_id=deal_id, word=word, said=said))
        assert said == word.verb, f"{word.who} said {word.verb} about {name} and was told {said}"

    async def _sent(self, path: str, form: dict[str, str]) -> str:
        answer = await self.inbox.asked("POST", path, data=form)
        return outcome(answer)

    async def _form(self, name: str, word: Word) -> tuple[str, dict[str, str]]:
        """The path of the newest link that has a form for it, and that form filled in."""
        until = time.monotonic() + PATIENCE
        seen: list[str] = []
        while time.monotonic() < until:
            seen = await self.inbox.links(word.who, name, word.version)
            for path in reversed(seen):
                nonce = nonce_in((await self.inbox.asked("GET", path)).text, word.verb)
                if nonce:
                    return path, {"verb": word.verb, "nonce": nonce, "reason": "as agreed", **word.form}
            await asyncio.sleep(0.4)
        raise TimeoutError(f"{word.who} got no link to {word.verb} {name}, version {word.version}; links: {seen}")
