CREATE TABLE allocations (
    pickup TEXT COLLATE "C" NOT NULL,
    line TEXT COLLATE "C" NOT NULL,
    sku TEXT COLLATE "C" NOT NULL,
    store TEXT COLLATE "C" NOT NULL,
    quantity INTEGER DEFAULT 0 NOT NULL,
    consumed INTEGER DEFAULT 0 NOT NULL,
    released INTEGER DEFAULT 0 NOT NULL,
    CONSTRAINT allocations_pkey PRIMARY KEY (pickup, line, sku),
    CONSTRAINT allocations_quantity_check CHECK (quantity > 0),
    CONSTRAINT allocations_consumed_check CHECK (consumed >= 0),
    CONSTRAINT allocations_released_check CHECK (released >= 0),
    CONSTRAINT allocations_open_check CHECK (consumed + released <= quantity)
);

CREATE TABLE counts (
    store TEXT COLLATE "C" NOT NULL,
    sku TEXT COLLATE "C" NOT NULL,
    counted INTEGER,
    safety_stock INTEGER,
    counted_at TIMESTAMP WITH TIME ZONE,
    as_of TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT counts_pkey PRIMARY KEY (sku, store)
);

CREATE TABLE customers (
    id TEXT COLLATE "C" NOT NULL,
    external_id TEXT COLLATE "C",
    name TEXT DEFAULT '' NOT NULL,
    email TEXT,
    phone TEXT,
    locale TEXT DEFAULT '' NOT NULL,
    version BIGINT DEFAULT 1 NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    changed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT customers_pkey PRIMARY KEY (id),
    CONSTRAINT customers_external_id_key UNIQUE (external_id)
);

CREATE TABLE events (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    kind TEXT DEFAULT '' NOT NULL,
    body JSONB DEFAULT '{}'::jsonb NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    due_at TIMESTAMP WITH TIME ZONE NOT NULL,
    attempts INTEGER DEFAULT 0 NOT NULL,
    trouble TEXT DEFAULT '' NOT NULL,
    CONSTRAINT events_pkey PRIMARY KEY (id)
);

CREATE INDEX events_due_at_idx ON events (due_at);

CREATE TABLE feed (
    position BIGINT GENERATED ALWAYS AS IDENTITY,
    store TEXT COLLATE "C" NOT NULL,
    sku TEXT COLLATE "C" NOT NULL,
    on_hand INTEGER DEFAULT 0 NOT NULL,
    unavailable INTEGER DEFAULT 0 NOT NULL,
    allocated INTEGER DEFAULT 0 NOT NULL,
    held INTEGER DEFAULT 0 NOT NULL,
    staged INTEGER DEFAULT 0 NOT NULL,
    safety_stock INTEGER DEFAULT 0 NOT NULL,
    version BIGINT NOT NULL,
    cause TEXT COLLATE "C" NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT feed_pkey PRIMARY KEY (position)
);

CREATE INDEX feed_sku_position_idx ON feed (sku, position);

CREATE TABLE feed_inbox (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    store TEXT COLLATE "C" NOT NULL,
    sku TEXT COLLATE "C" NOT NULL,
    on_hand INTEGER DEFAULT 0 NOT NULL,
    unavailable INTEGER DEFAULT 0 NOT NULL,
    allocated INTEGER DEFAULT 0 NOT NULL,
    held INTEGER DEFAULT 0 NOT NULL,
    staged INTEGER DEFAULT 0 NOT NULL,
    safety_stock INTEGER DEFAULT 0 NOT NULL,
    version BIGINT NOT NULL,
    cause TEXT COLLATE "C" NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT feed_inbox_pkey PRIMARY KEY (id)
)
 WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);

CREATE TABLE job_slots (
    job TEXT COLLATE "C" NOT NULL,
    slot TIMESTAMP WITH TIME ZONE NOT NULL,
    node TEXT DEFAULT '' NOT NULL,
    CONSTRAINT job_slots_pkey PRIMARY KEY (job, slot)
);

