"""Card payments by Stripe's PaymentIntents: reserved when ordered, captured when the goods go.

The adapter calls Stripe's API over httpx. Stripe's own library would add five calls and a
signature, and retries out of our control: here every retry is recorded in the database, under its
idempotency key, and survives the process.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from http import HTTPStatus
from typing import Any, Final

import httpx
import structlog

from domain.kernel.ids import AttemptId, TransactionId
from domain.payments.attempts import (
    FailedRefund,
    ProviderOutcome,
    ProviderOutcomeConfirmed,
    ProviderOutcomeDeclined,
    ProviderOutcomeUnknown,
    ProviderPayment,
    ProviderPaymentStage,
)
from service.payments.ports import AuthorisationRequest

API_VERSION: Final = "2024-06-20"
"""The shapes below are those of this version, whatever the account's own is."""
CONNECT_TIMEOUT_SECONDS: Final = 5.0
READ_TIMEOUT_SECONDS: Final = 20.0
"""Stripe answers within seconds; a bank behind it may take its time."""
MAX_RETRY_AFTER: Final = timedelta(hours=1)
MAX_REFUNDS: Final = 100

STAGES_BY_STATUS: Final[Mapping[str, ProviderPaymentStage]] = {
    "requires_payment_method": ProviderPaymentStage.OPEN,
    "requires_confirmation": ProviderPaymentStage.OPEN,
    "requires_action": ProviderPaymentStage.OPEN,
    "processing": ProviderPaymentStage.PROCESSING,
    "requires_capture": ProviderPaymentStage.AUTHORISED,
    "succeeded": ProviderPaymentStage.CAPTURED,
    "canceled": ProviderPaymentStage.CANCELLED,
}
FAILED_REFUND_STATUSES: Final = frozenset({"failed", "canceled"})
EXPAND_REFUNDS: Final = "latest_charge.refunds"
RETRYABLE: Final = frozenset(
    {
        HTTPStatus.REQUEST_TIMEOUT,
        HTTPStatus.CONFLICT,  # the first request with this key is still running
        HTTPStatus.TOO_MANY_REQUESTS,
    }
)
NO_CUSTOMER: Final = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})

log = structlog.get_logger("hylla.payments")


