"""`hylla demo`: the main job as a story, on the sample, and a shop to look around in afterwards."""

import asyncio
import csv
import multiprocessing
import os
import signal
import socket
import sys
import time
from contextlib import suppress
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final

import httpx
import rich_click as click
from msgspec import Struct
from rich.console import Console

from adapters import logs, sample
from adapters.cli.components import run_with_components
from adapters.cli.options import DATA, DATABASE_URL, load_settings, with_migrated_database
from adapters.cli.server import serve
from adapters.demo.narration import Actor, Narrator, StoryFailed
from adapters.demo.story import Actors, Story
from adapters.imports.reading import ImportFileReader
from adapters.main import Components, create_app
from adapters.oidc.tokens import TrialTokenVerifier
from adapters.postgres.db.unit_of_work import utc_now
from adapters.secrets.api_keys import RandomSecrets
from adapters.settings import Settings, SettingsError
from domain.foundation.callers import Role
from domain.kernel.ids import ApiKeyId, CustomerId
from service.administration.imports import ImportKind, ImportOptions, import_file
from service.foundation.api_keys import create_api_key, revoke_api_key

SAMPLE_FOLDER: Final = Path(sample.__file__).parent
SAMPLE_FILES: Final = {
    ImportKind.STORES: "stores.csv",
    ImportKind.PRODUCTS: "products.json",
    ImportKind.STOCK: "stock.csv",
    ImportKind.CUSTOMERS: "customers.csv",
}
ROLES: Final = (Role.SHOP, Role.TILL, Role.ASSOCIATE, Role.OFFICE)
STARTUP_TIMEOUT_SECONDS: Final = 60
TOKEN_LIFETIME: Final = timedelta(hours=24)


class DemoKeys(Struct, frozen=True):
    """Keys that are made for one demo and end with it, by role."""

    ids: list[ApiKeyId]
    secrets: dict[Role, str]


@click.command("demo")
@DATA
@DATABASE_URL
@click.option("--host", help="The address to listen on. [default: 127.0.0.1]")
@click.option("--port", metavar="N", help="The port to listen on. [default: 8000]")
@click.option("--once", is_flag=True, help="End after the story.")
def command(data: Path | None, database_url: str | None, once: bool, **options: Any) -> None:
    """Load the sample data, serve it, and run the main job as a story through the public API.

    Each step is shown with its request and the part of the answer that matters. Afterwards the shop
    stays open, with keys to try, until it is stopped. It is safe to repeat.

    Example: `hylla demo --data ./demo`
    """
    began = time.monotonic()
    # The log would talk over the story, and a story cannot wait two hours for its end.
    settings = load_settings(
        data, database_url, log_level="warning", thank_you_delay_minutes="0", **options
    )
    if settings.oidc_issuer:
        raise click.UsageError(
            "The demo's customer needs the trial's tokens: unset HYLLA_OIDC_ISSUER."
        )
    ensure_port_free(settings.host, settings.port)
    logs.configure(settings.log_level)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with with_migrated_database(settings) as ready:
        props = run_with_components(ready, load_sample)
        narrator = multiprocessing.get_context("fork").Process(
            target=run_story, args=(ready, props, began), kwargs={"once": once}
        )
        narrator.start()
        try:
            serve(ready, partial(create_app, ready))
        finally:
            narrator.terminate()
            narrator.join()
            run_with_components(ready, partial(revoke_demo_keys, props=props))
    sys.exit(1 if narrator.exitcode == 1 else 0)


def ensure_port_free(host: str, port: int) -> None:
    """Raises SettingsError where another process listens there: it would get the requests."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind((host, port))
        except OSError as error:
            why = f"HYLLA_PORT cannot be {port} on {host} ({error.strerror})"
            raise SettingsError([f"{why}: choose another --port."]) from None


async def load_sample(house: Components) -> DemoKeys:
    """The sample, loaded as any retailer's files are, and a key for each role."""
    for kind, name in SAMPLE_FILES.items():
        with (SAMPLE_FOLDER / name).open("rb") as lines:
            batches = ImportFileReader().batches(kind, lines, ImportOptions())
            await import_file(house.units, batches, kind, actor="demo")
    with (SAMPLE_FOLDER / SAMPLE_FILES[ImportKind.STORES]).open(
        newline="", encoding="utf-8"
    ) as lines:
        stores = [line["store"] for line in csv.DictReader(lines)]
    bound = {Role.TILL: stores[:1], Role.ASSOCIATE: stores}
    made = [
        await create_api_key(
            house.units,
            RandomSecrets(),
            role=role,
            stores=bound.get(role, ()),
            terminal="T1" if role is Role.TILL else "",
        )
        for role in ROLES
    ]
    return DemoKeys([key.id for key, _ in made], {key.role: secret or "" for key, secret in made})


