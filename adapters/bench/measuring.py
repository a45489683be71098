"""Row after row: warm up, measure three times beside the yardstick, and audit the shop."""

import asyncio
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any, Final

from msgspec.structs import replace

from adapters.bench.data import load, tell
from adapters.bench.figures import Result, Sample, middle
from adapters.bench.rig import Rig, shop
from adapters.bench.rows import ROWS, WARM_UP_S, Row
from adapters.bench.scales import Scale, store
from adapters.identity.keys import RandomSecrets
from adapters.main import House, open_house
from adapters.postgres.embedded import running
from adapters.postgres.migrate import upgrade
from adapters.settings import Secret, Settings, with_own_secret
from domain.audit import Findings
from domain.callers import Role
from service.keys import make_key

RUNS: Final = 3


@contextmanager
def a_rig(data: Path, scale: Scale, seconds: int, say: Callable[[str], None]) -> Iterator[Rig]:
    """A shop that is full, open and ready to be measured, on a database that keeps what it says."""
    with running(data) as url:
        upgrade(url)
        say(f"loading {scale.skus:,} SKUs in {scale.stores} stores, {scale.members:,} members")
        asyncio.run(load(url, scale))
        settings = with_own_secret(Settings(data=data, database_url=Secret(url)))
        page, tills = asyncio.run(_keys(settings, scale))
        with shop(data) as served:
            yield Rig(settings, scale, seconds, served.port, page, tills)


def measure_all(rig: Rig, numbers: Collection[int], say: Callable[[str], None]) -> list[Result]:
    return [measure(row, rig, say) for row in ROWS if row.number in numbers]


def measure(row: Row, rig: Rig, say: Callable[[str], None]) -> Result:
    """The row's figure and its yardstick's, in turns, so that both see the same machine.

    Tables that have grown meanwhile are analysed, as PostgreSQL does by itself within a minute.
    """
    say(f"{row.number}: {row.work}")
    with row.measure(rig) as (ours, theirs):
        ours(row.warm_up_s)
        theirs(WARM_UP_S)
        asyncio.run(tell(rig.url, "analyze"))
        runs = [(ours(rig.seconds), theirs(rig.seconds)) for _ in range(RUNS)]
    return result_of(row, runs, asyncio.run(_broken(rig)))


def result_of(row: Row, runs: list[tuple[Sample, Sample]], broken: list[str]) -> Result:
    ratio = median(ours.value / theirs.value for ours, theirs in runs)
    faults = sum(ours.faults + theirs.faults for ours, theirs in runs)
    return Result(
        row=row.number,
        work=row.work,
        unit=row.unit,
        figure=round(median(ours.value for ours, _ in runs), 1),
        p50_ms=middle([ours.p50_ms for ours, _ in runs]),
        p99_ms=middle([ours.p99_ms for ours, _ in runs]),
        against=row.against,
        yardstick=round(median(theirs.value for _, theirs in runs), 1),
        yardstick_p50_ms=middle([theirs.p50_ms for _, theirs in runs]),
        yardstick_p99_ms=middle([theirs.p99_ms for _, theirs in runs]),
        ratio=round(ratio, 3),
        goal=row.goal,
        at_most=row.at_most,
        met=ratio <= row.goal if row.at_most else ratio >= row.goal,
        counts=not faults and not broken,
        faults=faults,
        broken=broken,
        runs=runs,
    )


async def _keys(
    settings: Settings, scale: Scale
) -> tuple[dict[str, str], dict[str, dict[str, str]]]:
    """Headers of a shop's page, and of a till in each store."""
    stores = [store(number) for number in range(1, scale.stores + 1)]
    house = open_house(settings)

    async def key(role: Role, **more: Any) -> dict[str, str]:
        _, secret = await make_key(house.units, RandomSecrets(), role=role, **more)
        return {"Authorization": f"Bearer {secret}"}

    try:
        page = await key(Role.SHOP)
        tills = {one: await key(Role.TILL, stores=[one], terminal="T1") for one in stores}
    finally:
        await house.close()
    return page, tills


async def _broken(rig: Rig) -> list[str]:
    """The invariants that do not hold."""
    house: House = open_house(replace(rig.settings, connections=2))
    try:
        async with house.units.read() as unit:
            findings = Findings.of(await unit.audit.look())
    finally:
        await house.close()
    return [invariant.name for invariant in findings.invariants if not invariant.ok]
