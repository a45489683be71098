"""The shop that the scenarios talk to: sample data, one caller of each kind, a few goods."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import httpx
from msgspec import Struct

from tests.recording.checkout import Checkout
from tests.recording.recorder import Caller, Recorder

LONDON: Final = "GB-LONDON"
MANCHESTER: Final = "GB-MANCHESTER"
EDINBURGH: Final = "GB-EDINBURGH"
OSLO: Final = "NO-OSLO"

MUG: Final = "MUG-WHITE-25CL"
JUG: Final = "JUG"
BOWL: Final = "BOWL-WHITE-SMALL"
PAN: Final = "PAN-20CM"
KETTLE: Final = "KETTLE-BLACK"
LAMP: Final = "DESKLAMP-WHITE"
SET: Final = "SET-BREAKFAST"
PLATE: Final = "PLATE-BLUE-21CM"
"""A part of the set."""
SERVICE: Final = "SERVICE-INSTALL"

CONTACT: Final = {"name": "Sample Customer", "email": "customer1@example.com"}
ADDRESS: Final = {
    "name": "Sample Customer",
    "street": "1 Sample Street",
    "city": "London",
    "postal_code": "SE1 0AA",
    "country": "GB",
}
AT_PICKUP: Final = {"contact": CONTACT, "payment": {"method": "pay_at_pickup"}}
ON_ACCOUNT: Final = {"contact": CONTACT, "payment": {"method": "on_account"}, "address": ADDRESS}


def pickup(store: str = LONDON) -> dict[str, str]:
    return {"method": "pickup", "store": store}


SHIP: Final = {"method": "ship"}


class Shop(Struct):
    """Callers by what they are; `ann`, `bob` and `cid` are customers with a token."""

    recorder: Recorder
    office: Caller
    page: Caller
    till: Caller
    other_till: Caller
    associate: Caller
    other_associate: Caller
    ann: Caller
    bob: Caller
    cid: Caller
    ids: dict[str, str]

    def cart(self, by: Caller, *lines: tuple[str, int, dict[str, str]]) -> "Cart":
        """A cart of `by` with just these lines; a guest's has its token.

        These requests only prepare: of their answers, a part is recorded.
        """
        r = self.recorder
        made = r.post("/v1/carts", by, {"currency": "EUR"}, show=_brief).json()
        if "token" in made:
            token = r.normal.hide(made["token"], "cart_token")
            by = by.with_("cart", Cart_Token=token)
        path = "/v1/carts/{cart}/lines/{sku}"
        for line in made["lines"]:  # of a customer's cart that was not ordered
            query = line["fulfilment"] or {}
            r.delete(path, by, query=query, show=_brief, cart=made["id"], sku=line["sku"])
        for sku, quantity, fulfilment in lines:
            body = {"quantity": quantity, "fulfilment": fulfilment}
            r.put(path, by, body, show=_brief, cart=made["id"], sku=sku)
        return Cart(made["id"], by)

    def order(
        self, by: Caller, *lines: tuple[str, int, dict[str, str]], terms: Any = AT_PICKUP
    ) -> "Order":
        """An order that `by` has placed for these lines."""
        cart = self.cart(by, *lines)
        placed = self.recorder.move("/v1/carts/{cart}/checkout", cart.by, terms, cart=cart.id)
        return Order(cart.by, placed)

    def stock(self, sku: str, *counts: tuple[str, int]) -> None:
        """Sets what is on hand of `sku`, by what is recorded there now."""
        r = self.recorder
        now = r.get("/v1/stock/{sku}", self.office, sku=sku).json()
        versions = {row["store"]: row["version"] for row in now["items"]}
        lines = [
            {"store": store, "sku": sku, "on_hand": count, "if_version": versions.get(store, 0)}
            for store, count in counts
        ]
        r.move("/v1/stock/sets", self.office, {"lines": lines})


def _brief(answer: httpx.Response) -> Any:
    body = answer.json()
    return {name: body[name] for name in ("id", "version", "problems", "code") if name in body}


class Cart(Struct, frozen=True):
    id: str
    by: Caller


class Order(Struct, frozen=True):
    by: Caller
    placed: httpx.Response

    @property
    def id(self) -> str:
        return str(self.placed.json()["id"])

    def group(self, kind: str, index: int = 0) -> str:
        """Id of a group's pickup or shipment."""
        groups = [group for group in self.placed.json()["groups"] if kind in group]
        return str(groups[index][kind])


def bearer(name: str, secret: str) -> Caller:
    return Caller(name, {"Authorization": f"Bearer {secret}"})


def open_shop(checkout: Checkout, recorder: Recorder) -> Shop:
    """Imports the sample and makes the callers."""
    files = {
        "stores": "stores.csv",
        "products": "products.json",
        "stock": "stock.csv",
        "customers": "customers.csv",
    }
    recorder.begin("import")
    for kind, name in files.items():
        report = checkout.hylla("import", kind, checkout.sample(name))
        recorder.entries["import"].append({"request": f"hylla import {kind}", "body": report})
    made = checkout.hylla("keys", "create", "--role", "office")
    office = bearer("office", made["key"])
    at_london, at_manchester = {"stores": [LONDON]}, {"stores": [MANCHESTER]}
    return Shop(
        recorder=recorder,
        office=office,
        page=_key(recorder, office, "shop"),
        till=_key(recorder, office, "till", at_london, terminal="T1"),
        other_till=_key(recorder, office, "till", at_manchester, terminal="T2"),
        associate=_key(recorder, office, "associate", at_london),
        other_associate=_key(recorder, office, "associate", at_manchester),
        **_customers(checkout, recorder, office),
    )


def _key(
    recorder: Recorder,
    office: Caller,
    role: str,
    at: dict[str, list[str]] | None = None,
    **more: str,
) -> Caller:
    made = recorder.post("/v1/keys", office, {"role": role, **(at or {}), **more}).json()
    return bearer(f"{role} of {at['stores'][0]}" if at else role, made["key"])


def _customers(checkout: Checkout, recorder: Recorder, office: Caller) -> dict[str, Any]:
    """Three customers of the imported file with a token each."""
    ids = {}
    for number, name in enumerate(("ann", "bob", "cid"), start=1):
        query = {"external_id": f"sample-{number}"}
        found = recorder.get("/v1/customers", office, query=query).json()
        ids[name] = found["items"][0]["id"]
    commands = [("token", "--customer", customer) for customer in ids.values()]
    with ThreadPoolExecutor() as pool:
        made = list(pool.map(lambda command: checkout.hylla(*command), commands))
    callers = {name: bearer(name, answer["token"]) for name, answer in zip(ids, made, strict=True)}
    return {"ids": ids, **callers}
