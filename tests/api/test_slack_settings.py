"""Where chat goes is a setting: a webhook for all channels, and some with their own; a malformed one is an error at start."""

import pytest
from pydantic import SecretStr, ValidationError

from settings import Settings


def made(hooks: str) -> Settings:
    return Settings(database_url=SecretStr("postgresql://q2c@127.0.0.1/q2c"), slack_hooks=SecretStr(hooks))


def test_channels_with_their_own_webhook() -> None:
    found = made("desk=https://hooks.slack.test/T/B/x?a=b, cfo=http://127.0.0.1:1/slack/cfo").slack_hook_of
    assert found == {"desk": "https://hooks.slack.test/T/B/x?a=b", "cfo": "http://127.0.0.1:1/slack/cfo"}
    assert made("").slack_hook_of == {}
    assert made("@dana=https://x.test/1,desk=https://x.test/2").slack_hook_of.keys() == {"@dana", "desk"}


@pytest.mark.parametrize(
    "wrong",
    [
        "https://hooks.slack.test/T/B/SECRET",
        "=https://x.test/SECRET",
        "desk=SECRET",
        "desk",
        "@a=https://x.test/SECRET,b=https://x.test/SECRET",
    ],
)
def test_a_malformed_hook_is_refused_and_not_told(wrong: str) -> None:
    with pytest.raises(ValidationError) as raised:
        made(wrong)
    assert "SECRET" not in str(raised.value)
