"""Expected refusals, each with a message, a stable code and the facts to act on."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar


class DomainError(Exception):
    """Its subclasses, below, are the kinds of refusal; the HTTP adapter maps each to a status."""

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
        self.error_code = code or self.code


class Unauthenticated(DomainError):
    """The caller is unknown."""

    code = "unauthenticated"


class Forbidden(DomainError):
    """A caller of the wrong kind."""

    code = "forbidden"


class NotFound(DomainError):
    """Not there, or not the caller's; the answer is the same for both."""

    code = "not_found"

    def __init__(self, detail: str = "There is no such thing.", **more: Any) -> None:
        super().__init__(detail, **more)


class Conflict(DomainError):
    """The state of the shop does not allow it now."""

    code = "conflict"


class PreconditionFailed(DomainError):
    """The caller decided on a version that is no longer the newest."""

    code = "version_conflict"


class Invalid(DomainError):
    """Readable, but wrong; `errors` names each field and its rule."""

    code = "invalid"


class IdempotencyKeyRequired(DomainError):
    """Money, stock or points move, so a repeat must be recognisable."""

    code = "idempotency_key_required"


class RateLimited(DomainError):
    """The rate limit is exceeded; `facts["retry_after_s"]` is the time to wait, in seconds."""

    code = "rate_limited"


class Unavailable(DomainError):
    """Not now; try again with the same key."""

    code = "busy"


class Locked(Unavailable):
    """Another transaction locked a needed row for longer than this one could wait."""


class TransactionConflict(Unavailable):
    """Two transactions conflicted and this one was rolled back; it had no effect."""


class InvalidField(Invalid):
    """One field breaks its rule; `field` is its path, with dots."""

    def __init__(self, field: str, code: str, rule: str) -> None:
        pointer = "/" + field.replace(".", "/")
        super().__init__(
            f"{field} {rule}.", errors=[{"pointer": pointer, "code": code, "detail": rule}]
        )
