"""Stock that is written: adjustments, sets, counts, transfers, deliveries, sales at tills."""

from typing import Any, Final

from tests.recording.scenarios.shop import (
    EDINBURGH,
    JUG,
    KETTLE,
    LAMP,
    LONDON,
    MANCHESTER,
    MUG,
    OSLO,
    PAN,
    PLATE,
    SET,
    Shop,
)

LATER: Final = "2099-01-01"


def adjustments(shop: Shop) -> None:
    r, path = shop.recorder, "/v1/stock/adjustments"
    line = {"store": LONDON, "sku": MUG, "delta": 3, "reason": "received"}
    body = {"lines": [line | {"reference": "note-1"}]}
    r.post(path, shop.office, body, key="adjust-1")
    r.post(path, shop.office, body, key="adjust-1")
    r.post(path, shop.office, {"lines": [line]}, key="adjust-1")
    mixed = [
        line | {"delta": -1, "reason": "damaged"},
        line | {"delta": 2, "reason": "blocked", "condition": "display"},
        line | {"delta": -1, "reason": "unblocked"},
        line | {"delta": 2, "reason": "unblocked", "condition": "display"},
        line | {"delta": -5000, "reason": "lost"},
        line | {"sku": "nothing"},
        line | {"store": MANCHESTER},
        line | {"sku": SET},
        line | {"reason": "eaten"},
        line | {"delta": 0},
        {"nonsense": True},
    ]
    r.move(path, shop.office, {"lines": mixed})
    r.move(path, shop.associate, body)
    r.get("/v1/stock/{sku}", shop.associate, query={"store": LONDON}, sku=MUG)
    r.get("/v1/stock/{sku}", shop.associate, query={"store": MANCHESTER}, sku=MUG)
    r.get("/v1/stock/{sku}", shop.office, query={"store": "nowhere"}, sku=MUG)
    r.get("/v1/stock/{sku}", shop.office, sku="nothing")
    r.get("/v1/stock/{sku}", shop.office, query={"at": "2020-01-01T00:00:00Z"}, sku=MUG)
    query = {"store": LONDON, "limit": 2}
    moves = r.get("/v1/stock/{sku}/movements", shop.associate, query=query, sku=MUG).json()
    query["cursor"] = moves["next_cursor"]
    r.get("/v1/stock/{sku}/movements", shop.associate, query=query, sku=MUG)


def sets_and_counts(shop: Shop) -> None:
    r, office = shop.recorder, shop.office
    stock = r.get("/v1/stock/{sku}", office, query={"store": LONDON}, sku=PAN).json()
    version = stock["items"][0]["version"]
    line = {"store": LONDON, "sku": PAN, "on_hand": 12, "if_version": version}
    r.post("/v1/stock/sets", office, {"lines": [line]}, key="set-1")
    r.post("/v1/stock/sets", office, {"lines": [line]}, key="set-1")
    r.move(
        "/v1/stock/sets", office, {"lines": [line, line | {"sku": "nothing"}, line | {"sku": SET}]}
    )
    r.move("/v1/stock/sets", office, {"lines": [line | {"on_hand": -1}]})
    counted = "2026-01-01T10:00:00+00:00"
    count = {"store": LONDON, "sku": PAN, "counted": 11, "counted_at": counted}
    wrong = [
        count | {"counted_at": "2099-01-01T10:00:00Z"},
        count | {"counted_at": "noon"},
        count | {"counted": -1},
        count | {"store": MANCHESTER},
    ]
    r.move("/v1/stock/counts", shop.associate, {"lines": [count, *wrong]})
    r.post("/v1/stock/counts", shop.associate, {"lines": [count]})
    for sku in (MUG, JUG, KETTLE, LAMP, PAN, PLATE):
        shop.stock(sku, (LONDON, 40), (MANCHESTER, 40), (EDINBURGH, 40))


