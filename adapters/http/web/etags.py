"""Entity tags: `ETag` on reads, `If-Match` on writes."""

import re
from collections.abc import Collection
from typing import Any, Final, TypeVar

from litestar import Request, Response
from litestar.openapi import ResponseSpec

from domain.kernel.errors import Invalid

T = TypeVar("T")

ETAG_PATTERN: Final = re.compile(r'"(\d{1,18})"')


def with_etag(value: T, version: int, *, status: int = 200) -> Response[T]:
    """`value` with its version as `ETag`."""
    return Response(value, status_code=status, headers={"ETag": f'"{version}"'})


def conditional_response(value: T, tag: str, known: Collection[str]) -> Response[T]:
    """`value` with `tag`, or 304 without it for a caller who has it already."""
    weak = f'W/"{tag}"'
    if weak in known or "*" in known:
        return Response(status_code=304, headers={"ETag": weak}, content=None)  # type: ignore[arg-type]
    return Response(value, headers={"ETag": weak})


NOT_MODIFIED: Final = {304: ResponseSpec(None, description="As the caller has it.")}


def provide_if_none_match(request: Request[Any, Any, Any]) -> frozenset[str]:
    """Provide the tags in `If-None-Match`: the versions that the caller already has."""
    header = request.headers.get("if-none-match", "")
    return frozenset(tag.strip() for tag in header.split(",") if tag.strip())


async def provide_if_match(request: Request[Any, Any, Any]) -> int | None:
    """The version in `If-Match`; None where any version will do (`*` or no header).

    Raises:
        Invalid: it is no tag of ours.
    """
    header = request.headers.get("if-match", "*").strip()
    if header == "*":
        return None
    if match := ETAG_PATTERN.fullmatch(header.removeprefix("W/")):
        return int(match[1])
    error = {"header": "If-Match", "code": "tag", "detail": 'a version in quotes, such as "3"'}
    raise Invalid("If-Match is no tag of ours.", errors=[error])
