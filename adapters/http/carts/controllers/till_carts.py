"""A shopper's cart at a till."""

from datetime import datetime
from typing import Annotated, Any

from litestar import Controller, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import structs

from adapters.http.web.authentication import SHOPPER_ROLES, Clock, callers
from adapters.http.web.bodies import EmptyBody
from adapters.http.web.etags import with_etag
from domain.foundation.callers import Caller, Role
from domain.kernel.errors import Invalid
from domain.kernel.ids import CartId, StoreId
from service.carts.queries import CartView
from service.carts.till_carts import TOKEN_TTL, CartCode, create_cart_code, find_cart_at_till
from service.foundation.ports import Codes, IdempotencyKey
from service.shared.unit_of_work import Units

ByMember = Annotated[
    str | None,
    QueryParameter(
        name="member", min_length=1, max_length=64, description="A member's card or number."
    ),
]
ByCode = Annotated[
    str | None,
    QueryParameter(
        name="code", min_length=1, max_length=64, description="What the shopper's page shows."
    ),
]


class TillCartView(CartView, frozen=True, kw_only=True):
    """`token` opens the cart to the tills of this store until then, as their `Cart-Token`."""

    token: str
    token_until: datetime


class TillCarts(Controller):
    path = "/v1/stores/{store:str}/carts"
    tags = ("carts",)

    @get(operation_id="find_store_cart", **callers(Role.TILL, strict=True))
    async def get_store_cart(
        self,
        store: FromPath[StoreId],
        caller: NamedDependency[Caller],
        units: NamedDependency[Units],
        codes: NamedDependency[Codes],
        clock: NamedDependency[Clock],
        locale: NamedDependency[str],
        member: ByMember = None,
        code: ByCode = None,
    ) -> Response[TillCartView]:
        """Get a member's open cart, or the cart of the code that the shopper shows.

        The till continues the cart: its token lets it, and no other caller, read, change, hold and
        order it.
        """
        if (member is None) == (code is None):
            error = {"parameter": "code", "in": "query", "code": "one_of"}
            raise Invalid("Name a member or a code, and not both.", errors=[error])
        view = await find_cart_at_till(
            units, codes, caller=caller, store=store, member=member, code=code, locale=locale
        )
        until = clock() + TOKEN_TTL
        fields: dict[str, Any] = structs.asdict(view)
        token = codes.till_token(view.id, store, until)
        return with_etag(TillCartView(**fields, token=token, token_until=until), view.version)


class CartCodes(Controller):
    path = "/v1/carts/{cart:str}/code"
    tags = ("carts",)

    @post(operation_id="give_cart_code", **callers(*SHOPPER_ROLES))
    async def create_cart_code(
        self,
        cart: FromPath[CartId],
        data: JSONBody[EmptyBody],  # noqa: ARG002 - read, so that a misspelt field is named
        caller: NamedDependency[Caller],
        units: NamedDependency[Units],
        codes: NamedDependency[Codes],
        optional_key: NamedDependency[IdempotencyKey | None],
    ) -> CartCode:
        """Create a short code with which a till can open this cart for ten minutes.

        Each call gives another one, and the one before opens nothing any more.
        """
        return await create_cart_code(units, codes, caller=caller, cart=cart, key=optional_key)
