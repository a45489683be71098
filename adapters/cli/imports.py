"""`hylla import`: stores, products, stock, customers and deliveries from a file."""

import asyncio
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import rich_click as click
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeElapsedColumn

from adapters.cli.options import load_settings, print_result, shared_options, with_migrated_database
from adapters.settings import Settings
from domain.kernel.errors import InvalidField
from service.administration.imports import (
    ImportKind,
    ImportOptions,
    ImportReport,
    import_file,
    options,
)

EXIT_LINES_REFUSED: Final = 1
MAX_SHOWN: Final = 20
CONTENT_TYPES: Final = {
    ".csv": "text/csv",
    ".tsv": "text/csv",
    ".json": "application/json",
    ".ndjson": "application/x-ndjson",
    ".jsonl": "application/x-ndjson",
}


@click.command("import")
@click.argument("kind", type=click.Choice([kind.value for kind in ImportKind]))
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--map",
    "columns",
    multiple=True,
    metavar="FIELD=COLUMN",
    help="The column of a field; a dot steps into an object: latitude=location.lat. Repeats.",
)
@click.option(
    "--set",
    "constants",
    multiple=True,
    metavar="FIELD=VALUE",
    help="What a field is in every line: currency=GBP. Repeats.",
)
@click.option(
    "--distinct",
    metavar="FIELD",
    help="Fold all lines of one key into one thing: its most frequent name, all else of the latest"
    " line by seen_at.",
)
@click.option(
    "--pattern",
    "patterns",
    multiple=True,
    metavar="FIELD=REGEX",
    help="Refuse lines whose field does not match as a whole. Repeats.",
)
@shared_options
def command(  # noqa: PLR0917 - click passes every option by name
    kind: str,
    file: Path,
    columns: tuple[str, ...],
    constants: tuple[str, ...],
    distinct: str | None,
    patterns: tuple[str, ...],
    data: Path | None,
    database_url: str | None,
    as_json: bool,
) -> None:
    """Import stores, products, stock, customers or deliveries from a CSV, JSON or NDJSON file.

    Every line is accepted, unchanged, or refused with its number and a reason. A file may be
    imported again at any time: lines without a change are unchanged.

    Example: `hylla import products sales.csv --map sku=StockCode --map name=Description --map
    price=UnitPrice --set currency=GBP --distinct sku`
    """
    try:
        told = options(
            columns=columns,
            constants=constants,
            patterns=patterns,
            distinct=distinct,
            content_type=_content_type(file),
        )
        with (
            with_migrated_database(load_settings(data, database_url, derives=False)) as settings,
            _progress(file) as watch,
        ):
            report = asyncio.run(_import_file(settings, ImportKind(kind), file, told, watch))
    except InvalidField as wrong:
        raise click.UsageError(wrong.detail) from None
    print_result(report, as_json, _format_report(report))
    sys.exit(EXIT_LINES_REFUSED if report.refused else 0)


async def _import_file(
    settings: Settings,
    kind: ImportKind,
    file: Path,
    told: ImportOptions,
    watch: Callable[[int, ImportReport], None],
) -> ImportReport:
    from adapters.imports.reading import ImportFileReader  # noqa: PLC0415 - other commands need none
    from adapters.postgres.db.pool import connect  # noqa: PLC0415 - nor the database
    from adapters.postgres.db.unit_of_work import PostgresUnits  # noqa: PLC0415 - nor the database

    units = PostgresUnits(connect(settings.database_url, pool_size=1))
    try:
        with file.open("rb") as lines:
            return await import_file(
                units,
                ImportFileReader().batches(kind, lines, told),
                kind,
                actor="import",
                watch=lambda report: watch(os.lseek(lines.fileno(), 0, os.SEEK_CUR), report),
            )
    finally:
        await units.close()


@contextmanager
def _progress(file: Path) -> Iterator[Callable[[int, ImportReport], None]]:
    """Shows a progress bar on standard error where that is a terminal."""
    console = Console(stderr=True)
    columns = (BarColumn(), DownloadColumn(), TimeElapsedColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task("", total=file.stat().st_size)

        def watch(position: int, report: ImportReport) -> None:
            words = f"{report.lines_read:,} lines, {report.refused:,} refused"
            progress.update(task, completed=position, description=words)

        yield watch


def _content_type(file: Path) -> str:
    return CONTENT_TYPES.get(file.suffix.lower(), "")


def _format_report(report: ImportReport) -> str:
    shown = [f"  line {line.line}: {line.detail} ({line.code})" for line in report.lines]
    more = report.refused - min(len(shown), MAX_SHOWN)
    done = f"{report.accepted:,} accepted, {report.unchanged:,} unchanged"
    lines = [f"{done}, {report.refused:,} refused.", *shown[:MAX_SHOWN]]
    if more:
        lines.append(f"  … and {more:,} more; --json lists the first 1,000.")
    return "\n".join(lines)
