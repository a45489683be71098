"""Carts of guests, customers and tills, until they are ordered."""

from tests.recording.recorder import NOBODY
from tests.recording.scenarios.shop import (
    BOWL,
    CONTACT,
    JUG,
    KETTLE,
    LAMP,
    LONDON,
    MANCHESTER,
    MUG,
    OSLO,
    SERVICE,
    SET,
    SHIP,
    Shop,
    pickup,
)

LINE = "/v1/carts/{cart}/lines/{sku}"


def cart_lines(shop: Shop) -> None:
    r = shop.recorder
    cart = shop.cart(shop.page, (MUG, 2, pickup()), (SET, 1, pickup()))
    guest, name = cart.by, cart.id
    seen = r.get("/v1/carts/{cart}", guest, cart=name)
    etag = seen.headers.get("etag", '"none"')
    r.put(LINE, guest, {"quantity": 3}, match=etag, cart=name, sku=MUG)
    r.put(LINE, guest, {"quantity": 4}, match=etag, cart=name, sku=MUG)
    r.put(LINE, guest, {"quantity": 4}, match="garbage", cart=name, sku=MUG)
    body = {"quantity": 1, "fulfilment": SHIP}
    r.put(LINE, guest, body, key="line-1", cart=name, sku=JUG)
    r.put(LINE, guest, body, key="line-1", cart=name, sku=JUG)
    r.put(LINE, guest, body | {"quantity": 2}, key="line-1", cart=name, sku=JUG)
    r.put(LINE, guest, {"quantity": 500, "fulfilment": pickup()}, cart=name, sku=BOWL)
    r.put(LINE, guest, {"quantity": 6, "fulfilment": SHIP}, cart=name, sku="SCALE")
    r.put(LINE, guest, {"quantity": 1}, cart=name, sku=SERVICE)
    r.put("/v1/carts/{cart}/fulfilment", guest, pickup(MANCHESTER), cart=name)
    r.put("/v1/carts/{cart}/fulfilment", guest, SHIP, cart=name)
    r.delete(LINE, guest, cart=name, sku=JUG)
    r.delete(LINE, guest, cart=name, sku=JUG)
    r.delete(LINE, guest, match='"1"', cart=name, sku=MUG)
    r.get("/v1/carts/{cart}", guest, cart=name)


def cart_refusals(shop: Shop) -> None:
    r = shop.recorder
    cart = shop.cart(shop.page)
    guest, name = cart.by, cart.id
    r.get("/v1/carts/{cart}", shop.page, cart=name)
    r.get("/v1/carts/{cart}", shop.ann, cart=name)
    r.get("/v1/carts/{cart}", NOBODY, cart=name)
    r.get("/v1/carts/{cart}", guest, cart="crt_none")
    r.put(LINE, guest, {"quantity": 1}, cart=name, sku="nothing")
    r.put(LINE, guest, {"quantity": 0}, cart=name, sku=MUG)
    r.put(LINE, guest, {"quantity": 1000}, cart=name, sku=MUG)
    r.put(LINE, guest, {"quantity": 1, "fulfilment": pickup("nowhere")}, cart=name, sku=MUG)
    r.put(LINE, guest, {"quantity": 1, "fulfilment": {"method": "pickup"}}, cart=name, sku=MUG)
    r.put(LINE, guest, {"quantity": 1, "fulfilment": {"method": "drone"}}, cart=name, sku=MUG)
    r.put("/v1/carts/{cart}/fulfilment", guest, pickup("nowhere"), cart=name)
    r.move("/v1/carts/{cart}/checkout", guest, {}, cart=name)
    r.move("/v1/carts/{cart}/hold", guest, cart=name)
    r.post("/v1/carts", shop.page, {"currency": "EUR", "market": "no-market"})
    r.post("/v1/carts", shop.page, {"currency": "EUR"}, key="cart-1")
    sek = r.post("/v1/carts", shop.page, {"currency": "SEK"}).json()
    token = r.normal.hide(sek["token"], "cart_token")
    r.put(LINE, shop.page.with_("cart", Cart_Token=token), {"quantity": 1}, cart=sek["id"], sku=MUG)


def saved_lines(shop: Shop) -> None:
    r = shop.recorder
    cart = shop.cart(shop.page, (MUG, 2, pickup()), (LAMP, 1, SHIP))
    guest, name = cart.by, cart.id
    r.post("/v1/carts/{cart}/saved", guest, {"sku": MUG, "fulfilment": pickup()}, cart=name)
    r.post("/v1/carts/{cart}/saved", guest, {"sku": JUG}, cart=name)
    r.post("/v1/carts/{cart}/saved", guest, {"sku": LAMP}, match='"1"', cart=name)
    r.post("/v1/carts/{cart}/saved/{sku}/restore", guest, cart=name, sku=MUG)
    r.post("/v1/carts/{cart}/saved/{sku}/restore", guest, cart=name, sku=MUG)
    r.post("/v1/carts/{cart}/saved", guest, {"sku": LAMP}, cart=name)
    r.delete("/v1/carts/{cart}/saved/{sku}", guest, cart=name, sku=LAMP)
    r.delete("/v1/carts/{cart}/saved/{sku}", guest, cart=name, sku=LAMP)


