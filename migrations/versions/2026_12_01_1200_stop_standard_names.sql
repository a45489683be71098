-- Renames tables, columns, constraints, indexes, sequences and triggers to standard terms, and the
-- names inside stored answers, job runs and audit results. No process may be running meanwhile.

set local statement_timeout = 0;

-- Tables.
do $$ begin
    alter table events rename to outbox_events;
    alter table entries rename to points_entries;
    alter table lots rename to points_lots;
    alter table postings rename to points_postings;
    alter table stock rename to stock_levels;
    alter table movements rename to stock_movements;
    alter table keys rename to api_keys;
    alter table attempts rename to payment_attempts;
    alter table transactions rename to payment_transactions;
    alter table notices rename to provider_events;
    alter table requests rename to idempotency_keys;
    alter table trespasses rename to access_denials;
    alter table viewed rename to recently_viewed;
    alter table feed_inbox rename to feed_outbox;
    alter table job_slots rename to job_runs;
    alter table blocked rename to stock_conditions;
    alter table counts rename to stock_counts;
    alter table walk_ins rename to walk_in_safety_stock;
    alter table buffers rename to channel_buffers;
    alter table sales rename to receipts;
    alter table order_words rename to order_search_terms;
    alter table timeline rename to order_timeline;
    alter table members rename to loyalty_members;
    alter table parts rename to kit_parts;
    alter table incoming rename to incoming_stock;
end $$;

-- Columns.
do $$ begin
    alter table idempotency_keys rename column answer to response;
    alter table access_denials rename column "object" to resource;
    alter table access_denials rename column at to denied_at;
    alter table job_runs rename column slot to scheduled_at;
    alter table audits rename column at to audited_at;
    alter table repairs rename column at to repaired_at;
    alter table repairs rename column repair to repair_id;
    alter table webhooks rename column trouble to last_error;
    alter table webhooks rename column until to batch_end;
    alter table outbox_events rename column trouble to last_error;
    alter table order_search_terms rename column word to term;
    alter table order_timeline rename column at to occurred_at;
    alter table order_timeline rename column what to kind;
    alter table order_timeline rename column by to actor_kind;
    alter table order_timeline rename column facts to details;
    alter table order_timeline rename column group_id to fulfilment_id;
    alter table orders rename column groups to fulfilments;
    alter table orders rename column pay_by to payment_due_at;
    alter table orders rename column bill to pricing;
    alter table orders rename column paid_back_minor to refunded_minor;
    alter table messages rename column given_up to failed_channels;
    alter table messages rename column not_after to send_before;
    alter table allocations rename column group_id to fulfilment_id;
    alter table walk_in_policies rename column kept_for to raised_for;
    alter table walk_in_safety_stock rename column by_hand to manual_safety_stock;
    alter table stock_counts rename column said_at to stated_at;
    alter table payment_attempts rename column look_at to reconcile_at;
    alter table payment_attempts rename column looks to reconcile_count;
    alter table payment_attempts rename column trouble to last_error;
    alter table payment_transactions rename column trouble to last_error;
    alter table provider_events rename column heard_at to received_at;
    alter table receipts rename column "of" to original_receipt;
    alter table products rename column "group" to variant_group;
    alter table price_rules rename column one to singleton;
end $$;

