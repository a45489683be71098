"""The rows: what is measured, and against what."""

import asyncio
import random
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final
from uuid import uuid4

import asyncpg
import httpx
import msgspec
from msgspec import Struct

from adapters.bench.data import YARDSTICK, open_carts
from adapters.bench.figures import Measure, Sample
from adapters.bench.generators import CONNECTIONS, make_accounts, pgbench, post, post_all, wrk
from adapters.bench.growth import (
    asked_in_a_vast_shop,
    held_in_a_vast_shop,
    two_workers_asked,
    two_workers_holding,
)
from adapters.bench.rig import Rig, a_folder, bare, shop
from adapters.bench.scales import customer, sku, store
from adapters.bench.streams import Streams, broadcasts
from adapters.main import build_components
from adapters.postgres.db.embedded import EmbeddedPostgres
from adapters.postgres.db.unit_of_work import utc_now
from adapters.postgres.db.urls import for_asyncpg, with_database
from domain.foundation.callers import Caller, Role
from domain.inventory.holds import HoldLine
from domain.kernel.errors import DomainError
from service.foundation.ports import IdempotencyKey
from service.inventory.holds import HoldRequest, create_holds

WARM_UP_S: Final = 1
UNTIL_ALL_WAS_ASKED_S: Final = 10
RECEIPTS: Final = 500
LINES: Final = 3
MOST_TOKENS: Final = 20_000
CHECKOUTS_A_SECOND: Final = 5000
"""More than there will be, so that carts do not run out."""
IDLE_S: Final = 2
HOLD: Final = """
\\set sku random(1, {skus})
\\set store random(1, {stores})
begin;
update stock set held = held + 1
    where sku = :sku and store = :store and on_hand - held >= 1;
insert into holds (sku, store, quantity, held_until)
    values (:sku, :store, 1, now() + interval '1 hour');
commit;
"""
COLUMNS: Final = ["store", "sku", "kind", "on_hand", "cause", "occurred_at"]


class Row(Struct, frozen=True):
    """`goal` is the ratio to reach; where a smaller figure is better it is `at_most` that.

    What is `vast` is measured in a vast shop too, and `measure` takes it beside the usual one.
    """

    number: int
    work: str
    unit: str
    against: str
    goal: float
    measure: Callable[..., AbstractContextManager[tuple[Measure, Measure]]]
    at_most: bool = False
    vast: bool = False
    warm_up_s: int = WARM_UP_S


@contextmanager
def availability_of_one(rig: Rig) -> Iterator[tuple[Measure, Measure]]:
    size = len(rig.get(f"/v1/availability/{sku(1)}", rig.page))
    with bare("fixed", size) as yardstick:
        yield (
            lambda s: wrk(rig.address, s, "availability", rig.scale.skus, 0, headers=rig.page),
            lambda s: wrk(f"http://127.0.0.1:{yardstick.port}", s, "bare"),
        )


@contextmanager
def availability_of_many(rig: Rig) -> Iterator[tuple[Measure, Measure]]:
    asked = [f"sku={sku(number)}" for number in range(1, 51)]
    asked += [f"store={store(number)}" for number in range(1, min(10, rig.scale.stores) + 1)]
    size = len(rig.get(f"/v1/availability?{'&'.join(asked)}", rig.page))
    with bare("fixed", size) as yardstick:
        yield (
            lambda s: wrk(
                rig.address, s, "listing", rig.scale.skus, rig.scale.stores, headers=rig.page
            ),
            lambda s: wrk(f"http://127.0.0.1:{yardstick.port}", s, "bare"),
        )


@contextmanager
def holds_anywhere(rig: Rig) -> Iterator[tuple[Measure, Measure]]:
    yield _holds(rig, rig.scale.skus, rig.scale.stores)


@contextmanager
def holds_of_one(rig: Rig) -> Iterator[tuple[Measure, Measure]]:
    yield _holds(rig, 1, 1)


def _holds(rig: Rig, skus: int, stores: int) -> tuple[Measure, Measure]:
    return (
        lambda s: wrk(rig.address, s, "hold", skus, stores, uuid4().hex, headers=rig.page),
        lambda s: pgbench(rig.url, s, HOLD.format(skus=skus, stores=stores)),
    )


