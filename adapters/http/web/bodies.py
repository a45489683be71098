"""Decoding of request bodies: once, strictly, into a type that cannot be wrong."""

import re
from contextlib import suppress
from typing import Annotated, Any, Final, get_args

import msgspec
from litestar import Request
from litestar.exceptions import ClientException
from msgspec import Struct

from domain.kernel.errors import Invalid

_ERROR_PATH: Final = re.compile(r" - at `(?:key in )?\$(.*)`$")
_PATH_STEP: Final = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]|\[\.\.\.\]")
_JSON_TOKEN: Final = re.compile(rb'"(?:[^"\\]++|\\.)*+"|[\[\]{},]', re.DOTALL)
_ITEM_DEPTH: Final = 2
"""Nesting depth of the items of a batch: in a list, in an object."""
_MAX_JSON_TOKENS: Final = 1_000_000
"""Counting them delays every other request; no honest batch has as many."""
_UNREADABLE: Final = "The body is not readable as JSON."
_NUL_ESCAPE: Final = rb"\u0000"
_NUL: Final = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
_ERROR_CODES: Final = (
    (re.compile(r"unknown field `(.+)`"), "unknown_field"),
    (re.compile(r"missing required field `(.+)`"), "required"),
    (re.compile(r"no country of ISO 3166 in `(.+)`"), "unknown_country"),
    (re.compile(r"matching regex"), "pattern"),
    (re.compile(r"U\+0000"), "unprintable"),
    (re.compile(r"may be given once"), "repeated"),
    (re.compile(r"of length [<=>]"), "length"),
    (re.compile(r"Expected `\w+` >"), "minimum"),
    (re.compile(r"Expected `\w+` <"), "maximum"),
    (re.compile(r"Invalid enum value|Invalid value"), "not_allowed"),
    (re.compile(r"^Expected `|^Invalid (?:RFC3339|date|time|UUID|base64|number)"), "type"),
)


class EmptyBody(Struct, forbid_unknown_fields=True):
    """An empty object."""


class UnsupportedMediaType(ClientException):
    status_code = 415


class JsonRequest(Request[Any, Any, Any]):
    """A request whose JSON is decoded straight into the type of the handler's `data`."""

    async def json(self) -> Any:
        media = self.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media != "application/json":
            raise UnsupportedMediaType("The body must be sent as application/json.")
        field = self.route_handler.parsed_data_field
        kind = field.annotation if field else Any
        if items := self.route_handler.opt.get("item_by_item"):
            return decode_items(await self.body(), kind, items)
        return decode_json(await self.body(), kind)


def decode_json(body: bytes, kind: Any) -> Any:
    """`body` as a `kind`.

    Raises:
        ClientException: it is no JSON.
        Invalid: it is, but does not fit; `errors` points at the field and names the rule.
    """
    value = _decode(body, kind)
    if _has_nul(body):
        raise _nul_error(msgspec.json.decode(body))
    return value


def _has_nul(body: bytes) -> bool:
    return _NUL_ESCAPE in body and _NUL.search(body) is not None


