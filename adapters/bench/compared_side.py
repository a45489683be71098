"""One side of a comparison: a build in its own folder, filled by its own import and API."""

import asyncio
import csv
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import httpx
import psutil
from msgspec import Struct, field

from adapters.bench.data import ON_HAND
from adapters.bench.rig import (
    CLI_ENTRY_POINT,
    SERVER_SETTINGS,
    TIMEOUT_SECONDS,
    BenchServer,
    free_port,
    wait_until_ready,
)
from adapters.bench.scales import Scale, sku, store
from adapters.oidc.tokens import TrialTokenVerifier
from adapters.settings import PREFIX, Settings, with_own_secret
from domain.kernel.ids import CustomerId

MAX_TILLS: Final = 8
PAGE_SIZE: Final = 200
RECEIPTS_PER_BATCH: Final = 500
COMMAND_TIMEOUT_SECONDS: Final = 3600


class ComparedSide(Struct, kw_only=True):
    """A served build; `command` starts its command line, `customers` are the ids of its customers.

    The attributes that the load generators need are named as in `BenchEnvironment`.
    """

    name: str
    command: list[str]
    data: Path
    scale: Scale
    port: int = 0
    server: BenchServer | None = None
    page_headers: dict[str, str] = field(default_factory=dict)
    till_headers: dict[str, dict[str, str]] = field(default_factory=dict)
    customers: list[str] = field(default_factory=list)

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def customer_token(self, customer: str) -> str:
        """Returns a trial token, which builds derive from the secret in the data folder alike."""
        tokens = TrialTokenVerifier(with_own_secret(Settings(data=self.data)).secret)
        return tokens.issue(CustomerId(customer), datetime.now(UTC), timedelta(hours=24))

    def run(self, *arguments: object) -> str:
        """Runs a command of the build on its data folder, and returns its output."""
        done = subprocess.run(  # noqa: S603 - the named checkout
            [*self.command, *map(str, arguments), "--data", str(self.data)],
            check=True,
            capture_output=True,
            text=True,
            env=_environment(),
            timeout=COMMAND_TIMEOUT_SECONDS,
        )
        return done.stdout

    def is_sound(self) -> bool:
        """Whether the build's own audit finds nothing broken."""
        try:
            self.run("audit")
        except subprocess.CalledProcessError:
            return False
        return True

    def restart(self) -> None:
        """Stops the service and starts it again: its caches are cold."""
        self.stop()
        self.start()

    def start(self) -> None:
        self.port = free_port()
        options = ["serve", "--data", self.data, "--port", self.port, "--workers", 1]
        started = subprocess.Popen(  # noqa: S603 - the named checkout
            [*self.command, *map(str, options)],
            env=_environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_until_ready(started, self.port, "/health/ready")
        self.server = BenchServer(self.port, psutil.Process(started.pid))

    def stop(self) -> None:
        if self.server is not None:
            self.server.process.terminate()
            self.server.process.wait(TIMEOUT_SECONDS)
            self.server = None

    def processes(self) -> list[psutil.Process]:
        """The processes of the service, without those of its database."""
        assert self.server is not None, "the side is served"
        tree = [self.server.process, *self.server.process.children(recursive=True)]
        return [process for process in tree if "postgres" not in process.name()]


@contextmanager
def compared_side(
    name: str, checkout: Path | None, data: Path, scale: Scale, say: Callable[[str], None]
) -> Iterator[ComparedSide]:
    """Provides a side, filled and served until the block ends; None is this very build."""
    command = (
        [sys.executable, *CLI_ENTRY_POINT]
        if checkout is None
        else [str(checkout / ".venv" / "bin" / "hylla")]
    )
    side = ComparedSide(name=name, command=command, data=data, scale=scale)
    try:
        side.start()
        say(f"{name}: importing {scale.skus:,} SKUs in {scale.stores} stores")
        _import_shop(side)
        _create_keys(side)
        say(f"{name}: recording receipts of {scale.members:,} members")
        _record_receipts(side)
        yield side
    finally:
        side.stop()


def _environment() -> dict[str, str]:
    other = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    return other | {f"{PREFIX}{name}": value for name, value in SERVER_SETTINGS.items()}


def _import_shop(side: ComparedSide) -> None:
    numbers = range(1, side.scale.skus + 1)
    stores = [store(number) for number in range(1, side.scale.stores + 1)]
    _import(side, "stores", "store,name,country,hours", ([s, s, "NO", "24/7"] for s in stores))
    products = ([sku(n), f"Sample {n}", f"{10 + n % 100 / 10}", "EUR"] for n in numbers)
    _import(side, "products", "sku,name,price,currency", products)
    levels = ([s, sku(n), ON_HAND] for s in stores for n in numbers)
    _import(side, "stock", "store,sku,on_hand", levels)
    people = ([f"c{n}", "Sample", "sample@example.com"] for n in range(1, side.scale.members + 1))
    _import(side, "customers", "external_id,name,email", people)


def _import(side: ComparedSide, kind: str, columns: str, rows: Iterable[Sequence[object]]) -> None:
    path = side.data.with_suffix(f".{kind}.csv")
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns.split(","))
        writer.writerows(rows)
    side.run("import", kind, path, "--json")
    path.unlink()


