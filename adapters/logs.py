"""Structured logs: one JSON object a line, on standard error.

Every line of one request carries its `request_id`. Nothing personal and nothing secret is written:
fields with such names are blanked, and so is any text that looks like a key, a token, an e-mail
address or a phone number. Of an exception the log has the type and the places, never the message.
"""

import logging
import logging.config
import re
import sys
import traceback
from collections.abc import Mapping, MutableMapping
from typing import Any, Final

import structlog
from structlog.typing import EventDict, Processor

REDACTED_KEYS: Final = "***"
PERSONAL_KEYS: Final = frozenset(
    {
        "address",
        "authorization",
        "body",
        "cart_token",
        "client_secret",
        "code",
        "contact",
        "cookie",
        "email",
        "key",
        "name",
        "order_token",
        "password",
        "phone",
        "pin",
        "recipient",
        "secret",
        "subject",
        "text",
        "to",
        "token",
    }
)
ALLOWED_KEYS: Final = re.compile(
    r"(?P<scheme>\b[Bb]earer\s+)\S+"
    r"|\b(?:sk|pk|rk|whsec)_[A-Za-z0-9_\-+/=]{8,}"
    r"|\bpi_[A-Za-z0-9]+_secret_\w+"
    r"|\b(?:crt|ord)_\w+\.(?:\d+\.)?[0-9a-f]{16,}"
    r"|\beyJ[\w\-]+\.[\w\-]+\.[\w\-]*"
    r"|(?P<user>://[^:/@\s]*:)[^@/\s]+(?=@)"
    r"|[\w.+\-]+@[\w\-]+(?:\.[\w\-]+)+"
    r"|\+\d[\d ().\-]{6,}\d"
)
NOISY_LOGGERS: Final = ("alembic", "apscheduler", "httpcore", "httpx")
SHARED_PROCESSORS: Final[list[Processor]] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]


def configure(level: str) -> None:
    """Sends this process's logs, of structlog and of the standard library, to standard error."""
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *SHARED_PROCESSORS,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    logging.config.dictConfig(logging_config(level))


def logging_config(level: str) -> dict[str, Any]:
    """For `logging.config`, here and in the server, whose own words go the same way."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": formatter}},
        "handlers": {
            "lines": {
                "class": "logging.StreamHandler",
                "formatter": "json",
                "stream": "ext://sys.stderr",
            }
        },
        "root": {"handlers": ["lines"], "level": level.upper()},
        "loggers": {
            "_granian": {"handlers": [], "propagate": True},
            "granian.access": {"handlers": [], "propagate": True},
            # Their messages on each step are noise, and hold other services' addresses.
            **{
                name: {"level": "WARNING"}
                for name in ("alembic", "apscheduler", "httpcore", "httpx")
            },
        },
    }


def formatter() -> logging.Formatter:
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=SHARED_PROCESSORS,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            report_exception,
            redact,
            structlog.processors.JSONRenderer(),
        ],
    )


def report_exception(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """Replaces an exception by its type and its places, never its message.

    A message may repeat user input: a database error quotes whole rows.
    """
    trouble = event.pop("exc_info", None)
    if trouble is True:
        trouble = sys.exception()
    if isinstance(trouble, tuple):
        trouble = trouble[1]
    if isinstance(trouble, BaseException):
        places = traceback.extract_tb(trouble.__traceback__)
        event["error"] = type(trouble).__name__
        event["trace"] = [f"{place.filename}:{place.lineno} {place.name}" for place in places]
        if sqlstate := getattr(trouble, "sqlstate", None):
            event["sqlstate"] = sqlstate
    return event


def redact(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """Blanks personal and secret values anywhere in the line."""
    return _redact_fields(event)


def _redact_fields(fields: Mapping[str, Any]) -> MutableMapping[str, Any]:
    return {
        name: REDACTED_KEYS if name.lower() in PERSONAL_KEYS else _redact_value(value)
        for name, value in fields.items()
    }


def _redact_value(value: Any) -> Any:
    match value:
        case str():
            return ALLOWED_KEYS.sub(_mask, value)
        case Mapping():
            return _redact_fields(value)
        case list() | tuple() | set() | frozenset():
            return [_redact_value(item) for item in value]
    return value if value is None or isinstance(value, int | float) else _redact_value(str(value))


def _mask(found: re.Match[str]) -> str:
    """The words around a secret stay; the secret goes."""
    return f"{found['scheme'] or found['user'] or ''}{REDACTED_KEYS}"
