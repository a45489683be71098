"""Pickups through their states, and every way in which one ends."""

from typing import Any

import httpx

from tests.recording.recorder import Caller
from tests.recording.scenarios.shop import (
    JUG,
    KETTLE,
    LAMP,
    LONDON,
    MANCHESTER,
    MUG,
    SET,
    Order,
    Shop,
    pickup,
)

PICKUP = "/v1/pickups/{pickup}"


def do(shop: Shop, verb: str, name: str, body: Any = None, by: Caller | None = None) -> Any:
    """One step of a pickup by its store's till."""
    path = f"{PICKUP}/{verb}"
    return shop.recorder.move(path, by or shop.till, body or {}, pickup=name)


def make_ready(shop: Shop, order: Order, *lines: tuple[str, int]) -> str:
    """Picks everything and returns the code that the buyer is shown."""
    name = order.group("pickup")
    picked = [{"sku": sku, "quantity": quantity} for sku, quantity in lines]
    do(shop, "accept", name)
    do(shop, "pick", name, {"lines": picked})
    do(shop, "ready", name, {"bin": "A1"})
    return show_code(shop, order.by, name)


def show_code(shop: Shop, by: Caller, name: str) -> str:
    r = shop.recorder
    seen = r.client.get(PICKUP.format(pickup=name), headers=by.headers).json()
    code = r.normal.hide(seen["code"], "pickup_code")
    r.get(PICKUP, by, pickup=name)
    return code


def collect(shop: Shop, order: Order, *lines: tuple[str, int]) -> httpx.Response:
    code = make_ready(shop, order, *lines)
    handed: httpx.Response = do(shop, "handover", order.group("pickup"), {"code": code})
    return handed


def pickups(shop: Shop) -> None:
    r = shop.recorder
    order = shop.order(shop.ann, (MUG, 2, pickup()), (SET, 1, pickup()))
    name = order.group("pickup")
    listed = "/v1/stores/{store}/pickups"
    r.get(listed, shop.till, query={"state": "placed", "limit": 1}, store=LONDON)
    r.get(listed, shop.till, query={"state": "lost"}, store=LONDON)
    r.get(listed, shop.till, store=MANCHESTER)
    r.get(PICKUP, shop.ann, pickup=name)
    r.get(PICKUP, shop.bob, pickup=name)
    r.get(PICKUP, shop.other_till, pickup=name)
    do(shop, "accept", name, by=shop.other_till)
    do(shop, "ready", name)
    do(shop, "handover", name, {"code": "000000"})
    code = _picked(shop, order)
    _handed_over(shop, name, code)
    r.get("/v1/orders/{order}", shop.ann, order=order.id)
    r.get("/v1/orders/{order}/timeline", shop.ann, order=order.id)
    r.get(listed, shop.till, query={"state": "collected", "limit": 1}, store=LONDON)


def _picked(shop: Shop, order: Order) -> str:
    r, name = shop.recorder, order.group("pickup")
    r.post(f"{PICKUP}/accept", shop.till, key="accept-1", pickup=name)
    r.post(f"{PICKUP}/accept", shop.till, key="accept-1", pickup=name)
    r.post(f"{PICKUP}/accept", shop.till, pickup=name)
    do(shop, "pick", name, {"lines": [{"sku": MUG, "quantity": 1}]})
    do(shop, "pick", name, {"lines": [{"sku": MUG, "quantity": 1}]})
    do(shop, "pick", name, {"lines": [{"sku": MUG, "quantity": 9}]})
    do(shop, "pick", name, {"lines": [{"sku": JUG, "quantity": 1}]})
    do(shop, "pick", name, {"lines": [{"gtin": "2000000000374", "quantity": 2}]})
    do(shop, "ready", name, {"bin": "A1"})
    do(shop, "pick", name, {"lines": [{"sku": SET, "quantity": 1}]})
    do(shop, "ready", name, {"bin": "A1"})
    do(shop, "ready", name, {"bin": "A1"})
    do(shop, "cancel", name, by=shop.bob)
    return show_code(shop, shop.ann, name)


