"""Orders: placed, found again, changed, cancelled, paid."""

from tests.recording.recorder import NOBODY, Caller
from tests.recording.scenarios.shop import (
    ADDRESS,
    AT_PICKUP,
    CONTACT,
    JUG,
    KETTLE,
    LAMP,
    LONDON,
    MANCHESTER,
    MUG,
    ON_ACCOUNT,
    SET,
    SHIP,
    Shop,
    pickup,
)

CHECKOUT = "/v1/carts/{cart}/checkout"
ORDER = "/v1/orders/{order}"


def checkout(shop: Shop) -> None:
    r = shop.recorder
    cart = shop.cart(shop.ann, (MUG, 2, pickup()), (SET, 1, pickup()))
    r.post(CHECKOUT, cart.by, AT_PICKUP, cart=cart.id)
    r.post(CHECKOUT, cart.by, AT_PICKUP, key="checkout-1", cart=cart.id)
    r.post(CHECKOUT, cart.by, AT_PICKUP, key="checkout-1", cart=cart.id)
    other = AT_PICKUP | {"contact": {"name": "Someone Else"}}
    r.post(CHECKOUT, cart.by, other, key="checkout-1", cart=cart.id)
    r.post(CHECKOUT, cart.by, AT_PICKUP, key="checkout-2", cart=cart.id)
    r.put("/v1/carts/{cart}/lines/{sku}", cart.by, {"quantity": 1}, cart=cart.id, sku=JUG)
    r.get("/v1/carts/{cart}", cart.by, cart=cart.id)
    guest = shop.cart(shop.page, (KETTLE, 1, pickup()))
    _refused_terms(shop, guest.id, guest.by)
    short = shop.cart(shop.page, ("KETTLE-STEEL", 15, pickup()))
    r.move(CHECKOUT, short.by, AT_PICKUP, cart=short.id)
    sent = shop.cart(shop.page, (LAMP, 1, SHIP))
    r.move(CHECKOUT, sent.by, AT_PICKUP, cart=sent.id)
    r.move(CHECKOUT, sent.by, ON_ACCOUNT | {"address": None}, cart=sent.id)
    r.move(CHECKOUT, guest.by, AT_PICKUP, cart="crt_none")


def _refused_terms(shop: Shop, cart: str, by: Caller) -> None:
    """Terms of a checkout that are wrong, each in its own manner."""
    r = shop.recorder
    for change in (
        {"contact": {"name": "X", "email": "no address"}},
        {"contact": {"email": "someone@example.com"}},
        {"payment": {"method": "shells"}},
        {"payment": {"method": "card"}},
        {"payment": {"method": "pay_at_till"}},
        {"payment": {"method": "pay_at_pickup", "receipt": "T1-1"}},
        {"tenders": {"points": 100}},
        {"if_unavailable": {"action": "refund"}},
        {"surprise": True},
    ):
        r.move(CHECKOUT, by, AT_PICKUP | change, cart=cart)


def order_lists(shop: Shop) -> None:
    r = shop.recorder
    order = shop.order(shop.ann, (MUG, 1, pickup()), (JUG, 1, pickup(MANCHESTER)))
    guest = shop.order(shop.page, (KETTLE, 1, pickup()))
    r.get(ORDER, shop.ann, order=order.id)
    r.get(ORDER, shop.bob, order=order.id)
    r.get(ORDER, shop.office, order=order.id)
    r.get(ORDER, shop.associate, order=order.id)
    r.get(ORDER, guest.by, order=guest.id)
    r.get(ORDER, shop.page, order=guest.id)
    r.get(ORDER, NOBODY, order=guest.id)
    first = r.get("/v1/me/orders", shop.ann, query={"limit": 1}).json()
    r.get("/v1/me/orders", shop.ann, query={"limit": 1, "cursor": first["next_cursor"]})
    r.get("/v1/me/orders", shop.bob)
    r.get("/v1/orders", shop.office, query={"limit": 1})
    r.get("/v1/orders", shop.office, query={"customer": shop.ids["ann"], "limit": 1})
    r.get("/v1/orders", shop.office, query={"query": "customer1@example.com", "limit": 1})
    r.get("/v1/orders", shop.office, query={"query": order.id})
    r.get("/v1/orders", shop.associate, query={"store": LONDON, "state": "placed", "limit": 1})
    r.get("/v1/orders", shop.associate, query={"store": MANCHESTER})
    r.get("/v1/orders", shop.office, query={"state": "lost"})
    r.get("/v1/orders", shop.office, query={"placed_from": "2099-01-01T00:00:00Z"})
    r.get(f"{ORDER}/timeline", shop.ann, order=order.id)
    r.get(f"{ORDER}/timeline", shop.office, query={"limit": 1}, order=order.id)
    r.get(f"{ORDER}/timeline", shop.bob, order=order.id)


