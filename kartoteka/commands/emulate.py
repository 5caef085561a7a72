"""`kartoteka emulate-1c`: a stock 1C that drives anybody's exchange, and says whether the site behaves."""

import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click

from foundation.errors import BadInput
from kartoteka.terminal import FAILED, bar, json_option, say, table

MARKS = {"ok": "ok", "bad": "BAD", "note": "note", "skipped": "–"}


def _numbered(_ctx: click.Context, _option: click.Parameter, version: str) -> str:
    if not re.fullmatch(r"\d{1,2}(\.\d{1,3}){1,2}", version, re.ASCII):
        raise click.BadParameter(f"“{version}” is no version of the schema such as 2.05 or 3.1.")
    return version


@click.command("emulate-1c")
@click.option("--base", required=True, metavar="URL", help="The exchange address, as it is typed into 1C.")
@click.option("--user", required=True, help="The name 1C signs in with.")
@click.option("--password", required=True, help="Its password; @FILE reads it from a file.")
@click.option(
    "--goods",
    default=100,
    show_default=True,
    type=click.IntRange(0, 1_000_000),
    help="Invented goods to upload; 0: no catalogue run.",
)
@click.option(
    "--files",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Upload the files of this folder instead.",
)
@click.option("--whole", is_flag=True, help="A whole upload: the site may switch off all other goods.")
@click.option("--sale/--no-sale", default=True, help="Fetch orders, acknowledge them, send them back.")
@click.option(
    "--back",
    type=click.Choice(["none", "numbers", "paid"]),
    default="numbers",
    show_default=True,
    help="What 1C adds to the orders it sends back.",
)
@click.option(
    "--encoding",
    type=click.Choice(["utf-8-bom", "utf-8", "windows-1251"]),
    default="utf-8-bom",
    show_default=True,
    help="Of the files sent.",
)
@click.option(
    "--version",
    default="2.08",
    show_default=True,
    callback=_numbered,
    help="Of the schema; from 2.08 on it is told at init.",
)
@click.option(
    "--container/--no-container",
    default=None,
    help="Orders go back in a <Контейнер> each, or not; by itself from version 3 on.",
)
@click.option(
    "--chunk",
    default=0,
    type=click.IntRange(0),
    help="Bytes of a file sent at once; what the site names when not given.",
)
@click.option("--zip/--no-zip", "zips", default=True, help="Pack files where the site takes archives.")
@click.option("--post", is_flag=True, help="POST where others GET.")
@click.option(
    "--basic-only", "--no-cookie", is_flag=True, help="No cookie: name and password with each request."
)
@click.option(
    "--cut", default=0.0, type=click.FloatRange(0, 0.9), help="Share of requests broken off at random."
)
@click.option("--repeat", default=0.0, type=click.FloatRange(0, 1), help="Share of steps made twice.")
@click.option(
    "--pause",
    default=1.0,
    show_default=True,
    type=click.FloatRange(0, 60),
    help="Seconds between two asks whether an import is done.",
)
@click.option("--seed", default=1, show_default=True, help="The same seed: the same goods, cuts and repeats.")
@json_option
def emulate_1c_command(base: str, user: str, password: str, as_json: bool, **wanted: Any) -> None:
    """Play a stock 1C against the exchange of a site, ours or another, and judge how it behaves.

    It uploads goods and takes orders as a real 1C would: use a shop made for trying out. Exit status: 0 the
    site behaved, 1 it did not, 2 wrong use.
    """
    from kartoteka.emulator.checks import Judge
    from kartoteka.emulator.line import Line
    from kartoteka.emulator.play import Player

    way = _way(user, _secret(password), wanted)
    with bar("Requests", wanted=not as_json) as progress:
        told = Told(as_json, progress)
        line = Line(base, cut=wanted["cut"], repeat=wanted["repeat"], seed=wanted["seed"], shown=told.step)
        player = Player(line, way)
        checks = Judge(player).play(_packets(wanted), wanted["sale"])
        told.flush()
    behaved = all(check.state != "bad" for check in checks)
    answer = {
        "behaved": behaved,
        "checks": checks,
        "steps": line.steps,
        "restarts": player.restarts,
        "orders": sorted(player.orders),
        "files": player.files,
    }
    rows = [(MARKS[check.state], check.promise, check.seen) for check in checks]
    say(answer, as_json, "\n" + table(("", "Promise", "Seen"), rows, ""))
    click.get_current_context().exit(0 if behaved else FAILED)


def _way(user: str, password: str, wanted: dict[str, Any]) -> Any:
    from connectors.accounting.commerceml.client import Manner
    from connectors.accounting.commerceml.writing import Profile
    from kartoteka.emulator.play import Way

    profile = Profile(encoding=wanted["encoding"], version=wanted["version"], container=wanted["container"])
    names = {"post", "basic_only", "chunk", "pause"}
    return Way(
        user=user,
        password=password,
        manner=Manner(zip=wanted["zips"], **{name: wanted[name] for name in names}),
        profile=profile,
        version=profile.version if profile.modern else "",
        back=wanted["back"],
        whole=wanted["whole"],
    )


def _packets(wanted: dict[str, Any]) -> Callable[[], Iterator[Any]] | None:
    """What to upload, made anew at each try."""
    from connectors.accounting.commerceml.writing import Profile
    from foundation import clock
    from kartoteka.emulator import goods

    if wanted["files"]:
        goods.check_folder(wanted["files"])
        return lambda: goods.from_folder(wanted["files"])
    if not wanted["goods"]:
        return None
    profile, at = Profile(encoding=wanted["encoding"], version=wanted["version"]), clock.now()
    return lambda: goods.invented(wanted["goods"], wanted["seed"], profile, at, wanted["whole"])


def _secret(password: str) -> str:
    if not password.startswith("@"):
        return password
    try:
        return Path(password[1:]).read_text("utf-8").strip()
    except OSError as error:
        raise BadInput(f"{password[1:]}: {error.strerror}", "--password") from error


class Told:
    """Prints steps as they happen; pieces of one file and repeated asks share a line."""

    def __init__(self, silent: bool, progress: Callable[[int, int | None], None]) -> None:
        self._silent, self._progress = silent, progress
        self._same: list[Any] = []
        self._count = 0

    def step(self, step: Any) -> None:
        """One more step."""
        if self._silent:
            return
        if self._same and not _is_same(self._same[-1], step):
            self.flush()
        self._same.append(step)
        self._count += 1
        self._progress(self._count, None)

    def flush(self) -> None:
        """Print what is gathered."""
        if not self._same:
            return
        last, times = self._same[-1], f" ×{len(self._same)}" if len(self._same) > 1 else ""
        size = f" {sum(step.sent for step in self._same):,} bytes" if last.sent else ""
        fault = f" [{last.fault}]" if last.fault else ""
        what = f"{last.kind:<8} {last.mode:<10} {last.file}{times}{size}"
        seconds = sum(step.seconds for step in self._same)
        came = f"{last.status or '–':>4} {seconds:7.2f} s  {last.verdict}{fault}  {last.remark}"
        if sys.stderr.isatty():
            click.echo("\r\x1b[K", err=True, nl=False)  # the bar stands there
        click.echo(f"{what:<64} {came}".rstrip())
        self._same.clear()


def _is_same(one: Any, other: Any) -> bool:
    parts = ("kind", "mode", "file", "verdict", "fault")
    return one.mode in ("file", "import") and all(getattr(one, n) == getattr(other, n) for n in parts)
