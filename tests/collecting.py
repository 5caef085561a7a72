"""The collector on loopback as foreign clients meet it: every call is noted, and an answer may get lost."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
import requests
from sqlalchemy import Engine, text
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from foundation import jobs
from foundation.database import transaction
from foundation.sealing import Sealer
from foundation.settings import Settings
from kartoteka import app
from kartoteka.worker import load_jobs
from sync import context
from sync.context import Context
from tests.serving import served
from web_capture import sites
from web_capture.collector import Collector

ROWS = "SELECT source_key, kind, data FROM timeline WHERE source_id = :site ORDER BY id"
KINDS = {"Product Added": "web.product_added", "Order Completed": "web.order_completed"}


@dataclass
class Call:
    """One request of a client, and what it was answered."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes = b""
    status: int = 0
    lost: bool = False
    at: float = 0.0  # when it was answered


@dataclass
class Noting:
    """An application in front of the real one: writes down who came with what."""

    inner: ASGIApp
    calls: list[Call] = field(default_factory=list)
    losing: int = 0  # so many posts are carried out, and their callers told that something went wrong
    loop: asyncio.AbstractEventLoop | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.loop = asyncio.get_running_loop()
        path = scope["path"] + ("?" + scope["query_string"].decode() if scope["query_string"] else "")
        headers = {name.decode(): value.decode("latin-1") for name, value in scope["headers"]}
        call = Call(scope["method"], path, headers)
        if call.method == "POST" and self.losing:
            self.losing, call.lost = self.losing - 1, True

        async def hear() -> Message:
            message = await receive()
            call.body += message.get("body", b"")
            return message

        async def tell(message: Message) -> None:
            if message["type"] == "http.response.start":
                call.status, call.at = 503 if call.lost else message["status"], time.monotonic()
                message = {**message, "status": call.status}
                self.calls.append(call)
            await send(message)

        await self.inner(scope, hear, tell)


@dataclass
class Collecting:
    """A site whose collector is being served."""

    engine: Engine
    address: str
    key: str
    site_id: str
    noting: Noting
    collector: Collector

    @property
    def posts(self) -> list[Call]:
        """What was sent, preflights left out."""
        return [call for call in self.noting.calls if call.method == "POST"]

    @property
    def preflights(self) -> list[Call]:
        """What browsers asked before they sent."""
        return [call for call in self.noting.calls if call.method == "OPTIONS"]

    def lose(self, answers: int = 1) -> None:
        """Keep what comes next, and let the answers get lost."""
        self.noting.losing = answers

    def hold_off(self, monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
        """Send the next post away with the word to come again in so many seconds."""
        waits = [seconds]
        monkeypatch.setattr(self.collector, "_wait", lambda *_: waits.pop() if waits else 0.0)

    def arrived(self, ids: set[str]) -> bool:
        """Whether each message is in a call that was answered well."""
        said = b"".join(call.body for call in self.posts if call.status == 200)
        return all(one.encode() in said for one in ids)

    def rows(self) -> list[dict[str, Any]]:
        """The site's timeline after all work is done."""
        jobs.run_until_idle(self.engine)
        with self.engine.connect() as connection:
            found = connection.execute(text(ROWS), {"site": self.site_id}).mappings()
            return [{**row, "id": row["source_key"].removeprefix("m:")} for row in found]

    def send_again(self) -> None:
        """Every post as it came, once more."""
        for call in list(self.posts):
            headers = {name: value for name, value in call.headers.items() if name != "content-length"}
            answer = requests.post(f"{self.address}{call.path}", data=call.body, headers=headers, timeout=10)
            assert answer.status_code == 200, answer.text

    def expect(self, said: list[dict[str, Any]], lost: int = 0, held_off: int = 0) -> list[dict[str, Any]]:
        """Each message is one row of its kind, also when it comes twice; answers the rows."""
        wanted = Counter((one["messageId"], kind_of(one)) for one in said)
        assert set(wanted.values()) == {1}, "the client gave a messageId twice"
        assert Counter((row["id"], row["kind"]) for row in self.rows()) == wanted
        answers = Counter(call.status for call in self.posts if call.status != 200)
        assert answers == Counter({503: lost, 429: held_off})
        assert {call.status for call in self.preflights} <= {204}
        self.send_again()
        rows = self.rows()
        assert Counter((row["id"], row["kind"]) for row in rows) == wanted
        return rows


def came_through(rows: list[dict[str, Any]]) -> None:
    """What was said of the order and the person is in their rows."""
    data = {row["kind"]: row["data"] for row in rows}
    order, person = data["web.order_completed"], data["web.identify"]
    assert (order["order_id"], order["total"]) == ("50314", {"amount": "27.5", "currency": "USD"})
    assert person["traits"] == {"email": "anna@p.kz", "firstName": "Anna"}


def kind_of(message: dict[str, Any]) -> str:
    """The timeline kind that a client's message is to become."""
    return KINDS[message["event"]] if message["type"] == "track" else f"web.{message['type']}"


@contextmanager
def collecting(engine: Engine, settings: Settings, sealer: Sealer, domain: str) -> Iterator[Collecting]:
    """A new site, its public write key, and the whole application until the block ends."""
    load_jobs()
    held = Context(settings, sealer)
    context.use(held)
    with transaction(engine) as session:
        site, keys = sites.add(session, sealer, domain, currency="KZT")
        site_id = str(site.id)
    inner = app.make(held, engine)
    noting = Noting(inner)
    try:
        with served(noting) as address:
            yield Collecting(engine, address, keys.write_key, site_id, noting, inner.state.collector)
            if noting.loop is not None:
                stopping = asyncio.run_coroutine_threadsafe(inner.state.collector.stop(), noting.loop)
                stopping.result(10)
    finally:
        context.use(None)
