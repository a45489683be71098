"""The rows that two builds are compared by; each measures one side by its API alone."""

import asyncio
import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final
from uuid import uuid4

import httpx
import msgspec
from msgspec import Struct
from msgspec.structs import replace

from adapters.bench.compared_side import ComparedSide, create_carts
from adapters.bench.figures import Sample, to_sample
from adapters.bench.generators import build_post_request, send_all, wrk
from adapters.bench.receipt_batches import (
    LINES_PER_RECEIPT,
    RECEIPTS_PER_BATCH,
    all_applied,
    batch_requests,
)
from adapters.bench.rig import TIMEOUT_SECONDS
from adapters.bench.scales import sku, store

CACHE_WARM_UP_SECONDS: Final = 10
MAX_CHECKOUTS_PER_SECOND: Final = 400
JOURNEY_CONNECTIONS: Final = 16
IDLE_SECONDS: Final = 2
CONTACT: Final = {"name": "Sample", "email": "sample@example.com"}


class ComparedRow(Struct, frozen=True):
    """One row; `label` distinguishes rows of one number, `at_most` is: smaller is better."""

    label: str
    work: str
    unit: str
    measure: Callable[[ComparedSide, int], Sample]
    at_most: bool = False
    warm_up_seconds: int = 1

    @property
    def number(self) -> int:
        return int(self.label.split()[0])


def availability(side: ComparedSide, seconds: int) -> Sample:
    headers = side.page_headers
    return wrk(side.base_url, seconds, "availability", side.scale.skus, 0, headers=headers)


def cold_availability(side: ComparedSide, seconds: int) -> Sample:
    side.restart()
    return availability(side, seconds)


def listing(side: ComparedSide, seconds: int) -> Sample:
    scale, headers = side.scale, side.page_headers
    return wrk(side.base_url, seconds, "listing", scale.skus, scale.stores, headers=headers)


def spread_holds(side: ComparedSide, seconds: int) -> Sample:
    return _holds(side, seconds, side.scale.skus, side.scale.stores)


def contended_holds(side: ComparedSide, seconds: int) -> Sample:
    return _holds(side, seconds, 1, 1)


def _holds(side: ComparedSide, seconds: int, skus: int, stores: int) -> Sample:
    salt, headers = uuid4().hex, side.page_headers
    return wrk(side.base_url, seconds, "hold", skus, stores, salt, headers=headers)


def receipts(side: ComparedSide, seconds: int) -> Sample:
    requests = batch_requests(side.till_headers, side.scale.skus)
    sample = asyncio.run(send_all(side.port, requests, seconds, good=all_applied))
    return replace(sample, value=sample.value * RECEIPTS_PER_BATCH * LINES_PER_RECEIPT)


def checkouts(side: ComparedSide, seconds: int) -> Sample:
    """Checkouts of carts that are made beforehand, by the API too."""
    salt = uuid4().hex[:6]
    many = min(MAX_CHECKOUTS_PER_SECOND * seconds, len(side.customers))
    made = asyncio.run(create_carts(side, many, salt))
    return asyncio.run(
        send_all(side.port, _checkout_requests(made, salt), seconds, good=_is_placed)
    )


def _checkout_requests(made: dict[str, str], salt: str) -> Iterator[bytes]:
    body = msgspec.json.encode({"contact": CONTACT, "payment": {"method": "pay_at_pickup"}})
    for number, (cart, token) in enumerate(made.items()):
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": f"{salt}-{number}"}
        yield build_post_request(f"/v1/carts/{cart}/checkout", headers, body)


def _is_placed(answer: bytes) -> bool:
    return answer.startswith(b"HTTP/1.1 201")


def rewards(side: ComparedSide, seconds: int) -> Sample:
    with TemporaryDirectory(prefix="hylla-bench-") as folder:
        file = Path(folder) / "tokens"
        file.write_text("\n".join(side.customer_token(one) for one in side.customers[:2000]))
        return wrk(side.base_url, seconds, "rewards", file)


def cold_start(side: ComparedSide, _: int) -> Sample:
    side.stop()
    began = time.perf_counter()
    side.start()
    return Sample((time.perf_counter() - began) * 1000)


def idle_memory(side: ComparedSide, _: int) -> Sample:
    """The proportional set size of the largest process of the service, after a start."""
    side.restart()
    time.sleep(IDLE_SECONDS)
    return Sample(max(process.memory_full_info().pss for process in side.processes()) / 2**20)


