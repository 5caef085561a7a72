"""The first day of an installation: a live shop, its webhooks and an old spreadsheet become one card."""

import csv
from uuid import UUID

import pytest
from starlette.testclient import TestClient

from console.sessions import digest
from console.tables import ApiToken
from customers import merge
from foundation import jobs
from foundation.database import transaction
from kartoteka import app as door
from kartoteka.worker import load_jobs
from sync import connections, context, imports, pull, runs, undo
from sync.context import Context
from sync.tables import Run
from tests.serving import open_shop, served


@pytest.fixture
def held(settings, sealer):
    load_jobs()
    context.use(Context(settings, sealer))
    yield context.current()
    context.use(None)


@pytest.fixture
def site(held, engine, settings):
    """The whole application, served."""
    app = door.make(held, engine)
    with served(app) as address:
        yield app, settings.model_copy(update={"public_url": address})


@pytest.fixture
def api(site, engine):
    with transaction(engine) as session:
        session.add(ApiToken(name="test", token_hash=digest("kt_test"), scopes=["admin"]))
    return TestClient(site[0], base_url="http://localhost", headers={"Authorization": "Bearer kt_test"})


def write_list(path, shop):
    """An old list with the shop's first customer under another spelling, and somebody new."""
    known = shop.company.humans[0]
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        sheet = csv.writer(file, delimiter=";")
        sheet.writerow(["Имя", "Фамилия", "E-mail", "Телефон", "Город"])
        sheet.writerow([known.given, known.family, known.email.upper(), known.phone, known.city])
        sheet.writerow(["Dana", "Newcomer", "dana.newcomer@pochta.example", "", "Omsk"])
    return path


def test_shop_webhook_and_list_make_one_card(site, api, held, engine, sealer, tmp_path):
    _, settings = site
    with open_shop(people=30, orders=40) as there:
        with transaction(engine) as session:
            made = connections.create(session, sealer, "woocommerce", "Shop", there.settings)
            connections.install_hooks(session, sealer, settings, made)
            first = pull.start(session, made.id)
        jobs.run_until_idle(engine)
        with transaction(engine) as session:
            assert session.get_one(Run, first.id).state == "done"
        counts = api.get("/api/v1/counts").json()
        assert counts["orders"] == 40
        assert counts["products"] == len(there.shop.company.products)

        sold = there.shop.place_order()  # comes by webhook: no pull from here on
        there.shop.hooks.settle()
        jobs.run_until_idle(engine)
        order = api.get("/api/v1/orders", params={"number": sold["number"]}).json()["data"][0]
        assert order["total"] == {"amount": sold["total"], "currency": sold["currency"]}
        assert order["customer_id"]

        path = write_list(tmp_path / "old.csv", there.shop)
        with transaction(engine) as session:
            file = imports.connection_for(session, sealer, "Old list")
            run = imports.start(session, held.settings, file.id, path, "customers", "test")
        jobs.run_until_idle(engine)

        known = there.shop.company.humans[0]
        found = api.get("/api/v1/customers", params={"q": known.email.lower()}).json()["data"]
        card = api.get(f"/api/v1/customers/{found[0]['id']}").json()
        assert {profile["connection"] for profile in card["profiles"]} >= {"Shop", "Old list"}
        assert card["origins"]["email"] in {profile["id"] for profile in card["profiles"]}

        before = api.get("/api/v1/counts").json()
        with transaction(engine) as session:
            undo.undo(session, run.operation_id, "test")
        jobs.run_until_idle(engine)
        after = api.get("/api/v1/counts").json()
        assert after["customers"] == before["customers"] - 1  # the newcomer; the known one keeps the card
        assert not api.get("/api/v1/customers", params={"q": "dana.newcomer"}).json()["data"]


def test_merge_is_undone_to_the_same_cards(api, held, engine, sealer):
    with open_shop(people=12, orders=0) as there:
        with transaction(engine) as session:
            made = connections.create(session, sealer, "woocommerce", "Shop", there.settings)
            pull.start(session, made.id)
        jobs.run_until_idle(engine)
    before = api.get("/api/v1/customers").json()["data"]
    with transaction(engine) as session:
        done = merge.merge(session, UUID(before[0]["id"]), UUID(before[1]["id"]), "test")
    assert len(api.get("/api/v1/customers").json()["data"]) == len(before) - 1
    with transaction(engine) as session:
        undo.undo(session, done.id, "test")
    assert api.get("/api/v1/customers").json()["data"] == before


def test_shop_that_dies_leaves_a_run_that_says_so(held, engine, sealer):
    with open_shop(people=5, orders=5) as there, transaction(engine) as session:
        made = connections.create(session, sealer, "woocommerce", "Shop", there.settings)
    with transaction(engine) as session:
        run = pull.start(session, made.id)
    jobs.run_until_idle(engine)
    with transaction(engine) as session:
        now_it = session.get_one(Run, run.id)
        assert now_it.state in (*runs.UNFINISHED, "failed")
        assert session.get_one(type(made), made.id).last_error
