-- A closed store has no open fulfilment, allocation, hold or transfer.
select jsonb_build_object('store', stores.store) as about, 0 as expected, (
        select count(*) from fulfilments where store = stores.store and (
            state in ('placed', 'accepted', 'picking', 'ready') or exists (
                select from allocations
                where fulfilment_id = fulfilments.id and consumed + released < quantity
            )
        )
    ) + (
        select count(distinct hold) from hold_units where store = stores.store
    ) + (
        select count(*) from transfers
        where destination = stores.store and state = 'in_transit'
    ) as actual
from stores where state = 'closed'
