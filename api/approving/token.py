"""The token of a one-click link: signed, never stored; it says which link and which content. Whether it may still decide is
for the tables: the link's row binds person, version, verb and end, and is spent with the decision.
"""

from __future__ import annotations

import secrets

from fastapi import Request

from api.shares.token import Links, TokenAltered
from settings import Settings

_TOKEN, _NONCE = "decide", "decide-form"


class DecisionLinks(Links):
    """Makes and reads the tokens of one-click links and the nonces of their forms."""

    def token(self, share_id: str, content_hash: str) -> str:
        """The token of a link. Raises a 503 refusal where there is no secret."""
        return self._signed(self._first(), _TOKEN, [share_id, content_hash])

    def url(self, share_id: str, content_hash: str) -> str:
        """The page's whole address."""
        return f"{self.public_url}/a/{self.token(share_id, content_hash)}"

    def read(self, token: str) -> tuple[str, str]:
        """The link's id and the content's hash. Raises TokenAltered."""
        link_id, content_hash = self._read(_TOKEN, token, 2)
        return link_id, content_hash

    def nonce(self, share_id: str, action: str) -> str:
        """What a form of the page carries: good for one decision, by this link alone."""
        return self._signed(self._first(), _NONCE, [share_id, action, secrets.token_hex(12)])

    def read_nonce(self, nonce: str, share_id: str, action: str) -> str:
        """The nonce's own part. Raises TokenAltered, also where it is of another link or another form."""
        link, form, own = self._read(_NONCE, nonce, 3)
        if (link, form) != (share_id, action):
            raise TokenAltered
        return own


def decide_url(settings: Settings, link_id: str, content_hash: str) -> str:
    """The address to put into a notice. Raises a 503 refusal where there is no secret to sign with."""
    return DecisionLinks(settings.link_secrets, settings.public_url).url(link_id, content_hash)


def decisions_of(request: Request) -> DecisionLinks:
    """The one-click links of this process."""
    settings: Settings = request.app.state.settings
    return DecisionLinks(settings.link_secrets, settings.public_url)
