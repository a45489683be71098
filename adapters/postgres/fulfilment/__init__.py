"""Pickups and shipments: the parts of an order that one location prepares."""