@contextmanager
def batches_of_tills(rig: Rig) -> Iterator[tuple[Measure, Measure]]:
    now = utc_now()
    batches = [_batch(rig, now) for _ in range(8)]
    lines = "".join(
        f"{store(1)}\t{sku(1)}\tsale\t-1\treceipt:{uuid4().hex}\t{now.isoformat()}\n"
        for _ in range(RECEIPTS * LINES)
    ).encode()

    def ours(seconds: int) -> Sample:
        sample = asyncio.run(
            post_all(rig.port, _posted(rig, batches), seconds, good=_all_were_applied)
        )
        return msgspec.structs.replace(sample, value=sample.value * RECEIPTS * LINES)

    yield ours, lambda seconds: asyncio.run(_copies(rig, lines, seconds))


def _batch(rig: Rig, now: datetime) -> bytes:
    """A batch whose receipts' ids still lack the name of the batch."""
    receipts = [
        {
            "id": f"@@@@-{number}",
            "kind": "sale",
            "occurred_at": now,
            "lines": [
                {
                    "sku": sku(random.randint(1, rig.scale.skus)),  # noqa: S311 - nothing secret
                    "quantity": 1,
                    "unit_price": {"amount": 1000, "currency": "EUR"},
                }
                for _ in range(LINES)
            ],
        }
        for number in range(RECEIPTS)
    ]
    return msgspec.json.encode({"sales": receipts})


def _posted(rig: Rig, batches: list[bytes]) -> Iterator[bytes]:
    for number in count():
        body = batches[number % len(batches)].replace(b"@@@@", uuid4().hex.encode())
        name, till = list(rig.tills.items())[number % len(rig.tills)]
        yield post(f"/v1/stores/{name}/sales", till, body)


def _all_were_applied(answer: bytes) -> bool:
    return answer.count(b'"applied"') == RECEIPTS


async def _copies(rig: Rig, lines: bytes, seconds: int) -> Sample:
    """Lines a second into a bare ledger, a batch to a transaction."""
    url = for_asyncpg(with_database(rig.url, YARDSTICK))
    connections = await asyncio.gather(*(asyncpg.connect(url) for _ in range(CONNECTIONS)))
    copied, began = 0, time.perf_counter()

    async def copy(connection: Any) -> None:
        nonlocal copied
        while time.perf_counter() - began < seconds:
            await connection.copy_to_table("ledger", source=_Once(lines), columns=COLUMNS)
            copied += RECEIPTS * LINES

    await asyncio.gather(*map(copy, connections))
    took = time.perf_counter() - began
    await asyncio.gather(*(connection.close() for connection in connections))
    return Sample(copied / took)


