"""What pickups and shipments have in common, as statements see it."""

from typing import Final

GROUPS: Final = """
    (
        select id, order_id, store, state, lines, promised_from, placed_at from pickups
        union all
        select id, order_id, store, state, lines, coalesce(promised_from, placed_at), placed_at
        from shipments
    )
"""
"""Every group of every order. Where nothing was promised, its turn is when it was ordered."""
LINE: Final = """
    (sku text, quantity int, parts jsonb, picked int, missing int, cancelled int, given int,
        put_back int)
"""
"""A line of a group."""
