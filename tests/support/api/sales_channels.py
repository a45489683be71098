"""Requests to the public API that several tests make: sales channels."""

from typing import Any

from tests.support.shop import Shop


async def put_channel(shop: Shop, channel: str = "web", **policy: Any) -> Any:
    answer = await shop.client.put(
        f"/v1/channels/{channel}", json=policy, headers=await shop.office()
    )
    assert answer.status_code == 200, answer.text
    return answer.json()


async def buffers(shop: Shop, *lines: Any, channel: str = "web") -> Any:
    return await shop.client.post(
        f"/v1/channels/{channel}/buffers", json={"lines": lines}, headers=await shop.office()
    )


async def own_buffer(shop: Shop, sku: str, units: int | None, channel: str = "web") -> None:
    answer = await buffers(shop, {"sku": sku, "buffer": units}, channel=channel)
    assert answer.json()["results"] == [{"status": "applied"}], answer.text
