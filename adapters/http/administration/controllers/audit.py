"""Whether the figures of the shop agree with their ledgers."""

from litestar import Controller, get
from litestar.di import NamedDependency

from adapters.http.web.authentication import callers
from domain.administration.audit import InvariantFindings
from domain.foundation.callers import Role
from service.shared.unit_of_work import Units


class Audit(Controller):
    path = "/v1/audit"
    tags = ("service",)

    @get(operation_id="get_audit", **callers(Role.OFFICE, scope="audit"))
    async def get_audit(self, units: NamedDependency[Units]) -> InvariantFindings:
        """Audit every invariant: count the figures that were checked and those that are wrong.

        The broken ones come with their first examples.
        """
        async with units.read() as unit:
            return InvariantFindings.from_invariants(await unit.administration.audit.check())