CREATE TABLE keys (
    id TEXT COLLATE "C" NOT NULL,
    role TEXT DEFAULT '' NOT NULL,
    secret_hash BYTEA NOT NULL,
    stores TEXT[] COLLATE "C" DEFAULT '{}'::text[] NOT NULL,
    terminal TEXT DEFAULT '' NOT NULL,
    scopes TEXT[] DEFAULT '{}'::text[] NOT NULL,
    hint TEXT DEFAULT '' NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    revoked_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT keys_pkey PRIMARY KEY (id),
    CONSTRAINT keys_secret_hash_key UNIQUE (secret_hash)
);

CREATE TABLE messages (
    id TEXT COLLATE "C" NOT NULL,
    customer TEXT COLLATE "C",
    kind TEXT DEFAULT '' NOT NULL,
    key TEXT COLLATE "C" NOT NULL,
    about JSONB DEFAULT '{}'::jsonb NOT NULL,
    purpose TEXT DEFAULT '' NOT NULL,
    channel TEXT,
    locale TEXT,
    state TEXT DEFAULT '' NOT NULL,
    reason TEXT,
    subject TEXT,
    tries INTEGER DEFAULT 0 NOT NULL,
    claims INTEGER DEFAULT 0 NOT NULL,
    given_up TEXT[] DEFAULT '{}'::text[] NOT NULL,
    trace JSONB DEFAULT '[]'::jsonb NOT NULL,
    provider_id TEXT,
    planned_for TIMESTAMP WITH TIME ZONE NOT NULL,
    not_after TIMESTAMP WITH TIME ZONE NOT NULL,
    leased_until TIMESTAMP WITH TIME ZONE,
    sent_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    changed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT messages_pkey PRIMARY KEY (id),
    CONSTRAINT messages_kind_key_key UNIQUE (kind, key)
);

CREATE INDEX messages_customer_id_idx ON messages (customer, id);

CREATE INDEX messages_due_idx ON messages (planned_for) WHERE state = 'planned';

CREATE INDEX messages_leased_idx ON messages (leased_until) WHERE state = 'claimed';

CREATE TABLE movements (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    store TEXT COLLATE "C" NOT NULL,
    sku TEXT COLLATE "C" NOT NULL,
    kind TEXT DEFAULT '' NOT NULL,
    on_hand INTEGER DEFAULT 0 NOT NULL,
    unavailable INTEGER DEFAULT 0 NOT NULL,
    cause TEXT COLLATE "C" NOT NULL,
    actor TEXT COLLATE "C" NOT NULL,
    occurred_at TIMESTAMP WITH TIME ZONE NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT movements_pkey PRIMARY KEY (id),
    CONSTRAINT movements_cause_store_sku_key UNIQUE (cause, store, sku)
);

CREATE INDEX movements_sku_store_id_idx ON movements (sku, store, id);

CREATE TABLE products (
    sku TEXT COLLATE "C" NOT NULL,
    name TEXT DEFAULT '' NOT NULL,
    names JSONB DEFAULT '{}'::jsonb NOT NULL,
    gtin TEXT COLLATE "C",
    price_minor BIGINT NOT NULL,
    currency TEXT COLLATE "C" NOT NULL,
    category TEXT DEFAULT '' NOT NULL,
    "group" TEXT COLLATE "C",
    options JSONB DEFAULT '{}'::jsonb NOT NULL,
    relations JSONB DEFAULT '[]'::jsonb NOT NULL,
    state TEXT DEFAULT 'active' NOT NULL,
    tracked BOOLEAN DEFAULT true NOT NULL,
    version BIGINT DEFAULT 1 NOT NULL,
    CONSTRAINT products_pkey PRIMARY KEY (sku),
    CONSTRAINT products_price_minor_check CHECK (price_minor > 0),
    CONSTRAINT products_state_check CHECK (state in ('active', 'retired'))
);