def _decode(body: bytes, kind: Any) -> Any:
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as error:
        raise to_invalid(str(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise ClientException(_UNREADABLE) from None


def decode_items(body: bytes, kind: Any, name: str) -> Any:
    """Decode a batch: a `kind` whose field `name` holds items.

    It is read whole, and item by item where that fails: an item that cannot be read is replaced by
    the refusal that gives the reason, so that it stops none of the others.

    Raises:
        ClientException, Invalid: the batch around the items cannot be read.
    """
    with suppress(ClientException, Invalid):
        return decode_json(body, kind)
    fields = {field.name: field.type for field in msgspec.structs.fields(kind)}
    rules = [rule for rule in get_args(fields[name])[1:] if isinstance(rule, msgspec.Meta)]
    (item,) = get_args(get_args(fields[name])[0])
    return kind(
        **{name: [_decode_item(one, item) for one in _split_raw_items(body, kind, name, rules)]}
    )


def _split_raw_items(body: bytes, kind: Any, name: str, rules: list[msgspec.Meta]) -> list[bytes]:
    """Return each item as it was sent. Where one of them is no JSON, split them by their tokens.

    Raises:
        ClientException, Invalid: the batch around the items cannot be read.
    """

    def batch_of(part: Any) -> Any:
        fields = [(name, Annotated[(list[part], *rules)])]
        return msgspec.defstruct(kind.__name__, fields, forbid_unknown_fields=True)

    try:
        return [bytes(one) for one in getattr(_decode(body, batch_of(msgspec.Raw)), name)]
    except ClientException:
        frame, items = split_items(body)
        return [items[place] for place in getattr(_decode(frame, batch_of(int)), name)]


def split_items(body: bytes) -> tuple[bytes, list[bytes]]:
    """Split a batch into a frame, with each item replaced by its index, and the raw items.

    Only strings, brackets and commas are looked at. Where these do not show where an item ends, the
    frame is no JSON either.

    Raises:
        ClientException: there are more of them than in any batch.
    """
    frame, items = bytearray(), list[bytes]()
    depth, begin, done = 0, -1, 0
    for seen, mark in enumerate(_JSON_TOKEN.finditer(body)):
        if seen == _MAX_JSON_TOKENS:
            raise ClientException(_UNREADABLE)
        sign = mark[0][:1]
        ends = sign in b",]}" and depth == _ITEM_DEPTH
        if ends and begin >= 0 and body[begin : mark.start()].strip():
            frame += body[done:begin] + str(len(items)).encode()
            items.append(body[begin : mark.start()])
            done = mark.start()
        depth += (sign in b"[{") - (sign in b"]}")
        if depth == _ITEM_DEPTH and (ends or sign == b"["):
            begin = mark.end()
        elif depth < _ITEM_DEPTH:
            begin = -1
    return bytes(frame + body[done:]), items


class _ItemWithId(Struct):
    id: str


def _decode_item(body: bytes, kind: Any) -> Any:
    try:
        return decode_json(body, kind)
    except ClientException as error:
        rule = {"pointer": "", "code": "unreadable", "detail": error.detail}
        return Invalid(error.detail, errors=[rule])
    except Invalid as refusal:
        with suppress(ValueError, RecursionError):
            refusal.facts["id"] = msgspec.json.decode(body, type=_ItemWithId).id
        return refusal


def to_invalid(message: str) -> Invalid:
    """The sentence of msgspec as a refusal, with a pointer to the field."""
    found = _ERROR_PATH.search(message)
    pointer = "".join(
        f"/{name or index}" for name, index in _PATH_STEP.findall(found[1] if found else "")
    )
    rule = message[: found.start()] if found else message
    code, named = classify_error(rule)
    if named:
        pointer += f"/{_escape_pointer(named)}"
    error = {"pointer": pointer, "code": code, "detail": rule.replace("`", "")}
    return Invalid(f"{pointer or 'The body'}: {error['detail']}.", errors=[error])


def classify_error(sentence: str) -> tuple[str, str]:
    """The code of the broken rule, and the field it names, if it names one."""
    for pattern, code in _ERROR_CODES:
        if match := pattern.search(sentence):
            return code, match[1] if match.groups() else ""
    return "invalid", ""


def _nul_error(value: Any) -> Invalid:
    """Names the first text with a NUL, which no text of ours can hold."""
    pointer = next(_find_nul(value, ""), "")
    rule = "a text cannot hold the character U+0000"
    error = {"pointer": pointer, "code": "unprintable", "detail": rule}
    return Invalid(f"{pointer or 'The body'}: {rule}.", errors=[error])


def _find_nul(value: Any, pointer: str) -> Any:
    if isinstance(value, str) and "\0" in value:
        yield pointer
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _find_nul(item, f"{pointer}/{index}")
    elif isinstance(value, dict):
        for name, item in value.items():
            if "\0" in name:
                yield pointer
            yield from _find_nul(item, f"{pointer}/{_escape_pointer(name)}")


def _escape_pointer(name: str) -> str:
    """A name as one step of a JSON pointer (RFC 6901)."""
    return name.replace("~", "~0").replace("/", "~1")
