"""Importing this registers every job, duty and beat of the sync; the worker does so once."""

from sync import imports, pull, reconcile, removal, resolve, schedule
from sync.dedupe import arrivals, trainings
from sync.dedupe import jobs as matching
from sync.dedupe import undoing as unmatching
from sync.directories import jobs, pushing, undoing
from sync.exchange import importing, journal, leaving

__all__ = [
    "arrivals", "importing", "imports", "jobs", "journal", "leaving", "matching", "pull", "pushing",
    "reconcile", "removal", "resolve", "schedule", "trainings", "undoing", "unmatching",
]  # fmt: skip
