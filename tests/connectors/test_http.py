"""The promises of connectors/http.py, kept against a server that lies."""

import resource
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
import structlog

from connectors import http as http_module
from connectors.breaker import Breaker
from connectors.http import Http
from connectors.replies import Reply, read_retry_after
from foundation import clock
from foundation.errors import KartotekaError, Misconfigured, Permanent, Temporary
from tests.liar import GOOD, Liar, answer, liar, reset


@pytest.fixture(scope="module")
def shared_liar() -> Iterator[Liar]:
    with liar() as server:
        yield server


@pytest.fixture
def server(shared_liar: Liar) -> Liar:
    shared_liar.calls.clear()
    shared_liar.requests.clear()
    return shared_liar


def make(server: Liar, **options: Any) -> Http:
    """An Http that doesn't really wait between attempts."""
    options = {"allow_private": True, "deadline": 5.0, "attempts": 1, "sleep": lambda _: None, **options}
    return Http(server.url, **options)


def test_good_answer_is_read(server: Liar) -> None:
    with make(server) as http:
        reply = http.get("good", {"page": 2})
    assert (reply.status, reply.json()) == (200, GOOD)
    assert server.requests[0][1] == "/good?page=2"


@pytest.mark.parametrize("path", ["drip", "drip-headers", "silent"])
def test_deadline_holds_for_slow_answers(server: Liar, path: str) -> None:
    began = time.monotonic()
    with make(server, deadline=0.5, attempts=4) as http, pytest.raises(Temporary, match=r"within 0\.5 s"):
        http.get(path)
    assert time.monotonic() - began < 2


def test_deadline_covers_all_attempts(server: Liar) -> None:
    waited: list[float] = []
    with make(server, deadline=1.5, attempts=9, sleep=waited.append) as http, pytest.raises(Temporary):
        http.get("503")
    assert server.calls["/503"] <= 3  # the third pause would end after the deadline
    assert all(pause < 1.5 for pause in waited)


def test_bomb_is_refused_in_little_memory(server: Liar) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with make(server, deadline=20, max_bytes=10_000_000) as http, pytest.raises(Permanent, match="10 MB"):
        http.get("bomb")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 * 1024


def test_endless_body_is_refused(server: Liar) -> None:
    with make(server, max_bytes=1_000_000) as http, pytest.raises(Permanent, match="1 MB"):
        http.get("endless")


@pytest.mark.parametrize("path", ["short", "reset", "many-headers", "not-gzip", "500", "503"])
def test_broken_answers_are_temporary(server: Liar, path: str) -> None:
    with make(server) as http, pytest.raises(Temporary):
        http.get(path)


@pytest.mark.parametrize("path", ["page", "page-as-json"])
def test_web_page_is_no_data(server: Liar, path: str) -> None:
    with make(server) as http, pytest.raises(Temporary, match="web page instead of data"):
        http.get(path)


@pytest.mark.parametrize("path", ["cut", "nan", "empty"])
def test_incomplete_json_is_temporary(server: Liar, path: str) -> None:
    with make(server) as http, pytest.raises(Temporary, match="no complete JSON"):
        http.get(path).json()


def test_json_too_deep_is_refused(server: Liar) -> None:
    with make(server) as http, pytest.raises(KartotekaError):
        http.get("deep").json()


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("wrong-charset", {"name": "Müller"}),
        ("bom", {"good": True}),
        ("half-surrogate", {"name": "a?b"}),
    ],
)
def test_odd_json_is_mended(server: Liar, path: str, said: Any) -> None:
    with make(server) as http:
        assert http.get(path).json() == said


def test_large_numbers_stay_exact() -> None:
    assert Reply(200, {}, b'{"id": 9007199254740993, "big": 123456789012345678901234567890}').json() == {
        "id": 9007199254740993,
        "big": 123456789012345678901234567890,
    }


@pytest.mark.parametrize("path", ["inside", "outside"])
def test_redirect_elsewhere_is_refused(server: Liar, path: str) -> None:
    with make(server) as http, pytest.raises(Misconfigured, match="redirect to") as caught:
        http.get(path)
    assert caught.value.setting == "address"


@pytest.mark.parametrize("path", ["https://evil.example/x", "//evil.example/x", "http://127.0.0.1:1/x"])
def test_page_on_another_host_is_refused(server: Liar, path: str) -> None:
    with make(server) as http, pytest.raises(Permanent, match="another host"):
        http.get(path)


def test_trouble_at_hand_is_not_mistaken(server: Liar) -> None:
    """A call made while another error is handled reports its own."""
    with make(server) as http:
        try:
            raise Misconfigured("an older trouble")
        except Misconfigured:
            with pytest.raises(Temporary, match="broke") as caught:
                http.get("reset")
    assert "older" not in str(caught.value)


