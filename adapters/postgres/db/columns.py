"""Rows as columns, as `unnest` takes them: one statement for many."""

from collections.abc import Iterable
from typing import Any


def columns(rows: Iterable[tuple[Any, ...]], width: int) -> list[list[Any]]:
    """The columns of `rows`; `width` empty ones where there are no rows."""
    return [list(column) for column in zip(*rows, strict=True)] or [[] for _ in range(width)]
