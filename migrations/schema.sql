-- The whole schema, for PostgreSQL 15 to 18. An empty database gets it in one step.
-- Written by `make schema` from the tables in `adapters/postgres/*/tables.py`.

-- foundation
CREATE TABLE access_denials (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    caller TEXT COLLATE "C" NOT NULL,
    role TEXT DEFAULT '' NOT NULL,
    operation TEXT DEFAULT '' NOT NULL,
    resource TEXT COLLATE "C" NOT NULL,
    denied_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT access_denials_pkey PRIMARY KEY (id)
);
CREATE INDEX access_denials_denied_at_idx ON access_denials (denied_at);

-- fulfilment
CREATE TABLE allocations (
    fulfilment_id TEXT COLLATE "C" NOT NULL,
    line TEXT COLLATE "C" NOT NULL,
    sku TEXT COLLATE "C" NOT NULL,
    store TEXT COLLATE "C" NOT NULL,
    quantity INTEGER DEFAULT 0 NOT NULL,
    consumed INTEGER DEFAULT 0 NOT NULL,
    released INTEGER DEFAULT 0 NOT NULL,
    CONSTRAINT allocations_pkey PRIMARY KEY (fulfilment_id, line, sku),
    CONSTRAINT allocations_quantity_check CHECK (quantity > 0),
    CONSTRAINT allocations_consumed_check CHECK (consumed >= 0),
    CONSTRAINT allocations_released_check CHECK (released >= 0),
    CONSTRAINT allocations_open_check CHECK (consumed + released <= quantity)
);
CREATE INDEX allocations_open_idx ON allocations (store, sku) WHERE quantity > consumed + released;

-- foundation
CREATE TABLE api_keys (
    id TEXT COLLATE "C" NOT NULL,
    role TEXT DEFAULT '' NOT NULL,
    secret_hash BYTEA NOT NULL,
    stores TEXT[] COLLATE "C" DEFAULT '{}'::text[] NOT NULL,
    terminal TEXT DEFAULT '' NOT NULL,
    scopes TEXT[] DEFAULT '{}'::text[] NOT NULL,
    hint TEXT DEFAULT '' NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    revoked_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT api_keys_pkey PRIMARY KEY (id),
    CONSTRAINT api_keys_secret_hash_key UNIQUE (secret_hash)
);

-- administration
CREATE TABLE audits (
    name TEXT COLLATE "C" NOT NULL,
    audited_at TIMESTAMP WITH TIME ZONE NOT NULL,
    checked BIGINT NOT NULL,
    broken BIGINT NOT NULL,
    unfinished BOOLEAN DEFAULT false NOT NULL,
    CONSTRAINT audits_pkey PRIMARY KEY (name)
);

-- customers
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

-- inventory
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
    channel TEXT COLLATE "C",
    CONSTRAINT feed_pkey PRIMARY KEY (position)
);
CREATE INDEX feed_restated_idx ON feed (position) WHERE channel is not null;
CREATE INDEX feed_sku_position_idx ON feed (sku, position);

-- inventory
CREATE TABLE feed_outbox (
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
    channel TEXT COLLATE "C",
    CONSTRAINT feed_outbox_pkey PRIMARY KEY (id)
)
 WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);

-- inventory
CREATE TABLE hold_units (
    hold TEXT COLLATE "C" NOT NULL,
    sku TEXT COLLATE "C" NOT NULL,
    store TEXT COLLATE "C" NOT NULL,
    customer TEXT COLLATE "C",
    quantity INTEGER DEFAULT 0 NOT NULL,
    held_until TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT hold_units_pkey PRIMARY KEY (hold, sku, store),
    CONSTRAINT hold_units_quantity_check CHECK (quantity > 0)
);
CREATE INDEX hold_units_customer_idx ON hold_units (customer, sku) WHERE customer is not null;
CREATE INDEX hold_units_held_until_idx ON hold_units (held_until);

-- foundation
CREATE TABLE idempotency_keys (
    principal TEXT COLLATE "C" NOT NULL,
    key TEXT COLLATE "C" NOT NULL,
    digest BYTEA NOT NULL,
    response BYTEA,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT idempotency_keys_pkey PRIMARY KEY (principal, key)
);
CREATE INDEX idempotency_keys_created_at_idx ON idempotency_keys (created_at);

-- administration
CREATE TABLE job_runs (
    job TEXT COLLATE "C" NOT NULL,
    scheduled_at TIMESTAMP WITH TIME ZONE NOT NULL,
    node TEXT DEFAULT '' NOT NULL,
    CONSTRAINT job_runs_pkey PRIMARY KEY (job, scheduled_at)
);

-- pricing
CREATE TABLE markets (
    market TEXT COLLATE "C" NOT NULL,
    terms JSONB DEFAULT '{}'::jsonb NOT NULL,
    version BIGINT DEFAULT 1 NOT NULL,
    CONSTRAINT markets_pkey PRIMARY KEY (market)
);

-- follow_ups
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
    failed_channels TEXT[] DEFAULT '{}'::text[] NOT NULL,
    trace JSONB DEFAULT '[]'::jsonb NOT NULL,
    provider_id TEXT,
    planned_for TIMESTAMP WITH TIME ZONE NOT NULL,
    send_before TIMESTAMP WITH TIME ZONE NOT NULL,
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

-- orders
CREATE TABLE order_search_terms (
    kind TEXT DEFAULT '' NOT NULL,
    term TEXT COLLATE "C" NOT NULL,
    order_id TEXT COLLATE "C" NOT NULL,
    CONSTRAINT order_search_terms_pkey PRIMARY KEY (kind, term, order_id)
);
CREATE INDEX order_search_terms_order_id_idx ON order_search_terms (order_id);

