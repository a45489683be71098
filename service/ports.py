"""What the use cases ask of the world. Each contract is its docstring; `adapters` keeps it.

A verb that takes many does its work in one statement. Nothing inside a unit waits on anything
but the database.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta
from typing import Protocol, TypeVar, runtime_checkable

from msgspec import Struct

from domain import preferences
from domain.audit import Invariant, Repair
from domain.callers import Caller, Role
from domain.carts import Cart
from domain.catalogue import Made, Product
from domain.channels import Channel, Outcome, Outgoing
from domain.consent import Consent
from domain.customers import Customer, Profile
from domain.events import Event
from domain.feed import Changed
from domain.holds import Hold, HoldState
from domain.ids import (
    CartId,
    CustomerId,
    HoldId,
    KeyId,
    MemberId,
    MessageId,
    OrderId,
    PickupId,
    Sku,
    StoreId,
    TransferId,
    WebhookId,
)
from domain.incidents import (
    Claim,
    Incident,
    IncidentId,
    IncidentKind,
    IncidentState,
    Stranger,
)
from domain.keys import Key
from domain.letters import Letter, Rendered
from domain.messages import Kind, Message, MessageState
from domain.orders import Order
from domain.pickups import Allocation, Pickup, PickupState
from domain.points import EntryId, Purchase
from domain.refusals import Refusal
from domain.rewards import Standing, Statement
from domain.sales import Book, Kept, ReceiptId, Trade
from domain.stock import Move, Movement, PastShelf, Place, Shelf
from domain.stocktaking import Told
from domain.stores import Store
from domain.transfers import Transfer, TransferState
from domain.webhooks import ChangesTold, Parcel, Receipt, Settled, Webhook

T = TypeVar("T")


class RequestKey(Struct):
    """An Idempotency-Key: whose, and what was asked with it.

    `replayed` is set by `Requests.claim` when the first answer is given again.
    """

    principal: str
    key: str
    digest: bytes
    replayed: bool = False


class Requests(Protocol):
    async def claim(self, key: RequestKey | None, kind: type[T]) -> T | None:
        """The first answer to `key`, or None: then the work is ours. A rival waits here.

        Without a key there is nothing to remember, and the work is ours.

        Raises:
            KeyReused: the key already stands for a different request.
            InProgress: the first request with it is still running.
        """

    async def claim_all(
        self, keys: Sequence[RequestKey], kind: type[T]
    ) -> list[T | Refusal | None]:
        """As `claim`, for many at once: the first answer, the refusal, or None where it is ours."""

    async def answer_all(self, answers: Sequence[tuple[RequestKey, object]]) -> None:
        """As `answer`, for many at once."""

    async def withdraw_all(self, keys: Sequence[RequestKey]) -> None:
        """As `withdraw`, for many at once."""

    async def answer(self, key: RequestKey | None, value: object) -> None:
        """Remember `value` as the answer to `key`, in the same unit as its effect."""

    async def withdraw(self, key: RequestKey | None) -> None:
        """Let a claimed key be tried again, where a unit ends well without its effect."""

    async def forget(self, before: datetime, limit: int) -> int:
        """Give first answers older than that no longer, `limit` at a time; how many those were."""


class Stores(Protocol):
    async def get(self, store: StoreId) -> Store:
        """Raises Missing."""

    async def by_id(self, stores: Collection[StoreId]) -> dict[StoreId, Store]:
        """Those that exist."""

    async def lock(self, stores: Collection[StoreId]) -> dict[StoreId, Store]:
        """Those that exist, kept as they are until the unit ends."""

    async def page(self, after: StoreId, limit: int, *, pickup: bool | None = None) -> list[Store]:
        """In the order of their keys, from the one behind `after` on."""

    async def near(
        self, latitude: float, longitude: float, radius_km: float
    ) -> list[tuple[Store, float]]:
        """Those within the radius with their distance in km, the nearest first."""

    async def put(self, stores: Sequence[Store]) -> None:
        """Write each store, new or known, as it is now."""


class Products(Protocol):
    async def get(self, sku: Sku) -> Product:
        """Raises Missing."""

    async def by_sku(self, skus: Collection[Sku]) -> dict[Sku, Product]:
        """Those that exist, active or retired, with the parts of kits and their relations."""

    async def lock(self, skus: Collection[Sku]) -> dict[Sku, Product]:
        """Those that exist, kept as they are until the unit ends."""

    async def known(self, skus: Collection[Sku]) -> set[Sku]:
        """Which of them exist."""

    async def made_of(self, skus: Collection[Sku]) -> dict[Sku, Made]:
        """What those that exist are made of, and the parts of the kits among them."""

    async def called(self, gtins: Collection[str]) -> dict[str, Sku]:
        """What bears each of these barcodes, in 14 digits; the active first."""

    async def search(
        self, *, gtin: str | None, query: str | None, after: Sku, limit: int
    ) -> list[Product]:
        """By barcode, and by a part of the sku, the category or a name in any language.

        In the order of their skus, from the one behind `after` on.
        """

    async def variants(self, sku: Sku, *, after: Sku, limit: int) -> list[Product]:
        """The product and its siblings of one group, in the order of their skus after `after`."""

    async def kits_of(self, skus: Collection[Sku]) -> list[Product]:
        """The kits that any of these is a part of."""

    async def put(self, products: Sequence[Product]) -> None:
        """Write each product, new or known, as it is now."""


class Stock(Protocol):
    """The one writer of stock."""

    async def of(
        self, skus: Collection[Sku], stores: Collection[StoreId] | None = None
    ) -> dict[Place, Shelf]:
        """The shelves of these SKUs, in these stores or everywhere, as they are now."""

    async def lock(self, places: Collection[Place], *, shelve: bool = False) -> dict[Place, Shelf]:
        """The shelves as they are now, kept so until the unit ends.

        Absent ones are left out, or made empty where `shelve` says so.
        """

    async def apply(self, moves: Collection[Move]) -> dict[Place, Shelf]:
        """Add each change to its locked shelf, and write the goods that move to the ledger.

        Answers the shelves as they are after.
        """

    async def retell(self, skus: Collection[Sku]) -> None:
        """Tell of every shelf of these as of a change, since what is sold of it has changed."""

    async def moved_by(
        self, sources: Collection[tuple[str, Place]]
    ) -> dict[tuple[str, Place], tuple[str, int]]:
        """Of each source that has moved goods at its place: the cause, and by how much."""

    async def movements(
        self, sku: Sku, stores: Collection[StoreId] | None, *, before: int | None, limit: int
    ) -> list[Movement]:
        """The ledger of a SKU, newest first."""

    async def as_of(
        self, sku: Sku, stores: Collection[StoreId] | None, at: datetime
    ) -> list[PastShelf]:
        """What the ledger had recorded by a past instant, store by store."""

    async def moved_since(
        self, moments: Collection[tuple[Place, datetime]]
    ) -> dict[tuple[Place, datetime], int]:
        """Units added to each place by movements that happened after its moment."""

    async def told(self, places: Collection[Place]) -> dict[Place, Told]:
        """The last count that a file told of each place."""

    async def remember(self, told: Mapping[Place, Told]) -> None:
        """Keep each as what was last said of its place; a line of a file stays until the next."""


class Feed(Protocol):
    """The changes of all shelves, in the order in which they became true for everybody."""

    async def relay(self, limit: int) -> int:
        """Give positions to up to `limit` changes that wait for one; how many those were."""

    async def after(
        self,
        position: int,
        limit: int,
        *,
        until: int | None = None,
        skus: Collection[Sku] | None = None,
        stores: Collection[StoreId] | None = None,
    ) -> list[Changed]:
        """The first changes behind a position, of these SKUs and in these stores."""

    async def span(self) -> tuple[int, int]:
        """The oldest position that is still kept, and the newest."""

    async def forget(self, before: datetime, keep: int, limit: int) -> int:
        """Forget up to `limit` that are older than that, or not among the newest `keep`."""


class Allocations(Protocol):
    async def write(self, allocations: Collection[Allocation]) -> None:
        """Keep each allocation as it is now; new ones are added."""


class Holds(Protocol):
    async def add(self, holds: Collection[Hold]) -> None: ...

    async def get(self, hold: HoldId) -> Hold:
        """Raises Missing."""

    async def take(self, hold: HoldId) -> Hold:
        """The hold, locked until the unit ends. Raises Missing."""

    async def keep(self, hold: Hold) -> None:
        """Write a taken hold back, with what it claims."""

    async def close(self, holds: Collection[HoldId], state: HoldState) -> None:
        """End taken holds; they claim nothing any more."""

    async def take_of(
        self, members: Collection[MemberId], places: Collection[Place]
    ) -> list[tuple[MemberId, Hold]]:
        """What members hold at these places now, the oldest first, locked until the unit ends."""

    async def take_lapsed(self, now: datetime, limit: int) -> list[Hold]:
        """Active ones whose time is over and that nobody has locked, locked for us."""

    async def held_by(
        self, customers: Collection[CustomerId], skus: Collection[Sku]
    ) -> dict[tuple[CustomerId, Sku], int]:
        """Units each customer holds of each SKU, everywhere; the customers are locked."""


class Sales(Protocol):
    """Receipts of tills, each of them once and for ever."""

    async def record(self, books: Collection[Book]) -> set[ReceiptId]:
        """Write down receipts, each id once; answers those that are new.

        Each is locked until the unit ends, and so is each sale that a return names.
        """

    async def kept(self, receipts: Collection[ReceiptId]) -> dict[ReceiptId, Kept]:
        """What is known under these ids."""

    async def returned(self, sales: Collection[ReceiptId]) -> set[ReceiptId]:
        """Which of these sales a return has named."""

    async def trades(self, sales: Collection[ReceiptId]) -> Sequence[Trade]:
        """These sales, and every return that names one of them."""


class Incidents(Protocol):
    """What is out of order. `Stock.apply` opens and settles the incidents of what is oversold."""

    async def meet(self, strangers: Collection[Stranger]) -> None:
        """Open an incident for each thing that nobody knows, or add to the one that is open."""

    async def open(self, kind: IncidentKind, places: Collection[Place]) -> None:
        """Open an incident at each place where none of the kind is open."""

    async def settle(self, kind: IncidentKind, well: Mapping[Place, datetime | None]) -> None:
        """What was open at these places was in order again: at a moment of each, or by now."""

    async def get(self, incident: IncidentId) -> Incident:
        """Raises IncidentMissing."""

    async def take(self, incident: IncidentId) -> Incident:
        """The incident, locked until the unit ends. Raises IncidentMissing."""

    async def keep(self, incident: Incident) -> None:
        """Write a taken incident back."""

    async def page(
        self,
        store: StoreId,
        states: Collection[IncidentState],
        *,
        after: IncidentId | None,
        limit: int,
    ) -> Sequence[Incident]:
        """A store's incidents in one of these states, oldest first."""

    async def claims(self, places: Collection[Place]) -> Sequence[Claim]:
        """What orders wait for at these places."""


