"""The runs of a played 1C: a catalogue run, a sale run, and how it starts over when the line breaks."""

from collections.abc import Callable, Iterator
from typing import Literal, TypeVar

import msgspec

from connectors.accounting.commerceml.client import Client, Kind, Manner
from connectors.accounting.commerceml.writing import Profile
from foundation import clock
from foundation.errors import Temporary
from kartoteka.emulator import papers
from kartoteka.emulator.goods import Packet
from kartoteka.emulator.line import Broken, Line
from kartoteka.emulator.papers import Paper

MOST_RESTARTS = 200
STUBBORN = 5  # restarts after which broken requests are tried until they succeed
MOST_PAGES = 10_000
Back = Literal["none", "numbers", "paid"]
_T = TypeVar("_T")


class Way(msgspec.Struct, frozen=True, kw_only=True):
    """Who this 1C is and how it speaks."""

    user: str
    password: str
    manner: Manner = Manner()
    profile: Profile = Profile(version="2.08")
    version: str = ""  # told at init; empty: an old base that tells none
    back: Back = "numbers"  # what it sends back of the orders it took
    whole: bool = False  # a whole upload, which ends with deactivate and complete


class Player:
    """One played base: its line, and the orders it has written."""

    def __init__(self, line: Line, way: Way) -> None:
        self.line, self.way = line, way
        self.orders: dict[str, Paper] = {}  # by number: what it has written
        self.files: list[str] = []
        self.restarts = 0
        self.same_page = False  # a second query gave what the first had given

    def client(self, kind: Kind, password: str | None = None) -> Client:
        """A new conversation."""
        way = self.way
        secret = way.password if password is None else password
        return Client(self.line.send, kind, way.user, secret, way.manner)

    def begin(self, kind: Kind) -> Client:
        """A conversation that is signed in and has agreed on its terms."""
        client = self.client(kind)
        client.sign_in()
        client.init(self.way.version)
        return client

    def catalogue(self, packets: Callable[[], Iterator[Packet]]) -> None:
        """Send all files, then have each read."""
        self._through(lambda: self._upload(packets))

    def sale(self) -> None:
        """Fetch the orders, acknowledge them, send them back."""
        self._through(self._exchange)

    def fetch(self, client: Client) -> list[Paper]:
        """Ask for orders until an answer holds no new ones."""
        found: dict[str, Paper] = {}
        for _ in range(MOST_PAGES):
            page = papers.read(client.query())
            fresh = {paper.number: paper for paper in page if found.get(paper.number) != paper}
            if page and not fresh:
                self.same_page = True
            if not fresh:
                return list(found.values())
            found |= fresh
        raise Temporary("The answers to mode=query don't come to an end.")

    def _upload(self, packets: Callable[[], Iterator[Packet]]) -> None:
        client = self.begin("catalog")
        names: list[str] = []
        for number, packet in enumerate(packets(), 1):
            client.upload(packet, archive=f"v8_EMU_{number:02x}.zip")
            names += [name for name in packet if name.lower().endswith(".xml")]
        for name in names:
            client.load(name)
        if self.way.whole:
            client.deactivate()
            client.complete()
        self.files = names

    def _exchange(self) -> None:
        client = self.begin("sale")
        taken = self.fetch(client)
        self.orders |= {paper.number: paper for paper in taken}  # 1C writes them first, then says so
        client.acknowledge()
        if not self.orders or self.way.back == "none":
            return
        if client.version:
            client.upload({"orders-1.xml": self._back(*self.orders.values())}, archive="v8_EMU_orders.zip")
            client.load("orders-1.xml")
            return
        for count, paper in enumerate(self.orders.values(), 1):  # old sites read each piece as it comes
            client.upload_whole(f"orders-{count}.xml", self._back(paper))

    def _back(self, *taken: Paper) -> bytes:
        return papers.changed(taken, self.way.profile, clock.now(), paid=self.way.back == "paid")

    def _through(self, act: Callable[[], _T]) -> _T:
        """Do a run; one that broke off starts over, as 1C does at its next turn."""
        for attempt in range(MOST_RESTARTS):
            self.line.stubborn = attempt >= STUBBORN  # a long upload would never come to its end
            try:
                return act()
            except Broken:
                self.restarts += 1
        raise Temporary(f"The run was broken off {MOST_RESTARTS} times; cut fewer requests.")
