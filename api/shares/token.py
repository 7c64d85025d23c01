"""The token of a share link: signed, never stored. It says which link and which content; whether it still opens is for the tables.

The first secret signs, all of them open: a new one is put in front, an old one stays until its links have expired.
"""

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from typing import ClassVar

from fastapi import Request
from itsdangerous import BadData, Signer

from api.errors import Refusal

_ADDRESS = "share-address"
LONGEST = 500


class TokenAltered(Exception):
    """No token of ours: made up, altered, or signed with a secret that is not ours any more."""


class Links:
    """Makes and reads tokens and addresses. `public_url` is where the outside reaches our API.

    What signs one kind of link (`salt`, and of its forms `form_salt`) opens no other; `path` is where its page is.
    """

    salt: ClassVar[str] = "share"
    form_salt: ClassVar[str] = "share-form"
    path: ClassVar[str] = "q"

    def __init__(self, secret_keys: Sequence[str], public_url: str) -> None:
        self._keys = tuple(secret_keys)
        self.public_url = public_url.rstrip("/")

    def token(self, share_id: str, content_hash: str) -> str:
        """The token of a link. Raises a 503 refusal where there is no secret."""
        return self._signed(self._first(), self.salt, [share_id, content_hash])

    def url(self, share_id: str, content_hash: str) -> str:
        """The page's whole address."""
        return f"{self.public_url}/{self.path}/{self.token(share_id, content_hash)}"

    def read(self, token: str) -> tuple[str, str]:
        """The link's id and the content's hash. Raises TokenAltered."""
        share_id, content_hash = self._read(self.salt, token, 2)
        return share_id, content_hash

    def nonce(self, share_id: str, action: str, about: str = "") -> str:
        """What a form of the page carries: good for one act, on this link alone. `about` is what the page showed, in short."""
        own = f"{about}-{secrets.token_hex(12)}" if about else secrets.token_hex(12)
        return self._signed(self._first(), self.form_salt, [share_id, action, own])

    def read_nonce(self, nonce: str, share_id: str, action: str) -> str:
        """The nonce's own part. Raises TokenAltered, also where it is of another link or another form."""
        link, form, own = self._read(self.form_salt, nonce, 3)
        if (link, form) != (share_id, action):
            raise TokenAltered
        return own

    def address_hash(self, share_id: str, address: str) -> str:
        """Tells the lookers of one link apart without keeping who they are."""
        key = hashlib.sha256(f"{_ADDRESS}/{self._first()}".encode()).digest()
        return hmac.new(key, f"{share_id}/{address}".encode(), hashlib.sha256).hexdigest()[:32]

    def _first(self) -> str:
        if not self._keys:
            raise Refusal(
                503, "LinksNotConfigured", "there is no secret to sign links with", hint="set Q2C_LINK_SECRET"
            )
        return self._keys[0]

    def _read(self, salt: str, token: str, count: int) -> list[str]:
        for key in self._keys if len(token) <= LONGEST and token.isascii() else ():
            try:
                parts = _signer(key, salt).unsign(token).decode().split(".")
            except (BadData, ValueError):
                continue
            # the last letter of a base64 text has bits that mean nothing: only the very text that we made is ours
            if len(parts) == count and hmac.compare_digest(self._signed(key, salt, parts), token):
                return parts
        raise TokenAltered

    def _signed(self, key: str, salt: str, parts: Sequence[str]) -> str:
        return _signer(key, salt).sign(".".join(parts)).decode()


def _signer(key: str, salt: str) -> Signer:
    return Signer(key, salt=salt, key_derivation="hmac", digest_method=hashlib.sha256)


def links_of(request: Request) -> Links:
    """The links of this process."""
    links: Links = request.app.state.links
    return links
