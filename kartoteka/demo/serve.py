"""`python -m kartoteka.demo.serve`: the invented shop as a process of its own; its first line says where."""

import argparse
import socket
import sys
from pathlib import Path

import uvicorn

from kartoteka.demo import oldlist
from kartoteka.demo.books import Books
from kartoteka.demo.company import Company
from kartoteka.demo.live import Trickle
from kartoteka.demo.shop import Shop
from kartoteka.demo.storefront import Storefront
from kartoteka.demo.visitors import Visitors
from kartoteka.supervisor import end_with_parent
from kartoteka.terminal import to_json


def main() -> None:
    """Serve until the parent ends."""
    words = argparse.ArgumentParser()
    words.add_argument("--people", type=int, default=3000)
    words.add_argument("--orders", type=int, default=7000)
    words.add_argument("--every", type=float, default=4.0)
    words.add_argument("--list", type=Path)
    given = words.parse_args()
    company = Company(given.people, given.orders)
    if given.list:
        oldlist.write(company, given.list)
    shop = Shop(company)
    visitors = Visitors(shop, given.every / 4)
    bound = socket.create_server(("127.0.0.1", 0), backlog=256)
    listener = socket.socket(fileno=bound.detach())  # knows it is TCP: asyncio switches Nagle off only then
    sys.stdout.write(to_json({"address": f"http://127.0.0.1:{listener.getsockname()[1]}"}) + "\n")
    sys.stdout.flush()
    server = uvicorn.Server(
        uvicorn.Config(
            shop.app(
                [*visitors.routes(), *Books(company).routes(shop), *Storefront(shop, visitors).routes()]
            ),
            log_config=None,
            access_log=False,
            timeout_keep_alive=15,
        )
    )

    def stop() -> None:
        server.should_exit = True

    end_with_parent(stop)
    trickle = Trickle(shop, given.every)
    if given.every > 0:
        trickle.start()
    # opened anew by its number it knows that it is TCP: else asyncio leaves Nagle on, 40 ms per answer
    server.run(sockets=[socket.socket(fileno=listener.detach())])
    trickle.stop()
    visitors.stop()


if __name__ == "__main__":
    main()
