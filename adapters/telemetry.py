"""Traces by OpenTelemetry, for those who switch them on with HYLLA_OTEL and the extra `otel`.

OpenTelemetry's own variables, such as OTEL_EXPORTER_OTLP_ENDPOINT and OTEL_TRACES_SAMPLER, set the
destination and the sampling. A span has the template of its route, never the URL itself: that may
contain a token.
"""

import os
from typing import Any, Final

os.environ.setdefault("OTEL_SEMCONV_STABILITY_OPT_IN", "http")  # read when the next line imports

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware
from opentelemetry.instrumentation.asyncpg import AsyncPGInstrumentor
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

URL_ATTRIBUTES: Final = ("url.path", "url.full", "http.target", "http.url")
QUERY_ATTRIBUTE: Final = "url.query"


def instrument_app(app: Any) -> Any:
    """Wraps `app` with a span for each request, database query and outgoing call."""
    provider = TracerProvider(resource=Resource.create({SERVICE_NAME: "hylla"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    asyncpg: Any = AsyncPGInstrumentor()  # type: ignore[no-untyped-call]
    asyncpg.instrument(tracer_provider=provider)
    HTTPXClientInstrumentor().instrument(tracer_provider=provider)
    return add_tracing_middleware(app, provider)


def add_tracing_middleware(app: Any, provider: TracerProvider) -> Any:
    return OpenTelemetryMiddleware(
        SpanNameMiddleware(app), tracer_provider=provider, exclude_spans=["send", "receive"]
    )


class SpanNameMiddleware:
    """Calls the span of a request by its route once that is known."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        async def answer(message: Any) -> None:
            if message["type"] == "http.response.start":
                _set_span_name(trace.get_current_span(), scope)
            await send(message)

        await self._app(scope, receive, answer)


def _set_span_name(span: trace.Span, scope: Any) -> None:
    route = scope.get("path_template") or "unknown"
    span.update_name(f"{scope['method']} {route}")
    span.set_attribute("http.route", route)
    known = getattr(span, "attributes", None) or {}
    for attribute in URL_ATTRIBUTES:
        if attribute in known:
            span.set_attribute(attribute, route)
    if QUERY_ATTRIBUTE in known:
        span.set_attribute(QUERY_ATTRIBUTE, "")