-- orders
CREATE TABLE order_timeline (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    order_id TEXT COLLATE "C" NOT NULL,
    occurred_at TIMESTAMP WITH TIME ZONE NOT NULL,
    kind TEXT DEFAULT '' NOT NULL,
    actor_kind TEXT DEFAULT '' NOT NULL,
    actor TEXT COLLATE "C" NOT NULL,
    fulfilment_id TEXT COLLATE "C" DEFAULT '' NOT NULL,
    store TEXT COLLATE "C" DEFAULT '' NOT NULL,
    details JSONB DEFAULT '{}'::jsonb NOT NULL,
    CONSTRAINT order_timeline_pkey PRIMARY KEY (id)
);
CREATE INDEX order_timeline_order_id_id_idx ON order_timeline (order_id, id);

-- administration
CREATE TABLE outbox_events (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    kind TEXT DEFAULT '' NOT NULL,
    body JSONB DEFAULT '{}'::jsonb NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    due_at TIMESTAMP WITH TIME ZONE NOT NULL,
    attempts INTEGER DEFAULT 0 NOT NULL,
    last_error TEXT DEFAULT '' NOT NULL,
    CONSTRAINT outbox_events_pkey PRIMARY KEY (id)
);
CREATE INDEX outbox_events_due_at_idx ON outbox_events (due_at);

-- pricing
CREATE TABLE price_rules (
    singleton BOOLEAN DEFAULT true NOT NULL,
    version BIGINT DEFAULT 0 NOT NULL,
    CONSTRAINT price_rules_pkey PRIMARY KEY (singleton),
    CONSTRAINT price_rules_singleton_check CHECK (singleton)
);

-- catalogue
CREATE TABLE products (
    sku TEXT COLLATE "C" NOT NULL,
    name TEXT DEFAULT '' NOT NULL,
    names JSONB DEFAULT '{}'::jsonb NOT NULL,
    gtin TEXT COLLATE "C",
    price_minor BIGINT NOT NULL,
    currency TEXT COLLATE "C" NOT NULL,
    category TEXT DEFAULT '' NOT NULL,
    variant_group TEXT COLLATE "C",
    options JSONB DEFAULT '{}'::jsonb NOT NULL,
    relations JSONB DEFAULT '[]'::jsonb NOT NULL,
    state TEXT DEFAULT 'active' NOT NULL,
    tracked BOOLEAN DEFAULT true NOT NULL,
    most_per_order INTEGER,
    version BIGINT DEFAULT 1 NOT NULL,
    CONSTRAINT products_pkey PRIMARY KEY (sku),
    CONSTRAINT products_most_per_order_check CHECK (most_per_order > 0),
    CONSTRAINT products_price_minor_check CHECK (price_minor > 0),
    CONSTRAINT products_state_check CHECK (state in ('active', 'retired'))
);
CREATE INDEX products_gtin_idx ON products (gtin);
CREATE INDEX products_variant_group_idx ON products (variant_group);

-- pricing
CREATE TABLE promotions (
    promotion TEXT COLLATE "C" NOT NULL,
    code TEXT COLLATE "C",
    terms JSONB DEFAULT '{}'::jsonb NOT NULL,
    uses INTEGER DEFAULT 0 NOT NULL,
    version BIGINT DEFAULT 1 NOT NULL,
    CONSTRAINT promotions_pkey PRIMARY KEY (promotion),
    CONSTRAINT promotions_uses_check CHECK (uses >= 0),
    CONSTRAINT promotions_code_key UNIQUE (code)
);

-- payments
CREATE TABLE provider_events (
    provider TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    kind TEXT DEFAULT '' NOT NULL,
    payment TEXT COLLATE "C" NOT NULL,
    received_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT provider_events_pkey PRIMARY KEY (provider, id)
);
CREATE INDEX provider_events_received_at_idx ON provider_events (received_at);

-- pos
CREATE TABLE receipts (
    id TEXT COLLATE "C" NOT NULL,
    kind TEXT DEFAULT '' NOT NULL,
    store TEXT COLLATE "C" NOT NULL,
    terminal TEXT DEFAULT '' NOT NULL,
    member TEXT COLLATE "C",
    original_receipt TEXT COLLATE "C",
    digest BYTEA NOT NULL,
    lines JSONB DEFAULT '[]'::jsonb NOT NULL,
    tenders JSONB DEFAULT '[]'::jsonb NOT NULL,
    actor TEXT COLLATE "C" NOT NULL,
    occurred_at TIMESTAMP WITH TIME ZONE NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT receipts_pkey PRIMARY KEY (id),
    CONSTRAINT receipts_kind_check CHECK (kind in ('sale', 'return', 'awaited'))
);
CREATE INDEX receipts_original_receipt_idx ON receipts (original_receipt) WHERE original_receipt is not null;

-- carts
CREATE TABLE recently_viewed (
    owner TEXT COLLATE "C" NOT NULL,
    sku TEXT COLLATE "C" NOT NULL,
    viewed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT recently_viewed_pkey PRIMARY KEY (owner, sku)
);

