"""The safety stock that a store reserves for walk-in customers."""

from litestar import Controller, get, put
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from adapters.http.web.authentication import callers
from domain.foundation.callers import Caller, Role
from domain.inventory.walk_ins import WalkInPolicy
from domain.kernel.ids import StoreId
from service.foundation.ports import IdempotencyKey
from service.inventory.walk_ins import get_walk_in_policy, set_walk_in_policy
from service.shared.unit_of_work import Units


class WalkIns(Controller):
    path = "/v1/stores/{store:str}/walk-ins"
    tags = ("stock",)

    @get(operation_id="get_walk_ins", **callers(Role.ASSOCIATE, Role.OFFICE, scope="stock"))
    async def get_walk_ins(
        self,
        store: FromPath[StoreId],
        caller: NamedDependency[Caller],
        units: NamedDependency[Units],
    ) -> WalkInPolicy:
        """Get whether the store reserves stock for walk-in customers, and within which bounds."""
        return await get_walk_in_policy(units, caller=caller, store=store)

    @put(operation_id="decide_walk_ins", **callers(Role.OFFICE, scope="stock"))
    async def update_walk_ins(
        self,
        store: FromPath[StoreId],
        data: JSONBody[WalkInPolicy],
        units: NamedDependency[Units],
        optional_key: NamedDependency[IdempotencyKey | None],
    ) -> WalkInPolicy:
        """Reserve, for each hour, the usual till sales of it: at least `floor`, at most `cap`.

        It becomes the safety stock of each stock level at the beginning of the hour. A safety stock
        that the retailer set is never lowered.
        """
        return await set_walk_in_policy(units, store, data, key=optional_key)
