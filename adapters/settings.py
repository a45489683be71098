"""Settings of an installation: read from the environment, and validated once at the start.

A field `port` is the variable HYLLA_PORT and, where a command has it, the option `--port`, which
goes first. To add a setting, add a line to `Settings`.
"""

import difflib
import os
import re
import secrets
import sys
from collections.abc import Mapping
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta, Struct, convert, inspect, structs

from domain.contact.channels import MessageChannel
from domain.inventory.availability import AvailableQuantities
from domain.kernel.locales import LOCALES
from domain.kernel.patterns import anchored

PREFIX: Final = "HYLLA_"
MIN_SECRET_LENGTH: Final = 32
MAX_CONNECTIONS: Final = 200
"""That the database in the data folder takes."""
SPARE_CONNECTIONS: Final = 10
"""Of these, for commands beside the service."""


class SettingsError(Exception):
    """One sentence for each setting that cannot be right, naming its variable and the rule."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.errors = faults


class Secret(str):
    """Text that is used but never shown."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'" if self else "''"


class ProcessRole(StrEnum):
    """The role of a process: serve requests, run the jobs, or both."""

    ALL = "all"
    API = "api"
    WORKER = "worker"


class LogLevel(StrEnum):
    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


Url = Annotated[
    str,
    Meta(
        pattern=anchored(r"(https?://[^\s/]+\S*)?"), extra={"rule": "written as https://host/path"}
    ),
]
Currency = Annotated[
    str, Meta(pattern=anchored("[A-Z]{3}"), extra={"rule": "three capital letters, such as EUR"})
]
Days = Annotated[int, Meta(ge=1, le=3650)]
Positive = Annotated[int, Meta(ge=1)]
SIGNING_SECRET_PATTERN: Final = r"(whsec_)?[A-Za-z0-9+/]{32,}={0,2}"  # noqa: S105 - a pattern
RENAMED_SETTINGS: Final = {
    "audit_seconds": "audit_timeout_seconds",
    "connections": "db_pool_size",
    "feed_hours": "feed_retention_hours",
    "hold_limit": "max_held_quantity_per_sku",
    "low_confidence_at": "low_confidence_threshold",
    "low_stock_at": "low_stock_threshold",
    "most_per_order": "max_quantity_per_order",
    "payment_minutes": "payment_timeout_minutes",
    "returns_without_receipt_max": "non_receipted_return_max",
    "shown_quantities": "stock_display",
    "shown_quantities_max": "stock_display_max",
    "stop_seconds": "shutdown_timeout_seconds",
    "webhook_private": "webhook_allow_private",
    "window_mb": "cache_mb",
}
"""Names of settings in earlier builds, and their names now."""
LOCALE_RULE: Final = f"one of {', '.join(LOCALES)}"


def data_folder() -> Path:
    """Returns the folder of this user's application data."""
    if home := os.environ.get("XDG_DATA_HOME"):
        return Path(home) / "hylla"
    mac = sys.platform == "darwin"
    return Path.home() / ("Library/Application Support" if mac else ".local/share") / "hylla"


