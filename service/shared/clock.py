"""The clock that use cases read outside a unit of work."""

from datetime import datetime
from typing import Protocol, runtime_checkable


@runtime_checkable
class Clock(Protocol):
    def __call__(self) -> datetime:
        """Now, in UTC."""