def transfers(shop: Shop) -> None:
    r, path = shop.recorder, "/v1/stock/transfers"
    body = {"from": LONDON, "to": MANCHESTER, "lines": [{"sku": PAN, "quantity": 4}]}
    sent = r.post(path, shop.associate, body | {"due_on": LATER}, key="transfer-1").json()
    r.post(path, shop.associate, body | {"due_on": LATER}, key="transfer-1")
    r.move(path, shop.other_associate, body)
    r.move(path, shop.associate, body | {"to": LONDON})
    r.move(path, shop.associate, body | {"to": "nowhere"})
    bad = [{"sku": PAN, "quantity": 9999}, {"sku": "nothing", "quantity": 1}]
    r.move(path, shop.associate, body | {"lines": bad})
    r.move(path, shop.associate, {"from": LONDON, "to": MANCHESTER, "lines": []})
    r.get(path, shop.office, query={"state": "in_transit", "store": MANCHESTER})
    r.get(f"{path}/{{transfer}}", shop.associate, transfer=sent["id"])
    r.get(f"{path}/{{transfer}}", shop.office, transfer="trf_none")
    receive = f"{path}/{{transfer}}/receive"
    came = {"lines": [{"sku": PAN, "received": 3}]}
    r.move(receive, shop.associate, came, transfer=sent["id"])
    r.move(receive, shop.other_associate, came, transfer=sent["id"])
    too_many = {"lines": [{"sku": PAN, "received": 30}, {"sku": MUG, "received": 1}]}
    r.move(receive, shop.other_associate, too_many, transfer=sent["id"])
    r.move(receive, shop.other_associate, {"lines": [], "close": True}, transfer=sent["id"])
    r.move(receive, shop.other_associate, came, transfer=sent["id"])
    r.get(f"{path}/{{transfer}}", shop.other_associate, transfer=sent["id"])


def deliveries(shop: Shop) -> None:
    r, path = shop.recorder, "/v1/stock/deliveries"
    body = {"store": LONDON, "lines": [{"sku": LAMP, "quantity": 6}], "reference": "PO-1"}
    made = r.post(path, shop.office, body | {"due_on": LATER}, key="delivery-1").json()
    r.post(path, shop.office, body | {"due_on": LATER}, key="delivery-1")
    r.move(path, shop.office, body | {"store": "nowhere"})
    r.move(path, shop.office, body | {"lines": [{"sku": "nothing", "quantity": 1}]})
    r.move(path, shop.office, body | {"due_on": LATER, "due_at": "2099-01-01T10:00:00Z"})
    r.move(path, shop.other_associate, body)
    one = f"{path}/{{delivery}}"
    r.get(one, shop.associate, delivery=made["id"])
    r.get(one, shop.other_associate, delivery=made["id"])
    r.patch(one, shop.office, {"due_on": "2099-02-01"}, delivery=made["id"])
    r.patch(one, shop.office, {"due_on": "someday"}, delivery=made["id"])
    r.get("/v1/availability/{sku}", shop.page, query=_by(), sku=LAMP)
    came = {"lines": [{"sku": LAMP, "received": 2}]}
    r.move(f"{one}/receive", shop.associate, came, delivery=made["id"])
    r.move(f"{one}/receive", shop.associate, came | {"close": True}, delivery=made["id"])
    r.move(f"{one}/receive", shop.associate, came, delivery=made["id"])
    r.patch(one, shop.office, {"due_on": LATER}, delivery=made["id"])
    other = r.move(path, shop.office, body | {"due_on": LATER}).json()
    r.post(f"{one}/cancel", shop.office, delivery=other["id"])
    r.post(f"{one}/cancel", shop.office, delivery=other["id"])
    r.post(f"{one}/cancel", shop.office, delivery="dlv_none")
    r.get(path, shop.office, query={"store": LONDON, "limit": 1})
    r.get(path, shop.office, query={"state": ["cancelled", "closed"]})


def _by() -> dict[str, Any]:
    return {"max_staleness": 0, "store": LONDON, "by": "2099-03-01T12:00:00Z"}


