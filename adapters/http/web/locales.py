"""The five languages we write, and which of them a reader wants."""

from typing import Any, Final

from litestar import Request
from litestar.connection import ASGIConnection

from domain.kernel.locales import LOCALES

LOCALE_FALLBACKS: Final = {"no": "nb", "nn": "nb", "mo": "ro"}
"""Languages whose readers read one of ours."""


def get_locale(connection: ASGIConnection[Any, Any, Any, Any]) -> str:
    """The best of our locales for the reader's `Accept-Language`; English when none fits."""
    return negotiate_locale(connection.headers.get("accept-language", ""))


def negotiate_locale(accept_language: str) -> str:
    wishes = [_parse_preference(part) for part in accept_language.split(",")[:20]]
    for weight, language in sorted(wishes, key=lambda wish: -wish[0]):
        ours = LOCALE_FALLBACKS.get(language, language)
        if weight > 0 and ours in LOCALES:
            return ours
    return LOCALES[0]


def _parse_preference(part: str) -> tuple[float, str]:
    """Parse `sv-SE;q=0.8` as (0.8, "sv"); an unreadable preference has weight zero."""
    tag, _, quality = part.partition(";")
    try:
        weight = float(quality.strip().removeprefix("q=") or 1)
    except ValueError:
        weight = 0.0
    return weight, tag.strip().partition("-")[0].lower()


def provide_locale(request: Request[Any, Any, Any]) -> str:
    return get_locale(request)
