"""One command's conversation with the API: an answer that asks to come again is asked again under the same key."""

import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx

from cli.home import home
from cli.trouble import Trouble

PATIENCE = 30.0  # seconds until a write that is not settled is told as such
SHORT, LONG = 0.2, 5.0
ACCEPTED, CONFLICT, UNAVAILABLE = 202, 409, 503

Json = Any


class Refused(Trouble):
    """The API's problem document, in plain words; `status` is the answer's."""

    def __init__(self, status: int, body: Mapping[str, Any]) -> None:
        self.status = status
        errors = [(str(each.get("path", "")), str(each.get("message", ""))) for each in body.get("errors", [])]
        facts = ", ".join(f"{name} {value}" for name, value in dict(body.get("facts", {})).items())
        what = str(body.get("detail", f"status {status}"))
        if errors and all(message in what for _, message in errors):  # they are told one by one below
            what = str(body.get("title", "the request is not valid")).lower()
        super().__init__(
            f"{what}" + (f" [{facts}]" if facts and facts not in what else ""),
            where=str(body.get("where", "")),
            mend=str(body.get("hint", "")),
            type_=str(body.get("type", "")).rpartition(":")[2],
            errors=errors,
        )


class Api:
    """The API under one key. Raises Trouble where it does not answer, Refused where it says no."""

    def __init__(self, url: str, key: str) -> None:
        self.url = url
        self._http = httpx.Client(
            base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=90.0, trust_env=False
        )

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    def get(self, path: str, **params: Any) -> Json:
        """One thing, or one page."""
        said = {name: value for name, value in params.items() if value is not None}
        return _read(self._send("GET", path, params=said))

    def text(self, path: str) -> str:
        """One document as the text that it is. Raises what `get` raises."""
        answer = self._send("GET", path)
        if answer.is_error:
            _read(answer)
        return answer.text

    def bytes(self, path: str) -> bytes:
        """One document as the bytes that it is. Raises what `get` raises."""
        answer = self._send("GET", path)
        if answer.is_error:
            _read(answer)
        return answer.content

    def pages(self, path: str, *, most: int | None = None, **params: Any) -> Iterator[Json]:
        """Every item of a list, read page by page; at most `most`."""
        cursor, left = None, most
        while left is None or left > 0:
            size = 200 if left is None else min(left, 200)
            found = self.get(path, limit=size, cursor=cursor, **params)
            yield from found["items"]
            cursor, left = found["next_cursor"], None if left is None else left - len(found["items"])
            if cursor is None:
                return

    def post(
        self,
        path: str,
        body: Json = None,
        *,
        key: str = "",
        patience: float | None = PATIENCE,
        going_on: Callable[[Json], None] = lambda _: None,
        yaml: str | None = None,
    ) -> Json:
        """One write, settled: 202, and whatever has Retry-After, is asked again under its key for `patience` seconds.

        None is without end. `going_on` hears each answer that was not the last.
        """
        headers = {"Idempotency-Key": key or str(uuid4())}
        content: dict[str, Any] = {"json": {} if body is None else body}
        if yaml is not None:
            content = {"content": yaml.encode()}
            headers["Content-Type"] = "application/yaml"
        until = None if patience is None else time.monotonic() + patience
        while True:
            answer = self._send("POST", path, headers=headers, **content)
            if not _again(answer) or (until is not None and time.monotonic() > until):
                return _read(answer)
            if answer.status_code == ACCEPTED:
                going_on(_read(answer))
            time.sleep(min(max(_seconds(answer), SHORT), LONG))

    def _send(self, method: str, path: str, **said: Any) -> httpx.Response:
        try:
            return self._http.request(method, path, **said)
        except httpx.ConnectError as error:
            raise Trouble(
                f"the API at {self.url} does not answer", mend="start it with `q2c up`, or mend Q2C_API_URL"
            ) from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise Trouble(
                f"the API at {self.url} broke off: {str(error) or type(error).__name__}",
                mend="look at `q2c status` and the log of the API, and at the deal before you say it again",
            ) from error


_opened: list[Api] = []


def api_of(folder: Path) -> Api:
    """The API of the folder, or of the environment, until the command ends. Raises Trouble."""
    found = home(folder)
    _opened.append(Api(found.api_url, found.api_key))
    return _opened[-1]


def close_all() -> None:
    """The command has ended."""
    while _opened:
        _opened.pop().close()


def _again(answer: httpx.Response) -> bool:
    if answer.status_code == ACCEPTED:
        return True
    return answer.status_code in {CONFLICT, UNAVAILABLE} and "retry-after" in answer.headers


def _seconds(answer: httpx.Response) -> float:
    said = answer.headers.get("retry-after", "")
    return float(said) if said.isdigit() else 0.0


def _read(answer: httpx.Response) -> Json:
    try:
        body = cleaned(answer.json())
    except ValueError:
        raise Trouble(
            f"{answer.url} answered {answer.status_code} without JSON", mend="is this the address of our API?"
        ) from None
    if answer.is_error:
        raise Refused(answer.status_code, body if isinstance(body, dict) else {})
    return body


def cleaned(value: Json) -> Json:
    """No text from outside may steer the terminal: what cannot be printed becomes a question mark.

    >>> cleaned({"name": "a" + chr(27) + "[2J"})
    {'name': 'a?[2J'}
    """
    if isinstance(value, str):
        return value if value.isprintable() else "".join(c if c.isprintable() or c == "\n" else "?" for c in value)
    if isinstance(value, list):
        return [cleaned(each) for each in value]
    if isinstance(value, dict):
        return {name: cleaned(each) for name, each in value.items()}
    return value
