"""The parts of an installation, each as its own process: web, worker, beat, migrate."""

import signal
import socket
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kartoteka.terminal import data_option, json_option, say

if TYPE_CHECKING:
    from kartoteka.installation import Installation

Command = Callable[..., Any]
LOOK_SECONDS = 2.0  # between two looks at this process's own threads


def part_options(command: Command) -> Command:
    """What every part takes; the hidden ones are how `kartoteka up` starts its children."""
    for option in (
        click.option("--allow-private", is_flag=True, hidden=True),
        click.option("--address", hidden=True),
        click.option("--supervised", is_flag=True, hidden=True),
        data_option,
    ):
        command = option(command)
    return command


def begin(
    name: str, data: Path | None, address: str | None, allow_private: bool, pool: int
) -> "Installation":
    """This process as a part of the installation."""
    from foundation.settings import load
    from kartoteka import installation

    settings = load(data=data, public_url=address, allow_private_addresses=allow_private or None)
    return installation.prepare(settings, pool_size=pool, application=f"kartoteka-{name}")


def run_until_told(start: Callable[[], None], stop: Callable[[], None], supervised: bool) -> None:
    """Run a part until SIGTERM, Ctrl-C or the death of the supervisor.

    A dead thread ends the part with status 1, so that whoever supervises it starts a whole one.
    """
    from foundation import health, log
    from kartoteka.supervisor import Ending, end_with_parent

    ending = Ending()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, ending.ask)
    if supervised:
        end_with_parent(ending.ask)
    start()
    stale: list[str] = []
    try:
        while not ending.asked(LOOK_SECONDS) and not stale:
            stale = health.stale()
    finally:
        stop()
    if stale:
        log.get(__name__).error("part_unwell", threads=stale)
        raise SystemExit(1)


@click.command("web")
@part_options
@click.option("--host", help="The address to listen on (127.0.0.1).")
@click.option("--port", type=int, help="The port to listen on (8000).")
@click.option("--fd", type=int, hidden=True)
def web_command(
    data: Path | None, supervised: bool, address: str | None, allow_private: bool, host: str | None,
    port: int | None, fd: int | None,
) -> None:  # fmt: skip
    """Run the web server alone."""
    import uvicorn

    from foundation import jobs
    from kartoteka import app
    from kartoteka.supervisor import end_with_parent

    found = begin("web", data, address, allow_private, pool=20)
    settings = found.settings
    made = app.make(found.context, found.engine)
    config = uvicorn.Config(
        made,
        host=host or settings.host,
        port=settings.port if port is None else port,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # console.web reads X-Forwarded-For by the number of trusted proxies
        timeout_keep_alive=15,
        timeout_graceful_shutdown=8,
        limit_concurrency=400,
        h11_max_incomplete_event_size=64_000,
        backlog=512,
    )
    server = uvicorn.Server(config)
    made.state.closing = lambda: server.should_exit

    def stop() -> None:
        server.should_exit = True

    if supervised:
        end_with_parent(stop)
    jobs.calm_collector()
    server.run(sockets=[socket.socket(fileno=fd)] if fd is not None else None)


@click.command("worker")
@part_options
@click.option("--threads", type=click.IntRange(1, 64), help="How many jobs at once (4).")
def worker_command(
    data: Path | None, supervised: bool, address: str | None, allow_private: bool, threads: int | None
) -> None:
    """Run a worker alone; start as many as you like, on any machine."""
    from foundation import jobs
    from foundation.settings import load
    from kartoteka.worker import load_jobs

    load_jobs()
    threads = threads or load().worker_threads
    found = begin("worker", data, address, allow_private, pool=jobs.connections(threads))
    jobs.calm_collector()
    worker = jobs.Worker(found.engine, found.redis_url, threads)
    run_until_told(worker.start, worker.stop, supervised)


@click.command("beat")
@part_options
def beat_command(data: Path | None, supervised: bool, address: str | None, allow_private: bool) -> None:
    """Run the clock that starts what is due; of several, one holds the lease."""
    from foundation import jobs
    from kartoteka.worker import load_jobs

    load_jobs()
    found = begin("beat", data, address, allow_private, pool=2)
    beat = jobs.Worker(found.engine, found.redis_url, threads=0)
    run_until_told(beat.start, beat.stop, supervised)


@click.command("migrate")
@data_option
@json_option
def migrate_command(data: Path | None, as_json: bool) -> None:
    """Bring the database to this version's tables; any number of processes may try at once."""
    from kartoteka import installation
    from migrations import run as migrations

    with installation.opened(data, begins=True) as found:
        done = migrations.upgrade(found.engine)
    say(
        {"ran": done},
        as_json,
        f"Ran {', '.join(done)}." if done else "Nothing to do: the tables are current.",
    )
