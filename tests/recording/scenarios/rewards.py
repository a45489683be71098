"""Points, and the messages that followed from what was done before."""

from typing import Any

from tests.recording.scenarios.pickups import do, make_ready
from tests.recording.scenarios.shipments import sent_order
from tests.recording.scenarios.shop import KETTLE, LAMP, Shop, bearer, pickup


def rewards(shop: Shop) -> None:
    r = shop.recorder
    seen = r.get("/v1/me/rewards", shop.ann)
    etag = seen.headers.get("etag", '"none"')
    r.get("/v1/me/rewards", shop.ann, headers={"If-None-Match": etag})
    first = r.get("/v1/me/rewards/entries", shop.ann, query={"limit": 3}).json()
    query = {"limit": 3, "cursor": first["next_cursor"]}
    r.get("/v1/me/rewards/entries", shop.ann, query=query)
    member = seen.json()["member"]
    r.get("/v1/members/{member}/rewards", shop.office, member=member)
    r.get("/v1/members/{member}/rewards", shop.till, member="sample-2")
    r.get("/v1/members/{member}/rewards", shop.office, member="nobody")
    r.get("/v1/members/{member}/rewards", shop.page, member=member)
    r.get("/v1/me/rewards", bearer("a customer's garbage", "eyJhbGciOiJIUzI1NiJ9.e30.e30"))


def messages(shop: Shop) -> None:
    """Each message is awaited before the next step: a step that overtakes it cancels it."""
    r, office, cid = shop.recorder, shop.office, shop.cid
    order = shop.order(cid, (LAMP, 1, pickup()))
    code = make_ready(shop, order, (LAMP, 1))
    _sent(shop, 1)
    do(shop, "handover", order.group("pickup"), {"code": code})
    _sent(shop, 2)
    parcel = {"carrier": "Sample Post", "tracking_number": "T-20"}
    sent = sent_order(shop, cid, (KETTLE, 1))
    r.move("/v1/orders/{order}/shipments", office, parcel, order=sent.id)
    found = _sent(shop, 3)
    for item in found:
        r.get("/v1/messages/{message}", office, message=item["id"])
    query = {"customer": shop.ids["cid"], "kind": found[0]["kind"], "state": "sent"}
    r.get("/v1/messages", office, query=query)
    r.get("/v1/messages", office, query={"customer": shop.ids["cid"], "state": "read"})
    r.get("/v1/messages/{message}", office, message="msg_none")
    r.get("/v1/messages", office, query={"kind": "no_such_kind"})
    r.get("/v1/messages", shop.till)


def _sent(shop: Shop, count: int) -> list[dict[str, Any]]:
    """The messages of the customer once `count` of them were sent."""

    def are_sent(answer: Any) -> bool:
        states = [item["state"] for item in answer.json()["items"]]
        return states == ["sent"] * count

    query = {"customer": shop.ids["cid"]}
    found = shop.recorder.get("/v1/messages", shop.office, query=query, until=are_sent)
    return list(found.json()["items"])
