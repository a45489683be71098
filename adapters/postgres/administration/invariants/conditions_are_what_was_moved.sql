-- The units of each condition are the sum of the stock movements.
select jsonb_build_object('store', store, 'sku', sku, 'condition', condition) as about,
    coalesce(ledger.units, 0) as expected, coalesce(stock_conditions.units, 0) as actual
from stock_conditions full join stock_condition_sums as ledger using (store, sku, condition)
