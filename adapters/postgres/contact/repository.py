"""Customers' contact data and consents. Consent statements are append-only."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from domain.contact.consent import Consent
from domain.contact.preferences import NO_PREFERENCES, Preferences, QuietHours
from domain.kernel.ids import CustomerId

OF: Final = """
    select preferred_channels, time_zone, quiet_from, quiet_to, topics, snooze_until,
        weekly_maximum, nullif(locale, '') as locale
    from preferences join customers on customers.id = customer
    where customer = $1
"""
LOCALE: Final = "select nullif(locale, '') from customers where id = $1"
PUT: Final = """
    insert into preferences (customer, preferred_channels, time_zone, quiet_from, quiet_to, topics,
        snooze_until, weekly_maximum, changed_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
    on conflict (customer) do update set
        preferred_channels = excluded.preferred_channels, time_zone = excluded.time_zone,
        quiet_from = excluded.quiet_from, quiet_to = excluded.quiet_to, topics = excluded.topics,
        snooze_until = excluded.snooze_until, weekly_maximum = excluded.weekly_maximum,
        version = preferences.version + 1, changed_at = excluded.changed_at
"""
SPEAK: Final = """
    update customers set locale = $2, version = version + 1, changed_at = $3
    where id = $1 and locale <> $2
"""
CONSENT_FIELDS: Final = Consent.__struct_fields__
STATE: Final = f"""
    insert into consents (customer, {", ".join(CONSENT_FIELDS)})
    values ($1, {", ".join(f"${place}" for place in range(2, len(CONSENT_FIELDS) + 2))})
"""
STATED: Final = f"""
    select {", ".join(CONSENT_FIELDS)} from consents where customer = $1 order by id
"""


class PostgresPreferences:
    def __init__(self, connection: Any, now: datetime) -> None:
        self._connection = connection
        self._now = now

    async def get(self, customer: CustomerId) -> Preferences:
        row = await self._connection.fetchrow(OF, customer)
        if row is None:
            locale = await self._connection.fetchval(LOCALE, customer)
            return msgspec.structs.replace(NO_PREFERENCES, locale=locale)
        told = dict(row)
        begin, end = told.pop("quiet_from"), told.pop("quiet_to")
        quiet = QuietHours(begin, end) if begin and end else None
        return msgspec.convert({**told, "quiet_hours": quiet}, Preferences)

    async def upsert(self, customer: CustomerId, preferences: Preferences) -> None:
        quiet = preferences.quiet_hours
        await self._connection.execute(
            PUT,
            customer,
            preferences.preferred_channels,
            preferences.time_zone,
            quiet and quiet.begin,
            quiet and quiet.end,
            preferences.topics,
            preferences.snooze_until,
            preferences.weekly_maximum,
            self._now,
        )
        if preferences.locale:
            await self._connection.execute(SPEAK, customer, preferences.locale, self._now)


class PostgresConsents:
    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def record(self, customer: CustomerId, consent: Consent) -> None:
        values = [getattr(consent, name) for name in CONSENT_FIELDS]
        values = ["" if value is None else value for value in values]
        await self._connection.execute(STATE, customer, *values)

    async def list_by_customer(self, customer: CustomerId) -> Sequence[Consent]:
        rows = await self._connection.fetch(STATED, customer)
        return [msgspec.convert({**row, "locale": row["locale"] or None}, Consent) for row in rows]