class StripeProvider:
    """One account. `return_url` is where a bank's page sends the shopper back to."""

    provider = "stripe"

    def __init__(
        self,
        secret_key: str,
        *,
        publishable_key: str = "",
        base_url: str = "https://api.stripe.com",
        return_url: str = "",
        timeout_s: float = READ_TIMEOUT_SECONDS,
    ) -> None:
        self.publishable_key = publishable_key
        self._return_url = return_url
        self._client = httpx.AsyncClient(
            base_url=f"{base_url.rstrip('/')}/v1",
            headers={"Authorization": f"Bearer {secret_key}", "Stripe-Version": API_VERSION},
            timeout=httpx.Timeout(timeout_s, connect=min(CONNECT_TIMEOUT_SECONDS, timeout_s)),
            trust_env=False,
        )

    async def close(self) -> None:
        await self._client.aclose()

    async def authorise(
        self, wanted: AuthorisationRequest, *, key: TransactionId, again: bool = False
    ) -> ProviderOutcome:
        if again and (found := await self.find_payment(wanted.attempt)):
            return found
        outcome = await self._request_payment_intent(
            "POST", "/payment_intents", self._payment_intent_params(wanted), key
        )
        if isinstance(outcome, ProviderOutcomeUnknown) and outcome.code in {
            "unauthorized",
            "forbidden",
        }:
            return ProviderOutcomeDeclined(
                outcome.code
            )  # it was not even read, and the shopper waits
        return outcome

    def _payment_intent_params(self, wanted: AuthorisationRequest) -> dict[str, str]:
        form = {
            "amount": str(wanted.amount.amount),
            "currency": wanted.amount.currency.lower(),
            "capture_method": "manual",
            "automatic_payment_methods[enabled]": "true",
            "description": f"Order {wanted.order}",
            "metadata[order]": wanted.order,
            "metadata[attempt]": wanted.attempt,
        }
        if not self._return_url:
            form["automatic_payment_methods[allow_redirects]"] = "never"
        if wanted.card:
            form |= {"payment_method": wanted.card, "confirm": "true"}
            form |= {"return_url": self._return_url} if self._return_url else {}
        return form

    async def capture(self, payment: str, amount: int, *, again: bool = False) -> ProviderOutcome:
        if again and (
            done := await self._get_if_in_stage(
                payment, ProviderPaymentStage.CAPTURED, ProviderPaymentStage.CANCELLED
            )
        ):
            return done
        return await self._transition(payment, "capture", {"amount_to_capture": str(amount)})

    async def void(self, payment: str, *, again: bool = False) -> ProviderOutcome:
        if again and (
            done := await self._get_if_in_stage(
                payment, ProviderPaymentStage.CAPTURED, ProviderPaymentStage.CANCELLED
            )
        ):
            return done
        return await self._transition(payment, "cancel", {})

    async def refund(
        self, payment: str, amount: int, *, key: TransactionId, again: bool = False
    ) -> ProviderOutcome:
        made: dict[str, Any] | ProviderOutcome | None = None
        if again:
            made = await self._find_refund(payment, key)
        if made is None:
            form = {
                "payment_intent": payment,
                "amount": str(amount),
                "metadata[transaction]": key,
            }
            made = await self._request("POST", "/refunds", form, key)
        if not isinstance(made, dict):
            return made
        if made["status"] in FAILED_REFUND_STATUSES:
            return ProviderOutcomeDeclined(_failure_reason(made))
        told = await self.get_payment(payment)  # the figures are the payment's own
        return (
            ProviderOutcomeConfirmed(told.payment, made["id"])
            if isinstance(told, ProviderOutcomeConfirmed)
            else told
        )

    async def get_payment(self, payment: str) -> ProviderOutcome:
        return await self._request_payment_intent("GET", f"/payment_intents/{payment}", {})

    async def find_payment(self, attempt: AttemptId) -> ProviderOutcome | None:
        query = {"query": f"metadata['attempt']:'{attempt}'", "limit": "1"}
        answer = await self._request("GET", "/payment_intents/search", query)
        if not isinstance(answer, dict):
            return answer if isinstance(answer, ProviderOutcomeUnknown) else None
        return (
            ProviderOutcomeConfirmed(to_provider_payment(answer["data"][0]))
            if answer["data"]
            else None
        )

    async def _get_if_in_stage(
        self, payment: str, *stages: ProviderPaymentStage
    ) -> ProviderOutcome | None:
        """Returns the outcome of the payment, where it has reached one of these stages."""
        told = await self.get_payment(payment)
        return (
            told
            if isinstance(told, ProviderOutcomeConfirmed) and told.payment.status in stages
            else None
        )

    async def _find_refund(self, payment: str, key: TransactionId) -> dict[str, Any] | None:
        answer = await self._list_refunds(payment)
        refunds = answer["data"] if isinstance(answer, dict) else []
        return next((one for one in refunds if one["metadata"].get("transaction") == key), None)

    async def _list_refunds(self, payment: str) -> "dict[str, Any] | ProviderOutcome":
        query = {"payment_intent": payment, "limit": str(MAX_REFUNDS)}
        return await self._request("GET", "/refunds", query)

    async def _transition(self, payment: str, verb: str, form: dict[str, str]) -> ProviderOutcome:
        """Runs a one-time transition; where it is refused, returns the payment's current state."""
        outcome = await self._request_payment_intent(
            "POST", f"/payment_intents/{payment}/{verb}", form
        )
        if not isinstance(outcome, ProviderOutcomeDeclined) or outcome.payment is not None:
            return outcome
        told = await self.get_payment(payment)
        return (
            ProviderOutcomeDeclined(outcome.code, told.payment)
            if isinstance(told, ProviderOutcomeConfirmed)
            else outcome
        )

    async def _request_payment_intent(
        self, method: str, path: str, form: dict[str, str], key: TransactionId | None = None
    ) -> ProviderOutcome:
        answer = await self._request(method, path, form | {"expand[]": EXPAND_REFUNDS}, key)
        if not isinstance(answer, dict):
            return answer
        refunds = _get_charge(answer).get("refunds") or {}
        if not refunds.get("has_more"):
            return ProviderOutcomeConfirmed(to_provider_payment(answer, refunds.get("data")))
        more = await self._list_refunds(answer["id"])  # a charge shows the newest ten
        return (
            ProviderOutcomeConfirmed(to_provider_payment(answer, more["data"]))
            if isinstance(more, dict)
            else more
        )

    async def _request(
        self, method: str, path: str, form: dict[str, str], key: TransactionId | None = None
    ) -> "dict[str, Any] | ProviderOutcome":
        """Returns the object in the answer, or the outcome of the request."""
        try:
            answer = await self._client.request(
                method,
                path,
                params=form if method == "GET" else None,
                data=form if method == "POST" else None,
                headers={"Idempotency-Key": key} if key else None,
            )
            body = answer.json()
        except (httpx.HTTPError, ValueError) as lost:
            return ProviderOutcomeUnknown(type(lost).__name__)
        if not isinstance(body, dict):
            return ProviderOutcomeUnknown("unreadable")
        return body if answer.is_success else _to_error(answer, body.get("error") or {})


