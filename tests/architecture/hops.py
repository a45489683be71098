"""Hops of checkout and availability, counted by hand.

A hop is a call on the way from the controller to the first verb of a port. The cases are the usual
ones: a checkout on account, and one SKU that is not in the cache. A test finds each step of `NOW`
in the code; write the steps anew when a way changes.
"""

Ways = dict[str, tuple[str, ...]]

BEFORE: Ways = {
    "checkout": (
        "Carts.checkout",
        "place",
        "_placed",
        "Gathered.__call__",
        "place_all",
        "_Desk.open",
        "take_all",
    ),
    "availability by the framework": (
        "Availability.one",
        "look_at",
        "look",
        "what_lies",
        "with_parts",
        "by_sku",
    ),
    "availability by the fast path": (
        "Express.serves",
        "Express._one",
        "Express._shown",
        "Window.read",
        "Gathered.__call__",
        "Window._read",
        "Window._read_at_once",
        "what_lies",
        "with_parts",
        "by_sku",
    ),
}
"""At commit 857a901."""

NOW: Ways = {
    "checkout": (
        "Checkouts.checkout",
        "place_order",
        "_placed",
        "Batcher.__call__",
        "place_orders",
        "_CheckoutBatch.open",
        "get_many_for_update",
    ),
    "availability by the framework": (
        "Availability.get_availability",
        "answer_query",
        "get_availability",
        "load_stock",
        "get_products_with_parts",
        "get_many",
    ),
    "availability by the fast path": (
        "Middleware._answer_fast",
        "FastPath._get_availability",
        "FastPath._get_entries",
        "InMemoryAvailabilityCache.load",
        "Batcher.__call__",
        "InMemoryAvailabilityCache._load_batches",
        "InMemoryAvailabilityCache._load_batch",
        "load_stock",
        "get_products_with_parts",
        "get_many",
    ),
}
"""In this checkout; the last step is the verb of a port, of any class."""


def hops(way: tuple[str, ...]) -> int:
    return len(way) - 1


def missing_steps(ways: Ways, functions: set[str]) -> list[str]:
    """Steps that are no function `name` or `Class.name` of the code."""
    methods = {name.rsplit(".", 1)[-1] for name in functions}
    return [
        step
        for way in ways.values()
        for step in way
        if step not in (methods if step == way[-1] else functions)
    ]