-- administration
CREATE TABLE repairs (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    invariant TEXT DEFAULT '' NOT NULL,
    about JSONB DEFAULT '{}'::jsonb NOT NULL,
    expected BIGINT NOT NULL,
    actual BIGINT NOT NULL,
    repaired_at TIMESTAMP WITH TIME ZONE NOT NULL,
    repair_id TEXT DEFAULT '' NOT NULL,
    CONSTRAINT repairs_pkey PRIMARY KEY (id)
);
CREATE INDEX repairs_repair_id_idx ON repairs (repair_id);

-- inventory
CREATE TABLE sales_channels (
    channel TEXT COLLATE "C" NOT NULL,
    buffer INTEGER DEFAULT 0 NOT NULL,
    quantities TEXT,
    most INTEGER,
    low_at INTEGER,
    CONSTRAINT sales_channels_pkey PRIMARY KEY (channel),
    CONSTRAINT sales_channels_buffer_check CHECK (buffer >= 0),
    CONSTRAINT sales_channels_quantities_check CHECK (quantities in ('exact', 'capped', 'hidden')),
    CONSTRAINT sales_channels_most_check CHECK (most > 0),
    CONSTRAINT sales_channels_low_at_check CHECK (low_at >= 0)
);

-- pricing
CREATE TABLE shipping_methods (
    method TEXT COLLATE "C" NOT NULL,
    terms JSONB DEFAULT '{}'::jsonb NOT NULL,
    version BIGINT DEFAULT 1 NOT NULL,
    CONSTRAINT shipping_methods_pkey PRIMARY KEY (method)
);

-- inventory
CREATE TABLE stock_counts (
    store TEXT COLLATE "C" NOT NULL,
    sku TEXT COLLATE "C" NOT NULL,
    counted INTEGER,
    safety_stock INTEGER,
    counted_at TIMESTAMP WITH TIME ZONE,
    as_of TIMESTAMP WITH TIME ZONE NOT NULL,
    stated_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT stock_counts_pkey PRIMARY KEY (sku, store)
);

-- inventory
CREATE TABLE stock_movements (
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
    conditions JSONB,
    repaired JSONB,
    CONSTRAINT stock_movements_pkey PRIMARY KEY (id),
    CONSTRAINT stock_movements_cause_store_sku_key UNIQUE (cause, store, sku)
);
CREATE INDEX stock_movements_occurred_at_idx ON stock_movements USING brin (occurred_at);
CREATE INDEX stock_movements_sku_store_id_idx ON stock_movements (sku, store, id);

-- stores
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
    channels TEXT[] COLLATE "C",
    state TEXT DEFAULT 'active' NOT NULL,
    version BIGINT DEFAULT 1 NOT NULL,
    CONSTRAINT stores_pkey PRIMARY KEY (store),
    CONSTRAINT stores_kind_check CHECK (kind in ('store', 'warehouse', 'dark_store')),
    CONSTRAINT stores_state_check CHECK (state in ('active', 'draining', 'closed'))
);
CREATE INDEX stores_limited_idx ON stores (store) WHERE state <> 'active' or channels is not null;

-- administration
CREATE TABLE webhooks (
    id TEXT COLLATE "C" NOT NULL,
    url TEXT DEFAULT '' NOT NULL,
    secret TEXT DEFAULT '' NOT NULL,
    state TEXT DEFAULT 'active' NOT NULL,
    position BIGINT NOT NULL,
    batch_end BIGINT,
    attempts INTEGER DEFAULT 0 NOT NULL,
    last_error TEXT DEFAULT '' NOT NULL,
    failing_since TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    due_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT webhooks_pkey PRIMARY KEY (id),
    CONSTRAINT webhooks_state_check CHECK (state in ('active', 'disabled')),
    CONSTRAINT webhooks_batch_end_check CHECK (batch_end > position)
);

-- carts
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
    saved JSONB DEFAULT '[]'::jsonb NOT NULL,
    store TEXT COLLATE "C",
    code_hash BYTEA,
    code_until TIMESTAMP WITH TIME ZONE,
    market TEXT COLLATE "C",
    coupons TEXT[] COLLATE "C" DEFAULT '{}'::text[] NOT NULL,
    method TEXT COLLATE "C",
    address JSONB,
    version BIGINT DEFAULT 1 NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    changed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    paying_until TIMESTAMP WITH TIME ZONE,
    CONSTRAINT carts_pkey PRIMARY KEY (id),
    CONSTRAINT carts_state_check CHECK (state in ('open', 'paying', 'ordered', 'merged', 'expired')),
    CONSTRAINT carts_customer_fkey FOREIGN KEY(customer) REFERENCES customers (id)
);
CREATE INDEX carts_code_hash_idx ON carts (code_hash) WHERE code_hash is not null;
CREATE INDEX carts_open_idx ON carts (changed_at) WHERE state = 'open';
CREATE UNIQUE INDEX carts_open_key ON carts (customer) WHERE state in ('open', 'paying') and customer is not null;
CREATE INDEX carts_over_idx ON carts (changed_at) WHERE state in ('merged', 'expired');

-- inventory
CREATE TABLE channel_buffers (
    channel TEXT COLLATE "C" NOT NULL,
    sku TEXT COLLATE "C" NOT NULL,
    buffer INTEGER DEFAULT 0 NOT NULL,
    CONSTRAINT channel_buffers_pkey PRIMARY KEY (channel, sku),
    CONSTRAINT channel_buffers_buffer_check CHECK (buffer >= 0),
    CONSTRAINT channel_buffers_channel_fkey FOREIGN KEY(channel) REFERENCES sales_channels (channel)
);

-- contact
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

