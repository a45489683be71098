"""Every table, as the code sees it. The migrations make the same; a test proves that both are one.

Keys are `COLLATE "C"`, so that the database's order is the order of Python's `sorted` and every
locker takes rows in the same order. A table with frequent updates has a fillfactor that
allows them in the same page, and no index on the updated columns.
"""

from pathlib import Path
from typing import Final

from sqlalchemy import event

from adapters.postgres.administration import tables as administration
from adapters.postgres.carts import tables as carts
from adapters.postgres.catalogue import tables as catalogue
from adapters.postgres.contact import tables as contact
from adapters.postgres.customers import tables as customers
from adapters.postgres.db.column_types import metadata
from adapters.postgres.db.ledgers import RULES
from adapters.postgres.follow_ups import tables as follow_ups
from adapters.postgres.foundation import tables as foundation
from adapters.postgres.fulfilment import tables as fulfilment
from adapters.postgres.inventory import tables as inventory
from adapters.postgres.loyalty import tables as loyalty
from adapters.postgres.orders import tables as orders
from adapters.postgres.payments import tables as payments
from adapters.postgres.pos import tables as pos
from adapters.postgres.pricing import tables as pricing
from adapters.postgres.returns import tables as returns
from adapters.postgres.stores import tables as stores

__all__ = ["CONTEXTS", "metadata"]

CONTEXTS: Final = {
    "administration": administration,
    "carts": carts,
    "catalogue": catalogue,
    "contact": contact,
    "customers": customers,
    "follow_ups": follow_ups,
    "foundation": foundation,
    "fulfilment": fulfilment,
    "inventory": inventory,
    "loyalty": loyalty,
    "orders": orders,
    "payments": payments,
    "pos": pos,
    "pricing": pricing,
    "returns": returns,
    "stores": stores,
}
"""The module of each context's tables."""

VIEWS: Final = tuple(
    view.strip()
    for context in ("inventory", "fulfilment", "orders", "returns", "payments", "loyalty")
    for view in (Path(__file__).parents[1] / context / "views.sql").read_text().split(";\n")
    if view.strip()
)
"""The views of each context, each after those that it reads."""
FIRST_ROWS: Final = (
    "insert into sales_channels (channel) values ('web')",
    "insert into price_rules default values",
)
"""The rows that a new database has."""

for statement in (*VIEWS, *RULES, *FIRST_ROWS):
    # Bound by its default: the loop's variable would be the last statement for all of them.
    event.listen(
        metadata, "after_create", lambda _, at, sql=statement, **__: at.exec_driver_sql(sql)
    )