CREATE INDEX products_group_idx ON products ("group");

CREATE INDEX products_gtin_idx ON products (gtin);

CREATE TABLE repairs (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    invariant TEXT DEFAULT '' NOT NULL,
    about JSONB DEFAULT '{}'::jsonb NOT NULL,
    expected BIGINT NOT NULL,
    actual BIGINT NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT repairs_pkey PRIMARY KEY (id)
);

CREATE TABLE requests (
    principal TEXT COLLATE "C" NOT NULL,
    key TEXT COLLATE "C" NOT NULL,
    digest BYTEA NOT NULL,
    answer BYTEA,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT requests_pkey PRIMARY KEY (principal, key)
);

CREATE INDEX requests_created_at_idx ON requests (created_at);

CREATE TABLE sales (
    id TEXT COLLATE "C" NOT NULL,
    kind TEXT DEFAULT '' NOT NULL,
    store TEXT COLLATE "C" NOT NULL,
    terminal TEXT DEFAULT '' NOT NULL,
    member TEXT COLLATE "C",
    "of" TEXT COLLATE "C",
    digest BYTEA NOT NULL,
    lines JSONB DEFAULT '[]'::jsonb NOT NULL,
    tenders JSONB DEFAULT '[]'::jsonb NOT NULL,
    actor TEXT COLLATE "C" NOT NULL,
    occurred_at TIMESTAMP WITH TIME ZONE NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT sales_pkey PRIMARY KEY (id),
    CONSTRAINT sales_kind_check CHECK (kind in ('sale', 'return', 'awaited'))
);

CREATE INDEX sales_of_idx ON sales ("of") WHERE "of" is not null;

CREATE TABLE stores (
    store TEXT COLLATE "C" NOT NULL,
    kind TEXT DEFAULT 'store' NOT NULL,
    name TEXT DEFAULT '' NOT NULL,
    address TEXT DEFAULT '' NOT NULL,
    city TEXT DEFAULT '' NOT NULL,
    postal_code TEXT DEFAULT '' NOT NULL,
    country TEXT DEFAULT '' NOT NULL,
    latitude DOUBLE PRECISION,
    longitude DOUBLE PRECISION,
    time_zone TEXT DEFAULT 'UTC' NOT NULL,
    hours TEXT DEFAULT '' NOT NULL,
    exceptions TEXT DEFAULT '' NOT NULL,
    phone TEXT DEFAULT '' NOT NULL,
    pickup BOOLEAN DEFAULT true NOT NULL,
    prep_minutes INTEGER DEFAULT 60 NOT NULL,
    pickup_days INTEGER DEFAULT 7 NOT NULL,
    services JSONB DEFAULT '[]'::jsonb NOT NULL,
    version BIGINT DEFAULT 1 NOT NULL,
    CONSTRAINT stores_pkey PRIMARY KEY (store)
);

CREATE TABLE trespasses (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    caller TEXT COLLATE "C" NOT NULL,
    role TEXT DEFAULT '' NOT NULL,
    operation TEXT DEFAULT '' NOT NULL,
    object TEXT COLLATE "C" NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT trespasses_pkey PRIMARY KEY (id)
);

CREATE INDEX trespasses_at_idx ON trespasses (at);

CREATE TABLE webhooks (
    id TEXT COLLATE "C" NOT NULL,
    url TEXT DEFAULT '' NOT NULL,
    secret TEXT DEFAULT '' NOT NULL,
    state TEXT DEFAULT 'active' NOT NULL,
    position BIGINT NOT NULL,
    until BIGINT,
    attempts INTEGER DEFAULT 0 NOT NULL,
    trouble TEXT DEFAULT '' NOT NULL,
    failing_since TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    due_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT webhooks_pkey PRIMARY KEY (id),
    CONSTRAINT webhooks_state_check CHECK (state in ('active', 'disabled')),
    CONSTRAINT webhooks_until_check CHECK (until > position)
);

