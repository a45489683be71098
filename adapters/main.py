"""The front door: makes every part of the service and joins them."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import httpx
import structlog
from litestar import Litestar
from litestar.types import ASGIApp
from msgspec import Struct

from adapters import logs
from adapters.drain import draining
from adapters.http.app import HttpSettings, Parts, build
from adapters.identity.codes import DerivedCodes
from adapters.identity.jwks import KeySet
from adapters.identity.keys import RandomSecrets
from adapters.identity.tokens import ProviderTokens, TrialTokens
from adapters.imports.reading import FileReading
from adapters.postgres.unit import PostgresUnits, connect
from adapters.settings import Settings
from domain.points import Programme
from service.ports import Tokens

log = structlog.get_logger("hylla")


class House(Struct):
    """The parts of one process, joined."""

    settings: Settings
    units: PostgresUnits
    codes: DerivedCodes
    tokens: Tokens
    client: httpx.AsyncClient

    async def close(self) -> None:
        await self.client.aclose()
        await self.units.close()


def open_house(settings: Settings) -> House:
    """Make the parts; nothing is connected before it is used."""
    client = httpx.AsyncClient(timeout=10)
    return House(
        settings=settings,
        units=PostgresUnits(
            connect(settings.database_url, pool_size=settings.connections),
            programme=Programme(),
        ),
        codes=DerivedCodes(settings.secret),
        tokens=_tokens(settings, client),
        client=client,
    )


def create_app(settings: Settings) -> ASGIApp:
    """The application that one worker of the server answers with."""
    logs.configure(settings.log_level)
    return build_app(open_house(settings))


def build_app(house: House) -> ASGIApp:
    """The application of a house that is open already."""
    settings = house.settings

    async def ready() -> Mapping[str, str]:
        return {"database": await house.units.trouble() or "ok"}

    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncIterator[None]:
        async with draining() as drain:
            app.state.drain = drain
            yield
        await house.close()

    return build(
        Parts(
            units=house.units,
            codes=house.codes,
            tokens=house.tokens,
            secrets=RandomSecrets(),
            ready=ready,
            settings=HttpSettings(rate_per_s=settings.rate_limit, workers=settings.workers),
            lifespan=[lifespan],
            extras={
                "reading": FileReading(),
                "low_at": settings.low_stock_at,
                "currency": settings.currency,
            },
        )
    )


async def work(settings: Settings) -> None:
    """Do the jobs, and answer nobody, until told to stop."""
    logs.configure(settings.log_level)
    house = open_house(settings)
    async with draining() as drain:
        await drain.stopping.wait()
    await house.close()


def _tokens(settings: Settings, client: httpx.AsyncClient) -> Tokens:
    if not settings.oidc_issuer:
        return TrialTokens(settings.secret)
    keys = KeySet(client, issuer=settings.oidc_issuer, url=settings.oidc_jwks_url)
    return ProviderTokens(issuer=settings.oidc_issuer, audience=settings.oidc_audience, keys=keys)
