"""Points, and the messages that followed from what was done before."""

from typing import Any

from tests.recording.scenarios.shop import Shop, bearer


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
    """Waits until nothing is left to send; kinds and states are listed in a fixed order."""
    r, office = shop.recorder, shop.office
    for name in ("ann", "bob"):
        query = {"customer": shop.ids[name], "limit": 200}
        r.get("/v1/messages", office, query=query, until=_all_sent, show=_sorted)
    listed = {"customer": shop.ids["ann"], "limit": 1}
    found = r.client.get("/v1/messages", params=listed, headers=office.headers).json()
    first = found["items"][0]
    r.get("/v1/messages/{message}", office, message=first["id"], show=_trace)
    r.get("/v1/messages/{message}", office, message="msg_none")
    r.get("/v1/messages", office, query={"kind": "no_such_kind"})
    r.get("/v1/messages", shop.till)


def _all_sent(answer: Any) -> bool:
    items = answer.json()["items"]
    return bool(items) and all(item["state"] in {"sent", "suppressed"} for item in items)


def _sorted(answer: Any) -> Any:
    """Messages that two events caused at once are written in either order."""
    items = answer.json()["items"]
    return sorted(
        items, key=lambda item: (item["kind"], item["subject"] or "", str(item["about"]))
    )


def _trace(answer: Any) -> Any:
    return answer.json()
