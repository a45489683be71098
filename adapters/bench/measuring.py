"""Row after row: warm up, measure three times beside the yardstick, and audit the shop."""

import asyncio
from collections.abc import Callable, Collection, Sequence
from statistics import median
from typing import Final

from msgspec.structs import replace

from adapters.bench.data import execute
from adapters.bench.figures import BenchmarkResult, Sample, median_of
from adapters.bench.growth import large_shop
from adapters.bench.rig import BenchEnvironment
from adapters.bench.rows import BENCHMARK_ROWS, WARM_UP_SECONDS, BenchmarkRow
from adapters.main import Components, build_components
from domain.administration.audit import InvariantFindings

RUNS: Final = 3
AUDIT_TIMEOUT_SECONDS: Final = 3600


def measure_all(
    rig: BenchEnvironment, numbers: Collection[int], say: Callable[[str], None]
) -> list[BenchmarkResult]:
    """Measures rows that need a vast data set last: it is created once and slows the others."""
    rows = [row for row in BENCHMARK_ROWS if row.number in numbers]
    results = [measure(row, [rig], say) for row in rows if not row.needs_large_shop]
    if vast_rows := [row for row in rows if row.needs_large_shop]:
        with large_shop(rig, say) as vast:
            results += [measure(row, [rig, vast], say) for row in vast_rows]
    return sorted(results, key=lambda result: result.row)


def measure(
    row: BenchmarkRow, shops: Sequence[BenchEnvironment], say: Callable[[str], None]
) -> BenchmarkResult:
    """The row's figure and its yardstick's, in turns, so that both see the same machine.

    Tables that have grown meanwhile are analysed, as PostgreSQL does by itself within a minute.
    All shops that had a part in it are audited.
    """
    say(f"{row.number}: {row.work}")
    with row.measure(*shops) as (ours, theirs):
        ours(row.warm_up_seconds)
        theirs(WARM_UP_SECONDS)
        for shop in shops:
            asyncio.run(execute(shop.database_url, "analyze"))
        seconds = shops[0].seconds
        runs = [(ours(seconds), theirs(seconds)) for _ in range(RUNS)]
    say(f"{row.number}: audit")
    return to_result(
        row, runs, [name for shop in shops for name in asyncio.run(_find_broken_invariants(shop))]
    )


def to_result(
    row: BenchmarkRow, runs: list[tuple[Sample, Sample]], broken: list[str]
) -> BenchmarkResult:
    ratio = median(ours.value / theirs.value for ours, theirs in runs)
    faults = sum(ours.faults + theirs.faults for ours, theirs in runs)
    return BenchmarkResult(
        row=row.number,
        work=row.work,
        unit=row.unit,
        figure=round(median(ours.value for ours, _ in runs), 1),
        p50_ms=median_of([ours.p50_ms for ours, _ in runs]),
        p99_ms=median_of([ours.p99_ms for ours, _ in runs]),
        against=row.against,
        yardstick=round(median(theirs.value for _, theirs in runs), 1),
        yardstick_p50_ms=median_of([theirs.p50_ms for _, theirs in runs]),
        yardstick_p99_ms=median_of([theirs.p99_ms for _, theirs in runs]),
        ratio=round(ratio, 3),
        goal=row.goal,
        at_most=row.at_most,
        met=ratio <= row.goal if row.at_most else ratio >= row.goal,
        counts=not faults and not broken,
        faults=faults,
        broken=broken,
        runs=runs,
    )


async def _find_broken_invariants(rig: BenchEnvironment) -> list[str]:
    """Returns the invariants that do not hold, or whose check does not finish within an hour."""
    house: Components = build_components(
        replace(rig.settings, db_pool_size=2, audit_timeout_seconds=AUDIT_TIMEOUT_SECONDS)
    )
    try:
        async with house.units.read() as unit:
            findings = InvariantFindings.from_invariants(await unit.administration.audit.check())
    finally:
        await house.close()
    return [invariant.name for invariant in findings.invariants if not invariant.ok]