def _handed_over(shop: Shop, name: str, code: str) -> None:
    r, identify = shop.recorder, "/v1/stores/{store}/pickups/identify"
    r.post(identify, shop.till, {"code": code}, store=LONDON)
    r.post(identify, shop.other_till, {"code": code}, store=MANCHESTER)
    r.post(identify, shop.till, {"code": "ZZZZZZ"}, store=LONDON)
    handover = f"{PICKUP}/handover"
    r.post(handover, shop.till, {"code": code}, pickup=name)
    do(shop, "handover", name, {"code": "ZZZZZZ"})
    do(shop, "handover", name, {"code": code, "lines": [{"sku": JUG, "quantity": 1}]})
    do(shop, "handover", name, {"code": code, "lines": [{"sku": MUG, "quantity": 1}]})
    r.post(handover, shop.till, {"code": code, "proof": "passport"}, key="hand-1", pickup=name)
    r.post(handover, shop.till, {"code": code, "proof": "passport"}, key="hand-1", pickup=name)
    do(shop, "handover", name, {"code": code})
    r.post(identify, shop.till, {"code": code}, store=LONDON)
    do(shop, "cancel", name, by=shop.ann)


def declines(shop: Shop) -> None:
    r = shop.recorder
    whole = shop.order(shop.bob, (KETTLE, 1, pickup()))
    do(shop, "decline", whole.group("pickup"), {})
    do(shop, "decline", whole.group("pickup"), {"reason": "broken"})
    do(shop, "decline", whole.group("pickup"), {"reason": "broken"})
    do(shop, "accept", whole.group("pickup"))
    part = shop.order(shop.bob, (KETTLE, 1, pickup()), (LAMP, 1, pickup()))
    do(shop, "decline", part.group("pickup"), {"reason": "broken", "lines": [KETTLE]})
    do(shop, "decline", part.group("pickup"), {"reason": "broken", "lines": ["nothing"]})
    short = shop.order(shop.bob, (JUG, 2, pickup()), (LAMP, 1, pickup()))
    name = short.group("pickup")
    do(shop, "accept", name)
    lines = [{"sku": JUG, "quantity": 1, "short": True}, {"sku": LAMP, "quantity": 1}]
    do(shop, "pick", name, {"lines": lines})
    do(shop, "ready", name)
    r.get("/v1/orders/{order}", shop.bob, order=short.id)
    none = shop.order(shop.bob, (JUG, 1, pickup()))
    do(shop, "accept", none.group("pickup"))
    do(shop, "pick", none.group("pickup"), {"lines": [{"sku": JUG, "quantity": 0, "short": True}]})
    r.get("/v1/orders/{order}", shop.bob, order=none.id)


def pickup_ends(shop: Shop) -> None:
    r = shop.recorder
    order = shop.order(shop.ann, (LAMP, 1, pickup()))
    name = order.group("pickup")
    make_ready(shop, order, (LAMP, 1))
    do(shop, "put-back", name)
    r.post(f"{PICKUP}/cancel", shop.ann, {"reason": "too late"}, pickup=name)
    do(shop, "cancel", name, {"reason": "too late"}, by=shop.ann)
    do(shop, "cancel", name, by=shop.ann)
    do(shop, "handover", name, {"code": "ZZZZZZ"})
    do(shop, "put-back", name)
    do(shop, "put-back", name)
    r.get(PICKUP, shop.ann, pickup=name)
    r.get("/v1/orders/{order}/timeline", shop.office, order=order.id)
    other = shop.order(shop.page, (LAMP, 1, pickup()))
    do(shop, "cancel", other.group("pickup"), by=other.by)
    r.get(PICKUP, other.by, pickup="pku_none")