CREATE TABLE carts (
    id TEXT COLLATE "C" NOT NULL,
    customer TEXT COLLATE "C",
    currency TEXT COLLATE "C" NOT NULL,
    state TEXT DEFAULT 'open' NOT NULL,
    order_id TEXT COLLATE "C",
    claimed_by TEXT COLLATE "C",
    merged_into TEXT COLLATE "C",
    hold TEXT COLLATE "C",
    lines JSONB DEFAULT '[]'::jsonb NOT NULL,
    version BIGINT DEFAULT 1 NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    changed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT carts_pkey PRIMARY KEY (id),
    CONSTRAINT carts_state_check CHECK (state in ('open', 'ordered', 'merged')),
    CONSTRAINT carts_customer_fkey FOREIGN KEY(customer) REFERENCES customers (id)
);

CREATE UNIQUE INDEX carts_open_key ON carts (customer) WHERE state = 'open' and customer is not null;

CREATE TABLE consents (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    customer TEXT COLLATE "C" NOT NULL,
    purpose TEXT DEFAULT '' NOT NULL,
    channel TEXT DEFAULT '' NOT NULL,
    action TEXT DEFAULT '' NOT NULL,
    basis TEXT DEFAULT '' NOT NULL,
    wording TEXT DEFAULT '' NOT NULL,
    locale TEXT DEFAULT '' NOT NULL,
    source TEXT DEFAULT '' NOT NULL,
    actor TEXT COLLATE "C" NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT consents_pkey PRIMARY KEY (id),
    CONSTRAINT consents_customer_fkey FOREIGN KEY(customer) REFERENCES customers (id)
);

CREATE INDEX consents_customer_id_idx ON consents (customer, id);

CREATE TABLE holds (
    id TEXT COLLATE "C" NOT NULL,
    state TEXT DEFAULT '' NOT NULL,
    customer TEXT COLLATE "C",
    cart TEXT COLLATE "C",
    lines JSONB DEFAULT '[]'::jsonb NOT NULL,
    units JSONB DEFAULT '{}'::jsonb NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    held_until TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT holds_pkey PRIMARY KEY (id),
    CONSTRAINT holds_customer_fkey FOREIGN KEY(customer) REFERENCES customers (id)
);

CREATE INDEX holds_due_idx ON holds (held_until) WHERE state = 'active';

CREATE TABLE incidents (
    id TEXT COLLATE "C" NOT NULL,
    store TEXT COLLATE "C" NOT NULL,
    sku TEXT COLLATE "C" NOT NULL,
    kind TEXT DEFAULT '' NOT NULL,
    state TEXT DEFAULT 'open' NOT NULL,
    units INTEGER DEFAULT 0 NOT NULL,
    receipts INTEGER DEFAULT 0 NOT NULL,
    since TIMESTAMP WITH TIME ZONE NOT NULL,
    until TIMESTAMP WITH TIME ZONE NOT NULL,
    note TEXT DEFAULT '' NOT NULL,
    settled_by TEXT COLLATE "C" DEFAULT '' NOT NULL,
    settled_at TIMESTAMP WITH TIME ZONE,
    opened_at TIMESTAMP WITH TIME ZONE NOT NULL,
    changed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT incidents_pkey PRIMARY KEY (id),
    CONSTRAINT incidents_state_check CHECK (state in ('open', 'settled')),
    CONSTRAINT incidents_store_fkey FOREIGN KEY(store) REFERENCES stores (store)
);

CREATE UNIQUE INDEX incidents_open_key ON incidents (store, sku, kind) WHERE state = 'open';

CREATE INDEX incidents_store_id_idx ON incidents (store, id);

