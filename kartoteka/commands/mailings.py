"""Mailings from the terminal: list, look, plan, start, pause, resume, cancel."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kartoteka.terminal import data_option, json_option, say, table

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from email_campaigns.tables import Mailing


@click.group("mailing")
def mailing_command() -> None:
    """A letter to an audience at a time: plan it, start it, watch it."""


def _plain(mailing: "Mailing") -> dict[str, Any]:
    from email_campaigns.mailings import schedule

    kept = mailing.figures
    return {
        "id": mailing.id, "name": mailing.name, "state": mailing.state, "reason": mailing.reason,
        "when": schedule.said(mailing.schedule), "audience": mailing.frozen.get("people"),
        "sent": kept.get("sent"),
        "clicked": kept.get("clicked"), "orders": kept.get("orders"), "revenue": kept.get("revenue"),
        "starts_at": mailing.starts_at, "started_at": mailing.started_at, "finished_at": mailing.finished_at,
        "operation": mailing.operation_id,
    }  # fmt: skip


@mailing_command.command("list")
@click.option("--limit", default=50, type=click.IntRange(1, 500), help="How many, the newest first.")
@data_option
@json_option
def mailing_list(limit: int, data: Path | None, as_json: bool) -> None:
    """List mailings, the newest first."""
    from email_campaigns.mailings import store
    from foundation.database import transaction
    from kartoteka import installation

    with installation.opened(data) as found, transaction(found.engine) as session:
        rows, older = store.page(session, None, limit)
        shown = [_plain(one) for one in rows]
    lines = [
        (one["name"], one["state"], one["audience"], one["sent"], one["clicked"], one["id"]) for one in shown
    ]
    headers = ("MAILING", "STATE", "AUDIENCE", "SENT", "CLICKED", "ID")
    empty = "No mailings yet: make one in the console."
    say({"data": shown, "next": older}, as_json, table(headers, lines, empty))


@mailing_command.command("show")
@click.argument("mailing")
@data_option
@json_option
def mailing_show(mailing: str, data: Path | None, as_json: bool) -> None:
    """Show a MAILING, given by id or name: its state, what became of its letters, and why not."""
    from email_campaigns.delivery import guards
    from email_campaigns.mailings import store
    from email_campaigns.results import figures
    from foundation.database import transaction
    from kartoteka import installation

    with installation.opened(data) as found, transaction(found.engine) as session:
        row = store.find(session, mailing)
        read = figures.read(session, row)
        result = _plain(row) | {"letters": dict(read.all.states), **read.kept()}
        result["why_not"] = [
            {"reason": code, "sentence": guards.sentence(code), "people": count}
            for code, count in (*read.skips, *read.failures)
        ]
    lines = [f"{result['name']}: {result['state']}, {result['when']}."]
    lines += [f"  {result['reason']}"] if result["reason"] else []
    lines += [f"  {state:12} {count:,}" for state, count in sorted(result["letters"].items())]
    lines += [f"  {one['people']:,} × {one['sentence']}" for one in result["why_not"]]
    say(result, as_json, "\n".join(lines))


@mailing_command.command("plan")
@click.argument("mailing")
@data_option
@json_option
def mailing_plan(mailing: str, data: Path | None, as_json: bool) -> None:
    """Say who would get a MAILING now, who would not and why; change nothing."""
    from email_campaigns.mailings import plan, store
    from foundation.database import transaction
    from foundation.errors import BadInput
    from kartoteka import installation

    with installation.opened(data) as found, transaction(found.engine) as session:
        row = store.find(session, mailing)
        made = plan.make(session, row)
        name, mailing_id = row.name, row.id
    if made.refused:
        raise BadInput(made.refused, "mailing")
    result = {
        "plan": made.hash, "exact": made.exact, "asked": made.asked, "audience": made.audience,
        "letters": made.letters,
        "held_out": made.held_out, "begins": made.begins, "notes": made.notes,
        "variants": [{"variant": one, "letters": count} for one, count in made.arms],
        "skipped": [
            {"reason": one.code, "sentence": one.sentence, "people": one.number,
             "for_example": [person.id for person in one.people]}
            for one in made.skips
        ],
        "findings": [one.message for one in made.findings],
        "samples": [{"customer": one.customer_id, "subject": one.subject} for one in made.samples],
    }  # fmt: skip
    about = "" if made.exact else "about "
    first = f"{name}: {about}{made.letters:,} of {made.audience:,} get the letter"
    lines = [f"{first}, {made.held_out:,} are held out."]
    lines += [f"  {about}{one.number:,} × {one.sentence}" for one in made.skips]
    lines += [f"  {one}" for one in (*made.notes, *(one.message for one in made.findings))]
    lines.append(f"Start it: kartoteka mailing start {mailing_id} --plan {made.hash}")
    say(result, as_json, "\n".join(lines))


@mailing_command.command("start")
@click.argument("mailing")
@click.option("--plan", "seen", default="", metavar="HASH", help="The plan that you looked at.")
@click.option("--anyway", is_flag=True, help="Though audience or letter changed since.")
@data_option
@json_option
def mailing_start(mailing: str, seen: str, anyway: bool, data: Path | None, as_json: bool) -> None:
    """Start a MAILING as its plan was shown, now or at its time; `undo` cancels what has not left."""
    from email_campaigns.mailings import start, store
    from foundation.database import transaction
    from kartoteka import installation

    with installation.opened(data) as found, transaction(found.engine) as session:
        row = store.find(session, mailing)
        operation = start.start(session, row.id, "terminal", seen, anyway=anyway)
        result = _plain(row) | {"operation": operation.id}
    said = (
        f"{result['name']} is {result['state']}: {result['when']}. Undo: kartoteka undo {result['operation']}"
    )
    say(result, as_json, said)


def _act(mailing: str, data: Path | None, as_json: bool, act: Any) -> None:
    from email_campaigns.mailings import store
    from foundation.database import transaction
    from kartoteka import installation

    with installation.opened(data) as found, transaction(found.engine) as session:
        row = store.find(session, mailing)
        more = act(session, row)
        result = _plain(row) | more
    text = f"{result['name']} is {result['state']}."
    if "cancelled" in more:
        text += f" {more['cancelled']:,} letters will not be sent, {more['left']:,} had left already."
    say(result, as_json, text)


@mailing_command.command("pause")
@click.argument("mailing")
@data_option
@json_option
def mailing_pause(mailing: str, data: Path | None, as_json: bool) -> None:
    """Send no more of a MAILING until it is resumed; what is leaving at this moment leaves."""

    def act(session: "Session", row: "Mailing") -> dict[str, Any]:
        from email_campaigns.mailings import acts

        acts.pause(session, row.id, "terminal")
        return {}

    _act(mailing, data, as_json, act)


@mailing_command.command("resume")
@click.argument("mailing")
@data_option
@json_option
def mailing_resume(mailing: str, data: Path | None, as_json: bool) -> None:
    """Go on with a MAILING that is paused, or send one that asks."""

    def act(session: "Session", row: "Mailing") -> dict[str, Any]:
        from email_campaigns.mailings import acts, start

        if row.state == "asking":
            start.answer(session, row.id, "terminal")
        else:
            acts.resume(session, row.id)
        return {}

    _act(mailing, data, as_json, act)


@mailing_command.command("cancel")
@click.argument("mailing")
@data_option
@json_option
def mailing_cancel(mailing: str, data: Path | None, as_json: bool) -> None:
    """End a MAILING for good: whoever has no letter yet gets none."""

    def act(session: "Session", row: "Mailing") -> dict[str, Any]:
        from email_campaigns.mailings import acts

        done = acts.cancel(session, row.id, "terminal")
        return {"cancelled": done.ended, "left": done.left, "left_alone": done.sentences()}

    _act(mailing, data, as_json, act)
