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
    """A leased event; `attempts` distinguishes this lease from the next one."""

    id: int
    event: Event
    attempts: int


class Outbox(Protocol):
    async def add(self, *events: Event, told: Collection[TimelineEntry] = ()) -> None:
        """Adds events in the unit of their cause, with the entries of order timelines."""

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
        """Leases the next deliveries of up to `limit` due webhooks for `span`."""

    async def record_delivery(self, parcel: WebhookDelivery, settled: WebhookUpdate) -> None:
        """Keep how a try ended, while it is ours."""


class JobRuns(Protocol):
    async def claim(self, job: str, slot: datetime, node: str) -> bool:
        """Whether a job is this node's in this slot of time; it is exactly one's."""


class Audit(Protocol):
    """Whether the figures agree with the ledgers they are sums of."""

    async def check(self) -> list[Invariant]:
        """Returns every invariant with its checked and broken rows, each read at one moment.

        An invariant that takes too long is reported as unfinished; the others are checked.
        """

    async def repair(self) -> list[Repair]:
        """Sets the figures that ledgers explain to their sums, and records the repairs."""

    async def plan_repairs(self) -> list[Repair]:
        """Returns the repairs that `repair` would make; changes nothing, and blocks no writer."""

    async def save_report(self, found: list[Invariant]) -> None:
        """Replaces the report of the last audit."""

    async def get_last_report(self) -> list[AuditedInvariant]:
        """Returns the last report by the invariants' names; empty before the first audit."""


class WebhookSender(Protocol):
    async def send(self, parcel: WebhookDelivery, changes: ChangesPayload) -> DeliveryResult:
        """Sends a delivery; an error of the receiver is a result, never an exception."""
