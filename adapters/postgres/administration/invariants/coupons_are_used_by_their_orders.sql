-- The uses of a coupon are the active orders that have it.
select jsonb_build_object('promotion', promotion, 'figure', figure) as about, expected, actual
from (
    select promotion, uses, coalesce(active.orders, 0) as orders, coalesce(used.rows, 0) as rows
    from promotions
    left join (
        select coupon ->> 'promotion' as promotion, count(*) as orders
        from orders, jsonb_array_elements(pricing -> 'coupons') as coupon
        where state not in ('cancelled', 'expired') group by 1
    ) as active using (promotion)
    left join (
        select promotion, count(*) as rows from coupon_uses group by promotion
    ) as used using (promotion)
) as counted, lateral (values
    ('uses', orders, uses), ('rows', orders, rows)
) as compared (figure, expected, actual)
