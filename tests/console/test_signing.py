"""The doors: set-up, sign-in, one-time links, sign-out, sessions."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from types import ModuleType

from sqlalchemy import Engine, func, select
from starlette.applications import Starlette

from console import auth, sessions
from console.tables import SignInAttempt, User, UserSession
from foundation.database import transaction
from tests.console.conftest import PASSWORD, Browser


def setup_path(engine: Engine) -> str:
    with transaction(engine) as session:
        path = auth.make_setup_link(session)
    assert path is not None
    return path


def test_setup_link_makes_one_owner(stranger: Browser, engine: Engine) -> None:
    path = setup_path(engine)
    stranger.see(path)
    sent = {"name": "Olga", "email": "Olga@Example.org", "password": PASSWORD, "zone": "Asia/Almaty"}
    assert stranger.submit(path, **sent).headers["location"] == "/"
    stranger.cookies.clear()
    assert "not in force" in stranger.see(path, 404)
    with transaction(engine) as session:
        user = session.scalars(select(User)).one()
        assert (user.email, user.zone, user.role) == ("olga@example.org", "Asia/Almaty", "owner")
        assert auth.make_setup_link(session) is None


def test_setup_needs_the_printed_token(stranger: Browser, engine: Engine) -> None:
    stranger.see(setup_path(engine))
    sent = {"name": "Eve", "email": "eve@example.org", "password": PASSWORD}
    stranger.submit("/set-up/guessed-token", 404, **sent)
    with transaction(engine) as session:
        assert session.scalar(select(func.count()).select_from(User)) == 0


def test_newer_setup_link_replaces_older(stranger: Browser, engine: Engine) -> None:
    older, newer = setup_path(engine), setup_path(engine)
    stranger.see(older, 404)
    stranger.see(newer)


def test_setup_keeps_what_was_typed(stranger: Browser, engine: Engine) -> None:
    path = setup_path(engine)
    stranger.see(path)
    answer = stranger.submit(path, 422, name="Olga", email="olga@example.org", password="password1")
    assert 'value="olga@example.org"' in answer.text and "first that anybody tries" in answer.text
    assert "password1" not in answer.text


def test_sign_in_leads_where_one_wanted(stranger: Browser, owner: User) -> None:
    answer = stranger.get("/settings?tab=x", follow_redirects=False)
    assert answer.status_code == 303
    stranger.see(answer.headers["location"])
    sent = {"email": " OLGA@example.org ", "password": PASSWORD, "next": "/settings?tab=x"}
    assert stranger.submit("/sign-in", **sent).headers["location"] == "/settings?tab=x"


def test_sign_in_never_leads_elsewhere(stranger: Browser, owner: User) -> None:
    for wanted in ("//evil.example", "https://evil.example", "/\\evil.example", "/a\r\nset-cookie: x"):
        stranger.cookies.clear()
        stranger.see("/sign-in")
        sent = {"email": "olga@example.org", "password": PASSWORD, "next": wanted}
        assert stranger.submit("/sign-in", **sent).headers["location"] == "/"


def test_unknown_user_gets_same_answer(stranger: Browser, owner: User) -> None:
    stranger.see("/sign-in")
    known = stranger.submit("/sign-in", 401, email="olga@example.org", password="wrong one")
    unknown = stranger.submit("/sign-in", 401, email="nobody@example.org", password="wrong one")
    strip = re.compile(r'value="[^"]*"')
    assert strip.sub("", known.text) == strip.sub("", unknown.text)


def test_tenth_failure_slows_one_address(
    stranger: Browser, owner: User, clock: ModuleType, engine: Engine
) -> None:
    stranger.see("/sign-in")
    for _ in range(10):
        stranger.submit("/sign-in", 401, email="olga@example.org", password="guess")
    answer = stranger.submit("/sign-in", 429, email="olga@example.org", password=PASSWORD)
    assert answer.headers["retry-after"] == "900"
    with transaction(engine) as session:  # another address may still enter: nobody can lock the victim out
        assert auth.sign_in(engine, session, "olga@example.org", PASSWORD, "203.0.113.9").name == "Olga Owner"
    clock.advance(timedelta(minutes=16))
    stranger.submit("/sign-in", email="olga@example.org", password=PASSWORD)


def test_success_forgets_failures(stranger: Browser, owner: User, engine: Engine) -> None:
    stranger.see("/sign-in")
    stranger.submit("/sign-in", 401, email="olga@example.org", password="guess")
    stranger.submit("/sign-in", email="olga@example.org", password=PASSWORD)
    with transaction(engine) as session:
        assert session.scalar(select(func.count()).select_from(SignInAttempt)) == 0


def test_opening_a_link_changes_nothing(stranger: Browser, owner: User, engine: Engine) -> None:
    with transaction(engine) as session:
        path = auth.make_link(session, owner)
    for _ in range(3):
        stranger.see(path)
        assert stranger.head(path).status_code == 200
    stranger.submit(path)
    stranger.cookies.clear()
    stranger.see(path, 404)


def test_link_ends_after_ten_minutes(
    stranger: Browser, owner: User, engine: Engine, clock: ModuleType
) -> None:
    with transaction(engine) as session:
        path = auth.make_link(session, owner)
    clock.advance(timedelta(minutes=11))
    stranger.see(path, 404)


def test_signing_in_changes_the_token(stranger: Browser, owner: User, engine: Engine) -> None:
    tokens = []
    for _ in range(2):
        stranger.get("/sign-out")
        with transaction(engine) as session:
            path = auth.make_link(session, owner)
        stranger.see(path)
        stranger.submit(path)
        tokens.append(stranger.cookies["kartoteka-session"])
    assert tokens[0] != tokens[1]
    with transaction(engine) as session:
        kept = session.scalars(select(UserSession.token_hash)).all()
        assert kept == [sessions.digest(tokens[1])]


def test_sign_out_ends_the_token(browser: Browser) -> None:
    token = browser.cookies["kartoteka-session"]
    browser.submit("/sign-out")
    browser.cookies.set("kartoteka-session", token)
    assert browser.get("/settings", follow_redirects=False).status_code == 303


def test_idle_session_ends(browser: Browser, clock: ModuleType, engine: Engine, owner: User) -> None:
    with transaction(engine) as session:
        path = auth.make_link(session, owner)
    browser.see(path)
    browser.submit(path)
    clock.advance(timedelta(minutes=29))
    browser.see("/settings")
    clock.advance(timedelta(minutes=29))
    browser.see("/settings")
    clock.advance(timedelta(minutes=31))
    assert browser.get("/settings", follow_redirects=False).status_code == 303


def test_session_ends_after_twelve_hours(
    browser: Browser, clock: ModuleType, engine: Engine, owner: User
) -> None:
    with transaction(engine) as session:
        path = auth.make_link(session, owner)
    browser.see(path)
    browser.submit(path)
    for _ in range(24):
        browser.see("/settings")
        clock.advance(timedelta(minutes=29, seconds=50))
    browser.see("/settings")
    clock.advance(timedelta(minutes=10))
    assert browser.get("/settings", follow_redirects=False).status_code == 303


def test_cookie_flags(stranger: Browser, owner: User) -> None:
    stranger.see("/sign-in")
    answer = stranger.submit("/sign-in", email="olga@example.org", password=PASSWORD)
    for cookie in answer.headers.get_list("set-cookie"):
        assert "HttpOnly" in cookie and "samesite=lax" in cookie.lower() and "path=/" in cookie.lower()


def test_two_at_once_make_one_owner(app: Starlette, engine: Engine) -> None:
    path = setup_path(engine)

    def race(n: int) -> int:
        with Browser(app, base_url="http://localhost") as client:
            page = client.get(path)
            if page.status_code == 404:
                return 404  # somebody was done before this one had looked
            token = re.search(r'name="csrf" value="([^"]+)"', page.text)
            assert token is not None
            client.token = token.group(1)
            sent = {"csrf": client.token, "name": "x", "email": f"{n}@example.org", "password": PASSWORD}
            return client.post(path, data=sent, follow_redirects=False).status_code

    with ThreadPoolExecutor(4) as pool:
        answers = sorted(pool.map(race, range(4)))
    assert answers[0] == 303 and all(status in (404, 422) for status in answers[1:])
    with transaction(engine) as session:
        assert session.scalar(select(func.count()).select_from(User)) == 1


def test_link_spent_by_two_lets_one_in(app: Starlette, engine: Engine, owner: User) -> None:
    with transaction(engine) as session:
        path = auth.make_link(session, owner)

    def race(_n: int) -> int:
        with Browser(app, base_url="http://localhost") as client:
            client.get(path)
            client.see("/sign-in")
            return client.post(path, data={"csrf": client.token}, follow_redirects=False).status_code

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(race, range(4))) == [303, 404, 404, 404]


def test_browsers_are_listed_and_signed_out(
    browser: Browser, app: Starlette, engine: Engine, owner: User
) -> None:
    with transaction(engine) as session:
        path = auth.make_link(session, owner)
    with Browser(app, base_url="http://localhost", headers={"user-agent": "Firefox Windows"}) as other:
        other.see(path)
        other.submit(path)
        page = browser.see("/settings")
        assert "Firefox on Windows" in page and "this browser" in page
        browser.submit("/settings/browsers", 404, browser="00" * 32)
        browser.submit("/settings/browsers", 404, browser="not hex")
        browser.submit("/settings/browsers", browser="others")
        assert other.get("/settings", follow_redirects=False).status_code == 303
    assert "Firefox on Windows" not in browser.see("/settings")
