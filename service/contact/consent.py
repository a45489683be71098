"""Consents: recorded as statements, and answered as the contact that a customer allows now."""

from collections.abc import Sequence

from msgspec import Struct

from domain.contact.channels import MessageChannel
from domain.contact.consent import Consent, ConsentAction, Permission, Purpose, derive_permissions
from domain.foundation.callers import Caller
from domain.kernel.ids import CustomerId
from domain.kernel.locales import Locale
from service.foundation.ports import IdempotencyKey
from service.shared.retry import retry_on_conflict
from service.shared.unit_of_work import Units


class AllowedContact(Struct, frozen=True):
    """The contact that a customer allows now, and the statements behind it, the latest first."""

    current: list[Permission]
    items: list[Consent]


class ConsentStatement(Struct, frozen=True):
    """A customer's consent or its withdrawal, for one purpose on one channel."""

    purpose: Purpose
    channel: MessageChannel
    action: ConsentAction
    wording: str = ""
    locale: Locale | None = None


@retry_on_conflict
async def record_consent(
    units: Units,
    customer: CustomerId,
    said: ConsentStatement,
    *,
    source: str,
    caller: Caller | None,
    key: IdempotencyKey | None = None,
) -> Consent:
    """Records a consent statement; it is in force from the time of the answer.

    A statement that is in force already is not recorded again.
    """
    async with units.begin() as unit:
        if first := await unit.foundation.idempotency.claim(key, Consent):
            return first
        await unit.customers.customers.get_for_update(customer)
        consent = Consent(
            purpose=said.purpose,
            channel=said.channel,
            action=said.action,
            at=unit.now,
            source=source,
            actor=caller.id if caller else customer,
            wording=said.wording,
            locale=said.locale,
        )
        before = await unit.contact.consents.list_by_customer(customer)
        same = _latest(before, said)
        if same is None or same.action is not said.action:
            await unit.contact.consents.record(customer, consent)
            same = consent
        await unit.foundation.idempotency.save_answer(key, same)
    return same


def _latest(stated: Sequence[Consent], said: ConsentStatement) -> Consent | None:
    mine = [one for one in stated if (one.purpose, one.channel) == (said.purpose, said.channel)]
    return mine[-1] if mine else None


async def get_allowed_contact(units: Units, customer: CustomerId) -> AllowedContact:
    async with units.read() as unit:
        stated = await unit.contact.consents.list_by_customer(customer)
    return AllowedContact(list(derive_permissions(stated).values()), list(reversed(stated)))
