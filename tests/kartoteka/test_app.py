"""What machines ask the web part, and the headers that stand on every answer."""

from datetime import timedelta

import pytest
from starlette.testclient import TestClient

from foundation import health, roles
from kartoteka import app as door
from kartoteka.commands import parts
from sync.context import Context


@pytest.fixture
def app(engine, settings, sealer):
    return door.make(Context(settings, sealer), engine)


@pytest.fixture
def client(app):
    return TestClient(app, base_url="http://localhost", follow_redirects=False)


def test_healthy_process_says_ok(client):
    assert client.get("/healthz").json() == {"ok": True, "stale": []}


def test_dead_thread_turns_health_red(client):
    health.fail("runner 1")
    try:
        answer = client.get("/healthz")
    finally:
        health.forget("runner 1")
    assert answer.status_code == 503
    assert answer.json()["stale"] == ["runner 1"]


def test_silent_beat_turns_health_red(client, engine, clock):
    roles.take(engine, roles.BEAT, "somewhere")
    assert client.get("/healthz").status_code == 200
    clock.advance(timedelta(seconds=16))
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json()["stale"]) == (503, ["beat"])


def test_one_silent_worker_among_others_is_no_alarm(client, engine, clock):
    roles.take(engine, "worker:dead", "dead")
    clock.advance(timedelta(seconds=16))
    assert client.get("/healthz").json()["stale"] == ["worker:dead"]
    roles.take(engine, "worker:new", "new")
    assert client.get("/healthz").status_code == 200


def test_part_with_a_dead_thread_ends_itself(monkeypatch):
    monkeypatch.setattr(parts, "LOOK_SECONDS", 0.01)
    done: list[str] = []
    with pytest.raises(SystemExit) as ended:
        parts.run_until_told(lambda: health.fail("runner 1"), lambda: done.append("stopped"), False)
    health.forget("runner 1")
    assert (ended.value.code, done) == (1, ["stopped"])


def test_ready_process_has_our_tables(client):
    assert client.get("/readyz").json()["ready"] is True


def test_older_tables_are_not_ready(client, engine):
    with engine.begin() as connection:
        before = connection.exec_driver_sql(
            "UPDATE alembic_version SET version_num = '0000' RETURNING 1"
        ).scalar()
    try:
        assert before == 1
        assert client.get("/readyz").status_code == 503
    finally:
        with engine.begin() as connection:
            connection.exec_driver_sql(f"UPDATE alembic_version SET version_num = '{door.SCHEMA}'")


def test_figures_are_in_the_usual_form(client):
    text = client.get("/metrics").text
    assert "# TYPE kartoteka_jobs_rows gauge" in text


@pytest.mark.parametrize(
    "path", ["/", "/sign-in", "/healthz", "/readyz", "/api/v1/counts", "/hooks/x/", "/nothing"]
)
def test_security_headers_stand_everywhere(client, path):
    headers = client.get(path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert "default-src 'self'" in headers["content-security-policy"]
    assert "unsafe-inline" not in headers["content-security-policy"]
    assert headers["referrer-policy"]
    assert headers["permissions-policy"]
    assert headers["x-request-id"]


def test_public_https_address_is_kept_strict(engine, settings, sealer):
    public = settings.model_copy(update={"public_url": "https://crm.example.org"})
    client = TestClient(door.make(Context(public, sealer), engine), base_url="https://crm.example.org")
    assert "max-age" in client.get("/sign-in").headers["strict-transport-security"]


def test_foreign_host_gets_no_page(app):
    assert TestClient(app, base_url="http://evil.example").get("/sign-in").status_code == 421


def test_crash_shows_an_id_and_no_trace(client, monkeypatch):
    def crash(*args: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr("sync.webhooks.receive", crash)
    answer = client.post("/hooks/01a1ffba-f547-7e36-9e31-01fd5049f923/", content=b"{}")
    assert answer.status_code == 500
    assert "secret detail" not in answer.text
    assert answer.headers["x-request-id"] in answer.text