def _to_error(answer: httpx.Response, error: Mapping[str, Any]) -> ProviderOutcome:
    """402 is the bank's no; 4xx ours to mend; everything else may have been done."""
    status = answer.status_code
    intent = error.get("payment_intent")
    truth = to_provider_payment(intent) if isinstance(intent, dict) else None
    code = str(error.get("decline_code") or error.get("code") or error.get("type") or status)
    if status == HTTPStatus.PAYMENT_REQUIRED and truth is not None:
        return ProviderOutcomeConfirmed(truth)
    if status in NO_CUSTOMER:
        log.error("provider refuses our key", provider="stripe", status=status)
        return ProviderOutcomeUnknown(HTTPStatus(status).name.lower())
    if error.get("type") == "idempotency_error":
        log.error("a key was used for something else", provider="stripe")
        return ProviderOutcomeUnknown("idempotency_error")
    if status in RETRYABLE or answer.is_server_error:
        return ProviderOutcomeUnknown(code, _retry_after(answer))
    return ProviderOutcomeDeclined(code, truth)


def _retry_after(answer: httpx.Response) -> timedelta | None:
    """`Retry-After` in whole seconds, as Stripe sends it; nonsense counts as absent."""
    said = answer.headers.get("retry-after", "").strip()
    return min(timedelta(seconds=int(said)), MAX_RETRY_AFTER) if said.isdecimal() else None


def to_provider_payment(
    intent: Mapping[str, Any], refunds: Sequence[Mapping[str, Any]] | None = None
) -> ProviderPayment:
    """Maps a PaymentIntent to the domain; an unknown status is one to be checked again.

    A refund may be `succeeded` for days and `failed` then. A charge's sum of refunds is not defined
    for that case, so the refunds are summed here, where they were requested too.
    """
    stage = STAGES_BY_STATUS.get(intent["status"], ProviderPaymentStage.PROCESSING)
    error = intent.get("last_payment_error")
    if intent["status"] == "requires_payment_method" and error:
        stage = ProviderPaymentStage.DECLINED
    charge = _get_charge(intent)
    received = intent.get("amount_received") or 0
    return ProviderPayment(
        payment=intent["id"],
        status=stage,
        authorised=intent.get("amount_capturable") or 0,
        captured=received if stage is ProviderPaymentStage.CAPTURED else 0,
        refunded=_sum_refunds(charge, refunds),
        failed_refunds=tuple(
            FailedRefund(one["id"], one["amount"], _failure_reason(one))
            for one in refunds or ()
            if one["status"] in FAILED_REFUND_STATUSES
        ),
        disputed=bool(charge.get("disputed")),
        code=str((error or {}).get("decline_code") or (error or {}).get("code") or ""),
        client_secret=intent.get("client_secret") or "",
        next_action=intent.get("next_action"),
    )


def _get_charge(intent: Mapping[str, Any]) -> Mapping[str, Any]:
    """Its charge, where it was sent along."""
    charge = intent.get("latest_charge")
    return charge if isinstance(charge, dict) else {}


def _sum_refunds(charge: Mapping[str, Any], refunds: Sequence[Mapping[str, Any]] | None) -> int:
    """Minor units of all its refunds, those that failed with them."""
    if refunds is None:
        return charge.get("amount_refunded") or 0
    return sum(one["amount"] for one in refunds)


def _failure_reason(refund: Mapping[str, Any]) -> str:
    return str(refund.get("failure_reason") or refund["status"])
