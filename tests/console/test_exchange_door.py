"""The door itself: bodies of any size, limits, guesses, old HTTP, and whatever strangers throw at it."""

import socket
from urllib.parse import urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from console import exchange
from kartoteka import app as door
from kartoteka.worker import load_jobs
from sync import context
from sync.context import Context
from sync.exchange import asking
from tests import onec, serving

NOBODY = "01a1ffba-f547-7e36-9e31-01fd5049f923"


@pytest.fixture
def app(engine, settings, sealer):
    """The whole application."""
    load_jobs()
    held = Context(settings, sealer)
    context.use(held)
    yield door.make(held, engine)
    context.use(None)


@pytest.fixture
def base(app, engine, sealer):
    """A base that knocks."""
    return onec.connect(engine, sealer, TestClient(app, base_url="http://localhost"))[1]


def words(answer):
    verdict, _, line = answer.decode("utf-8-sig").partition("\n")
    assert verdict == "failure" and "\n" not in line
    return line


@pytest.mark.parametrize("path", [NOBODY, "none", "%00", "1", f"{NOBODY}/../x"])
def test_unknown_addresses_fail_with_a_line(path, base):
    answer = base.client.get(f"/exchange/1c/{path}?type=catalog&mode=checkauth")
    assert answer.status_code in (200, 404)
    assert answer.status_code == 404 or words(answer.content)


def test_anything_behind_the_address_is_tolerated(base):
    base.path += "/bitrix/admin/1c_exchange.php"
    base.sign_in()


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
def test_other_methods_are_not_taken(method, base):
    assert base.client.request(method, base.path).status_code == 405


def test_too_large_a_body_fails_and_leaves_nothing(base, settings, monkeypatch):
    monkeypatch.setattr(exchange, "LARGEST", 5_000)
    base.sign_in()
    assert "file_limit" in words(base.ask("catalog", "file", b"<?xml " + bytes(6_000), filename="a.xml"))
    assert [path for path in (settings.data / "exchange").rglob("*") if path.is_file()] == []


def test_guesses_are_slowed_down_and_the_right_password_is_no_guess(base):
    right, base.password = base.password, "guess"
    said = [words(base.ask("sale", "checkauth")) for _ in range(14)]
    assert "wrong" in said[0] and "Too many sign-ins" in said[-1]
    base.password = right
    assert "Too many" in words(base.ask("sale", "checkauth"))  # it would tell a guesser


def test_a_program_that_sends_its_password_each_time_is_not_slowed_down(base):
    pair = (base.user, base.password)
    for _ in range(30):
        answer = base.client.get(f"{base.path}?type=sale&mode=init", auth=pair)
        assert answer.content.startswith(b"zip=yes")


def test_http_1_0_without_keeping_alive(app, base):
    with serving.served(app) as address:
        place = urlsplit(address)
        with socket.create_connection((place.hostname, place.port)) as wire:
            wire.sendall(
                f"GET {base.path}?type=catalog&mode=init HTTP/1.0\r\nUser-Agent: 1C+Enterprise/8.3\r\n"
                f"Host: localhost\r\n\r\n".encode()
            )
            said = b""
            while piece := wire.recv(65_536):
                said += piece
    head, _, body = said.partition(b"\r\n\r\n")
    assert b" 200 " in head.split(b"\r\n")[0] and words(body)


def test_a_body_that_breaks_off_changes_nothing(app, base, settings):
    base.sign_in()
    base.ask("catalog", "file", b"<?xml first", filename="a.xml")
    with serving.served(app) as address:
        place = urlsplit(address)
        with socket.create_connection((place.hostname, place.port)) as wire:
            wire.sendall(
                f"POST {base.path}?type=catalog&mode=file&filename=a.xml HTTP/1.1\r\nHost: localhost\r\n"
                f"Cookie: {base.cookie}\r\nContent-Length: 100000\r\n\r\nonly this much".encode()
            )
    base.ask("catalog", "file", b" second", filename="a.xml")
    (file,) = [path for path in (settings.data / "exchange").rglob("*") if path.is_file()]
    assert file.read_bytes() == b"<?xml first second"


@settings(max_examples=60)
@given(query=st.binary(max_size=80), cookie=st.text(max_size=30), auth=st.text(max_size=30))
def test_reading_a_request_never_breaks(query, cookie, auth):
    asked = asking.read(
        "GET", query, {"cookie": cookie, "authorization": auth, "x-authorization": "Basic " + auth}
    )
    assert len(asked.type) <= 40 and len(asked.mode) <= 40


@pytest.mark.parametrize("query", [
    "type=catalog&mode=import&filename=../../x", "type=catalog&mode=import", "type[]=catalog&mode=init",
    "type=catalog&mode=file", "type=sale&mode=import&filename=%00", "type=catalog&type=sale&mode=query",
    "mode=" + "x" * 3000, "type=catalog&mode=deactivate&timestamp=-1", "%FF=%FE", "&&&==&",
    "type=sale%00&mode=init",
    "type=catalog&mode=file&filename=%E2%80%AE.xml", "type=catalog&mode=init&sessid=%F0%9F%A7%A8",
])  # fmt: skip
def test_odd_questions_fail_with_a_line(query, base):
    base.sign_in()
    answer = base.client.get(f"{base.path}?{query}", headers={"Cookie": base.cookie})
    assert answer.status_code == 200 and words(answer.content)
