"""`kartoteka dedupe train` and `models`: a model learnt from one's own pairs, and which is in use."""

import time
from pathlib import Path
from typing import Any

import click

from kartoteka.terminal import bar, data_option, json_option, say, table


@click.command("train")
@data_option
@json_option
def train_command(data: Path | None, as_json: bool) -> None:
    """Train a model of matching on the installation's own records; matching stays as it is.

    Splink learns how often each level of a comparison is among pairs of one customer and of two. The
    result is a new version. `kartoteka dedupe models --use` puts it in use, or says why it may not be.
    """
    from foundation.database import transaction
    from kartoteka import installation
    from kartoteka.following import Helper
    from kartoteka.worker import load_jobs
    from sync.dedupe import models, trainings

    load_jobs()
    with installation.opened(data) as found:
        with transaction(found.engine) as session:
            job = trainings.start(session, "terminal")
        helper = Helper(found.engine)
        if not found.running:
            helper.start()
        try:
            with bar("training", not as_json) as show:
                while stand := trainings.stand(found.engine, job):
                    show(stand.done, stand.total or None)
                    time.sleep(0.2)
        finally:
            helper.stop()
        with transaction(found.engine) as session:
            version = models.versions(session, 1)[0]
            result = as_row(version)
    said = f"not to be used: {result['refusal']}" if result["refusal"] else "not in use yet"
    detail = result["figures"]
    say(
        result,
        as_json,
        f"{result['version']} of {detail['pairs']:,} pairs of {detail['records']:,} records: {said}.",
    )


@click.command("models")
@click.option("--use", "chosen", metavar="VERSION", help="Put this version in use, or `shipped`.")
@data_option
@json_option
def models_command(chosen: str | None, data: Path | None, as_json: bool) -> None:
    """List the versions of the model of matching, the newest first, or put one in use."""
    from foundation.database import transaction
    from kartoteka import installation
    from sync.dedupe import models

    with installation.opened(data) as found, transaction(found.engine) as session:
        if chosen:
            done = models.use(session, models.SHIPPED if chosen == "shipped" else chosen, "terminal")
            say({"version": chosen, "operation": done.id}, as_json, f"{done.title}. Operation {done.id}.")
            return
        using = models.in_use(session)
        rows = [as_row(one) for one in models.versions(session)]
    now = using.version if using else "shipped"
    shown = [
        (one["version"], one["made_at"], one["origin"], one["automatic"], one["review"], one["refusal"] or "")
        for one in rows
    ]
    listed = table(("VERSION", "MADE", "HOW", "JOINS", "ASKS", "NOT TO BE USED"), shown, "No own model yet.")
    say({"in_use": now, "data": rows, "next": None}, as_json, f"{listed}\nIn use: {now}.")


def as_row(version: Any) -> dict[str, Any]:
    """One version for JSON and the table."""
    kept = ("records", "pairs", "share", "decisions", "held")
    return {
        "version": version.version,
        "origin": version.origin,
        "made_at": version.made_at,
        "actor": version.actor,
        "refusal": version.refusal,
        "used_since": version.used_since,
        "used_until": version.used_until,
        **{name: version.detail[name] for name in ("automatic", "best", "review")},
        "figures": {name: version.detail[name] for name in kept if name in version.detail},
    }
