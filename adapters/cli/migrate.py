"""`hylla migrate`: bring the database up to this version, and nothing else."""

from pathlib import Path

import rich_click as click

from adapters.cli.options import load_settings, print_result, shared_options, with_database
from adapters.postgres.db.migrate import upgrade


@click.command("migrate")
@shared_options
def command(data: Path | None, database_url: str | None, as_json: bool) -> None:
    """Bring the database up to this version.

    `hylla serve` does the same when it starts, unless told not to. It is safe to repeat, and
    safe to run while the shop is open: a change that must wait for a busy table gives up.

    Example: `hylla migrate --database-url postgresql://hylla@db.example/hylla`
    """
    with with_database(load_settings(data, database_url, derives=False)) as settings:
        ran = upgrade(settings.database_url)
    words = "\n".join(f"Ran {name}." for name in ran) or "Nothing to do: all is up to date."
    print_result({"ran": ran}, as_json, words)