CREATE TABLE members (
    id TEXT COLLATE "C" NOT NULL,
    customer TEXT COLLATE "C" NOT NULL,
    status TEXT DEFAULT 'active' NOT NULL,
    pending BIGINT DEFAULT 0 NOT NULL,
    available BIGINT DEFAULT 0 NOT NULL,
    held BIGINT DEFAULT 0 NOT NULL,
    debt BIGINT DEFAULT 0 NOT NULL,
    joined_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT members_pkey PRIMARY KEY (id),
    CONSTRAINT members_pending_check CHECK (pending >= 0),
    CONSTRAINT members_available_check CHECK (available >= 0),
    CONSTRAINT members_held_check CHECK (held >= 0),
    CONSTRAINT members_debt_check CHECK (debt >= 0),
    CONSTRAINT members_customer_key UNIQUE (customer),
    CONSTRAINT members_customer_fkey FOREIGN KEY(customer) REFERENCES customers (id)
);

CREATE TABLE parts (
    kit TEXT COLLATE "C" NOT NULL,
    sku TEXT COLLATE "C" NOT NULL,
    quantity INTEGER DEFAULT 0 NOT NULL,
    CONSTRAINT parts_pkey PRIMARY KEY (kit, sku),
    CONSTRAINT parts_quantity_check CHECK (quantity > 0),
    CONSTRAINT parts_kit_fkey FOREIGN KEY(kit) REFERENCES products (sku),
    CONSTRAINT parts_sku_fkey FOREIGN KEY(sku) REFERENCES products (sku)
);

CREATE TABLE preferences (
    customer TEXT COLLATE "C" NOT NULL,
    preferred_channels TEXT[] DEFAULT '{}'::text[] NOT NULL,
    time_zone TEXT,
    quiet_from TEXT,
    quiet_to TEXT,
    topics TEXT[] DEFAULT '{}'::text[] NOT NULL,
    snooze_until TIMESTAMP WITH TIME ZONE,
    weekly_maximum INTEGER,
    version BIGINT DEFAULT 1 NOT NULL,
    changed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT preferences_pkey PRIMARY KEY (customer),
    CONSTRAINT preferences_customer_fkey FOREIGN KEY(customer) REFERENCES customers (id)
);

CREATE TABLE stock (
    store TEXT COLLATE "C" NOT NULL,
    sku TEXT COLLATE "C" NOT NULL,
    on_hand INTEGER DEFAULT 0 NOT NULL,
    unavailable INTEGER DEFAULT 0 NOT NULL,
    allocated INTEGER DEFAULT 0 NOT NULL,
    held INTEGER DEFAULT 0 NOT NULL,
    staged INTEGER DEFAULT 0 NOT NULL,
    safety_stock INTEGER DEFAULT 0 NOT NULL,
    version BIGINT DEFAULT 1 NOT NULL,
    CONSTRAINT stock_pkey PRIMARY KEY (sku, store),
    CONSTRAINT stock_unavailable_check CHECK (unavailable >= 0),
    CONSTRAINT stock_allocated_check CHECK (allocated >= 0),
    CONSTRAINT stock_held_check CHECK (held >= 0),
    CONSTRAINT stock_staged_check CHECK (staged >= 0 and staged <= allocated),
    CONSTRAINT stock_safety_stock_check CHECK (safety_stock >= 0),
    CONSTRAINT stock_store_fkey FOREIGN KEY(store) REFERENCES stores (store)
)
 WITH (fillfactor = 70);

CREATE TABLE transfers (
    id TEXT COLLATE "C" NOT NULL,
    origin TEXT COLLATE "C" NOT NULL,
    destination TEXT COLLATE "C" NOT NULL,
    lines JSONB DEFAULT '[]'::jsonb NOT NULL,
    sent_by TEXT COLLATE "C" NOT NULL,
    sent_at TIMESTAMP WITH TIME ZONE NOT NULL,
    state TEXT DEFAULT '' NOT NULL,
    closed_by TEXT COLLATE "C" DEFAULT '' NOT NULL,
    closed_at TIMESTAMP WITH TIME ZONE,
    version BIGINT DEFAULT 1 NOT NULL,
    CONSTRAINT transfers_pkey PRIMARY KEY (id),
    CONSTRAINT transfers_state_check CHECK (state in ('in_transit', 'closed')),
    CONSTRAINT transfers_ends_check CHECK (origin <> destination),
    CONSTRAINT transfers_origin_fkey FOREIGN KEY(origin) REFERENCES stores (store),
    CONSTRAINT transfers_destination_fkey FOREIGN KEY(destination) REFERENCES stores (store)
);

