"""A token in an address is a secret: whatever a server logs of its pages is logged without it."""

from __future__ import annotations

import logging
import re

_TOKEN = re.compile(r"/([aq])/[^/?#\s]+")


def without_tokens(said: str) -> str:
    """An address, or a line with one, without the token of a one-click link or of a share link.

    >>> without_tokens("/a/dl_1.f00.s3cret?said=approve"), without_tokens("/q/sl_1.f00.s3cret/quote.pdf")
    ('/a/…?said=approve', '/q/…/quote.pdf')
    """
    return _TOKEN.sub(r"/\1/…", said)


class WithoutTokens(logging.Filter):
    """Takes the tokens out of a record before any handler writes it."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(without_tokens(each) if isinstance(each, str) else each for each in record.args)
        return True


_ours = WithoutTokens()


def keep_tokens_out() -> None:
    """Have uvicorn's access log say nothing secret, however the server was started. Doing it twice changes nothing."""
    logging.getLogger("uvicorn.access").addFilter(_ours)
