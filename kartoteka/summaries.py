"""The summary object that pulls, imports and undo end with, and the sentence for people."""

from typing import Any

from foundation.errors import KartotekaError
from sync.tables import Run

COUNTS = ("read", "new", "changed", "same", "problems")
REPEATS = "duplicate"  # rows of a file that repeat the key of another row: read, and neither new nor same


def of_run(run: Run) -> dict[str, Any]:
    """read, new, changed, same, problems, operation; raises with the run's own words when it failed."""
    if run.state in ("failed", "cancelled"):
        raise KartotekaError(run.error or f"The run ended as {run.state}.")
    counts = {name: getattr(run, name) for name in COUNTS}
    if run.kind == "import":
        counts[REPEATS] = run.detail.get(REPEATS, 0)
    return {"run": run.id, "state": run.state, **counts, "operation": run.operation_id}


def sentence(summary: dict[str, Any]) -> str:
    """The counts in one line."""
    text = ", ".join(f"{summary[name]:,} {name}" for name in (*COUNTS, REPEATS) if name in summary)
    return f"{text}. Operation {summary['operation']}." if summary.get("operation") else f"{text}."