-- inventory
CREATE TABLE deliveries (
    id TEXT COLLATE "C" NOT NULL,
    destination TEXT COLLATE "C" NOT NULL,
    lines JSONB DEFAULT '[]'::jsonb NOT NULL,
    state TEXT DEFAULT '' NOT NULL,
    reference TEXT DEFAULT '' NOT NULL,
    external_id TEXT COLLATE "C",
    due_on DATE NOT NULL,
    due_at TIMESTAMP WITH TIME ZONE,
    announced_by TEXT COLLATE "C" NOT NULL,
    announced_at TIMESTAMP WITH TIME ZONE NOT NULL,
    closed_by TEXT COLLATE "C" DEFAULT '' NOT NULL,
    closed_at TIMESTAMP WITH TIME ZONE,
    version BIGINT DEFAULT 1 NOT NULL,
    CONSTRAINT deliveries_pkey PRIMARY KEY (id),
    CONSTRAINT deliveries_state_check CHECK (state in ('expected', 'closed', 'cancelled')),
    CONSTRAINT deliveries_destination_fkey FOREIGN KEY(destination) REFERENCES stores (store),
    CONSTRAINT deliveries_external_id_key UNIQUE (external_id)
);
CREATE INDEX deliveries_destination_id_idx ON deliveries (destination, id);

-- inventory
CREATE TABLE holds (
    id TEXT COLLATE "C" NOT NULL,
    state TEXT DEFAULT '' NOT NULL,
    customer TEXT COLLATE "C",
    cart TEXT COLLATE "C",
    lines JSONB DEFAULT '[]'::jsonb NOT NULL,
    units JSONB DEFAULT '{}'::jsonb NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    held_until TIMESTAMP WITH TIME ZONE NOT NULL,
    attempt TEXT COLLATE "C" DEFAULT '' NOT NULL,
    pinned_until TIMESTAMP WITH TIME ZONE,
    channel TEXT COLLATE "C" DEFAULT 'web' NOT NULL,
    CONSTRAINT holds_pkey PRIMARY KEY (id),
    CONSTRAINT holds_customer_fkey FOREIGN KEY(customer) REFERENCES customers (id)
);
CREATE INDEX holds_due_idx ON holds (held_until) WHERE state = 'active';

-- pos
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

-- inventory
CREATE TABLE incoming_stock (
    sku TEXT COLLATE "C" NOT NULL,
    store TEXT COLLATE "C" NOT NULL,
    source TEXT COLLATE "C" NOT NULL,
    units INTEGER DEFAULT 0 NOT NULL,
    due_on DATE,
    CONSTRAINT incoming_stock_pkey PRIMARY KEY (sku, store, source),
    CONSTRAINT incoming_stock_units_check CHECK (units > 0),
    CONSTRAINT incoming_stock_store_fkey FOREIGN KEY(store) REFERENCES stores (store)
);
CREATE INDEX incoming_stock_source_idx ON incoming_stock (source);

-- catalogue
CREATE TABLE kit_parts (
    kit TEXT COLLATE "C" NOT NULL,
    sku TEXT COLLATE "C" NOT NULL,
    quantity INTEGER DEFAULT 0 NOT NULL,
    CONSTRAINT kit_parts_pkey PRIMARY KEY (kit, sku),
    CONSTRAINT kit_parts_quantity_check CHECK (quantity > 0),
    CONSTRAINT kit_parts_kit_fkey FOREIGN KEY(kit) REFERENCES products (sku),
    CONSTRAINT kit_parts_sku_fkey FOREIGN KEY(sku) REFERENCES products (sku)
);

-- loyalty
CREATE TABLE loyalty_members (
    id TEXT COLLATE "C" NOT NULL,
    customer TEXT COLLATE "C" NOT NULL,
    status TEXT DEFAULT 'active' NOT NULL,
    pending BIGINT DEFAULT 0 NOT NULL,
    available BIGINT DEFAULT 0 NOT NULL,
    held BIGINT DEFAULT 0 NOT NULL,
    debt BIGINT DEFAULT 0 NOT NULL,
    joined_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT loyalty_members_pkey PRIMARY KEY (id),
    CONSTRAINT loyalty_members_pending_check CHECK (pending >= 0),
    CONSTRAINT loyalty_members_available_check CHECK (available >= 0),
    CONSTRAINT loyalty_members_held_check CHECK (held >= 0),
    CONSTRAINT loyalty_members_debt_check CHECK (debt >= 0),
    CONSTRAINT loyalty_members_customer_key UNIQUE (customer),
    CONSTRAINT loyalty_members_customer_fkey FOREIGN KEY(customer) REFERENCES customers (id)
);

-- contact
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

-- inventory
CREATE TABLE stock_conditions (
    sku TEXT COLLATE "C" NOT NULL,
    store TEXT COLLATE "C" NOT NULL,
    condition TEXT COLLATE "C" NOT NULL,
    units INTEGER DEFAULT 0 NOT NULL,
    CONSTRAINT stock_conditions_pkey PRIMARY KEY (sku, store, condition),
    CONSTRAINT stock_conditions_units_check CHECK (units >= 0),
    CONSTRAINT stock_conditions_store_fkey FOREIGN KEY(store) REFERENCES stores (store)
);

