"""Visits of sites: where they came from, what they cost, and the orders they are credited with."""
