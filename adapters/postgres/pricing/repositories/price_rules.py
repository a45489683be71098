"""Markets, promotions and shipping methods as the office writes them: a row each."""

from collections.abc import Sequence
from typing import Any, Final, Generic

import msgspec
from msgspec import Struct

from adapters.postgres.db.statements import Statement
from domain.pricing.markets import Market, MarketTerms
from domain.pricing.price_rules import PriceRuleNotFound
from domain.pricing.promotions import CodeTaken, Promotion, PromotionTerms
from domain.pricing.shipping_methods import ShippingMethod, ShippingTerms
from service.pricing.ports import Rule

TURN: Final = "select from price_rules for update"
"""Writers of price rules wait for each other here, and read the latest version."""
CHANGED: Final = "update price_rules set version = pg_current_xact_id()::text::bigint"
"""A number that is never given twice, not even after a transaction that was undone."""
TAKEN: Final = Statement("select from promotions where code = :code and promotion <> :promotion")


class RuleTable(Struct, frozen=True):
    """The table of a kind of rule, and its columns besides `terms`."""

    table: str
    name: str
    terms: type[Struct]
    more: tuple[str, ...] = ("version",)

    @property
    def row(self) -> str:
        """A rule as one document."""
        told = (self.name, *self.more)
        pairs = ", ".join(f"'{column}', {column}" for column in told)
        return f"terms || jsonb_build_object({pairs})"


RULE_TABLES: Final[dict[type[Struct], RuleTable]] = {
    Market: RuleTable("markets", "market", MarketTerms),
    Promotion: RuleTable("promotions", "promotion", PromotionTerms, ("version", "uses")),
    ShippingMethod: RuleTable("shipping_methods", "method", ShippingTerms),
}


class PostgresPriceRules(Generic[Rule]):
    def __init__(self, connection: Any, kind: type[Rule]) -> None:
        self._connection = connection
        self._kind: type[Rule] = kind
        self._table = RULE_TABLES[kind]
        self._select = f"select {self._table.row} from {self._table.table}"

    async def get(self, name: str) -> Rule:
        table = self._table
        query = Statement(f"{self._select} where {table.name} = :name")
        row = await self._connection.fetchval(*query(name=name))
        if row is None:
            raise PriceRuleNotFound(table.table.removesuffix("s"), name)
        return self._read(row)

    async def list_page(self, after: str, limit: int) -> Sequence[Rule]:
        name = self._table.name
        page = Statement(f"{self._select} where {name} > :after order by {name} limit :limit")
        rows = await self._connection.fetch(*page(after=after, limit=limit))
        return [self._read(row[0]) for row in rows]

    async def lock(self, name: str) -> Rule | None:
        await self._connection.execute(TURN)
        query = Statement(f"{self._select} where {self._table.name} = :name for update")
        row = await self._connection.fetchval(*query(name=name))
        return None if row is None else self._read(row)

    async def upsert(self, rule: Rule) -> None:
        table = self._table
        values: dict[str, Any] = {
            table.name: rule.name,
            "terms": self._terms(rule),
            "version": rule.version,
        }
        if isinstance(rule, Promotion):
            values["code"] = await self._free_code(rule)
        slots = ", ".join(f":{column}" for column in values)
        changes = ", ".join(f"{column} = excluded.{column}" for column in list(values)[1:])
        statement = Statement(
            f"insert into {table.table} ({', '.join(values)}) values ({slots}) "
            f"on conflict ({table.name}) do update set {changes}"
        )
        await self._connection.execute(*statement(**values))
        await self._connection.execute(CHANGED)

    async def delete(self, rule: Rule) -> None:
        table = self._table
        statement = Statement(f"delete from {table.table} where {table.name} = :name")
        await self._connection.execute(*statement(name=rule.name))
        await self._connection.execute(CHANGED)

    async def _free_code(self, promotion: Promotion) -> str | None:
        if promotion.code is None:
            return None
        if await self._connection.fetch(*TAKEN(code=promotion.code, promotion=promotion.promotion)):
            raise CodeTaken(promotion.code)
        return promotion.code

    def _read(self, document: str) -> Rule:
        read: Rule = msgspec.json.decode(document, type=self._kind)
        return read

    def _terms(self, rule: Rule) -> str:
        names = self._table.terms.__struct_fields__
        terms = self._table.terms(**{name: getattr(rule, name) for name in names})
        return msgspec.json.encode(terms).decode()
