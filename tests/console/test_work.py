"""Acts through the pages: connecting, pulling, importing, merging, splitting, deciding, undoing."""

import os
from collections.abc import Iterator
from uuid import UUID

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from customers import jobs as customer_jobs
from customers.tables import Customer, Duplicate, Profile
from foundation.jobs import run_until_idle
from foundation.sealing import Sealer
from foundation.settings import Settings
from foundation.tables import Operation, Problem
from sync import context, jobs
from sync.tables import Connection, Run
from tests import shops
from tests.console.company import found
from tests.console.conftest import Browser

OLD_LIST = (
    "Name;E-mail;Phone;City\n"
    "Анна Юдина;anna.yudina@mail.example;+77015550199;Алматы\n"
    "Ernst Blume;ernst.blume@example.org;+4915112345679;Kassel\n"
    "Nobody;not an address;;\n"
)


@pytest.fixture
def working(settings: Settings, sealer: Sealer) -> Iterator[context.Context]:
    """What jobs of this process work with."""
    assert jobs and customer_jobs  # imported for the jobs they register
    context.use(context.Context(settings, sealer))
    yield context.current()
    context.use(None)


@pytest.fixture
def shop() -> Iterator[shops.Shop]:
    shops.install()
    yield shops.Shop("shop")
    shops.SHOPS.clear()
    shops.uninstall()


@pytest.fixture
def company(engine: Engine, browser: Browser) -> dict[str, UUID]:
    return found(engine)


def card(company: dict[str, UUID], part: str) -> UUID:
    return next(key for name, key in company.items() if part in name)


def live(engine: Engine) -> set[str]:
    with Session(engine) as session:
        return set(session.scalars(select(Customer.name).where(Customer.live)))


def last_operation(engine: Engine) -> Operation:
    with Session(engine) as session:
        return session.scalars(select(Operation).order_by(Operation.id.desc()).limit(1)).one()


def test_wizard_tries_before_it_stores(
    browser: Browser, engine: Engine, shop: shops.Shop, working: object
) -> None:
    assert "My fake" not in browser.see("/connections")
    browser.see("/connections/new/fake")
    page = browser.submit("/connections/new/fake", 200, name="My fake", shop="shop", key="k", act="try").text
    assert 'value="My fake"' in page and 'role="status"' in page
    with Session(engine) as session:
        assert session.query(Connection).count() == 0


def test_wizard_keeps_what_was_typed(browser: Browser, shop: shops.Shop, working: object) -> None:
    browser.see("/connections/new/fake")
    page = browser.submit(
        "/connections/new/fake", 422, name="My fake", shop="shop", key="wrong", act="create"
    ).text
    assert 'value="My fake"' in page and 'value="wrong"' in page and 'aria-invalid="true"' in page


def test_connected_shop_is_pulled(
    browser: Browser, engine: Engine, shop: shops.Shop, working: object
) -> None:
    shop.put("customers", "1", name="Anna Petrova", email="anna@example.org")
    browser.see("/connections/new/fake")
    page = browser.submit(
        "/connections/new/fake", 200, name="My fake", shop="shop", key="k", act="create"
    ).text
    assert "/hooks/" in page
    run_until_idle(engine)
    assert live(engine) == {"Anna Petrova"}
    with Session(engine) as session:
        run = session.scalars(select(Run)).one()
    assert "done" in browser.see(f"/runs/{run.id}")
    assert "My fake" in browser.see(f"/connections/{run.connection_id}")


def test_connection_is_paused_changed_and_resumed(
    browser: Browser, engine: Engine, shop: shops.Shop, working: object
) -> None:
    browser.see("/connections/new/fake")
    browser.submit("/connections/new/fake", 200, name="My fake", shop="shop", key="k", act="create")
    with Session(engine) as session:
        here = f"/connections/{session.scalars(select(Connection.id)).one()}"
    browser.submit(f"{here}/pause")
    assert "Resume" in browser.see(here)
    browser.submit(f"{here}/resume")
    browser.submit(here, name="Renamed", every="3600", shop="shop", key="")
    page = browser.see(here)
    assert "Renamed" in page and 'value="3600" selected' in page
    browser.submit(here, 422, name="Renamed", every="17", shop="shop")
    page = browser.submit(f"{here}/test", 200).text
    assert 'role="status"' in page
    page = browser.submit(f"{here}/rotate", 200).text
    assert "shown this once" in page
    page = browser.submit(f"{here}/remove", 422, confirm="something else").text
    assert "Type the name" in page
    browser.submit(f"{here}/remove", confirm="Renamed", data="yes")
    run_until_idle(engine)
    browser.see(here, 404)