def edits(shop: Shop) -> None:
    r = shop.recorder
    order = shop.order(shop.bob, (KETTLE, 3, pickup()), (LAMP, 1, pickup()))
    body = {"lines": [{"sku": KETTLE, "quantity": 2}]}
    seen = r.get(ORDER, shop.bob, order=order.id)
    etag = seen.headers.get("etag", f'"{seen.json()["version"]}"')
    r.patch(ORDER, shop.bob, body, order=order.id)
    r.patch(ORDER, shop.bob, body, key="edit-1", match=etag, order=order.id)
    r.patch(ORDER, shop.bob, body, key="edit-1", match=etag, order=order.id)
    r.patch(ORDER, shop.bob, body, key="edit-2", match=etag, order=order.id)
    wrong = {"lines": [{"sku": "nothing", "quantity": 1}, {"sku": KETTLE, "quantity": 9}]}
    r.patch(ORDER, shop.bob, wrong, key="edit-3", order=order.id)
    cheap = {"lines": [{"sku": KETTLE, "unit_price": {"amount": 100, "currency": "EUR"}}]}
    r.patch(ORDER, shop.bob, cheap, key="edit-4", order=order.id)
    r.patch(ORDER, shop.office, cheap, key="edit-5", order=order.id)
    contact = {"contact": CONTACT | {"phone": "+442079460299"}}
    r.patch(ORDER, shop.bob, contact, key="edit-6", order=order.id)
    r.patch(ORDER, shop.bob, {"address": ADDRESS}, key="edit-7", order=order.id)
    r.patch(ORDER, shop.bob, {}, key="edit-8", order=order.id)
    r.patch(ORDER, shop.cid, contact, key="edit-9", order=order.id)
    r.get(f"{ORDER}/timeline", shop.bob, order=order.id)


def cancellations(shop: Shop) -> None:
    r, path = shop.recorder, f"{ORDER}/cancellations"
    order = shop.order(shop.ann, (KETTLE, 2, pickup()), (LAMP, 1, pickup(MANCHESTER)))
    some = {"lines": [{"sku": KETTLE, "quantity": 1}], "reason": "changed my mind"}
    r.post(path, shop.ann, some, order=order.id)
    r.post(path, shop.ann, some, key="cancel-1", order=order.id)
    r.post(path, shop.ann, some, key="cancel-1", order=order.id)
    r.move(path, shop.ann, {"lines": [{"sku": KETTLE, "quantity": 5}]}, order=order.id)
    r.move(path, shop.ann, {"lines": [{"sku": "nothing", "quantity": 1}]}, order=order.id)
    r.move(path, shop.bob, {}, order=order.id)
    r.move(path, shop.till, {}, order=order.id)
    r.move(path, shop.ann, {}, order=order.id)
    r.move(path, shop.ann, {}, order=order.id)
    r.get(ORDER, shop.ann, order=order.id)
    r.get(f"{ORDER}/timeline", shop.ann, order=order.id)


def order_links(shop: Shop) -> None:
    r = shop.recorder
    order = shop.order(shop.page, (KETTLE, 1, pickup()))
    body = {"order": order.id, "email": CONTACT["email"]}
    r.post("/v1/orders/find", shop.page, body)
    r.post("/v1/orders/find", shop.page, body | {"email": "other@example.com"})
    r.post("/v1/orders/find", shop.page, body | {"email": "no address"})
    r.post("/v1/orders/find", shop.page, body | {"order": "ord_none"})
    token = order.placed.json().get("token", "none")
    link = shop.page.with_("link", Order_Token=r.normal.hide(token, "order_token"))
    r.get(ORDER, link, order=order.id)
    r.get(ORDER, shop.page.with_("link", Order_Token="garbage"), order=order.id)
    r.move(f"{ORDER}/cancellations", link, {}, order=order.id)


def payments(shop: Shop) -> None:
    """Without a provider of cards: what is refused, and lists that are empty."""
    r = shop.recorder
    order = shop.order(shop.ann, (KETTLE, 1, pickup()))
    r.get(f"{ORDER}/payments", shop.office, order=order.id)
    r.get(f"{ORDER}/payments", shop.ann, order=order.id)
    r.move(f"{ORDER}/payments", shop.ann, {"method": "card"}, order=order.id)
    r.post(f"{ORDER}/payments", shop.ann, {"method": "card"}, order=order.id)
    r.move(f"{ORDER}/payments", shop.bob, {"method": "card"}, order=order.id)
    r.get("/v1/payments/unsettled", shop.office)
    r.get("/v1/payments/unsettled", shop.associate)
    r.post("/v1/hooks/{provider}", NOBODY, {}, provider="stripe")
    r.move(f"{ORDER}/cancellations", shop.ann, {}, order=order.id)
