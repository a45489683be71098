"""The options and the output that all commands share."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec
import rich_click as click

from adapters.postgres.db.migrate import pending, upgrade
from adapters.postgres.db.programs import DatabaseUnavailable
from adapters.postgres.db.urls import for_sqlalchemy
from adapters.settings import Secret, Settings, SettingsError, read_settings, with_own_secret

Command = TypeVar("Command", bound=Callable[..., Any])

DATA: Final = click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    help="The data folder. [default: this user's data folder]",
)
DATABASE_URL: Final = click.option(
    "--database-url",
    metavar="URL",
    help="A PostgreSQL 15 or later of your own: postgresql://user@host/database."
    " [default: one in the data folder]",
)
AS_JSON: Final = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")


def shared_options(command: Command) -> Command:
    """The options of every command: which shop it works on, and for whom it prints."""
    for option in (AS_JSON, DATABASE_URL, DATA):
        command = option(command)
    return command


def load_settings(
    data: Path | None, database_url: str | None, *, derives: bool = True, **options: Any
) -> Settings:
    """The settings of the environment, with a command's options before them.

    Only a command that derives codes or tokens needs the secret.

    Raises:
        SettingsError: names the variable and the rule.
    """
    settings = read_settings(
        os.environ, derives=derives, data=data, database_url=database_url, **options
    )
    if not settings.database_url:
        return settings
    try:
        address = for_sqlalchemy(settings.database_url)
    except ValueError as error:
        raise SettingsError([f"HYLLA_DATABASE_URL cannot be used: {error}."]) from None
    return msgspec.structs.replace(settings, database_url=Secret(address))


@contextmanager
def with_database(settings: Settings) -> Iterator[Settings]:
    """The settings with the address of a database that answers, for as long as the block lasts.

    Without one of the user's own, the data folder's starts, or is joined where it runs already.
    """
    if settings.database_url:
        yield settings
        return
    # The programs of PostgreSQL are an extra that not every installation has.
    from adapters.postgres.db.embedded import running  # noqa: PLC0415

    with running(settings.data) as url:
        yield msgspec.structs.replace(with_own_secret(settings), database_url=Secret(url))


@contextmanager
def with_migrated_database(settings: Settings) -> Iterator[Settings]:
    """As above, and its tables are those of this version.

    The data folder's database is brought up on the way; the user's own is left as it is.

    Raises:
        DatabaseUnavailable: the user's own database lacks a migration.
    """
    with with_database(settings) as found:
        if not settings.database_url:
            upgrade(found.database_url)
        elif lacking := pending(found.database_url):
            raise DatabaseUnavailable(
                f"The database lacks {', '.join(lacking)}: run hylla migrate first."
            )
        yield found


def ensure_data_folder(settings: Settings) -> None:
    """Checks the data folder for commands that only read: a mistyped folder is not an empty one.

    Raises:
        DatabaseUnavailable: the data folder has never held a database.
    """
    if not settings.database_url and not (settings.data / "postgres").exists():
        raise DatabaseUnavailable(f"There is no shop in {settings.data}: name it with --data.")


def print_result(value: Any, as_json: bool, words: str) -> None:
    """Print `value` for a script, or `words` for a person."""
    click.echo(msgspec.json.encode(value).decode() if as_json else words)
