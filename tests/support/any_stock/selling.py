"""Through which channels stores sell and what these keep back and show; stores are closed."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from hypothesis import event
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule
from msgspec import UNSET

from domain.inventory.availability import AvailableQuantities
from domain.inventory.sales_channels import ChannelPolicy, SalesChannel, SkuBuffer
from service.administration.imports import ImportKind
from service.inventory import availability, sales_channels
from service.orders import store_closing as closing
from tests.support.any_stock import plain_selling as plain
from tests.support.any_stock.keeping import brought_in
from tests.support.any_stock.machine import CHANNELS, Machine, a_store, anything, faults, goods
from tests.support.any_stock.plain_things import Channel
from tests.support.examples import a_store as a_place

a_channel = st.sampled_from(CHANNELS)
buffers = st.sampled_from([0, 0, 1, 4])


class Selling(Machine):
    @rule(
        channel=st.sampled_from(["app", "app", "web"]),
        buffer=buffers,
        quantities=st.sampled_from(AvailableQuantities),
        most=st.sampled_from([2, 5]),
        low_at=st.sampled_from([0, 3]),
        fault=faults,
    )
    def decide(
        self,
        *,
        channel: str,
        buffer: int,
        quantities: AvailableQuantities,
        most: int,
        low_at: int,
        fault: Any,
    ) -> None:
        said = SalesChannel(channel, ChannelPolicy(buffer, quantities, most, low_at))
        policy = Channel(buffer, quantities.value, most, low_at)
        self.give(
            fault,
            lambda key: sales_channels.set_channel(self.units, channel=said, key=key),
            lambda: plain.decide(self.shop, channel, policy),
        )

    @rule(
        channel=a_channel,
        lines=st.lists(st.tuples(goods, st.one_of(st.none(), buffers)), min_size=1, max_size=3),
        fault=faults,
    )
    def keep_back(self, channel: str, lines: Any, fault: Any) -> None:
        told = [SkuBuffer(*line) for line in lines]
        self.give(
            fault,
            lambda key: sales_channels.set_buffers(
                self.units, channel=channel, lines=told, key=key
            ),
            lambda: plain.keep_back(self.shop, channel, lines),
            answers=lambda results: [one.status for one in results],
        )

    @precondition(lambda self: len(self.shop.channels) == len(CHANNELS))
    @rule(
        store=a_store, channels=st.sampled_from([None, None, ("web",), ("app",), ()]), fault=faults
    )
    def limit(self, store: str, channels: Sequence[str] | None, fault: Any) -> None:
        """A store serves these channels only."""
        said = a_place(store, channels=channels)

        def plainly() -> None:
            self.shop.stores[store].channels = None if channels is None else tuple(channels)

        self.give(
            fault,
            lambda _: brought_in(self.units, ImportKind.STORES, said, "channels"),
            plainly,
            keyed=False,
        )

    @rule(channel=a_channel, sku=anything, days=st.sampled_from([0, 1, 3]))
    def ask(self, channel: str, sku: str, days: int) -> None:
        """What shoppers are told of it, through the channel and its policy."""
        if channel not in self.shop.channels:
            return
        by = self.shop.today + timedelta(days=days)
        question = availability.AvailabilityQuery([sku], channel=channel, by=by)
        _, item = self.loop.run(availability.answer_query(self.units, question))
        heard = (
            (item.ship.status.value, item.ship.quantity),
            {at.store: (at.status.value, at.quantity, at.pickup.eligible) for at in item.stores},
            _promised(item),
            {at.store: _promised(at) for at in item.stores},
        )
        assert heard == _as_far_as(heard, plain.told(self.shop, channel, sku, by))

    @rule(store=a_store, how=st.sampled_from(["drain", "close", "open", "open"]), fault=faults)
    def close(self, store: str, how: str, fault: Any) -> None:
        if how == "open":
            self._open_again(store, fault)
            return
        told, _ = self.give(
            fault,
            lambda key: closing.disable_store(
                self.units, store=store, drain=how == "drain", key=key
            ),
            lambda: plain.disable(self.shop, store, drain=how == "drain"),
            answers=lambda told: (
                told.state.value,
                (told.open.orders_count, told.open.holds_count, told.open.transfers_count),
            ),
        )
        if told:
            event(f"a store is {told.state.value}")

    def _open_again(self, store: str, fault: Any) -> None:
        def plainly() -> None:
            self.shop.stores[store].state = "active"

        self.give(
            fault, lambda key: closing.enable_store(self.units, store=store, key=key), plainly
        )

    @rule(fault=faults)
    def close_drained(self, fault: Any) -> None:
        self.give(
            fault,
            lambda _: closing.close_drained_stores(self.units),
            lambda: plain.close_drained(self.shop),
            answers=lambda many: many,
            keyed=False,
            whole=False,
        )
        states = {store: location.state for store, location in self.shop.stores.items()}
        assert self.loop.run(self._states()) == states

    async def _states(self) -> dict[str, str]:
        async with self.units.read() as unit:
            found = await unit.stores.stores.get_many(list(self.shop.stores))
        return {store: one.state.value for store, one in found.items()}


def _promised(told: Any) -> Any:
    return "nothing" if told.promisable is UNSET else told.promisable.quantity


def _as_far_as(heard: Any, told: Any) -> Any:
    """Of stores that were not named nothing is told where nothing of it lies."""
    return tuple(
        {store: part[store] for store in whole} if isinstance(whole, dict) else part
        for whole, part in zip(heard, told, strict=True)
    )
