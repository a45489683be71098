"""Replaces what differs from run to run: ids, times, secrets, cursors.

An id becomes its prefix and the order of its first appearance, so that two recordings agree on
which object a request is about.
"""

import re
from typing import Any, Final

from msgspec import Struct, field

_ID: Final = re.compile(r"\b([a-z]{2,4})_([0-9a-hjkmnp-tv-z]{26})\b")
_PATTERNS: Final = (
    (re.compile(r"\b(?:pk|sk|whsec|tok|lnk)_[A-Za-z0-9_+/=-]{16,}"), "<secret>"),
    (re.compile(r"\beyJ[\w-]+\.[\w-]+\.[\w-]+"), "<secret>"),
    (re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)?"), "<time>"),
    (re.compile(r"\b\d{4}-\d\d-\d\d\b"), "<date>"),
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"), "<uuid>"),
    (re.compile(r'W/"[0-9a-f]{16,}"'), 'W/"<hash>"'),
    (re.compile(r"\bhttps?://127\.0\.0\.1:\d+"), "<address>"),
)
_HIDDEN: Final = {
    "client_secret": "<secret>",
    "cursor": "<cursor>",
    "hint": "<secret>",
    "key": "<secret>",
    "next_cursor": "<cursor>",
    "position": "<position>",
    "retry_after_s": "<seconds>",
    "secret": "<secret>",
    "source": "<source>",
    "token": "<secret>",
    "trace_id": "<trace>",
}
"""Fields whose value is replaced whole; `source` names the cache or the database by timing."""
_FRESHNESS: Final = frozenset({"cache", "live"})


class Normaliser(Struct):
    """One for a whole recording: it numbers the ids and remembers the secrets."""

    ids: dict[str, str] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)

    def hide(self, value: str, name: str = "secret") -> str:
        """Replaces `value` by its name from now on."""
        self.secrets[value] = f"<{name}>"
        return value

    def text(self, value: str) -> str:
        for secret, name in self.secrets.items():
            value = value.replace(secret, name)
        value = _ID.sub(self._number, value)
        for pattern, name in _PATTERNS:
            value = pattern.sub(name, value)
        return value

    def json(self, value: Any, name: str = "") -> Any:
        """The same document with everything that varies replaced."""
        if isinstance(value, dict):
            return {self.text(key): self.json(item, key) for key, item in value.items()}
        if isinstance(value, list):
            return [self.json(item) for item in value]
        if name in _HIDDEN and value is not None and _hides(name, value):
            return _HIDDEN[name]
        return self.text(value) if isinstance(value, str) else value

    def _number(self, match: re.Match[str]) -> str:
        prefix, whole = match[1], match[0]
        if whole not in self.ids:
            self.counts[prefix] = self.counts.get(prefix, 0) + 1
            self.ids[whole] = f"<{prefix}_{self.counts[prefix]}>"
        return self.ids[whole]


def _hides(name: str, value: Any) -> bool:
    """A consent has a `source` of its own, which does not vary."""
    return name != "source" or value in _FRESHNESS