@pytest.mark.parametrize("way", ["reconcile", "pull"])
def test_person_says_that_much_is_gone(
    browser: Browser, engine: Engine, shop: shops.Shop, working: object, way: str
) -> None:
    """So much vanished that it is held back; the page has the button that says it is right."""
    for number in range(60):
        shop.customer(number)
    browser.see("/connections/new/fake")
    browser.submit("/connections/new/fake", 200, name="My fake", shop="shop", key="k", act="create")
    run_until_idle(engine)
    assert len(live(engine)) == 60
    for number in range(40):
        shop.delete("customers", f"c{number}")
    with Session(engine) as session:
        here = f"/connections/{session.scalars(select(Connection.id)).one()}"
    asked = {"repair": "yes"} if way == "reconcile" else {"full": "yes"}
    place = browser.submit(f"{here}/{way}", **asked).headers["location"]
    run_until_idle(engine)
    assert len(live(engine)) == 60
    if way == "pull":
        with Session(engine) as session:
            place = f"/problems/{session.scalars(select(Problem.id).where(Problem.state == 'open')).first()}"
    page = browser.see(place)
    assert "They are gone: mark them so" in page and f'action="{here}/{way}"' in page
    browser.submit(f"{here}/{way}", **asked, accept_loss="yes")
    run_until_idle(engine)
    assert len(live(engine)) == 20


def test_file_is_imported_and_undone(browser: Browser, engine: Engine, working: object) -> None:
    browser.see("/imports/new")
    files = {"file": ("old.csv", OLD_LIST.encode(), "text/csv")}
    place = browser.submit("/imports/new", files=files, what="customers", name="Old list").headers["location"]
    page = browser.see(place)
    assert "Ernst Blume" in page and "email" in page
    plan = place.replace("?", "/plan?")
    page = browser.see(plan)
    assert "Import 2 records" in page or "Import 3 records" in page
    run = browser.submit(plan, hash=held(page)).headers["location"]
    run_until_idle(engine)
    assert "done" in browser.see(run)
    assert "Ernst Blume" in live(engine)
    operation = last_operation(engine)
    text = browser.get(f"/operations/{operation.id}/bad-rows.csv").text
    assert text.startswith("\ufeffrow,reason,content")
    browser.see(f"/operations/{operation.id}")
    browser.submit(f"/operations/{operation.id}/undo")
    run_until_idle(engine)
    assert live(engine) == set()
    assert "undone" in browser.see(f"/operations/{operation.id}")


def held(page: str) -> str:
    return page.split('name="hash" value="')[1].split('"')[0]


def test_changed_plan_is_refused(browser: Browser, engine: Engine, working: object) -> None:
    browser.see("/imports/new")
    files = {"file": ("old.csv", OLD_LIST.encode(), "text/csv")}
    place = browser.submit("/imports/new", files=files, what="customers", name="Old list").headers["location"]
    plan = place.replace("?", "/plan?")
    browser.see(plan)
    browser.submit(plan, 422, hash="0" * 32)


def test_upload_without_a_file_asks_again(browser: Browser) -> None:
    browser.see("/imports/new")
    assert "Choose a file" in browser.submit("/imports/new", 422, what="customers", name="x").text
    files = {"file": ("a.csv", b"a", "text/csv")}
    browser.submit("/imports/new", 422, files=files, what="tea", name="x")
    browser.submit("/imports/new", 422, files=files, what="customers", name="")


def test_unreadable_file_says_why(browser: Browser, working: object) -> None:
    browser.see("/imports/new")
    files = {"file": ("../../x.svg", b"<svg onload=alert(1)>", "image/svg+xml")}
    place = browser.submit("/imports/new", files=files, what="customers", name="x").headers["location"]
    assert browser.get(place).status_code in (200, 422)
    assert browser.get(place.replace("?", "/plan?")).status_code == 422


def test_forgotten_upload_goes_after_a_day(browser: Browser, settings: Settings, working: object) -> None:
    browser.see("/imports/new")
    files = {"file": ("a.csv", b"Name\nAnna\n", "text/csv")}
    place = browser.submit("/imports/new", files=files, what="customers", name="x").headers["location"]
    waiting = settings.data / "uploads" / "waiting"
    (old,) = waiting.iterdir()
    os.utime(old, (0, 0))
    browser.submit("/imports/new", files=files, what="customers", name="x")
    assert not old.exists() and len(list(waiting.iterdir())) == 1
    assert "no longer here" in browser.see(place, 404)


def test_merge_and_undo(browser: Browser, engine: Engine, company: dict[str, UUID]) -> None:
    before = live(engine)
    one, other = card(company, "Dana"), card(company, "Ernst")
    assert "Dana" not in browser.see(f"/customers/{one}/merge?find=zzzz").split("Nobody found")[-1]
    assert "Compare" in browser.see(f"/customers/{one}/merge?find=ernst")
    assert "Merge the two cards" in browser.see(f"/customers/{one}/merge?with={other}")
    browser.submit(f"/customers/{one}/merge", **{"with": str(other)})
    assert len(live(engine)) == len(before) - 1
    dead = next(
        key
        for key in (one, other)
        if browser.get(f"/customers/{key}", follow_redirects=False).status_code == 303
    )
    assert browser.get(f"/customers/{dead}").status_code == 200
    browser.submit(f"/operations/{last_operation(engine).id}/undo")
    assert live(engine) == before