class Carts(Protocol):
    async def add(self, cart: Cart) -> None:
        """A new cart. A customer is locked first, and has no open one."""

    async def get(self, cart: CartId) -> Cart:
        """Raises Missing."""

    async def take(self, cart: CartId) -> Cart:
        """The cart, locked until the unit ends. Raises Missing."""

    async def keep(self, cart: Cart) -> None:
        """Write a taken cart back."""

    async def open_of(self, customer: CustomerId) -> Cart | None:
        """The customer's open cart, locked until the unit ends."""


class Orders(Protocol):
    async def add(self, order: Order) -> None: ...

    async def get(self, order: OrderId) -> Order:
        """Raises Missing."""

    async def take(self, order: OrderId) -> Order:
        """The order, locked until the unit ends. Raises Missing."""

    async def keep(self, order: Order) -> None:
        """Write a taken order back."""

    async def bought(self, customer: CustomerId, skus: Collection[Sku]) -> set[Sku]:
        """Which of `skus` the customer has ordered before and not cancelled."""

    async def of_customer(
        self, customer: CustomerId, *, before: OrderId | None, limit: int
    ) -> Sequence[Order]:
        """A customer's orders, newest first."""


class Pickups(Protocol):
    async def add(self, pickup: Pickup) -> None: ...

    async def get(self, pickup: PickupId) -> Pickup:
        """Raises Missing."""

    async def take(self, pickup: PickupId) -> Pickup:
        """The pickup, locked until the unit ends. Raises Missing."""

    async def keep(self, pickup: Pickup) -> None:
        """Write a taken pickup back."""

    async def by_code(self, code_hash: bytes) -> Pickup | None:
        """The pickup that waits for this code, in any store; else the last one it opened."""

    async def of_store(
        self,
        store: StoreId,
        states: Collection[PickupState],
        *,
        after: PickupId | None,
        limit: int,
    ) -> Sequence[Pickup]:
        """A store's pickups in one of these states, oldest first."""

    async def overdue(self, now: datetime, limit: int) -> list[PickupId]:
        """Ready ones whose time to collect is over."""


