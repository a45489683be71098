"""Traces tell routes and times, and nothing that is secret."""

import subprocess
import sys
from typing import Any

import httpx
from opentelemetry.instrumentation.asyncpg import AsyncPGInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind

from adapters.main import build_app
from adapters.telemetry import add_tracing_middleware
from tests.support.shop import Shop


async def test_a_request_is_a_span_by_its_route_with_what_the_database_was_asked(shop: Shop):
    kept = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(kept))
    page = await shop.page()
    asyncpg: Any = AsyncPGInstrumentor()  # type: ignore[no-untyped-call]
    asyncpg.instrument(tracer_provider=provider)
    try:
        transport = httpx.ASGITransport(app=add_tracing_middleware(build_app(shop.house), provider))
        async with httpx.AsyncClient(transport=transport, base_url="http://shop.test") as client:
            answer = await client.get(
                "/v1/carts/crt_secret?token=hidden", headers={**page, "Cart-Token": "concealed"}
            )
    finally:
        asyncpg.uninstrument()
    spans = kept.get_finished_spans()
    [request] = [span for span in spans if span.kind is SpanKind.SERVER]
    told = " ".join(span.to_json() for span in spans)

    assert answer.status_code == 422
    assert request.name == "GET /v1/carts/{cart}"
    assert request.attributes is not None
    assert request.attributes["http.route"] == "/v1/carts/{cart}"
    assert request.attributes["http.response.status_code"] == 422
    assert any(span.parent and span.kind is SpanKind.CLIENT for span in spans)
    for secret in ("crt_secret", "hidden", "concealed", page["Authorization"].split("_")[1]):
        assert secret not in told


def test_a_service_without_traces_loads_none_of_it():
    program = "import sys, adapters.main; print(*(n for n in sys.modules if 'opentelemetry' in n))"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == ""
