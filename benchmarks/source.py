"""A source whose raw records are ours already, and worker processes that resolve what it lands."""

import multiprocessing
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.synchronize import Event
from typing import Any, ClassVar

import msgspec

from connectors import registry
from connectors.base import Connector, Page, Raw, Stream
from connectors.http import Http
from foundation.database import make_engine
from foundation.jobs import calm_collector
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


class Workers:
    """Processes that resolve while they may, as workers do; at rest they cost nothing."""

    def __init__(self, url: str, count: int) -> None:
        spawn = multiprocessing.get_context("spawn")
        self.may = spawn.Event()
        self.processes = [
            spawn.Process(target=_work, args=(url, self.may), daemon=True) for _ in range(count)
        ]
        for process in self.processes:
            process.start()

    @contextmanager
    def busy(self) -> Iterator[None]:
        """They work while the block runs."""
        self.may.set()
        try:
            yield
        finally:
            self.may.clear()

    def stop(self) -> None:
        """End them."""
        for process in self.processes:
            process.terminate()
            process.join()


def _work(url: str, may: Event) -> None:
    registry.find = lambda kind: Bench
    engine = make_engine(url)
    calm_collector()
    while True:
        may.wait()
        if not resolve.resolve(engine):
            time.sleep(0.02)