-- inventory
CREATE TABLE stock_levels (
    store TEXT COLLATE "C" NOT NULL,
    sku TEXT COLLATE "C" NOT NULL,
    on_hand INTEGER DEFAULT 0 NOT NULL,
    unavailable INTEGER DEFAULT 0 NOT NULL,
    allocated INTEGER DEFAULT 0 NOT NULL,
    held INTEGER DEFAULT 0 NOT NULL,
    staged INTEGER DEFAULT 0 NOT NULL,
    safety_stock INTEGER DEFAULT 0 NOT NULL,
    version BIGINT DEFAULT 1 NOT NULL,
    seen_at TIMESTAMP WITH TIME ZONE,
    missed_at TIMESTAMP WITH TIME ZONE,
    misses INTEGER DEFAULT 0 NOT NULL,
    shrink REAL DEFAULT 0 NOT NULL,
    CONSTRAINT stock_levels_pkey PRIMARY KEY (sku, store),
    CONSTRAINT stock_levels_unavailable_check CHECK (unavailable >= 0),
    CONSTRAINT stock_levels_allocated_check CHECK (allocated >= 0),
    CONSTRAINT stock_levels_held_check CHECK (held >= 0),
    CONSTRAINT stock_levels_staged_check CHECK (staged >= 0 and staged <= allocated),
    CONSTRAINT stock_levels_safety_stock_check CHECK (safety_stock >= 0),
    CONSTRAINT stock_levels_store_fkey FOREIGN KEY(store) REFERENCES stores (store)
)
 WITH (fillfactor = 70);

-- inventory
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
    due_on DATE,
    CONSTRAINT transfers_pkey PRIMARY KEY (id),
    CONSTRAINT transfers_state_check CHECK (state in ('in_transit', 'closed')),
    CONSTRAINT transfers_ends_check CHECK (origin <> destination),
    CONSTRAINT transfers_origin_fkey FOREIGN KEY(origin) REFERENCES stores (store),
    CONSTRAINT transfers_destination_fkey FOREIGN KEY(destination) REFERENCES stores (store)
);
CREATE INDEX transfers_destination_id_idx ON transfers (destination, id);
CREATE INDEX transfers_origin_id_idx ON transfers (origin, id);

-- inventory
CREATE TABLE walk_in_policies (
    store TEXT COLLATE "C" NOT NULL,
    active BOOLEAN DEFAULT false NOT NULL,
    floor INTEGER DEFAULT 0 NOT NULL,
    cap INTEGER DEFAULT 0 NOT NULL,
    raised_for TIMESTAMP WITHOUT TIME ZONE,
    CONSTRAINT walk_in_policies_pkey PRIMARY KEY (store),
    CONSTRAINT walk_in_policies_floor_check CHECK (floor between 0 and cap),
    CONSTRAINT walk_in_policies_store_fkey FOREIGN KEY(store) REFERENCES stores (store)
);

-- inventory
CREATE TABLE walk_in_safety_stock (
    store TEXT COLLATE "C" NOT NULL,
    sku TEXT COLLATE "C" NOT NULL,
    manual_safety_stock INTEGER DEFAULT 0 NOT NULL,
    CONSTRAINT walk_in_safety_stock_pkey PRIMARY KEY (store, sku),
    CONSTRAINT walk_in_safety_stock_store_fkey FOREIGN KEY(store) REFERENCES stores (store)
);

-- orders
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
    fulfilments JSONB DEFAULT '[]'::jsonb NOT NULL,
    payment JSONB DEFAULT '{}'::jsonb NOT NULL,
    actor TEXT COLLATE "C" NOT NULL,
    version BIGINT DEFAULT 1 NOT NULL,
    placed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    changed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    address JSONB,
    attempt TEXT COLLATE "C",
    payment_due_at TIMESTAMP WITH TIME ZONE,
    pricing JSONB DEFAULT '{}'::jsonb NOT NULL,
    refunded_minor BIGINT DEFAULT 0 NOT NULL,
    CONSTRAINT orders_pkey PRIMARY KEY (id),
    CONSTRAINT orders_cart_fkey FOREIGN KEY(cart) REFERENCES carts (id),
    CONSTRAINT orders_customer_fkey FOREIGN KEY(customer) REFERENCES customers (id)
);
CREATE UNIQUE INDEX orders_cart_key ON orders (cart) WHERE state <> 'expired';
CREATE INDEX orders_customer_id_idx ON orders (customer, id);
CREATE INDEX orders_placed_at_idx ON orders (placed_at);
CREATE INDEX orders_state_id_idx ON orders (state, id);
CREATE INDEX orders_unpaid_idx ON orders (payment_due_at) WHERE state = 'pending_payment';

-- loyalty
CREATE TABLE points_entries (
    id TEXT COLLATE "C" NOT NULL,
    member TEXT COLLATE "C" NOT NULL,
    kind TEXT DEFAULT '' NOT NULL,
    source TEXT COLLATE "C" NOT NULL,
    purchase TEXT COLLATE "C" NOT NULL,
    occurred_at TIMESTAMP WITH TIME ZONE NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT points_entries_pkey PRIMARY KEY (id),
    CONSTRAINT points_entries_kind_source_key UNIQUE (kind, source),
    CONSTRAINT points_entries_member_fkey FOREIGN KEY(member) REFERENCES loyalty_members (id)
);
CREATE INDEX points_entries_member_id_idx ON points_entries (member, id);