class Leased(Struct, frozen=True):
    """An event that is ours until its lease ends; `attempts` tells this lease from the next."""

    id: int
    event: Event
    attempts: int


class Transfers(Protocol):
    async def add(self, transfer: Transfer) -> None: ...

    async def get(self, transfer: TransferId) -> Transfer:
        """Raises Missing."""

    async def take(self, transfer: TransferId) -> Transfer:
        """The transfer, locked until the unit ends. Raises Missing."""

    async def keep(self, transfer: Transfer) -> None:
        """Write a taken transfer back."""

    async def page(
        self,
        stores: Collection[StoreId] | None,
        states: Collection[TransferState],
        *,
        after: TransferId | None,
        limit: int,
    ) -> Sequence[Transfer]:
        """Those from or to these stores, or all, in one of these states; oldest first."""


class Outbox(Protocol):
    async def add(self, *events: Event) -> None:
        """Write down what happened, in the same unit as its cause."""

    async def lease(self, limit: int, span: timedelta) -> Sequence[Leased]:
        """Up to `limit` due events, oldest first, for `span`, doubled with each attempt."""

    async def take(self, leased: Leased) -> bool:
        """Remove an event in the unit of its effect; False when another has it by now."""

    async def trouble(self, leased: Leased, words: str) -> None:
        """Note why an event could not be followed; it comes again when its lease ends."""


