"""Stripe on loopback: a real HTTP server with its shapes, which misbehaves on demand.

It keeps what it really reserved, took and gave back, so that a test can hold its book against
ours. It runs in a thread of its own: a test in an event loop and a service in another process
talk to it alike.
"""

import hmac
import itertools
import json
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from enum import StrEnum
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

import httpx

SECRET_KEY: Final = "sk_test_of_a_sample_account"
SIGNING: Final = "whsec_of_a_sample_account"
OLD_SIGNING: Final = "whsec_of_last_year"

GOOD: Final = "pm_card_visa"
DECLINED: Final = "pm_card_declined"
ASKS_THE_BANK: Final = "pm_card_3ds"
SLOW: Final = "pm_card_slow"


class Fault(StrEnum):
    """What goes wrong with one request; all but the last three have done what was asked."""

    HANGS = "hangs"
    HANGS_UP = "hangs_up"
    BREAKS_AFTER = "breaks_after"
    BREAKS_BEFORE = "breaks_before"
    BUSY = "busy"
    BUSY_FOR_A_WHILE = "busy_for_a_while"


class No(Exception):
    def __init__(self, status: int, type_: str, code: str = "", **more: Any) -> None:
        self.status = status
        self.error = {"type": type_, "message": "No.", **({"code": code} if code else {}), **more}


