"""Which modules register jobs, duties and beats: a process that does work imports all of them."""

import importlib

JOB_MODULES = (
    "customers.jobs",
    "customers.segments.jobs",
    "sync.jobs",
    "web_capture.jobs",
    "email_campaigns.mailings.jobs",
    "email_campaigns.delivery.engine",
)


def load_jobs() -> None:
    """Import what registers work; a test finds modules that are missing here."""
    for module in JOB_MODULES:
        importlib.import_module(module)
