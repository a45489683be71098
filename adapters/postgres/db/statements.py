"""SQL statements with named parameters (`:sku`), which PostgreSQL numbers (`$1`)."""

import re
from pathlib import Path
from typing import Any, Final

TOKENS: Final = re.compile(r"'[^']*'|\"[^\"]*\"|--[^\n]*|::|:([a-z]\w*)")
"""Text that may contain a colon; the group is the name of a parameter."""


class Statement:
    """SQL whose parameters are resolved to positions once, when the module is imported.

    Call it with a value for each parameter, and pass the result to asyncpg:
    `await connection.fetch(*LIST_PAGE(after=after, limit=limit))`. In an f-string it is its text,
    so that one statement can be made from another.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.names: list[str] = []
        self.sql = TOKENS.sub(self._number, text)

    @classmethod
    def read(cls, path: Path) -> "Statement":
        """Returns the statement in a `.sql` file, which `psql` runs too."""
        return cls(path.read_text(encoding="utf-8"))

    def __call__(self, *values: Any, **named: Any) -> tuple[Any, ...]:
        """Returns the numbered SQL and its arguments."""
        return (self.sql, *self.arguments(*values, **named))

    def arguments(self, *values: Any, **named: Any) -> tuple[Any, ...]:
        """Returns the arguments by position, as `executemany` takes them for each row.

        `values` are those of the parameters that are not named, in the order in which the text
        first has them: the columns of a batch of rows, for example.

        Raises:
            TypeError: a parameter has no value, or a value has no parameter.
        """
        unnamed = [name for name in self.names if name not in named]
        if len(unnamed) != len(values) or len(unnamed) + len(named) != len(self.names):
            raise TypeError(f"the parameters are {self.names}")
        given = dict(zip(unnamed, values, strict=True)) | named
        return tuple(given[name] for name in self.names)

    def __str__(self) -> str:
        return self.text

    def _number(self, found: re.Match[str]) -> str:
        name = found[1]
        if name is None:
            return found[0]
        if name not in self.names:
            self.names.append(name)
        return f"${self.names.index(name) + 1}"