-- Constraints, and the indexes behind them.
do $$ begin
    alter table access_denials rename constraint trespasses_pkey to access_denials_pkey;
    alter table api_keys rename constraint keys_pkey to api_keys_pkey;
    alter table api_keys rename constraint keys_secret_hash_key to api_keys_secret_hash_key;
    alter table channel_buffers rename constraint buffers_buffer_check to channel_buffers_buffer_check;
    alter table channel_buffers rename constraint buffers_channel_fkey to channel_buffers_channel_fkey;
    alter table channel_buffers rename constraint buffers_pkey to channel_buffers_pkey;
    alter table feed_outbox rename constraint feed_inbox_pkey to feed_outbox_pkey;
    alter table idempotency_keys rename constraint requests_pkey to idempotency_keys_pkey;
    alter table incoming_stock rename constraint incoming_units_check to incoming_stock_units_check;
    alter table incoming_stock rename constraint incoming_store_fkey to incoming_stock_store_fkey;
    alter table incoming_stock rename constraint incoming_pkey to incoming_stock_pkey;
    alter table job_runs rename constraint job_slots_pkey to job_runs_pkey;
    alter table kit_parts rename constraint parts_quantity_check to kit_parts_quantity_check;
    alter table kit_parts rename constraint parts_kit_fkey to kit_parts_kit_fkey;
    alter table kit_parts rename constraint parts_sku_fkey to kit_parts_sku_fkey;
    alter table kit_parts rename constraint parts_pkey to kit_parts_pkey;
    alter table loyalty_members rename constraint members_available_check to loyalty_members_available_check;
    alter table loyalty_members rename constraint members_debt_check to loyalty_members_debt_check;
    alter table loyalty_members rename constraint members_held_check to loyalty_members_held_check;
    alter table loyalty_members rename constraint members_pending_check to loyalty_members_pending_check;
    alter table loyalty_members rename constraint members_customer_fkey to loyalty_members_customer_fkey;
    alter table loyalty_members rename constraint members_pkey to loyalty_members_pkey;
    alter table loyalty_members rename constraint members_customer_key to loyalty_members_customer_key;
    alter table order_search_terms rename constraint order_words_pkey to order_search_terms_pkey;
    alter table order_timeline rename constraint timeline_pkey to order_timeline_pkey;
    alter table outbox_events rename constraint events_pkey to outbox_events_pkey;
    alter table payment_attempts rename constraint attempts_captured_check to payment_attempts_captured_check;
    alter table payment_attempts rename constraint attempts_refunded_check to payment_attempts_refunded_check;
    alter table payment_attempts rename constraint attempts_amount_minor_check to payment_attempts_amount_minor_check;
    alter table payment_attempts rename constraint attempts_order_id_fkey to payment_attempts_order_id_fkey;
    alter table payment_attempts rename constraint attempts_pkey to payment_attempts_pkey;
    alter table payment_transactions rename constraint transactions_amount_check to payment_transactions_amount_check;
    alter table payment_transactions rename constraint transactions_kind_check to payment_transactions_kind_check;
    alter table payment_transactions rename constraint transactions_state_check to payment_transactions_state_check;
    alter table payment_transactions rename constraint transactions_attempt_fkey to payment_transactions_attempt_fkey;
    alter table payment_transactions rename constraint transactions_order_id_fkey to payment_transactions_order_id_fkey;
    alter table payment_transactions rename constraint transactions_pkey to payment_transactions_pkey;
    alter table payment_transactions rename constraint transactions_kind_cause_key to payment_transactions_kind_cause_key;
    alter table points_entries rename constraint entries_member_fkey to points_entries_member_fkey;
    alter table points_entries rename constraint entries_pkey to points_entries_pkey;
    alter table points_entries rename constraint entries_kind_source_key to points_entries_kind_source_key;
    alter table points_lots rename constraint lots_left_check to points_lots_left_check;
    alter table points_lots rename constraint lots_reversed_check to points_lots_reversed_check;
    alter table points_lots rename constraint lots_granted_check to points_lots_granted_check;
    alter table points_lots rename constraint lots_pending_check to points_lots_pending_check;
    alter table points_lots rename constraint lots_remaining_check to points_lots_remaining_check;
    alter table points_lots rename constraint lots_member_fkey to points_lots_member_fkey;
    alter table points_lots rename constraint lots_origin_fkey to points_lots_origin_fkey;
    alter table points_lots rename constraint lots_pkey to points_lots_pkey;
    alter table points_postings rename constraint postings_points_check to points_postings_points_check;
    alter table points_postings rename constraint postings_side_check to points_postings_side_check;
    alter table points_postings rename constraint postings_entry_fkey to points_postings_entry_fkey;
    alter table points_postings rename constraint postings_lot_fkey to points_postings_lot_fkey;
    alter table points_postings rename constraint postings_pkey to points_postings_pkey;
    alter table price_rules rename constraint price_rules_one_check to price_rules_singleton_check;
    alter table provider_events rename constraint notices_pkey to provider_events_pkey;
    alter table receipts rename constraint sales_kind_check to receipts_kind_check;
    alter table receipts rename constraint sales_pkey to receipts_pkey;
    alter table recently_viewed rename constraint viewed_pkey to recently_viewed_pkey;
    alter table stock_conditions rename constraint blocked_units_check to stock_conditions_units_check;
    alter table stock_conditions rename constraint blocked_store_fkey to stock_conditions_store_fkey;
    alter table stock_conditions rename constraint blocked_pkey to stock_conditions_pkey;
    alter table stock_counts rename constraint counts_pkey to stock_counts_pkey;
    alter table stock_levels rename constraint stock_staged_check to stock_levels_staged_check;
    alter table stock_levels rename constraint stock_allocated_check to stock_levels_allocated_check;
    alter table stock_levels rename constraint stock_held_check to stock_levels_held_check;
    alter table stock_levels rename constraint stock_safety_stock_check to stock_levels_safety_stock_check;
    alter table stock_levels rename constraint stock_unavailable_check to stock_levels_unavailable_check;
    alter table stock_levels rename constraint stock_store_fkey to stock_levels_store_fkey;
    alter table stock_levels rename constraint stock_pkey to stock_levels_pkey;
    alter table stock_movements rename constraint movements_pkey to stock_movements_pkey;
    alter table stock_movements rename constraint movements_cause_store_sku_key to stock_movements_cause_store_sku_key;
    alter table walk_in_safety_stock rename constraint walk_ins_store_fkey to walk_in_safety_stock_store_fkey;
    alter table walk_in_safety_stock rename constraint walk_ins_pkey to walk_in_safety_stock_pkey;
    alter table webhooks rename constraint webhooks_until_check to webhooks_batch_end_check;
