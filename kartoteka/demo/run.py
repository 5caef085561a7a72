"""Runs the demo: starts the shop and Kartoteka, then does by program what a new owner would do by hand."""

import json
import secrets
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from console import auth
from foundation.clock import monotonic
from foundation.database import transaction
from kartoteka import installation, summaries
from kartoteka.commands.imports import do_import
from kartoteka.commands.up import run_all
from kartoteka.demo import accounting, watching, writing
from kartoteka.demo.shop import KEY, SECRET
from kartoteka.following import follow
from kartoteka.installation import Installation
from sync import connections, pull

USUAL_PORT = 8000
SHOP = "Samal web shop"


@contextmanager
def shop_process(people: int, orders: int, every: float, old_list: Path) -> Iterator[str]:
    """The invented shop beside us; yields its address. It ends when we end, in whatever way."""
    command = [sys.executable, "-m", "kartoteka.demo.serve", "--people", str(people), "--orders", str(orders)]
    process = subprocess.Popen(  # noqa: S603 - our own program
        [*command, "--every", str(every), "--list", str(old_list)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield json.loads(process.stdout.readline())["address"]
    finally:
        process.stdin.close()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(5)
        process.stdout.close()


def free_port(wanted: int | None) -> int:
    """The wanted port, or 8000, or any when somebody else has that."""
    if wanted is not None:
        return wanted
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", USUAL_PORT))
        except OSError:
            return 0
    return USUAL_PORT


def connect_shop(found: Installation, address: str) -> str:
    """Connect the shop with its webhooks and pull all of it; answers what came of it."""
    settings = {"address": address, "key": KEY, "secret": SECRET}
    with transaction(found.engine) as session:
        made = connections.create(session, found.context.sealer, "woocommerce", SHOP, settings)
        connections.install_hooks(session, found.context.sealer, found.settings, made)
        run = pull.start(session, made.id)
    summary = summaries.of_run(follow(found, run.id, "Pulling the shop"))
    return summaries.sentence(summary)


def import_list(found: Installation, path: Path) -> str:
    """Import the old spreadsheet as a person would; answers what came of it."""
    return summaries.sentence(do_import(found, "customers", path, "Old customer list", {}))


def sign_in_link(found: Installation) -> str:
    """A member of staff and a link that signs them in."""
    with transaction(found.engine) as session:
        email = "owner@samal.example"
        user = auth.create_user(session, email, "Dana, the owner", secrets.token_urlsafe(18))
        return auth.make_link(session, user)


def run(data: Path, *, people: int, orders: int, every: float, host: str | None, port: int | None) -> None:
    """The whole demo until Ctrl-C."""
    began = monotonic()
    old_list = data.with_name(f"{data.name}-list.csv")
    with shop_process(people, orders, every, old_list) as shop_address:

        def fill(address: str) -> None:
            with installation.opened(data) as found:
                click.echo(f"Kartoteka is at {address}; the invented shop is at {shop_address}")
                click.echo(f"The shop: {connect_shop(found, shop_address)}")
                click.echo(f"The old list: {import_list(found, old_list)}")
                click.echo(f"The ledger: {accounting.keep(found, SHOP, shop_address)}")
                accounting.go_on(found, shop_address)
                click.echo(f"The site: {watching.watch(found, address, shop_address)}")
                click.echo(f"Marketing: {writing.write(found, data, shop_address)}")
                click.echo(f"The exchange: {accounting.exchange(found, address)}")
                accounting.plan_it(found)
                click.echo(f"Ready after {monotonic() - began:.0f} s. The shop goes on selling.")
                click.echo(f"\n  Sign in (once, within ten minutes): {address}{sign_in_link(found)}\n")
                click.echo(f"  The shop to walk around in: {shop_address}")
                click.echo(f"  Watch visitors live: {address}/sites\n")
                click.echo("Ctrl-C stops and removes all of it.")

        try:
            run_all(data, host, free_port(port), fill, allow_private=True, durable=False)
        finally:
            old_list.unlink(missing_ok=True)
