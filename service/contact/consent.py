"""Consents are recorded, and answered as what a customer allows now."""

from collections.abc import Sequence

from msgspec import Struct

from domain.contact.channels import Channel
from domain.contact.consent import Action, Consent, Permission, Purpose, permissions
from domain.foundation.callers import Caller
from domain.kernel.ids import CustomerId
from domain.kernel.locales import Locale
from service.foundation.ports import RequestKey
from service.shared.retry import tried_again
from service.shared.unit_of_work import Units


class Allowed(Struct, frozen=True):
    """What a customer allows now, and every statement it comes from, the latest first."""

    current: list[Permission]
    items: list[Consent]


class Statement(Struct, frozen=True):
    """What a customer says about one purpose on one channel."""

    purpose: Purpose
    channel: Channel
    action: Action
    wording: str = ""
    locale: Locale | None = None


@tried_again
async def state_consent(
    units: Units,
    customer: CustomerId,
    said: Statement,
    *,
    source: str,
    caller: Caller | None,
    key: RequestKey | None = None,
) -> Consent:
    """Write down what a customer says; it counts from the moment it is answered.

    Saying again what counts already adds nothing.
    """
    async with units.begin() as unit:
        if first := await unit.requests.claim(key, Consent):
            return first
        await unit.customers.take(customer)
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
        before = await unit.consents.stated(customer)
        same = _latest(before, said)
        if same is None or same.action is not said.action:
            await unit.consents.state(customer, consent)
            same = consent
        await unit.requests.answer(key, same)
    return same


def _latest(stated: Sequence[Consent], said: Statement) -> Consent | None:
    mine = [one for one in stated if (one.purpose, one.channel) == (said.purpose, said.channel)]
    return mine[-1] if mine else None


async def allowed(units: Units, customer: CustomerId) -> Allowed:
    async with units.read() as unit:
        stated = await unit.consents.stated(customer)
    return Allowed(list(permissions(stated).values()), list(reversed(stated)))
