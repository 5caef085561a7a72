"""`kartoteka dedupe plan`, `run` and `evaluate`: matching everybody in an installation."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

import click

from foundation.errors import BadInput
from kartoteka.terminal import bar, data_option, json_option, say, table


@click.command("plan")
@click.option("--examples", default=5, type=click.IntRange(0, 200), help="How many of each kind to show.")
@data_option
@json_option
def plan_command(examples: int, data: Path | None, as_json: bool) -> None:
    """Compare everybody and say what a run would do; no card changes.

    `kartoteka dedupe run PLAN` carries it out.
    """
    from kartoteka import installation

    with installation.opened(data) as found:
        planned = _plan(found, quiet=as_json)
        answer = _told(found, planned, examples)
    say(answer, as_json, _plan_text(answer))


@click.command("run")
@click.argument("plan", required=False, type=click.UUID)
@click.option("--anyway", is_flag=True, help="Go on although unusually many cards go into others.")
@click.option(
    "--cancel", "cancelled", type=click.UUID, metavar="RUN", help="Stop this run; what it did stays."
)
@data_option
@json_option
def run_command(
    plan: UUID | None, anyway: bool, cancelled: UUID | None, data: Path | None, as_json: bool
) -> None:
    """Carry out a PLAN, or plan and carry out: join what is certain, ask people about what is not.

    One operation; `kartoteka undo` takes all of it back. Ctrl-C leaves the run to the workers.
    """
    from foundation.database import transaction
    from kartoteka import installation
    from sync.dedupe import runs

    with installation.opened(data) as found:
        if cancelled:
            with transaction(found.engine) as session:
                run = runs.cancel(session, cancelled)
            say({"run": run.id, "state": run.state}, as_json, f"Run {run.id} is cancelled.")
            return
        planned = _read(found, plan) if plan else _plan(found, quiet=as_json)
        if not plan and not planned.total:
            say({**_told(found, planned, 0), "operation": None}, as_json, "There is nothing to do.")
            return
        with transaction(found.engine) as session:
            runs.start(session, planned.id, "terminal", anyway=anyway)
        done = _follow(found, planned.id, "Joining", ("running",), quiet=as_json)
        result = _result(found, done)
    left = result.get("left_alone", [])
    answer = {"run": done.id, "operation": done.operation_id, "state": done.state, "counts": done.counts,
              "joined": result.get("joined", 0), "asked": result.get("asked", 0),
              "left": result.get("left", 0), "left_alone": left}  # fmt: skip
    text = f"{answer['joined']:,} pairs joined, {answer['asked']:,} wait for a person."
    lines = [text, *(f"  left alone: {one}" for one in left), f"Undo: kartoteka undo {done.operation_id}"]
    say(answer, as_json, "\n".join(lines))


@click.command("evaluate")
@click.option(
    "--truth", type=click.Path(path_type=Path, exists=True, dir_okay=False), metavar="FILE.csv",
    help="Who is who: a column `id` and one `cluster`, or pairs as `left`, `right` (and `same`: yes or no).",
)  # fmt: skip
@data_option
@json_option
def evaluate_command(truth: Path | None, data: Path | None, as_json: bool) -> None:
    """How often the model is right about pairs that people have decided, at each threshold.

    Ids in a file are those of profiles, of cards, or of the records at their sources. Nothing changes.
    """
    from foundation.database import transaction
    from kartoteka import installation
    from sync.dedupe import evaluating

    with installation.opened(data) as found, bar("Comparing", not as_json) as show:
        with transaction(found.engine) as session:
            known = evaluating.from_file(truth) if truth else evaluating.decided(session)
            people = evaluating.read(session, known, lambda _, done, total: show(done, total))
        figures = evaluating.evaluate(people, known, lambda _, done, total: show(done, total))
    rows = [
        (f"{one.bits:+.1f}", f"{one.probability:.1%}", one.found, one.wrong, _share(one.precision),
         _share(one.recall), one.band)
        for one in figures.thresholds
    ]  # fmt: skip
    heads = ("BITS", "SURE", "FOUND", "WRONG", "PRECISION", "RECALL", "")
    text = [f"{figures.same:,} pairs are one customer, {figures.different:,} are two. Model {figures.model}."]
    text += [f"{figures.unknown:,} ids are not here."] if figures.unknown else []
    text += [table(heads, rows, "Nobody has decided anything yet.")]
    if clusters := figures.clusters:
        text += [f"Joined without anybody looking: precision {_share(clusters.precision)}, recall"
                 f" {_share(clusters.recall)} of {figures.same:,} pairs."]  # fmt: skip
    say(figures.as_json(), as_json, "\n".join(text))


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.2%}"


def _plan(found: Any, *, quiet: bool) -> Any:
    """A plan made now, by whoever does the jobs."""
    from foundation.database import transaction
    from kartoteka.worker import load_jobs
    from sync.dedupe import jobs

    load_jobs()
    with transaction(found.engine) as session:
        run_id = jobs.plan_later(session, "terminal").id
    planned = _follow(found, run_id, "Matching", ("planning",), quiet=quiet)
    if planned.state != "planned":
        raise BadInput(planned.error or f"the plan is {planned.state}", "plan")
    return planned


def _read(found: Any, run_id: UUID) -> Any:
    from foundation.database import transaction
    from sync.dedupe.tables import MatchRun

    with transaction(found.engine) as session:
        run = session.get(MatchRun, run_id)
    if run is None:
        raise BadInput(f"there is no run of matching {run_id}", "plan")
    return run


def _follow(found: Any, run_id: UUID, title: str, states: tuple[str, ...], *, quiet: bool) -> Any:
    """The run when it has left these states, with a bar; helps where no worker does."""
    from foundation.clock import monotonic
    from kartoteka.following import LOOK, PATIENCE, Helper

    helper, began = Helper(found.engine), monotonic()
    if not found.running:
        helper.start()
    try:
        with bar(title, wanted=not quiet) as show:
            while (run := _read(found, run_id)).state in states:
                show(run.done, run.total or None)
                if not run.done and monotonic() - began > PATIENCE:
                    helper.start()
                time.sleep(LOOK)
    finally:
        helper.stop()
    return run


def _result(found: Any, run: Any) -> Mapping[str, Any]:
    from foundation.database import transaction
    from foundation.tables import Operation

    with transaction(found.engine) as session:
        operation = session.get(Operation, run.operation_id)
        return operation.result if operation else {}


def _told(found: Any, planned: Any, examples: int) -> dict[str, Any]:
    """A plan with some of its pairs, for JSON and the text."""
    from foundation.database import transaction
    from sync.dedupe import runs

    answer = {"plan": planned.id, "hash": planned.hash, "model": planned.model, **planned.counts,
              "alarm": planned.alarm or None}  # fmt: skip
    with transaction(found.engine) as session:
        for key, joins in (("joined", True), ("asked", False)):
            pairs = runs.examples(session, planned.id, joins=joins, limit=examples) if examples else []
            names = runs.names(session, pairs)
            answer[f"examples_{key}"] = [
                {
                    "left": pair.left_id, "right": pair.right_id,
                    "names": [names.get(one, ("", None))[0] for one in (pair.left_id, pair.right_id)],
                    **{name: pair.evidence[name] for name in ("score", "bits", "why", "waterfall")},
                }
                for pair in pairs
            ]  # fmt: skip
    return answer


def _plan_text(answer: Mapping[str, Any]) -> str:
    held = ", ".join(f"{number:,} {reason}" for reason, number in sorted(answer["held"].items()))
    lines = [
        f"{answer['profiles']:,} profiles on {answer['cards']:,} cards, {answer['compared']:,} pairs compared"
        f" by model {answer['model']}.",
        f"{answer['joins']:,} pairs would be joined: {answer['clusters']:,} cards would have more than one,"
        f" the largest {answer['largest']}.",
        *_examples(answer["examples_joined"]),
        f"{answer['asks']:,} pairs would wait for a person" + (f" ({held})." if held else "."),
        *_examples(answer["examples_asked"]),
    ]
    lines += [f"{answer['unasked']:,} more are less sure; the next run brings them."] * bool(
        answer["unasked"]
    )
    lines += [answer["alarm"]] * bool(answer["alarm"])
    return "\n".join([*lines, f"Carry out: kartoteka dedupe run {answer['plan']}"])


def _examples(pairs: list[dict[str, Any]]) -> list[str]:
    return [f"  {' / '.join(one['names'])}: {one['why']}" for one in pairs]
