"""No figure of a request passes through a float: a fraction in JSON stays the text that was sent, and so does all of YAML."""

import json
from typing import Any, NoReturn

import yaml
from fastapi import Request

from api.errors import Refusal

YAML_TYPES = frozenset({"application/yaml", "application/x-yaml", "text/yaml", "text/x-yaml"})
DEEPEST = 40


def document_body(example: dict[str, Any]) -> dict[str, Any]:
    """What the API's docs say of a route that takes a whole document, as JSON or YAML (see `document_of`)."""
    content = {
        "application/json": {"schema": {"type": "object"}, "example": example},
        "application/yaml": {"schema": {"type": "string"}},
    }
    return {"requestBody": {"required": True, "content": content}}


class ExactRequest(Request):
    """A request whose JSON keeps `0.1` as the text "0.1"; NaN and Infinity are refused as the malformed JSON they are."""

    async def json(self) -> Any:
        if not hasattr(self, "_exact"):
            self._exact = exact_json(await self.body())
        return self._exact


def exact_json(body: bytes) -> Any:
    """JSON without floats. Raises json.JSONDecodeError."""
    text = body.decode(errors="replace")
    try:
        body.decode()
    except UnicodeDecodeError as error:
        raise json.JSONDecodeError("not UTF-8", text, error.start) from None

    def no_number(word: str) -> NoReturn:
        raise json.JSONDecodeError(f"{word} is not a number of JSON", text, text.find(word))

    try:
        found = json.loads(text, parse_float=str, parse_constant=no_number)
    except RecursionError:
        raise json.JSONDecodeError("nested too deeply", text, 0) from None
    if not _is_text(found, text):
        raise json.JSONDecodeError("half of a character (a lone surrogate)", text, 0)
    return found


def _is_text(found: Any, source: str) -> bool:
    """Only an escape can stand for half of a character, which nothing that keeps or shows text can hold."""
    if "\\u" not in source:
        return True
    try:
        json.dumps(found, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


class _Plain(yaml.SafeLoader):
    """Every scalar as its own text; a key twice is an error, not the last one."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """Aliases are refused: a few lines of them can stand for a document without bound."""
        if self.check_event(yaml.AliasEvent):
            alias: yaml.Event = self.get_event()  # type: ignore[no-untyped-call]
            raise yaml.composer.ComposerError(None, None, "aliases are not read here", alias.start_mark)  # type: ignore[arg-type]
        return super().compose_node(parent, index)


_Plain.yaml_implicit_resolvers = {}


def _mapping(loader: _Plain, node: yaml.MappingNode) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key_node, value_node in node.value:
        key = str(loader.construct_object(key_node, deep=True))
        if key in found:
            raise yaml.constructor.ConstructorError(None, None, f"{key!r} is there twice", key_node.start_mark)
        found[key] = loader.construct_object(value_node, deep=True)
    return found


_Plain.add_constructor("tag:yaml.org,2002:map", _mapping)


def exact_yaml(body: bytes) -> Any:
    """YAML as text scalars. Raises a 422 refusal that names line and column."""
    try:
        found = yaml.load(body, Loader=_Plain)  # noqa: S506 - derived from the safe loader
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}" if mark is not None else "body"
        raise _malformed(error.problem or "not YAML", where) from error
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise _malformed("not YAML: an unreadable character, or nested too deeply", "body") from error
    if not _is_text(found, body.decode(errors="replace")):
        raise _malformed("half of a character (a lone surrogate)", "body")
    return found


def _malformed(problem: str, where: str) -> Refusal:
    return Refusal(422, "DocumentMalformed", f"{where}: {problem}", where=where, hint="mend the document at this place")


async def document_of(request: Request) -> dict[str, Any]:
    """The body as a mapping, from JSON or YAML by its content type. Raises refusals that name the place."""
    body = await request.body()
    media_type = request.headers.get("content-type", "application/json").partition(";")[0].strip().lower()
    if media_type in YAML_TYPES:
        found = exact_yaml(body)
    else:
        try:
            found = exact_json(body)
        except json.JSONDecodeError as error:
            raise _malformed(error.msg, f"line {error.lineno}, column {error.colno}") from error
    if not isinstance(found, dict):
        raise _malformed("expected fields by name", "line 1, column 1")
    return found
