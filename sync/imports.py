"""Imports of files: in the background, page by page, resumable at the row, undoable as a whole."""

import csv
import io
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from connectors.base import Connector, Page
from customers.tables import Source
from foundation import clock, jobs, operations, problems
from foundation.database import copy_rows, transaction
from foundation.errors import BadInput, KartotekaError, Temporary
from foundation.jobs import LostLease, Stopped, Work, job
from foundation.sealing import Sealer
from foundation.settings import Settings
from foundation.tables import Operation, Problem
from sync import connections, context, files, plans, runs, sweep
from sync.landing import land, storable
from sync.plans import FILE_KIND
from sync.runs import Cancelled
from sync.tables import BadRow, Connection, Run

KIND = "import"
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def connection_for(session: Session, sealer: Sealer, name: str) -> Connection:
    """The file connection of this name; made when there is none. BadInput when the name is a shop's."""
    source = session.scalar(select(Source).where(Source.name == name.strip()))
    if source is None:
        return connections.create(session, sealer, FILE_KIND, name, {})
    if source.kind != FILE_KIND:
        raise BadInput(f"“{source.name}” is no file connection; choose another name.", "name")
    return session.get_one(Connection, source.id)


def start(
    session: Session, settings: Settings, connection_id: UUID, path: Path, what: str, actor: str, *,
    options: Mapping[str, Any] | None = None, name: str | None = None, plan_hash: str | None = None,
    move: bool = False,
) -> Run:  # fmt: skip
    """Take a file over and import it in the background; the run names the operation to undo it by.

    With a `plan_hash` BadInput when the file or the records have changed since the plan. `name` is what the
    person calls the file.
    """
    options = dict(options or {})
    plans.reader(path, what, options)
    if plan_hash is not None and plan_hash != plans.hash_plan(session, connection_id, path, what, options):
        raise BadInput("Something has changed since the plan was made; plan again.", "plan")
    shown = name or path.name
    source = session.get_one(Source, connection_id)
    args = {"connection": str(connection_id), "file": shown, "what": what, "options": options}
    operation = operations.begin(session, KIND, f"Import {what} from {shown} into {source.name}", actor, args)
    operation.plan_hash = plan_hash
    kept = files.keep(settings, operation.id, path, move=move)
    operation.args = {**args, "path": str(kept.relative_to(settings.data))}
    run = runs.begin(session, connection_id, KIND, operation_id=operation.id)
    job_args = {"run": str(run.id), "operation": str(operation.id)}
    run.job_id = jobs.enqueue(session, "sync.import", job_args, key=f"import:{operation.id}")
    return run


@job("sync.import")
def import_file(work: Work) -> None:
    """Land a file's rows from where the last attempt stopped."""
    run_id, operation_id = UUID(work.args["run"]), UUID(work.args["operation"])
    here = context.current()
    with transaction(work.engine) as session:
        operation = operations.find(session, operation_id)
        if operation.state not in ("running", "failed"):
            return
        operation.state, args = "running", operation.args  # a job that was given up may be tried again
    try:
        connector = plans.reader(here.settings.data / args["path"], args["what"], args["options"])
        _land_all(work, connector, args, run_id, operation_id)
    except Cancelled:
        _close(work, run_id, operation_id, "cancelled")
    except (Temporary, Stopped, LostLease):
        raise
    except KartotekaError as error:
        _close(work, run_id, operation_id, str(error))
    else:
        _close(work, run_id, operation_id, None)
    files.drop(here.settings, operation_id)
    sweep.forget(work.engine, run_id)


def _land_all(
    work: Work, connector: Connector, args: Mapping[str, Any], run_id: UUID, operation_id: UUID
) -> None:
    with transaction(work.engine) as session:
        work.guard(session)
        cursor = runs.hold(session, run_id).detail.get("cursor")
    pages = iter(connector.pull(args["what"], cursor))
    while True:
        work.checkpoint()
        read_at = clock.now()
        page = next(pages, None)
        if page is None:
            return
        with transaction(work.engine) as session:
            work.progressed(session)
            run = runs.hold(session, run_id)
            _land_page(session, run, page, args["what"], operation_id, read_at)
            run.detail = {**run.detail, "cursor": page.cursor}


