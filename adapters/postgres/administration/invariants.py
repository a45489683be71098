"""The invariants, one SQL statement each: the expected and the actual figure of a row.

Every statement returns `about` (the thing, by its names), `expected` and `actual`, one row for
each figure it checks.
"""

from collections.abc import Mapping
from typing import Final

from adapters.postgres.db.ledgers import BLOCKINGS
from adapters.postgres.fulfilment.repositories.fulfilments import GROUPS, LINE

MOST_ATTEMPTS: Final = 10
"""Tries after which an event that cannot be followed is somebody's business."""

PARTS: Final = f"""
    (
        select g.id as fulfilment_id, g.store, line.sku as line, part.key as sku, each.units,
            line.quantity, line.given,
            line.picked - line.given - line.put_back as staged,
            line.quantity - line.given - line.cancelled as remaining
        from {GROUPS} as g,
            jsonb_to_recordset(g.lines) as line {LINE},
            jsonb_each_text(line.parts) as part,
            lateral (select part.value::int as units) as each
    )
"""
"""Every part of every line that is to be fetched for a group."""

SHELVES: Final = f"""
    stock_levels as shelf
    left join (
        select store, sku, sum(on_hand)::bigint as on_hand, sum(unavailable)::bigint as unavailable
        from stock_movements group by store, sku
    ) as moved using (store, sku)
    left join (
        select store, sku, sum(quantity - consumed - released)::bigint as allocated
        from allocations group by store, sku
    ) as claimed using (store, sku)
    left join (
        select store, sku, sum(staged * units)::bigint as staged
        from {PARTS} as part group by store, sku
    ) as picked using (store, sku)
    left join (
        select store, sku, sum(quantity)::bigint as held from hold_units group by store, sku
    ) as claiming using (store, sku)
"""
"""Every shelf beside the ledgers and claims that explain it."""

CONDITIONS: Final = f"""
    (
        select store, sku, condition, sum(units)::bigint as units from {BLOCKINGS} as blocking
        group by store, sku, condition
    )
"""
"""How much of each is not for sale, and why, by the ledger."""

SHELF_FIGURES: Final[Mapping[str, str]] = {
    "on_hand": "coalesce(moved.on_hand, 0)",
    "unavailable": "coalesce(moved.unavailable, 0)",
    "allocated": "coalesce(claimed.allocated, 0)",
    "staged": "coalesce(picked.staged, 0)",
    "held": "coalesce(claiming.held, 0)",
}
"""What explains each figure of a shelf."""

GROWN: Final = """
    (
        select points_entries.member, lot, account, side, points,
            case when (account in ('debt', 'issuance')) = (side = 'debit')
                then points else -points
            end as growth
        from points_postings join points_entries on points_entries.id = points_postings.entry
    ) as posting
"""
MEMBERS: Final = f"""
    loyalty_members as member
    left join (
        select member as id,
            coalesce(sum(growth) filter (where account = 'pending'), 0)::bigint as pending,
            coalesce(sum(growth) filter (where account = 'available'), 0)::bigint as available,
            coalesce(sum(growth) filter (where account = 'held'), 0)::bigint as held,
            coalesce(sum(growth) filter (where account = 'debt'), 0)::bigint as debt
        from {GROWN} group by member
    ) as told using (id)
"""
LOTS: Final = f"""
    points_lots as lot
    left join (
        select lot as id,
            coalesce(sum(growth) filter (where account = 'pending'), 0)::bigint as pending,
            coalesce(sum(growth) filter (where account = 'available'), 0)::bigint as remaining,
            coalesce(
                -sum(growth) filter (where account = 'issuance' and growth < 0), 0
            )::bigint as reversed
        from {GROWN} where lot is not null group by lot
    ) as told using (id)
"""
MEMBER_FIGURES: Final = ("pending", "available", "held", "debt")
LOT_FIGURES: Final = ("pending", "remaining", "reversed")
ORDER_LINES: Final = """
    (
        select o.id as order_id, o.customer, line.*
        from orders o, jsonb_to_recordset(o.lines) as line
            (line text, sku text, quantity int, collected int, shipped int, cancelled int,
                returned int, points bigint, to_pay jsonb, "group" text)
        where o.state not in ('pending_payment', 'expired')
    ) as line
"""
"""Lines of every order that was placed; before, nothing is promised of them."""

