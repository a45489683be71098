"""The caller's location: `near=lat,lon` and a radius around it."""

from typing import Annotated, Final

from litestar.params import QueryParameter

from domain.kernel.errors import Invalid
from domain.kernel.patterns import anchored
from service.inventory.availability import NearLocation

_RULE: Final = "latitude,longitude in degrees, such as 59.33,18.06"
Near = Annotated[
    str | None,
    QueryParameter(
        max_length=64,
        pattern=anchored(r"-?\d{1,2}(\.\d+)?,-?\d{1,3}(\.\d+)?"),
        description=_RULE,
    ),
]
DEFAULT_RADIUS_KM: Final = 50.0
RadiusKm = Annotated[
    float | None,
    QueryParameter(
        gt=0,
        le=20_038,
        description=f"How far around `near`; {DEFAULT_RADIUS_KM:g} where it is missing.",
    ),
]


def parse_search_area(near: str | None, radius_km: float | None) -> NearLocation | None:
    """The circle asked for; None for everywhere.

    Raises:
        Invalid: not a place on Earth, or a radius around none.
    """
    if near is None:
        if radius_km is not None:
            raise _invalid_parameter(
                "radius_km", "needs_near", "needs near, the place that it is around"
            )
        return None
    latitude, longitude = (float(part) for part in near.split(","))
    if abs(latitude) > 90 or abs(longitude) > 180:  # noqa: PLR2004 - the ends of the Earth
        raise _invalid_parameter("near", "range", _RULE)
    return NearLocation(latitude, longitude, DEFAULT_RADIUS_KM if radius_km is None else radius_km)


def _invalid_parameter(parameter: str, code: str, rule: str) -> Invalid:
    error = {"parameter": parameter, "in": "query", "code": code, "detail": rule}
    return Invalid(f"{parameter}: {rule}.", errors=[error])
