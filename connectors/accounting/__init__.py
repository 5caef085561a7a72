"""Accounting systems, one per file."""
