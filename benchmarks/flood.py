"""A client that sends prepared requests over kept-open connections as fast as they are answered."""

import asyncio
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

Make = Callable[[], bytes]


@dataclass
class Flood:
    """What became of the requests: seconds each took, and answers that weren't 200."""

    seconds: list[float] = field(default_factory=list)
    refused: int = 0
    elapsed: float = 0.0

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.seconds) / self.elapsed


class _Line(asyncio.Protocol):
    """One connection: the next request when the last is answered, or when its time has come."""

    def __init__(
        self, flood: Flood, requests: Iterator[bytes], done: asyncio.Future[None], pause: float
    ) -> None:
        self._flood, self._requests, self._done, self._pause = flood, requests, done, pause
        self._transport: asyncio.Transport | None = None
        self._sent = self._due = 0.0
        self._got = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._due = time.perf_counter()
        self._next()

    def _next(self) -> None:
        assert self._transport is not None
        request = next(self._requests, None)
        if request is None:
            self._transport.close()
            if not self._done.done():
                self._done.set_result(None)
            return
        self._sent = time.perf_counter()
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        """The answer, or a part of it."""
        self._got += data
        if not self._got.endswith(b"}"):
            return
        self._flood.seconds.append(time.perf_counter() - self._sent)
        self._flood.refused += not self._got.startswith(b"HTTP/1.1 200")
        self._got = b""
        if not self._pause:
            self._next()
            return
        self._due += self._pause
        wait = self._due - time.perf_counter()
        asyncio.get_running_loop().call_later(max(0.0, wait), self._next)


def flood(port: int, requests: Iterator[bytes], lines: int, pause: float = 0.0) -> Flood:
    """Send all requests over so many connections; with `pause`, each sends one every so many seconds."""
    return asyncio.run(_flood(port, requests, lines, pause))


async def _flood(port: int, requests: Iterator[bytes], lines: int, pause: float) -> Flood:
    loop = asyncio.get_running_loop()
    result = Flood()
    ends = [loop.create_future() for _ in range(lines)]
    began = time.perf_counter()
    for end in ends:
        await loop.create_connection(lambda end=end: _Line(result, requests, end, pause), "127.0.0.1", port)
        if pause:
            await asyncio.sleep(pause / lines)
    await asyncio.gather(*ends)
    result.elapsed = time.perf_counter() - began
    return result
