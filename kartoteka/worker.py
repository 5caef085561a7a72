"""Which modules register jobs, duties and beats: a process that does work imports all of them."""

import importlib

JOB_MODULES = (
    "sync.pull",
    "sync.resolve",
    "sync.reconcile",
    "sync.schedule",
    "sync.imports",
    "sync.undo",
)


def load_jobs() -> None:
    """Import what registers work; a test finds modules missing from the list."""
    for module in JOB_MODULES:
        importlib.import_module(module)
