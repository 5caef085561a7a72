"""A process that does the jobs: loads every module that registers some, and runs until told to stop."""

import importlib
import threading

from foundation import jobs
from foundation.health import tick

JOB_MODULES = ("sync.jobs",)
TICK_SECONDS = 2.0


def load_jobs() -> None:
    """Import what registers jobs, duties and beats."""
    for module in JOB_MODULES:
        importlib.import_module(module)


__all__ = ["load_jobs", "tick", "threading", "jobs"]
