"""Journeys from the terminal: list, look, switch on, pause, switch off, try out on the past."""

from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kartoteka.terminal import data_option, json_option, say, table

if TYPE_CHECKING:
    from email_campaigns.journeys.tables import Journey, JourneyTest


@click.group("journey")
def journey_command() -> None:
    """What happens to somebody after a trigger, step by step."""


def _plain(journey: "Journey") -> dict[str, Any]:
    kept = journey.figures
    return {
        "id": journey.id, "name": journey.name, "state": journey.state, "version": journey.version,
        "priority": journey.priority, "on_since": journey.on_since, "going": kept.get("going"),
        "entered": kept.get("entered"), "letters": kept.get("letters"), "goal": kept.get("goal"),
        "orders": kept.get("orders"), "revenue": kept.get("revenue"),
    }  # fmt: skip


@journey_command.command("list")
@click.option("--limit", default=50, type=click.IntRange(1, 500), help="How many, the newest first.")
@click.option("--archived", is_flag=True, help="Those that are archived.")
@data_option
@json_option
def journey_list(limit: int, archived: bool, data: Path | None, as_json: bool) -> None:
    """List journeys, the newest first."""
    from email_campaigns.journeys import store
    from foundation.database import transaction
    from kartoteka import installation

    with installation.opened(data) as found, transaction(found.engine) as session:
        rows, older = store.page(session, None, limit, archived=archived)
        shown = [_plain(one) for one in rows]
    lines = [
        (one["name"], one["state"], one["going"], one["letters"], one["goal"], one["id"]) for one in shown
    ]
    headers = ("JOURNEY", "STATE", "IN IT", "LETTERS", "GOAL", "ID")
    empty = "No journeys yet: make one in the console."
    say({"data": shown, "next": older}, as_json, table(headers, lines, empty))


@journey_command.command("show")
@click.argument("journey")
@data_option
@json_option
def journey_show(journey: str, data: Path | None, as_json: bool) -> None:
    """Show a JOURNEY, given by id or name: what it does, who is where, and who left why."""
    from email_campaigns.journeys import figures, store, words
    from foundation.database import transaction
    from kartoteka import installation

    with installation.opened(data) as found, transaction(found.engine) as session:
        row = store.find(session, journey)
        spec = store.version(session, row) if row.version else None
        read = figures.of(session, row)
        reasons = words.reasons()
        result = _plain(row) | read.kept() | {
            "spec": spec, "held_out": read.held, "done": read.done, "stopped": read.stopped,
            "failed": read.dead, "left": dict(read.left), "refused": dict(read.refused),
            "steps": {
                name: {"reached": one.reached, "waiting": one.waiting, "letters": dict(one.letters),
                       "opened": one.opened, "clicked": one.clicked}
                for name, one in sorted(read.steps.items())
            },
        }  # fmt: skip
    lines = [f"{result['name']}: {result['state']}, version {result['version']}."]
    lines.append(f"  came in {read.entered:,}, in it now {read.going:,}, through {read.done:,}")
    lines.append(f"  at the goal {read.goal:,}, held out {read.held:,}")
    for name, one in result["steps"].items():
        sent = one["letters"].get("accepted", 0)
        lines.append(f"  {name:12} reached {one['reached']:,}, waiting {one['waiting']:,}, letters {sent:,}")
    lines += [f"  {people:,} × {reasons.get(code, code)}" for code, people in read.left.most_common()]
    lines += [f"  {people:,} × {reasons.get(code, code)}" for code, people in read.refused.most_common()]
    say(result, as_json, "\n".join(lines))


def _switch(journey: str, to: str, said: str, data: Path | None, as_json: bool) -> None:
    from email_campaigns.journeys import store
    from foundation.database import transaction
    from kartoteka import installation

    with installation.opened(data) as found, transaction(found.engine) as session:
        row = store.find(session, journey)
        store.switch(session, row, to)
        result = _plain(row)
    say(result, as_json, said % result["name"])


