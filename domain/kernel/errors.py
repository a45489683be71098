"""An expected "no": what the clerk would say, with a stable code and the facts to act on."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar


class Refusal(Exception):  # noqa: N818 - a refusal is an answer, not an error
    """Its kinds, below, say what sort of "no" it is; what status that is, HTTP knows."""

    code: ClassVar[str] = "refused"

    def __init__(
        self,
        detail: str,
        *,
        errors: Sequence[Mapping[str, Any]] = (),
        facts: Mapping[str, Any] | None = None,
        code: str | None = None,
    ) -> None:
        """`errors` names fields (`pointer`, `code`, `detail`) or lines; `facts` helps to act."""
        super().__init__(detail)
        self.detail = detail
        self.errors = list(errors)
        self.facts = dict(facts or {})
        self.name = code or self.code


class Unknown(Refusal):
    """Nobody we know is calling."""

    code = "unauthenticated"


class Forbidden(Refusal):
    """A caller of the wrong kind."""

    code = "forbidden"


class Missing(Refusal):
    """Not there, or not yours; the two are not told apart."""

    code = "not_found"

    def __init__(self, detail: str = "There is no such thing.", **more: Any) -> None:
        super().__init__(detail, **more)


class Conflict(Refusal):
    """The state of the shop does not allow it now."""

    code = "conflict"


class Stale(Refusal):
    """The caller decided on a version that is no longer the newest."""

    code = "version_conflict"


class Invalid(Refusal):
    """Readable, but wrong; `errors` names each field and its rule."""

    code = "invalid"


class KeyRequired(Refusal):
    """Money, stock or points move, so a repeat must be recognisable."""

    code = "idempotency_key_required"


class TooMany(Refusal):
    """Asked too often; `facts["retry_after_s"]` says when to come back."""

    code = "rate_limited"


class Busy(Refusal):
    """Not now; try again with the same key."""

    code = "busy"


class Locked(Busy):
    """Somebody else keeps what this needs, for longer than it could wait."""


class GaveWay(Busy):
    """Two were in each other's way, and this one was undone; what it did never happened."""


class WrongField(Invalid):
    """One field breaks its rule; `field` is its path, with dots."""

    def __init__(self, field: str, code: str, rule: str) -> None:
        pointer = "/" + field.replace(".", "/")
        super().__init__(
            f"{field} {rule}.", errors=[{"pointer": pointer, "code": code, "detail": rule}]
        )