CREATE INDEX transfers_destination_id_idx ON transfers (destination, id);

CREATE INDEX transfers_origin_id_idx ON transfers (origin, id);

CREATE TABLE entries (
    id TEXT COLLATE "C" NOT NULL,
    member TEXT COLLATE "C" NOT NULL,
    kind TEXT DEFAULT '' NOT NULL,
    source TEXT COLLATE "C" NOT NULL,
    purchase TEXT COLLATE "C" NOT NULL,
    occurred_at TIMESTAMP WITH TIME ZONE NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT entries_pkey PRIMARY KEY (id),
    CONSTRAINT entries_kind_source_key UNIQUE (kind, source),
    CONSTRAINT entries_member_fkey FOREIGN KEY(member) REFERENCES members (id)
);

CREATE INDEX entries_member_id_idx ON entries (member, id);

CREATE TABLE hold_units (
    hold TEXT COLLATE "C" NOT NULL,
    sku TEXT COLLATE "C" NOT NULL,
    store TEXT COLLATE "C" NOT NULL,
    customer TEXT COLLATE "C",
    quantity INTEGER DEFAULT 0 NOT NULL,
    held_until TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT hold_units_pkey PRIMARY KEY (hold, sku, store),
    CONSTRAINT hold_units_quantity_check CHECK (quantity > 0),
    CONSTRAINT hold_units_hold_fkey FOREIGN KEY(hold) REFERENCES holds (id)
);

CREATE INDEX hold_units_customer_idx ON hold_units (customer, sku) WHERE customer is not null;

CREATE INDEX hold_units_held_until_idx ON hold_units (held_until);

CREATE TABLE lots (
    id TEXT COLLATE "C" NOT NULL,
    member TEXT COLLATE "C" NOT NULL,
    purchase TEXT COLLATE "C" NOT NULL,
    line TEXT COLLATE "C" NOT NULL,
    origin TEXT COLLATE "C",
    granted BIGINT NOT NULL,
    pending BIGINT DEFAULT 0 NOT NULL,
    remaining BIGINT DEFAULT 0 NOT NULL,
    reversed BIGINT DEFAULT 0 NOT NULL,
    earned_at TIMESTAMP WITH TIME ZONE NOT NULL,
    activates_at TIMESTAMP WITH TIME ZONE,
    expires_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT lots_pkey PRIMARY KEY (id),
    CONSTRAINT lots_granted_check CHECK (granted > 0),
    CONSTRAINT lots_pending_check CHECK (pending >= 0),
    CONSTRAINT lots_remaining_check CHECK (remaining >= 0),
    CONSTRAINT lots_reversed_check CHECK (reversed between 0 and granted),
    CONSTRAINT lots_left_check CHECK (pending + remaining <= granted),
    CONSTRAINT lots_member_fkey FOREIGN KEY(member) REFERENCES members (id),
    CONSTRAINT lots_origin_fkey FOREIGN KEY(origin) REFERENCES lots (id)
);

CREATE INDEX lots_due_idx ON lots (activates_at) WHERE pending > 0 and activates_at is not null;

CREATE UNIQUE INDEX lots_grant_key ON lots (purchase, line) WHERE origin is null;

CREATE INDEX lots_member_id_idx ON lots (member, id);

CREATE INDEX lots_purchase_idx ON lots (purchase);

