"""Importing this registers every job, duty and beat of the sync; the worker does so once."""

from sync import imports, pull, reconcile, removal, resolve, schedule

__all__ = ["imports", "pull", "reconcile", "removal", "resolve", "schedule"]
