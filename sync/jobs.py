"""Importing this registers every job, duty and beat of the sync; the worker does so once."""

from sync import imports, pull, reconcile, removal, resolve, schedule
from sync.directories import jobs, pushing, undoing
from sync.exchange import importing, journal, leaving

__all__ = [
    "importing", "imports", "jobs", "journal", "leaving", "pull", "pushing", "reconcile", "removal",
    "resolve", "schedule", "undoing",
]  # fmt: skip
