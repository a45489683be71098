"""`hylla serve`: the database, the migrations, then the service itself."""

import asyncio
import signal
import sys
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import rich_click as click
import structlog

from adapters import logs
from adapters.cli.options import load_settings, shared_options, with_database
from adapters.cli.server import ensure_port_free, serve
from adapters.drain import SIGNALS, request_shutdown
from adapters.main import create_app, run_worker
from adapters.postgres.db.migrate import upgrade
from adapters.settings import ProcessRole, Settings

log = structlog.get_logger("hylla")


@click.command("serve")
@shared_options
@click.option("--host", help="The address to listen on. [default: 127.0.0.1]")
@click.option("--port", metavar="N", help="The port to listen on. [default: 8000]")
@click.option("--workers", metavar="N", help="How many processes answer. [default: 1]")
@click.option(
    "--role",
    type=click.Choice([role.value for role in ProcessRole]),
    help="api answers requests, worker does the jobs, all does both. [default: all]",
)
@click.option("--migrate/--no-migrate", default=True, help="Bring the database up first.")
def command(
    data: Path | None, database_url: str | None, as_json: bool, migrate: bool, **options: Any
) -> None:
    """Serve the shop until it is stopped.

    Without a database of your own, a real PostgreSQL starts in the data folder and stops with the
    service. A stop (Ctrl-C, or the signal TERM) finishes what is under way.

    Example: `hylla serve --data ./shop --port 8080 --workers 2`
    """
    settings = load_settings(data, database_url, **options)
    logs.configure(settings.log_level)
    if settings.role is not ProcessRole.WORKER:
        ensure_port_free(settings)
    for number in SIGNALS:  # until the service itself listens, a stop still stops the database
        signal.signal(number, request_shutdown)
    with with_database(settings) as ready:
        if migrate:
            for version in upgrade(ready.database_url):
                log.info("migrated", version=version)
        _print_addresses(ready, as_json)
        if ready.role is ProcessRole.WORKER:
            asyncio.run(run_worker(ready))
        else:
            serve(ready, partial(create_app, ready))


def _print_addresses(settings: Settings, as_json: bool) -> None:
    where = {"role": settings.role, "data": str(settings.data)}
    if settings.role is not ProcessRole.WORKER:
        where |= {"address": settings.base_url, "docs": f"{settings.base_url}/docs"}
    words = "\n".join(f"  {name:<8} {value}" for name, value in where.items())
    click.echo(msgspec.json.encode(where).decode() if as_json else f"Hylla is starting.\n{words}")
    sys.stdout.flush()