end $$;

-- Indexes.
do $$ begin
    alter index trespasses_at_idx rename to access_denials_denied_at_idx;
    alter index requests_created_at_idx rename to idempotency_keys_created_at_idx;
    alter index incoming_source_idx rename to incoming_stock_source_idx;
    alter index order_words_order_id_idx rename to order_search_terms_order_id_idx;
    alter index timeline_order_id_id_idx rename to order_timeline_order_id_id_idx;
    alter index events_due_at_idx rename to outbox_events_due_at_idx;
    alter index attempts_unsettled_idx rename to payment_attempts_unsettled_idx;
    alter index attempts_order_id_id_idx rename to payment_attempts_order_id_id_idx;
    alter index attempts_due_idx rename to payment_attempts_due_idx;
    alter index attempts_open_idx rename to payment_attempts_open_idx;
    alter index attempts_payment_key rename to payment_attempts_payment_key;
    alter index transactions_attempt_id_idx rename to payment_transactions_attempt_id_idx;
    alter index transactions_due_idx rename to payment_transactions_due_idx;
    alter index transactions_refused_idx rename to payment_transactions_refused_idx;
    alter index entries_member_id_idx rename to points_entries_member_id_idx;
    alter index lots_due_idx rename to points_lots_due_idx;
    alter index lots_member_id_idx rename to points_lots_member_id_idx;
    alter index lots_purchase_idx rename to points_lots_purchase_idx;
    alter index lots_grant_key rename to points_lots_grant_key;
    alter index products_group_idx rename to products_variant_group_idx;
    alter index notices_heard_at_idx rename to provider_events_received_at_idx;
    alter index sales_of_idx rename to receipts_original_receipt_idx;
    alter index repairs_repair_idx rename to repairs_repair_id_idx;
    alter index movements_occurred_at_idx rename to stock_movements_occurred_at_idx;
    alter index movements_sku_store_id_idx rename to stock_movements_sku_store_id_idx;
end $$;

-- Sequences.
do $$ begin
    alter sequence trespasses_id_seq rename to access_denials_id_seq;
    alter sequence feed_inbox_id_seq rename to feed_outbox_id_seq;
    alter sequence timeline_id_seq rename to order_timeline_id_seq;
    alter sequence events_id_seq rename to outbox_events_id_seq;
    alter sequence movements_id_seq rename to stock_movements_id_seq;
end $$;

-- Ledgers: append-only, and balanced.
do $$ begin
    alter trigger kept on stock_movements rename to append_only;
    alter trigger kept on points_entries rename to append_only;
    alter trigger kept on points_postings rename to append_only;
    alter trigger kept on repairs rename to append_only;
    alter function refuse_to_rewrite() rename to reject_rewrite;
    alter function refuse_imbalance() rename to reject_imbalance;
end $$;

create or replace function reject_rewrite() returns trigger language plpgsql as $$
begin
    raise exception '% is append-only: rows are never updated or deleted', tg_table_name
        using errcode = 'restrict_violation';
end $$;

create or replace function reject_imbalance() returns trigger language plpgsql as $$
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

-- Views.
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

-- Stored answers are JSON of the service's own types; their field names change with the columns.
update idempotency_keys set response = convert_to(
    regexp_replace(regexp_replace(regexp_replace(regexp_replace(regexp_replace(
    regexp_replace(regexp_replace(regexp_replace(convert_from(response, 'UTF8'),
        '"pay_by":', '"payment_due_at":', 'g'),
        '"paid_back":', '"refunded_minor":', 'g'),
        '"bill":', '"pricing":', 'g'),
        '"look_at":', '"reconcile_at":', 'g'),
        '"looks":', '"reconcile_count":', 'g'),
        '"trouble":', '"last_error":', 'g'),
        '"given_up":', '"failed_channels":', 'g'),
        '"not_after":', '"send_before":', 'g'), 'UTF8')
