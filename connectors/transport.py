"""Connections that keep what `requests` alone does not: a judged address and one deadline for everything.

A `Door` belongs to one `Http`. Its connections connect to the address that was judged, and at the deadline
they are cut wherever they are: in the handshake, in the headers or in a body that drips.
"""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import NewConnectionError
from urllib3.poolmanager import PoolManager

from connectors import guard
from foundation import clock


class Door:
    """Where connections of one `Http` go out: which addresses may be reached, and until when."""

    def __init__(self, *, allow_private: bool, resolver: guard.Resolver = guard.system_resolver) -> None:
        self.allow_private = allow_private
        self.resolver = resolver
        self.until = 0.0
        self.spoken = False  # bytes of the call under way may have left
        self._open: set[socket.socket] = set()

    @property
    def left(self) -> float:
        """Seconds to the deadline of the call under way; never below a millisecond."""
        return max(0.001, self.until - clock.monotonic())

    @contextmanager
    def closing_at(self, until: float) -> Iterator[None]:
        """Cut every connection of this door at a monotonic instant, unless the call is done before."""
        self.until, self.spoken = until, False
        cutter = threading.Timer(self.left, self.cut)
        cutter.daemon = True
        cutter.start()
        try:
            yield
        finally:
            cutter.cancel()

    def cut(self) -> None:
        """Shut the sockets so that a blocked read returns at once."""
        for handle in tuple(self._open):
            try:
                handle.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue  # already gone

    def connect(self, connection: HTTPConnection, *, encrypted: bool) -> tuple[socket.socket, socket.socket]:
        """A socket to a judged address of the connection's host, and a handle to cut it with."""
        host, port = connection.host, connection.port or (443 if encrypted else 80)
        addresses = guard.resolve(host, port, self.resolver, self.left)
        guard.judge(host, addresses, allow_private=self.allow_private, encrypted=encrypted)
        failure: OSError | None = None
        for address in addresses:
            try:
                sock = socket.create_connection((str(address), port), timeout=self.left)
            except OSError as error:
                failure = error
                continue
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            handle = sock.dup()  # TLS takes the socket over and leaves the original dead; a dup stays valid
            self._open.add(handle)
            return sock, handle
        raise NewConnectionError(connection, f"{failure}") from failure

    def forget(self, handle: socket.socket) -> None:
        """A connection is closed: let go of its handle."""
        self._open.discard(handle)
        handle.close()


class _Guarded(HTTPConnection):
    """A plain connection through a door."""

    encrypted = False

    def __init__(self, *args: Any, door: Door, **options: Any) -> None:
        super().__init__(*args, **options)
        self._door = door
        self._handle: socket.socket | None = None

    def _new_conn(self) -> socket.socket:
        sock, self._handle = self._door.connect(self, encrypted=self.encrypted)
        return sock

    def send(self, data: Any) -> None:
        """From here on the other side may know of the call."""
        if self.sock is None:
            self.connect()
        self._door.spoken = True
        super().send(data)

    def close(self) -> None:
        """Close the connection and its handle."""
        super().close()
        if self._handle is not None:
            self._door.forget(self._handle)
            self._handle = None


class _GuardedTLS(_Guarded, HTTPSConnection):
    """A TLS connection through a door; the certificate is checked against the name, not the address."""

    encrypted = True


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Guarded


class _TLSPool(HTTPSConnectionPool):
    ConnectionCls = _GuardedTLS


class _Pools(PoolManager):
    """Hands the door to every pool it makes."""

    def __init__(self, *args: Any, door: Door, **options: Any) -> None:
        super().__init__(*args, **options)
        self._door = door
        self.pool_classes_by_scheme = {"http": _Pool, "https": _TLSPool}

    def _new_pool(self, *args: Any, **options: Any) -> HTTPConnectionPool:
        pool = super()._new_pool(*args, **options)
        pool.conn_kw["door"] = self._door
        return pool


class GuardedAdapter(HTTPAdapter):
    """The `requests` adapter whose connections go through a door. It never retries by itself."""

    def __init__(self, door: Door) -> None:
        self._door = door
        super().__init__(pool_connections=2, pool_maxsize=2)

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **options: Any) -> None:
        """Use our pools."""
        self.poolmanager = _Pools(
            num_pools=connections, maxsize=maxsize, block=block, door=self._door, **options
        )
