"""Ports of administration: the event outbox, webhooks, job runs and the audit."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from msgspec import Struct

from domain.administration.audit import AuditedInvariant, Invariant, Repair
from domain.administration.webhooks import (
    ChangesPayload,
    DeliveryResult,
    Webhook,
    WebhookDelivery,
    WebhookUpdate,
)
from domain.foundation.events import Event
from domain.kernel.ids import WebhookId
from domain.orders.timeline import TimelineEntry


class LeasedEvent(Struct, frozen=True):
    """An event that is ours until its lease ends; `attempts` tells this lease from the next."""

    id: int
    event: Event
    attempts: int


class Outbox(Protocol):
    async def add(self, *events: Event, told: Collection[TimelineEntry] = ()) -> None:
        """Write down what happened, in the same unit as its cause, and tell it in timelines."""

    async def lease(self, limit: int, span: timedelta) -> Sequence[LeasedEvent]:
        """Up to `limit` due events, oldest first, for `span`, doubled with each attempt."""

    async def remove(self, leased: LeasedEvent) -> bool:
        """Remove an event in the unit of its effect; False when another has it by now."""

    async def record_failure(self, leased: LeasedEvent, words: str) -> None:
        """Note why an event could not be followed; it comes again when its lease ends."""


class Webhooks(Protocol):
    async def add(self, webhook: Webhook, secret: str) -> None: ...

    async def get(self, webhook: WebhookId) -> Webhook:
        """Raises NotFound."""

    async def list_page(self, after: str, limit: int) -> list[Webhook]:
        """The next `limit` behind the id `after`, in the order they were made."""

    async def delete(self, webhook: WebhookId) -> None:
        """Raises NotFound."""

    async def rewind(self, webhook: WebhookId, position: int) -> Webhook:
        """Go on behind `position`, at once, whatever was under way. Raises NotFound."""

    async def lease(self, limit: int, span: timedelta) -> Sequence[WebhookDelivery]:
        """What is to be sent to up to `limit` who are due; ours alone for `span`."""

    async def record_delivery(self, parcel: WebhookDelivery, settled: WebhookUpdate) -> None:
        """Keep how a try ended, while it is ours."""


class JobRuns(Protocol):
    async def claim(self, job: str, slot: datetime, node: str) -> bool:
        """Whether a job is this node's in this slot of time; it is exactly one's."""


class Audit(Protocol):
    """Whether the figures agree with the ledgers they are sums of."""

    async def check(self) -> list[Invariant]:
        """Every invariant with what was checked and what is broken, each seen at one moment.

        One that takes too long is given up as unfinished; the others are looked at all the same.
        """

    async def repair(self) -> list[Repair]:
        """Set every figure that a ledger explains to what the ledger says, and write that down."""

    async def plan_repairs(self) -> list[Repair]:
        """What `repair` would set and write down, with nothing changed. Nobody waits for it."""

    async def save_report(self, found: list[Invariant]) -> None:
        """Keep what an audit found in place of what the one before it did."""

    async def get_last_report(self) -> list[AuditedInvariant]:
        """What was kept, in the invariants' order of names; nothing before the first audit."""


class WebhookSender(Protocol):
    async def send(self, parcel: WebhookDelivery, changes: ChangesPayload) -> DeliveryResult:
        """Bring the changes to who is to be told; never raises for what the receiver does."""
