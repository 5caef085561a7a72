"""Brings outside records in: connections, landing, pull, resolve, imports, reconciliation."""