def _land_page(session: Session, run: Run, page: Page, stream: str, operation_id: UUID, read_at: Any) -> None:
    """Records named for the first time are counted as what they are, later rows about them as duplicates."""
    fresh = sweep.first_seen(session, run.id, stream, page.records)
    first = [raw for raw in page.records if raw.external_id in fresh]
    again = [raw for raw in page.records if raw.external_id not in fresh]
    options: dict[str, Any] = {"operation_id": operation_id, "read_at": read_at}
    landed = land(session, run.connection_id, stream, first, "import", **options)
    if again:
        land(session, run.connection_id, stream, again, "import", **options)
    copy_rows(
        session,
        "bad_rows",
        ("operation_id", "place", "reason", "payload"),
        ((operation_id, storable(b.at), storable(b.reason), storable(b.payload)) for b in page.bad),
    )
    runs.count(run, landed, len(page.bad))
    run.read += len(again) + page.repeated
    run.stream, run.total = stream, page.total if page.total is not None else run.total
    run.detail = {**run.detail, "duplicate": run.detail.get("duplicate", 0) + len(again) + page.repeated}


def _close(work: Work, run_id: UUID, operation_id: UUID, error: str | None) -> None:
    with transaction(work.engine) as session:
        work.guard(session)
        state = "done" if error is None else "failed"
        run = runs.finish(session, run_id, state, error)
        operation = operations.find(session, operation_id)
        result: dict[str, Any] = {**summary(run)}
        if error is not None:
            result["error"] = error
        operations.finish(session, operation, result, failed=error is not None)
        if run.problems:
            problems.report(
                session,
                area="import",
                subject=operation.title,
                message=f"{run.problems} rows could not be used. Download them with their reasons, mend them "
                "and import them again.",
                source_id=run.connection_id,
                operation_id=operation_id,
                key=f"import:{operation_id}",
            )  # fmt: skip


def summary(run: Run) -> dict[str, int]:
    """What came of an import, row by row: the five add up to the rows read."""
    return {
        "read": run.read,
        "new": run.new,
        "changed": run.changed,
        "same": run.same,
        "duplicate": run.detail.get("duplicate", 0),
        "bad": run.problems,
    }


def bad_rows(session: Session, operation_id: UUID) -> Iterator[tuple[str, str, str]]:
    """Rows of an import that could not be used, as (where, why, what it was), in constant memory."""
    rows = session.execute(
        select(BadRow.place, BadRow.reason, BadRow.payload)
        .where(BadRow.operation_id == operation_id)
        .order_by(BadRow.id)
        .execution_options(yield_per=1_000)
    )
    for row in rows:
        yield row.place, row.reason, row.payload
    later = session.execute(
        select(Problem.subject, Problem.message, Problem.payload)
        .where(Problem.operation_id == operation_id, Problem.landed_id.is_not(None))
        .where(Problem.state.in_(problems.OPEN))
        .order_by(Problem.first_at, Problem.id)
    )
    for problem in later:
        yield problem.subject, problem.message, problem.payload or ""


def bad_rows_csv(session: Session, operation_id: UUID) -> Iterator[str]:
    """The same as the lines of a CSV file that a spreadsheet can open without running anything in it."""
    yield "row,reason,content\r\n"
    for row in bad_rows(session, operation_id):
        line = io.StringIO()
        csv.writer(line).writerow([_harmless(cell) for cell in row])
        yield line.getvalue()


def _harmless(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def operation_of(session: Session, run: Run) -> Operation:
    """The operation of an import's run."""
    assert run.operation_id is not None
    return session.get_one(Operation, run.operation_id)
