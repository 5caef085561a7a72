"""`kartoteka up`: the whole installation in one terminal."""

import os
import signal
import socket
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from foundation.errors import Misconfigured
from kartoteka.terminal import data_option

if TYPE_CHECKING:
    from foundation.settings import Settings
    from kartoteka.supervisor import Child

MOST_WORKERS = 4  # that are started without being asked for


def listen(host: str, port: int) -> socket.socket:
    """The web server's socket, held by us so that a restarted web part keeps its address."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise Misconfigured(f"Can't listen on {host}:{port}: {error.strerror}. Choose another --port.",
                            "KARTOTEKA_PORT") from error  # fmt: skip
    listener.listen(512)
    listener.set_inheritable(True)
    return listener


def address_of(listener: socket.socket, host: str) -> str:
    """How the web server is reached from this machine."""
    port = listener.getsockname()[1]
    name = "127.0.0.1" if host in ("0.0.0.0", "::", "") else host  # noqa: S104 - compared, not bound
    return f"http://[{name}]:{port}" if ":" in name else f"http://{name}:{port}"


def wait_ready(address: str, seconds: float = 60.0) -> None:
    """Return when the web part answers."""
    import http.client
    import time
    from urllib.parse import urlsplit

    from foundation.clock import monotonic

    parts, deadline = urlsplit(address), monotonic() + seconds
    while monotonic() < deadline:
        line = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=5)
        try:
            line.request("GET", "/readyz")
            if line.getresponse().status == 200:
                return
        except OSError:
            pass
        finally:
            line.close()
        time.sleep(0.1)
    raise Misconfigured(f"The web part did not become ready in {seconds:.0f} s; see the lines above.")


def run_all(
    data: Path | None,
    host: str | None,
    port: int | None,
    then: Callable[[str], None],
    *,
    allow_private: bool | None = None,
    durable: bool = True,
) -> None:
    """Start servers, migrate, keep all parts running; `then(address)` runs once the web part answers."""
    from foundation import embedded, log
    from foundation.settings import load
    from kartoteka import installation
    from kartoteka.supervisor import Supervisor

    settings = load(data=data, host=host, port=port, allow_private_addresses=allow_private)
    log.setup(settings)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # asked to end while starting: clean up, too
    listener, own = listen(settings.host, settings.port), None
    address = address_of(listener, settings.host)
    try:
        if not (settings.database_url and settings.redis_url):
            own = embedded.start(settings.data, server_user=settings.server_user, durable=durable)
        make_ready(settings, address, private_servers=own is not None)

        def afterwards() -> None:
            wait_ready(address)
            then(address)

        children = parts_of(settings, address, listener)
        Supervisor(children).run(then=afterwards, healthy=lambda: own is None or not own.dead())
        if own is not None and own.dead():
            raise Misconfigured(f"Ended by itself: {', '.join(own.dead())}. Its log is in {settings.data}.")
    finally:
        (settings.data / installation.WHERE).unlink(missing_ok=True)
        if own is not None:
            own.stop()
        listener.close()


def make_ready(settings: "Settings", address: str, *, private_servers: bool) -> None:
    """Tables, key and address note, before the parts ask for them; a copied data folder is held back."""
    from foundation import sealing
    from foundation.database import make_engine
    from kartoteka import copies, installation
    from migrations import run as migrations

    database_url, _ = installation.needed(settings)
    engine = make_engine(database_url, pool_size=1)
    migrations.upgrade(engine)
    if private_servers and (held := copies.hold(engine, settings.data)):
        click.echo(f"This data folder is a copy: {held} connections are paused. kartoteka resume NAME")
    engine.dispose()
    settings.data.mkdir(parents=True, exist_ok=True)
    sealing.open_sealer(settings)  # parts that start at once find one key
    installation.note(settings, settings.public_url or address)


def parts_of(settings: "Settings", address: str, listener: socket.socket) -> "list[Child]":
    """The children: web on our socket, the workers, the beat."""
    from kartoteka.supervisor import Child

    shared = ["--data", str(settings.data), "--supervised", "--address", settings.public_url or address]
    shared += ["--allow-private"] if settings.allow_private_addresses else []
    web = Child("web", ["web", *shared, "--fd", str(listener.fileno())], (listener,))
    count = settings.workers or min(os.cpu_count() or 1, MOST_WORKERS)
    names = ["worker", *(f"worker {number}" for number in range(2, count + 1))]
    return [web, *(Child(name, ["worker", *shared]) for name in names), Child("beat", ["beat", *shared])]


def first_link(data: Path | None) -> str | None:
    """The path that sets up the first owner; None when there is one."""
    from console import auth
    from foundation.database import transaction
    from kartoteka import installation

    with installation.opened(data) as found, transaction(found.engine) as session:
        return auth.make_setup_link(session)


@click.command("up")
@data_option
@click.option("--host", help="The address to listen on (127.0.0.1).")
@click.option("--port", type=int, help="The port to listen on (8000); 0 takes a free one.")
def up_command(data: Path | None, host: str | None, port: int | None) -> None:
    """Everything in one terminal: private servers, web, workers and beat.

    Prints the address, and on the first start a link to set up the owner. Ctrl-C stops all of it.
    """

    def then(address: str) -> None:
        click.echo(f"Kartoteka is at {address}")
        if link := first_link(data):
            click.echo(f"Set up the owner: {address}{link}")
        click.echo("Ctrl-C stops it.")

    run_all(data, host, port, then)
