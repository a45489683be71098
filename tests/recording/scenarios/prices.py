"""What prices are made by, and how they show in a cart."""

from typing import Any, Final

from tests.recording.scenarios.shop import ADDRESS, JUG, LAMP, MUG, SHIP, Shop, pickup

MARKET: Final[dict[str, Any]] = {
    "currency": "SEK",
    "countries": ["SE"],
    "locales": ["sv"],
    "prices_include_tax": True,
    "tax": {"default": "25", "categories": {"kitchen": "12"}},
    "sending_hours": {"from": "08:00", "to": "21:00"},
}
PROMOTION: Final[dict[str, Any]] = {
    "kind": "percentage",
    "percent": "10",
    "names": {"en": "Spring", "sv": "Rea"},
    "code": "Spring-10",
    "uses_max": 100,
}
METHOD: Final[dict[str, Any]] = {
    "names": {"en": "Post", "sv": "Post"},
    "price": {"amount": 490, "currency": "EUR"},
    "countries": ["GB"],
    "free_from": {"amount": 50000, "currency": "EUR"},
    "days_min": 2,
    "days_max": 4,
}


def _written(shop: Shop, what: str, name: str, body: Any, wrong: Any) -> None:
    """One rule: written, changed, read, listed, refused."""
    r, office = shop.recorder, shop.office
    path = f"/v1/{what}/{{{name}}}"
    one = {name: "rec"}
    r.put(path, office, body, **one)
    r.put(path, office, body, **one)
    r.put(path, office, body, match='"1"', key=f"{name}-1", **one)
    r.put(path, office, body, match='"7"', **one)
    r.put(path, office, wrong, **one)
    r.put(path, office, body, **{name: "Not A Name"})
    r.put(path, shop.till, body, **one)
    r.get(path, office, **one)
    r.get(path, office, **{name: "none"})
    r.get(f"/v1/{what}", office, query={"limit": 1})
    other = body | ({"code": "Spring-20"} if "code" in body else {})
    r.put(path, office, body, **{name: "rec-2"})
    r.put(path, office, other, **{name: "rec-2"})
    first = r.get(f"/v1/{what}", office, query={"limit": 1}).json()
    r.get(f"/v1/{what}", office, query={"cursor": first["next_cursor"]})
    r.delete(path, office, match='"9"', **{name: "rec-2"})
    r.delete(path, office, **{name: "rec-2"})
    r.delete(path, office, **{name: "rec-2"})


def markets(shop: Shop) -> None:
    wrong = MARKET | {"currency": "kronor", "tax": {"default": "101"}, "countries": ["Sweden"]}
    _written(shop, "markets", "market", MARKET, wrong)
    r = shop.recorder
    one = {"market": "rec"}
    r.put("/v1/markets/{market}", shop.office, MARKET | {"countries": ["SE", "AX"]}, **one)
    cart = r.post("/v1/carts", shop.page, {"currency": "SEK", "market": "rec"})
    r.post("/v1/carts", shop.page, {"currency": "EUR", "market": "rec"})
    token = r.normal.hide(cart.json().get("token", "none"), "cart_token")
    r.get("/v1/carts/{cart}", shop.page.with_("cart", Cart_Token=token), cart=cart.json()["id"])
    r.delete("/v1/markets/{market}", shop.office, **one)


def promotions(shop: Shop) -> None:
    wrong = PROMOTION | {"percent": None, "amount": {"amount": 5, "currency": "EUR"}, "code": "x"}
    _written(shop, "promotions", "promotion", PROMOTION, wrong)
    r, office = shop.recorder, shop.office
    three = {"kind": "n_for_m", "take": 3, "pay": 2, "skus": [MUG], "names": {"en": "3 for 2"}}
    r.put("/v1/promotions/{promotion}", office, three, promotion="mugs")
    amount = {"kind": "amount", "amount": {"amount": 500, "currency": "EUR"}, "off": "lines"}
    later = {"from": "2099-01-01T00:00:00Z", "code": "Later-1"}
    r.put("/v1/promotions/{promotion}", office, amount | later, promotion="later")
    cart = shop.cart(shop.page, (MUG, 3, pickup()), (JUG, 1, pickup()))
    coupon = "/v1/carts/{cart}/coupons/{code}"
    r.put(coupon, cart.by, cart=cart.id, code="Spring-10")
    r.put(coupon, cart.by, cart=cart.id, code="SPRING-10")
    r.put(coupon, cart.by, cart=cart.id, code="Nothing-1")
    r.put(coupon, cart.by, cart=cart.id, code="Later-1")
    r.get("/v1/carts/{cart}", cart.by, cart=cart.id)
    r.delete(coupon, cart.by, cart=cart.id, code="Spring-10")
    r.delete(coupon, cart.by, cart=cart.id, code="Spring-10")
    r.put("/v1/promotions/{promotion}", office, three | {"state": "paused"}, promotion="mugs")


def shipping_methods(shop: Shop) -> None:
    wrong = METHOD | {"days_min": 5, "days_max": 1, "price": {"amount": -1, "currency": "EUR"}}
    _written(shop, "shipping-methods", "method", METHOD, wrong)
    r = shop.recorder
    r.get("/v1/shipping-methods", shop.page, query={"country": "GB", "currency": "EUR"})
    r.get("/v1/shipping-methods", shop.page, query={"country": "Britain"})
    cart = shop.cart(shop.page, (LAMP, 1, SHIP))
    path = "/v1/carts/{cart}/shipping"
    r.put(path, cart.by, {"method": "rec", "address": ADDRESS}, cart=cart.id)
    r.put(path, cart.by, {"method": "rec", "address": ADDRESS | {"country": "NO"}}, cart=cart.id)
    r.put(path, cart.by, {"method": "none"}, cart=cart.id)
    r.put(path, cart.by, {"address": ADDRESS | {"country": "Britain"}}, cart=cart.id)