def cart_holds(shop: Shop) -> None:
    r = shop.recorder
    hold = "/v1/carts/{cart}/hold"
    cart = shop.cart(shop.page, (KETTLE, 2, pickup()))
    r.post(hold, cart.by, {}, key="cart-hold-1", cart=cart.id)
    r.post(hold, cart.by, {}, key="cart-hold-1", cart=cart.id)
    r.post(hold, cart.by, {}, cart=cart.id)
    r.move(hold, cart.by, cart=cart.id)
    query = {"max_staleness": 0, "store": LONDON, "explain": "true"}
    r.get("/v1/availability/{sku}", shop.till, query=query, sku=KETTLE)
    r.put(LINE, cart.by, {"quantity": 1}, cart=cart.id, sku=KETTLE)
    short = shop.cart(shop.page, ("KETTLE-STEEL", 15, pickup()), ("APRON-BLUE", 1, pickup()))
    r.move(hold, short.by, cart=short.id)
    many = shop.cart(shop.page, (MUG, 30, pickup()))
    r.move(hold, many.by, cart=many.id)


def cart_claims(shop: Shop) -> None:
    r = shop.recorder
    claim = "/v1/carts/{cart}/claim"
    r.get("/v1/me/cart", shop.bob)
    r.get("/v1/me/cart", shop.bob, query={"currency": "euro"})
    guest = shop.cart(shop.page, (MUG, 2, pickup()), (LAMP, 1, SHIP))
    token = guest.by.headers["Cart-Token"]
    bob = shop.bob.with_("cart", Cart_Token=token)
    cid = shop.cid.with_("cart", Cart_Token=token)
    r.post(claim, shop.bob, cart=guest.id)
    r.post(claim, bob, cart=guest.id)
    r.post(claim, bob, cart=guest.id)
    r.post(claim, cid, cart=guest.id)
    r.get("/v1/carts/{cart}", guest.by, cart=guest.id)
    second = shop.cart(shop.page, (MUG, 3, pickup(MANCHESTER)), (MUG, 1, pickup()))
    again = shop.bob.with_("cart", Cart_Token=second.by.headers["Cart-Token"])
    r.post(claim, again, key="claim-1", cart=second.id)
    r.post(claim, again, key="claim-1", cart=second.id)
    _claim_of_another_currency(shop)
    r.get("/v1/me/cart", shop.bob)


def _claim_of_another_currency(shop: Shop) -> None:
    r = shop.recorder
    sek = r.post("/v1/carts", shop.page, {"currency": "SEK"}).json()
    token = r.normal.hide(sek["token"], "cart_token")
    bob = shop.bob.with_("cart", Cart_Token=token)
    r.post("/v1/carts/{cart}/claim", bob, cart=sek["id"])


def cart_stores(shop: Shop) -> None:
    """Which store has the whole cart, and which together."""
    r = shop.recorder
    cart = shop.cart(shop.page, (MUG, 2, pickup()), (LAMP, 1, SHIP), (SET, 1, SHIP))
    path = "/v1/carts/{cart}/stores"
    near = {"near": "51.5,-0.1", "radius_km": 400}
    r.get(path, cart.by, query=near, cart=cart.id)
    r.get(path, cart.by, query=near | {"limit": 1}, cart=cart.id)
    r.get(path, cart.by, query={"near": "north"}, cart=cart.id)
    r.get(path, shop.bob, query=near, cart=cart.id)


def till_carts(shop: Shop) -> None:
    r, path = shop.recorder, "/v1/stores/{store}/carts"
    guest = shop.cart(shop.page, (MUG, 1, pickup()))
    made = r.post("/v1/carts/{cart}/code", guest.by, cart=guest.id, show=lambda _: "<code>")
    code = made.json()["code"]
    for spelling in (code, f"{code[:4]}-{code[4:].lower()}"):
        r.normal.hide(spelling, "cart_code")
    found = r.get(path, shop.till, query={"code": code}, store=LONDON)
    r.get(path, shop.till, query={"code": "ZZZZZZZZ"}, store=LONDON)
    r.get(path, shop.till, query={"code": code}, store=MANCHESTER)
    r.get(path, shop.till, query={"member": "sample-2"}, store=LONDON)
    r.get(path, shop.till, query={"member": "nobody"}, store=LONDON)
    r.get(path, shop.till, store=LONDON)
    r.get(path, shop.page, query={"code": code}, store=LONDON)
    token = r.normal.hide(found.json().get("token", "none"), "till_token")
    here = shop.till.with_("cart", Cart_Token=token)
    r.put(LINE, here, {"quantity": 2}, cart=guest.id, sku=MUG)
    own = shop.cart(shop.till, (JUG, 1, pickup()))
    terms = {"contact": CONTACT, "payment": {"method": "pay_at_till"}}
    r.move("/v1/carts/{cart}/checkout", own.by, terms, cart=own.id)


def viewed(shop: Shop) -> None:
    r = shop.recorder
    r.get("/v1/me/viewed", shop.ann)
    r.post("/v1/me/viewed", shop.ann, {"skus": [MUG, JUG]})
    r.post("/v1/me/viewed", shop.ann, {"skus": [MUG, "nothing"]})
    r.post("/v1/me/viewed", shop.ann, {"skus": []})
    r.post("/v1/me/viewed", shop.ann, {"skus": ["a/b"]})
    r.get("/v1/me/viewed", shop.ann)
    cart = shop.cart(shop.page)
    r.post("/v1/carts/{cart}/viewed", cart.by, {"skus": [LAMP]}, cart=cart.id)
    r.get("/v1/carts/{cart}/viewed", cart.by, cart=cart.id)
    r.get("/v1/carts/{cart}/viewed", shop.bob, cart=cart.id)
    r.get("/v1/stores/{store}", shop.page, store=OSLO)
