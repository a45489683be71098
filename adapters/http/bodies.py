"""Reading what a client sends: decoded once, strictly, into a type that cannot be wrong."""

import re
from contextlib import suppress
from typing import Annotated, Any, Final, get_args

import msgspec
from litestar import Request
from litestar.exceptions import ClientException
from msgspec import Struct

from domain.refusals import Invalid

_PATH: Final = re.compile(r" - at `(?:key in )?\$(.*)`$")
_STEP: Final = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]|\[\.\.\.\]")
_NUL_WORD: Final = rb"\u0000"
_NUL: Final = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
_RULES: Final = (
    (re.compile(r"unknown field `(.+)`"), "unknown_field"),
    (re.compile(r"missing required field `(.+)`"), "required"),
    (re.compile(r"matching regex"), "pattern"),
    (re.compile(r"U\+0000"), "unprintable"),
    (re.compile(r"may be given once"), "repeated"),
    (re.compile(r"of length [<=>]"), "length"),
    (re.compile(r"Expected `\w+` >"), "minimum"),
    (re.compile(r"Expected `\w+` <"), "maximum"),
    (re.compile(r"Invalid enum value|Invalid value"), "not_allowed"),
    (re.compile(r"^Expected `|^Invalid (?:RFC3339|date|time|UUID|base64|number)"), "type"),
)


class Nothing(Struct, forbid_unknown_fields=True):
    """An empty object."""


class UnsupportedMedia(ClientException):
    status_code = 415


class JsonRequest(Request[Any, Any, Any]):
    """A request whose JSON is decoded straight into the type of the handler's `data`."""

    async def json(self) -> Any:
        media = self.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media != "application/json":
            raise UnsupportedMedia("The body must be sent as application/json.")
        field = self.route_handler.parsed_data_field
        kind = field.annotation if field else Any
        if items := self.route_handler.opt.get("item_by_item"):
            return read_items(await self.body(), kind, items)
        return read_json(await self.body(), kind)


def read_json(body: bytes, kind: Any) -> Any:
    """`body` as a `kind`.

    Raises:
        ClientException: it is no JSON.
        Invalid: it is, but does not fit; `errors` points at the field and names the rule.
    """
    value = _decoded(body, kind)
    if _NUL_WORD in body and _NUL.search(body):
        raise _unprintable(msgspec.json.decode(body))
    return value


def _decoded(body: bytes, kind: Any) -> Any:
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as error:
        raise refused(str(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise ClientException("The body is not readable as JSON.") from None


def read_items(body: bytes, kind: Any, name: str) -> Any:
    """A batch: a `kind` whose field `name` holds items, each read on its own.

    An item that cannot be read stands there as the refusal that says why, so that it stops none
    of the others.

    Raises:
        ClientException, Invalid: the batch around the items cannot be read.
    """
    fields = {field.name: field.type for field in msgspec.structs.fields(kind)}
    rules = [rule for rule in get_args(fields[name])[1:] if isinstance(rule, msgspec.Meta)]
    (item,) = get_args(get_args(fields[name])[0])
    raw: Any = Annotated[(list[msgspec.Raw], *rules)]
    loose = msgspec.defstruct(kind.__name__, [(name, raw)], forbid_unknown_fields=True)
    batch = _decoded(body, loose)
    return kind(**{name: [_read_item(bytes(one), item) for one in getattr(batch, name)]})


class _Named(Struct):
    id: str


def _read_item(body: bytes, kind: Any) -> Any:
    try:
        return read_json(body, kind)
    except ClientException as error:
        rule = {"pointer": "", "code": "unreadable", "detail": error.detail}
        return Invalid(error.detail, errors=[rule])
    except Invalid as refusal:
        with suppress(msgspec.DecodeError):
            refusal.facts["id"] = msgspec.json.decode(body, type=_Named).id
        return refusal


def refused(message: str) -> Invalid:
    """The sentence of msgspec as a refusal, with a pointer to the field."""
    found = _PATH.search(message)
    pointer = "".join(
        f"/{name or index}" for name, index in _STEP.findall(found[1] if found else "")
    )
    rule = message[: found.start()] if found else message
    code, named = rule_of(rule)
    if named:
        pointer += f"/{_escape(named)}"
    error = {"pointer": pointer, "code": code, "detail": rule.replace("`", "")}
    return Invalid(f"{pointer or 'The body'}: {error['detail']}.", errors=[error])


def rule_of(sentence: str) -> tuple[str, str]:
    """The code of the broken rule, and the field it names, if it names one."""
    for pattern, code in _RULES:
        if match := pattern.search(sentence):
            return code, match[1] if match.groups() else ""
    return "invalid", ""


def _unprintable(value: Any) -> Invalid:
    """Names the first text with a NUL, which no text of ours can hold."""
    pointer = next(_with_nul(value, ""), "")
    rule = "a text cannot hold the character U+0000"
    error = {"pointer": pointer, "code": "unprintable", "detail": rule}
    return Invalid(f"{pointer or 'The body'}: {rule}.", errors=[error])


def _with_nul(value: Any, pointer: str) -> Any:
    if isinstance(value, str) and "\0" in value:
        yield pointer
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _with_nul(item, f"{pointer}/{index}")
    elif isinstance(value, dict):
        for name, item in value.items():
            if "\0" in name:
                yield pointer
            yield from _with_nul(item, f"{pointer}/{_escape(name)}")


def _escape(name: str) -> str:
    """A name as one step of a JSON pointer (RFC 6901)."""
    return name.replace("~", "~0").replace("/", "~1")