class FakeStripe:
    """`calls` counts the requests by what they ask; `events` are those not delivered yet."""

    def __init__(self) -> None:
        self.intents: dict[str, dict[str, Any]] = {}
        self.refunds: list[dict[str, Any]] = []
        self.events: list[dict[str, Any]] = []
        self.calls: Counter[str] = Counter()
        self.faults: dict[str, deque[Fault]] = {}
        self.before_answer: Callable[[], object] | None = None
        self.dead = False
        self.hook = ""
        self.url = ""
        self.search_lags = False
        self._answers: dict[str, tuple[Any, int, Any]] = {}
        self._names = itertools.count(1)
        self._lock = threading.RLock()
        self.closing = threading.Event()

    # --- what a test tells it, and reads of it ---

    def will(self, verb: str, *faults: Fault) -> None:
        """Let the next requests of `verb` (create, capture, cancel, refund, look) go wrong."""
        self.faults.setdefault(verb, deque()).extend(faults)

    @property
    def only(self) -> dict[str, Any]:
        [intent] = self.intents.values()
        return intent

    def book(self) -> dict[str, tuple[str, int, int, int]]:
        """Each payment: its status, and what is reserved, was taken and was given back."""
        return {
            name: (
                intent["status"],
                intent["amount_capturable"],
                intent["amount_received"],
                intent["refunded"],
            )
            for name, intent in self.intents.items()
        }

    def pays(self, payment: str, card: str = GOOD) -> None:
        """The shopper gives a card on the page, or answers the bank."""
        with self._lock, suppress(No):
            self._confirm(self.intents[payment], card)

    def captures_by_itself(self, payment: str) -> None:
        """Somebody at the provider's own desk takes the money."""
        with self._lock:
            self._capture(payment, {})

    def lapses(self, payment: str) -> None:
        """A reserved amount that nobody took in a week."""
        with self._lock:
            self._cancel(payment, {})

    def sends_back(self, refund: str, code: str = "expired_or_canceled_card") -> None:
        """The bank of a card has nowhere to put a refund that was done."""
        with self._lock:
            [found] = [one for one in self.refunds if one["id"] == refund]
            found |= {"status": "failed", "failure_reason": code}
            self.intents[found["payment_intent"]]["refunded"] -= found["amount"]
            self._tell("refund.failed", found)

    def disputes(self, payment: str) -> None:
        with self._lock:
            intent = self.intents[payment]
            intent["disputed"] = True
            charge = _charge(intent)
            self._tell(
                "charge.dispute.created",
                {"object": "dispute", "id": "dp_1", "payment_intent": payment, "charge": charge},
            )

    def take_events(self, *kinds: str) -> list[tuple[bytes, dict[str, str]]]:
        """Bodies and headers of what is to be told, signed now; of these kinds, or all."""
        with self._lock:
            wanted = [one for one in self.events if not kinds or one["type"] in kinds]
            self.events = [one for one in self.events if one not in wanted]
        return [signed(one) for one in wanted]

    def deliver(self, hook: str) -> list[int]:
        """Bring everything to `hook`; the statuses that it answered."""
        return [
            httpx.post(hook, content=body, headers=headers, timeout=30).status_code
            for body, headers in self.take_events()
        ]

    # --- what a request asks ---

    def answer(
        self, method: str, path: str, headers: Any, form: dict[str, str]
    ) -> tuple[int, Any, dict[str, str], Fault | None]:
        verb = _verb(method, path)
        with self._lock:
            self.calls[verb] += 1
            waiting = self.faults.get(verb)
            fault = waiting.popleft() if waiting else None
        if headers.get("Authorization") != f"Bearer {SECRET_KEY}":
            return 401, {"error": {"type": "invalid_request_error"}}, {}, None
        if fault is Fault.BUSY:
            return 429, {"error": {"type": "rate_limit_error", "code": "rate_limit"}}, {}, None
        if fault is Fault.BUSY_FOR_A_WHILE:
            error = {"error": {"type": "rate_limit_error", "code": "rate_limit"}}
            return 429, error, {"Retry-After": "1"}, None
        if fault is Fault.BREAKS_BEFORE:
            return 500, {"error": {"type": "api_error"}}, {}, None
        with self._lock:
            status, body = self._once(method, path, headers.get("Idempotency-Key"), form, fault)
        return status, body, {}, fault

    def _once(
        self, method: str, path: str, key: str | None, form: dict[str, str], fault: Fault | None
    ) -> tuple[int, Any]:
        """What was answered to this key before, or the answer; also a 500 is given again."""
        print_ = (method, path, sorted(form.items()))
        if key and key in self._answers:
            before, status, body = self._answers[key]
            if before != print_:
                return 400, {"error": {"type": "idempotency_error"}}
            return status, body
        try:
            status, body = 200, self._do(method, path, form)
        except No as no:
            status, body = no.status, {"error": no.error}
        if fault is Fault.BREAKS_AFTER:
            status, body = 500, {"error": {"type": "api_error"}}
        body = json.loads(json.dumps(body))
        if key:
            self._answers[key] = (print_, status, body)
        return status, body

    def _do(self, method: str, path: str, form: dict[str, str]) -> Any:
        steps = {"capture": self._capture, "cancel": self._cancel}
        match [method, *path.removeprefix("/v1/").split("/")]:
            case ["POST", "payment_intents"]:
                return self._create(form)
            case ["GET", "payment_intents", "search"]:
                return {"object": "search_result", "data": self._found(form["query"])}
            case ["GET", "payment_intents", payment]:
                return _view(self._intent(payment), form, self.refunds)
            case ["POST", "payment_intents", payment, verb] if verb in steps:
                return _view(steps[verb](payment, form), form, self.refunds)
            case ["POST", "refunds"]:
                return self._refund(form)
            case ["GET", "refunds"]:
                of = form["payment_intent"]
                return {"data": [one for one in self.refunds if one["payment_intent"] == of][::-1]}
        raise No(404, "invalid_request_error", "resource_missing")

    def _create(self, form: dict[str, str]) -> Any:
        assert form["capture_method"] == "manual", form
        name = f"pi_{next(self._names):06d}"
        intent = {
            "id": name,
            "object": "payment_intent",
            "status": "requires_payment_method",
            "amount": int(form["amount"]),
            "currency": form["currency"],
            "amount_capturable": 0,
            "amount_received": 0,
            "client_secret": f"{name}_secret_sample",
            "latest_charge": None,
            "last_payment_error": None,
            "next_action": None,
            "metadata": {
                part.removeprefix("metadata[").removesuffix("]"): value
                for part, value in form.items()
                if part.startswith("metadata[")
            },
            "refunded": 0,
            "disputed": False,
        }
        self.intents[name] = intent
        if form.get("confirm") == "true":
            self._confirm(intent, form["payment_method"])
        return _view(intent, form, self.refunds)

    def _confirm(self, intent: dict[str, Any], card: str) -> None:
        if intent["status"] == "canceled":
            raise _unexpected(intent)
        intent["last_payment_error"] = None
        if card == DECLINED:
            error = {"type": "card_error", "code": "card_declined", "decline_code": "do_not_honor"}
            intent |= {"status": "requires_payment_method", "last_payment_error": error}
            self._tell("payment_intent.payment_failed", intent)
            raise No(
                402,
                payment_intent=_view(intent, {}, self.refunds),
                type_="card_error",
                **_no_type(error),
            )
        if card == ASKS_THE_BANK:
            intent["status"] = "requires_action"
            intent["next_action"] = {"type": "use_stripe_sdk", "use_stripe_sdk": {}}
            self._tell("payment_intent.requires_action", intent)
            return
        if card == SLOW:
            intent["status"] = "processing"
            self._tell("payment_intent.processing", intent)
            return
        intent |= {
            "status": "requires_capture",
            "amount_capturable": intent["amount"],
            "next_action": None,
            "latest_charge": intent["id"].replace("pi_", "ch_"),
        }
        self._tell("payment_intent.amount_capturable_updated", intent)

    def _capture(self, payment: str, form: dict[str, str]) -> Any:
        intent = self._intent(payment)
        if intent["status"] != "requires_capture":
            raise _unexpected(intent)
        amount = int(form.get("amount_to_capture", intent["amount_capturable"]))
        if amount > intent["amount_capturable"]:
            raise No(400, "invalid_request_error", "amount_too_large")
        intent |= {"status": "succeeded", "amount_capturable": 0, "amount_received": amount}
        self._tell("payment_intent.succeeded", intent)
        return intent

    def _cancel(self, payment: str, _: dict[str, str]) -> Any:
        intent = self._intent(payment)
        if intent["status"] in {"succeeded", "canceled", "processing"}:
            raise _unexpected(intent)
        intent |= {"status": "canceled", "amount_capturable": 0, "next_action": None}
        self._tell("payment_intent.canceled", intent)
        return intent

    def _refund(self, form: dict[str, str]) -> Any:
        intent = self._intent(form["payment_intent"])
        amount = int(form["amount"])
        if intent["refunded"] + amount > intent["amount_received"]:
            raise No(400, "invalid_request_error", "charge_already_refunded")
        intent["refunded"] += amount
        refund = {
            "id": f"re_{next(self._names):06d}",
            "object": "refund",
            "status": "succeeded",
            "amount": amount,
            "payment_intent": intent["id"],
            "metadata": {"transaction": form.get("metadata[transaction]", "")},
        }
        self.refunds.append(refund)
        self._tell("charge.refunded", _charge(intent))
        return refund

    def _intent(self, payment: str) -> dict[str, Any]:
        if payment not in self.intents:
            raise No(404, "invalid_request_error", "resource_missing")
        return self.intents[payment]

    def _found(self, query: str) -> list[Any]:
        name = query.partition("metadata['")[2].partition("']")[0]
        value = query.rpartition(":'")[2].removesuffix("'")
        found = [one for one in self.intents.values() if one["metadata"].get(name) == value]
        return [] if self.search_lags else [_view(one, {}, self.refunds) for one in found]

    def _tell(self, kind: str, thing: dict[str, Any]) -> None:
        event = {
            "id": f"evt_{next(self._names):06d}",
            "object": "event",
            "type": kind,
            "created": int(time.time()),
            "livemode": False,
            "data": {"object": json.loads(json.dumps(thing))},
        }
        self.events.append(event)


