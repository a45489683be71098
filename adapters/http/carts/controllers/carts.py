"""Carts: a guest's by its token, a customer's on every device; and their checkout."""

from typing import Annotated, Any, Literal, TypeVar

from litestar import Controller, Response, delete, get, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import UNSET, Struct, UnsetType, structs

from adapters.http.web.authentication import CART_ROLES, Clock, callers
from adapters.http.web.bodies import EmptyBody
from adapters.http.web.etags import with_etag
from domain.carts.cart_lines import FulfilmentMethod, LineQuantity
from domain.carts.cart_merge import MergedLine
from domain.foundation.callers import Caller, Role
from domain.kernel.errors import Invalid, InvalidField
from domain.kernel.ids import CartId, MarketId, Sku, StoreId
from domain.kernel.money import Currency, is_currency
from service.carts import cart_lines as changing
from service.carts import create_cart as opening
from service.carts import merge_cart as claiming
from service.carts import queries as viewing
from service.carts.cart_lines import CartChange, PutLine
from service.carts.queries import CartView
from service.carts.switch_fulfilment import SwitchedView
from service.carts.till_carts import WALK_IN_TTL
from service.foundation.ports import Codes, IdempotencyKey
from service.shared.unit_of_work import Units

ExtendedView = TypeVar("ExtendedView", bound=CartView)


class NewCart(Struct, forbid_unknown_fields=True):
    """Everything in a cart has the cart's currency.

    Without a `market` it is the first that has the currency.
    """

    currency: Currency
    market: MarketId | None = None

    def __post_init__(self) -> None:
        if not is_currency(self.currency):
            raise InvalidField("currency", "unknown_currency", "must be a currency of ISO 4217")


class CreatedCart(CartView, frozen=True, kw_only=True):
    """`token` is a guest's, or a till's, only way to the cart; it is shown only here."""

    token: str | UnsetType = UNSET


class CartLineBody(Struct, forbid_unknown_fields=True):
    """The quantity and fulfilment of a line; without `fulfilment` that does not change."""

    quantity: LineQuantity
    fulfilment: FulfilmentMethod | None = None


LineStore = Annotated[
    StoreId | None,
    QueryParameter(
        name="store", description="Of a SKU on several lines, the one that is collected there."
    ),
]
LineMethod = Annotated[
    Literal["pickup", "ship"] | None,
    QueryParameter(name="method", description="`ship` names the line that is sent."),
]


def parse_fulfilment(
    store: StoreId | None, method: Literal["pickup", "ship"] | None
) -> FulfilmentMethod | None:
    """Which line of a SKU an address names. Raises Invalid for one that no line can have."""
    if store is None and method is None:
        return None
    if (method or "pickup") == "pickup" and store is None:
        raise _invalid_parameter("store", "required", "names where a line is collected")
    if method == "ship" and store is not None:
        raise _invalid_parameter("store", "unknown_field", "a line that is sent has no store")
    return FulfilmentMethod(method or "pickup", store)


def _invalid_parameter(parameter: str, code: str, rule: str) -> Invalid:
    error = {"parameter": parameter, "in": "query", "code": code, "detail": rule}
    return Invalid(f"{parameter}: {rule}.", errors=[error])


class MergedCart(CartView, frozen=True, kw_only=True):
    """The customer's cart, and the effect that the claim had on each line of the guest's cart."""

    changes: list[MergedLine]


