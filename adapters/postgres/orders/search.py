"""Order search: the ids of the orders that match a query, newest first.

Each criterion is a query of its own that an index answers newest first and that stops at the
limit; the results are merged.
"""

from typing import Any, Final

from domain.kernel.ids import OrderId
from domain.orders.search import SearchKind, SearchTerms
from service.orders.ports import OrderQuery

LAST: Final = "\U0010ffff"
"""Behind whatever else a word may go on with."""


class OrderSearchQuery:
    """A statement that grows, with the values of its slots."""

    def __init__(self, wanted: OrderQuery, before: OrderId | None, limit: int) -> None:
        self.values: list[Any] = []
        self._limit = self._slot(limit, "int")
        self._stores = None if wanted.stores is None else self._slot(wanted.stores, "text[]")
        self._by_store = self._stores is not None and wanted.sought is None
        self._rules = self._common(wanted, before)
        self.text = self._together(self._ways(wanted.sought))

    def _slot(self, value: Any, kind: str) -> str:
        self.values.append(value)
        return f"${len(self.values)}::{kind}"

    def _common(self, wanted: OrderQuery, before: OrderId | None) -> list[str]:
        """Returns the conditions that every matching order meets, whatever the criterion."""
        told = [
            ("o.id < {}", before, "text"),
            ("o.state = {}", wanted.state and wanted.state.value, "text"),
            ("o.customer = {}", wanted.customer, "text"),
            ("o.placed_at >= {}", wanted.placed_from, "timestamptz"),
            ("o.placed_at < {}", wanted.placed_until, "timestamptz"),
        ]
        rules = [
            rule.format(self._slot(value, kind)) for rule, value, kind in told if value is not None
        ]
        if self._stores is not None and not self._by_store:
            rules.append(f"({self._has_part('pickups')} or {self._has_part('shipments')})")
        return rules

    def _has_part(self, groups: str) -> str:
        return (
            f"exists (select from {groups} where order_id = o.id and store = any({self._stores}))"
        )

    def _ways(self, sought: SearchTerms | None) -> list[str]:
        if self._by_store:
            return [self._of_stores("pickups"), self._of_stores("shipments")]
        if sought is None:
            return [self._way("orders as o")]
        if sought.order:
            return [self._way("orders as o", f"o.id = {self._slot(sought.order, 'text')}")]
        ways = [self._by_word(kind, f"= {self._slot(word, 'text')}") for kind, word in sought.terms]
        if sought.name:
            first = self._slot(sought.name, "text")
            last = self._slot(sought.name + LAST, "text")
            ways.append(self._by_word(SearchKind.NAME, f"between {first} and {last}"))
        return ways

    def _by_word(self, kind: SearchKind, rule: str) -> str:
        words = "order_search_terms as w join orders as o on o.id = w.order_id"
        return self._way(words, f"w.kind = '{kind.value}' and w.term {rule}")

    def _of_stores(self, groups: str) -> str:
        theirs = f"{groups} as g join orders as o on o.id = g.order_id"
        way = self._way(theirs, "g.store = its.store", by="g.order_id")
        return f"select o.id from unnest({self._stores}) as its (store), lateral ({way}) as o"

    def _way(self, source: str, rule: str = "true", by: str = "o.id") -> str:
        rules = " and ".join([rule, *self._rules])
        return f"select o.id from {source} where {rules} order by {by} desc limit {self._limit}"

    def _together(self, ways: list[str]) -> str:
        every = " union ".join(f"({way})" for way in ways)
        return f"select id from ({every}) as found order by id desc limit {self._limit}"
