"""The command `hylla`: one module a command, listed in `COMMANDS`."""

import importlib
import sys
from typing import Final

import rich_click as click

from adapters.settings import SettingsError
from domain.kernel.errors import DomainError

COMMANDS: Final = {
    "serve": "adapters.cli.serve",
    "demo": "adapters.cli.demo",
    "migrate": "adapters.cli.migrate",
    "keys": "adapters.cli.keys",
    "token": "adapters.cli.token",
    "import": "adapters.cli.imports",
    "audit": "adapters.cli.audit",
    "bench": "adapters.cli.bench",
}
"""Where each command lives: a module with a `command`, loaded when it is asked for."""

EXIT_FAILURE: Final = 1
EXIT_USAGE_ERROR: Final = 2


class LazyCommands(click.RichGroup):
    """Commands that are loaded when asked for, so that none waits for the others."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(COMMANDS[cmd_name]).command
        return command


@click.group(
    cls=LazyCommands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name="hylla", message="Hylla %(version)s")
def hylla() -> None:
    """Live stock, pickup, carts, points and messages for a retailer with a webshop and stores.

    Every setting can be given in the environment, too: `--port` is HYLLA_PORT.

    Start here: `hylla serve`
    """


def main() -> None:
    """Runs a command; an error is one sentence, not a traceback."""
    try:
        hylla()
    except SettingsError as error:
        fail(str(error), EXIT_USAGE_ERROR)
    except DomainError as refusal:
        fail(refusal.detail, EXIT_FAILURE)
    except Exception as error:
        # Imported here: most commands succeed and need no database module.
        from adapters.postgres.db.programs import DatabaseUnavailable  # noqa: PLC0415

        if not isinstance(error, DatabaseUnavailable):
            raise
        fail(str(error), EXIT_FAILURE)


def fail(sentence: str, status: int) -> None:
    click.echo(sentence, err=True)
    sys.exit(status)
