"""Which modules register jobs, duties and beats: a process that does work imports all of them."""

import importlib

from kartoteka import posting

JOB_MODULES = (
    "customers.jobs",
    "customers.segments.jobs",
    "sync.jobs",
    "web_capture.jobs",
    "email_campaigns.mailings.jobs",
    "email_campaigns.delivery.engine",
    "email_campaigns.doors.incoming",
    "email_campaigns.journeys.jobs",
    "email_campaigns.journeys.calling",
)


def load_jobs() -> None:
    """Import what registers work; a test finds modules that are missing here."""
    posting.join()
    for module in JOB_MODULES:
        importlib.import_module(module)