class _Once:
    """Bytes as a file is read: all at once, then nothing."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def read(self, _: int) -> bytes:
        data, self._data = self._data, b""
        return data


@contextmanager
def changes_on_streams(rig: Rig) -> Iterator[tuple[Measure, Measure]]:
    path = f"/v1/availability/stream?sku={sku(1)}&store={store(1)}"
    with bare("broadcast", 200) as yardstick:
        yield (
            lambda s: asyncio.run(_our_changes(rig, path, s)),
            lambda s: asyncio.run(_bare_changes(yardstick.port, rig.scale.streams, s)),
        )


async def _our_changes(rig: Rig, path: str, seconds: int) -> Sample:
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

    streams = Streams(rig.port, path, rig.page, rig.scale.streams)
    async with house.relay.running():
        sample = await broadcasts(streams, change, seconds, greeted=True)
    await house.close()
    return sample


async def _bare_changes(port: int, many: int, seconds: int) -> Sample:
    async with httpx.AsyncClient() as client:

        async def change() -> float:
            since = time.perf_counter()
            await client.post(f"http://127.0.0.1:{port}/")
            return since

        return await broadcasts(Streams(port, "/", {}, many), change, seconds, greeted=False)


@contextmanager
def checkouts(rig: Rig) -> Iterator[tuple[Measure, Measure]]:
    make_accounts(rig.url, rig.scale.accounts)
    with TemporaryDirectory(prefix="hylla-bench-") as folder:
        file = Path(folder) / "carts"

        def ours(seconds: int) -> Sample:
            many = min(CHECKOUTS_A_SECOND * seconds, rig.scale.members)
            salt = uuid4().hex[:6]
            carts = asyncio.run(open_carts(rig.url, rig.scale, many, salt))
            file.write_text(
                "\n".join(f"{cart} {rig.token(buyer)}" for cart, buyer in carts.items())
            )
            return wrk(rig.address, seconds, "checkout", file, salt)

        yield ours, lambda seconds: pgbench(rig.url, seconds)


@contextmanager
def rewards(rig: Rig) -> Iterator[tuple[Measure, Measure]]:
    step = max(1, rig.scale.members // MOST_TOKENS)
    tokens = [rig.token(customer(one)) for one in range(1, rig.scale.members + 1, step)]
    size = len(rig.get("/v1/me/rewards", {"Authorization": f"Bearer {tokens[0]}"}))
    with (
        TemporaryDirectory(prefix="hylla-bench-") as folder,
        bare("fixed", size) as yardstick,
    ):
        file = Path(folder) / "tokens"
        file.write_text("\n".join(tokens))
        yield (
            lambda s: wrk(rig.address, s, "rewards", file),
            lambda s: wrk(f"http://127.0.0.1:{yardstick.port}", s, "bare"),
        )


@contextmanager
def cold_start(_: Rig) -> Iterator[tuple[Measure, Measure]]:
    def ours(_: int) -> Sample:
        with a_folder() as data:
            began = time.perf_counter()
            with shop(data):
                return Sample((time.perf_counter() - began) * 1000)

    def theirs(_: int) -> Sample:
        with a_folder() as data:
            began = time.perf_counter()
            postgres = EmbeddedPostgres(data)
            postgres.start()
            took = time.perf_counter() - began
            postgres.stop()
            return Sample(took * 1000)

    yield ours, theirs


@contextmanager
def idle_memory(rig: Rig) -> Iterator[tuple[Measure, Measure]]:
    def ours(_: int) -> Sample:
        with shop(rig.settings.data) as running:
            time.sleep(IDLE_S)
            return Sample(running.memory_mb)

    def theirs(_: int) -> Sample:
        with bare("litestar", 100) as running:
            time.sleep(IDLE_S)
            return Sample(running.memory_mb)

    yield ours, theirs


BARE: Final = "a bare answer of as many bytes"
ROWS: Final = (
    Row(
        1,
        "availability of a SKU",
        "requests/s",
        BARE,
        0.60,
        availability_of_one,
        warm_up_s=UNTIL_ALL_WAS_ASKED_S,
    ),
    Row(
        2,
        "availability of 50 SKUs in 10 stores",
        "requests/s",
        BARE,
        0.25,
        availability_of_many,
        warm_up_s=UNTIL_ALL_WAS_ASKED_S,
    ),
    Row(3, "holds anywhere", "holds/s", "pgbench: update, insert", 1.0, holds_anywhere),
    Row(4, "holds of one SKU in one store", "holds/s", "pgbench on one row", 5.0, holds_of_one),
    Row(5, "receipts of tills", "lines/s", "COPY of as many lines", 0.25, batches_of_tills),
    Row(6, "a change on every stream", "ms", "a bare broadcast", 3.0, changes_on_streams, True),
    Row(7, "checkout of two lines", "orders/s", "pgbench: TPC-B-like", 0.30, checkouts),
    Row(8, "a member's points", "requests/s", BARE, 0.35, rewards),
    Row(
        9,
        "availability in 50 stores of a vast shop",
        "requests/s",
        "the same in this one",
        0.80,
        asked_in_a_vast_shop,
        vast=True,
        warm_up_s=UNTIL_ALL_WAS_ASKED_S,
    ),
    Row(
        9,
        "holds in a vast shop",
        "holds/s",
        "the same in this one",
        0.80,
        held_in_a_vast_shop,
        vast=True,
    ),
    Row(11, "cold start", "ms", "PostgreSQL alone", 3.0, cold_start, True),
    Row(11, "memory of an idle worker", "MB", "a bare Litestar worker", 2.0, idle_memory, True),
    Row(
        12,
        "availability from two workers",
        "requests/s",
        "from one",
        1.0,
        two_workers_asked,
        warm_up_s=UNTIL_ALL_WAS_ASKED_S,
    ),
    Row(12, "holds by two workers", "holds/s", "by one", 1.0, two_workers_holding),
)
