"""Another system that is informed of every change of stock."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

from tests.recording.scenarios.shop import LONDON, Shop

UNTOUCHED = ("COASTERS", "SPATULA")
"""Goods that no scenario before has changed."""
WEBHOOK = "/v1/webhooks/{webhook}"


def webhooks(shop: Shop) -> None:
    r, office = shop.recorder, shop.office
    with _receiver() as (url, received, arrived):
        made = r.post("/v1/webhooks", office, {"url": url}, key="webhook-1").json()
        r.post("/v1/webhooks", office, {"url": url}, key="webhook-1")
        name = made["id"]
        for sku in UNTOUCHED:
            line = {"store": LONDON, "sku": sku, "delta": 1, "reason": "found"}
            r.move("/v1/stock/adjustments", office, {"lines": [line]})
        with arrived:
            arrived.wait_for(lambda: len(_changes(received)) >= 2, timeout=20)
        _note(shop, received)
        r.get(WEBHOOK, office, webhook=name, until=lambda _: True, show=_without_position)
    r.post("/v1/webhooks", office, {"url": "ftp://example.com"})
    r.post("/v1/webhooks", office, {"url": "https://user:pass@example.com/"})
    r.post("/v1/webhooks", shop.till, {"url": url})
    r.get("/v1/webhooks", office, show=_listed)
    r.get(WEBHOOK, office, webhook="whk_none")
    r.post(f"{WEBHOOK}/replay", office, {"after": -1}, webhook=name)
    r.post(f"{WEBHOOK}/replay", office, {"after": 10**12}, webhook=name)
    r.delete(WEBHOOK, office, webhook=name)
    r.delete(WEBHOOK, office, webhook=name)


def _without_position(answer: Any) -> Any:
    """How far a receiver was served depends on time."""
    body = dict(answer.json())
    return body | {"position": "<position>"} if "position" in body else body


def _listed(answer: Any) -> Any:
    return [sorted(item) for item in answer.json()["items"]]


def _changes(received: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those of this scenario, one by one, however they were put together in calls."""
    changes = [change for call in received for change in call["body"]["data"]["changes"]]
    return [change for change in changes if change["sku"] in UNTOUCHED]


def _note(shop: Shop, received: list[dict[str, Any]]) -> None:
    r = shop.recorder
    envelope = {
        "request": "a webhook's receiver is called",
        "headers": sorted({name for call in received for name in call["headers"]}),
        "types": sorted({call["body"]["type"] for call in received}),
        "fields": sorted({field for call in received for field in call["body"]}),
        "changes": [change | {"position": "<position>"} for change in _changes(received)],
    }
    r.entries["webhooks"].append(r.normal.json(envelope))


@contextmanager
def _receiver() -> Iterator[tuple[str, list[dict[str, Any]], threading.Condition]]:
    """A web server that remembers what it was sent."""
    received: list[dict[str, Any]] = []
    arrived = threading.Condition()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            names = [name.lower() for name in self.headers if name.lower().startswith("webhook")]
            with arrived:
                received.append({"headers": names, "body": body})
                arrived.notify_all()
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/hook", received, arrived
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
