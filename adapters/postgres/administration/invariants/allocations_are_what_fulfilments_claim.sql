-- The allocations of a fulfilment are the quantities of its lines, with what was given or released.
select jsonb_build_object('group', fulfilment_id, 'line', line, 'sku', sku, 'figure', figure)
        as about, expected, actual
from allocations as claim
full join fulfilment_parts as part using (fulfilment_id, line, sku, store),
    lateral (values
        ('quantity', part.quantity * units, claim.quantity),
        ('consumed', part.given * units, claim.consumed),
        ('released',
            (part.quantity - part.given - greatest(remaining, staged)) * units,
            claim.released)
    ) as compared (figure, expected, actual)
