"""Goods that come back: in a store, by post, and without a receipt."""

from typing import Any

from tests.recording.scenarios.pickups import collect
from tests.recording.scenarios.shop import (
    KETTLE,
    LAMP,
    LONDON,
    MANCHESTER,
    MUG,
    Order,
    Shop,
    pickup,
)

RETURN = "/v1/returns/{return_id}"
OF_ORDER = "/v1/orders/{order}/returns"
SOUND = {"sku": KETTLE, "quantity": 1, "disposition": "sellable"}


def returns(shop: Shop) -> None:
    r = shop.recorder
    order = shop.order(shop.ann, (KETTLE, 3, pickup()), (MUG, 1, pickup()))
    collect(shop, order, (KETTLE, 3), (MUG, 1))
    body = {"lines": [SOUND]}
    r.post(OF_ORDER, shop.other_till, body, order=order.id)
    made = r.post(OF_ORDER, shop.other_till, body, key="return-1", order=order.id).json()
    r.post(OF_ORDER, shop.other_till, body, key="return-1", order=order.id)
    r.move(OF_ORDER, shop.till, {"lines": [SOUND | {"quantity": 9}]}, order=order.id)
    r.move(OF_ORDER, shop.till, {"lines": [SOUND | {"sku": LAMP}]}, order=order.id)
    r.move(OF_ORDER, shop.till, {"lines": [SOUND | {"disposition": None}]}, order=order.id)
    r.move(OF_ORDER, shop.till, {"lines": []}, order=order.id)
    r.move(OF_ORDER, shop.bob, {"lines": [SOUND]}, order=order.id)
    r.get(RETURN, shop.other_till, return_id=made["id"])
    r.get(RETURN, shop.office, return_id="ret_none")
    _by_post(shop, order)
    r.get(OF_ORDER, shop.ann, order=order.id)
    r.get("/v1/orders/{order}", shop.ann, order=order.id)
    r.get("/v1/orders/{order}/timeline", shop.ann, order=order.id)
    r.get("/v1/stores/{store}/returns", shop.other_associate, query={"limit": 1}, store=MANCHESTER)
    r.get("/v1/stores/{store}/returns", shop.associate, store=MANCHESTER)


def _by_post(shop: Shop, order: Order) -> None:
    """Announced by the buyer, received by a store, decided by the office."""
    r = shop.recorder
    wish: dict[str, Any] = {"sku": KETTLE, "quantity": 1, "reason": "too small"}
    body = {"lines": [wish], "channel": "post"}
    first = r.move(OF_ORDER, shop.ann, body, order=order.id).json()["id"]
    r.post(f"{RETURN}/cancel", shop.ann, return_id=first)
    r.post(f"{RETURN}/cancel", shop.ann, return_id=first)
    second = r.move(OF_ORDER, shop.ann, body, order=order.id).json()["id"]
    r.move(f"{RETURN}/decide", shop.office, {"pay": True}, return_id=second)
    back = {"lines": [SOUND | {"disposition": "damaged"}], "store": LONDON, "note": "wet"}
    r.move(f"{RETURN}/receive", shop.associate, back, return_id=second)
    r.move(f"{RETURN}/receive", shop.associate, back, return_id=second)
    r.move(f"{RETURN}/decide", shop.office, {"pay": True}, return_id=second)
    r.move(f"{RETURN}/decide", shop.associate, {"pay": True}, return_id=second)
    third = r.move(OF_ORDER, shop.ann, {**body, "lines": [wish | {"sku": MUG}]}, order=order.id)
    missing = {"lines": [SOUND | {"sku": MUG, "disposition": "missing"}], "store": LONDON}
    name = third.json()["id"]
    r.move(f"{RETURN}/receive", shop.associate, missing, return_id=name)
    r.move(f"{RETURN}/decide", shop.office, {"pay": False}, return_id=name)
    r.move(f"{RETURN}/decide", shop.office, {"pay": False}, return_id=name)


def returns_without_receipt(shop: Shop) -> None:
    r, path = shop.recorder, "/v1/stores/{store}/returns"
    line = {"sku": MUG, "quantity": 1, "disposition": "sellable"}
    body = {"lines": [line], "reason": "a gift"}
    r.move(path, shop.till, body, store=LONDON)
    r.move(path, shop.till, body | {"reason": ""}, store=LONDON)
    r.move(path, shop.till, body | {"lines": [line | {"quantity": 50}]}, store=LONDON)
    price = {"amount": 100, "currency": "EUR"}
    r.move(path, shop.till, body | {"lines": [line | {"unit_price": price}]}, store=LONDON)
    r.move(path, shop.till, body | {"lines": [line | {"sku": "nothing"}]}, store=LONDON)
    r.move(path, shop.other_till, body, store=LONDON)
    r.move(path, shop.page, body, store=LONDON)
    r.get(path, shop.till, query={"state": "received"}, store=LONDON)
