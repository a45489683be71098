"""Who may do what: every operation is asked by every principal, and the answers are this table.

`may` is allowed, `.` is not, and a word in the office's column is the scope that its key needs.
"""

from collections.abc import Iterator
from typing import Any, Final

import pytest
import yaml

from openapi import renew
from tests.support.examples import HARBOUR
from tests.support.shop import Shop

TABLE: Final = """
operation               shop  customer  till  associate  office

list_availability       may   may       may   may        may
get_availability        may   may       may   may        may
stream_availability     may   may       may   may        may
list_products           may   may       may   may        may
get_product             may   may       may   may        may
list_variants           may   may       may   may        may
update_product          .     .         .     .          stock
list_stores             may   may       may   may        may
get_store               may   may       may   may        may

disable_store           .     .         .     .          stock
enable_store            .     .         .     .          stock
list_channels           .     .         may   may        stock
put_channel             .     .         .     .          stock
list_buffers            .     .         may   may        stock
tell_buffers            .     .         .     .          stock

list_markets            .     .         .     .          rules
get_market              .     .         .     .          rules
put_market              .     .         .     .          rules
remove_market           .     .         .     .          rules
list_promotions         .     .         .     .          rules
get_promotion           .     .         .     .          rules
put_promotion           .     .         .     .          rules
remove_promotion        .     .         .     .          rules
list_shipping_methods   may   may       may   may        may
get_shipping_method     may   may       may   may        may
put_shipping_method     .     .         .     .          rules
remove_shipping_method  .     .         .     .          rules

get_stock               .     .         may   may        stock
list_movements          .     .         may   may        stock
adjust_stock            .     .         .     .          stock
set_stock               .     .         .     .          stock
count_stock             .     .         .     may        stock
send_transfer           .     .         .     may        stock
receive_transfer        .     .         .     may        stock
list_transfers          .     .         .     may        stock
get_transfer            .     .         .     may        stock
announce_delivery       .     .         .     .          stock
list_deliveries         .     .         .     may        stock
get_delivery            .     .         .     may        stock
put_off_delivery        .     .         .     .          stock
cancel_delivery         .     .         .     .          stock
receive_delivery        .     .         .     may        stock
get_walk_ins            .     .         .     may        stock
decide_walk_ins         .     .         .     .          stock
list_incidents          .     .         may   may        stock
settle_incident         .     .         may   may        stock
record_sales            .     .         may   .          .

hold_stock              may   may       .     .          .
get_hold                may   may       .     .          .
extend_hold             may   may       .     .          .
release_hold            may   may       .     .          .
pin_hold                .     .         .     .          payments
unpin_hold              .     .         .     .          payments

create_cart              may   may       may   .          .
get_cart                may   may       may   .          .
put_cart_line           may   may       may   .          .
delete_cart_line          may   may       may   .          .
put_cart_fulfilment     may   may       may   .          .
save_cart_line          may   may       may   .          .
restore_cart_line       may   may       may   .          .
delete_saved_line         may   may       may   .          .
put_cart_coupon         may   may       may   .          .
delete_cart_coupon        may   may       may   .          .
put_cart_shipping       may   may       may   .          .
claim_cart              .     may       .     .          .
hold_cart               may   may       may   .          .
checkout_cart           may   may       may   .          .
plan_cart               may   may       may   .          .
find_store_cart         .     .         may   .          .
give_cart_code          may   may       .     .          .
get_my_cart             .     may       .     .          .
list_my_viewed          .     may       .     .          .
note_my_viewed          .     may       .     .          .
list_cart_viewed        may   may       .     .          .
note_cart_viewed        may   may       .     .          .

list_orders             .     .         may   may        orders
get_order               may   may       may   may        orders
list_my_orders          .     may       .     .          .
pay_order               may   may       .     .          .
list_order_payments     .     .         .     .          payments
list_unsettled_payments .     .         .     .          payments
send_order_link         may   may       .     .          .
update_order            may   may       .     .          orders
cancel_order            may   may       may   may        orders
list_order_steps        may   may       may   may        orders

list_store_pickups      .     .         may   may        orders
identify_pickup         .     .         may   may        orders
get_pickup              may   may       may   may        orders
accept_pickup           .     .         may   may        orders
decline_pickup          .     .         may   may        orders
pick_pickup             .     .         may   may        orders
ready_pickup            .     .         may   may        orders
hand_over_pickup        .     .         may   may        orders
put_back_pickup         .     .         may   may        orders
cancel_pickup           may   may       may   may        orders

list_store_shipments    .     .         may   may        orders
send_parcel             .     .         may   may        orders
get_shipment            may   may       may   may        orders
accept_shipment         .     .         may   may        orders
decline_shipment        .     .         may   may        orders
pick_shipment           .     .         may   may        orders
put_back_shipment       .     .         may   may        orders
cancel_shipment         may   may       may   may        orders
deliver_parcel          .     .         may   may        orders

return_order            may   may       may   may        orders
list_order_returns      may   may       may   may        orders
list_store_returns      .     .         may   may        orders
return_without_receipt  .     .         may   may        orders
get_return              may   may       may   may        orders
receive_return          .     .         may   may        orders
cancel_return           may   may       may   may        orders
decide_return           .     .         .     .          payments

get_my_rewards          .     may       .     .          .
list_my_reward_entries  .     may       .     .          .
get_rewards             .     .         may   may        customers

get_me                  .     may       .     .          .
update_me               .     may       .     .          .
get_preferences         .     may       .     .          .
state_preferences       .     may       .     .          .
list_consents           .     may       .     .          .
state_consent           .     may       .     .          .

add_customer            .     .         .     .          customers
list_customers          .     .         .     .          customers
get_customer            .     .         .     .          customers
update_customer         .     .         .     .          customers
list_messages           .     .         .     .          messages
get_message             .     .         .     .          messages
import_file             .     .         .     .          imports
get_audit               .     .         .     .          audit
create_key                .     .         .     .          keys
list_keys               .     .         .     .          keys
revoke_key              .     .         .     .          keys
create_webhook            .     .         .     .          webhooks
list_webhooks           .     .         .     .          webhooks
get_webhook             .     .         .     .          webhooks
remove_webhook          .     .         .     .          webhooks
replay_webhook          .     .         .     .          webhooks
"""
OPEN: Final = {"is_live", "is_ready", "describe_problem"}