def sales(shop: Shop) -> None:
    r, path = shop.recorder, "/v1/stores/{store}/sales"
    sale = _receipt("sale-1", {"sku": MUG, "quantity": 2}, member="sample-1")
    r.post(path, shop.till, {"sales": [sale, sale]}, store=LONDON)
    other = sale | {"lines": [{"sku": JUG, "quantity": 1}]}
    r.post(path, shop.till, {"sales": [sale, other]}, store=LONDON)
    odd = [
        _receipt("sale-2", {"sku": "nothing", "quantity": 1}, {"sku": JUG, "quantity": 1}),
        _receipt("sale-3", {"gtin": "2000000000374", "quantity": 1}),
        _receipt("sale-4", {"sku": JUG, "quantity": -1}, {"gtin": "12", "quantity": 1}),
        _receipt("sale-5", {"sku": SET, "quantity": 1}, member="nobody"),
        _receipt("sale-6", {"sku": JUG, "quantity": 9999}) | {"loyalty": "gold"},
        _receipt("sale-7", {"sku": JUG, "quantity": 1}) | {"store": MANCHESTER},
        {"id": "sale-8"},
        "nonsense",
    ]
    r.post(path, shop.till, {"sales": odd}, store=LONDON)
    r.post(path, shop.till, {"sales": [sale]}, store=MANCHESTER)
    r.post(path, shop.page, {"sales": [sale]}, store=LONDON)
    r.post(path, shop.till, {"sales": []}, store=LONDON)
    _sale_returns(shop)
    _incidents(shop)


def _receipt(name: str, *lines: dict[str, Any], **more: Any) -> dict[str, Any]:
    price = {"amount": 690, "currency": "EUR"}
    return {
        "id": name,
        "terminal": "T1",
        "kind": "sale",
        "occurred_at": "2026-01-02T10:15:00+00:00",
        "lines": [{"unit_price": price} | line for line in lines],
        **more,
    }


def _sale_returns(shop: Shop) -> None:
    r, path = shop.recorder, "/v1/stores/{store}/sales"
    line = {"sku": MUG, "quantity": 1, "disposition": "sellable"}
    back = {"kind": "return"}
    receipts = [
        _receipt("back-1", line, of="sale-1") | back,
        _receipt("back-2", line, of="sale-99") | back,
        _receipt("back-3", line | {"disposition": "damaged"}) | back,
        _receipt("back-4", line | {"quantity": 7}, of="sale-1") | back,
    ]
    r.post(path, shop.till, {"sales": receipts}, store=LONDON)
    late = _receipt("sale-99", {"sku": MUG, "quantity": 1}, member="sample-2")
    r.post(path, shop.till, {"sales": [late]}, store=LONDON)
    shop.stock(JUG, (LONDON, 40))


def _incidents(shop: Shop) -> None:
    r, path = shop.recorder, "/v1/stores/{store}/incidents"
    found = r.get(path, shop.associate, store=LONDON).json()
    r.get(path, shop.associate, query={"state": "settled"}, store=LONDON)
    r.get(path, shop.other_associate, store=LONDON)
    settle, incident = "/v1/incidents/{incident}/settle", found["items"][0]["id"]
    r.post(settle, shop.other_associate, {"note": "seen"}, incident=incident)
    r.post(settle, shop.associate, {"note": "seen"}, incident=incident)
    r.post(settle, shop.associate, {"note": "seen"}, incident=incident)
    r.get(path, shop.associate, query={"state": ["open", "settled"], "limit": 1}, store=LONDON)


def closing(shop: Shop) -> None:
    """A store is taken out of service and put back."""
    r, office = shop.recorder, shop.office
    r.post("/v1/stores/{store}/disable", office, {"drain": True}, store=OSLO)
    r.get("/v1/stores/{store}", shop.page, store=OSLO)
    r.post("/v1/stores/{store}/disable", office, {"drain": False}, store=LONDON)
    r.post("/v1/stores/{store}/disable", shop.associate, {}, store=OSLO)
    r.post("/v1/stores/{store}/disable", office, {}, store="nowhere")
    r.post("/v1/stores/{store}/enable", office, store=OSLO)
    r.post("/v1/stores/{store}/enable", office, store=LONDON)
    r.post("/v1/stores/{store}/enable", office, store=LONDON)
