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
from adapters.availability_cache.cache import InMemoryAvailabilityCache
from adapters.channels.router import ChannelRouter
from adapters.content.rendering import JinjaRenderer
from adapters.drain import Drain, draining
from adapters.http.app import AppComponents, HttpSettings, build_http_app
from adapters.http.inventory.streams import AvailabilityStreams
from adapters.imports.reading import ImportFileReader
from adapters.oidc.tokens import OidcTokenVerifier, TrialTokenVerifier
from adapters.postgres.db.pool import connect
from adapters.postgres.db.unit_of_work import PostgresUnits, utc_now
from adapters.postgres.inventory.relay import Relay
from adapters.scheduler.scheduler import Scheduler
from adapters.scheduler.steps import build_jobs, build_payment_jobs
from adapters.secrets.api_keys import RandomSecrets
from adapters.secrets.codes import DerivedCodes
from adapters.settings import ProcessRole, Settings, SettingsError
from adapters.smtp.email import MailServer, SmtpCarrier
from adapters.stripe.events import StripeEvents
from adapters.stripe.provider import StripeProvider
from adapters.webhooks.channel import WebhookCarrier
from adapters.webhooks.sender import HttpWebhookSender
from domain.carts.cart_rules import CartRules
from domain.contact.channels import MessageChannel
from domain.follow_ups.content import Retailer
from domain.inventory.availability import StockDisplayPolicy
from domain.loyalty.points import LoyaltyProgramme
from service.follow_ups.message_context import MessageContext
from service.follow_ups.ports import MessageCarrier, MessageChannels
from service.foundation.ports import Codes, TokenVerifier
from service.inventory.holds import create_holds
from service.orders.checkout.place_order import place_orders
from service.payments.payment_methods import PaymentMethods
from service.payments.ports import ProviderEvents
from service.shared.batching import Batcher

log = structlog.get_logger("hylla")

BACKGROUND_POOL_SIZE: Final = 3
"""Connections for the relay, the streams and the window."""


class Components(Struct):
    """The parts of one process, joined."""

    settings: Settings
    units: PostgresUnits
    background_pool: PostgresUnits
    """The pool of background work: a flood of requests does not take its connections."""
    relay: Relay
    codes: DerivedCodes
    tokens: TokenVerifier
    http_client: httpx.AsyncClient
    channel_router: ChannelRouter
    webhook_sender: HttpWebhookSender
    message_context: MessageContext
    card_provider: StripeProvider | None
    """Who takes cards; None where the shop takes none."""

    async def close(self) -> None:
        await self.channel_router.close()
        await self.webhook_sender.close()
        if self.card_provider:
            await self.card_provider.close()
        await self.http_client.aclose()
        await self.units.close()
        await self.background_pool.close()


def build_components(settings: Settings) -> Components:
    """Make the parts; nothing is connected before it is used."""
    client = httpx.AsyncClient(timeout=10)
    codes = DerivedCodes(settings.secret)
    switchboard = _channel_router(settings)
    units = PostgresUnits(
        connect(settings.database_url, pool_size=settings.db_pool_size),
        programme=LoyaltyProgramme(activation_days=settings.activation_days),
        cart_rules=CartRules(
            settings.max_quantity_per_order,
            settings.guest_cart_days,
            settings.customer_cart_days,
            settings.till_cart_days,
        ),
        audit_timeout=timedelta(seconds=settings.audit_timeout_seconds),
    )
    aside = PostgresUnits(connect(settings.database_url, pool_size=BACKGROUND_POOL_SIZE))
    return Components(
        settings=settings,
        units=units,
        background_pool=aside,
        relay=Relay(units, settings.database_url, aside=aside),
        codes=codes,
        tokens=_build_token_reader(settings, client),
        http_client=client,
        channel_router=switchboard,
        webhook_sender=HttpWebhookSender(clock=utc_now, private=settings.webhook_allow_private),
        message_context=_message_context(settings, codes, switchboard),
        card_provider=_build_payment_provider(settings),
    )


def create_app(settings: Settings) -> ASGIApp:
    """The application that one worker of the server answers with."""
    logs.configure(settings.log_level)
    app = build_app(build_components(settings))
    gc.collect()
    gc.freeze()  # permanent objects: the collector skips them from now on
    return _instrument(app) if settings.otel else app


def _instrument(app: ASGIApp) -> ASGIApp:
    try:
        from adapters import telemetry  # noqa: PLC0415 - costs nothing where it is off
    except ImportError:
        raise SettingsError(
            ["HYLLA_OTEL needs the extra `otel`, which is not installed."]
        ) from None
    traced: ASGIApp = telemetry.instrument_app(app)
    return traced


def build_app(house: Components) -> ASGIApp:
    """The application of components that are built already."""
    settings = house.settings
    stock_display = _stock_display(settings)
    streams = AvailabilityStreams(
        house.units, house.relay, stock_display=stock_display, aside=house.background_pool
    )
    window = InMemoryAvailabilityCache(
        house.background_pool,
        house.relay,
        stock_display=stock_display,
        clock=utc_now,
        most_bytes=settings.cache_mb * 2**20,
    )
    house.units.after_stock_change.append(window.invalidate)

    async def ready() -> Mapping[str, str]:
        return {"database": await house.units.get_health_problem() or "ok"}

    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncIterator[None]:
        async with draining() as drain:
            app.state.drain = drain
            async with (
                house.relay.running(),
                streams.running(drain),
                window.running(),
                _run_jobs(house, drain),
            ):
                yield
        await house.close()

    return build_http_app(
        AppComponents(
            units=house.units,
            codes=house.codes,
            tokens=house.tokens,
            secrets=RandomSecrets(),
            check_readiness=ready,
            settings=HttpSettings(rate_per_second=settings.rate_limit, workers=settings.workers),
            lifespan=[lifespan],
            extra_dependencies={
                "shoppers_learn": stock_display,
                "streams": streams,
                "window": window,
                **_dependencies(house),
            },
        )
    )


