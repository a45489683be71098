"""A shop that answers HTTP in the test's own process, on a real database."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
from msgspec import Struct

from adapters.main import Components, build_app, build_components
from adapters.oidc.tokens import TrialTokenVerifier
from adapters.secrets.api_keys import RandomSecrets
from adapters.settings import ProcessRole, Secret, Settings
from domain.foundation.callers import Role
from domain.kernel.ids import CustomerId, StoreId
from service.foundation.api_keys import create_api_key
from tests.support.examples import a_customer, open_shop

SECRET = "the secret of a test, long enough for anybody"


class Shop(Struct):
    """`at` is a client without credentials; the others bear theirs."""

    house: Components
    client: httpx.AsyncClient

    @property
    def units(self) -> Any:
        return self.house.units

    def fresh(self) -> str:
        """An Idempotency-Key that nobody has used."""
        return uuid4().hex

    async def key(self, role: Role, **more: Any) -> dict[str, str]:
        """Headers of a new key."""
        _, secret = await create_api_key(self.units, RandomSecrets(), role=role, **more)
        return {"Authorization": f"Bearer {secret}"}

    async def page(self) -> dict[str, str]:
        """Headers of the shop's page."""
        return await self.key(Role.SHOP)

    async def till(self, store: StoreId) -> dict[str, str]:
        return await self.key(Role.TILL, stores=[store], terminal="T1")

    async def associate(self, *stores: StoreId) -> dict[str, str]:
        return await self.key(Role.ASSOCIATE, stores=list(stores))

    async def office(self, *scopes: str) -> dict[str, str]:
        return await self.key(Role.OFFICE, scopes=list(scopes))

    async def customer(self, name: str = "sample-1", *, member: bool = True) -> dict[str, str]:
        """Headers of a customer who is logged in."""
        person = a_customer(name)
        async with self.units.begin() as unit:
            await unit.customers.customers.upsert([person])
            if member:
                await unit.customers.customers.enrol_members([name])
        return self.logged_in(person.id)

    def logged_in(self, customer: CustomerId) -> dict[str, str]:
        token = TrialTokenVerifier(SECRET).issue(customer, datetime.now(UTC), timedelta(hours=1))
        return {"Authorization": f"Bearer {token}"}


@asynccontextmanager
async def a_shop(database_url: str, data: Path, **settings: Any) -> AsyncIterator[Shop]:
    """An open shop: two stores and four products."""
    house = build_components(
        Settings(
            data=data,
            database_url=Secret(database_url),
            secret=Secret(SECRET),
            role=ProcessRole.API,
            db_pool_size=24,
            **({"on_account": True} | settings),
        )
    )
    app: Any = build_app(house)
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://shop.test") as client:
        await open_shop(house.units)
        yield Shop(house, client)
    await house.close()
