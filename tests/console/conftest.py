"""An app on the test's database, a browser-like client, and a signed-in owner."""

import re
from collections.abc import Iterator
from unittest.mock import patch

import pytest
from playwright.sync_api import Browser as Chromium
from sqlalchemy import Engine
from starlette.applications import Starlette
from starlette.testclient import TestClient

from console import auth, errors, middleware, passwords, sessions
from console.routes import ROUTES
from console.tables import User
from foundation.database import transaction
from foundation.sealing import Sealer
from foundation.settings import Settings
from tests import browser as browsers
from tests import once
from tests.console import capturing
from tests.console.capturing import Shop

PASSWORD = "correct horse battery"


class Browser(TestClient):
    """A test client that fills in forms: `submit` adds the CSRF token of the page it saw last."""

    token = ""

    def see(self, path: str, status: int = 200) -> str:
        """The text of a page; remembers its CSRF token."""
        answer = self.get(path)
        assert answer.status_code == status, (path, answer.status_code, answer.text[-600:])
        found = re.search(r'name="csrf" value="([^"]+)"', answer.text)
        self.token = found.group(1) if found else self.token
        return answer.text

    def submit(self, path: str, status: int = 303, files: object = None, **fields: object):
        """The answer to a form; a redirect is not followed."""
        answer = self.post(path, data={"csrf": self.token, **fields}, files=files, follow_redirects=False)
        assert answer.status_code == status, (path, answer.status_code, answer.text[-600:])
        return answer


def make_app(engine: Engine, settings: Settings, sealer: Sealer) -> Starlette:
    """The console alone."""
    app = Starlette(routes=ROUTES, middleware=middleware.stack(settings), exception_handlers=errors.HANDLERS)
    app.state.closing = lambda: False
    app.state.engine, app.state.settings, app.state.sealer = engine, settings, sealer
    return app


@pytest.fixture
def app(engine: Engine, settings: Settings, sealer: Sealer) -> Starlette:
    return make_app(engine, settings, sealer)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Chromium]:
    """A browser without a window, for the tests of a file."""
    with browsers.chromium() as started:
        yield started


@pytest.fixture
def shop(engine: Engine, settings: Settings, sealer: Sealer) -> Iterator[Shop]:
    """The captured site shop.example."""
    with capturing.shop(engine, settings, sealer) as opened:
        yield opened


@pytest.fixture
def stranger(app: Starlette) -> Iterator[Browser]:
    """Somebody who isn't signed in."""
    with Browser(app, base_url="http://localhost") as client:
        yield client


@pytest.fixture
def owner(engine: Engine) -> User:
    """Olga, the owner."""
    with patch.object(passwords, "make_hash", once.password_hash), transaction(engine) as session:
        return auth.create_user(session, "olga@example.org", "Olga Owner", PASSWORD)


@pytest.fixture
def browser(app: Starlette, engine: Engine, owner: User) -> Iterator[Browser]:
    """The owner's browser, signed in."""
    with Browser(app, base_url="http://localhost") as client:
        with transaction(engine) as session:
            token = sessions.start(session, owner, agent="testclient", address="testclient")
        client.cookies.set("kartoteka-session", token)
        client.see("/settings")
        yield client


@pytest.fixture
def address(app: Starlette) -> Iterator[str]:
    """Where the app listens, for a real browser."""
    with browsers.serve(app) as opened:
        yield opened
