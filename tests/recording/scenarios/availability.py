"""What can be bought where: one, many, kits, the stream, channels, walk-ins."""

from typing import Any, Final

from tests.recording.scenarios.shop import (
    BOWL,
    JUG,
    LONDON,
    MANCHESTER,
    MUG,
    OSLO,
    SERVICE,
    SET,
    Shop,
)

ONE: Final = "/v1/availability/{sku}"
NOW: Final = {"max_staleness": 0}


def availability(shop: Shop) -> None:
    r, page = shop.recorder, shop.page
    seen = r.get(ONE, page, query=NOW, sku=MUG)
    etag = seen.headers.get("etag", '"none"')
    r.get(ONE, page, query=NOW, sku=MUG, headers={"If-None-Match": etag})
    r.get(ONE, page, query=NOW, sku=MUG, headers={"If-None-Match": '"other"'})
    r.get(ONE, page, query=NOW | {"store": LONDON}, sku=SET)
    r.get(ONE, page, query=NOW | {"store": LONDON}, sku=SERVICE)
    r.get(ONE, page, sku="nothing")
    r.get(ONE, page, query={"channel": "no-channel"}, sku=MUG)
    r.get(ONE, page, query={"explain": "true"}, sku=MUG)
    r.get(ONE, shop.till, query=NOW | {"explain": "true", "store": LONDON}, sku=SET)
    r.get(ONE, shop.associate, query=NOW | {"explain": "true", "store": MANCHESTER}, sku=MUG)
    r.get(ONE, page, query=NOW | {"by": "2099-01-01T12:00:00Z", "store": LONDON}, sku=MUG)
    r.get(ONE, page, query={"by": "tomorrow"}, sku=MUG)
    _many(shop)


def _many(shop: Shop) -> None:
    r, page = shop.recorder, shop.page
    path = "/v1/availability"
    r.get(path, page, query=NOW | {"sku": [MUG, SET, "nothing"], "store": [LONDON, OSLO]})
    near = {"near": "53.4,-2.2", "radius_km": 60}
    r.get(path, page, query=NOW | near | {"sku": [JUG, BOWL]})
    r.get(path, page, query=NOW | {"sku": JUG, "store": "nowhere"})
    r.get(path, shop.office, query=NOW | {"sku": JUG, "store": LONDON, "explain": "true"})
    r.get(path, page, query={"sku": [f"S{number}" for number in range(300)]}, show=_status)


def _status(answer: Any) -> Any:
    body = answer.json()
    return body if "code" in body else len(body["items"])


def stream(shop: Shop) -> None:
    """The snapshot, a change while the stream is open, and a stream that is resumed."""
    r = shop.recorder
    path, query = "/v1/availability/stream", {"sku": [JUG, BOWL], "store": [LONDON, OSLO]}
    with r.stream(path, shop.page, query) as events:
        events.read(4)
        _adjust(shop, JUG, 1)
        events.read(1)
        seen = events.last_id
    _adjust(shop, BOWL, -1)
    with r.stream(path, shop.page, query, Last_Event_ID=seen) as events:
        events.read(1)
    with r.stream(path, shop.page, {"sku": SET, "store": MANCHESTER}) as events:
        events.read(1)
    r.get(path, query={"sku": JUG})
    r.get(path, shop.page, query={"sku": JUG, "channel": "no-channel"})
    r.get(path, shop.page, query={"sku": "a/b"})


def _adjust(shop: Shop, sku: str, delta: int) -> None:
    reason = "found" if delta > 0 else "lost"
    line = {"store": LONDON, "sku": sku, "delta": delta, "reason": reason}
    shop.recorder.move("/v1/stock/adjustments", shop.office, {"lines": [line]})


def channels(shop: Shop) -> None:
    r, office = shop.recorder, shop.office
    path = "/v1/channels/{channel}"
    r.get("/v1/channels", office)
    r.put(path, office, {"buffer": 2, "quantities": "capped", "most": 5}, channel="market")
    r.put(path, office, {"quantities": "secret"}, channel="market")
    r.put(path, office, {"buffer": -1}, channel="market")
    r.put(path, office, {}, channel="Not A Name")
    r.put(path, shop.page, {}, channel="market")
    first = r.get("/v1/channels", office, query={"limit": 1}).json()
    r.get("/v1/channels", office, query={"cursor": first["next_cursor"]})
    lines = [{"sku": JUG, "buffer": 4}, {"sku": "nothing", "buffer": 1}, {"sku": JUG, "buffer": 4}]
    r.post(f"{path}/buffers", office, {"lines": lines}, channel="market")
    r.post(f"{path}/buffers", office, {"lines": []}, channel="market")
    r.get(f"{path}/buffers", office, channel="market")
    r.get(f"{path}/buffers", office, channel="no-channel")
    query = NOW | {"channel": "market", "store": LONDON}
    r.get(ONE, shop.page, query=query, sku=JUG)
    r.get(ONE, shop.page, query=query, sku=MUG)


def walk_ins(shop: Shop) -> None:
    r, office = shop.recorder, shop.office
    path = "/v1/stores/{store}/walk-ins"
    r.get(path, office, store=OSLO)
    r.put(path, office, {"active": True, "floor": 1, "cap": 4}, store=OSLO)
    r.put(path, office, {"floor": 5, "cap": 4}, store=OSLO)
    r.put(path, office, {"active": True}, store="nowhere")
    r.get(path, shop.associate, store=OSLO)
    r.put(path, office, {"active": False}, store=OSLO)
