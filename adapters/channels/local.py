"""The local channel: every message becomes files that a person can open.

In trial mode it replaces every channel that has no provider, and the message is recorded as sent
on that channel.
"""

import asyncio
import os
from pathlib import Path

from msgspec import json

from domain.contact.channels import DeliveryOutcome, MessageAccepted, OutgoingMessage


class LocalCarrier:
    """Writes `<id>.txt`, `<id>.html` where there is HTML, and `<id>.json` with everything.

    The names come from the message's id, so a second try overwrites the first. The files hold
    the text of the message, handover code included: only their owner may read them.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def send(self, message: OutgoingMessage) -> DeliveryOutcome:
        await asyncio.to_thread(self._write, message)
        return MessageAccepted(f"local:{message.id}")

    async def close(self) -> None:
        """Nothing is open between two messages."""

    def _write(self, message: OutgoingMessage) -> None:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        subject = f"{message.subject}\n\n" if message.subject else ""
        self._write_file(f"{message.id}.txt", f"{subject}{message.text}".encode())
        if message.html is not None:
            self._write_file(f"{message.id}.html", message.html.encode())
        self._write_file(f"{message.id}.json", json.format(json.encode(message), indent=2))

    def _write_file(self, name: str, content: bytes) -> None:
        """Readers see the whole file or none."""
        draft = self._folder / f".{name}"
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(content)
        draft.replace(self._folder / name)
