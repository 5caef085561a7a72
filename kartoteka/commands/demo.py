"""`kartoteka demo`: a throw-away installation, an invented shop, and the real path between them."""

import signal
import tempfile
from pathlib import Path

import click


@click.command("demo")
@click.option(
    "--people", default=3000, type=click.IntRange(10, 200_000), help="How many accounts the shop has."
)
@click.option("--orders", default=7000, type=click.IntRange(0, 500_000), help="How many orders it has taken.")
@click.option("--every", default=4.0, type=float, help="Seconds between two things that happen in the shop.")
@click.option("--host", help="The address to listen on (127.0.0.1).")
@click.option("--port", type=int, help="The port to listen on (8000, or a free one when it is taken).")
@click.option("--keep", is_flag=True, help="Leave the data folder behind.")
def demo_command(
    people: int, orders: int, every: float, host: str | None, port: int | None, keep: bool
) -> None:
    """A throw-away installation filled with an invented company, live.

    A shop on this machine is connected and pulled, a spreadsheet of old customers imported, and the shop goes
    on sending webhooks. Prints the address and a link that signs you in. Ctrl-C stops and removes all of it.
    """
    from foundation import embedded
    from kartoteka.demo.run import run

    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a stop cleans up as Ctrl-C does
    data = Path(tempfile.mkdtemp(prefix="kartoteka-demo-"))
    try:
        run(data, people=people, orders=orders, every=every, host=host, port=port)
    finally:
        if keep:
            click.echo(f"The data folder stays at {data}")
        else:
            embedded.discard(data)
