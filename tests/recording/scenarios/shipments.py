"""Shipments through their states: parcels that are sent, delivered, declined, cancelled."""

from typing import Any

from tests.recording.recorder import Caller
from tests.recording.scenarios.shop import (
    KETTLE,
    LAMP,
    MUG,
    ON_ACCOUNT,
    SHIP,
    Order,
    Shop,
)

SHIPMENT = "/v1/shipments/{shipment}"
SEND = "/v1/orders/{order}/shipments"


def do(shop: Shop, verb: str, name: str, body: Any = None, by: Caller | None = None) -> Any:
    """One step of a shipment by the office, which may act for every location."""
    path = f"{SHIPMENT}/{verb}"
    return shop.recorder.move(path, by or shop.office, body or {}, shipment=name)


def sent_order(shop: Shop, by: Caller, *lines: tuple[str, int]) -> Order:
    wanted = [(sku, quantity, SHIP) for sku, quantity in lines]
    return shop.order(by, *wanted, terms=ON_ACCOUNT)


def shipments(shop: Shop) -> None:
    r = shop.recorder
    order = sent_order(shop, shop.ann, (LAMP, 2), (KETTLE, 1))
    name = order.group("shipment")
    store = r.get(SHIPMENT, shop.office, shipment=name).json()["store"]
    r.get(SHIPMENT, shop.bob, shipment=name)
    r.get(SHIPMENT, shop.office, shipment="shp_none")
    listed = "/v1/stores/{store}/shipments"
    r.get(listed, shop.office, query={"limit": 1}, store=store)
    r.get(listed, shop.office, query={"state": "delivered"}, store=store)
    do(shop, "accept", name)
    do(shop, "accept", name)
    lines = [{"sku": LAMP, "quantity": 1}]
    do(shop, "pick", name, {"lines": lines})
    do(shop, "pick", name, {"lines": [{"sku": MUG, "quantity": 1}]})
    parcel = {"carrier": "Sample Post", "tracking_number": "T-1", "lines": lines}
    r.post(SEND, shop.office, parcel, key="parcel-1", order=order.id)
    r.post(SEND, shop.office, parcel, key="parcel-1", order=order.id)
    r.move(SEND, shop.office, parcel | {"lines": [{"sku": LAMP, "quantity": 9}]}, order=order.id)
    r.move(SEND, shop.ann, parcel, order=order.id)
    r.move(SEND, shop.office, {"carrier": "Sample Post", "tracking_number": "T-2"}, order=order.id)
    r.move(SEND, shop.office, {"carrier": "Sample Post", "tracking_number": "T-3"}, order=order.id)
    do(shop, "delivered", name, {"tracking_number": "T-9"})
    do(shop, "delivered", name, {"tracking_number": "T-1"})
    do(shop, "delivered", name, {"tracking_number": "T-2"})
    r.get("/v1/orders/{order}", shop.ann, order=order.id)
    r.get("/v1/orders/{order}/timeline", shop.ann, order=order.id)
    do(shop, "cancel", name)


def shipment_ends(shop: Shop) -> None:
    declined = sent_order(shop, shop.bob, (LAMP, 1)).group("shipment")
    do(shop, "decline", declined, {"reason": "broken"})
    do(shop, "decline", declined, {"reason": "broken"})
    cancelled = sent_order(shop, shop.bob, (LAMP, 1)).group("shipment")
    do(shop, "accept", cancelled)
    do(shop, "pick", cancelled, {"lines": [{"sku": LAMP, "quantity": 1}]})
    do(shop, "cancel", cancelled, {"reason": "never mind"})
    do(shop, "put-back", cancelled)
    do(shop, "put-back", cancelled)
    do(shop, "accept", cancelled)
    do(shop, "accept", "shp_none")
