"""Valid things, one call each. The shop is two stores on one harbour and what they sell."""

from datetime import UTC, datetime
from typing import Final

from domain.administration.webhooks import WebhookDelivery
from domain.catalogue.products import Product
from domain.customers.customers import Customer
from domain.inventory.stock_levels import MovementReason, PostingSource, StockDelta, to_postings
from domain.kernel.ids import CustomerId, Sku, StoreId, WebhookId
from domain.kernel.money import Money
from domain.stores.stores import Store
from service.shared.unit_of_work import Units

HARBOUR: Final[StoreId] = "harbour"
HILL: Final[StoreId] = "hill"
MUG: Final[Sku] = "MUG"
TEAPOT: Final[Sku] = "TEAPOT"
TEA_SET: Final[Sku] = "TEA-SET"
ENGRAVING: Final[Sku] = "ENGRAVING"
NOON: Final = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
"""A Monday."""


def a_store(store: StoreId = HARBOUR, **more: object) -> Store:
    places = {HARBOUR: (59.3232, 18.0704), HILL: (59.3152, 18.0734)}
    latitude, longitude = places.get(store, (None, None))
    facts = {
        "name": store.title(),
        "country": "SE",
        "time_zone": "Europe/Stockholm",
        "hours": "Mo-Su 08:00-20:00",
        "latitude": latitude,
        "longitude": longitude,
    }
    return Store(store=store, **{**facts, **more})  # type: ignore[arg-type]


def a_product(sku: Sku = MUG, price: int = 1000, **more: object) -> Product:
    facts = {"name": sku.title(), "price": Money(price, "SEK")}
    return Product(sku=sku, **{**facts, **more})  # type: ignore[arg-type]


def a_customer(name: str = "sample-1", **more: object) -> Customer:
    facts = {
        "id": CustomerId(f"cus_{name}"),
        "external_id": name,
        "name": "Sample Customer",
        "email": f"{name}@example.com",
        "locale": "sv",
    }
    return Customer(**{**facts, **more})  # type: ignore[arg-type]


def a_parcel(url: str = "https://erp.example.com/stock", **more: object) -> WebhookDelivery:
    facts = {
        "id": WebhookId("whk_sample"),
        "secret": "whsec_c2FtcGxlIHNlY3JldCBvZiBhIHRlc3Q=",
        "position": 0,
        "batch_end": 1,
        "attempts": 0,
        "failing_since": None,
        "due_at": NOON,
    }
    return WebhookDelivery(url=url, **{**facts, **more})  # type: ignore[arg-type]


async def open_shop(units: Units) -> None:
    """Two stores; a mug, a teapot, a set of one pot and two mugs, and an engraving."""
    async with units.begin() as unit:
        await unit.stores.stores.upsert([a_store(HARBOUR), a_store(HILL)])
        await unit.catalogue.products.upsert(
            [a_product(MUG, names={"sv": "Mugg"}), a_product(TEAPOT, 25000)]
        )
        await unit.catalogue.products.upsert(
            [
                a_product(TEA_SET, 26500, parts={TEAPOT: 1, MUG: 2}),
                a_product(ENGRAVING, 9900, tracked=False),
            ]
        )


async def shelve(units: Units, store: StoreId = HARBOUR, **on_hand: int) -> None:
    """Put goods on the shelves of a store, in addition to what lies there: `mug=3`."""
    async with units.begin() as unit:
        places = [(store, sku.upper().replace("_", "-")) for sku in on_hand]
        await unit.inventory.stock_levels.get_for_update(places, shelve=True)
        changes = [
            StockDelta(store, sku, on_hand=count)
            for (store, sku), count in zip(places, on_hand.values(), strict=True)
        ]
        delivery = PostingSource(MovementReason.COUNT, unit.new_id("delivery"), "test", unit.now)
        await unit.inventory.stock_levels.apply(to_postings(changes, delivery))