HEAD, *ROWS = [line.split() for line in TABLE.splitlines() if line]
PRINCIPALS: Final = HEAD[1:]
WORDS: Final = {name: dict(zip(PRINCIPALS, words, strict=True)) for name, *words in ROWS}


class Operation:
    """How to ask for an operation, with the examples of the contract."""

    def __init__(self, document: Any, path: str, method: str, told: Any) -> None:
        self.name = told["operationId"]
        self.method = method.upper()
        self.query: dict[str, Any] = {}
        self.headers: dict[str, str] = {}
        self.path = path
        for part in told["parameters"]:
            reference = part.get("$ref", "").rpartition("/")[2]
            self._add(document["components"]["parameters"][reference] if reference else part)
        content = told.get("requestBody", {}).get("content", {})
        self.body = content.get("application/json", {}).get("example")

    def _add(self, parameter: Any) -> None:
        name, example = parameter["name"], parameter["example"]
        if parameter["in"] == "path":
            self.path = self.path.replace(f"{{{name}}}", str(example))
        elif parameter["in"] == "query" and parameter["required"]:
            self.query[name] = example
        elif name == "Idempotency-Key":
            self.headers[name] = example

    async def asked_by(self, shop: Shop, credential: dict[str, str]) -> tuple[int, str]:
        answer = await shop.client.request(
            self.method,
            self.path,
            params=self.query,
            json=self.body,
            headers={**self.headers, **credential},
        )
        is_problem = answer.headers.get("content-type") == "application/problem+json"
        return answer.status_code, answer.json()["code"] if is_problem else ""


@pytest.fixture
async def operations() -> list[Operation]:
    document = yaml.safe_load(await renew.served())
    return list(all_of(document))


def all_of(document: Any) -> Iterator[Operation]:
    for path, methods in document["paths"].items():
        for method, told in methods.items():
            yield Operation(document, path, method, told)


async def credentials(shop: Shop) -> dict[str, dict[str, str]]:
    return {
        "shop": await shop.page(),
        "customer": await shop.customer(),
        "till": await shop.till(HARBOUR),
        "associate": await shop.associate(HARBOUR),
        "office": await shop.office(),
    }


async def test_the_table_names_every_operation(operations: list[Operation]):
    assert {operation.name for operation in operations} == {*WORDS, *OPEN}


async def test_every_operation_admits_whom_the_table_says(shop: Shop, operations: list[Operation]):
    bearers = await credentials(shop)
    wrong = []
    for operation in operations:
        for principal, word in WORDS.get(operation.name, {}).items():
            status, code = await operation.asked_by(shop, bearers[principal])
            refused = (status, code) == (403, "forbidden")
            if refused != (word == ".") or status == 401 or status >= 500:
                wrong.append((operation.name, principal, word, status, code))

    assert wrong == []


async def test_nobody_gets_anywhere(shop: Shop, operations: list[Operation]):
    answers = {
        operation.name: await operation.asked_by(shop, {})
        for operation in operations
        if operation.name not in OPEN
    }

    assert set(answers.values()) == {(401, "unauthenticated")}


async def test_an_office_key_without_the_scope_is_refused(shop: Shop, operations: list[Operation]):
    narrow = await shop.office("reports")
    refused = set()
    for operation in operations:
        if operation.name not in OPEN:
            answer = await operation.asked_by(shop, narrow)
            refused |= {operation.name} if answer == (403, "forbidden") else set()

    assert refused == {name for name, words in WORDS.items() if words["office"] != "may"}


async def test_an_office_key_with_the_scope_is_admitted(shop: Shop, operations: list[Operation]):
    wrong = []
    for operation in operations:
        scope = WORDS.get(operation.name, {}).get("office", ".")
        if scope not in {".", "may"}:
            answer = await operation.asked_by(shop, await shop.office(scope))
            if answer == (403, "forbidden"):
                wrong.append(operation.name)

    assert wrong == []


async def test_what_is_open_needs_no_credential(shop: Shop, operations: list[Operation]):
    answers = {
        operation.name: (await operation.asked_by(shop, {}))[0]
        for operation in operations
        if operation.name in OPEN
    }

    assert set(answers) == OPEN
    assert set(answers.values()) <= {200, 404}
