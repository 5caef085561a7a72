"""A source whose raw records are ours already, and worker processes that resolve what it lands."""

import multiprocessing
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from typing import Any, ClassVar

import msgspec

from connectors import registry
from connectors.base import Connector, Page, Raw, Stream
from connectors.http import Http
from foundation.database import make_engine
from foundation.records import AnyRecord
from sync import resolve

_decode = msgspec.json.Decoder(AnyRecord).decode


@dataclass(frozen=True)
class Nothing:
    """No settings."""


class Bench(Connector):
    """A source whose raw records are ours already."""

    kind: ClassVar[str] = "bench"
    title: ClassVar[str] = "Benchmark"
    role: ClassVar[Any] = "shop"
    summary: ClassVar[str] = "Records in our own vocabulary."
    Settings: ClassVar[type] = Nothing
    streams: ClassVar[tuple[Stream, ...]] = (
        Stream(name="customers", title="Customers", what="person"),
        Stream(name="orders", title="Orders", what="order"),
    )

    @classmethod
    def make_http(cls, settings: Any, **options: Any) -> Http:
        """Never called."""
        raise RuntimeError("the benchmark has no network")

    def check(self) -> str:
        """Always there."""
        return "fine"

    def pull(self, stream: str, cursor: str | None) -> Iterator[Page]:
        """Never called: the benchmark lands by itself."""
        return iter(())

    @classmethod
    def normalise(cls, stream: str, raw: Raw, settings: Any) -> Sequence[AnyRecord]:
        """The record as it stands."""
        return (_decode(raw.payload),)


def start(url: str, count: int) -> list[BaseProcess]:
    """So many processes that resolve until they are terminated, as workers do."""
    spawn = multiprocessing.get_context("spawn")
    started: list[BaseProcess] = []
    for _ in range(count):
        started.append(spawn.Process(target=work, args=(url,), daemon=True))
        started[-1].start()
    return started


def work(url: str) -> None:
    """Resolve for ever."""
    use()
    engine = make_engine(url)
    while True:
        if not resolve.resolve(engine):
            time.sleep(0.02)


def use() -> None:
    """Make this process know the source."""
    registry.find = lambda kind: Bench
