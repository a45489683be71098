"""`hylla keys`: the keys that machines call with."""

from pathlib import Path
from typing import Any, Final

import rich_click as click
from msgspec import Struct

from adapters.cli.components import in_house
from adapters.cli.options import answer, common, settings_of, with_shop
from adapters.main import Components
from adapters.secrets.api_keys import RandomSecrets
from domain.foundation.api_keys import ApiKey
from domain.foundation.callers import SCOPES, Role
from domain.kernel.errors import Invalid
from domain.kernel.ids import KeyId, StoreId
from service.foundation.api_keys import create_api_key, revoke_api_key

ROLES: Final = [role.value for role in Role if role is not Role.CUSTOMER]
PAGE: Final = 200


class Made(Struct):
    """`key` is the secret; it is shown only here."""

    id: KeyId
    role: Role
    key: str


@click.group("keys")
def command() -> None:
    """Make, list and revoke the keys that machines call with.

    Example: `hylla keys create --role till --store 1000 --terminal T1`
    """


@command.command("create")
@common
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
def create(
    *,
    data: Path | None,
    database_url: str | None,
    as_json: bool,
    role: str,
    stores: tuple[str, ...],
    terminal: str,
    scopes: tuple[str, ...],
) -> None:
    """Make a key and show it, this once.

    A shop key (`pk_…`) may stand in a web page. A till's belongs to one store and terminal, an
    associate's to stores; they and an office key (`sk_…`) are secret.

    Example: `hylla keys create --role office --scope imports`
    """

    async def make(house: Components) -> Made:
        key, secret = await create_api_key(
            house.units,
            RandomSecrets(),
            role=Role(role),
            stores=[StoreId(store) for store in stores],
            terminal=terminal,
            scopes=scopes,
        )
        assert secret is not None  # only a repeated request gets none, and there is no request
        return Made(key.id, key.role, secret)

    with with_shop(settings_of(data, database_url, derives=False)) as settings:
        try:
            made = in_house(settings, make)
        except Invalid as refusal:
            raise click.UsageError(_as_options(refusal)) from None
    answer(made, as_json, f"{made.key}\n\nThis is the key of {made.id}. It is not shown again.")


@command.command("list")
@common
def show(data: Path | None, database_url: str | None, as_json: bool) -> None:
    """List the keys: what each is for, and whether it still opens anything.

    Example: `hylla keys list --json`
    """

    async def all_keys(house: Components) -> list[ApiKey]:
        found: list[ApiKey] = []
        async with house.units.read() as unit:
            while page := await unit.foundation.api_keys.list_page(
                found[-1].id if found else "", PAGE
            ):
                found += page
        return found

    with with_shop(settings_of(data, database_url, derives=False)) as settings:
        found = in_house(settings, all_keys)
    answer({"items": found}, as_json, "\n".join(map(_line, found)) or "There are no keys.")


@command.command("revoke")
@common
@click.argument("key", metavar="ID")
def revoke(data: Path | None, database_url: str | None, as_json: bool, key: str) -> None:
    """Make a key open nothing from now on.

    Example: `hylla keys revoke key_01jd…`
    """

    async def close(house: Components) -> None:
        await revoke_api_key(house.units, KeyId(key))

    with with_shop(settings_of(data, database_url, derives=False)) as settings:
        in_house(settings, close)
    answer({"id": key, "revoked": True}, as_json, f"{key} opens nothing any more.")


def _line(key: ApiKey) -> str:
    bound = [*key.stores, *key.scopes, *([key.terminal] if key.terminal else [])]
    ended = f"revoked {key.revoked_at:%Y-%m-%d}" if key.revoked_at else ""
    made = f"made {key.created_at:%Y-%m-%d}"
    parts = (key.id, f"{key.role:<9}", f"…{key.hint}", made, ended, ", ".join(bound))
    return "  ".join(filter(None, parts))


def _as_options(refusal: Invalid) -> str:
    """The fields of the refusal, named as the command names them."""
    faults: list[Any] = refusal.errors
    return "; ".join(f"--{_option(fault['pointer'])}: {fault['detail']}" for fault in faults)


def _option(pointer: str) -> str:
    return pointer.split("/")[1].removesuffix("s")
