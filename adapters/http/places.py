"""Where somebody asks from: `near=lat,lon` and how far around it."""

from typing import Annotated, Final

from litestar.params import QueryParameter

from domain.patterns import whole
from domain.refusals import Invalid
from service.availability import Around

_RULE: Final = "latitude,longitude in degrees, such as 59.33,18.06"
Near = Annotated[
    str | None,
    QueryParameter(
        max_length=64,
        pattern=whole(r"-?\d{1,2}(\.\d+)?,-?\d{1,3}(\.\d+)?"),
        description=_RULE,
    ),
]
RadiusKm = Annotated[float, QueryParameter(gt=0, le=20_038, description="How far around `near`.")]


def around(near: str | None, radius_km: float) -> Around | None:
    """The circle asked for; None for everywhere.

    Raises:
        Invalid: not a place on Earth.
    """
    if near is None:
        return None
    latitude, longitude = (float(part) for part in near.split(","))
    if abs(latitude) > 90 or abs(longitude) > 180:  # noqa: PLR2004 - the ends of the Earth
        error = {"parameter": "near", "in": "query", "code": "range", "detail": _RULE}
        raise Invalid(f"near: {_RULE}.", errors=[error])
    return Around(latitude, longitude, radius_km)
