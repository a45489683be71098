"""Webhooks of payment providers: a signed call is accepted, but its contents are not trusted.

A call is a reason to look at the payment. It is answered as soon as it is stored; a repeated call
changes nothing.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from litestar import Controller, Request, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from msgspec import Struct

from adapters.http.web.authentication import public
from domain.kernel.errors import NotFound
from service.payments.ports import ProviderEvents
from service.payments.provider_events import record_provider_event
from service.shared.unit_of_work import Units


class ProviderEventReceived(Struct):
    """`new` is false for a call that came before, and for one that concerns no payment."""

    new: bool


class ProviderWebhooks(Controller):
    path = "/v1/hooks"

    @post(
        "/{provider:str}",
        operation_id="hear_provider",
        status_code=200,
        include_in_schema=False,
        **public(),
    )
    async def receive_provider_event(
        self,
        provider: FromPath[str],
        request: Request[Any, Any, Any],
        notices: NamedDependency[Mapping[str, ProviderEvents]],
        clock: NamedDependency[Callable[[], datetime]],
        units: NamedDependency[Units],
    ) -> ProviderEventReceived:
        """Receive an event of a payment provider."""
        if provider not in notices:
            raise NotFound("There is no provider of this name.")
        headers = {name.lower(): value for name, value in request.headers.items()}
        notice = notices[provider].parse(headers, await request.body(), clock())
        return ProviderEventReceived(
            notice is not None and await record_provider_event(units, provider, notice)
        )
