-- The lines of an order and of its fulfilments have the same quantities.
select jsonb_build_object('group', fulfilment_id, 'sku', sku, 'figure', figure) as about,
    expected, actual
from (select fulfilment_id, sku, quantity, given, cancelled from order_lines) as ordered
full join (
    select fulfilment_id, sku, quantity, given, cancelled from fulfilment_lines
) as prepared using (fulfilment_id, sku),
    lateral (values
        ('quantity', ordered.quantity, prepared.quantity),
        ('given', ordered.given, prepared.given),
        ('cancelled', ordered.cancelled, prepared.cancelled)
    ) as compared (figure, expected, actual)
