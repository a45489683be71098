"""Whether the figures of the shop agree with their ledgers."""

from litestar import Controller, get
from litestar.di import NamedDependency

from adapters.http.web.authentication import called_by
from domain.administration.audit import Findings
from domain.foundation.callers import Role
from service.shared.unit_of_work import Units


class Audit(Controller):
    path = "/v1/audit"
    tags = ("service",)

    @get(operation_id="get_audit", **called_by(Role.OFFICE, scope="audit"))
    async def look(self, units: NamedDependency[Units]) -> Findings:
        """Every invariant: how many figures were checked, and how many are not what they should be.

        Broken ones come with their first examples.
        """
        async with units.read() as unit:
            return Findings.of(await unit.audit.look())
