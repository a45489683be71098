"""`hylla keys`: the keys that machines call with."""

from pathlib import Path
from typing import Any, Final

import rich_click as click
from msgspec import Struct

from adapters.cli.components import run_with_components
from adapters.cli.options import load_settings, print_result, shared_options, with_migrated_database
from adapters.main import Components
from adapters.secrets.api_keys import RandomSecrets
from domain.foundation.api_keys import ApiKey
from domain.foundation.callers import SCOPES, Role
from domain.kernel.errors import Invalid
from domain.kernel.ids import ApiKeyId, StoreId
from service.foundation.api_keys import create_api_key, revoke_api_key

ROLES: Final = [role.value for role in Role if role is not Role.CUSTOMER]
PAGE_SIZE: Final = 200


class CreatedKeyOutput(Struct):
    """`key` is the secret; it is shown only here."""

    id: ApiKeyId
    role: Role
    key: str


@click.group("keys")
def command() -> None:
    """Make, list and revoke the keys that machines call with.

    Example: `hylla keys create --role till --store 1000 --terminal T1`
    """


@command.command("create")
@shared_options
@click.option("--role", type=click.Choice(ROLES), required=True, help="Who will call with it.")
@click.option("--store", "stores", multiple=True, help="A store it belongs to; may repeat.")
@click.option("--terminal", default="", help="The terminal of a till.")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    metavar="SCOPE",
    help=f"Narrow an office key to this; may repeat: {', '.join(sorted(SCOPES))}. [default: all]",
)
def create_command(
    *,
    data: Path | None,
    database_url: str | None,
    as_json: bool,
    role: str,
    stores: tuple[str, ...],
    terminal: str,
    scopes: tuple[str, ...],
) -> None:
    """Create a key and show it, once.

    A shop key (`pk_…`) may be part of a web page. A till's key belongs to one store and terminal,
    an associate's to stores; they and an office key (`sk_…`) are secret.

    Example: `hylla keys create --role office --scope imports`
    """

    async def make(house: Components) -> CreatedKeyOutput:
        key, secret = await create_api_key(
            house.units,
            RandomSecrets(),
            role=Role(role),
            stores=[StoreId(store) for store in stores],
            terminal=terminal,
            scopes=scopes,
        )
        assert secret is not None  # only a repeated request gets none, and there is no request
        return CreatedKeyOutput(key.id, key.role, secret)

    with with_migrated_database(load_settings(data, database_url, derives=False)) as settings:
        try:
            made = run_with_components(settings, make)
        except Invalid as refusal:
            raise click.UsageError(_format_errors(refusal)) from None
    print_result(
        made, as_json, f"{made.key}\n\nThis is the key of {made.id}. It is not shown again."
    )


@command.command("list")
@shared_options
def list_command(data: Path | None, database_url: str | None, as_json: bool) -> None:
    """List the keys with their roles, and whether they are still valid.

    Example: `hylla keys list --json`
    """

    async def all_keys(house: Components) -> list[ApiKey]:
        found: list[ApiKey] = []
        async with house.units.read() as unit:
            while page := await unit.foundation.api_keys.list_page(
                found[-1].id if found else "", PAGE_SIZE
            ):
                found += page
        return found

    with with_migrated_database(load_settings(data, database_url, derives=False)) as settings:
        found = run_with_components(settings, all_keys)
    print_result(
        {"items": found}, as_json, "\n".join(map(_format_key, found)) or "There are no keys."
    )


@command.command("revoke")
@shared_options
@click.argument("key", metavar="ID")
def revoke_command(data: Path | None, database_url: str | None, as_json: bool, key: str) -> None:
    """Make a key open nothing from now on.

    Example: `hylla keys revoke key_01jd…`
    """

    async def close(house: Components) -> None:
        await revoke_api_key(house.units, ApiKeyId(key))

    with with_migrated_database(load_settings(data, database_url, derives=False)) as settings:
        run_with_components(settings, close)
    print_result({"id": key, "revoked": True}, as_json, f"{key} opens nothing any more.")


def _format_key(key: ApiKey) -> str:
    bound = [*key.stores, *key.scopes, *([key.terminal] if key.terminal else [])]
    ended = f"revoked {key.revoked_at:%Y-%m-%d}" if key.revoked_at else ""
    made = f"made {key.created_at:%Y-%m-%d}"
    parts = (key.id, f"{key.role:<9}", f"…{key.hint}", made, ended, ", ".join(bound))
    return "  ".join(filter(None, parts))


def _format_errors(refusal: Invalid) -> str:
    """The fields of the refusal, named as the command names them."""
    faults: list[Any] = refusal.errors
    return "; ".join(f"--{_option_name(fault['pointer'])}: {fault['detail']}" for fault in faults)


def _option_name(pointer: str) -> str:
    return pointer.split("/")[1].removesuffix("s")
