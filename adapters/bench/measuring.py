"""Row after row: warm up, measure three times beside the yardstick, and audit the shop."""

import asyncio
from collections.abc import Callable, Collection, Sequence
from statistics import median
from typing import Final

from msgspec.structs import replace

from adapters.bench.data import tell
from adapters.bench.figures import Result, Sample, middle
from adapters.bench.growth import a_vast_shop
from adapters.bench.rig import Rig
from adapters.bench.rows import ROWS, WARM_UP_S, Row
from adapters.main import Components, build_components
from domain.administration.audit import InvariantFindings

RUNS: Final = 3
AUDIT_S: Final = 3600


def measure_all(rig: Rig, numbers: Collection[int], say: Callable[[str], None]) -> list[Result]:
    """What needs a vast shop comes last, since a shop so large is made once and slows the rest."""
    rows = [row for row in ROWS if row.number in numbers]
    results = [measure(row, [rig], say) for row in rows if not row.vast]
    if vast_rows := [row for row in rows if row.vast]:
        with a_vast_shop(rig, say) as vast:
            results += [measure(row, [rig, vast], say) for row in vast_rows]
    return sorted(results, key=lambda result: result.row)


def measure(row: Row, shops: Sequence[Rig], say: Callable[[str], None]) -> Result:
    """The row's figure and its yardstick's, in turns, so that both see the same machine.

    Tables that have grown meanwhile are analysed, as PostgreSQL does by itself within a minute.
    All shops that had a part in it are audited.
    """
    say(f"{row.number}: {row.work}")
    with row.measure(*shops) as (ours, theirs):
        ours(row.warm_up_s)
        theirs(WARM_UP_S)
        for shop in shops:
            asyncio.run(tell(shop.url, "analyze"))
        seconds = shops[0].seconds
        runs = [(ours(seconds), theirs(seconds)) for _ in range(RUNS)]
    say(f"{row.number}: audit")
    return result_of(row, runs, [name for shop in shops for name in asyncio.run(_broken(shop))])


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


async def _broken(rig: Rig) -> list[str]:
    """The invariants that do not hold, or of which nobody can say so in an hour."""
    house: Components = build_components(
        replace(rig.settings, connections=2, audit_seconds=AUDIT_S)
    )
    try:
        async with house.units.read() as unit:
            findings = InvariantFindings.of(await unit.administration.audit.check())
    finally:
        await house.close()
    return [invariant.name for invariant in findings.invariants if not invariant.ok]
