"""What keepers of stock say, and what is sold at all."""

from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import rule

from domain.catalogue.products import ProductState
from domain.inventory.conditions import Condition
from domain.inventory.stocktaking import Adjustment, StockCount, StockSetting
from service.administration.imports import ImportEntry, ImportKind, import_file
from service.inventory import stocktaking
from tests.support.any_stock import plain_keeping as plain
from tests.support.any_stock.machine import (
    NOTHING,
    PLACES,
    PLATE,
    Machine,
    a_store,
    faults,
    goods,
    minutes_ago,
    some,
)
from tests.support.examples import ENGRAVING, MUG, a_product

counted = st.integers(0, 12)


class Keeping(Machine):
    def fill_shelves(self, counts: Sequence[int]) -> None:
        for (store, sku), count in zip(PLACES, counts, strict=True):
            self.count(store=store, sku=sku, counted=count, ago=timedelta(), fault=NOTHING)

    @rule(
        store=a_store,
        sku=goods,
        said=st.one_of(
            st.tuples(st.just("received"), st.integers(5, 12)),
            st.tuples(st.sampled_from(["found", "blocked", "unblocked"]), some),
            st.tuples(st.sampled_from(["lost", "damaged", "written_off"]), some.map(lambda n: -n)),
            st.tuples(st.just("correction"), st.sampled_from([-3, 5])),
        ),
        condition=st.sampled_from([None, None, *Condition]),
        ago=minutes_ago,
        reference=st.sampled_from(["", "", "note-1"]),
        fault=faults,
    )
    def adjust(
        self,
        *,
        store: str,
        sku: str,
        said: Any,
        condition: Condition | None,
        ago: timedelta,
        reference: str,
        fault: Any,
    ) -> None:
        reason, delta = said
        happened = self.shop.now - ago
        line = Adjustment(
            store=store,
            sku=sku,
            delta=delta,
            reason=reason,
            condition=condition,
            reference=reference,
            occurred_at=happened,
        )
        self.give(
            fault,
            lambda key: stocktaking.adjust_stock(
                self.units, caller=self.office, lines=[line], key=key
            ),
            lambda: [
                plain.adjust(
                    self.shop, (store, sku), (reason, delta, condition), happened, reference
                )
            ],
            answers=verdicts,
        )

    @rule(store=a_store, sku=goods, on_hand=counted, stale=st.booleans(), fault=faults)
    def set_if(self, store: str, sku: str, on_hand: int, stale: bool, fault: Any) -> None:
        async def version() -> int:
            async with self.units.read() as unit:
                levels = await unit.inventory.stock_levels.list_by_skus([sku], [store])
            return levels[store, sku].version if levels else 1  # as one that is made is

        seen = self.loop.run(version()) - stale
        line = StockSetting(store=store, sku=sku, on_hand=on_hand, if_version=seen)
        self.give(
            fault,
            lambda key: stocktaking.set_stock(
                self.units, caller=self.office, lines=[line], key=key
            ),
            lambda: [
                "version_conflict" if stale else plain.set_to(self.shop, (store, sku), on_hand)
            ],
            answers=verdicts,
        )

    @rule(store=a_store, sku=goods, counted=counted, ago=minutes_ago, fault=faults)
    def count(self, store: str, sku: str, counted: int, ago: timedelta, fault: Any) -> None:
        at = self.shop.now - ago
        line = StockCount(store=store, sku=sku, on_hand=counted, counted_at=at)
        self.give(
            fault,
            lambda key: stocktaking.count_stock(
                self.units, caller=self.office, lines=[line], key=key
            ),
            lambda: [plain.count(self.shop, (store, sku), counted, at)],
            answers=verdicts,
        )

    @rule(
        store=a_store,
        sku=goods,
        counted=counted,
        safety=st.sampled_from([None, 0, 2, 5]),
        ago=st.one_of(st.none(), minutes_ago),
        fault=faults,
    )
    def bring_in_stock(
        self, *, store: str, sku: str, counted: int, safety: int | None, ago: Any, fault: Any
    ) -> None:
        at = None if ago is None else self.shop.now - ago
        line = StockCount(store=store, sku=sku, on_hand=counted, safety_stock=safety, counted_at=at)
        self.give(
            fault,
            lambda _: brought_in(self.units, ImportKind.STOCK, line),
            lambda: plain.bring_in(self.shop, (store, sku), counted, safety, at),
            keyed=False,
        )

    @rule(tracked=st.booleans(), fault=faults)
    def track(self, tracked: bool, fault: Any) -> None:
        mug = a_product(MUG, tracked=tracked)

        def plainly() -> None:
            self.shop.untracked = {ENGRAVING} if tracked else {ENGRAVING, MUG}

        self.give(
            fault,
            lambda _: brought_in(self.units, ImportKind.PRODUCTS, mug, "tracked"),
            plainly,
            keyed=False,
        )

    @rule(fault=faults)
    def retire(self, fault: Any) -> None:
        gone = a_product(PLATE, state=ProductState.RETIRED)
        self.give(
            fault,
            lambda _: brought_in(self.units, ImportKind.PRODUCTS, gone, "state"),
            lambda: self.shop.retired.add(PLATE),
            keyed=False,
        )


async def brought_in(units: Any, kind: ImportKind, value: Any, *given: str) -> Any:
    async def file() -> AsyncIterator[Any]:
        yield [ImportEntry(1, value, frozenset(given))]

    return await import_file(units, file(), kind, actor="key_office")


def verdicts(results: Any) -> list[str]:
    """What became of each line, or why not."""
    return [one.code if one.status == "rejected" else one.status for one in results]