class Keys(Protocol):
    async def add(self, key: Key, secret_hash: bytes) -> None: ...

    async def by_secret(self, secret_hash: bytes) -> Key | None:
        """The key with this secret, unless it was revoked."""

    async def page(self, after: str, limit: int) -> list[Key]:
        """The next `limit` keys after the id `after`, in the order they were made."""

    async def revoke(self, key: KeyId, at: datetime) -> None:
        """Raises Missing."""


class Webhooks(Protocol):
    async def add(self, webhook: Webhook, secret: str) -> None: ...

    async def get(self, webhook: WebhookId) -> Webhook:
        """Raises Missing."""

    async def page(self, after: str, limit: int) -> list[Webhook]:
        """The next `limit` behind the id `after`, in the order they were made."""

    async def remove(self, webhook: WebhookId) -> None:
        """Raises Missing."""

    async def rewind(self, webhook: WebhookId, position: int) -> Webhook:
        """Go on behind `position`, at once, whatever was under way. Raises Missing."""

    async def lease(self, limit: int, span: timedelta) -> Sequence[Parcel]:
        """What is to be sent to up to `limit` who are due; ours alone for `span`."""

    async def settle(self, parcel: Parcel, settled: Settled) -> None:
        """Keep how a try ended, while it is ours."""


class Customers(Protocol):
    async def known(self, customer: CustomerId) -> CustomerId | None:
        """The customer itself, unless there is none of this id, or it was erased."""

    async def by_external_id(self, external_id: str) -> CustomerId | None:
        """Who the retailer's identity provider calls `external_id`."""

    async def get(self, customer: CustomerId) -> Profile:
        """Raises CustomerMissing."""

    async def take(self, customer: CustomerId) -> Profile:
        """The customer, locked until the unit ends. Raises CustomerMissing."""

    async def page(
        self, *, external_id: str | None, after: CustomerId | None, limit: int
    ) -> Sequence[Profile]:
        """Customers, oldest first."""

    async def add(self, told: Customer) -> None:
        """Raises ExternalIdTaken."""

    async def keep(self, customer: Customer) -> None:
        """Write a taken customer back."""

    async def lock(self, external_ids: Collection[str]) -> dict[str, Customer]:
        """Those that exist, by the retailer's key, kept as they are until the unit ends."""

    async def put(self, customers: Sequence[Customer]) -> None:
        """Write each customer with an external id, new or known, as it is now."""

    async def enrol(self, external_ids: Collection[str]) -> None:
        """Make each of these customers a member who is none yet."""


