"""Metrics for operators: counters and durations in Prometheus's format, by route, never by path.

Several workers are several processes, and any of them may be scraped. Where `serve` starts more
than one, it names a folder in PROMETHEUS_MULTIPROC_DIR; each writes there and answers for all.
"""

import asyncio
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from litestar import Request, Response, get
from litestar.di import NamedDependency
from msgspec import Struct
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
    values,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

from adapters.http.web.authentication import public
from domain.administration.audit import AuditedInvariant
from domain.kernel.errors import Unavailable
from service.payments.ports import TransactionBacklog
from service.shared.unit_of_work import Units

MULTIPROC_DIR_VARIABLE: Final = "PROMETHEUS_MULTIPROC_DIR"
BUCKETS: Final = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10)
METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
QUERY_TIMEOUT_SECONDS: Final = 2
"""The longest time that a scrape waits for a busy database."""


class Metrics:
    """The figures of one application."""

    def __init__(self) -> None:
        self._folder = os.environ.get(MULTIPROC_DIR_VARIABLE, "")
        if self._folder:  # the library chose when it was imported, and that was before the fork
            values.ValueClass = values.MultiProcessValue()  # type: ignore[no-untyped-call]
        self._local_registry = own = CollectorRegistry()
        if not self._folder:
            ProcessCollector(registry=own)
        self.in_progress = Gauge(
            "hylla_http_requests_in_progress",
            "Requests being answered.",
            multiprocess_mode="livesum",
            registry=own,
        )
        self._requests = Counter(
            "hylla_http_requests",
            "Requests answered.",
            ["method", "route", "status"],
            registry=own,
        )
        self._durations = Histogram(
            "hylla_http_request_duration_seconds",
            "Time to the first byte.",
            ["method", "route"],
            buckets=BUCKETS,
            registry=own,
        )

        self._children: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}

    def observe_response(self, scope: Any, status: int, seconds: float) -> None:
        """Count one answer under its route's template, so that no id becomes a label."""
        method = scope["method"] if scope["method"] in METHODS else "other"
        self.observe(method, scope.get("path_template") or "unknown", status, seconds)

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        kind = (method, route, status)
        if kind not in self._children:  # the library looks labels up anew each time
            known = self._requests.labels(*kind), self._durations.labels(method, route)
            self._children[kind] = known
        requests, times = self._children[kind]
        requests.inc()
        times.observe(seconds)

    def render(self, kept: "StoredMetrics | None" = None) -> bytes:
        """Render the figures of all workers, and those that are stored in the database."""
        kept = kept or StoredMetrics()
        return b"".join(
            generate_latest(one)
            for one in (
                self._merged_registry(),
                AuditCollector(kept.audits),
                PaymentsCollector(kept.payments),
            )
        )

    def _merged_registry(self) -> CollectorRegistry:
        if not self._folder:
            return self._local_registry
        _remove_dead_workers(Path(self._folder))
        everybody = CollectorRegistry()
        MultiProcessCollector(everybody, self._folder)  # type: ignore[no-untyped-call]
        return everybody


class StoredMetrics(Struct, frozen=True):
    """Figures that are stored in the database: they belong to no worker and are never summed."""

    audits: Sequence[AuditedInvariant] = ()
    payments: Sequence[TransactionBacklog] = ()


class PaymentsCollector(Collector):
    """Collects card payments that are not over, and requests that a provider refused."""

    def __init__(self, standing: Sequence[TransactionBacklog]) -> None:
        self._counts = standing

    def collect(self) -> Iterator[GaugeMetricFamily]:
        if not self._counts:
            return
        counted = GaugeMetricFamily(
            "hylla_payments",
            "Open payment attempts, and planned or refused transactions.",
            labels=["kind", "state"],
        )
        oldest = GaugeMetricFamily(
            "hylla_payments_oldest_timestamp_seconds",
            "When the oldest of them began, in Unix time.",
            labels=["kind", "state"],
        )
        for one in self._counts:
            counted.add_metric([one.what, one.state], one.count)
            oldest.add_metric([one.what, one.state], one.oldest.timestamp())
        yield counted
        yield oldest


class AuditCollector(Collector):
    """Collects the last audit from the database; it belongs to no worker and is never summed."""

    def __init__(self, audits: Sequence[AuditedInvariant]) -> None:
        self._audits = audits

    def collect(self) -> Iterator[GaugeMetricFamily]:
        if not self._audits:
            return
        checked = GaugeMetricFamily(
            "hylla_audit_checked", "Figures the last audit looked at.", labels=["invariant"]
        )
        broken = GaugeMetricFamily(
            "hylla_audit_broken", "Figures it found wrong.", labels=["invariant"]
        )
        unfinished = GaugeMetricFamily(
            "hylla_audit_unfinished", "1 if the check did not finish in time.", labels=["invariant"]
        )
        for audited in self._audits:
            checked.add_metric([audited.name], audited.checked)
            broken.add_metric([audited.name], audited.broken)
            unfinished.add_metric([audited.name], audited.unfinished)
        newest = max(audited.at for audited in self._audits)
        yield checked
        yield broken
        yield unfinished
        yield GaugeMetricFamily(
            "hylla_audit_timestamp_seconds", "When it was, in Unix time.", value=newest.timestamp()
        )


def _remove_dead_workers(folder: Path) -> None:
    """Remove the gauges of requests that a killed worker had in progress."""
    for file in folder.glob("gauge_live*_*.db"):
        pid = int(file.stem.rpartition("_")[2])
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            mark_process_dead(pid, str(folder))  # type: ignore[no-untyped-call]


@get("/metrics", operation_id="read_metrics", include_in_schema=False, **public())
async def get_metrics(
    request: Request[Any, Any, Any], units: NamedDependency[Units]
) -> Response[bytes]:
    metrics: Metrics = request.app.state.metrics
    media_type = CONTENT_TYPE_LATEST.removesuffix("; charset=utf-8")
    return Response(metrics.render(await _load_stored_metrics(units)), media_type=media_type)


async def _load_stored_metrics(units: Units) -> StoredMetrics:
    """Nothing while the database is away: the rest is worth knowing then."""
    try:
        async with asyncio.timeout(QUERY_TIMEOUT_SECONDS), units.read() as unit:
            return StoredMetrics(
                await unit.administration.audit.get_last_report(),
                await unit.payments.attempts.get_backlog(),
            )
    except (Unavailable, TimeoutError):
        return StoredMetrics()
