"""One customer and one vacuum cleaner, from the first look to the thank-you."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

from msgspec import Struct

from adapters.demo.narration import Actor, Narrator, StoryFailed

CANDIDATE_SKUS: Final = (
    "VACUUM-RED",
    "VACUUM-BLACK",
    "CORDLESS",
    "SPEAKER-BLACK",
    "DESKLAMP-WHITE",
)
"""The SKUs that the story prefers, best first; each has accessories."""
SHOPPER_LOCATION: Final = {"near": "51.5055,-0.0975", "radius_km": 2500}
AVAILABILITY_FIELDS: Final = (
    *("items", "sku", "ship", "stores", "name"),
    *("distance_km", "status", "quantity"),
)
CART_FIELDS: Final = (
    "id",
    "token",
    "version",
    "lines",
    "sku",
    "quantity",
    "total",
    "amount",
    "currency",
)
POINTS_FIELDS: Final = ("balance", "available", "pending", "held", "debt")
MESSAGE_FIELDS: Final = ("items", "kind", "channel", "locale", "state")


class Actors(Struct, frozen=True):
    """The actors, and the folder with the messages that no provider carries.

    `log_in` authenticates the customer with an id, as the retailer's identity provider would.
    """

    shop_page: Actor
    associate: Actor
    office: Actor
    sign_in: Callable[[str], Actor]
    messages: Path


class Story:
    """Runs once, in the order of its methods; each one prepares the state for the next."""

    def __init__(self, teller: Narrator, cast: Actors) -> None:
        self._narrator = teller
        self._actors = cast
        self._number = str(int(time.time() * 1000))
        self.sku = self.store = self.customer = self.cart = self.pickup = self.code = ""
        self.guest = self.shopper = cast.shop_page

    async def run(self) -> None:
        """Runs the whole story, through the public API only.

        Raises:
            StoryFailed: the service answered otherwise than the story expects.
        """
        await self.browse_products()
        await self.fill_guest_cart()
        await self.sign_in()
        await self.place_order()
        await self.show_pending_points()
        await self.prepare_pickup()
        await self.read_ready_message()
        await self.hand_over_pickup()
        await self.show_points()
        await self.read_thank_you_message()
        await self.show_audit()

    async def browse_products(self) -> None:
        ask, page = self._narrator.request, self._actors.shop_page
        self._narrator.print_step(
            "A shopper looks for a vacuum cleaner, and where it can be collected."
        )
        question = urlencode([*(("sku", sku) for sku in CANDIDATE_SKUS), *SHOPPER_LOCATION.items()])
        seen = await self._narrator.get(page, f"/v1/availability?{question}")
        self.sku, self.store = find_pickup_offer(seen["items"])
        question = urlencode({"sku": self.sku, **SHOPPER_LOCATION})
        await ask(page, "GET", f"/v1/availability?{question}", show=AVAILABILITY_FIELDS)

    async def fill_guest_cart(self) -> None:
        ask, page = self._narrator.request, self._actors.shop_page
        self._narrator.print_step("It goes into a cart; no log-in is needed.")
        body = {"currency": "EUR"}
        cart = await ask(page, "POST", "/v1/carts", body, show=("id", "token"), expect=201)
        self.cart, token = cart["id"], cart["token"]
        self.guest = Actor("the guest", {**page.headers, "Cart-Token": token})
        line = {"quantity": 1, "fulfilment": {"method": "pickup", "store": self.store}}
        path = f"/v1/carts/{self.cart}/lines/{self.sku}"
        await ask(self.guest, "PUT", path, line, show=CART_FIELDS)

    async def sign_in(self) -> None:
        ask, office = self._narrator.request, self._actors.office
        self._narrator.print_step("The shopper becomes a customer and states a preferred channel.")
        person = {
            "external_id": f"demo-{self._number}",
            "name": "Sample Shopper",
            "email": f"shopper-{self._number}@example.com",
            "phone": "+442079460999",
            "locale": "en",
        }
        known = await ask(office, "POST", "/v1/customers", person, show=("id", "name"), expect=201)
        self.customer = known["id"]
        self.shopper = self._actors.sign_in(self.customer)
        channels = {"preferred_channels": ["sms", "email"]}
        await ask(self.shopper, "PUT", "/v1/me/preferences", channels, show=("preferred_channels",))
        yes = {"purpose": "marketing", "channel": "sms", "action": "granted"}
        await ask(self.shopper, "POST", "/v1/me/consents", yes, show=tuple(yes), expect=201)
        self._narrator.print_step(
            "The cart follows the person: claimed once, it is there on every device."
        )
        claimant = Actor("the customer", {**self.shopper.headers, **cart_token_header(self.guest)})
        path = f"/v1/carts/{self.cart}/claim"
        claimed = await ask(claimant, "POST", path, {}, show=("changes", "sku", "code", "quantity"))
        self.cart = claimed.get("cart", claimed)["id"]
        await ask(self.shopper, "GET", "/v1/me/cart", show=CART_FIELDS)

    async def place_order(self) -> None:
        self._narrator.print_step("The customer orders, to pay and collect in the store.")
        placed = await self._checkout()
        self.pickup = placed["groups"][0]["pickup"]
        self._narrator.print_step(
            "An impatient second click is the same order, and promises nothing more."
        )
        again = await self._checkout()
        ensure(again["id"] == placed["id"], "two clicks made two orders")
        self._narrator.print_step(
            "The stock is allocated at once, for the web and for every store."
        )
        path = f"/v1/availability?{urlencode({'sku': self.sku, **SHOPPER_LOCATION})}"
        await self._narrator.request(self._actors.shop_page, "GET", path, show=AVAILABILITY_FIELDS)

    async def show_pending_points(self) -> None:
        self._narrator.print_step("The app shows the points that the order will bring.")
        await self._narrator.request(self.shopper, "GET", "/v1/me/rewards", show=POINTS_FIELDS)

    async def prepare_pickup(self) -> None:
        ask, store = self._narrator.request, self._actors.associate
        self._narrator.print_step(
            "The store sees its work, accepts the pickup, picks it and lays it ready."
        )
        todo = ("items", "id", "state", "lines", "sku", "name", "quantity", "promised_from")
        await ask(store, "GET", f"/v1/stores/{self.store}/pickups", show=todo)
        picked = {"lines": [{"sku": self.sku, "quantity": 1}]}
        for verb, body in (("accept", {}), ("pick", picked), ("ready", {"bin": "A3"})):
            await ask(store, "POST", f"/v1/pickups/{self.pickup}/{verb}", body, show=("state",))

    async def read_ready_message(self) -> None:
        self._narrator.print_step(
            "The customer gets a message on the preferred channel: it is ready."
        )
        await self._read_message("pickup_ready")
        self._narrator.print_step("The app shows the code to collect it with.")
        path = f"/v1/pickups/{self.pickup}"
        mine = await self._narrator.request(
            self.shopper, "GET", path, show=("state", "collect_by", "code")
        )
        self.code = mine["code"]

    async def hand_over_pickup(self) -> None:
        ask, store = self._narrator.request, self._actors.associate
        path = f"/v1/pickups/{self.pickup}/handover"
        self._narrator.print_step("Another code does not open it.")
        wrong, key = {"code": "NOTTHIS1"}, f"try-{self._number}"
        await ask(store, "POST", path, wrong, key=key, show=("code", "tries_left"), expect=403)
        self._narrator.print_step(
            "With the code it is handed over, and only now does it leave the stock."
        )
        right, key = {"code": self.code}, f"give-{self._number}"
        await ask(store, "POST", path, right, key=key, show=("state", "collected_at"))

    async def show_points(self) -> None:
        self._narrator.print_step("The points can be spent, and the app shows their history.")
        await self._narrator.request(self.shopper, "GET", "/v1/me/rewards", show=POINTS_FIELDS)
        show = ("items", "kind", "change", "available", "pending")
        await self._narrator.request(self.shopper, "GET", "/v1/me/rewards/entries", show=show)

    async def read_thank_you_message(self) -> None:
        self._narrator.print_step("The shop says thank you, with an accessory that this store has.")
        await self._read_message("thank_you")

    async def show_audit(self) -> None:
        self._narrator.print_step("Every figure is the sum of its ledger.")
        show = ("ok", "invariants", "name", "checked", "broken")
        books = await self._narrator.request(self._actors.office, "GET", "/v1/audit", show=show)
        ensure(books["ok"], "the figures do not agree with their ledgers")

    async def _checkout(self) -> Any:
        body = {
            "contact": {"name": "Sample Shopper", "email": f"shopper-{self._number}@example.com"},
            "payment": {"method": "pay_at_pickup"},
        }
        return await self._narrator.request(
            self.shopper,
            "POST",
            f"/v1/carts/{self.cart}/checkout",
            body,
            key=f"click-{self._number}",
            show=("id", "state", "groups", "pickup", "promised_from", "points", "to_earn"),
            expect=201,
        )

    async def _read_message(self, kind: str) -> None:
        """Waits for the customer's message and reads it."""
        office = self._actors.office
        path = f"/v1/messages?{urlencode({'customer': self.customer, 'kind': kind})}"
        await self._narrator.wait_until(
            office, path, lambda page: [one["state"] for one in page["items"]] == ["sent"]
        )
        page = await self._narrator.request(office, "GET", path, show=MESSAGE_FIELDS)
        letter = self._actors.messages / f"{page['items'][0]['id']}.json"
        if letter.exists():
            self._narrator.print_note(json.loads(letter.read_text())["text"].strip())
            self._narrator.print_note(f"({letter.with_suffix('.txt')})")


def find_pickup_offer(items: list[dict[str, Any]]) -> tuple[str, str]:
    """The first wanted thing that can be collected, and the nearest store that has it.

    Raises:
        StoryFailed: earlier demos have bought everything.
    """
    seen = {item["sku"]: item["stores"] for item in items}
    for sku in CANDIDATE_SKUS:
        for store in seen.get(sku, ()):
            if store["pickup"]["eligible"] and store["quantity"]:
                return sku, store["store"]
    raise StoryFailed("The sample is sold out: run the story on an empty data folder.")


def cart_token_header(guest: Actor) -> dict[str, str]:
    return {"Cart-Token": guest.headers["Cart-Token"]}


def ensure(holds: bool, otherwise: str) -> None:
    """Raises StoryFailed."""
    if not holds:
        raise StoryFailed(f"{otherwise[0].upper()}{otherwise[1:]}.")
