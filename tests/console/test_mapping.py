"""The mapping of a 1C base, edited beside a record that it sent."""

import json
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import Engine, text

from connectors.base import raw_json
from console.tables import User
from foundation import clock
from foundation.database import transaction
from foundation.sealing import Sealer
from sync import connections, resolve
from sync.landing import land
from tests.console.conftest import Browser

FIXTURES = Path(__file__).parents[1] / "fixtures" / "odata"
TYPED = {"address": "https://1c.example/base", "user": "Обмен", "password": "p"}


def ledger(engine: Engine, sealer: Sealer) -> UUID:
    """A connection to a base that has sent its recorded-shape objects."""
    with transaction(engine) as session:
        made = connections.create(session, sealer, "onec_odata", "Ledger", TYPED)
        for stream in ("counterparties", "nomenclature", "invoices", "payments"):
            things = json.loads((FIXTURES / f"{stream}.json").read_text("utf-8"))
            raws = [raw_json(thing["Ref_Key"], thing) for thing in things]
            land(session, made.id, stream, raws, "pull", read_at=clock.now())
        return made.id


@pytest.fixture
def path(engine: Engine, sealer: Sealer, owner: User) -> str:
    return f"/connections/{ledger(engine, sealer)}/mapping"


def test_the_lines_stand_beside_what_they_find(browser: Browser, path: str) -> None:
    page = browser.see(f"{path}?stream=invoices")
    assert 'value="Контрагент_Key, Контрагент"' in page and "This record can be read." in page
    assert "1440.0" in page and "ДоговорКонтрагента_Key" in page
    assert f'href="{path}' in browser.see(path.removesuffix("/mapping"))


def test_every_stream_has_its_page(browser: Browser, path: str) -> None:
    for stream in ("counterparties", "nomenclature", "invoices", "payments", "nonsense"):
        browser.see(f"{path}?stream={stream}")


def test_another_record_is_the_next_one(browser: Browser, path: str) -> None:
    first = browser.see(f"{path}?stream=counterparties")
    assert "ООО «Ромашка»" in first
    record = json.loads((FIXTURES / "counterparties.json").read_text("utf-8"))[0]["Ref_Key"]
    assert "Иванова Анна Петровна" in browser.see(f"{path}?stream=counterparties&after={record}")


def test_a_look_keeps_nothing(browser: Browser, path: str, engine: Engine) -> None:
    record = json.loads((FIXTURES / "nomenclature.json").read_text("utf-8"))[0]["Ref_Key"]
    browser.see(f"{path}?stream=nomenclature")
    typed = {"stream": "nomenclature", "record": record, "fields.sku": "Code"}
    assert "00-00000020" in browser.submit(f"{path}/look", 200, **typed).text
    wrong = browser.submit(f"{path}/look", 200, **{**typed, "fields.sku": "Артикул'"}).text
    assert "can&#39;t be a name in 1C" in wrong
    with engine.connect() as db:
        assert db.scalar(text("SELECT settings->>'mapping' FROM connections")) == ""


def test_what_is_saved_is_kept_and_read_anew(browser: Browser, path: str, engine: Engine) -> None:
    while resolve.resolve(engine):
        pass
    browser.see(f"{path}?stream=nomenclature")
    answer = browser.submit(path, stream="nomenclature", **{"fields.sku": "Code"})
    assert "2 records are read anew" in browser.see(answer.headers["location"])
    while resolve.resolve(engine):
        pass
    with engine.connect() as db:
        assert json.loads(db.scalar(text("SELECT settings->>'mapping' FROM connections")) or "") == {
            "nomenclature": {"fields": {"sku": ["Code"]}}
        }
        assert db.scalar(text("SELECT count(*) FROM products WHERE sku = '00-00000020'")) == 1


def test_a_wrong_line_is_shown_at_its_place_and_keeps_what_was_typed(browser: Browser, path: str) -> None:
    browser.see(f"{path}?stream=payments")
    page = browser.submit(path, 422, stream="payments", **{"fields.amount": "Сумма <b>"}).text
    assert 'id="h-fields.amount"' in page and "Сумма &lt;b&gt;" in page


def test_other_connections_have_no_mapping(browser: Browser, engine: Engine, sealer: Sealer) -> None:
    with transaction(engine) as session:
        typed = {"address": "https://s.example", "key": "k", "secret": "s"}
        shop = connections.create(session, sealer, "woocommerce", "Shop", typed)
    browser.see(f"/connections/{shop.id}/mapping", 404)


def test_a_stranger_sees_nothing(stranger: Browser, path: str) -> None:
    assert stranger.get(path, follow_redirects=False).status_code in (303, 401, 403)
