"""The rows of the benchmark: each measurement and the yardstick it is compared with."""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final
from uuid import uuid4

import asyncpg
import httpx
import msgspec
from msgspec import Struct

from adapters.bench.data import YARDSTICK_DATABASE, create_carts
from adapters.bench.figures import Measure, Sample
from adapters.bench.generators import (
    CONNECTIONS,
    init_pgbench,
    pgbench,
    send_all,
    wrk,
)
from adapters.bench.growth import (
    large_shop_availability,
    large_shop_holds,
    two_workers_availability,
    two_workers_holds,
)
from adapters.bench.receipt_batches import (
    LINES_PER_RECEIPT,
    RECEIPTS_PER_BATCH,
    all_applied,
    batch_requests,
)
from adapters.bench.rig import BenchEnvironment, serve_shop, serve_yardstick, temporary_data_folder
from adapters.bench.scales import customer, sku, store
from adapters.bench.streams import StreamClients, measure_broadcasts
from adapters.main import build_components
from adapters.postgres.db.embedded import EmbeddedPostgres
from adapters.postgres.db.unit_of_work import utc_now
from adapters.postgres.db.urls import for_asyncpg, with_database
from domain.foundation.callers import Caller, Role
from domain.inventory.holds import HoldLine
from domain.kernel.errors import DomainError
from service.foundation.ports import IdempotencyKey
from service.inventory.holds import HoldRequest, create_holds

WARM_UP_SECONDS: Final = 1
CACHE_WARM_UP_SECONDS: Final = 10
MAX_TOKENS: Final = 20_000
MAX_CHECKOUTS_PER_SECOND: Final = 5000
"""More than there will be, so that carts do not run out."""
IDLE_SECONDS: Final = 2
HOLD_SCRIPT: Final = """
\\set sku random(1, {skus})
\\set store random(1, {stores})
begin;
update stock_levels set held = held + 1
    where sku = :sku and store = :store and on_hand - held >= 1;
insert into holds (sku, store, quantity, held_until)
    values (:sku, :store, 1, now() + interval '1 hour');
commit;
"""
LEDGER_COLUMNS: Final = ["store", "sku", "kind", "on_hand", "cause", "occurred_at"]


class BenchmarkRow(Struct, frozen=True):
    """One row; `goal` is the ratio to reach, or with `at_most` (smaller is better) not to exceed.

    A `vast` row is measured on a vast data set too; `measure` takes it beside the usual one.
    """

    number: int
    work: str
    unit: str
    against: str
    goal: float
    measure: Callable[..., AbstractContextManager[tuple[Measure, Measure]]]
    at_most: bool = False
    needs_large_shop: bool = False
    warm_up_seconds: int = WARM_UP_SECONDS


@contextmanager
def single_sku_availability(rig: BenchEnvironment) -> Iterator[tuple[Measure, Measure]]:
    size = len(rig.get(f"/v1/availability/{sku(1)}", rig.page_headers))
    with serve_yardstick("fixed", size) as yardstick:
        yield (
            lambda s: wrk(
                rig.base_url, s, "availability", rig.scale.skus, 0, headers=rig.page_headers
            ),
            lambda s: wrk(f"http://127.0.0.1:{yardstick.port}", s, "bare"),
        )


@contextmanager
def listing_availability(rig: BenchEnvironment) -> Iterator[tuple[Measure, Measure]]:
    asked = [f"sku={sku(number)}" for number in range(1, 51)]
    asked += [f"store={store(number)}" for number in range(1, min(10, rig.scale.stores) + 1)]
    size = len(rig.get(f"/v1/availability?{'&'.join(asked)}", rig.page_headers))
    with serve_yardstick("fixed", size) as yardstick:
        yield (
            lambda s: wrk(
                rig.base_url,
                s,
                "listing",
                rig.scale.skus,
                rig.scale.stores,
                headers=rig.page_headers,
            ),
            lambda s: wrk(f"http://127.0.0.1:{yardstick.port}", s, "bare"),
        )


@contextmanager
def spread_holds(rig: BenchEnvironment) -> Iterator[tuple[Measure, Measure]]:
    yield _holds(rig, rig.scale.skus, rig.scale.stores)


@contextmanager
def contended_holds(rig: BenchEnvironment) -> Iterator[tuple[Measure, Measure]]:
    yield _holds(rig, 1, 1)


def _holds(rig: BenchEnvironment, skus: int, stores: int) -> tuple[Measure, Measure]:
    return (
        lambda s: wrk(rig.base_url, s, "hold", skus, stores, uuid4().hex, headers=rig.page_headers),
        lambda s: pgbench(rig.database_url, s, HOLD_SCRIPT.format(skus=skus, stores=stores)),
    )


