"""Live stock, in the web and in every store."""

from collections.abc import Callable
from datetime import date, datetime
from hashlib import blake2b
from typing import Annotated, Final

from litestar import Controller, Response, get
from litestar.datastructures import ResponseHeader
from litestar.di import NamedDependency, Provide
from litestar.params import FromPath, QueryParameter
from litestar.response import Stream
from msgspec.json import encode

from adapters.http.inventory.streams import AvailabilityStreams
from adapters.http.web.authentication import ANYONE, callers
from adapters.http.web.etags import NOT_MODIFIED, conditional_response, provide_if_none_match
from adapters.http.web.geo import Near, RadiusKm, parse_search_area
from domain.foundation.callers import Caller
from domain.inventory.availability import Freshness, SkuAvailability, StockDisplayPolicy
from domain.inventory.change_feed import Subscription
from domain.kernel.errors import Forbidden
from domain.kernel.ids import WEB, ChannelId, HoldId, Sku, StoreId
from service.inventory.availability import (
    AvailabilityAnswer,
    AvailabilityQuery,
    answer_query,
    get_availability,
)
from service.shared.unit_of_work import Units

CACHE_CONTROL: Final = "private, no-cache"
NO_CACHE_HEADER: Final = [ResponseHeader(name="Cache-Control", value=CACHE_CONTROL)]
"""A client that stores an answer revalidates it, and gets 304 where it is current."""
Skus = Annotated[
    list[Sku],
    QueryParameter(name="sku", min_items=1, max_items=100, description="Up to 100 SKUs."),
]
InStores = Annotated[
    list[StoreId] | None,
    QueryParameter(
        name="store",
        max_items=500,
        description="These stores; without it, every store that has any.",
    ),
]
SubscribedSkus = Annotated[
    list[Sku] | None,
    QueryParameter(name="sku", max_items=100, description="These SKUs; without it, every one."),
]
SubscribedStores = Annotated[
    list[StoreId] | None,
    QueryParameter(name="store", max_items=500, description="In these stores; else in every one."),
]
WatchedHolds = Annotated[
    list[HoldId] | None,
    QueryParameter(name="hold", max_items=20, description="Send an event before these holds end."),
]
Publishable = Annotated[
    str | None,
    QueryParameter(
        name="key",
        max_length=200,
        description="A publishable key (`pk_…`), for an EventSource, which can send no headers.",
    ),
]
Explain = Annotated[
    bool, QueryParameter(description="Show the whole sum. For staff, for their own stores.")
]
Channel = Annotated[ChannelId, QueryParameter(description="The channel that would sell it.")]


By = Annotated[
    date | None,
    QueryParameter(
        description="Return the units that can be promised by this day, with incoming ones."
    ),
]
MaxStaleness = Annotated[
    int | None,
    QueryParameter(
        ge=0,
        le=3600,
        description="By how many seconds the answer may be older than now; 0 for a buy button.",
    ),
]


class AvailabilityView(SkuAvailability, frozen=True, kw_only=True):
    """One SKU, and the moment for which the answer is known to be true.

    `source` is `live` where it was read in the shop's books, `cache` where in a copy of them.
    """

    as_of: datetime
    source: Freshness = Freshness.LIVE


