"""What breaks on purpose: a wire (a proxy on loopback), and a process that is gone at its n-th statement."""

import contextlib
import itertools
import socket
import threading
from collections.abc import Callable
from typing import Any, Literal
from urllib.parse import urlsplit

from sqlalchemy import Engine, event

Mode = Literal["pass", "refuse", "hole"]


class Wire:
    """`wire.url` stands for a Redis on a unix socket; `wire.mode` says what happens to its bytes."""

    def __init__(self, redis_url: str) -> None:
        self._target = urlsplit(redis_url).path
        self._mode: Mode = "pass"
        self._open: list[socket.socket] = []
        self._server = socket.create_server(("127.0.0.1", 0))
        self.url = f"redis://127.0.0.1:{self._server.getsockname()[1]}/0"
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def mode(self) -> Mode:
        """What happens to bytes now."""
        return self._mode

    @mode.setter
    def mode(self, mode: Mode) -> None:
        self._mode = mode
        if mode == "refuse":
            for one in self._open:
                _shut(one)

    def close(self) -> None:
        """Cut everything for good."""
        self.mode = "refuse"
        _shut(self._server)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._server.accept()
                self._open.append(near)
                if self._mode == "refuse":
                    _shut(near)
                    continue
                far = socket.socket(socket.AF_UNIX)
                far.connect(self._target)
                self._open.append(far)
                for source, sink in ((near, far), (far, near)):
                    threading.Thread(target=self._pump, args=(source, sink), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if self._mode == "pass":
                    sink.sendall(data)
        for one in (source, sink):
            _shut(one)


def _shut(one: socket.socket) -> None:
    with contextlib.suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    one.close()


class Killed(BaseException):
    """The process is gone: nothing catches this."""


def cut_at(engine: Engine, number: int, act: Callable[[], Any]) -> bool:
    """Run an act whose n-th statement or commit fails; whether it got through."""
    left = number

    def count(*_args: Any) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            raise Killed

    event.listen(engine, "before_cursor_execute", count)
    event.listen(engine, "commit", count)
    try:
        act()
    except Killed:
        return False
    finally:
        event.remove(engine, "before_cursor_execute", count)
        event.remove(engine, "commit", count)
    return True


def dying(real: Callable[..., bool], at: int) -> Callable[..., bool]:
    """`real`, whose call number `at` does its work and is killed before anything of it is kept."""
    calls = itertools.count(1)

    def portion(*given: Any) -> bool:
        more = real(*given)
        if next(calls) == at:
            raise RuntimeError("killed before the commit")
        return more

    return portion