class Preferences(Protocol):
    async def of(self, customer: CustomerId) -> preferences.Preferences:
        """What the customer stated, with the language of the profile; nothing for nobody."""

    async def put(self, customer: CustomerId, stated: preferences.Preferences) -> None:
        """State all of it anew; a locale becomes the profile's too."""


class Consents(Protocol):
    """What customers said, for ever."""

    async def state(self, customer: CustomerId, consent: Consent) -> None: ...

    async def stated(self, customer: CustomerId) -> Sequence[Consent]:
        """Every statement, oldest first."""


class Messages(Protocol):
    async def plan(self, message: Message) -> None:
        """Add a message; nothing where there is one of this kind and key."""

    async def get(self, message: MessageId) -> Message:
        """Raises MessageMissing."""

    async def take(self, message: MessageId) -> Message:
        """The message, locked until the unit ends. Raises MessageMissing."""

    async def take_due(self, now: datetime) -> Message | None:
        """The planned message that is due longest and nobody has locked, locked for us."""

    async def take_lost(self, now: datetime) -> Message | None:
        """A claimed message whose lease is over, locked for us."""

    async def keep(self, message: Message) -> None:
        """Write a taken message back."""

    async def page(
        self,
        *,
        customer: CustomerId | None,
        state: MessageState | None,
        kind: Kind | None,
        before: MessageId | None,
        limit: int,
    ) -> Sequence[Message]:
        """Newest first."""

    async def marketing_since(self, customer: CustomerId, since: datetime) -> int:
        """How much advertising the customer was sent, or may still get from one who has claimed it.

        The customer is locked until the unit ends, so that nobody else counts the same.
        """


class Slots(Protocol):
    async def claim(self, job: str, slot: datetime, node: str) -> bool:
        """Whether a job is this node's in this slot of time; it is exactly one's."""


class Trespasses(Protocol):
    async def note(self, caller: Caller, operation: str, thing: str) -> None:
        """Write down that somebody asked for what is not theirs."""

    async def forget(self, before: datetime, limit: int) -> int:
        """Strike out up to `limit` that are older than that; how many those were."""


class Points(Protocol):
    """The one ledger of points. Each verb posts balanced entries, once a source."""

    async def is_member(self, customer: CustomerId) -> bool: ...

    async def promise(self, customer: CustomerId, order: OrderId, lines: Mapping[Sku, int]) -> None:
        """Post a pending lot for each line of an order; nothing for who is not a member."""

    async def confirm(self, order: OrderId, lines: Mapping[Sku, int], source: str) -> None:
        """Make so many pending points of each line available; once for each `source`."""

    async def reverse(self, order: OrderId, lines: Mapping[Sku, int], source: str) -> None:
        """Take so many pending points of each line back; once for each `source`."""

    async def members(self, said: Collection[str]) -> dict[str, MemberId]:
        """Who is meant by each of these, a member's id or the retailer's key of a customer."""

    async def earn(self, purchases: Collection[Purchase]) -> None:
        """Give the points of what was paid at once; once for each purchase."""

    async def take_back(self, returned: Mapping[str, Mapping[Sku, tuple[int, int]]]) -> None:
        """Take back the points of units that came back of those sold, line by line of purchases.

        The units are all that came back so far, so a repeat takes nothing more.
        """

    async def available(self, members: Collection[MemberId]) -> dict[MemberId, int]:
        """What each can spend."""

    async def activate(self, limit: int) -> int:
        """Make confirmed points available whose day has come, some `limit` lots; how many were."""