CREATE TABLE orders (
    id TEXT COLLATE "C" NOT NULL,
    cart TEXT COLLATE "C" NOT NULL,
    customer TEXT COLLATE "C",
    state TEXT DEFAULT '' NOT NULL,
    locale TEXT DEFAULT '' NOT NULL,
    currency TEXT COLLATE "C" NOT NULL,
    goods_minor BIGINT NOT NULL,
    to_pay_minor BIGINT NOT NULL,
    contact JSONB DEFAULT '{}'::jsonb NOT NULL,
    lines JSONB DEFAULT '[]'::jsonb NOT NULL,
    groups JSONB DEFAULT '[]'::jsonb NOT NULL,
    payment JSONB DEFAULT '{}'::jsonb NOT NULL,
    actor TEXT COLLATE "C" NOT NULL,
    version BIGINT DEFAULT 1 NOT NULL,
    placed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    changed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT orders_pkey PRIMARY KEY (id),
    CONSTRAINT orders_cart_key UNIQUE (cart),
    CONSTRAINT orders_cart_fkey FOREIGN KEY(cart) REFERENCES carts (id),
    CONSTRAINT orders_customer_fkey FOREIGN KEY(customer) REFERENCES customers (id)
);

CREATE INDEX orders_customer_id_idx ON orders (customer, id);

CREATE TABLE pickups (
    id TEXT COLLATE "C" NOT NULL,
    order_id TEXT COLLATE "C" NOT NULL,
    store TEXT COLLATE "C" NOT NULL,
    customer TEXT COLLATE "C",
    state TEXT DEFAULT '' NOT NULL,
    lines JSONB DEFAULT '[]'::jsonb NOT NULL,
    revision INTEGER DEFAULT 1 NOT NULL,
    code_hash BYTEA,
    tries INTEGER DEFAULT 0 NOT NULL,
    bin TEXT DEFAULT '' NOT NULL,
    promised_from TIMESTAMP WITH TIME ZONE NOT NULL,
    promised_until TIMESTAMP WITH TIME ZONE NOT NULL,
    ready_at TIMESTAMP WITH TIME ZONE,
    collect_by TIMESTAMP WITH TIME ZONE,
    collected_at TIMESTAMP WITH TIME ZONE,
    collected_by TEXT DEFAULT '' NOT NULL,
    proof TEXT DEFAULT '' NOT NULL,
    reason TEXT DEFAULT '' NOT NULL,
    version BIGINT DEFAULT 1 NOT NULL,
    placed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    changed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pickups_pkey PRIMARY KEY (id),
    CONSTRAINT pickups_order_id_fkey FOREIGN KEY(order_id) REFERENCES orders (id),
    CONSTRAINT pickups_store_fkey FOREIGN KEY(store) REFERENCES stores (store)
);

CREATE INDEX pickups_code_hash_idx ON pickups (code_hash);

CREATE INDEX pickups_order_id_idx ON pickups (order_id);

CREATE INDEX pickups_store_state_id_idx ON pickups (store, state, id);

CREATE UNIQUE INDEX pickups_waiting_key ON pickups (code_hash) WHERE state = 'ready';

CREATE TABLE postings (
    entry TEXT COLLATE "C" NOT NULL,
    position INTEGER NOT NULL,
    account TEXT COLLATE "C" NOT NULL,
    side TEXT DEFAULT '' NOT NULL,
    points BIGINT NOT NULL,
    lot TEXT COLLATE "C",
    CONSTRAINT postings_pkey PRIMARY KEY (entry, position),
    CONSTRAINT postings_points_check CHECK (points > 0),
    CONSTRAINT postings_side_check CHECK (side in ('debit', 'credit')),
    CONSTRAINT postings_entry_fkey FOREIGN KEY(entry) REFERENCES entries (id),
    CONSTRAINT postings_lot_fkey FOREIGN KEY(lot) REFERENCES lots (id)
);

