"""E-mail by SMTP (RFC 5321), with one-click unsubscription (RFC 8058).

A session runs step by step, because the step decides the meaning of a lost answer: before the
text is sent nothing has happened, after it the outcome is unknown.
"""

import hashlib
import hmac
import re
import ssl
from collections.abc import Callable
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.policy import SMTPUTF8
from email.utils import format_datetime, parseaddr
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit

from aiosmtplib import (
    SMTP,
    SMTPAuthenticationError,
    SMTPConnectError,
    SMTPDataError,
    SMTPException,
    SMTPRecipientRefused,
    SMTPResponseException,
    SMTPServerDisconnected,
    SMTPTimeoutError,
)
from email_validator import EmailNotValidError, validate_email
from msgspec import Struct

from domain.contact.channels import (
    DeliveryFault,
    DeliveryOutcome,
    DeliveryUnknown,
    MessageAccepted,
    MessageRejected,
    OutgoingMessage,
)
from domain.kernel.ids import MessageId

ENHANCED_STATUS_CODE: Final = re.compile(r"\b([245])\.(\d{1,3})\.(\d{1,3})\b")
"""Enhanced status codes of RFC 3463."""

AUTHENTICATION_CODES: Final = {530, 534, 535}
"""Log in first, log in better, wrong password (RFC 4954)."""

DEFAULT_PORTS: Final = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}


class MailServer(Struct, frozen=True):
    """The SMTP server that takes the mail.

    `smtps://` is TLS from the start, `smtp+starttls://` insists on an upgrade, `smtp://` upgrades
    where it is offered. A password always insists.
    """

    host: str
    port: int
    tls: bool
    start_tls: bool | None
    username: str | None = None
    password: str | None = None

    @classmethod
    def from_url(cls, url: str) -> "MailServer":
        """Raises ValueError, which never repeats the URL: it may hold a password."""
        parts = urlsplit(url)
        if parts.scheme not in DEFAULT_PORTS or not parts.hostname:
            raise ValueError(
                f"must look like {', '.join(f'{name}://host' for name in DEFAULT_PORTS)}"
            )
        insist = parts.scheme == "smtp+starttls" or (parts.scheme == "smtp" and parts.password)
        return cls(
            host=parts.hostname,
            port=parts.port or DEFAULT_PORTS[parts.scheme],
            tls=parts.scheme == "smtps",
            start_tls=False if parts.scheme == "smtps" else True if insist else None,
            username=_unquote(parts, "username"),
            password=_unquote(parts, "password"),
        )


def _unquote(parts: SplitResult, name: str) -> str | None:
    value: str | None = getattr(parts, name)
    return None if value is None else unquote(value)


class BounceAddress(Struct, frozen=True):
    """A return path of its own for every message (VERP), so that a bounce names its message."""

    domain: str
    secret: bytes

    def address_for(self, message: MessageId) -> str:
        mac = hmac.new(self.secret, message.encode(), hashlib.sha256).hexdigest()[:16]
        return f"b+{message}.{mac}@{self.domain}"


