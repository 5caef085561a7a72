"""A mail server that takes everything and keeps nothing: `python -m benchmarks.smtp_sink PORT`.

For machines without Postfix's `smtp-sink`; about as fast as Python can be, so its figures are lower.
"""

import asyncio
import sys
from typing import cast

import uvloop

_HELLO = b"250-sink\r\n250-PIPELINING\r\n250 8BITMIME\r\n"


class Sink(asyncio.Protocol):
    """One connection."""

    def __init__(self) -> None:
        self.kept = bytearray()
        self.in_text = False
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet."""
        self.transport = cast(asyncio.Transport, transport)
        self.transport.write(b"220 sink\r\n")

    def data_received(self, data: bytes) -> None:
        """Answer whatever is whole by now."""
        self.kept += data
        answers = bytearray()
        while True:
            mark = b"\r\n.\r\n" if self.in_text else b"\n"
            at = self.kept.find(mark)
            if at < 0:
                break
            line = bytes(self.kept[:at]).upper()
            del self.kept[: at + len(mark)]
            answers += self.answer(line)
        if answers and self.transport is not None:
            self.transport.write(bytes(answers))
            if answers.startswith(b"221"):
                self.transport.close()

    def answer(self, line: bytes) -> bytes:
        """The reply to a command, or to the end of a text."""
        if self.in_text:
            self.in_text = False
            return b"250 2.0.0 Ok\r\n"
        if line.startswith(b"DATA"):
            self.in_text = True
            self.kept[:0] = b"\r\n"  # a text may be empty
            return b"354 go on\r\n"
        if line.startswith(b"EHLO"):
            return _HELLO
        return b"221 bye\r\n" if line.startswith(b"QUIT") else b"250 2.1.0 Ok\r\n"


async def main(port: int) -> None:
    """Serve until killed."""
    server = await asyncio.get_running_loop().create_server(Sink, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1])))
