"""Customers' contact data and consents. Consent statements are append-only."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from adapters.postgres.db.statements import Statement
from domain.contact.consent import Consent
from domain.contact.preferences import NO_PREFERENCES, Preferences, QuietHours
from domain.kernel.ids import CustomerId

OF: Final = Statement("""
    select preferred_channels, time_zone, quiet_from, quiet_to, topics, snooze_until,
        weekly_maximum, nullif(locale, '') as locale
    from preferences join customers on customers.id = customer
    where customer = :customer
""")
LOCALE: Final = Statement("select nullif(locale, '') from customers where id = :customer")
PUT: Final = Statement("""
    insert into preferences (customer, preferred_channels, time_zone, quiet_from, quiet_to, topics,
        snooze_until, weekly_maximum, changed_at)
    values (:customer, :preferred_channels, :time_zone, :quiet_from, :quiet_to, :topics,
        :snooze_until, :weekly_maximum, :now)
    on conflict (customer) do update set
        preferred_channels = excluded.preferred_channels, time_zone = excluded.time_zone,
        quiet_from = excluded.quiet_from, quiet_to = excluded.quiet_to, topics = excluded.topics,
        snooze_until = excluded.snooze_until, weekly_maximum = excluded.weekly_maximum,
        version = preferences.version + 1, changed_at = excluded.changed_at
""")
SPEAK: Final = Statement("""
    update customers set locale = :locale, version = version + 1, changed_at = :now
    where id = :customer and locale <> :locale
""")
CONSENT_FIELDS: Final = Consent.__struct_fields__
STATE: Final = Statement(f"""
    insert into consents (customer, {", ".join(CONSENT_FIELDS)})
    values (:customer, {", ".join(f":{name}" for name in CONSENT_FIELDS)})
""")
STATED: Final = Statement(f"""
    select {", ".join(CONSENT_FIELDS)} from consents where customer = :customer order by id
""")


class PostgresPreferences:
    def __init__(self, connection: Any, now: datetime) -> None:
        self._connection = connection
        self._now = now

    async def get(self, customer: CustomerId) -> Preferences:
        row = await self._connection.fetchrow(*OF(customer=customer))
        if row is None:
            locale = await self._connection.fetchval(*LOCALE(customer=customer))
            return msgspec.structs.replace(NO_PREFERENCES, locale=locale)
        told = dict(row)
        begin, end = told.pop("quiet_from"), told.pop("quiet_to")
        quiet = QuietHours(begin, end) if begin and end else None
        return msgspec.convert({**told, "quiet_hours": quiet}, Preferences)

    async def upsert(self, customer: CustomerId, preferences: Preferences) -> None:
        quiet = preferences.quiet_hours
        await self._connection.execute(
            *PUT(
                customer=customer,
                preferred_channels=preferences.preferred_channels,
                time_zone=preferences.time_zone,
                quiet_from=quiet and quiet.begin,
                quiet_to=quiet and quiet.end,
                topics=preferences.topics,
                snooze_until=preferences.snooze_until,
                weekly_maximum=preferences.weekly_maximum,
                now=self._now,
            ),
        )
        if preferences.locale:
            await self._connection.execute(
                *SPEAK(customer=customer, locale=preferences.locale, now=self._now)
            )


class PostgresConsents:
    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def record(self, customer: CustomerId, consent: Consent) -> None:
        values = [getattr(consent, name) for name in CONSENT_FIELDS]
        values = ["" if value is None else value for value in values]
        await self._connection.execute(*STATE(*values, customer=customer))

    async def list_by_customer(self, customer: CustomerId) -> Sequence[Consent]:
        rows = await self._connection.fetch(*STATED(customer=customer))
        return [msgspec.convert({**row, "locale": row["locale"] or None}, Consent) for row in rows]
