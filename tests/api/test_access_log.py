"""The token of a link is a secret: no log of the server's has it."""

from __future__ import annotations

import logging

import pytest

from api.access_log import keep_tokens_out

LINE = '%s - "%s %s HTTP/%s" %d'  # uvicorn's


@pytest.mark.parametrize(
    ("path", "logged"),
    [
        ("/a/dl_x.hash.signature?said=approve", "/a/…?said=approve"),
        ("/q/sl_x.hash.signature/quote.pdf", "/q/…/quote.pdf"),
        ("/v1/approvals?mine=true", "/v1/approvals?mine=true"),
    ],
)
def test_the_access_log_says_no_token(caplog: pytest.LogCaptureFixture, path: str, logged: str) -> None:
    keep_tokens_out()
    keep_tokens_out()
    access = logging.getLogger("uvicorn.access")
    access.addHandler(caplog.handler)
    try:
        with caplog.at_level(logging.INFO, logger=access.name):  # servers of other tests were told to be quiet
            access.warning(LINE, "127.0.0.1:5", "GET", path, "1.1", 200)
    finally:
        access.removeHandler(caplog.handler)

    assert f'"GET {logged} HTTP/1.1" 200' in caplog.text