def _stock_display(settings: Settings) -> StockDisplayPolicy:
    return StockDisplayPolicy(
        settings.low_stock_threshold,
        settings.stock_display,
        settings.stock_display_max,
        settings.low_confidence_threshold / 100,
    )


def _dependencies(house: Components) -> dict[str, Any]:
    """Returns the handlers' dependencies by name, beside those of every application."""
    settings = house.settings
    cashier = PaymentMethods(
        house.card_provider,
        timedelta(minutes=settings.payment_timeout_minutes),
        settings.on_account,
    )
    return {
        "reading": ImportFileReader(),
        "private_webhooks": settings.webhook_allow_private,
        "currency": settings.currency,
        "clock": utc_now,
        "hold_limit": settings.max_held_quantity_per_sku,
        "notices": _build_provider_events(settings),
        "cashier": cashier,
        "without_receipt_max": settings.non_receipted_return_max,
        **_batchers(house, cashier),
    }


def _batchers(house: Components, cashier: PaymentMethods) -> dict[str, Any]:
    """Calls that are served together with those that come meanwhile."""
    hold = partial(create_holds, house.units, limit=house.settings.max_held_quantity_per_sku)
    place = partial(place_orders, house.units, cashier)
    return {
        "holding": Batcher(hold, name=lambda wish: wish.key.name),
        "placing": Batcher(place, name=lambda wish: wish.cart),
    }


async def run_worker(settings: Settings) -> None:
    """Runs the jobs, without serving requests, until a stop signal."""
    logs.configure(settings.log_level)
    house = build_components(settings)
    async with draining() as drain, house.relay.running(), _run_jobs(house, drain):
        await drain.stopping.wait()
    await house.close()


@asynccontextmanager
async def _run_jobs(house: Components, drain: Drain) -> AsyncIterator[None]:
    """Runs the scheduled jobs, in every process except those that only serve requests."""
    if house.settings.role is ProcessRole.API:
        yield
        return
    kept = timedelta(hours=house.settings.feed_retention_hours)
    todo = [
        *build_jobs(
            house.units, house.message_context, house.webhook_sender, drain.stopping, feed_kept=kept
        ),
        *(build_payment_jobs(house.units, house.card_provider) if house.card_provider else ()),
    ]
    async with Scheduler(house.units, todo, drain.stopping):
        yield


def _channel_router(settings: Settings) -> ChannelRouter:
    """The ways out that were set up; without any, the shop is on trial."""
    carriers: dict[MessageChannel, MessageCarrier] = {}
    if settings.smtp_url:
        server = MailServer.from_url(settings.smtp_url)
        carriers[MessageChannel.EMAIL] = SmtpCarrier(
            server, sender=settings.smtp_from, clock=utc_now
        )
    if settings.webhook_url:
        webhook = WebhookCarrier(
            settings.webhook_url,
            settings.webhook_secret,
            clock=utc_now,
            private=settings.webhook_allow_private,
        )
        names = settings.webhook_channels.split(",")
        carriers |= {MessageChannel(name): webhook for name in names}
    return ChannelRouter(carriers, settings.data / "messages")


def _message_context(settings: Settings, codes: Codes, channels: MessageChannels) -> MessageContext:
    shop_url = settings.shop_url or None
    return MessageContext(
        channels=channels,
        rendering=JinjaRenderer(settings.locale),
        codes=codes,
        retailer=Retailer(
            settings.retailer,
            url=shop_url,
            email=settings.retailer_email or None,
            phone=settings.retailer_phone or None,
        ),
        address=settings.base_url,
        shop_url=shop_url,
        thank_you_after=timedelta(minutes=settings.thank_you_delay_minutes),
    )


def _build_payment_provider(settings: Settings) -> StripeProvider | None:
    if not settings.stripe_secret_key:
        return None
    return StripeProvider(
        settings.stripe_secret_key,
        publishable_key=settings.stripe_publishable_key,
        base_url=settings.stripe_url,
        return_url=settings.stripe_return_url,
    )


def _build_provider_events(settings: Settings) -> Mapping[str, ProviderEvents]:
    """Whose calls are listened to, by the name in their address."""
    secrets = settings.stripe_webhook_secret
    return {"stripe": StripeEvents(secrets.split(","))} if secrets else {}


def _build_token_reader(settings: Settings, client: httpx.AsyncClient) -> TokenVerifier:
    if not settings.oidc_issuer:
        return TrialTokenVerifier(settings.secret)
    from adapters.oidc.jwks import JwksCache  # noqa: PLC0415 - only a real shop needs it

    keys = JwksCache(client, issuer=settings.oidc_issuer, url=settings.oidc_jwks_url)
    return OidcTokenVerifier(
        issuer=settings.oidc_issuer, audience=settings.oidc_audience, keys=keys
    )