OWED: Final = """
    (
        select a.id, a.order_id, a.state, a.payment, a.authorised, a.captured,
            a.refunded - a.refund_failed as refunded,
            case when o.attempt = a.id and o.state <> 'expired'
                then o.to_pay_minor - o.refunded_minor else 0
            end as owed,
            coalesce((
                select sum(amount)::bigint from payment_transactions
                where attempt = a.id and kind = 'refund' and state <> 'done'
            ), 0) as under_way,
            coalesce((
                select sum(amount)::bigint from payment_transactions
                where attempt = a.id and kind = 'refund' and state <> 'refused'
            ), 0) as asked_back
        from payment_attempts a join orders o on o.id = a.order_id
    ) as attempt
"""
"""Every attempt to be paid, what its order wants of it, and what is being given back."""

RETURN_LINES: Final = """
    (
        select r.id, r.order_id, r.store, r.state, r.receipt, r.decided_by, line.*
        from returns r, jsonb_to_recordset(r.lines) as line
            (line text, sku text, quantity int, disposition text, parts jsonb, refund jsonb,
                withheld jsonb)
    ) as back
"""


def _shelf(figure: str) -> str:
    return f"""
        select jsonb_build_object('store', store, 'sku', sku) as about,
            {SHELF_FIGURES[figure]} as expected, shelf.{figure} as actual
        from {SHELVES}
    """


COMING: Final = """
    (
        select line.sku, destination as store, id as source, quantity - received as units, due_on
        from (
            select id, destination, lines, due_on from deliveries where closed_at is null
            union all
            select id, destination, lines, due_on from transfers where closed_at is null
        ) as open, jsonb_to_recordset(lines) as line (sku text, quantity int, received int)
        where quantity > received
    )
"""
"""What open deliveries and transfers still bring."""

