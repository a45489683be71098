"""The front door: makes every part of the service and joins them."""

import gc
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from typing import Any, Final

import httpx
import structlog
from litestar import Litestar
from litestar.types import ASGIApp
from msgspec import Struct

from adapters import logs
from adapters.availability_cache.cache import Window
from adapters.channels.router import Switchboard
from adapters.content.rendering import Rendering
from adapters.drain import Drain, draining
from adapters.http.app import HttpSettings, Parts, build
from adapters.http.inventory.streams import Streams
from adapters.imports.reading import FileReading
from adapters.oidc.tokens import ProviderTokens, TrialTokens
from adapters.postgres.db.unit_of_work import PostgresUnits, connect, utc_now
from adapters.postgres.inventory.relay import Relay
from adapters.scheduler.scheduler import Scheduler
from adapters.scheduler.steps import steps, steps_of_payments
from adapters.secrets.api_keys import RandomSecrets
from adapters.secrets.codes import DerivedCodes
from adapters.settings import Role, Settings, SettingsError
from adapters.smtp.email import Email, MailServer
from adapters.stripe.events import StripeNotices
from adapters.stripe.provider import Stripe
from adapters.webhooks.channel import Webhook
from adapters.webhooks.sender import Post
from domain.carts.cart_rules import CartRules
from domain.contact.channels import Channel
from domain.follow_ups.content import Retailer
from domain.inventory.availability import Telling
from domain.loyalty.points import Programme
from service.follow_ups.message_context import Desk
from service.follow_ups.ports import Carrier, Channels
from service.foundation.ports import Codes, Tokens
from service.inventory.holds import hold_all
from service.orders.checkout.place_order import place_all
from service.payments.payment_methods import Cashier
from service.payments.ports import Notices
from service.shared.batching import Gathered

log = structlog.get_logger("hylla")

ASIDE: Final = 3
"""Connections for the relay, the streams and the window."""


class House(Struct):
    """The parts of one process, joined."""

    settings: Settings
    units: PostgresUnits
    aside: PostgresUnits
    """For what follows the changes: no flood of requests takes its connections."""
    relay: Relay
    codes: DerivedCodes
    tokens: Tokens
    client: httpx.AsyncClient
    switchboard: Switchboard
    post: Post
    desk: Desk
    payments: Stripe | None
    """Who takes cards; None where the shop takes none."""

    async def close(self) -> None:
        await self.switchboard.close()
        await self.post.close()
        if self.payments:
            await self.payments.close()
        await self.client.aclose()
        await self.units.close()
        await self.aside.close()


def open_house(settings: Settings) -> House:
    """Make the parts; nothing is connected before it is used."""
    client = httpx.AsyncClient(timeout=10)
    codes = DerivedCodes(settings.secret)
    switchboard = _switchboard(settings)
    units = PostgresUnits(
        connect(settings.database_url, pool_size=settings.connections),
        programme=Programme(activation_days=settings.activation_days),
        cart_rules=CartRules(
            settings.most_per_order,
            settings.guest_cart_days,
            settings.customer_cart_days,
            settings.till_cart_days,
        ),
        audit_patience=timedelta(seconds=settings.audit_seconds),
    )
    aside = PostgresUnits(connect(settings.database_url, pool_size=ASIDE))
    return House(
        settings=settings,
        units=units,
        aside=aside,
        relay=Relay(units, settings.database_url, aside=aside),
        codes=codes,
        tokens=_tokens(settings, client),
        client=client,
        switchboard=switchboard,
        post=Post(clock=utc_now, private=settings.webhook_private),
        desk=_desk(settings, codes, switchboard),
        payments=_payments(settings),
    )


def create_app(settings: Settings) -> ASGIApp:
    """The application that one worker of the server answers with."""
    logs.configure(settings.log_level)
    app = build_app(open_house(settings))
    gc.collect()
    gc.freeze()  # what is there now stays: nobody looks through it again for what may go
    return _traced(app) if settings.otel else app


def _traced(app: ASGIApp) -> ASGIApp:
    try:
        from adapters import telemetry  # noqa: PLC0415 - costs nothing where it is off
    except ImportError:
        raise SettingsError(
            ["HYLLA_OTEL needs the extra `otel`, which is not installed."]
        ) from None
    traced: ASGIApp = telemetry.switch_on(app)
    return traced