def journeys(side: ComparedSide, seconds: int) -> Sample:
    """Processor time of the service for a guest's cart, one line, and the checkout."""
    return _processor_time(side, seconds, with_checkout=True)


def carts(side: ComparedSide, seconds: int) -> Sample:
    """Processor time of the service for a guest's cart and one line."""
    return _processor_time(side, seconds, with_checkout=False)


def _processor_time(side: ComparedSide, seconds: int, *, with_checkout: bool) -> Sample:
    before = _spent(side)
    took = asyncio.run(_run_journeys(side, seconds, with_checkout=with_checkout))
    time.sleep(IDLE_SECONDS)  # events of the last orders are processed
    spent = (_spent(side) - before) * 1000
    return to_sample(took, spent / len(took))


def _spent(side: ComparedSide) -> float:
    times = [process.cpu_times() for process in side.processes()]
    return sum(spent.user + spent.system for spent in times)


async def _run_journeys(side: ComparedSide, seconds: int, *, with_checkout: bool) -> list[float]:
    salt, numbers = uuid4().hex[:8], count()
    took: list[float] = []
    began = time.perf_counter()

    async def run(client: httpx.AsyncClient) -> None:
        while time.perf_counter() - began < seconds:
            number, since = next(numbers), time.perf_counter()
            await _journey(client, side, f"{salt}-{number}", number, with_checkout=with_checkout)
            took.append((time.perf_counter() - since) * 1000)

    limits = httpx.Limits(max_connections=JOURNEY_CONNECTIONS)
    async with httpx.AsyncClient(
        base_url=side.base_url, headers=side.page_headers, limits=limits, timeout=TIMEOUT_SECONDS
    ) as client:
        await asyncio.gather(*(run(client) for _ in range(JOURNEY_CONNECTIONS)))
    return took


async def _journey(
    client: httpx.AsyncClient, side: ComparedSide, key: str, number: int, *, with_checkout: bool
) -> None:
    async def ask(method: str, path: str, body: Any, headers: dict[str, str]) -> Any:
        answer = await client.request(method, path, json=body, headers=headers)
        answer.raise_for_status()
        return answer.json()

    cart = await ask("POST", "/v1/carts", {"currency": "EUR"}, {"Idempotency-Key": key})
    mine = {"Cart-Token": cart["token"]}
    place = {"method": "pickup", "store": store(number % side.scale.stores + 1)}
    line = {"quantity": 1, "fulfilment": place}
    one = sku(number % side.scale.skus + 1)
    await ask("PUT", f"/v1/carts/{cart['id']}/lines/{one}", line, mine)
    if with_checkout:
        body = {"contact": CONTACT, "payment": {"method": "pay_at_pickup"}}
        path = f"/v1/carts/{cart['id']}/checkout"
        await ask("POST", path, body, mine | {"Idempotency-Key": f"{key}-order"})


COMPARED_ROWS: Final = (
    ComparedRow("1", "availability of a SKU, warm", "requests/s", availability,
        warm_up_seconds=CACHE_WARM_UP_SECONDS),
    ComparedRow("2", "availability of 50 SKUs in 10 stores", "requests/s", listing,
        warm_up_seconds=CACHE_WARM_UP_SECONDS),
    ComparedRow("3", "holds anywhere", "holds/s", spread_holds),
    ComparedRow("4", "holds of one SKU in one store", "holds/s", contended_holds),
    ComparedRow("5", "receipts of tills", "lines/s", receipts),
    ComparedRow("7", "checkout of two lines", "orders/s", checkouts),
    ComparedRow("8", "a member's points", "requests/s", rewards),
    ComparedRow("11 start", "start until ready", "ms", cold_start, at_most=True,
        warm_up_seconds=0),
    ComparedRow("11 memory", "memory of an idle worker (PSS)", "MB", idle_memory, at_most=True,
        warm_up_seconds=0),
    ComparedRow("15", "processor time of a journey", "ms", journeys, at_most=True),
    ComparedRow("16", "processor time of a cart and a line", "ms", carts, at_most=True),
    ComparedRow("17", "availability of a SKU, cold", "requests/s", cold_availability,
        warm_up_seconds=0),
)  # fmt: skip
