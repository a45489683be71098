"""Cross-origin resource sharing: the headers of answers to pages, and the answers to preflights."""

from collections.abc import Mapping
from typing import Final

from litestar.config.cors import CORSConfig

HeaderList = list[tuple[bytes, bytes]]
SAFELISTED: Final = frozenset({"accept", "accept-language", "content-language", "content-type"})
"""Request headers that a page may always send."""


class Cors:
    """The rules of a `CORSConfig`, prepared for raw headers."""

    def __init__(self, config: CORSConfig) -> None:
        self._config = config
        self._headers = encode_headers({
            **config.simple_headers,
            "Access-Control-Allow-Headers": ", ".join(sorted(set(config.allow_headers))),
            "Access-Control-Allow-Methods": ", ".join(sorted(set(config.allow_methods))),
        })  # fmt: skip

    def response_headers(self, given: Mapping[bytes, bytes]) -> HeaderList:
        """Returns the headers of an answer to a request with an `Origin`."""
        origin = given[b"origin"]
        if self._config.is_allow_all_origins and b"cookie" not in given:
            return self._headers
        if not self._config.is_origin_allowed(origin.decode("latin-1")):
            return self._headers
        others = [pair for pair in self._headers if pair[0] != b"access-control-allow-origin"]
        return [*others, (b"access-control-allow-origin", origin), (b"vary", b"Origin")]

    def preflight(self, given: Mapping[bytes, bytes]) -> tuple[int, HeaderList, bytes]:
        """Returns status, headers and body of the answer to a preflight request."""
        if refused := self._refused(given):
            text = f"Disallowed CORS {', '.join(refused)}"
            return 400, [(b"content-type", b"text/plain; charset=utf-8")], text.encode()
        headers = encode_headers(self._config.preflight_headers)
        if not self._config.is_allow_all_origins:
            headers.append((b"access-control-allow-origin", given[b"origin"]))
        return 204, headers, b""

    def _refused(self, given: Mapping[bytes, bytes]) -> list[str]:
        config = self._config
        method = given.get(b"access-control-request-method", b"").decode("latin-1")
        names = given.get(b"access-control-request-headers", b"").decode("latin-1").split(",")
        asked = {name.strip().lower() for name in names if name.strip()}
        allowed = SAFELISTED | {name.lower() for name in config.allow_headers}
        rules = {
            "method": not method or method in config.allow_methods,
            "Origin": config.is_origin_allowed(given[b"origin"].decode("latin-1")),
            "headers": asked <= allowed,
        }
        return [name for name, kept in rules.items() if not kept]


def encode_headers(headers: Mapping[str, str]) -> HeaderList:
    """Returns headers as ASGI has them: names in lower case, both parts as bytes."""
    return [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()]
