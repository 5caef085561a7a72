"""`kartoteka doctor`: findings in plain words, worst status as the exit."""

from pathlib import Path

import click

from kartoteka.terminal import FAILED, WITH_PROBLEMS, data_option, json_option, say

MARKS = {"ok": "ok     ", "warning": "warning", "bad": "bad    "}


@click.command("doctor")
@data_option
@json_option
def doctor_command(data: Path | None, as_json: bool) -> None:
    """Check the installation and say what to do about each finding.

    Exit status: 0 all well, 3 warnings only, 1 something is bad.
    """
    from foundation.settings import load
    from kartoteka import doctor

    found = doctor.examine(load(data=data))
    lines = [f"{MARKS[one.level]}  {one.about}: {one.text} {one.advice}".rstrip() for one in found]
    say({"data": [one._asdict() for one in found]}, as_json, "\n".join(lines))
    levels = {one.level for one in found}
    click.get_current_context().exit(
        FAILED if "bad" in levels else WITH_PROBLEMS if "warning" in levels else 0
    )