def test_redirect_within_the_host_is_followed(server: Liar) -> None:
    with make(server) as http:
        assert http.get("moved").json() == GOOD


def test_redirected_write_is_refused(server: Liar) -> None:
    with make(server) as http, pytest.raises(Misconfigured):
        http.post("moved", {"a": 1})
    assert "/good" not in server.calls


def test_redirect_circle_is_noticed(server: Liar) -> None:
    with make(server) as http, pytest.raises(Misconfigured, match="circle"):
        http.get("circle")


@pytest.mark.parametrize("status", [401, 403])
def test_refused_sign_in_names_the_setting(server: Liar, status: int) -> None:
    with make(server, credential="api_key") as http, pytest.raises(Misconfigured, match="api_key") as caught:
        http.get(str(status))
    assert caught.value.setting == "api_key"


def test_missing_object_is_permanent(server: Liar) -> None:
    with make(server) as http, pytest.raises(Permanent, match=r"404.*No such order"):
        http.get("404")


def test_allowed_status_comes_back(server: Liar) -> None:
    with make(server) as http:
        assert http.get("404", allow=(404,)).status == 404


def test_reading_is_tried_again(server: Liar) -> None:
    server.on("/shaky", answer({}, 502), reset, answer(GOOD))
    with make(server, attempts=4) as http:
        assert http.get("shaky").json() == GOOD
    assert server.calls["/shaky"] == 3


def test_writing_is_not_repeated(server: Liar) -> None:
    server.on("/write", reset, answer(GOOD))
    with make(server, attempts=4) as http, pytest.raises(Temporary):
        http.post("write", {"a": 1})
    assert server.calls["/write"] == 1


def test_harmless_post_is_repeated(server: Liar) -> None:
    server.on("/question", reset, answer(GOOD))
    with make(server, attempts=4) as http:
        assert http.post("question", {"query": "{a}"}, repeatable=True).json() == GOOD


def test_write_refused_untried_is_repeated(server: Liar) -> None:
    server.on("/limited", answer({}, 429, retry_after="0.01"), answer(GOOD))
    with make(server, attempts=4) as http:
        assert http.post("limited", {"a": 1}).json() == GOOD


def test_wait_named_by_the_server_is_kept(server: Liar) -> None:
    waited: list[float] = []
    server.on("/slow-down", answer({}, 429, retry_after="1.5"), answer(GOOD))
    with make(server, attempts=4, sleep=waited.append) as http:
        http.get("slow-down")
    assert waited == [1.5]


def test_endless_wait_is_clamped_and_told(server: Liar) -> None:
    with make(server, attempts=4) as http, pytest.raises(Temporary, match="slow down") as caught:
        http.get("busy-for-ever")
    assert caught.value.retry_after == 3600
    assert server.calls["/busy-for-ever"] == 1


@pytest.mark.parametrize("value", [None, "", "-5", "soon", "nan", "0", "Mon, 99 Foo 2026", "1e999999", "²"])
def test_nonsense_waits_are_ignored(value: str | None) -> None:
    assert read_retry_after(value) in (None, 3600)


def test_wait_until_a_date_is_read() -> None:
    now = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
    with clock.hold(now):
        assert read_retry_after(format_datetime(now + timedelta(seconds=90), usegmt=True)) == 90
        assert read_retry_after(format_datetime(now - timedelta(days=1), usegmt=True)) is None


def test_breaker_opens_after_five_failures(server: Liar) -> None:
    with make(server) as http:
        for _ in range(5):
            with pytest.raises(Temporary):
                http.get("503")
        with pytest.raises(Temporary, match="5 times in a row") as caught:
            http.get("good")
    assert server.calls["/good"] == 0
    assert 0 < (caught.value.retry_after or 0) <= 30


def test_breaker_leaves_other_shops_alone(server: Liar) -> None:
    with make(server) as ill, make(server) as well:
        for _ in range(6):
            with pytest.raises(Temporary):
                ill.get("503")
        assert well.get("good").json() == GOOD


def test_breaker_closes_after_a_success() -> None:
    breaker = Breaker("shop")
    for _ in range(4):
        breaker.failed()
    breaker.succeeded()
    breaker.failed()
    breaker.check()


def test_calls_are_spaced_out(server: Liar) -> None:
    waited: list[float] = []
    with make(server, per_second=2, sleep=waited.append) as http:
        for _ in range(3):
            http.get("good")
    assert len(waited) == 2
    assert waited[0] <= 0.5 < waited[1] <= 1.0  # nothing really slept, so the debt grows