async def revoke_demo_keys(house: Components, props: DemoKeys) -> None:
    for key in props.ids:
        await revoke_api_key(house.units, key)


def run_story(settings: Settings, props: DemoKeys, began: float, *, once: bool) -> None:
    """Runs the story against the parent process's service; with `once`, its end stops that."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    console = Console(width=None if sys.stdout.isatty() else 110)
    with suppress(KeyboardInterrupt):
        try:
            asyncio.run(_run_story(settings, props, console, began))
        except (StoryFailed, httpx.HTTPError) as trouble:
            console.print(f"The story ends here: {trouble}", style="red", markup=False)
            os.kill(os.getppid(), signal.SIGTERM)
            sys.exit(1)
        if once:
            os.kill(os.getppid(), signal.SIGTERM)
        else:
            _print_addresses(console, settings, props)


async def _run_story(settings: Settings, props: DemoKeys, console: Console, began: float) -> None:
    async with httpx.AsyncClient(base_url=_local_url(settings), timeout=30) as client:
        await _wait_until_ready(client)
        console.print(
            f"Hylla opened after {time.monotonic() - began:.1f} s at {settings.base_url}."
        )
        await Story(Narrator(client, console), _build_actors(settings, props)).run()


def _build_actors(settings: Settings, props: DemoKeys) -> Actors:
    def bearer(name: str, credential: str) -> Actor:
        return Actor(name, {"Authorization": f"Bearer {credential}"})

    return Actors(
        shop_page=bearer("the shop's page", props.secrets[Role.SHOP]),
        associate=bearer("the store", props.secrets[Role.ASSOCIATE]),
        office=bearer("the office", props.secrets[Role.OFFICE]),
        sign_in=lambda customer: bearer(
            "the customer", _issue_customer_token(settings, CustomerId(customer))
        ),
        messages=settings.data / "messages",
    )


def _issue_customer_token(settings: Settings, customer: CustomerId) -> str:
    return TrialTokenVerifier(settings.secret).issue(customer, utc_now(), TOKEN_LIFETIME)


def _local_url(settings: Settings) -> str:
    """Returns the URL of the service on this machine, whatever its public URL is."""
    everywhere = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - to be called, not listened on
    host = everywhere.get(settings.host, settings.host)
    return f"http://[{host}]:{settings.port}" if ":" in host else f"http://{host}:{settings.port}"


async def _wait_until_ready(client: httpx.AsyncClient) -> None:
    """Raises StoryFailed when the shop does not open."""
    deadline = time.monotonic() + STARTUP_TIMEOUT_SECONDS
    while time.monotonic() < deadline:
        with suppress(httpx.TransportError):
            if (await client.get("/health/ready")).status_code == httpx.codes.OK:
                return
        await asyncio.sleep(0.05)
    raise StoryFailed(f"The shop did not open within {STARTUP_TIMEOUT_SECONDS} s.")


def _print_addresses(console: Console, settings: Settings, props: DemoKeys) -> None:
    console.print("\nThe shop stays open until you stop it (Ctrl-C).", style="bold")
    places = {
        "docs": f"{settings.base_url}/docs",
        "schema": f"{settings.base_url}/schema/openapi.json",
        "health": f"{settings.base_url}/health/ready",
        "messages": str(settings.data / "messages"),
    }
    keys = {f"{role.value} key": secret for role, secret in props.secrets.items()}
    for name, value in {**places, **keys}.items():
        console.print(f"  {name:<14} {value}", markup=False, highlight=False, soft_wrap=True)
    console.print("Call with a key as Authorization: Bearer …; the keys end with this demo.")