def build_app(house: House) -> ASGIApp:
    """The application of a house that is open already."""
    settings = house.settings
    telling = Telling(
        settings.low_stock_at,
        settings.shown_quantities,
        settings.shown_quantities_max,
        settings.low_confidence_at / 100,
    )
    streams = Streams(house.units, house.relay, telling=telling, aside=house.aside)
    window = Window(
        house.aside,
        house.relay,
        telling=telling,
        clock=utc_now,
        most_bytes=settings.window_mb * 2**20,
    )
    house.units.after_stock.append(window.take_out)

    async def ready() -> Mapping[str, str]:
        return {"database": await house.units.trouble() or "ok"}

    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncIterator[None]:
        async with draining() as drain:
            app.state.drain = drain
            async with (
                house.relay.running(),
                streams.running(drain),
                window.running(),
                _jobs(house, drain),
            ):
                yield
        await house.close()

    cashier = Cashier(
        house.payments, timedelta(minutes=settings.payment_minutes), settings.on_account
    )
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
                "shoppers_learn": telling,
                "streams": streams,
                "window": window,
                "private_webhooks": settings.webhook_private,
                "currency": settings.currency,
                "clock": utc_now,
                "hold_limit": settings.hold_limit,
                "notices": _notices(settings),
                "cashier": cashier,
                "without_receipt_max": settings.returns_without_receipt_max,
                **_gathered(house, cashier),
            },
        )
    )


def _gathered(house: House, cashier: Cashier) -> dict[str, Any]:
    """Calls that are served together with those that come meanwhile."""
    hold = partial(hold_all, house.units, limit=house.settings.hold_limit)
    place = partial(place_all, house.units, cashier)
    return {
        "holding": Gathered(hold, name=lambda wish: wish.key.name),
        "placing": Gathered(place, name=lambda wish: wish.cart),
    }


async def work(settings: Settings) -> None:
    """Do the jobs, and answer nobody, until told to stop."""
    logs.configure(settings.log_level)
    house = open_house(settings)
    async with draining() as drain, house.relay.running(), _jobs(house, drain):
        await drain.stopping.wait()
    await house.close()


@asynccontextmanager
async def _jobs(house: House, drain: Drain) -> AsyncIterator[None]:
    """What time brings about, in every process but those that only answer."""
    if house.settings.role is Role.API:
        yield
        return
    kept = timedelta(hours=house.settings.feed_hours)
    todo = [
        *steps(house.units, house.desk, house.post, drain.stopping, feed_kept=kept),
        *(steps_of_payments(house.units, house.payments) if house.payments else ()),
    ]
    async with Scheduler(house.units, todo, drain.stopping):
        yield


def _switchboard(settings: Settings) -> Switchboard:
    """The ways out that were set up; without any, the shop is on trial."""
    carriers: dict[Channel, Carrier] = {}
    if settings.smtp_url:
        server = MailServer.at(settings.smtp_url)
        carriers[Channel.EMAIL] = Email(server, sender=settings.smtp_from, clock=utc_now)
    if settings.webhook_url:
        webhook = Webhook(
            settings.webhook_url,
            settings.webhook_secret,
            clock=utc_now,
            private=settings.webhook_private,
        )
        names = settings.webhook_channels.split(",")
        carriers |= {Channel(name): webhook for name in names}
    return Switchboard(carriers, settings.data / "messages")


def _desk(settings: Settings, codes: Codes, channels: Channels) -> Desk:
    shop_url = settings.shop_url or None
    return Desk(
        channels=channels,
        rendering=Rendering(settings.locale),
        codes=codes,
        retailer=Retailer(
            settings.retailer,
            url=shop_url,
            email=settings.retailer_email or None,
            phone=settings.retailer_phone or None,
        ),
        address=settings.address,
        shop_url=shop_url,
        thank_you_after=timedelta(minutes=settings.thank_you_delay_minutes),
    )


def _payments(settings: Settings) -> Stripe | None:
    if not settings.stripe_secret_key:
        return None
    return Stripe(
        settings.stripe_secret_key,
        publishable_key=settings.stripe_publishable_key,
        base_url=settings.stripe_url,
        return_url=settings.stripe_return_url,
    )


def _notices(settings: Settings) -> Mapping[str, Notices]:
    """Whose calls are listened to, by the name in their address."""
    secrets = settings.stripe_webhook_secret
    return {"stripe": StripeNotices(secrets.split(","))} if secrets else {}


def _tokens(settings: Settings, client: httpx.AsyncClient) -> Tokens:
    if not settings.oidc_issuer:
        return TrialTokens(settings.secret)
    from adapters.oidc.jwks import KeySet  # noqa: PLC0415 - only a real shop needs it

    keys = KeySet(client, issuer=settings.oidc_issuer, url=settings.oidc_jwks_url)
    return ProviderTokens(issuer=settings.oidc_issuer, audience=settings.oidc_audience, keys=keys)
