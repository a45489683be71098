-- Every stock movement of a till's receipt has that receipt, of the same kind, store and time.
select jsonb_build_object('receipt', cause, 'store', moved.store, 'sku', moved.sku) as about,
    1 as expected,
    (
        receipts.kind = moved.kind and receipts.store = moved.store
        and receipts.occurred_at = moved.occurred_at
    )::int as actual
from (
    select *, substr(cause, length('receipt:') + 1) as receipt
    from stock_movements where kind in ('sale', 'return') and not starts_with(cause, 'ret_')
) as moved
left join receipts on receipts.id = receipt