def signed(
    event: dict[str, Any], *secrets: str, at: float | None = None
) -> tuple[bytes, dict[str, str]]:
    """An event as it is posted; signed with each of `secrets`, at that moment."""
    body, stamp = json.dumps(event).encode(), int(time.time() if at is None else at)
    signatures = [
        hmac.new(secret.encode(), f"{stamp}.".encode() + body, sha256).hexdigest()
        for secret in secrets or (SIGNING,)
    ]
    header = ",".join([f"t={stamp}", *(f"v1={one}" for one in signatures), "v0=old"])
    return body, {"Stripe-Signature": header, "Content-Type": "application/json"}


def _verb(method: str, path: str) -> str:
    last = path.rpartition("/")[2]
    if last in {"capture", "cancel", "search"}:
        return last
    if last == "refunds":
        return "refund" if method == "POST" else "refunds"
    return "create" if method == "POST" else "look"


def _view(
    intent: dict[str, Any], form: dict[str, str], refunds: list[dict[str, Any]]
) -> dict[str, Any]:
    seen = {name: value for name, value in intent.items() if name not in {"refunded", "disputed"}}
    if form.get("expand[]") == "latest_charge.refunds" and intent["latest_charge"]:
        newest = [one for one in refunds if one["payment_intent"] == intent["id"]][::-1]
        page = {"object": "list", "data": newest[:10], "has_more": len(newest) > 10}
        seen["latest_charge"] = _charge(intent) | {"refunds": page}
    return seen


def _charge(intent: dict[str, Any]) -> dict[str, Any]:
    return {
        "object": "charge",
        "id": intent["latest_charge"],
        "payment_intent": intent["id"],
        "amount_refunded": intent["refunded"],
        "disputed": intent["disputed"],
        "metadata": {},
    }


def _no_type(error: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in error.items() if name != "type"}


def _unexpected(intent: dict[str, Any]) -> No:
    return No(
        400,
        "invalid_request_error",
        "payment_intent_unexpected_state",
        payment_intent=_view(intent, {}, []),
    )


def _handler(fake: FakeStripe) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            address = urlsplit(self.path)
            text = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            if fake.dead:
                self.close_connection = True
                return
            form = dict(parse_qsl(text or address.query))
            status, body, more, fault = fake.answer(self.command, address.path, self.headers, form)
            if fake.before_answer:
                fake.before_answer()
            if fault is Fault.HANGS:
                fake.closing.wait(30)
            if fault in {Fault.HANGS, Fault.HANGS_UP}:
                self.close_connection = True
                return
            told = json.dumps(body).encode()
            self.send_response(status)
            for name, value in {"Content-Length": str(len(told)), **more}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(told)

        do_GET = do_POST = _serve  # noqa: N815 - names of http.server

        def log_message(self, *_: Any) -> None:
            """Nothing: the test tells what matters."""

    return Handler


@contextmanager
def running() -> Iterator[FakeStripe]:
    """A fake that answers at its `url`."""
    fake = FakeStripe()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(fake))
    server.daemon_threads = True
    fake.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield fake
    finally:
        fake.closing.set()
        server.shutdown()
        server.server_close()
        thread.join()
