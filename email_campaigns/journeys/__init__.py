"""Journeys: what happens to somebody after a trigger, step by step, each letter at most once."""