INVARIANTS: Final[Mapping[str, str]] = {
    "on_hand_is_what_was_moved": _shelf("on_hand"),
    "unavailable_is_what_was_moved": _shelf("unavailable"),
    "allocated_is_what_orders_claim": _shelf("allocated"),
    "staged_is_what_lies_picked": _shelf("staged"),
    "held_is_what_carts_hold": _shelf("held"),
    "conditions_are_what_was_moved": f"""
        select jsonb_build_object('store', store, 'sku', sku, 'condition', condition) as about,
            coalesce(moved.units, 0) as expected, coalesce(stock_conditions.units, 0) as actual
        from stock_conditions full join {CONDITIONS} as moved using (store, sku, condition)
    """,
    "unavailable_is_the_sum_of_conditions": """
        select jsonb_build_object('store', store, 'sku', sku) as about,
            stock_levels.unavailable as expected, coalesce(sums.units, 0) as actual
        from stock_levels left join (
            select store, sku, sum(units) as units from stock_conditions group by store, sku
        ) as sums using (store, sku)
    """,
    "every_movement_has_its_shelf": """
        select jsonb_build_object('store', store, 'sku', sku) as about,
            1 as expected, count(stock_levels.version) as actual
        from (select distinct store, sku from stock_movements) as moved
        left join stock_levels using (store, sku)
        group by store, sku
    """,
    "goods_of_a_receipt_have_their_receipt": """
        select jsonb_build_object('receipt', cause, 'store', moved.store, 'sku', moved.sku)
                as about, 1 as expected, (
                    receipts.kind = moved.kind and receipts.store = moved.store
                    and receipts.occurred_at = moved.occurred_at
                )::int as actual
        from (
            select *, substr(cause, length('receipt:') + 1) as receipt
            from stock_movements where kind in ('sale', 'return') and not starts_with(cause, 'ret_')
        ) as moved
        left join receipts on receipts.id = receipt
    """,
    "returns_are_what_was_moved": f"""
        select jsonb_build_object('return', back, 'sku', sku, 'figure', figure) as about,
            expected, actual
        from (
            select id as back, store, part.key as sku,
                sum(quantity * part.value::int) as on_hand,
                sum(quantity * part.value::int)
                    filter (where disposition in ('damaged', 'quarantine')) as unavailable
            from {RETURN_LINES}, jsonb_each_text(parts) as part
            where state = 'received'
            group by id, store, part.key
        ) as told
        full join (
            select cause as back, store, sku, sum(on_hand) as on_hand,
                sum(unavailable) as unavailable
            from stock_movements where kind = 'return' and starts_with(cause, 'ret_')
            group by cause, store, sku
        ) as moved using (back, store, sku),
            lateral (values
                ('on_hand', moved.on_hand, told.on_hand),
                ('unavailable', coalesce(moved.unavailable, 0), coalesce(told.unavailable, 0))
            ) as compared (figure, was_moved, was_told),
            lateral (select coalesce(was_moved, 0) as expected, coalesce(was_told, 0) as actual)
    """,
    "returned_is_what_came_back": f"""
        select jsonb_build_object('order', order_id, 'line', line, 'figure', figure) as about,
            expected, actual
        from (
            select order_id, coalesce(line, sku) as line, coalesce(returned, 0) as returned,
                collected + coalesce(shipped, 0) as given
            from {ORDER_LINES}
        ) as ordered
        full join (
            select order_id, line, sum(quantity) as units from {RETURN_LINES}
            where state = 'received' and order_id is not null
            group by order_id, line
        ) as told using (order_id, line),
            lateral (values
                ('returned', coalesce(told.units, 0), returned),
                ('at_most_given', least(returned, given), returned)
            ) as compared (figure, expected, actual)
    """,
    "refunds_add_up": f"""
        select jsonb_build_object('return', id) as about,
            coalesce(lines.refund, 0) as expected, coalesce(tenders.refund, 0) as actual
        from returns
        left join (
            select id, sum((refund ->> 'amount')::bigint)::bigint as refund
            from {RETURN_LINES} group by id
        ) as lines using (id)
        left join (
            select r.id, sum((tender.amount ->> 'amount')::bigint)::bigint as refund
            from returns r, jsonb_to_recordset(r.refunds) as tender (amount jsonb)
            group by r.id
        ) as tenders using (id)
    """,
    "nobody_is_paid_back_more_than_was_paid": f"""
        select jsonb_build_object('order', order_id) as about,
            least(refunded, to_pay_minor) as expected, refunded as actual
        from orders join (
            select order_id, sum((refund ->> 'amount')::bigint)::bigint as refunded
            from {RETURN_LINES} group by order_id
        ) as told on told.order_id = orders.id
    """,
    "what_returns_give_back_is_asked_of_the_provider": """
        select jsonb_build_object('order', orders.id) as about,
            coalesce(told.amount, 0) as expected, refunded_minor as actual
        from orders left join (
            select order_id, sum((refund.amount ->> 'amount')::bigint)::bigint as amount
            from returns, jsonb_to_recordset(refunds) as refund (amount jsonb, through text)
            where refund.through = 'provider' group by order_id
        ) as told on told.order_id = orders.id
    """,
    "what_came_back_was_worth_its_share": f"""
        select jsonb_build_object('order', order_id, 'line', line) as about,
            cost * units / quantity as expected, worth as actual
        from (
            select order_id, coalesce(line, sku) as line, quantity,
                (to_pay ->> 'amount')::bigint as cost
            from {ORDER_LINES}
        ) as ordered
        join (
            select order_id, line, sum(quantity)::bigint as units, sum(
                (refund ->> 'amount')::bigint + (withheld ->> 'amount')::bigint
            )::bigint as worth
            from {RETURN_LINES} where state = 'received'
            group by order_id, line
            having bool_and(receipt is null and decided_by = '')
        ) as told using (order_id, line)
    """,
    "what_is_oversold_is_short": """
        select jsonb_build_object('incident', incidents.id) as about, 1 as expected,
            (on_hand - unavailable - allocated - held < 0)::int as actual
        from incidents left join stock_levels using (store, sku)
        where incidents.kind = 'oversold' and incidents.state = 'open'
    """,
    "holds_claim_what_they_keep": """
        select jsonb_build_object('hold', hold, 'store', store, 'sku', sku, 'figure', figure)
                as about, expected, actual
        from (
            select id as hold, there.key as store, kept.key as sku, kept.value::bigint as units,
                extract(epoch from held_until)::bigint as until
            from holds, jsonb_each(units) as there, jsonb_each_text(there.value) as kept
            where state = 'active'
        ) as told
        full join (
            select hold, store, sku, sum(quantity)::bigint as units,
                extract(epoch from max(held_until))::bigint as until
            from hold_units group by hold, store, sku
        ) as claimed using (hold, store, sku),
            lateral (values
                ('units', told.units, claimed.units),
                ('until', told.until, claimed.until)
            ) as compared (figure, expected, actual)
    """,
    "what_is_over_wants_nothing": f"""
        select jsonb_build_object('group', g.id, 'line', line) as about,
            0 as expected, remaining as actual
        from {PARTS} as part join {GROUPS} as g on g.id = part.fulfilment_id
        where g.state not in ('placed', 'accepted', 'picking', 'ready')
        union all
        select jsonb_build_object('order', order_id, 'line', line.line),
            0, quantity - collected - coalesce(shipped, 0) - cancelled
        from {ORDER_LINES} join orders on orders.id = order_id
        where orders.state in ('cancelled', 'fulfilled')
    """,
    "allocations_are_what_their_group_claims": f"""
        select jsonb_build_object(
                'group', fulfilment_id, 'line', line, 'sku', sku, 'figure', figure
            ) as about, expected, actual
        from allocations as claim
        full join {PARTS} as part using (fulfilment_id, line, sku, store),
            lateral (values
                ('quantity', part.quantity * units, claim.quantity),
                ('consumed', part.given * units, claim.consumed),
                ('released',
                    (part.quantity - part.given - greatest(remaining, staged)) * units,
                    claim.released)
            ) as compared (figure, expected, actual)
    """,
    "transfers_are_what_was_moved": """
        select jsonb_build_object('transfer', transfer, 'sku', sku, 'figure', figure) as about,
            expected, actual
        from (
            select t.id as transfer, t.origin, t.destination, line.*
            from transfers t,
                jsonb_to_recordset(t.lines) as line (sku text, quantity int, received int)
        ) as sent
        full join (
            select split_part(cause, '.', 1) as transfer, sku,
                -sum(on_hand) filter (where kind = 'transfer_out') as quantity,
                sum(on_hand) filter (where kind = 'transfer_in') as received,
                min(store) filter (where kind = 'transfer_out') as origin,
                min(store) filter (where kind = 'transfer_in') as destination
            from stock_movements where kind in ('transfer_out', 'transfer_in')
            group by split_part(cause, '.', 1), sku
        ) as moved using (transfer, sku),
            lateral (values
                ('quantity', coalesce(moved.quantity, 0), sent.quantity),
                ('received', coalesce(moved.received, 0), sent.received),
                ('origin', 1, (moved.origin = sent.origin)::int),
                ('destination', 1,
                    (coalesce(moved.destination, sent.destination) = sent.destination)::int)
            ) as compared (figure, expected, actual)
    """,
    "deliveries_are_what_was_moved": """
        select jsonb_build_object('delivery', delivery, 'sku', sku, 'figure', figure) as about,
            expected, actual
        from (
            select d.id as delivery, d.destination, line.*
            from deliveries d, jsonb_to_recordset(d.lines) as line (sku text, received int)
        ) as announced
        full join (
            select split_part(cause, '.', 1) as delivery, sku, min(store) as destination,
                sum(on_hand) as received
            from stock_movements where kind = 'received' and starts_with(cause, 'dlv_')
            group by split_part(cause, '.', 1), sku
        ) as moved using (delivery, sku),
            lateral (values
                ('received', coalesce(moved.received, 0), announced.received),
                ('destination', 1,
                    (coalesce(moved.destination, announced.destination)
                        = announced.destination)::int)
            ) as compared (figure, expected, actual)
    """,
    "incoming_is_what_is_on_its_way": f"""
        select jsonb_build_object(
                'source', source, 'store', store, 'sku', sku, 'figure', figure
            ) as about, expected, actual
        from incoming_stock
        full join {COMING} as coming using (source, store, sku),
            lateral (values
                ('units', coalesce(coming.units, 0), coalesce(incoming_stock.units, 0)),
                ('due_on', 1, (coming.due_on is not distinct from incoming_stock.due_on)::int)
            ) as compared (figure, expected, actual)
    """,
    "a_closed_store_owes_nothing": f"""
        select jsonb_build_object('store', stores.store) as about, 0 as expected, (
                select count(*) from {GROUPS} as g where store = stores.store and (
                    state in ('placed', 'accepted', 'picking', 'ready') or exists (
                        select from allocations
                        where fulfilment_id = g.id and consumed + released < quantity
                    )
                )
            ) + (
                select count(distinct hold) from hold_units where store = stores.store
            ) + (
                select count(*) from transfers
                where destination = stores.store and state = 'in_transit'
            ) as actual
        from stores where state = 'closed'
    """,
    "orders_and_groups_tell_the_same": f"""
        select jsonb_build_object('group', fulfilment_id, 'sku', sku, 'figure', figure) as about,
            expected, actual
        from (
            select "group" as fulfilment_id, sku, quantity, collected + coalesce(shipped,
                0) as given,
                cancelled
            from {ORDER_LINES}
        ) as ordered
        full join (
            select g.id as fulfilment_id, line.*
            from {GROUPS} as g, jsonb_to_recordset(g.lines) as line {LINE}
        ) as prepared using (fulfilment_id, sku),
            lateral (values
                ('quantity', ordered.quantity, prepared.quantity),
                ('given', ordered.given, prepared.given),
                ('cancelled', ordered.cancelled, prepared.cancelled)
            ) as compared (figure, expected, actual)
    """,
    "the_feed_has_every_change": """
        select jsonb_build_object('store', store, 'sku', sku, 'figure', figure) as about,
            expected, actual
        from stock_levels
        join (
            select store, sku, count(*) as told, max(version) - min(version) + 1 as changes,
                max(version) as newest
            from (select store, sku, version from feed
                union all select store, sku, version from feed_outbox) as turns
            group by store, sku
        ) as heard using (store, sku), lateral (values
            ('changes', heard.changes, heard.told),
            ('newest', stock_levels.version, heard.newest)
        ) as compared (figure, expected, actual)
    """,
    "an_ordered_cart_has_its_order": """
        select jsonb_build_object('cart', coalesce(carts.id, orders.cart)) as about, 1 as expected,
            (
                carts.order_id = orders.id
                and carts.state = case when orders.state = 'pending_payment'
                    then 'paying' else 'ordered' end
            )::int as actual
        from (
            select * from carts where state in ('paying', 'ordered') or order_id is not null
        ) as carts
        full join (select * from orders where state <> 'expired') as orders
            on orders.cart = carts.id
    """,
    "an_order_by_card_has_its_money": """
        select jsonb_build_object('order', orders.id) as about, 1 as expected,
            (payment_attempts.authorised > 0)::int as actual
        from orders left join payment_attempts on payment_attempts.id = orders.attempt
        where orders.attempt is not null and orders.state not in ('pending_payment', 'expired')
    """,
    "nothing_is_kept_that_is_not_owed": f"""
        select jsonb_build_object('attempt', id) as about, 0 as expected,
            greatest(captured - refunded - under_way - owed, 0) as actual
        from {OWED}
    """,
    "refunds_are_never_above_captures": f"""
        select jsonb_build_object('attempt', id) as about, 0 as expected,
            greatest(refunded - captured, asked_back - captured, 0) as actual
        from {OWED}
    """,
    "a_pinned_hold_has_a_live_attempt": """
        select jsonb_build_object('hold', holds.id) as about, 1 as expected,
            (
                payment_attempts.state in ('started', 'waiting')
                    and orders.state = 'pending_payment'
                and orders.attempt = payment_attempts.id
            )::int as actual
        from holds
        join payment_attempts on payment_attempts.id = holds.attempt
        join orders on orders.id = payment_attempts.order_id
        where holds.state = 'active' and pinned_until > now()
    """,
    "a_cart_that_is_over_holds_nothing": """
        select jsonb_build_object('cart', carts.id, 'hold', holds.id) as about, 0 as expected,
            (holds.state = 'active')::int as actual
        from holds join carts on carts.hold = holds.id
        where carts.state in ('merged', 'expired')
    """,
    "coupons_are_used_by_their_orders": """
        select jsonb_build_object('promotion', promotion, 'figure', figure) as about,
            expected, actual
        from (
            select promotion, uses,
                coalesce(standing.orders, 0) as orders, coalesce(used.rows, 0) as rows
            from promotions
            left join (
                select coupon ->> 'promotion' as promotion, count(*) as orders
                from orders, jsonb_array_elements(pricing -> 'coupons') as coupon
                where state not in ('cancelled', 'expired') group by 1
            ) as standing using (promotion)
            left join (
                select promotion, count(*) as rows from coupon_uses group by promotion
            ) as used using (promotion)
        ) as told, lateral (values
            ('uses', orders, uses), ('rows', orders, rows)
        ) as compared (figure, expected, actual)
    """,
    "orders_cost_what_is_wanted": f"""
        select jsonb_build_object('order', orders.id) as about,
            wanted.goods + case when wanted.goes_out
                then coalesce((pricing #>> '{{shipping,to_pay,amount}}')::bigint, 0) else 0
            end as expected,
            to_pay_minor as actual
        from orders join (
            select order_id, bool_or(cancelled < quantity and "group" like 'shp%') as goes_out,
                sum(cost * (quantity - cancelled) / quantity)::bigint as goods
            from {ORDER_LINES}, lateral (select (to_pay ->> 'amount')::bigint) as told (cost)
            group by order_id
        ) as wanted on wanted.order_id = orders.id
    """,
    "every_entry_balances": """
        select jsonb_build_object('entry', points_entries.id) as about,
            coalesce(sum(points) filter (where side = 'debit'), 1)::bigint as expected,
            coalesce(sum(points) filter (where side = 'credit'), 0)::bigint as actual
        from points_entries left join points_postings on points_postings.entry = points_entries.id
        group by points_entries.id
    """,
    "balances_are_what_was_posted": f"""
        select jsonb_build_object('member', id, 'figure', figure) as about, expected, actual
        from {MEMBERS}, lateral (values
            {", ".join(f"('{f}', coalesce(told.{f}, 0), member.{f})" for f in MEMBER_FIGURES)}
        ) as compared (figure, expected, actual)
    """,
    "lots_are_what_was_posted": f"""
        select jsonb_build_object('lot', id, 'figure', figure) as about, expected, actual
        from {LOTS}, lateral (values
            {", ".join(f"('{f}', coalesce(told.{f}, 0), lot.{f})" for f in LOT_FIGURES)}
        ) as compared (figure, expected, actual)
    """,
    "lots_make_up_the_balance": """
        select jsonb_build_object('member', id, 'figure', figure) as about, expected, actual
        from loyalty_members
        left join (
            select member as id, sum(pending)::bigint as pending,
                sum(remaining)::bigint as remaining
            from points_lots group by member
        ) as lots using (id), lateral (values
            ('pending', coalesce(lots.pending, 0), loyalty_members.pending),
            ('available', coalesce(lots.remaining, 0), loyalty_members.available)
        ) as compared (figure, expected, actual)
    """,
    "pending_points_are_those_of_units_to_come": f"""
        select jsonb_build_object('order', order_id, 'line', coalesce(line.line, sku)) as about,
            line.points - line.points
                * (line.collected + coalesce(line.shipped, 0) + line.cancelled) / line.quantity
                as expected,
            coalesce(points_lots.pending, 0) as actual
        from {ORDER_LINES}
        left join points_lots on points_lots.purchase = order_id
            and points_lots.line = coalesce(line.line, sku)
            and points_lots.origin is null
        where line.points > 0
    """,
    "nobody_is_told_twice": """
        select jsonb_build_object('kind', kind, 'about', key) as about,
            1 as expected, count(*) as actual
        from messages group by kind, key
    """,
    "events_are_followed": f"""
        select jsonb_build_object('event', id::text, 'kind', kind) as about,
            least(attempts, {MOST_ATTEMPTS}) as expected, attempts as actual
        from outbox_events
    """,
}
