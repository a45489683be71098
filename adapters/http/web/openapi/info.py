"""The title, description and other metadata of the OpenAPI document."""

from typing import Any, Final

INFO: Final[dict[str, Any]] = {
    "title": "Hylla",
    "version": "0.1.0",
    "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
    "description": """\
One truth about stock, carts, orders, pickups, points and messages, for the webshop, the tills and
the app.

- Send `Authorization: Bearer` with a key (`pk_…` in a page, `sk_…` in a till or on a server) or a
  person's token. Each operation names its callers. What belongs to somebody else is answered as
  if it did not exist.
- Money is in minor units: `{"amount": 1299, "currency": "GBP"}` is £12.99. Times are RFC 3339 with
  an offset.
- An error is `application/problem+json` (RFC 9457). Programs read `code`, people `title`.
- Send an `Idempotency-Key` with every write; where money, stock or points move it is required. A
  repeat gets the first answer again, with `Idempotent-Replayed: true`.
- `ETag` is a version; send it as `If-Match` so as to overwrite nothing you have not seen.
- Lists come in pages: send `next_cursor` as `cursor`.
- `RateLimit` and `RateLimit-Policy` say how often you may ask.
""",
}

TAGS: Final[list[dict[str, str]]] = [
    {"name": "availability", "description": "Live stock, in the web and in every store."},
    {"name": "products", "description": "What is sold, with its variants and relations."},
    {"name": "stores", "description": "Where it is sold, with hours in the store's own time."},
    {"name": "channels", "description": "Sales channels, with their buffers."},
    {"name": "prices", "description": "What prices are made by: markets, promotions, shipping."},
    {"name": "stock", "description": "What lies where."},
    {"name": "holds", "description": "Temporary claims on stock."},
    {"name": "carts", "description": "Carts."},
    {"name": "orders", "description": "Orders."},
    {"name": "payments", "description": "Money by card, and what of it needs a person."},
    {"name": "pickups", "description": "What waits in a store, from order to handover."},
    {"name": "shipments", "description": "What is sent, from order to doorstep."},
    {"name": "returns", "description": "What came back, what is paid back, and where it belongs."},
    {"name": "tills", "description": "What tills sold and took back, and what did not fit."},
    {"name": "rewards", "description": "Points, what they will be, and why."},
    {"name": "customers", "description": "Customers, their preferences and consents."},
    {"name": "messages", "description": "Messages to customers, with channel, state and reason."},
    {"name": "imports", "description": "Stores, products, stock and customers from files."},
    {"name": "keys", "description": "Keys of machines."},
    {"name": "webhooks", "description": "Deliveries of stock changes to other systems, in order."},
    {"name": "service", "description": "Whether the service lives, and what its problems mean."},
]
