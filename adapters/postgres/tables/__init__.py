"""Every table, as the code sees it. The migrations make the same; a test proves that both are one.

Keys are `COLLATE "C"`, so that the database's order is the order of Python's `sorted` and every
locker takes rows in the same order. What changes often has a fillfactor that keeps updates in
their page, and no index on what changes.
"""

from sqlalchemy import event

from adapters.postgres.ledgers import RULES
from adapters.postgres.tables import (
    catalogue,
    house,
    payments,
    people,
    prices,
    promises,
    shelves,
    shopping,
)
from adapters.postgres.tables.kinds import metadata

__all__ = [
    "catalogue",
    "house",
    "metadata",
    "payments",
    "people",
    "prices",
    "promises",
    "shelves",
    "shopping",
]

for rule in RULES:
    # Bound by its default: the loop's variable would be the last rule for all of them.
    event.listen(metadata, "after_create", lambda _, at, rule=rule, **__: at.exec_driver_sql(rule))
