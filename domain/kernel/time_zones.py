"""Names of time zones."""

from functools import cache
from typing import Final
from zoneinfo import available_timezones

NON_ZONE_FILES: Final = frozenset({"localtime", "Factory", "posixrules"})
"""Names beside the zones on a machine: its own clock, and markers of one that was never set."""


@cache
def _zone_names() -> frozenset[str]:
    return frozenset(available_timezones()) - NON_ZONE_FILES


def is_time_zone(name: str) -> bool:
    """Whether `name` is in the IANA list."""
    return name in _zone_names()
