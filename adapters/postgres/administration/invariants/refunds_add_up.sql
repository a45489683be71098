-- The refund of a return's lines is the refund of its tenders.
select jsonb_build_object('return', id) as about,
    coalesce(lines.refund, 0) as expected, coalesce(tenders.refund, 0) as actual
from returns
left join (
    select return_id as id, sum(refund_minor)::bigint as refund from return_lines
    group by return_id
) as lines using (id)
left join (
    select returns.id, sum((tender.amount ->> 'amount')::bigint)::bigint as refund
    from returns, jsonb_to_recordset(returns.refunds) as tender (amount jsonb)
    group by returns.id
) as tenders using (id)
