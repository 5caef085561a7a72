"""Nobody enters by a side door: permissions, forged forms, hosts, headers, crashes."""

import re
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import Engine
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from console import roles, serving
from console.routes import ROUTES
from console.tables import SignInAttempt, User
from foundation.clock import now
from foundation.database import transaction
from foundation.sealing import Sealer
from foundation.settings import Settings
from tests.console.conftest import Browser, make_app

PAGES = [route for route in ROUTES if isinstance(route, Route)]
PUBLIC_DOORS = {"/static/{version}/{name}", "/sign-in", "/sign-in/link/{token}", "/set-up/{token}", "/theme"}


def filled(path: str) -> str:
    """The path with something in each of its places."""
    return re.sub(r"\{(\w+)\}", lambda found: str(uuid4()) if found[1] == "id" else "x", path)


def posts() -> list[str]:
    return [route.path for route in PAGES if "POST" in (route.methods or ())]


def gets() -> list[str]:
    return [route.path for route in PAGES if "GET" in (route.methods or ())]


def test_every_route_declares_a_permission() -> None:
    assert all(serving.permission_of(route) in roles.PERMISSIONS for route in PAGES)
    assert {route.path for route in PAGES if serving.permission_of(route) == roles.PUBLIC} == PUBLIC_DOORS


def test_unknown_permission_is_refused() -> None:
    with pytest.raises(ValueError, match="no known permission"):
        serving.get("/x", lambda call: PlainTextResponse(""), "everybody")


def test_every_role_names_known_permissions() -> None:
    assert all(given <= roles.PERMISSIONS - {roles.PUBLIC} for given in roles.ROLES.values())
    assert not any(roles.allows("nobody", permission) for permission in roles.PERMISSIONS)


@pytest.mark.parametrize("path", sorted(set(gets()) - PUBLIC_DOORS))
def test_stranger_sees_only_the_door(stranger: Browser, path: str) -> None:
    answer = stranger.get(filled(path), follow_redirects=False)
    if path.endswith("/events"):
        assert answer.status_code == 403
    else:
        assert answer.status_code == 303 and answer.headers["location"].startswith("/sign-in?next=")


@pytest.mark.parametrize("path", posts())
def test_form_without_token_is_refused(browser: Browser, path: str) -> None:
    for token in ("", "x" * 32):
        browser.token = token
        browser.submit(filled(path), 403)
    assert browser.post(filled(path)).status_code == 403


@pytest.mark.parametrize("path", posts())
def test_form_of_another_site_is_refused(browser: Browser, path: str) -> None:
    for headers in ({"sec-fetch-site": "cross-site"}, {"origin": "https://evil.example"}, {"origin": "null"}):
        answer = browser.post(filled(path), data={"csrf": browser.token}, headers=headers)
        assert answer.status_code == 403


@pytest.mark.parametrize("path", sorted(set(posts()) - PUBLIC_DOORS))
def test_stranger_can_send_nothing(stranger: Browser, path: str) -> None:
    stranger.see("/sign-in")
    answer = stranger.post(filled(path), data={"csrf": stranger.cookies.get("kartoteka-form", "")})
    assert answer.status_code == 403


@pytest.mark.parametrize("path", sorted(path for path in gets() if "{id}" in path))
def test_unknown_id_is_not_found(browser: Browser, path: str) -> None:
    if not path.endswith("/events"):  # the stream of a run that is gone just ends
        assert browser.get(filled(path)).status_code == 404
    assert browser.get(re.sub(r"\{id\}", "1 OR 1=1", path)).status_code == 404


def test_role_without_permission_is_refused(browser: Browser, engine: Engine, owner: User) -> None:
    with transaction(engine) as session:
        session.get_one(User, owner.id).role = "guest nobody knows"
    for path in sorted(set(gets()) - PUBLIC_DOORS):
        assert browser.get(filled(path), follow_redirects=False).status_code == 403, path


def test_disabled_user_is_out_at_once(browser: Browser, engine: Engine, owner: User) -> None:
    with transaction(engine) as session:
        session.get_one(User, owner.id).disabled_at = now() - timedelta(seconds=1)
    assert browser.get("/", follow_redirects=False).status_code == 303


@pytest.mark.parametrize("path", ["/sign-in", "/", "/nowhere", "/static/x/console.css", "/customers/1"])
def test_every_answer_has_its_headers(browser: Browser, path: str) -> None:
    answer = browser.get(path)
    policy = answer.headers["content-security-policy"]
    assert "default-src 'self'" in policy and "unsafe" not in policy and "frame-ancestors 'none'" in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "same-origin"
    assert "camera=()" in answer.headers["permissions-policy"]
    assert answer.headers["x-request-id"]


