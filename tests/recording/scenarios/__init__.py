"""The requests of the recording, in a fixed order: each scenario builds on the ones before it."""

from tests.recording.scenarios.accounts import customers, keys, me
from tests.recording.scenarios.availability import availability, channels, stream, walk_ins
from tests.recording.scenarios.carts import (
    cart_claims,
    cart_holds,
    cart_lines,
    cart_refusals,
    cart_stores,
    saved_lines,
    till_carts,
    viewed,
)
from tests.recording.scenarios.catalogue import imports, products, stores
from tests.recording.scenarios.holds import holds, pins
from tests.recording.scenarios.orders import (
    cancellations,
    checkout,
    edits,
    order_links,
    order_lists,
    payments,
)
from tests.recording.scenarios.pickups import declines, pickup_ends, pickups
from tests.recording.scenarios.prices import markets, promotions, shipping_methods
from tests.recording.scenarios.returns import returns, returns_without_receipt
from tests.recording.scenarios.rewards import messages, rewards
from tests.recording.scenarios.service import audit, contract, languages, limits, metrics, refusals
from tests.recording.scenarios.shipments import shipment_ends, shipments
from tests.recording.scenarios.stocktaking import (
    adjustments,
    closing,
    deliveries,
    sales,
    sets_and_counts,
    transfers,
)
from tests.recording.scenarios.webhooks import webhooks

SCENARIOS = (
    refusals,
    languages,
    contract,
    keys,
    customers,
    me,
    products,
    stores,
    imports,
    availability,
    stream,
    channels,
    walk_ins,
    adjustments,
    sets_and_counts,
    transfers,
    deliveries,
    holds,
    pins,
    cart_lines,
    cart_refusals,
    saved_lines,
    cart_holds,
    cart_claims,
    cart_stores,
    till_carts,
    viewed,
    markets,
    promotions,
    shipping_methods,
    checkout,
    order_lists,
    edits,
    cancellations,
    order_links,
    payments,
    pickups,
    declines,
    pickup_ends,
    shipments,
    shipment_ends,
    returns,
    returns_without_receipt,
    sales,
    rewards,
    messages,
    webhooks,
    closing,
    audit,
    limits,
    metrics,
)
