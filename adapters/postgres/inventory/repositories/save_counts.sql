-- Stores the last reported count of stock levels.
insert into stock_counts (store, sku, counted, safety_stock, counted_at, as_of, stated_at)
select * from unnest(
    :stores::text[], :skus::text[], :counted::int[], :safety_stock::int[],
        :counted_ats::timestamptz[], :as_ofs::timestamptz[],
    :stated_ats::timestamptz[]
)
on conflict (sku, store) do update set
    as_of = greatest(stock_counts.as_of, excluded.as_of),
    stated_at = excluded.stated_at,
    counted = coalesce(excluded.counted, stock_counts.counted),
    safety_stock = case when excluded.counted is null
        then stock_counts.safety_stock else excluded.safety_stock end,
    counted_at = case when excluded.counted is null
        then stock_counts.counted_at else excluded.counted_at end