def test_split_and_undo(browser: Browser, engine: Engine, company: dict[str, UUID]) -> None:
    before = live(engine)
    here = card(company, "Юдина")
    with Session(engine) as session:
        profile = session.scalars(
            select(Profile.id).where(Profile.customer_id == here, Profile.external_id == "c-77")
        ).one()
    browser.see(f"/customers/{here}?tab=profiles")
    browser.submit(f"/customers/{here}/split", 422)
    browser.submit(f"/customers/{here}/split", profile=str(profile))
    assert len(live(engine)) == len(before) + 1
    browser.submit(f"/operations/{last_operation(engine).id}/undo")
    assert live(engine) == before


@pytest.mark.parametrize(("answer", "fewer"), [("joined", 1), ("different", 0)])
def test_duplicate_is_decided_and_undone(
    browser: Browser, engine: Engine, company: dict[str, UUID], answer: str, fewer: int
) -> None:
    before = live(engine)
    browser.see("/duplicates")
    with Session(engine) as session:
        pair = session.scalars(select(Duplicate.id).order_by(Duplicate.id)).first()
    browser.submit(f"/duplicates/{pair}", decision=answer)
    assert len(live(engine)) == len(before) - fewer
    page = browser.see("/duplicates")
    assert f'id="pair-{pair}"' not in page and "Decided last" in page
    browser.submit(f"/operations/{last_operation(engine).id}/undo", next="/duplicates")
    assert live(engine) == before and f'id="pair-{pair}"' in browser.see("/duplicates")


def test_notice_is_shown_once(browser: Browser, engine: Engine, company: dict[str, UUID]) -> None:
    browser.see("/settings")
    browser.submit("/settings", name="Olga", zone="Asia/Almaty")
    assert "Saved." in browser.see("/settings")
    assert "Saved." not in browser.see("/settings")


def test_times_are_in_the_persons_zone(browser: Browser, engine: Engine, company: dict[str, UUID]) -> None:
    browser.submit("/settings", name="Olga", zone="Asia/Almaty")
    assert "(Asia/Almaty)" in browser.see(f"/customers/{card(company, 'Юдина')}")
    browser.submit("/settings", 422, name="Olga", zone="Mars/Olympus")


def test_token_is_shown_once(browser: Browser) -> None:
    browser.see("/settings/tokens")
    page = browser.submit("/settings/tokens", 200, name="till", scope="read").text
    token = page.split('id="fresh">')[1].split("<")[0]
    page = browser.see("/settings/tokens")
    assert token not in page and "till" in page
    revoke = page.split('action="/settings/tokens/')[1].split('"')[0]
    browser.submit(f"/settings/tokens/{revoke}")
    assert "revoked" in browser.see("/settings/tokens")


def test_new_password_signs_others_out(browser: Browser, engine: Engine) -> None:
    browser.see("/settings")
    browser.submit("/settings/password", 422, old="wrong", new="a longer pass phrase")
    browser.submit("/settings/password", 422, old="correct horse battery", new="12345678")
    browser.submit("/settings/password", old="correct horse battery", new="a longer pass phrase")
    assert "Other browsers were signed out" in browser.see("/settings")


def test_policy_decides_and_is_undone(browser: Browser, engine: Engine, company: dict[str, UUID]) -> None:
    browser.see("/settings/policy")
    browser.submit("/settings/policy", field="city", order=["file", "shop"])
    assert last_operation(engine).kind == "policy"
    browser.submit("/settings/policy", 422, field="city", order=["nobody"])
    run_until_idle(engine)
    here = f"/customers/{card(company, 'Юдина')}"
    assert city(browser.see(here)) == "Almaty"
    browser.submit("/settings/policy", field="city", order=["shop"])
    run_until_idle(engine)
    assert city(browser.see(here)) == "Алматы"
    browser.submit(f"/operations/{last_operation(engine).id}/undo")
    run_until_idle(engine)
    assert city(browser.see(here)) == "Almaty"


def city(page: str) -> str:
    """The golden city on a card."""
    return page.split('class="label">City</span><span class="value">')[1].split("<")[0]


def test_problem_is_left_be(browser: Browser, engine: Engine, company: dict[str, UUID]) -> None:
    page = browser.see("/problems")
    here = "/problems/" + page.split('href="/problems/')[1].split('"')[0]
    assert "&lt;script&gt;" in browser.see(here)
    browser.submit(f"{here}/ignore")
    assert "No problems here" in browser.see("/problems")
    assert "orders 10442" in browser.see("/problems?state=ignored")


def test_run_is_stopped(browser: Browser, engine: Engine, company: dict[str, UUID]) -> None:
    with Session(engine) as session:
        run = session.scalars(select(Run.id).where(Run.state == "running")).one()
    browser.see(f"/runs/{run}")
    browser.submit(f"/runs/{run}/cancel")
    assert "stopped" in browser.see(f"/runs/{run}")
    with browser.stream("GET", f"/runs/{run}/events") as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert b"event: end" in b"".join(answer.iter_bytes())
