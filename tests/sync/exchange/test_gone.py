"""Who hangs up before the answer is there: it changes nothing, whenever we get round to it."""

import re
import socket
import time
from base64 import b64encode
from urllib.parse import urlsplit

import pytest
from sqlalchemy import text

from tests.serving import served

WAITS = "SELECT count(*) FROM pg_locks WHERE NOT granted"
ANSWERED = "SELECT count(*) FROM exchange_requests WHERE answer LIKE 'failure_Nobody waited%'"


@pytest.fixture
def hang_up(client, base, engine):
    """Asks for a step that has to wait, and goes away; it is answered then, to nobody."""

    def until(query):
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            with engine.connect() as db:
                if db.scalar(text(query)):
                    return
            time.sleep(0.01)
        raise TimeoutError(query)

    def run(mode):
        pair = b64encode(f"{base.user}:{base.password}".encode()).decode()
        header = f"Authorization: Basic {pair}" if mode == "checkauth" else f"Cookie: {base.cookie}"
        asked = f"GET {base.path}?type=sale&mode={mode} HTTP/1.1\r\nHost: localhost\r\n{header}\r\n\r\n"
        with served(client.app) as address:
            where = urlsplit(address)
            with engine.begin() as db:
                db.execute(text("SELECT id FROM exchange_sessions WHERE state = 'open' FOR UPDATE"))
                with socket.create_connection((where.hostname, where.port)) as line:
                    line.sendall(asked.encode())
                    until(WAITS)
                time.sleep(0.2)  # the server has seen it by then
            until(ANSWERED)

    return run


def numbers(base):
    return re.findall(r"<Номер>(.+?)</Номер>", base.ask("sale", "query").decode("utf-8-sig"))


def test_orders_that_nobody_was_shown_are_not_taken(base, shop, shopping, hang_up):
    shop.order(1)
    shopping()
    base.sign_in("sale")
    hang_up("query")
    base.ask("sale", "success")
    assert numbers(base) == ["R1"]


def test_a_late_sign_in_ends_no_session(base, shop, shopping, hang_up, engine):
    base.sign_in("sale")
    hang_up("checkauth")
    assert numbers(base) == []
    with engine.connect() as db:
        assert db.scalar(text("SELECT count(*) FROM exchange_sessions")) == 1


def test_a_late_beginning_leaves_the_files_where_they_are(base, hang_up, engine):
    base.sign_in("sale", version="2.08")
    hang_up("init")
    with engine.connect() as db:
        assert db.scalar(text("SELECT round FROM exchange_sessions")) == 1
