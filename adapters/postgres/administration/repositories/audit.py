"""The audit: checks every invariant, and sets figures to the sums of their ledgers."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

import asyncpg
import msgspec

from adapters.postgres.administration.invariants import INVARIANTS
from adapters.postgres.administration.repairs import (
    CLOSE,
    COUNTED,
    KEPT_BACK,
    NOTE,
    PUT_RIGHT,
    REPAIRABLE,
    SAFETY,
    SETTLE,
    SHELVE,
    SHELVES_RIGHTED,
)
from adapters.postgres.db.columns import columns
from adapters.postgres.db.statements import Statement
from domain.administration.audit import AuditedInvariant, BrokenRow, Invariant, Repair
from domain.inventory.stock_levels import StockDelta, StockLevel, sum_by_key
from domain.kernel.ids import Sku, StoreId
from domain.pos.incidents import IncidentKind, to_oversold
from service.pos.ports import Incidents

SHOWN: Final = 20
LOOK: Final = f"""
    with wrong as materialized (
        select about, coalesce(expected, 0) as expected, coalesce(actual, 0) as actual
        from ({{facts}}) as fact where expected is distinct from actual
    )
    select (select count(*) from ({{facts}}) as fact) as checked,
        (select count(*) from wrong) as broken, (
            select coalesce(json_agg(example), '[]')
            from (select * from wrong order by about limit {SHOWN}) as example
        ) as examples
"""
"""Only broken rows are materialised and returned: all rows of a vast shop would fill the disk."""
PATIENCE: Final = timedelta(seconds=30)
WAIT: Final = Statement("select set_config('statement_timeout', :timeout, true)")
KEEP: Final = Statement("""
    with unknown as (delete from audits where name <> all(:names))
    insert into audits (name, audited_at, checked, broken, unfinished)
    select name, :now, checked, broken, unfinished
    from unnest(:names::text[], :checked::bigint[], :broken::bigint[], :unfinished::boolean[])
        as found (name, checked, broken, unfinished)
    order by name
    on conflict (name) do update set audited_at = excluded.audited_at, checked = excluded.checked,
        broken = excluded.broken, unfinished = excluded.unfinished
""")
LAST: Final = "select name, audited_at, checked, broken, unfinished from audits order by name"


class PostgresAudit:
    def __init__(
        self,
        connection: Any,
        now: datetime,
        new_id: Callable[[str], str],
        incidents: Incidents,
        patience: timedelta = PATIENCE,
    ) -> None:
        """`patience` is how long one invariant may take."""
        self._connection = connection
        self._now = now
        self._new_id = new_id
        self._incidents = incidents
        self._patience = f"{patience // timedelta(milliseconds=1)}ms"

    async def check(self) -> list[Invariant]:
        return [await self._seen(name, facts) for name, facts in INVARIANTS.items()]

    async def _seen(self, name: str, facts: str) -> Invariant:
        try:
            async with self._connection.transaction():
                await self._be_patient()
                row = await self._connection.fetchrow(LOOK.format(facts=facts))
        except (asyncpg.QueryCanceledError, asyncpg.LockNotAvailableError):
            return Invariant.timed_out(name)
        return Invariant(
            name=name,
            ok=row["broken"] == 0,
            checked=row["checked"],
            broken=row["broken"],
            examples=msgspec.json.decode(row["examples"], type=list[BrokenRow]),
        )

    async def _be_patient(self) -> None:
        """Until the transaction ends."""
        await self._connection.execute(*WAIT(timeout=self._patience))

    async def repair(self) -> list[Repair]:
        """Repairs all figures under table locks that block other writers."""
        await self._be_patient()
        await self._connection.execute(CLOSE)
        repair = self._new_id("rep")
        repairs = await self._explained(repair)
        if repairs:
            rows = await self._connection.fetch(*SHELVES_RIGHTED(repair=repair, now=self._now))
            for statement in PUT_RIGHT:
                await self._connection.execute(statement)
            await self._open_incidents(repairs, [StockLevel(*row) for row in rows])
        return repairs

    async def _open_incidents(self, repairs: list[Repair], righted: list[StockLevel]) -> None:
        after = {(level.store, level.sku): level for level in righted}
        worse, _ = to_oversold(_changes(repairs), after)
        await self._incidents.open(IncidentKind.OVERSOLD, worse)
        await self._connection.execute(*SETTLE(now=self._now))

    async def plan_repairs(self) -> list[Repair]:
        """Written down as a repair is, and undone."""
        written = self._connection.transaction()
        await written.start()
        await self._be_patient()
        repairs = await self._explained(self._new_id("rep"))
        await written.rollback()
        return repairs

    async def save_report(self, found: list[Invariant]) -> None:
        await self._connection.execute(
            *KEEP(
                now=self._now,
                names=[invariant.name for invariant in found],
                checked=[invariant.checked for invariant in found],
                broken=[invariant.broken for invariant in found],
                unfinished=[invariant.unfinished for invariant in found],
            ),
        )

    async def get_last_report(self) -> list[AuditedInvariant]:
        return [AuditedInvariant(*row) for row in await self._connection.fetch(LAST)]

    async def _explained(self, repair: str) -> list[Repair]:
        """Returns every figure that differs from its ledger, recorded under this repair."""
        gone = await self._connection.fetch(SHELVE)
        places = columns([tuple(row) for row in gone], 2)
        repairs = await self._noted(SAFETY, KEPT_BACK, repair, *places) if gone else []
        for name in REPAIRABLE:
            repairs += await self._noted(name, INVARIANTS[name], repair)
        return repairs

    async def _noted(self, name: str, facts: object, repair: str, *more: Any) -> list[Repair]:
        note = Statement(NOTE.format(facts=facts))
        named = {"invariant": name, "now": self._now, "repair": repair}
        rows = await self._connection.fetch(*note(*more, **named))
        return [
            Repair(
                name,
                BrokenRow(
                    msgspec.json.decode(row["about"], type=dict[str, str]),
                    row["expected"],
                    row["actual"],
                ),
                self._now,
            )
            for row in rows
        ]


def _changes(repairs: list[Repair]) -> list[StockDelta]:
    """Returns the deltas that the repairs add to each stock level."""
    return sum_by_key(
        StockDelta(
            StoreId(broken.about["store"]),
            Sku(broken.about["sku"]),
            **{COUNTED[repair.invariant]: broken.expected - broken.actual},
        )
        for repair in repairs
        if repair.invariant in COUNTED
        for broken in [repair.broken]
    )
