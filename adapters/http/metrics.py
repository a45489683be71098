"""What operators watch: counters and times in Prometheus's form, by route, never by path.

Several workers are several processes. With PROMETHEUS_MULTIPROC_DIR set before the start (`serve`
does it), each writes to files in that folder and any worker answers for all of them.
"""

import os
from typing import Any, Final

from litestar import Response, get
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector

from adapters.http.callers import open_to_all

BUCKETS: Final = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10)
REQUESTS: Final = Counter(
    "hylla_http_requests", "Requests answered.", ["method", "route", "status"]
)
SECONDS: Final = Histogram(
    "hylla_http_request_seconds", "Time to the first byte.", ["method", "route"], buckets=BUCKETS
)
UNDER_WAY: Final = Gauge(
    "hylla_http_requests_under_way", "Requests being answered.", multiprocess_mode="livesum"
)
METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def measure(scope: Any, status: int, seconds: float) -> None:
    """Count one answer under its route template, so that no id becomes a label."""
    method = scope["method"] if scope["method"] in METHODS else "other"
    route = scope.get("path_template") or "unknown"
    REQUESTS.labels(method, route, status).inc()
    SECONDS.labels(method, route).observe(seconds)


@get("/metrics", operation_id="read_metrics", include_in_schema=False, **open_to_all())
async def read_metrics() -> Response[bytes]:
    return Response(generate_latest(_registry()), media_type=CONTENT_TYPE_LATEST)


def _registry() -> CollectorRegistry:
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return REGISTRY
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return registry
