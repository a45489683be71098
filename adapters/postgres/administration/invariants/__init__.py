"""The invariants of the audit: a `.sql` file each, named as the invariant, to be run in `psql` too.

Every statement returns `about` (the thing, by its names), `expected` and `actual`, one row for
each figure that it checks; a row whose figures differ is broken.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

INVARIANTS: Final[Mapping[str, str]] = {
    path.stem: path.read_text(encoding="utf-8")
    for path in sorted(Path(__file__).parent.glob("*.sql"))
}
