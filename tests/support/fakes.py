"""Providers on loopback that speak what real ones speak, and misbehave on demand."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

REFUSED = {
    "bounce": "550 5.1.1 no such user",
    "disabled": "550 5.2.1 mailbox disabled",
    "plain-bounce": "550 nobody here by that name",
    "full": "452 4.2.2 mailbox full",
    "policy": "554 5.7.1 relaying denied",
}


class Postmaster:
    """A real SMTP server with a script per recipient; what it accepted stands in `letters`."""

    def __init__(self) -> None:
        self.letters: list[Envelope] = []
        self.texts = list[EmailMessage]()
        self.tries: Counter[str] = Counter()
        self.options: list[str] = []
        self.closing = asyncio.Event()

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        envelope.mail_from = address
        self.options = options
        return "250 2.1.0 OK"

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self,
        _server: SMTP,
        _session: Session,
        envelope: Envelope,
        address: str,
        _options: list[str],
    ) -> str:
        who = address.partition("@")[0]
        self.tries[who] += 1
        if who in REFUSED:
            return REFUSED[who]
        if who == "greylist" and self.tries[who] == 1:
            return "451 4.7.1 come back later"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        who = envelope.rcpt_tos[0].partition("@")[0]
        if who == "spam":
            return "550 5.7.1 looks like spam"
        self.letters.append(envelope)
        assert isinstance(envelope.content, bytes)
        self.texts.append(message_from_bytes(envelope.content, policy=default))
        if who == "slow":
            await self.closing.wait()
        if who == "accept-then-drop":
            hang_up(server)
        return "250 2.0.0 queued"


def hang_up(session: SMTP) -> None:
    if isinstance(session.transport, asyncio.Transport):
        session.transport.abort()


@asynccontextmanager
async def mail_server(postmaster: Postmaster, **options: Any) -> AsyncIterator[int]:
    """The port it listens on."""
    sessions: list[SMTP] = []

    def session() -> SMTP:
        sessions.append(SMTP(postmaster, hostname="mail.example.com", **options))
        return sessions[-1]

    server = await asyncio.get_running_loop().create_server(session, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        postmaster.closing.set()
        for one in sessions:
            hang_up(one)
        await asyncio.sleep(0.01)


def doorman(username: str, password: str) -> Any:
    """Lets in only who knows the password."""

    def check(
        server: SMTP, session: Session, envelope: Envelope, how: str, data: Any
    ) -> AuthResult:
        right = (data.login, data.password) == (username.encode(), password.encode())
        return AuthResult(success=right, handled=False)

    return check


class Receiver:
    """A real HTTP server that answers as told and remembers every request."""

    def __init__(self, *answers: str, hang: bool = False) -> None:
        self.requests: list[tuple[dict[str, str], bytes]] = []
        self.answers = list(answers)
        self._hang = hang
        self.closing = asyncio.Event()
        self.visits: set[asyncio.Task[None]] = set()

    def welcome(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.visits.add(asyncio.create_task(self.serve(reader, writer)))

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().splitlines()
        pairs = (line.split(": ", 1) for line in head[1:] if line)
        headers = {name.lower(): value for name, value in pairs}
        body = await reader.readexactly(int(headers["content-length"]))
        self.requests.append((headers, body))
        if self._hang:
            await self.closing.wait()
        answer = self.answers.pop(0) if self.answers else "HTTP/1.1 204 No Content"
        writer.write(f"{answer}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


@asynccontextmanager
async def web_server(receiver: Receiver) -> AsyncIterator[str]:
    """The address it answers at."""
    server = await asyncio.start_server(receiver.welcome, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/in"
    finally:
        server.close()
        receiver.closing.set()
        await asyncio.gather(*receiver.visits)
