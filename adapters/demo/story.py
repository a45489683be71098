"""One customer and one vacuum cleaner, from the first look to the thank-you."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

from msgspec import Struct

from adapters.demo.narration import StoryBroken, Teller, Who

WANTED: Final = ("VACUUM-RED", "VACUUM-BLACK", "CORDLESS", "SPEAKER-BLACK", "DESKLAMP-WHITE")
"""What the customer may want, best first; each has accessories."""
AT_HOME: Final = {"near": "51.5055,-0.0975", "radius_km": 2500}
SHELVES: Final = (
    *("items", "sku", "ship", "stores", "name"),
    *("distance_km", "status", "quantity"),
)
CART: Final = ("id", "token", "version", "lines", "sku", "quantity", "total", "amount", "currency")
POINTS: Final = ("balance", "available", "pending", "held", "debt")
MESSAGES: Final = ("items", "kind", "channel", "locale", "state")


class Cast(Struct, frozen=True):
    """Who plays, and the folder where messages can be read that no provider carries.

    `log_in` makes a customer of whose id it is given, as the retailer's identity provider would.
    """

    page: Who
    associate: Who
    office: Who
    log_in: Callable[[str], Who]
    messages: Path


class Story:
    """Told once, in the order of its methods; each leaves what the next one needs."""

    def __init__(self, teller: Teller, cast: Cast) -> None:
        self._teller = teller
        self._cast = cast
        self._number = str(int(time.time() * 1000))
        self.sku = self.store = self.customer = self.cart = self.pickup = self.code = ""
        self.guest = self.me = cast.page

    async def tell(self) -> None:
        """The whole story, through the public API only.

        Raises:
            StoryBroken: the shop answered otherwise than the story says.
        """
        await self.look_around()
        await self.fill_a_cart_as_a_guest()
        await self.log_in()
        await self.order()
        await self.see_the_points_to_come()
        await self.prepare()
        await self.be_told_that_it_is_ready()
        await self.collect()
        await self.see_the_points()
        await self.be_thanked()
        await self.look_at_the_books()

    async def look_around(self) -> None:
        ask, page = self._teller.ask, self._cast.page
        self._teller.say("A shopper looks for a vacuum cleaner, and where it can be collected.")
        question = urlencode([*(("sku", sku) for sku in WANTED), *AT_HOME.items()])
        seen = await self._teller.look(page, f"/v1/availability?{question}")
        self.sku, self.store = found(seen["items"])
        question = urlencode({"sku": self.sku, **AT_HOME})
        await ask(page, "GET", f"/v1/availability?{question}", show=SHELVES)

    async def fill_a_cart_as_a_guest(self) -> None:
        ask, page = self._teller.ask, self._cast.page
        self._teller.say("It goes into a cart; nobody has to log in for that.")
        body = {"currency": "EUR"}
        cart = await ask(page, "POST", "/v1/carts", body, show=("id", "token"), expect=201)
        self.cart, token = cart["id"], cart["token"]
        self.guest = Who("the guest", {**page.headers, "Cart-Token": token})
        line = {"quantity": 1, "fulfilment": {"method": "pickup", "store": self.store}}
        path = f"/v1/carts/{self.cart}/lines/{self.sku}"
        await ask(self.guest, "PUT", path, line, show=CART)

    async def log_in(self) -> None:
        ask, office = self._teller.ask, self._cast.office
        self._teller.say("The shopper joins as a customer and says how to be reached.")
        person = {
            "external_id": f"demo-{self._number}",
            "name": "Sample Shopper",
            "email": f"shopper-{self._number}@example.com",
            "phone": "+442079460999",
            "locale": "en",
        }
        known = await ask(office, "POST", "/v1/customers", person, show=("id", "name"), expect=201)
        self.customer = known["id"]
        self.me = self._cast.log_in(self.customer)
        channels = {"preferred_channels": ["sms", "email"]}
        await ask(self.me, "PUT", "/v1/me/preferences", channels, show=("preferred_channels",))
        yes = {"purpose": "marketing", "channel": "sms", "action": "granted"}
        await ask(self.me, "POST", "/v1/me/consents", yes, show=tuple(yes), expect=201)
        self._teller.say("The cart follows the person: claimed once, it is there on every device.")
        claimant = Who("the customer", {**self.me.headers, **token_of(self.guest)})
        path = f"/v1/carts/{self.cart}/claim"
        claimed = await ask(claimant, "POST", path, {}, show=("changes", "sku", "code", "quantity"))
        self.cart = claimed.get("cart", claimed)["id"]
        await ask(self.me, "GET", "/v1/me/cart", show=CART)

    async def order(self) -> None:
        self._teller.say("The customer orders, to pay and collect in the store.")
        placed = await self._check_out()
        self.pickup = placed["groups"][0]["pickup"]
        self._teller.say("An impatient second click is the same order, and promises nothing more.")
        again = await self._check_out()
        must(again["id"] == placed["id"], "two clicks made two orders")
        self._teller.say("The shelf is promised at once, for the web and for every store.")
        path = f"/v1/availability?{urlencode({'sku': self.sku, **AT_HOME})}"
        await self._teller.ask(self._cast.page, "GET", path, show=SHELVES)

    async def see_the_points_to_come(self) -> None:
        self._teller.say("The app shows the points that the order will bring.")
        await self._teller.ask(self.me, "GET", "/v1/me/rewards", show=POINTS)

    async def prepare(self) -> None:
        ask, store = self._teller.ask, self._cast.associate
        self._teller.say("The store sees its work, accepts the pickup, picks it and lays it ready.")
        todo = ("items", "id", "state", "lines", "sku", "name", "quantity", "promised_from")
        await ask(store, "GET", f"/v1/stores/{self.store}/pickups", show=todo)
        picked = {"lines": [{"sku": self.sku, "quantity": 1}]}
        for verb, body in (("accept", {}), ("pick", picked), ("ready", {"bin": "A3"})):
            await ask(store, "POST", f"/v1/pickups/{self.pickup}/{verb}", body, show=("state",))

    async def be_told_that_it_is_ready(self) -> None:
        self._teller.say("The customer is told on the preferred channel that it is ready.")
        await self._read("pickup_ready")
        self._teller.say("The app shows the code to collect it with.")
        path = f"/v1/pickups/{self.pickup}"
        mine = await self._teller.ask(self.me, "GET", path, show=("state", "collect_by", "code"))
        self.code = mine["code"]

    async def collect(self) -> None:
        ask, store = self._teller.ask, self._cast.associate
        path = f"/v1/pickups/{self.pickup}/handover"
        self._teller.say("Nobody collects it with another code.")
        wrong, key = {"code": "NOTTHIS1"}, f"try-{self._number}"
        await ask(store, "POST", path, wrong, key=key, show=("code", "tries_left"), expect=403)
        self._teller.say("With the code it is handed over, and only now it leaves the stock.")
        right, key = {"code": self.code}, f"give-{self._number}"
        await ask(store, "POST", path, right, key=key, show=("state", "collected_at"))

    async def see_the_points(self) -> None:
        self._teller.say("The points can be spent, and the app tells how they came about.")
        await self._teller.ask(self.me, "GET", "/v1/me/rewards", show=POINTS)
        show = ("items", "kind", "change", "available", "pending")
        await self._teller.ask(self.me, "GET", "/v1/me/rewards/entries", show=show)

    async def be_thanked(self) -> None:
        self._teller.say("The shop says thank you, with an accessory that this store has.")
        await self._read("thank_you")

    async def look_at_the_books(self) -> None:
        self._teller.say("Every figure is the sum of its ledger.")
        show = ("ok", "invariants", "name", "checked", "broken")
        books = await self._teller.ask(self._cast.office, "GET", "/v1/audit", show=show)
        must(books["ok"], "the figures do not agree with their ledgers")

    async def _check_out(self) -> Any:
        body = {
            "contact": {"name": "Sample Shopper", "email": f"shopper-{self._number}@example.com"},
            "payment": {"method": "pay_at_pickup"},
        }
        return await self._teller.ask(
            self.me,
            "POST",
            f"/v1/carts/{self.cart}/checkout",
            body,
            key=f"click-{self._number}",
            show=("id", "state", "groups", "pickup", "promised_from", "points", "to_earn"),
            expect=201,
        )

    async def _read(self, kind: str) -> None:
        """Wait until the customer was told, and read it."""
        office = self._cast.office
        path = f"/v1/messages?{urlencode({'customer': self.customer, 'kind': kind})}"
        await self._teller.wait_for(
            office, path, lambda page: [one["state"] for one in page["items"]] == ["sent"]
        )
        page = await self._teller.ask(office, "GET", path, show=MESSAGES)
        letter = self._cast.messages / f"{page['items'][0]['id']}.json"
        if letter.exists():
            self._teller.note(json.loads(letter.read_text())["text"].strip())
            self._teller.note(f"({letter.with_suffix('.txt')})")


def found(items: list[dict[str, Any]]) -> tuple[str, str]:
    """The first wanted thing that can be collected, and the nearest store that has it.

    Raises:
        StoryBroken: earlier demos have bought everything.
    """
    seen = {item["sku"]: item["stores"] for item in items}
    for sku in WANTED:
        for store in seen.get(sku, ()):
            if store["pickup"]["eligible"] and store["quantity"]:
                return sku, store["store"]
    raise StoryBroken("The sample is sold out: tell the story on an empty data folder.")


def token_of(guest: Who) -> dict[str, str]:
    return {"Cart-Token": guest.headers["Cart-Token"]}


def must(holds: bool, otherwise: str) -> None:
    """Raises StoryBroken."""
    if not holds:
        raise StoryBroken(f"{otherwise[0].upper()}{otherwise[1:]}.")
