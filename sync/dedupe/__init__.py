"""Deduplication in batches: who among all records is one customer."""
