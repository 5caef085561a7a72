"""The pages of the exchange in Chromium: sound at every size, in light and dark."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser as Chromium
from sqlalchemy import Engine
from starlette.testclient import TestClient

from console.tables import User
from foundation import jobs
from kartoteka import app as door
from kartoteka.worker import load_jobs
from sync import context
from sync.context import Context
from tests import browser as browsers
from tests import onec
from tests.console.test_browser import CHECKED, enter

pytestmark = pytest.mark.browser


@pytest.fixture
def held(settings, sealer) -> Iterator[Context]:
    """What jobs work with."""
    load_jobs()
    made = Context(settings, sealer)
    context.use(made)
    yield made
    context.use(None)


def play(base: onec.OneC, engine: Engine) -> None:
    """A catalogue in a zip, a file that breaks off, orders, and a wrong password."""
    base.sign_in()
    body = onec.packed({"import0_1.xml": onec.catalogue(range(300)), "offers0_1.xml": onec.offers({1: "5"})})
    base.send("catalog", "v8_1A76_155ae.zip", body)
    base.send("catalog", "webdata/" + "a-very-long-name-" * 8 + ".xml", onec.catalogue(range(9))[:-200])
    for name in ("import0_1.xml", "offers0_1.xml", "webdata/" + "a-very-long-name-" * 8 + ".xml"):
        base.ask("catalog", "import", filename=name)
        jobs.run_until_idle(engine)
        base.ask("catalog", "import", filename=name)
    base.sign_in("sale", version="2.08")
    base.ask("sale", "query")
    base.ask("sale", "success")
    base.password = "guess"
    base.ask("sale", "checkauth")


@pytest.mark.parametrize("look", CHECKED)
def test_pages_of_the_exchange_are_sound(
    chromium: Chromium, engine: Engine, owner: User, held: Context, sealer, look: str
) -> None:
    app = door.make(held, engine)
    connection, base = onec.connect(engine, sealer, TestClient(app, base_url="http://localhost"))
    wrong: list[str] = []
    with browsers.serve(app) as address:
        page = enter(chromium, address, engine, owner, look)
        places = {"fresh": f"/connections/{connection}"}
        wrong += browsers.look_over(page, address, places, f"exchange-%s-{look}")
        play(base, engine)
        with engine.connect() as db:
            one = db.exec_driver_sql("SELECT id FROM exchange_sessions ORDER BY id LIMIT 1").scalar_one()
        places = {
            "connection": f"/connections/{connection}", "sessions": f"/connections/{connection}/exchanges",
            "session": f"/exchanges/{one}",
        }  # fmt: skip
        wrong += browsers.look_over(page, address, places, f"exchange-%s-{look}")
        page.context.close()
    assert wrong == []
