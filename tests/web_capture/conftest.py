"""A site whose pages are captured, and short ways to send to it and to look at what became of it."""

import base64
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest
from sqlalchemy import Engine, text
from starlette.testclient import TestClient

from foundation import jobs
from foundation.database import transaction
from foundation.sealing import Sealer
from foundation.settings import Settings
from kartoteka import app
from kartoteka.worker import load_jobs
from sync import context
from sync.context import Context
from web_capture import sites

load_jobs()
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
Rows = Callable[..., list[dict[str, Any]]]


@dataclass
class Pages:
    """A captured site: send as its pages or its server do."""

    client: TestClient
    write_key: str
    secret_key: str
    id: str
    site_key: str

    def post(self, path: str, body: Any, *, secret: bool = False, **headers: str) -> Any:
        """One call with the site's key by Basic auth."""
        key = self.secret_key if secret else self.write_key
        mark = base64.b64encode(f"{key}:".encode()).decode()
        given = {"authorization": f"Basic {mark}", "user-agent": FIREFOX, **headers}
        content = body if isinstance(body, bytes) else msgspec.json.encode(body)
        return self.client.post(f"/v1/{path}", content=content, headers=given)

    def say(self, kind: str, *, secret: bool = False, **message: Any) -> None:
        """One accepted call."""
        answer = self.post(kind, message, secret=secret)
        assert (answer.status_code, answer.json()) == (200, {"success": True})


@pytest.fixture
def capturing(engine: Engine, settings: Settings, sealer: Sealer) -> Iterator[Context]:
    """What the jobs of web capture work with."""
    held = Context(settings, sealer)
    context.use(held)
    yield held
    context.use(None)


@pytest.fixture
def client(engine: Engine, capturing: Context) -> Iterator[TestClient]:
    """The whole application."""
    with TestClient(app.make(capturing, engine), base_url="http://localhost") as opened:
        yield opened


@pytest.fixture
def pages(engine: Engine, client: TestClient, sealer: Sealer) -> Pages:
    """The site shop.example."""
    with transaction(engine) as session:
        site, keys = sites.add(session, sealer, "shop.example", currency="KZT")
        return Pages(client, keys.write_key, keys.secret_key, str(site.id), site.key)


@pytest.fixture
def rows(engine: Engine) -> Rows:
    """Rows of a query, after all work is done."""

    def look(query: str, **values: Any) -> list[dict[str, Any]]:
        jobs.run_until_idle(engine)
        with engine.connect() as connection:
            return [dict(row) for row in connection.execute(text(query), values).mappings()]

    return look