class Carts(Controller):
    path = "/v1/carts"
    tags = ("carts",)

    @post(operation_id="create_cart", **callers(*CART_ROLES))
    async def create_cart(
        self,
        data: JSONBody[NewCart],
        caller: NamedDependency[Caller],
        units: NamedDependency[Units],
        codes: NamedDependency[Codes],
        clock: NamedDependency[Clock],
        optional_key: NamedDependency[IdempotencyKey | None],
    ) -> Response[CreatedCart]:
        """Create a cart. A guest gets its token; a customer's open cart is answered unchanged.

        A till creates one for a walk-in customer, with a token of its own that lasts a day.

        A guest who repeats it gets one more empty cart, whatever the Idempotency-Key: guests share
        their page's key, and a repeated answer could open another guest's cart.
        """
        view = await opening.create_cart(
            units,
            caller=caller,
            currency=data.currency,
            market=data.market,
            key=optional_key,
        )
        token: str | UnsetType = UNSET
        if caller.role is Role.TILL:
            token = codes.till_token(view.id, min(caller.stores), clock() + WALK_IN_TTL)
        elif caller.role is Role.SHOP:
            token = codes.cart_token(view.id)
        return with_etag(_extend_view(CreatedCart, view, token=token), view.version, status=201)

    @get("/{cart:str}", operation_id="get_cart", **callers(*CART_ROLES))
    async def get_cart(
        self,
        cart: FromPath[CartId],
        caller: NamedDependency[Caller],
        units: NamedDependency[Units],
        locale: NamedDependency[str],
    ) -> Response[CartView]:
        """Get a cart with its current names, prices and availability."""
        view = await viewing.get_cart(units, caller=caller, cart=cart, locale=locale)
        return with_etag(view, view.version)

    @put("/{cart:str}/lines/{sku:str}", operation_id="put_cart_line", **callers(*CART_ROLES))
    async def update_cart_line(
        self,
        cart: FromPath[CartId],
        sku: FromPath[Sku],
        data: JSONBody[CartLineBody],
        caller: NamedDependency[Caller],
        units: NamedDependency[Units],
        change: NamedDependency[CartChange],
        store: LineStore = None,
        method: LineMethod = None,
    ) -> Response[CartView]:
        """Set a line. It may ask for more than is available, which its `problems` then report.

        A SKU has one line for each fulfilment. `store` or `method` names one of them, or a new one;
        without them it is the SKU's only line, and several are a conflict. A `fulfilment` that
        differs switches the line, and merges it into a line that already has that fulfilment.
        """
        wish = PutLine(sku, data.quantity, data.fulfilment, parse_fulfilment(store, method))
        view = await changing.put_cart_line(
            units, caller=caller, cart=cart, wish=wish, change=change
        )
        return with_etag(view, view.version)

    @delete(
        "/{cart:str}/lines/{sku:str}",
        operation_id="delete_cart_line",
        status_code=200,
        **callers(*CART_ROLES),
    )
    async def delete_cart_line(
        self,
        cart: FromPath[CartId],
        sku: FromPath[Sku],
        caller: NamedDependency[Caller],
        units: NamedDependency[Units],
        change: NamedDependency[CartChange],
        store: LineStore = None,
        method: LineMethod = None,
    ) -> Response[CartView]:
        """Remove a line; of several lines of a SKU, the one named. A repeat changes nothing."""
        at = parse_fulfilment(store, method)
        view = await changing.delete_cart_line(
            units, caller=caller, cart=cart, sku=sku, at=at, change=change
        )
        return with_etag(view, view.version)

    @put("/{cart:str}/fulfilment", operation_id="put_cart_fulfilment", **callers(*CART_ROLES))
    async def update_cart_fulfilment(
        self,
        cart: FromPath[CartId],
        data: JSONBody[FulfilmentMethod],
        caller: NamedDependency[Caller],
        units: NamedDependency[Units],
        change: NamedDependency[CartChange],
    ) -> Response[SwitchedView]:
        """Set the same fulfilment for every line.

        The answer is the cart with its new groups and totals, the totals `before`, and in `changes`
        each line that was switched, with the problems that it did not have before.
        """
        view = await changing.set_fulfilment(
            units, caller=caller, cart=cart, fulfilment=data, change=change
        )
        return with_etag(view, view.version)

    @post(
        "/{cart:str}/claim",
        operation_id="claim_cart",
        status_code=200,
        **callers(Role.CUSTOMER),
    )
    async def claim_cart(
        self,
        cart: FromPath[CartId],
        data: JSONBody[EmptyBody],  # noqa: ARG002 - read, so that a misspelt field is named
        caller: NamedDependency[Caller],
        units: NamedDependency[Units],
        locale: NamedDependency[str],
        optional_key: NamedDependency[IdempotencyKey | None],
    ) -> Response[MergedCart]:
        """Move a guest's cart, whose Cart-Token comes along, into the customer's."""
        claimed = await claiming.claim_cart(
            units, caller=caller, cart=cart, locale=locale, key=optional_key
        )
        view = _extend_view(MergedCart, claimed.cart, changes=claimed.changes)
        return with_etag(view, view.version)

    @post("/{cart:str}/hold", operation_id="hold_cart", status_code=200, **callers(*CART_ROLES))
    async def hold_cart(
        self,
        cart: FromPath[CartId],
        data: JSONBody[EmptyBody],  # noqa: ARG002 - read, so that a misspelt field is named
        caller: NamedDependency[Caller],
        units: NamedDependency[Units],
        locale: NamedDependency[str],
        hold_limit: NamedDependency[int],
        key: NamedDependency[IdempotencyKey],
    ) -> Response[CartView]:
        """Hold the stock of every line for a time, or of none. `held_until` is the end."""
        view = await changing.hold_cart(
            units, caller=caller, cart=cart, locale=locale, limit=hold_limit, key=key
        )
        return with_etag(view, view.version)


class MyCart(Controller):
    path = "/v1/me/cart"
    tags = ("carts",)

    @get(operation_id="get_my_cart", **callers(Role.CUSTOMER))
    async def get_my_cart(
        self,
        caller: NamedDependency[Caller],
        units: NamedDependency[Units],
        locale: NamedDependency[str],
        currency: NamedDependency[str],
        wanted: Annotated[
            Currency | None,
            QueryParameter(name="currency", description="Of a new cart, if there is none."),
        ] = None,
    ) -> Response[CartView]:
        """Get the customer's open cart, from any device; an empty one if there is none."""
        if wanted is not None and not is_currency(wanted):
            error = {"parameter": "currency", "in": "query", "code": "unknown_currency"}
            raise Invalid("currency must be a currency of ISO 4217.", errors=[error])
        view = await opening.get_or_create_my_cart(
            units, caller=caller, currency=wanted, default=currency, locale=locale
        )
        return with_etag(view, view.version)


def _extend_view(kind: type[ExtendedView], view: CartView, **more: Any) -> ExtendedView:
    """`view` with more fields."""
    fields: dict[str, Any] = structs.asdict(view)
    return kind(**fields, **more)


def provide_cart_update(
    optional_key: NamedDependency[IdempotencyKey | None],
    if_match: NamedDependency[int | None],
    locale: NamedDependency[str],
) -> CartChange:
    """Provide the idempotency key, expected version and locale of a write to a cart."""
    return CartChange(optional_key, if_match, locale)