-- loyalty
CREATE TABLE points_lots (
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
    CONSTRAINT points_lots_pkey PRIMARY KEY (id),
    CONSTRAINT points_lots_granted_check CHECK (granted > 0),
    CONSTRAINT points_lots_pending_check CHECK (pending >= 0),
    CONSTRAINT points_lots_remaining_check CHECK (remaining >= 0),
    CONSTRAINT points_lots_reversed_check CHECK (reversed between 0 and granted),
    CONSTRAINT points_lots_left_check CHECK (pending + remaining <= granted),
    CONSTRAINT points_lots_member_fkey FOREIGN KEY(member) REFERENCES loyalty_members (id),
    CONSTRAINT points_lots_origin_fkey FOREIGN KEY(origin) REFERENCES points_lots (id)
);
CREATE INDEX points_lots_due_idx ON points_lots (activates_at) WHERE pending > 0 and activates_at is not null;
CREATE UNIQUE INDEX points_lots_grant_key ON points_lots (purchase, line) WHERE origin is null;
CREATE INDEX points_lots_member_id_idx ON points_lots (member, id);
CREATE INDEX points_lots_purchase_idx ON points_lots (purchase);

-- orders
CREATE TABLE coupon_uses (
    promotion TEXT COLLATE "C" NOT NULL,
    order_id TEXT COLLATE "C" NOT NULL,
    customer TEXT COLLATE "C",
    CONSTRAINT coupon_uses_pkey PRIMARY KEY (promotion, order_id),
    CONSTRAINT coupon_uses_promotion_fkey FOREIGN KEY(promotion) REFERENCES promotions (promotion),
    CONSTRAINT coupon_uses_order_id_fkey FOREIGN KEY(order_id) REFERENCES orders (id)
);
CREATE INDEX coupon_uses_order_id_idx ON coupon_uses (order_id);
CREATE INDEX coupon_uses_promotion_customer_idx ON coupon_uses (promotion, customer);

-- payments
CREATE TABLE payment_attempts (
    id TEXT COLLATE "C" NOT NULL,
    order_id TEXT COLLATE "C" NOT NULL,
    provider TEXT DEFAULT '' NOT NULL,
    payment TEXT COLLATE "C" DEFAULT '' NOT NULL,
    state TEXT DEFAULT '' NOT NULL,
    currency TEXT COLLATE "C" NOT NULL,
    amount_minor BIGINT NOT NULL,
    authorised BIGINT DEFAULT 0 NOT NULL,
    captured BIGINT DEFAULT 0 NOT NULL,
    refunded BIGINT DEFAULT 0 NOT NULL,
    refund_failed BIGINT DEFAULT 0 NOT NULL,
    declined BOOLEAN DEFAULT false NOT NULL,
    cancelled BOOLEAN DEFAULT false NOT NULL,
    disputed BOOLEAN DEFAULT false NOT NULL,
    refused TEXT DEFAULT '' NOT NULL,
    last_error TEXT DEFAULT '' NOT NULL,
    card TEXT DEFAULT '' NOT NULL,
    client_secret TEXT DEFAULT '' NOT NULL,
    next_action JSONB,
    deadline TIMESTAMP WITH TIME ZONE NOT NULL,
    reconcile_at TIMESTAMP WITH TIME ZONE,
    reconcile_count INTEGER DEFAULT 0 NOT NULL,
    started_at TIMESTAMP WITH TIME ZONE NOT NULL,
    changed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT payment_attempts_pkey PRIMARY KEY (id),
    CONSTRAINT payment_attempts_amount_minor_check CHECK (amount_minor > 0),
    CONSTRAINT payment_attempts_captured_check CHECK (captured between 0 and authorised),
    CONSTRAINT payment_attempts_refunded_check CHECK (refunded >= 0 and refund_failed between 0 and refunded and refunded - refund_failed <= captured),
    CONSTRAINT payment_attempts_order_id_fkey FOREIGN KEY(order_id) REFERENCES orders (id)
);
CREATE INDEX payment_attempts_due_idx ON payment_attempts (reconcile_at) WHERE reconcile_at is not null;
CREATE INDEX payment_attempts_open_idx ON payment_attempts (state, started_at) WHERE state in ('started', 'waiting', 'authorised');
CREATE INDEX payment_attempts_order_id_id_idx ON payment_attempts (order_id, id);
CREATE UNIQUE INDEX payment_attempts_payment_key ON payment_attempts (provider, payment) WHERE payment <> '';
CREATE INDEX payment_attempts_unsettled_idx ON payment_attempts (id) WHERE disputed or state = 'voided';

-- fulfilment
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
CREATE INDEX pickups_store_order_id_idx ON pickups (store, order_id);
CREATE INDEX pickups_store_state_id_idx ON pickups (store, state, id);
CREATE UNIQUE INDEX pickups_waiting_key ON pickups (code_hash) WHERE state = 'ready';

-- loyalty
CREATE TABLE points_postings (
    entry TEXT COLLATE "C" NOT NULL,
    position INTEGER NOT NULL,
    account TEXT COLLATE "C" NOT NULL,
    side TEXT DEFAULT '' NOT NULL,
    points BIGINT NOT NULL,
    lot TEXT COLLATE "C",
    CONSTRAINT points_postings_pkey PRIMARY KEY (entry, position),
    CONSTRAINT points_postings_points_check CHECK (points > 0),
    CONSTRAINT points_postings_side_check CHECK (side in ('debit', 'credit')),
    CONSTRAINT points_postings_entry_fkey FOREIGN KEY(entry) REFERENCES points_entries (id),
    CONSTRAINT points_postings_lot_fkey FOREIGN KEY(lot) REFERENCES points_lots (id)
);

