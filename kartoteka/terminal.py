"""How commands speak: options they share, JSON for scripts, tables and a bar for people."""

import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import click
import msgspec

from foundation.clock import monotonic

Command = Callable[..., Any]
FAILED, USAGE, WITH_PROBLEMS = 1, 2, 3  # exit statuses; 0 is done


def _remember(ctx: click.Context, _: click.Parameter, value: bool) -> bool:
    ctx.meta["json"] = value
    return value


def data_option(command: Command) -> Command:
    """`--data DIR`: which installation."""
    return click.option(
        "--data",
        type=click.Path(path_type=Path, file_okay=False),
        help="The data folder of the installation.",
    )(command)


def json_option(command: Command) -> Command:
    """`--json`: one JSON object on stdout instead of text."""
    return click.option(
        "--json",
        "as_json",
        is_flag=True,
        is_eager=True,
        callback=_remember,
        help="Answer as JSON for scripts.",
    )(command)


def plain(value: Any) -> Any:
    """What JSON can't say by itself: instants in RFC 3339 UTC, ids and amounts as strings."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, date | UUID | Path):
        return str(value)
    if isinstance(value, Decimal):
        return format(value, "f")
    raise TypeError(f"{type(value).__name__} has no JSON form")


def to_json(value: Any) -> str:
    """JSON text; structs, instants, ids and decimals included."""
    return msgspec.json.encode(value, enc_hook=plain).decode()


def say(result: Mapping[str, Any], as_json: bool, text: str) -> None:
    """The answer of a command: the whole object for scripts, a sentence for people."""
    click.echo(to_json(result) if as_json else text)


def finish(summary: Mapping[str, Any], as_json: bool, text: str) -> None:
    """The last line of a run; leaves with 3 when it had problems."""
    say(summary, as_json, text)
    if summary.get("problems"):
        click.get_current_context().exit(WITH_PROBLEMS)
    return


def table(headers: Sequence[str], rows: Iterable[Sequence[Any]], empty: str) -> str:
    """Columns in plain text; `empty` when there is nothing to list."""
    cells = [[_cell(value) for value in row] for row in rows]
    if not cells:
        return empty
    widths = [max(len(line[at]) for line in (headers, *cells)) for at in range(len(headers))]
    lines = ["  ".join(f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True)).rstrip()
             for line in (headers, *cells)]  # fmt: skip
    return "\n".join(lines)


def _cell(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, datetime):
        return value.astimezone().strftime("%Y-%m-%d %H:%M")
    return str(value)


@contextmanager
def bar(title: str, wanted: bool = True) -> Iterator[Callable[[int, int | None], None]]:
    """A progress bar with an estimate on a terminal, silence elsewhere; call it with (done, total)."""
    if not (wanted and sys.stderr.isatty()):
        yield lambda done, total: None
        return
    began = monotonic()

    def show(done: int, total: int | None) -> None:
        line = bar_line(title, done, total, monotonic() - began)
        click.echo(f"\r\x1b[K{line[: shutil.get_terminal_size().columns - 1]}", err=True, nl=False)

    try:
        yield show
    finally:
        click.echo("\r\x1b[K", err=True, nl=False)


def bar_line(title: str, done: int, total: int | None, seconds: float) -> str:
    """What the bar shows: how much of how many, how fast, how much longer."""
    speed = done / seconds if seconds > 0 else 0.0
    if not total:
        return f"{title}  {done:,}  {speed:,.0f}/s"
    filled = min(20, 20 * done // total)
    left = int((total - done) / speed) if speed and done < total else 0
    drawn = "█" * filled + "·" * (20 - filled)
    return f"{title}  {drawn}  {done:,} of {total:,}  {left // 60}:{left % 60:02} left"