class Settings(Struct, frozen=True, kw_only=True):
    data: Path = msgspec.field(default_factory=data_folder)
    database_url: Secret = Secret("")
    """Empty: the database lives in the data folder."""
    secret: Secret = Secret("")
    """The secret that tokens and codes are derived from. The data folder has one of its own."""
    host: str = "127.0.0.1"
    port: Annotated[int, Meta(ge=1, le=65535)] = 8000
    workers: Annotated[int, Meta(ge=1, le=256)] = 1
    role: ProcessRole = ProcessRole.ALL
    public_url: Url = ""
    """How the world reaches this service, for links in messages; by default host and port."""
    shutdown_timeout_seconds: Positive = 20
    """How long a stop waits for requests that are under way."""
    log_level: LogLevel = LogLevel.INFO
    otel: bool = False
    rate_limit: Positive = 1000
    """Requests a second for each key."""
    currency: Currency = "EUR"
    """The currency of a cart without one."""
    db_pool_size: Annotated[int, Meta(ge=2, le=200)] = 16
    """To the database, for each process."""
    audit_timeout_seconds: Annotated[int, Meta(ge=1, le=24 * 3600)] = 30
    """How long an audit may look at one invariant."""
    feed_retention_hours: Annotated[int, Meta(ge=1, le=24 * 30)] = 24
    """The hours for which the feed keeps changes for returning streams."""
    cache_mb: Positive = 256
    """The memory of each process for cached answers about availability."""
    max_held_quantity_per_sku: Positive = 20
    """Units of one SKU that one customer may hold at a time."""
    max_quantity_per_order: Annotated[int, Meta(ge=1, le=999)] = 999
    """Units of one SKU in an order, where its product has no limit of its own."""
    guest_cart_days: Days = 30
    """After its last change, until a guest's cart ends."""
    customer_cart_days: Days = 180
    till_cart_days: Days = 1
    """Of one that was started at a till."""
    low_stock_threshold: Annotated[int, Meta(ge=0)] = 3
    low_confidence_threshold: Annotated[int, Meta(ge=0, le=100)] = 30
    """Per cent of confidence below which a store looks before it promises a pickup."""
    stock_display: AvailableQuantities = AvailableQuantities.EXACT
    """The display of quantities to shoppers, in answers and on streams."""
    stock_display_max: Positive = 10
    """The cap, where quantities are capped."""
    non_receipted_return_max: Annotated[int, Meta(ge=0, le=10**9)] = 0
    """Most value of one, in minor units; 0: nothing is taken back without a receipt."""
    thank_you_delay_minutes: Annotated[int, Meta(ge=0)] = 120
    activation_days: Annotated[int, Meta(ge=0, le=3650)] = 0
    """After a handover, until its points can be spent."""
    locale: Annotated[
        str, Meta(pattern=anchored(f"({'|'.join(LOCALES)})"), extra={"rule": LOCALE_RULE})
    ] = "en"
    """Of messages to readers whose own language we do not write."""
    retailer: str = "Hylla"
    """The name that messages bear."""
    retailer_email: str = ""
    """The address for questions; with a phone number, it ends every message."""
    retailer_phone: str = ""
    shop_url: Url = ""
    """The webshop: messages link to `/orders/…` in it."""
    smtp_url: Secret = Secret("")
    smtp_from: str = ""
    webhook_url: Url = ""
    webhook_secret: Secret = Secret("")
    webhook_channels: str = "sms"
    """The channels that the webhook sends on, such as `sms,whatsapp`."""
    webhook_allow_private: bool = False
    """Whether the webhook may lead into a network that is not the public one."""
    stripe_secret_key: Secret = Secret("")
    """Cards are taken where it is set."""
    stripe_publishable_key: str = ""
    """The key that the shop's page shows to Stripe; it is part of each payment's answer."""
    stripe_webhook_secret: Secret = Secret("")
    """The secret that signs Stripe's calls to `/v1/hooks/stripe`; during a change, `new,old`."""
    stripe_return_url: Url = ""
    """Where a bank's page sends the shopper back to; without it no such page is offered."""
    stripe_url: Url = "https://api.stripe.com"
    on_account: bool = False
    """Whether orders may be paid on account: the retailer bills their buyers by itself."""
    payment_timeout_minutes: Annotated[int, Meta(ge=5, le=1380)] = 30
    """The time that an order waits for its payment by card, with its goods held."""
    oidc_issuer: Url = ""
    oidc_audience: str = ""
    oidc_jwks_url: Url = ""

    @property
    def base_url(self) -> str:
        """Returns the public URL of this service, without a trailing slash."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return self.public_url.rstrip("/") or f"http://{host}:{self.port}"


def read_settings(
    environment: Mapping[str, str], *, derives: bool = True, **options: Any
) -> Settings:
    """The settings of the environment; options that were given (are not None) go first.

    Who derives no codes or tokens from the secret needs none.

    Raises:
        SettingsError: names every variable that is unknown, and every value that breaks its rule.
    """
    given = {
        name.removeprefix(PREFIX).lower(): value
        for name, value in environment.items()
        if name.startswith(PREFIX) and value
    }
    given |= {name: value for name, value in options.items() if value is not None}
    known = {field.name: field.type for field in structs.fields(Settings)}
    faults = [_unknown_setting(name, known) for name in given if name not in known]
    values = {}
    for name in given.keys() & known.keys():
        try:
            values[name] = convert(given[name], known[name], strict=False, dec_hook=_decode_hook)
        except msgspec.ValidationError:
            faults.append(_invalid_value(name, given[name], known[name]))
    if not faults:
        settings = Settings(**values)
        faults = _check_rules(settings, derives=derives)
    if faults:
        raise SettingsError(sorted(faults))
    return settings


def with_own_secret(settings: Settings) -> Settings:
    """The settings with a secret: the one that was given, else the data folder's own, made once."""
    if settings.secret:
        return settings
    kept = settings.data / "secret"
    if not kept.exists():
        _write_secret(kept, secrets.token_urlsafe(MIN_SECRET_LENGTH))
    return structs.replace(settings, secret=Secret(kept.read_text().strip()))


