"""Requests to the public API that several tests make: stores."""

from typing import Any

from tests.support.shop import Shop


async def walk(shop: Shop, path: str, **params: Any) -> list[dict[str, Any]]:
    """Every item of a list, page by page."""
    items: list[dict[str, Any]] = []
    headers = await shop.page()
    while True:
        page = (await shop.client.get(path, params=params, headers=headers)).json()
        items += page["items"]
        if page["next_cursor"] is None:
            return items
        params["cursor"] = page["next_cursor"]
