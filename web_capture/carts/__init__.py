"""Carts: what each holds now, and which were given up, told once unless an order came."""