def _write_secret(path: Path, secret: str) -> None:
    """Write `path` whole, for its owner alone; if two write at once, the first one's stays."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(f"{secret}\n")
    with suppress(FileExistsError):
        os.link(fresh, path)
    fresh.unlink()


def _check_rules(s: Settings, *, derives: bool) -> list[str]:
    """Returns the violated rules between settings."""
    beside = 4  # the pool, in each process: one that listens, and those that follow changes
    needed = s.workers * (s.db_pool_size + beside) + SPARE_CONNECTIONS
    broken = {
        f"HYLLA_SECRET is needed with a database of your own: at least {MIN_SECRET_LENGTH} random"
        " characters, the same for every process.": derives and s.database_url and not s.secret,
        f"HYLLA_WORKERS and HYLLA_DB_POOL_SIZE need {needed} connections, and the database in the"
        f" data folder takes {MAX_CONNECTIONS}: lower one, or name your own HYLLA_DATABASE_URL.": (
            not s.database_url and needed > MAX_CONNECTIONS
        ),
        f"HYLLA_SECRET must have at least {MIN_SECRET_LENGTH} random characters.": s.secret
        and len(s.secret) < MIN_SECRET_LENGTH,
        "HYLLA_SMTP_URL must be written as smtp://user:password@host:port, or smtps://…": s.smtp_url
        and not re.match(r"(smtps?|smtp\+starttls)://[^/\s]+", s.smtp_url),
        "HYLLA_SMTP_FROM is needed with HYLLA_SMTP_URL: the address that e-mail comes from.": (
            s.smtp_url and "@" not in s.smtp_from
        ),
        "HYLLA_WEBHOOK_SECRET is needed with HYLLA_WEBHOOK_URL: what the calls are signed with.": (
            s.webhook_url and not s.webhook_secret
        ),
        "HYLLA_WEBHOOK_SECRET must be written as whsec_ and 24 random bytes or more in base64.": (
            s.webhook_secret and not re.fullmatch(SIGNING_SECRET_PATTERN, s.webhook_secret)
        ),
        f"HYLLA_WEBHOOK_CHANNELS must name channels: {', '.join(MessageChannel)}.": s.webhook_url
        and not set(s.webhook_channels.split(",")) <= set(MessageChannel),
        "HYLLA_STRIPE_SECRET_KEY must be written as sk_… or rk_…, in one piece.": (
            s.stripe_secret_key and not re.fullmatch(r"(sk|rk)_\S+", s.stripe_secret_key)
        ),
        "HYLLA_STRIPE_WEBHOOK_SECRET must be written as whsec_…, or two of them with a comma.": (
            s.stripe_webhook_secret
            and not re.fullmatch(r"whsec_[^\s,]+(,whsec_[^\s,]+)*", s.stripe_webhook_secret)
        ),
        "HYLLA_OIDC_AUDIENCE is needed with HYLLA_OIDC_ISSUER: whom the tokens are meant for.": (
            s.oidc_issuer and not s.oidc_audience
        ),
    }
    return [sentence for sentence, is_broken in broken.items() if is_broken]


def _decode_hook(type_: Any, value: Any) -> Any:
    return type_(value)


def _unknown_setting(name: str, known: Mapping[str, Any]) -> str:
    if name in RENAMED_SETTINGS:
        new = _variable_name(RENAMED_SETTINGS[name])
        return f"{_variable_name(name)} is named {new} now; the values are the same."
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"; did you mean {_variable_name(near[0])}?" if near else "."
    return f"{_variable_name(name)} is not a setting{hint}"


def _invalid_value(name: str, value: Any, type_: Any) -> str:
    shown = "" if type_ is Secret else f", not {str(value)!r}"
    return f"{_variable_name(name)} must be {_describe_rule(inspect.type_info(type_))}{shown}."


def _describe_rule(type_: inspect.Type) -> str:
    """Describes the constraint of a value in words."""
    match type_:
        case inspect.IntType(ge=least, le=None):
            return f"a whole number of at least {least}"
        case inspect.IntType(ge=least, le=most):
            return f"a whole number from {least} to {most}"
        case inspect.BoolType():
            return "true or false"
        case inspect.EnumType(cls=choices):
            return f"one of {', '.join(choices)}"
        case inspect.Metadata(extra={"rule": rule}):
            return str(rule)
    return "text"


def _variable_name(name: str) -> str:
    return f"{PREFIX}{name.upper()}"
