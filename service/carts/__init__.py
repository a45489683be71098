"""Carts follow the person: a guest's by its token, a customer's on every device."""