class Availability(Controller):
    path = "/v1/availability"
    tags = ("availability",)

    @get(
        operation_id="list_availability",
        response_headers=NO_CACHE_HEADER,
        **callers(*ANYONE),
    )
    async def list_availability(
        self,
        skus: Skus,
        caller: NamedDependency[Caller],
        units: NamedDependency[Units],
        stock_display: NamedDependency[StockDisplayPolicy],
        stores: InStores = None,
        near: Near = None,
        radius_km: RadiusKm = None,
        channel: Channel = WEB,
        explain: Explain = False,
        max_staleness: MaxStaleness = None,  # noqa: ARG002 - here every answer is live
    ) -> AvailabilityAnswer:
        """List the availability of each SKU: for shipping, and for pickup in each store.

        An unknown SKU is reported as unknown. 422 `unknown_channel`.
        """
        question = AvailabilityQuery(
            skus,
            stores,
            parse_search_area(near, radius_km),
            stock_display,
            _explained_stores(caller, wanted=explain),
            channel=channel,
        )
        return await get_availability(units, question)

    @get(
        "/stream",
        operation_id="stream_availability",
        media_type="text/event-stream",
        **callers(*ANYONE, key_in_address=True),
    )
    async def stream_availability(
        self,
        streams: NamedDependency[AvailabilityStreams],
        last_event: NamedDependency[int | None],
        caller: NamedDependency[Caller],
        skus: SubscribedSkus = None,
        stores: SubscribedStores = None,
        channel: Channel = WEB,
        held: WatchedHolds = None,
        publishable: Publishable = None,  # noqa: ARG002 - whom it belongs to was asked at the door
    ) -> Stream:
        """Stream every change of availability, as server-sent events.

        A snapshot comes first, then every change: `event: availability` with `id`, a cursor that
        grows, and `data`: `{"sku", "store", "version", "status", "quantity", "as_of"}`. Of two
        events about one SKU in one store, the one with the higher version is current. Reconnect
        with `Last-Event-ID` to get every later event, in order, once. `event: reset` and a new
        snapshot come when the cursor is too old, and when a decision changed the whole channel or a
        whole store: discard the earlier state then. A comment comes at least every 15 s. A client
        that reads too slowly is disconnected, and reconnects with the cursor. 422
        `unknown_channel`.

        `event: hold.expiring` with `data`: `{"hold", "held_until", "server_time"}` comes about a
        minute before a named hold ends, and again where it was extended meanwhile. It has no `id`.
        """
        await streams.wait_until_current()
        await streams.ensure_channel(channel)
        following = Subscription(
            _to_set(skus),
            _to_set(stores),
            exact=caller.is_staff,
            channel=channel,
            holds=frozenset(held or ()),
        )
        return Stream(
            streams.subscribe(following, last_event),
            media_type="text/event-stream",
            headers={"X-Accel-Buffering": "no"},
        )

    @get(
        "/{sku:str}",
        operation_id="get_availability",
        dependencies={"if_none_match": Provide(provide_if_none_match, sync_to_thread=False)},
        responses=NOT_MODIFIED,
        response_headers=NO_CACHE_HEADER,
        **callers(*ANYONE),
    )
    async def get_availability(
        self,
        sku: FromPath[Sku],
        caller: NamedDependency[Caller],
        units: NamedDependency[Units],
        stock_display: NamedDependency[StockDisplayPolicy],
        if_none_match: NamedDependency[frozenset[str]],
        stores: InStores = None,
        near: Near = None,
        radius_km: RadiusKm = None,
        channel: Channel = WEB,
        explain: Explain = False,
        by: By = None,
        max_staleness: MaxStaleness = None,  # noqa: ARG002 - here every answer is live
    ) -> Response[AvailabilityView]:
        """Get the availability of one SKU. 404 `unknown_sku`, 422 `unknown_channel`."""
        question = AvailabilityQuery(
            [sku],
            stores,
            parse_search_area(near, radius_km),
            stock_display,
            _explained_stores(caller, wanted=explain),
            by,
            channel,
        )
        as_of, item = await answer_query(units, question)
        now = AvailabilityView(
            sku=item.sku,
            version=item.version,
            ship=item.ship,
            stores=item.stores,
            reasons=item.reasons,
            promisable=item.promisable,
            as_of=as_of,
        )
        return conditional_response(
            now, blake2b(encode(item), digest_size=12).hexdigest(), if_none_match
        )


def _to_set(names: list[str] | None) -> frozenset[str] | None:
    return None if names is None else frozenset(names)


def _explained_stores(caller: Caller, *, wanted: bool) -> Callable[[StoreId], bool] | None:
    """Which stores' sums are shown: staff see their own stores'."""
    if not wanted:
        return None
    if not caller.is_staff:
        raise Forbidden("Only staff may see the whole sum.")
    return caller.works_at
