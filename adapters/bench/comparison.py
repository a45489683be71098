"""Two builds compared: the same rows on the service of another checkout and on this one, in turns.

The other build is used only through its command line, its settings and its API, since names differ
from build to build. Each side has its own data folder and database; only one of them has load.
"""

import os
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import Final

from msgspec import Struct
from rich.console import Console
from rich.table import Table

from adapters.bench.compared_rows import COMPARED_ROWS, ComparedRow
from adapters.bench.compared_side import ComparedSide, compared_side
from adapters.bench.figures import Sample
from adapters.bench.scales import Scale

ALTERNATIONS: Final = 5


class ComparedResult(Struct, frozen=True, kw_only=True):
    """A row on both builds; `ratio` is the median of this one by the other, turn by turn.

    `at_most` is whether a smaller figure is better; a run is this build's sample and the other's.
    """

    row: str
    work: str
    unit: str
    this: float
    other: float
    ratio: float
    at_most: bool
    faults: int
    runs: list[tuple[Sample, Sample]]


class ComparisonReport(Struct, frozen=True, kw_only=True):
    """All compared rows, and the sides whose audit found a broken invariant."""

    cores: int
    load_before: float
    scale: Scale
    seconds: int
    rows: list[ComparedResult]
    broken: list[str]


@contextmanager
def compared_sides(
    folder: Path, other: Path, scale: Scale, say: Callable[[str], None]
) -> Iterator[tuple[ComparedSide, ComparedSide]]:
    """Provides this build and the one in the checkout `other`, served and filled alike."""
    with ExitStack() as stack:
        sides = [
            stack.enter_context(compared_side(name, checkout, folder / name, scale, say))
            for name, checkout in (("this", None), ("other", other))
        ]
        yield sides[0], sides[1]


def compare(
    sides: tuple[ComparedSide, ComparedSide],
    numbers: Collection[int],
    seconds: int,
    say: Callable[[str], None],
) -> ComparisonReport:
    """Measures the rows whose number is in `numbers` on both sides, and audits both."""
    load = os.getloadavg()[0]
    rows = [row for row in COMPARED_ROWS if row.number in numbers]
    results = [_compare_row(row, sides, seconds, say) for row in rows]
    say("audit of both sides")
    return ComparisonReport(
        cores=os.cpu_count() or 1,
        load_before=round(load, 2),
        scale=sides[0].scale,
        seconds=seconds,
        rows=results,
        broken=[side.name for side in sides if not side.is_sound()],
    )


def _compare_row(
    row: ComparedRow,
    sides: tuple[ComparedSide, ComparedSide],
    seconds: int,
    say: Callable[[str], None],
) -> ComparedResult:
    say(f"{row.label}: {row.work}")
    for side in sides:
        if row.warm_up_seconds:
            row.measure(side, row.warm_up_seconds)
    return to_compared(row, [_alternation(row, sides, seconds, n) for n in range(ALTERNATIONS)])


def _alternation(
    row: ComparedRow, sides: tuple[ComparedSide, ComparedSide], seconds: int, number: int
) -> tuple[Sample, Sample]:
    """Returns this build's sample and the other's; every second time the other one goes first."""
    this, other = sides
    order = (this, other) if number % 2 == 0 else (other, this)
    samples = {side.name: row.measure(side, seconds) for side in order}
    return samples[this.name], samples[other.name]


def to_compared(row: ComparedRow, runs: list[tuple[Sample, Sample]]) -> ComparedResult:
    """Returns the medians of both sides, and the median of the ratios turn by turn."""
    return ComparedResult(
        row=row.label,
        work=row.work,
        unit=row.unit,
        this=round(median(this.value for this, _ in runs), 2),
        other=round(median(other.value for _, other in runs), 2),
        ratio=round(median(this.value / other.value for this, other in runs), 3),
        at_most=row.at_most,
        faults=sum(this.faults + other.faults for this, other in runs),
        runs=runs,
    )


def print_comparison(report: ComparisonReport) -> None:
    """Prints the rows as a table; a ratio of a row where smaller is better is marked."""
    table = Table("", "work", "this", "other", "ratio", "", box=None)
    for column in table.columns[2:5]:
        column.justify = "right"
    for row in report.rows:
        this, other = f"{row.this:,.1f} {row.unit}", f"{row.other:,.1f}"
        note = "smaller is better" if row.at_most else ""
        table.add_row(row.row, row.work, this, other, f"{row.ratio:.3f}", note)
    console = Console()
    console.print(table)
    for row in report.rows:
        if row.faults:
            console.print(f"{row.row}: {row.faults} wrong answers.", style="bold red", markup=False)
    for side in report.broken:
        console.print(f"The audit of {side} found broken figures.", style="bold red", markup=False)
    console.print(f"{report.cores} cores, load {report.load_before} before the start.")