class Rewards(Protocol):
    """What members see of their points."""

    async def of(self, customer: CustomerId) -> Standing:
        """Raises NotAMember."""

    async def get(self, member: MemberId) -> Standing:
        """Raises NotAMember."""

    async def statement(
        self, member: MemberId, *, after: EntryId | None, limit: int
    ) -> Sequence[Statement]:
        """What happened to a member's points, the latest first; nothing for nobody."""


class Audit(Protocol):
    """Whether the figures agree with the ledgers they are sums of."""

    async def look(self) -> list[Invariant]:
        """Every invariant with what was checked and what is broken, each seen at one moment."""

    async def repair(self) -> list[Repair]:
        """Set every figure that a ledger explains to what the ledger says, and write that down."""


class Unit(Protocol):
    """One transaction, or one look. `now` is the one clock."""

    now: datetime
    requests: Requests
    stores: Stores
    products: Products
    stock: Stock
    feed: Feed
    sales: Sales
    incidents: Incidents
    allocations: Allocations
    holds: Holds
    carts: Carts
    orders: Orders
    pickups: Pickups
    transfers: Transfers
    outbox: Outbox
    keys: Keys
    webhooks: Webhooks
    trespasses: Trespasses
    points: Points
    rewards: Rewards
    audit: Audit
    customers: Customers
    preferences: Preferences
    consents: Consents
    messages: Messages
    slots: Slots

    def new_id(self, prefix: str) -> str:
        """A new opaque id, later than every one before it."""


@runtime_checkable
class Clock(Protocol):
    def __call__(self) -> datetime:
        """Now, in UTC."""


@runtime_checkable
class Units(Protocol):
    def begin(self) -> AbstractAsyncContextManager[Unit]:
        """One transaction: committed at a clean end, undone by an exception."""

    def read(self) -> AbstractAsyncContextManager[Unit]:
        """One look, statement by statement, without a transaction."""


class Carrier(Protocol):
    async def send(self, message: Outgoing) -> Outcome:
        """Hand a message over. The same id again is the same message."""


class Poster(Protocol):
    async def post(self, parcel: Parcel, changes: ChangesTold) -> Receipt:
        """Bring the changes to who is to be told; never raises for what the receiver does."""


class Relay(Protocol):
    """Gives changes their positions; calls `heard` whenever the feed may have grown."""

    heard: Callable[[], None]

    async def caught_up(self) -> None:
        """Until everything that was committed before this has its position. Raises Busy."""


@runtime_checkable
class Channels(Carrier, Protocol):
    """Every way out of the house."""

    @property
    def open(self) -> frozenset[Channel]:
        """Channels that somebody carries."""


@runtime_checkable
class Rendering(Protocol):
    def render(self, letter: Letter, *, channel: Channel, locale: str) -> Rendered:
        """The letter in the language of a reader of `locale`, in the form `channel` shows."""


class Claims(Struct, frozen=True):
    """What a token says of its bearer. `customer` is set where our own issuer made it."""

    role: Role
    subject: str
    customer: CustomerId | None = None
    stores: frozenset[StoreId] = frozenset()
    scopes: frozenset[str] = frozenset()


@runtime_checkable
class Tokens(Protocol):
    async def read(self, token: str) -> Claims:
        """Raises Unknown for a token that was not issued for us, is forged, or is over."""


@runtime_checkable
class Secrets(Protocol):
    """Secrets of keys: 256 random bits behind a prefix that tells the kind."""

    def make(self, role: Role) -> str:
        """A new secret: `pk_…` for a shop's page, `sk_…` for everybody else."""

    def for_signing(self) -> str:
        """A new secret that two sides share: `whsec_…`, as Standard Webhooks has it."""

    def hash(self, secret: str) -> bytes:
        """Under which a secret is kept."""


@runtime_checkable
class Codes(Protocol):
    """Secrets that are shown once, or derived and never stored."""

    def handover(self, pickup: PickupId, revision: int) -> str:
        """The code that proves the right to collect; the same for the same arguments."""

    def hash(self, code: str) -> bytes:
        """The keyed hash under which a code or a token is kept."""

    def cart_token(self, cart: CartId) -> str:
        """The secret that opens a guest's cart and its order; the same for the same cart."""

    def opened_by(self, token: str) -> CartId | None:
        """The cart that a token opens; None when it is none of ours."""