@journey_command.command("on")
@click.argument("journey")
@data_option
@json_option
def journey_on(journey: str, data: Path | None, as_json: bool) -> None:
    """Switch a JOURNEY on, or let a paused one go on. What happened before brings nobody in."""
    _switch(journey, "on", "“%s” is on.", data, as_json)


@journey_command.command("pause")
@click.argument("journey")
@data_option
@json_option
def journey_pause(journey: str, data: Path | None, as_json: bool) -> None:
    """Have a JOURNEY stand still: nobody comes in or goes on, its letters wait."""
    _switch(journey, "paused", "“%s” is paused.", data, as_json)


@journey_command.command("off")
@click.argument("journey")
@data_option
@json_option
def journey_off(journey: str, data: Path | None, as_json: bool) -> None:
    """Switch a JOURNEY off: whoever is in it stops, letters that have not left never will."""
    _switch(journey, "off", "“%s” is off.", data, as_json)


@journey_command.command("backtest")
@click.argument("journey")
@click.option("--days", default=30, type=click.IntRange(1, 90), help="How far back.")
@data_option
@json_option
def journey_backtest(journey: str, days: int, data: Path | None, as_json: bool) -> None:
    """Try a JOURNEY out on the last days: who would have got what, and who bought anyway.

    Sends nothing and changes nothing. Done here and now; it takes about three minutes at most.
    """
    from email_campaigns.journeys.backtest import store as tests
    from email_campaigns.journeys.store import find
    from foundation.database import transaction
    from kartoteka import installation

    with installation.opened(data) as found:
        with transaction(found.engine) as session:
            test_id = tests.start(session, find(session, journey), days, "terminal", queued=False).id
        tests.run(found.engine, test_id)
        with transaction(found.engine) as session:
            row = tests.read(session, test_id)
            result = {"id": row.id, "state": row.state, "reason": row.reason, **row.result}
    say(result, as_json, _told(row))
    if row.state == "failed":
        raise SystemExit(1)


def _told(row: "JourneyTest") -> str:
    if row.state == "failed":
        return f"The back-test failed: {row.reason}"
    found = row.result
    money = (
        ", ".join(f"{Decimal(amount):,.2f} {currency}" for currency, amount in found["money"].items())
        or "nothing"
    )
    skipped = ", ".join(f"{count:,} {reason}" for reason, count in found["skipped"].items())
    return "\n".join(
        [
            f"In the last {row.days} days {found['entered']:,} people would have come in.",
            f"Letters: {found['letters']:,}"
            + (f"; not sent: {skipped}" if skipped else "")
            + (f". Outside addresses told: {found['told']:,}" if found.get("told") else ""),
            f"Bought within {found['days']} days anyway: {found['bought']:,} for {money},"
            f" {found['bought_before']:,} of them before a letter.",
        ]
    )


@journey_command.command("scores")
@click.option("--days", default=90, type=click.IntRange(1, 3_650), help="How far back.")
@data_option
@json_option
def journey_scores(days: int, data: Path | None, as_json: bool) -> None:
    """What people answered to “would you recommend us”: the score, and that of whoever asked."""
    from datetime import timedelta

    from email_campaigns.results import scores
    from foundation.clock import now
    from foundation.database import transaction
    from kartoteka import installation

    with installation.opened(data) as found, transaction(found.engine) as session:
        asked = scores.Asked(now() - timedelta(days=days), now())
        whole, by = scores.whole(session, asked), scores.sources(session, asked)
    rows = [{"source": one.source, "step": one.place, "name": one.name, "letter": one.letter,
             **one.score.kept()} for one in by]  # fmt: skip
    lines = [(one["name"] or one["source"], one["step"], one["people"], _points(one)) for one in rows]
    said = f"{whole.people:,} people, score {_points(whole.kept())}"
    listed = table(("ASKED BY", "STEP", "PEOPLE", "SCORE"), lines, "Nobody has answered yet.")
    say(whole.kept() | {"data": rows}, as_json, f"{said}\n{listed}" if rows else listed)


def _points(one: dict[str, Any]) -> str:
    if one["early"]:
        return "too early to say"
    return f"{one['points']:+.0f} ({one['low']:+.0f} … {one['high']:+.0f})"