@contextmanager
def receipt_batches(rig: BenchEnvironment) -> Iterator[tuple[Measure, Measure]]:
    now = utc_now()
    lines = "".join(
        f"{store(1)}\t{sku(1)}\tsale\t-1\treceipt:{uuid4().hex}\t{now.isoformat()}\n"
        for _ in range(RECEIPTS_PER_BATCH * LINES_PER_RECEIPT)
    ).encode()

    def ours(seconds: int) -> Sample:
        sample = asyncio.run(
            send_all(
                rig.port,
                batch_requests(rig.till_headers, rig.scale.skus),
                seconds,
                good=all_applied,
            )
        )
        return msgspec.structs.replace(
            sample, value=sample.value * RECEIPTS_PER_BATCH * LINES_PER_RECEIPT
        )

    yield ours, lambda seconds: asyncio.run(_copy_lines(rig, lines, seconds))


async def _copy_lines(rig: BenchEnvironment, lines: bytes, seconds: int) -> Sample:
    """Lines a second into a bare ledger, a batch to a transaction."""
    url = for_asyncpg(with_database(rig.database_url, YARDSTICK_DATABASE))
    connections = await asyncio.gather(*(asyncpg.connect(url) for _ in range(CONNECTIONS)))
    copied, began = 0, time.perf_counter()

    async def copy(connection: Any) -> None:
        nonlocal copied
        while time.perf_counter() - began < seconds:
            await connection.copy_to_table(
                "ledger", source=_SingleRead(lines), columns=LEDGER_COLUMNS
            )
            copied += RECEIPTS_PER_BATCH * LINES_PER_RECEIPT

    await asyncio.gather(*map(copy, connections))
    took = time.perf_counter() - began
    await asyncio.gather(*(connection.close() for connection in connections))
    return Sample(copied / took)


