"""Stock that is held for a while, and pinned while it is paid for."""

from tests.recording.scenarios.shop import JUG, LONDON, MANCHESTER, MUG, SET, Shop


def holds(shop: Shop) -> None:
    r, page = shop.recorder, shop.page
    line = {"sku": JUG, "store": LONDON, "quantity": 2}
    body = {"lines": [line, line | {"sku": MUG, "store": MANCHESTER}], "ttl_s": 600}
    made = r.post("/v1/holds", page, body, key="hold-1").json()
    r.post("/v1/holds", page, body, key="hold-1")
    r.post("/v1/holds", page, {"lines": [line]}, key="hold-1")
    r.post("/v1/holds", page, body)
    r.move("/v1/holds", page, {"lines": [line | {"quantity": 15, "sku": "APRON-GREY"}]})
    r.move("/v1/holds", page, {"lines": [line | {"quantity": 21}]})
    r.move("/v1/holds", page, {"lines": [line | {"quantity": 0}]})
    r.move("/v1/holds", page, {"lines": [line | {"sku": "nothing"}]})
    r.move("/v1/holds", page, {"lines": [line | {"store": "nowhere"}]})
    r.move("/v1/holds", page, {"lines": [line], "ttl_s": 7200})
    r.move("/v1/holds", page, {"lines": []})
    r.move("/v1/holds", page, {"lines": [line], "channel": "no-channel"})
    kit = r.move("/v1/holds", shop.ann, {"lines": [line | {"sku": SET, "quantity": 1}]})
    r.get("/v1/holds/{hold}", shop.ann, hold=kit.json().get("id", "hld_none"))
    r.get("/v1/holds/{hold}", shop.bob, hold=kit.json().get("id", "hld_none"))
    r.get("/v1/holds/{hold}", page, hold=made["id"])
    r.get("/v1/holds/{hold}", page, hold="hld_none")
    r.post("/v1/holds/{hold}/extend", page, {"ttl_s": 900}, hold=made["id"])
    r.post("/v1/holds/{hold}/extend", page, {"ttl_s": 0}, hold=made["id"])
    r.delete("/v1/holds/{hold}", page, hold=made["id"])
    r.delete("/v1/holds/{hold}", page, hold=made["id"])
    r.post("/v1/holds/{hold}/extend", page, {}, hold=made["id"])
    r.get("/v1/holds/{hold}", page, hold=made["id"])


def pins(shop: Shop) -> None:
    r, page, office = shop.recorder, shop.page, shop.office
    body = {"lines": [{"sku": JUG, "store": LONDON, "quantity": 1}]}
    hold = r.move("/v1/holds", page, body).json()["id"]
    pin, unpin = "/v1/holds/{hold}/pin", "/v1/holds/{hold}/unpin"
    r.post(pin, page, {"attempt": "try-1"}, hold=hold)
    r.post(pin, office, {"attempt": "try-1", "ttl_s": 300}, hold=hold)
    r.post(pin, office, {"attempt": "try-1", "ttl_s": 300}, hold=hold)
    r.post(pin, office, {"attempt": "try-2"}, hold=hold)
    r.post(pin, office, {"attempt": "a blank"}, hold=hold)
    r.delete("/v1/holds/{hold}", page, hold=hold)
    r.post(unpin, office, {"attempt": "try-2"}, hold=hold)
    r.post(unpin, office, {"attempt": "try-1"}, hold=hold)
    r.get("/v1/holds/{hold}", page, hold=hold)
    r.delete("/v1/holds/{hold}", page, hold=hold)
    r.post(pin, office, {"attempt": "try-3"}, hold=hold)
    r.post(pin, office, {"attempt": "try-3"}, hold="hld_none")