where response is not null
    and convert_from(response, 'UTF8')
        ~ '"(pay_by|paid_back|bill|look_at|looks|trouble|given_up|not_after)":';

-- Codes of errors and problems in stored answers.
update idempotency_keys set response = convert_to(
    regexp_replace(regexp_replace(regexp_replace(convert_from(response, 'UTF8'),
        '"code":"limit"', '"code":"quantity_limit"', 'g'),
        '"code":"unknown_customer"', '"code":"customer_not_found"', 'g'),
        '"code":"customer_unknown"', '"code":"token_subject_unknown"', 'g'), 'UTF8')
where response is not null
    and convert_from(response, 'UTF8') ~ '"code":"(limit|unknown_customer|customer_unknown)"';

-- Payments that went back: refunded where money was captured, voided where it was only reserved.
create temporary table returned_payments on commit drop as
select id, case when captured > 0 then 'payment_refunded' else 'payment_voided' end as kind
from payment_attempts;

update outbox_events
set kind = returned_payments.kind, body = jsonb_set(body, '{type}', to_jsonb(returned_payments.kind))
from returned_payments
where outbox_events.kind = 'payment_returned' and body ->> 'attempt' = returned_payments.id;

update messages set kind = returned_payments.kind
from returned_payments
where messages.kind = 'payment_returned' and messages.key = returned_payments.id;

-- The last runs of periodic jobs.
update job_runs set job = renamed.new_name
from (values
    ('follow_events', 'process_events'),
    ('sweep_holds', 'expire_holds'),
    ('keep_back_for_walk_ins', 'raise_safety_stock'),
    ('settle_lost_messages', 'recover_lost_messages'),
    ('close_drained', 'close_drained_stores'),
    ('forget_carts', 'purge_carts'),
    ('forget_feed', 'purge_feed'),
    ('forget_requests', 'purge_idempotency_keys'),
    ('forget_trespasses', 'purge_access_denials'),
    ('ask_for_payments', 'execute_transactions'),
    ('look_at_payments', 'reconcile_attempts'),
    ('end_unpaid_orders', 'expire_unpaid_orders'),
    ('forget_notices', 'purge_provider_events')
) as renamed (old_name, new_name)
where job = renamed.old_name;

-- The names of invariants in the last audit and in repairs.
create temporary table renamed_invariants (old_name, new_name) on commit drop as values
    ('staged_is_what_lies_picked', 'staged_is_what_was_picked'),
    ('every_movement_has_its_shelf', 'movements_have_a_stock_level'),
    ('nobody_is_paid_back_more_than_was_paid', 'refunds_never_exceed_the_payment'),
    ('what_returns_give_back_is_asked_of_the_provider', 'returns_are_refunded_by_the_provider'),
    ('what_came_back_was_worth_its_share', 'returns_are_worth_their_share'),
    ('what_is_oversold_is_short', 'oversold_incidents_are_short'),
    ('holds_claim_what_they_keep', 'hold_units_are_those_of_holds'),
    ('what_is_over_wants_nothing', 'ended_fulfilments_have_no_units_left'),
    ('allocations_are_what_their_group_claims', 'allocations_are_what_fulfilments_claim'),
    ('orders_and_groups_tell_the_same', 'orders_and_fulfilments_agree'),
    ('a_closed_store_owes_nothing', 'closed_stores_have_no_open_work'),
    ('nothing_is_kept_that_is_not_owed', 'captured_money_is_owed'),
    ('a_cart_that_is_over_holds_nothing', 'ended_carts_hold_nothing'),
    ('orders_cost_what_is_wanted', 'orders_cost_their_lines'),
    ('an_order_by_card_has_its_money', 'orders_by_card_are_authorised'),
    ('nobody_is_told_twice', 'messages_are_sent_once'),
    ('events_are_followed', 'events_are_processed'),
    ('safety_stock_is_what_was_told', 'safety_stock_is_what_was_reported');

update audits set name = new_name from renamed_invariants where name = old_name;

alter table repairs disable trigger append_only;

update repairs set invariant = new_name from renamed_invariants where invariant = old_name;

alter table repairs enable trigger append_only;
