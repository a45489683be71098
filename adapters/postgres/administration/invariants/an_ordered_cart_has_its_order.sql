-- Every ordered cart has its order, and every order its cart, in the states that belong together.
select jsonb_build_object('cart', coalesce(carts.id, orders.cart)) as about, 1 as expected,
    (
        carts.order_id = orders.id
        and carts.state = case when orders.state = 'pending_payment'
            then 'paying' else 'ordered' end
    )::int as actual
from (
    select * from carts where state in ('paying', 'ordered') or order_id is not null
) as carts
full join (select * from orders where state <> 'expired') as orders on orders.cart = carts.id