class _SingleRead:
    """Bytes as a file is read: all at once, then nothing."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def read(self, _: int) -> bytes:
        data, self._data = self._data, b""
        return data


@contextmanager
def stream_changes(rig: BenchEnvironment) -> Iterator[tuple[Measure, Measure]]:
    path = f"/v1/availability/stream?sku={sku(1)}&store={store(1)}"
    with serve_yardstick("broadcast", 200) as yardstick:
        yield (
            lambda s: asyncio.run(_measure_shop_streams(rig, path, s)),
            lambda s: asyncio.run(_measure_yardstick_streams(yardstick.port, rig.scale.streams, s)),
        )


async def _measure_shop_streams(rig: BenchEnvironment, path: str, seconds: int) -> Sample:
    """Changes made in another process than the streams are in; the clock starts at the commit."""
    house = build_components(rig.settings)
    line = HoldLine(sku=sku(1), store=store(1), quantity=1)
    caller = Caller(Role.SHOP, "key_bench")

    async def change() -> float:
        key = IdempotencyKey(caller.id, uuid4().hex, b"")
        answers = await create_holds(house.units, [HoldRequest([line], caller, key)], limit=1)
        committed = time.perf_counter()
        if isinstance(answers[0], DomainError):
            raise answers[0]
        return committed

    streams = StreamClients(rig.port, path, rig.page_headers, rig.scale.streams)
    async with house.relay.running():
        sample = await measure_broadcasts(streams, change, seconds, greeted=True)
    await house.close()
    return sample


async def _measure_yardstick_streams(port: int, many: int, seconds: int) -> Sample:
    async with httpx.AsyncClient() as client:

        async def change() -> float:
            since = time.perf_counter()
            await client.post(f"http://127.0.0.1:{port}/")
            return since

        return await measure_broadcasts(
            StreamClients(port, "/", {}, many), change, seconds, greeted=False
        )


@contextmanager
def checkouts(rig: BenchEnvironment) -> Iterator[tuple[Measure, Measure]]:
    init_pgbench(rig.database_url, rig.scale.accounts)
    with TemporaryDirectory(prefix="hylla-bench-") as folder:
        file = Path(folder) / "carts"

        def ours(seconds: int) -> Sample:
            many = min(MAX_CHECKOUTS_PER_SECOND * seconds, rig.scale.members)
            salt = uuid4().hex[:6]
            carts = asyncio.run(create_carts(rig.database_url, rig.scale, many, salt))
            file.write_text(
                "\n".join(f"{cart} {rig.customer_token(buyer)}" for cart, buyer in carts.items())
            )
            return wrk(rig.base_url, seconds, "checkout", file, salt)

        yield ours, lambda seconds: pgbench(rig.database_url, seconds)


@contextmanager
def rewards(rig: BenchEnvironment) -> Iterator[tuple[Measure, Measure]]:
    step = max(1, rig.scale.members // MAX_TOKENS)
    tokens = [rig.customer_token(customer(one)) for one in range(1, rig.scale.members + 1, step)]
    size = len(rig.get("/v1/me/rewards", {"Authorization": f"Bearer {tokens[0]}"}))
    with (
        TemporaryDirectory(prefix="hylla-bench-") as folder,
        serve_yardstick("fixed", size) as yardstick,
    ):
        file = Path(folder) / "tokens"
        file.write_text("\n".join(tokens))
        yield (
            lambda s: wrk(rig.base_url, s, "rewards", file),
            lambda s: wrk(f"http://127.0.0.1:{yardstick.port}", s, "bare"),
        )


@contextmanager
def cold_start(_: BenchEnvironment) -> Iterator[tuple[Measure, Measure]]:
    def ours(_: int) -> Sample:
        with temporary_data_folder() as data:
            began = time.perf_counter()
            with serve_shop(data):
                return Sample((time.perf_counter() - began) * 1000)

    def theirs(_: int) -> Sample:
        with temporary_data_folder() as data:
            began = time.perf_counter()
            postgres = EmbeddedPostgres(data)
            postgres.start()
            took = time.perf_counter() - began
            postgres.stop()
            return Sample(took * 1000)

    yield ours, theirs


@contextmanager
def idle_memory(rig: BenchEnvironment) -> Iterator[tuple[Measure, Measure]]:
    def ours(_: int) -> Sample:
        with serve_shop(rig.settings.data) as running:
            time.sleep(IDLE_SECONDS)
            return Sample(running.memory_mb)

    def theirs(_: int) -> Sample:
        with serve_yardstick("litestar", 100) as running:
            time.sleep(IDLE_SECONDS)
            return Sample(running.memory_mb)

    yield ours, theirs


BARE_RESPONSE: Final = "a bare answer of as many bytes"
BENCHMARK_ROWS: Final = (
    BenchmarkRow(
        1,
        "availability of a SKU",
        "requests/s",
        BARE_RESPONSE,
        0.60,
        single_sku_availability,
        warm_up_seconds=CACHE_WARM_UP_SECONDS,
    ),
    BenchmarkRow(
        2,
        "availability of 50 SKUs in 10 stores",
        "requests/s",
        BARE_RESPONSE,
        0.25,
        listing_availability,
        warm_up_seconds=CACHE_WARM_UP_SECONDS,
    ),
    BenchmarkRow(3, "holds anywhere", "holds/s", "pgbench: update, insert", 1.0, spread_holds),
    BenchmarkRow(
        4, "holds of one SKU in one store", "holds/s", "pgbench on one row", 5.0, contended_holds
    ),
    BenchmarkRow(5, "receipts of tills", "lines/s", "COPY of as many lines", 0.25, receipt_batches),
    BenchmarkRow(
        6, "a change on every stream", "ms", "a bare broadcast", 3.0, stream_changes, True
    ),
    BenchmarkRow(7, "checkout of two lines", "orders/s", "pgbench: TPC-B-like", 0.30, checkouts),
    BenchmarkRow(8, "a member's points", "requests/s", BARE_RESPONSE, 0.35, rewards),
    BenchmarkRow(
        9,
        "availability in 50 stores of a vast shop",
        "requests/s",
        "the same in this one",
        0.80,
        large_shop_availability,
        needs_large_shop=True,
        warm_up_seconds=CACHE_WARM_UP_SECONDS,
    ),
    BenchmarkRow(
        9,
        "holds in a vast shop",
        "holds/s",
        "the same in this one",
        0.80,
        large_shop_holds,
        needs_large_shop=True,
    ),
    BenchmarkRow(11, "cold start", "ms", "PostgreSQL alone", 3.0, cold_start, True),
    BenchmarkRow(
        11, "memory of an idle worker", "MB", "a bare Litestar worker", 2.0, idle_memory, True
    ),
    BenchmarkRow(
        12,
        "availability from two workers",
        "requests/s",
        "from one",
        1.0,
        two_workers_availability,
        warm_up_seconds=CACHE_WARM_UP_SECONDS,
    ),
    BenchmarkRow(12, "holds by two workers", "holds/s", "by one", 1.0, two_workers_holds),
)
