"""Job runs: time slots, each taken by one node; taking a slot also deletes old ones."""

from datetime import datetime, timedelta
from typing import Any, Final

from adapters.postgres.db.statements import Statement

CLAIM: Final = Statement("""
    insert into job_runs (job, scheduled_at, node) values (:job, :slot, :node)
    on conflict do nothing returning true
""")
SWEEP: Final = Statement("delete from job_runs where job = :job and scheduled_at < :before")
KEPT: Final = timedelta(days=1)


class PostgresJobRuns:
    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def claim(self, job: str, slot: datetime, node: str) -> bool:
        if not await self._connection.fetchval(*CLAIM(job=job, slot=slot, node=node)):
            return False
        await self._connection.execute(*SWEEP(job=job, before=slot - KEPT))
        return True
