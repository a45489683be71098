"""Job runs: time slots, each taken by one node; taking a slot also deletes old ones."""

from datetime import datetime, timedelta
from typing import Any, Final

CLAIM: Final = """
    insert into job_runs (job, scheduled_at, node) values ($1, $2, $3)
    on conflict do nothing returning true
"""
SWEEP: Final = "delete from job_runs where job = $1 and scheduled_at < $2"
KEPT: Final = timedelta(days=1)


class PostgresJobRuns:
    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def claim(self, job: str, slot: datetime, node: str) -> bool:
        if not await self._connection.fetchval(CLAIM, job, slot, node):
            return False
        await self._connection.execute(SWEEP, job, slot - KEPT)
        return True