class SmtpCarrier:
    """Hands each message to one mail server, in a session of its own."""

    def __init__(
        self,
        server: MailServer,
        *,
        sender: str,
        clock: Callable[[], datetime],
        reply_to: str | None = None,
        bounces: BounceAddress | None = None,
        timeout_s: float = 20.0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """Takes the From header `sender`, as `Shop <shop@example.com>`; its domain names us."""
        self._server = server
        self._name, self._address = parseaddr(sender)
        self._domain = self._address.rpartition("@")[2]
        if not self._domain:
            raise ValueError("must be an address such as Shop <shop@example.com>")
        self._clock = clock
        self._reply_to = reply_to
        self._return_path = bounces
        self._timeout_seconds = timeout_s
        self._tls = tls or ssl.create_default_context()

    async def close(self) -> None:
        """Nothing is open between two messages: each has a connection of its own."""

    async def send(self, message: OutgoingMessage) -> DeliveryOutcome:
        try:
            address = validate_email(
                message.address, check_deliverability=False, test_environment=True
            )
        except EmailNotValidError:
            return MessageRejected(DeliveryFault.PERMANENT_ADDRESS, "5.1.3")
        recipient = address.ascii_email or address.normalized
        mail = self.compose(message, recipient)
        try:
            return await self._transmit(mail, message.id, recipient)
        except SMTPException as error:
            return to_outcome(error)
        except ssl.SSLError:
            return MessageRejected(DeliveryFault.CONFIG, "tls")
        except OSError:
            return MessageRejected(DeliveryFault.TRANSIENT, "connection")

    async def _transmit(
        self, mail: EmailMessage, message: MessageId, recipient: str
    ) -> DeliveryOutcome:
        international = not recipient.isascii()
        options = ["SMTPUTF8"] if international else []
        encoding = "utf-8" if international else "ascii"
        sender = self._return_path.address_for(message) if self._return_path else self._address
        async with self._session() as smtp:
            if international and not smtp.supports_extension("smtputf8"):
                return MessageRejected(DeliveryFault.PERMANENT_ADDRESS, "5.6.7")
            await smtp.mail(sender, options=options, encoding=encoding)
            await smtp.rcpt(recipient, encoding=encoding)
            policy = SMTPUTF8 if international else SMTP_POLICY
            try:
                await smtp.data(mail.as_bytes(policy=policy))
            except SMTPResponseException:
                raise
            except (SMTPException, OSError) as lost:
                return DeliveryUnknown(type(lost).__name__)
        return MessageAccepted(mail["Message-ID"])

    def _session(self) -> SMTP:
        server = self._server
        return SMTP(
            hostname=server.host,
            port=server.port,
            username=server.username,
            password=server.password,
            use_tls=server.tls,
            start_tls=server.start_tls,
            tls_context=self._tls,
            timeout=self._timeout_seconds,
            local_hostname=self._domain,
        )

    def compose(self, message: OutgoingMessage, recipient: str) -> EmailMessage:
        """The mail itself. Its Message-ID comes from our id, so that a double is recognised."""
        mail = EmailMessage(policy=SMTPUTF8)
        mail["Message-ID"] = f"<{message.id}@{self._domain}>"
        mail["Date"] = format_datetime(self._clock())
        mail["From"] = Address(self._name, addr_spec=self._address)
        local_part, _, domain = recipient.rpartition("@")
        mail["To"] = Address(username=local_part, domain=domain)
        mail["Subject"] = " ".join((message.subject or "").split())
        if self._reply_to:
            mail["Reply-To"] = self._reply_to
        if message.purpose == "service":
            mail["Auto-Submitted"] = "auto-generated"
        if message.unsubscribe_url:
            mail["List-Id"] = f"<{message.kind}.{self._domain}>"
            mail["List-Unsubscribe"] = f"<{message.unsubscribe_url}>"
            mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
        mail.set_content(message.text)
        if message.html is not None:
            mail.add_alternative(message.html, subtype="html")
        mail["Content-Language"] = message.locale
        return mail


def to_outcome(error: SMTPException) -> MessageRejected:
    """Maps a mail server's refusal, by its enhanced code (RFC 3463) where it gives one."""
    if isinstance(error, SMTPConnectError | SMTPServerDisconnected | SMTPTimeoutError):
        return MessageRejected(DeliveryFault.TRANSIENT, type(error).__name__)
    if isinstance(error, SMTPAuthenticationError):
        return MessageRejected(DeliveryFault.AUTH, _status_code(error))
    if isinstance(error, SMTPResponseException):
        return MessageRejected(_classify_fault(error), _status_code(error))
    return MessageRejected(
        DeliveryFault.CONFIG, "not_supported"
    )  # no STARTTLS, or no way to log in


def _status_code(error: SMTPResponseException) -> str:
    enhanced = ENHANCED_STATUS_CODE.search(error.message)
    return enhanced.group() if enhanced else str(error.code)


def _classify_fault(error: SMTPResponseException) -> DeliveryFault:
    if error.code < 500:  # noqa: PLR2004 - 4xx is "not now" and 5xx "never", RFC 5321 section 4.2.1
        return DeliveryFault.TRANSIENT
    if error.code in AUTHENTICATION_CODES:
        return DeliveryFault.AUTH
    enhanced = ENHANCED_STATUS_CODE.search(error.message)
    subject = enhanced.group(2) if enhanced else None
    if subject in {"1", "2"}:
        return DeliveryFault.PERMANENT_ADDRESS
    if subject is None and isinstance(error, SMTPRecipientRefused):
        return DeliveryFault.PERMANENT_ADDRESS
    if isinstance(error, SMTPRecipientRefused | SMTPDataError):
        return DeliveryFault.PERMANENT_CONTENT
    return DeliveryFault.CONFIG
