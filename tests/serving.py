"""Serves an ASGI application on loopback in a thread, and the invented shop with it."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

from kartoteka.demo.company import Company
from kartoteka.demo.shop import KEY, SECRET, Shop


@contextmanager
def served(app: ASGIApp) -> Iterator[str]:
    """The address of an application that is being served until the block ends."""
    bound = socket.create_server(("127.0.0.1", 0), backlog=128)
    listener = socket.socket(
        fileno=bound.detach()
    )  # knows it is TCP: else asyncio leaves Nagle on, 40 ms each
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)
        listener.close()


class OpenShop:
    """The invented shop while it is open: `shop` to act in it, `settings` to connect to it."""

    def __init__(self, shop: Shop, address: str) -> None:
        self.shop = shop
        self.settings = {"address": address, "key": KEY, "secret": SECRET}


@contextmanager
def open_shop(people: int = 40, orders: int = 60) -> Iterator[OpenShop]:
    """A small invented shop on loopback."""
    shop = Shop(Company(people, orders))
    with served(shop.app()) as address:
        yield OpenShop(shop, address)
    shop.hooks.stop()
    shop.hooks.thread.join(10)