def test_pages_are_never_stored(browser: Browser) -> None:
    assert browser.get("/").headers["cache-control"] == "no-store"


def test_static_files_are_kept_by_content(stranger: Browser) -> None:
    page = stranger.see("/sign-in")
    found = re.search(r"/static/\w+/console\.css", page)
    assert found
    answer = stranger.get(found[0])
    assert "immutable" in answer.headers["cache-control"]
    again = stranger.get(found[0], headers={"if-none-match": answer.headers["etag"]})
    assert again.status_code == 304
    assert "immutable" not in stranger.get("/static/old/console.css").headers["cache-control"]
    assert stranger.get("/static/x/../tables.py").status_code == 404


def test_foreign_host_is_not_served(app: Starlette) -> None:
    for host in ("evil.example", "127.0.0.1.evil.example", ""):
        answer = Browser(app, base_url="http://localhost").get("/sign-in", headers={"host": host})
        assert answer.status_code == (421 if host else 200)
    assert Browser(app, base_url="http://192.168.1.5:8000").get("/sign-in").status_code == 200


def test_https_binds_cookies_to_the_host(engine: Engine, settings: Settings, sealer: Sealer) -> None:
    safe = settings.model_copy(update={"public_url": "https://crm.example.org"})
    client = Browser(make_app(engine, safe, sealer), base_url="https://crm.example.org")
    answer = client.get("/sign-in")
    assert answer.headers["strict-transport-security"]
    assert client.get("/sign-in", headers={"host": "evil.example"}).status_code == 421
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-kartoteka-form=") and "Secure" in cookie and "HttpOnly" in cookie


def test_crash_shows_an_id_and_nothing_else(
    engine: Engine, settings: Settings, sealer: Sealer, capsys: pytest.CaptureFixture[str]
) -> None:
    def crash(call: object) -> PlainTextResponse:
        raise RuntimeError("secret of the machine")

    app = make_app(engine, settings, sealer)
    app.router.routes.append(serving.get("/crash", crash, roles.PUBLIC))
    answer = Browser(app, base_url="http://localhost").get("/crash")
    assert answer.status_code == 500 and "secret of the machine" not in answer.text
    assert answer.headers["x-request-id"] in answer.text
    assert answer.headers["content-security-policy"]
    capsys.readouterr()


def test_refused_page_changes_nothing(engine: Engine, settings: Settings, sealer: Sealer) -> None:
    def half(call: serving.Call) -> PlainTextResponse:
        call.db.add(User(email="half@example.org", name="Half", password_hash="x"))
        call.db.flush()
        return PlainTextResponse("no", int(call.query("status")))

    app = make_app(engine, settings, sealer)
    app.router.routes.append(serving.get("/half", half, roles.PUBLIC))
    client = Browser(app, base_url="http://localhost")
    for status, kept in ((422, 0), (500, 0), (200, 1)):
        client.get(f"/half?status={status}")
        with transaction(engine) as session:
            assert session.query(User).count() == kept


def test_large_form_is_refused(browser: Browser) -> None:
    answer = browser.post("/settings", data={"csrf": browser.token, "name": "x" * 1_100_000})
    assert answer.status_code == 413


def test_proxy_names_the_caller_only_when_trusted(
    engine: Engine, settings: Settings, sealer: Sealer, owner: User
) -> None:
    headers = {"x-forwarded-for": "203.0.113.1, 198.51.100.7"}
    for trusted, address in ((0, "testclient"), (1, "198.51.100.7"), (2, "203.0.113.1"), (3, "testclient")):
        app = make_app(engine, settings.model_copy(update={"trusted_proxies": trusted}), sealer)
        client = Browser(app, base_url="http://localhost", headers=headers)
        client.see("/sign-in")
        client.submit("/sign-in", 401, email=f"{trusted}@example.org", password="x")
        with transaction(engine) as session:
            tried = session.query(SignInAttempt).filter_by(email=f"{trusted}@example.org").one()
            assert tried.address == address


def test_line_of_a_proxy_counts_more_than_the_callers(
    engine: Engine, settings: Settings, sealer: Sealer, owner: User
) -> None:
    app = make_app(engine, settings.model_copy(update={"trusted_proxies": 1}), sealer)
    client = Browser(app, base_url="http://localhost")
    client.headers = [("x-forwarded-for", "203.0.113.1"), ("x-forwarded-for", "198.51.100.7")]  # type: ignore[assignment]
    client.see("/sign-in")
    client.submit("/sign-in", 401, email="anna@example.org", password="x")
    with transaction(engine) as session:
        assert session.query(SignInAttempt).one().address == "198.51.100.7"
