"""Requests to the public API that several tests make: streams."""

from collections.abc import AsyncIterator

import pytest
from msgspec import Struct

from adapters.main import build_app, build_components
from tests.support.examples import HARBOUR, shelve
from tests.support.server import serving
from tests.support.shop import Shop
from tests.support.streams import Event, listening


class Live(Struct):
    """A shop behind a socket, and who looks into it."""

    shop: Shop
    address: str
    page: dict[str, str]

    def listen(self, query: str = "", cursor: str = ""):
        return listening(self.address, self.page, query, cursor)

    async def put(self, store: str = HARBOUR, **on_hand: int) -> None:
        """Each SKU in a transaction of its own."""
        for sku, count in on_hand.items():
            await shelve(self.shop.units, store, **{sku: count})


@pytest.fixture
async def live(shop: Shop) -> AsyncIterator[Live]:
    house = build_components(shop.house.settings)
    with serving(build_app(house)) as address:
        async with shop.house.relay.running():
            yield Live(shop, address, await shop.page())


def told(events: list[Event]) -> list[tuple[str, str, int | None]]:
    return [event.quantity for event in events]
