"""Products, stores and files that bring them in."""

from typing import Final

from tests.recording.scenarios.shop import LONDON, MANCHESTER, MUG, SERVICE, SET, Shop

CSV: Final = {"Content-Type": "text/csv"}
NEAR_LONDON: Final = "51.5,-0.1"


def products(shop: Shop) -> None:
    r, page = shop.recorder, shop.page
    r.get("/v1/products/{sku}", page, sku=MUG)
    r.get("/v1/products/{sku}", page, sku=SET)
    r.get("/v1/products/{sku}", page, sku="nothing")
    first = r.get("/v1/products", page, query={"limit": 2}).json()
    r.get("/v1/products", page, query={"limit": 2, "cursor": first["next_cursor"]})
    r.get("/v1/products", page, query={"query": "desk lamp"})
    r.get("/v1/products", page, query={"query": "krus", "limit": 1})
    r.get("/v1/products", page, query={"gtin": "2000000000374"})
    r.get("/v1/products", page, query={"gtin": "2000000000375"})
    r.get("/v1/products", page, query={"gtin": "12"})
    options = {"limit": 2, "store": LONDON}
    r.get("/v1/products/{sku}/variants", page, query=options, sku=MUG)
    r.get("/v1/products/{sku}/variants", page, query={"near": NEAR_LONDON}, sku="BULB-40W")
    r.get("/v1/products/{sku}/variants", page, sku="nothing")
    change = {"most_per_order": 5}
    r.patch("/v1/products/{sku}", shop.office, change, sku="SCALE")
    r.patch("/v1/products/{sku}", shop.office, {"most_per_order": 0}, sku="SCALE")
    r.patch("/v1/products/{sku}", shop.office, {"tracked": True}, sku=SERVICE)
    r.patch("/v1/products/{sku}", shop.office, {"tracked": False}, sku=SERVICE)
    r.patch("/v1/products/{sku}", shop.office, change, sku="nothing")
    r.patch("/v1/products/{sku}", shop.page, change, sku="SCALE")


def stores(shop: Shop) -> None:
    r, page = shop.recorder, shop.page
    r.get("/v1/stores/{store}", page, store=LONDON)
    near = {"near": NEAR_LONDON, "radius_km": 300}
    r.get("/v1/stores", page, query=near)
    r.get("/v1/stores", page, query=near | {"pickup": "true", "limit": 1})
    r.get("/v1/stores", page, query={"near": "north"})
    r.get("/v1/stores", page, query={"near": "91,0"})
    r.get("/v1/stores", page, query={"radius_km": 5})
    first = r.get("/v1/stores", page, query={"limit": 1}).json()
    r.get("/v1/stores", page, query={"limit": 1, "cursor": first["next_cursor"]})


def imports(shop: Shop) -> None:
    """The same over HTTP as on the command line: CSV, NDJSON and JSON, mapped and folded."""
    r, office = shop.recorder, shop.office
    path = "/v1/imports/{kind}"
    line = "sku,name,price,currency,category\n"
    good = f"{line}REC-1,Recorded thing,2.55,EUR,kitchen\nREC-2,Another thing,3,EUR,kitchen\n"
    bad = f"{line}REC-3,Third thing,two,EUR,kitchen\n,Nameless,1,EUR,kitchen\nREC-4,Fourth,1,EU,\n"
    r.ask("POST", path, office, raw=good, headers=CSV, kind="products")
    r.ask("POST", path, office, raw=good, headers=CSV, kind="products")
    r.ask("POST", path, office, raw=bad, headers=CSV, kind="products")
    r.ask("POST", path, office, raw="nothing here", headers=CSV, kind="products")
    r.ask("POST", path, office, raw=good, headers=CSV, kind="planets")
    r.ask("POST", path, shop.till, raw=good, headers=CSV, kind="products")
    r.ask("POST", path, office, raw="x", headers={"Content-Type": "image/png"}, kind="products")
    _more_imports(shop)


def _more_imports(shop: Shop) -> None:
    r, office = shop.recorder, shop.office
    path = "/v1/imports/{kind}"
    lines = (
        '{"StockCode": "REC-5", "Description": "Fifth", "UnitPrice": "1.5"}\n'
        '{"StockCode": "REC-5", "Description": "Fifth thing", "UnitPrice": "1.6"}\n'
        '{"StockCode": "??", "Description": "Odd", "UnitPrice": "1.6"}\nnot JSON\n'
    )
    mapped = {
        "map": ["sku=StockCode", "name=Description", "price=UnitPrice"],
        "set": ["currency=EUR"],
        "distinct": "sku",
        "pattern": ["sku=[A-Z0-9-]+"],
    }
    ndjson = {"Content-Type": "application/x-ndjson"}
    r.ask("POST", path, office, raw=lines, headers=ndjson, query=mapped, kind="products")
    wrong = {"map": ["nonsense"]}
    r.ask("POST", path, office, raw=lines, headers=ndjson, query=wrong, kind="products")
    stock = [
        {"store": LONDON, "sku": "REC-1", "on_hand": 7},
        {"store": MANCHESTER, "sku": "REC-1", "on_hand": 2, "safety_stock": 1},
        {"store": "nowhere", "sku": "REC-1", "on_hand": 2},
    ]
    r.post(path, office, stock, kind="stock")
    people = [{"external_id": "rec-9", "name": "Ninth", "email": "ninth@example.com"}]
    r.post(path, office, people, kind="customers")
    r.post(path, office, [{"store": "REC", "name": "Recorded store"}], kind="stores")
    r.post(path, office, [{"external_id": "d-1", "store": LONDON}], kind="deliveries")