def test_log_tells_no_secrets(server: Liar, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = structlog.testing.CapturingLogger()
    monkeypatch.setattr(http_module, "_log", lines)
    with make(server, headers={"X-Key": "canary-key"}, auth=("user", "canary-word")) as http:
        http.get("good", {"token": "canary-token", "email": "anna@example.org"})
        with pytest.raises(Misconfigured):
            http.get("401", {"token": "canary-token"})
    said = [(call.method_name, call.kwargs["path"], call.kwargs["status"]) for call in lines.calls]
    assert said == [("debug", "/good", 200), ("warning", "/401", 401)]
    assert "canary" not in str(lines.calls) and "anna" not in str(lines.calls)


def test_cookies_are_not_kept(server: Liar) -> None:
    server.on("/cookie", answer({}, set_cookie="session=1; Path=/"))
    with make(server) as http:
        http.get("cookie")
        http.get("good")
    assert "cookie" not in server.requests[-1][2]


def test_proxies_of_the_machine_are_ignored(server: Liar, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    with make(server) as http:
        assert http.get("good").json() == GOOD


def test_unreachable_server_is_temporary() -> None:
    with (
        Http("http://127.0.0.1:1", allow_private=True, attempts=1) as http,
        pytest.raises(Temporary, match="can't be reached"),
    ):
        http.get("x")


def test_unknown_name_is_temporary() -> None:
    def nobody(host: str, port: int) -> list[str]:
        raise OSError("no such name")

    with (
        Http("https://shop.example", resolver=nobody, attempts=1) as http,
        pytest.raises(Temporary, match="no address"),
    ):
        http.get("x")


def test_slow_names_keep_the_deadline(server: Liar) -> None:
    def slow(host: str, port: int) -> list[str]:
        server.leave.wait(10)
        return ["127.0.0.1"]

    began = time.monotonic()
    with (
        Http("https://shop.example", resolver=slow, attempts=1, deadline=0.4) as http,
        pytest.raises(Temporary),
    ):
        http.get("x")
    assert time.monotonic() - began < 2


def test_rebinding_name_is_caught(server: Liar) -> None:
    asked: list[str] = []

    def flips(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"]

    with (
        Http("https://shop.example", resolver=flips, attempts=1) as http,
        pytest.raises(Misconfigured, match="not on the open internet"),
    ):
        http.get("x")
    assert asked == ["shop.example"] and not server.calls


def test_checked_address_is_the_one_called(server: Liar) -> None:
    """The name is in the Host header, the connection goes where the resolver said."""
    with Http(
        f"http://shop.example:{server.port}", resolver=lambda *_: ["127.0.0.1"], allow_private=True
    ) as http:
        http.get("good")
    assert server.requests[0][2]["host"] == f"shop.example:{server.port}"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate for shop.example."""
    folder = tmp_path_factory.mktemp("tls")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
         "/CN=shop.example", "-addext", "subjectAltName=DNS:shop.example",
         "-keyout", folder / "key.pem", "-out", folder / "cert.pem"],
        check=True, capture_output=True,
    )  # fmt: skip
    both = folder / "both.pem"
    both.write_bytes((folder / "key.pem").read_bytes() + (folder / "cert.pem").read_bytes())
    return both


def test_untrusted_certificate_is_refused(certificate: Path) -> None:
    with (
        liar(certificate) as server,
        make(server) as http,
        pytest.raises(Misconfigured, match="certificate"),
    ):
        http.get("good")


def test_certificate_is_checked_by_name(certificate: Path) -> None:
    with liar(certificate) as server:
        address = f"https://shop.example:{server.port}"
        options: dict[str, Any] = {"allow_private": True, "resolver": lambda *_: ["127.0.0.1"]}
        with Http(address, verify=str(certificate), **options) as http:
            assert http.get("good").json() == GOOD
        other = Http(address.replace("shop.", "other."), verify=str(certificate), **options)
        with other, pytest.raises(Misconfigured, match="certificate"):
            other.get("good")


def test_deadline_holds_within_tls(certificate: Path) -> None:
    with liar(certificate) as server:
        address = f"https://shop.example:{server.port}"
        options: dict[str, Any] = {"allow_private": True, "resolver": lambda *_: ["127.0.0.1"]}
        http = Http(address, verify=str(certificate), deadline=0.5, attempts=1, **options)
        with http, pytest.raises(Temporary, match="within"):
            http.get("drip")


def test_failures_leave_no_broken_connection(server: Liar) -> None:
    """After any failure the same Http goes on with a fresh connection."""
    server.on("/then-good", reset, answer(GOOD))
    with make(server, attempts=2) as http:
        with pytest.raises(Temporary):
            http.get("many-headers")
        assert http.get("then-good").json() == GOOD
