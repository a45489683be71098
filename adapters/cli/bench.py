"""The `hylla bench` command: the service's speed against the limits of this machine."""

import os
import resource
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NoReturn

import msgspec
import rich_click as click
from rich.console import Console
from rich.table import Table

from adapters.bench.compared_rows import COMPARED_ROWS
from adapters.bench.comparison import compare, compared_sides, print_comparison
from adapters.bench.figures import BenchmarkReport, BenchmarkResult
from adapters.bench.generators import LoadGeneratorMissing, ensure_wrk
from adapters.bench.measuring import measure_all
from adapters.bench.rig import bench_environment
from adapters.bench.rows import BENCHMARK_ROWS
from adapters.bench.scales import SCALES, Scale
from adapters.cli.options import AS_JSON

MAX_OPEN_FILES: Final = 8192
"""That may be open at once: a thousand streams need more than many systems give."""
ROW_NUMBERS: Final = sorted(
    {row.number for row in BENCHMARK_ROWS} | {row.number for row in COMPARED_ROWS}
)


def parse_rows(context: click.Context, parameter: click.Parameter, value: str) -> list[int]:
    """The numbers in `1,3`; all of them where none is named."""
    del context, parameter
    try:
        numbers = [int(number) for number in value.split(",") if number]
    except ValueError:
        numbers = [0]
    if unknown := [number for number in numbers if number not in ROW_NUMBERS]:
        known = ", ".join(map(str, ROW_NUMBERS))
        raise click.BadParameter(f"there is no row {unknown[0]}; there are {known}.")
    return numbers or ROW_NUMBERS


@click.command("bench")
@click.option("--rows", default="", callback=parse_rows, metavar="N,N", help="Only these rows.")
@click.option(
    "--scale",
    default="normal",
    type=click.Choice(list(SCALES)),
    help="How large the shop is: normal is 10,000 SKUs in 50 stores; large has a million members.",
)
@click.option(
    "--seconds", default=5, type=click.IntRange(1, 600), help="Of each run; a row has six."
)
@click.option(
    "--folder",
    type=click.Path(file_okay=False, exists=True, path_type=Path),
    help="Where the database is made, and removed again. [default: the system's temporary folder]",
)
@click.option(
    "--against",
    type=click.Path(file_okay=False, exists=True, path_type=Path),
    help="A checkout of another build, with its .venv: compare the two in turns.",
)
@AS_JSON
def command(  # noqa: PLR0917 - the options of the command
    rows: Sequence[int],
    scale: str,
    seconds: int,
    folder: Path | None,
    against: Path | None,
    as_json: bool,
) -> None:
    """Measure the service and compare it with this machine: a bare server, and pgbench.

    It makes a shop of its own in a temporary folder, and touches no other. Each figure and its
    yardstick are measured three times in turns; only their ratio is comparable. After each row the
    shop is audited: a figure from a run that broke an invariant does not count, and the exit status
    is 1.

    `--against` runs the rows on another build and on this one, in five alternations, each side
    filled by its own import and API, and prints the ratio of the two.

    Example: `hylla bench --rows 1,3`
    """
    try:
        ensure_wrk()
        if against is not None:
            _compare(against, rows, SCALES[scale], seconds, folder, as_json=as_json)
        report = _run_benchmarks(rows, scale, seconds, folder)
    except LoadGeneratorMissing as lacking:
        raise click.ClickException(str(lacking)) from None
    if as_json:
        click.echo(msgspec.json.encode(report))
    else:
        _print_report(report)
    sys.exit(0 if all(row.counts for row in report.rows) else 1)


def _compare(
    against: Path,
    rows: Sequence[int],
    scale: Scale,
    seconds: int,
    folder: Path | None,
    *,
    as_json: bool,
) -> NoReturn:
    with (
        tempfile.TemporaryDirectory(prefix="hylla-bench-", dir=folder) as made,
        compared_sides(Path(made), against, scale, _print_progress) as sides,
    ):
        report = compare(sides, rows, seconds, _print_progress)
    if as_json:
        click.echo(msgspec.json.encode(report))
    else:
        print_comparison(report)
    sys.exit(0 if not report.broken and not any(row.faults for row in report.rows) else 1)


def _run_benchmarks(
    rows: Sequence[int], scale: str, seconds: int, folder: Path | None
) -> BenchmarkReport:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(MAX_OPEN_FILES, most), most))
    load = os.getloadavg()[0]
    with (
        tempfile.TemporaryDirectory(prefix="hylla-bench-", dir=folder) as made,
        bench_environment(Path(made) / "data", SCALES[scale], seconds, _print_progress) as rig,
    ):
        return BenchmarkReport(
            cores=os.cpu_count() or 1,
            load_before=round(load, 2),
            scale=scale,
            seconds=seconds,
            rows=measure_all(rig, rows, _print_progress),
        )


def _print_progress(sentence: str) -> None:
    click.echo(sentence, err=True)


def _print_report(report: BenchmarkReport) -> None:
    table = Table("", "work", "figure", "yardstick", "ratio", "goal", "p50", "p99", box=None)
    for column in (*table.columns[2:4], *table.columns[4:]):
        column.justify = "right"
    for row in report.rows:
        table.add_row(
            str(row.row),
            row.work,
            f"{row.figure:,.0f} {row.unit}",
            f"{row.yardstick:,.0f}",
            f"{row.ratio:.2f}",
            f"{'≤' if row.at_most else '≥'} {row.goal:g}",
            _format_ms(row.p50_ms),
            _format_ms(row.p99_ms),
            style=_style(row),
        )
    console = Console()
    console.print(table)
    for row in report.rows:
        if not row.counts:
            why = ", ".join(row.broken) or f"{row.faults} wrong answers"
            console.print(f"{row.row} does not count: {why}.", style="bold red", markup=False)
    console.print(f"{report.cores} cores, load {report.load_before} before the start.")


def _format_ms(value: float | None) -> str:
    return "" if value is None else f"{value:,.1f} ms"


def _style(row: BenchmarkResult) -> str | None:
    if not row.counts:
        return "bold red"
    return "green" if row.met else None