-- returns
CREATE TABLE returns (
    id TEXT COLLATE "C" NOT NULL,
    order_id TEXT COLLATE "C",
    store TEXT COLLATE "C" NOT NULL,
    customer TEXT COLLATE "C",
    channel TEXT COLLATE "C" NOT NULL,
    state TEXT DEFAULT '' NOT NULL,
    currency TEXT COLLATE "C" NOT NULL,
    lines JSONB DEFAULT '[]'::jsonb NOT NULL,
    refunds JSONB DEFAULT '[]'::jsonb NOT NULL,
    proposals JSONB DEFAULT '[]'::jsonb NOT NULL,
    receipt TEXT COLLATE "C",
    note TEXT DEFAULT '' NOT NULL,
    by TEXT COLLATE "C" NOT NULL,
    decided_by TEXT COLLATE "C" DEFAULT '' NOT NULL,
    received_at TIMESTAMP WITH TIME ZONE,
    version BIGINT DEFAULT 1 NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    changed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT returns_pkey PRIMARY KEY (id),
    CONSTRAINT returns_state_check CHECK (state in ('announced', 'received', 'cancelled')),
    CONSTRAINT returns_order_id_fkey FOREIGN KEY(order_id) REFERENCES orders (id),
    CONSTRAINT returns_store_fkey FOREIGN KEY(store) REFERENCES stores (store)
);
CREATE INDEX returns_order_id_idx ON returns (order_id);
CREATE INDEX returns_store_state_id_idx ON returns (store, state, id);

-- fulfilment
CREATE TABLE shipments (
    id TEXT COLLATE "C" NOT NULL,
    order_id TEXT COLLATE "C" NOT NULL,
    store TEXT COLLATE "C" NOT NULL,
    customer TEXT COLLATE "C",
    state TEXT DEFAULT '' NOT NULL,
    lines JSONB DEFAULT '[]'::jsonb NOT NULL,
    method TEXT DEFAULT '' NOT NULL,
    promised_from TIMESTAMP WITH TIME ZONE,
    promised_until TIMESTAMP WITH TIME ZONE,
    parcels JSONB DEFAULT '[]'::jsonb NOT NULL,
    shipped_at TIMESTAMP WITH TIME ZONE,
    delivered_at TIMESTAMP WITH TIME ZONE,
    reason TEXT DEFAULT '' NOT NULL,
    version BIGINT DEFAULT 1 NOT NULL,
    placed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    changed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT shipments_pkey PRIMARY KEY (id),
    CONSTRAINT shipments_order_id_fkey FOREIGN KEY(order_id) REFERENCES orders (id),
    CONSTRAINT shipments_store_fkey FOREIGN KEY(store) REFERENCES stores (store)
);
CREATE INDEX shipments_order_id_idx ON shipments (order_id);
CREATE INDEX shipments_store_order_id_idx ON shipments (store, order_id);
CREATE INDEX shipments_store_state_id_idx ON shipments (store, state, id);

-- payments
CREATE TABLE payment_transactions (
    id TEXT COLLATE "C" NOT NULL,
    attempt TEXT COLLATE "C" NOT NULL,
    order_id TEXT COLLATE "C" NOT NULL,
    kind TEXT DEFAULT '' NOT NULL,
    cause TEXT COLLATE "C" NOT NULL,
    amount BIGINT NOT NULL,
    state TEXT DEFAULT '' NOT NULL,
    tries INTEGER DEFAULT 0 NOT NULL,
    last_error TEXT DEFAULT '' NOT NULL,
    receipt TEXT COLLATE "C" DEFAULT '' NOT NULL,
    due_at TIMESTAMP WITH TIME ZONE NOT NULL,
    planned_at TIMESTAMP WITH TIME ZONE NOT NULL,
    changed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT payment_transactions_pkey PRIMARY KEY (id),
    CONSTRAINT payment_transactions_kind_cause_key UNIQUE (kind, cause),
    CONSTRAINT payment_transactions_kind_check CHECK (kind in ('authorise', 'capture', 'void', 'refund')),
    CONSTRAINT payment_transactions_state_check CHECK (state in ('planned', 'done', 'refused')),
    CONSTRAINT payment_transactions_amount_check CHECK (amount >= 0),
    CONSTRAINT payment_transactions_attempt_fkey FOREIGN KEY(attempt) REFERENCES payment_attempts (id),
    CONSTRAINT payment_transactions_order_id_fkey FOREIGN KEY(order_id) REFERENCES orders (id)
);
CREATE INDEX payment_transactions_attempt_id_idx ON payment_transactions (attempt, id);
CREATE INDEX payment_transactions_due_idx ON payment_transactions (due_at) WHERE state = 'planned';
CREATE INDEX payment_transactions_refused_idx ON payment_transactions (id) WHERE state = 'refused';

-- A row for each change of the units in a condition. A movement without conditions is older than
-- they are, and meant the only one there was.
create view stock_condition_changes as
select store, sku, changed.condition, changed.units::int as units, recorded_at
from stock_movements, jsonb_each_text(
    coalesce(conditions, jsonb_build_object('quality_check', unavailable))
) as changed (condition, units)
where unavailable <> 0;

-- Units of each condition, by the ledger.
create view stock_condition_sums as
select store, sku, condition, sum(units)::bigint as units
from stock_condition_changes group by store, sku, condition;

-- Units that open deliveries and transfers still bring.
create view expected_stock as
select line.sku, destination as store, id as source, quantity - received as units, due_on
from (
    select id, destination, lines, due_on from deliveries where closed_at is null
    union all
    select id, destination, lines, due_on from transfers where closed_at is null
) as consignment, jsonb_to_recordset(lines) as line (sku text, quantity int, received int)
where quantity > received;