def _create_keys(side: ComparedSide) -> None:
    def key(role: str, *more: str) -> dict[str, str]:
        made = json.loads(side.run("keys", "create", "--role", role, "--json", *more))
        return {"Authorization": f"Bearer {made['key']}"}

    side.page_headers = key("shop")
    for number in range(1, min(MAX_TILLS, side.scale.stores) + 1):
        name = store(number)
        side.till_headers[name] = key("till", "--store", name, "--terminal", "T1")
    office, cursor = key("office"), ""
    while True:
        query = {"limit": PAGE_SIZE} | ({"cursor": cursor} if cursor else {})
        page = _get(side, "/v1/customers", office, query)
        side.customers += [customer["id"] for customer in page["items"]]
        cursor = page.get("next_cursor") or ""
        if not cursor:
            return


def _get(side: ComparedSide, path: str, headers: dict[str, str], query: dict[str, Any]) -> Any:
    answer = httpx.get(side.base_url + path, headers=headers, params=query, timeout=TIMEOUT_SECONDS)
    answer.raise_for_status()
    return answer.json()


def _record_receipts(side: ComparedSide) -> None:
    """One receipt for each member, so that everybody has points."""
    name, till = next(iter(side.till_headers.items()))
    now = datetime.now(UTC).isoformat()
    members = range(1, side.scale.members + 1)
    with httpx.Client(base_url=side.base_url, headers=till, timeout=TIMEOUT_SECONDS) as client:
        for first in range(0, len(members), RECEIPTS_PER_BATCH):
            batch = members[first : first + RECEIPTS_PER_BATCH]
            receipts = [_receipt(number, now) for number in batch]
            client.post(f"/v1/stores/{name}/sales", json={"sales": receipts}).raise_for_status()


def _receipt(number: int, now: str) -> dict[str, Any]:
    price = {"amount": 1000, "currency": "EUR"}
    return {
        "id": f"fill-{number}",
        "kind": "sale",
        "occurred_at": now,
        "member": f"c{number}",
        "lines": [{"sku": sku(1), "quantity": 1, "unit_price": price}],
    }


async def create_carts(side: ComparedSide, many: int, salt: str) -> dict[str, str]:
    """Creates carts of two lines by the API; returns the customer's token by cart.

    Buyers are taken in turn; `salt` makes the keys of this call unique.
    """
    semaphore, made = asyncio.Semaphore(16), {}

    async def create(client: httpx.AsyncClient, number: int) -> None:
        token = side.customer_token(side.customers[number % len(side.customers)])
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": f"{salt}-{number}"}
        async with semaphore:
            cart = await _post(client, "POST", "/v1/carts", {"currency": "EUR"}, headers)
            place = store(number % side.scale.stores + 1)
            line = {"quantity": 1, "fulfilment": {"method": "pickup", "store": place}}
            for one in (number % side.scale.skus + 1, (number + 1) % side.scale.skus + 1):
                path = f"/v1/carts/{cart['id']}/lines/{sku(one)}"
                await _post(client, "PUT", path, line, {"Authorization": f"Bearer {token}"})
            made[cart["id"]] = token

    async with httpx.AsyncClient(base_url=side.base_url, timeout=TIMEOUT_SECONDS) as client:
        await asyncio.gather(*(create(client, number) for number in range(many)))
    return made


async def _post(
    client: httpx.AsyncClient, method: str, path: str, body: Any, headers: dict[str, str]
) -> Any:
    answer = await client.request(method, path, json=body, headers=headers)
    answer.raise_for_status()
    return answer.json()
