"""The token of a one-click link: signed, never stored; it says which link and which content. Whether it may still decide is
for the tables: the link's row binds person, version, verb and end, and is spent with the decision.
"""

from __future__ import annotations

from fastapi import Request

from api.shares.token import Links
from settings import Settings


class DecisionLinks(Links):
    """Makes and reads the tokens of one-click links and the nonces of their forms."""

    salt = "decide"
    form_salt = "decide-form"
    path = "a"


def decide_url(settings: Settings, link_id: str, content_hash: str) -> str:
    """The address to put into a notice. Raises a 503 refusal where there is no secret to sign with."""
    return DecisionLinks(settings.link_secrets, settings.public_url).url(link_id, content_hash)


def decisions_of(request: Request) -> DecisionLinks:
    """The one-click links of this process."""
    settings: Settings = request.app.state.settings
    return DecisionLinks(settings.link_secrets, settings.public_url)