-- Pickups and shipments as one. Where no time was promised, the time of the order counts.
create view fulfilments as
select id, order_id, store, state, lines, promised_from, placed_at
from pickups
union all
select id, order_id, store, state, lines, coalesce(promised_from, placed_at), placed_at
from shipments;

-- A row for each line of a fulfilment. `parts` are the units of each SKU that one unit consists of.
create view fulfilment_lines as
select fulfilments.id as fulfilment_id, order_id, store, state, promised_from, placed_at,
    line.sku, line.quantity, line.parts, line.picked, line.cancelled, line.given, line.put_back
from fulfilments, jsonb_to_recordset(fulfilments.lines) as line (
    sku text, quantity int, parts jsonb, picked int, cancelled int, given int, put_back int
);

-- A row for each SKU that a line of a fulfilment consists of; `units` of it make one of the line.
create view fulfilment_parts as
select fulfilment_id, state, store, line.sku as line, part.key as sku, part.value::int as units,
    quantity, given, picked - given - put_back as staged, quantity - given - cancelled as remaining
from fulfilment_lines as line, jsonb_each_text(line.parts) as part;

-- A row for each line of an order that was placed.
create view order_lines as
select orders.id as order_id, orders.state, orders.customer, coalesce(item.line, item.sku) as line,
    item.sku, item.quantity, item.collected + coalesce(item.shipped, 0) as given, item.cancelled,
    coalesce(item.returned, 0) as returned, item.points,
    (item.to_pay ->> 'amount')::bigint as to_pay_minor, item."group" as fulfilment_id
from orders, jsonb_to_recordset(orders.lines) as item (
    line text, sku text, quantity int, collected int, shipped int, cancelled int, returned int,
    points bigint, to_pay jsonb, "group" text
)
where orders.state not in ('pending_payment', 'expired');

-- A row for each line of a return.
create view return_lines as
select returns.id as return_id, returns.order_id, returns.store, returns.state, returns.receipt,
    returns.decided_by, item.line, item.sku, item.quantity, item.disposition, item.parts,
    (item.refund ->> 'amount')::bigint as refund_minor,
    (item.withheld ->> 'amount')::bigint as withheld_minor
from returns, jsonb_to_recordset(returns.lines) as item (
    line text, sku text, quantity int, disposition text, parts jsonb, refund jsonb, withheld jsonb
);

-- The money of each payment attempt: what its order is to pay, and the refunds that are requested
-- (`requested_refund`) and not yet confirmed (`pending_refund`).
create view payment_balances as
select attempt.id, attempt.order_id, attempt.state, attempt.payment, attempt.authorised,
    attempt.captured, attempt.refunded - attempt.refund_failed as refunded,
    case when orders.attempt = attempt.id and orders.state <> 'expired'
        then orders.to_pay_minor - orders.refunded_minor else 0
    end as to_pay,
    coalesce((
        select sum(amount)::bigint from payment_transactions as refund
        where refund.attempt = attempt.id and kind = 'refund' and refund.state <> 'done'
    ), 0) as pending_refund,
    coalesce((
        select sum(amount)::bigint from payment_transactions as refund
        where refund.attempt = attempt.id and kind = 'refund' and refund.state <> 'refused'
    ), 0) as requested_refund
from payment_attempts as attempt join orders on orders.id = attempt.order_id;

-- A row for each posting, with `change`: the points that it adds to its account.
create view points_changes as
select points_entries.member, lot, account, side, points,
    case when (account in ('debt', 'issuance')) = (side = 'debit') then points else -points end
        as change
from points_postings join points_entries on points_entries.id = points_postings.entry;

-- The balances of each member, by the ledger.
create view points_balances as
select member,
    coalesce(sum(change) filter (where account = 'pending'), 0)::bigint as pending,
    coalesce(sum(change) filter (where account = 'available'), 0)::bigint as available,
    coalesce(sum(change) filter (where account = 'held'), 0)::bigint as held,
    coalesce(sum(change) filter (where account = 'debt'), 0)::bigint as debt
from points_changes group by member;

-- The points of each lot, by the ledger.
create view points_lot_balances as
select lot,
    coalesce(sum(change) filter (where account = 'pending'), 0)::bigint as pending,
    coalesce(sum(change) filter (where account = 'available'), 0)::bigint as remaining,
    coalesce(-sum(change) filter (where account = 'issuance' and change < 0), 0)::bigint
        as reversed
from points_changes where lot is not null group by lot;

-- Ledgers: append-only, and balanced.
create function reject_rewrite() returns trigger language plpgsql as $$
begin
    raise exception '% is append-only: rows are never updated or deleted', tg_table_name
        using errcode = 'restrict_violation';
end $$;

create trigger append_only before update or delete or truncate on stock_movements
for each statement execute function reject_rewrite();

create trigger append_only before update or delete or truncate on points_entries
for each statement execute function reject_rewrite();

create trigger append_only before update or delete or truncate on points_postings
for each statement execute function reject_rewrite();

create trigger append_only before update or delete or truncate on repairs
for each statement execute function reject_rewrite();

create function reject_imbalance() returns trigger language plpgsql as $$
begin
    if exists (
        select from added group by entry
        having sum(points) filter (where side = 'debit')
            is distinct from sum(points) filter (where side = 'credit')
    ) then
        raise exception 'the postings of a points entry must balance'
            using errcode = 'check_violation';
    end if;
    return null;
end $$;

create trigger balanced after insert on points_postings referencing new table as added
for each statement execute function reject_imbalance();

-- First rows.
insert into sales_channels (channel) values ('web');
insert into price_rules default values;
