"""Calls to an address that a person typed: what each answer means, and where none goes."""

from collections.abc import Iterator
from functools import partial

import pytest

from connectors import outgoing
from connectors.outgoing import Callee
from foundation.errors import Misconfigured
from tests.liar import Liar, answer, liar, raw


@pytest.fixture(scope="module")
def crm() -> Iterator[Liar]:
    """The outside address."""
    with liar() as server:
        yield server


@pytest.mark.parametrize(
    ("path", "state", "words"),
    [
        ("/good", "taken", "answers 200"), ("/empty", "taken", ""), ("/page", "taken", ""),
        ("/nan", "taken", ""), ("/deep", "taken", ""), ("/401", "refused", "Bad key"),
        ("/404", "refused", "No such order"), ("/500", "later", "answers 500"), ("/503", "later", ""),
        ("/busy-for-ever", "later", "429"), ("/moved", "refused", "301"), ("/inside", "refused", "302"),
        ("/outside", "refused", "302"), ("/silent", "silent", "within 0.4 s"), ("/drip", "silent", ""),
        ("/drip-headers", "silent", ""), ("/reset", "silent", "broke"), ("/short", "silent", ""),
        ("/endless", "refused", "1 MB"), ("/many-headers", "silent", ""), ("/not-gzip", "silent", ""),
    ],
)  # fmt: skip
def test_what_an_answer_means(crm: Liar, path: str, state: str, words: str) -> None:
    before = crm.calls[path]
    callee = Callee(crm.url, allow_private=True, deadline=0.4)
    told = callee.post(crm.url + path, b"{}", {"Idempotency-Key": "7"})
    callee.close()
    assert (told.state, words in told.words) == (state, True), told
    assert crm.calls[path] == before + 1  # never repeated by itself
    assert told.wait is None or told.wait <= 3_600


def test_a_redirect_takes_neither_body_nor_signature_along(crm: Liar) -> None:
    with liar() as other:
        crm.on("/there", raw(b"", 308, location=other.url + "/x"))
        crm.on("/here", raw(b"", 307, location=crm.url + "/good2"))
        callee = Callee(crm.url, allow_private=True)
        for path in ("/there", "/here"):
            assert callee.post(crm.url + path, b"{}", {}).state == "refused"
        assert not other.requests and not crm.calls["/good2"]


def test_nobody_listens(crm: Liar) -> None:
    with liar() as gone:
        url = gone.url
    assert Callee(url, allow_private=True, deadline=1).post(url, b"{}", {}).state == "silent"


def _two(inside: str, _host: str, _port: int) -> list[str]:
    return ["93.184.216.34", inside]


def test_an_address_that_leads_inside_is_refused_at_the_call(crm: Liar) -> None:
    """By whatever name, and though it led elsewhere when it was typed."""
    url = f"https://crm.example:{crm.port}/good"
    outgoing.check(url)
    for inside in ("127.0.0.1", "10.1.2.3", "169.254.169.254", "::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1"):
        callee = Callee(url, resolver=partial(_two, inside))
        told = callee.post(url, b"{}", {})
        assert told.state == "refused" and "not on the open internet" in told.words, inside
    with pytest.raises(Misconfigured):
        Callee(crm.url)


@pytest.mark.parametrize(
    "address",
    [
        "", " ", "crm.example", "http://crm.example/", "ftp://crm.example/", "https://", "https://u:p@crm.example/",
        "https://127.0.0.1/", "https://[::1]/", "https://192.168.1.1/", "https://crm.example/#part",
        "https://crm.example/\u202e", "https://crm.example/\n", "https://crm.example:0/", "https://[crm/",
        "https://crm.example/" + "a" * 2_000,
    ],
)  # fmt: skip
def test_what_may_not_be_called(address: str) -> None:
    with pytest.raises(Misconfigured):
        outgoing.check(address)


def test_what_may_be_called() -> None:
    for address in ("https://crm.example/a?b=c", "https://CRM.example:8443/ä", "https://93.184.216.34/x"):
        outgoing.check(address)
    for address in ("http://127.0.0.1:8000/", "http://10.0.0.7/x"):
        outgoing.check(address, allow_private=True)
    with pytest.raises(Misconfigured):
        outgoing.check("https://169.254.169.254/", allow_private=True)  # where clouds keep their secrets


def test_paths_are_kept_out_of_the_log(crm: Liar, capsys: pytest.CaptureFixture[str]) -> None:
    crm.on("/services/T0/SECRET", answer({}, 500))
    Callee(crm.url, allow_private=True).post(crm.url + "/services/T0/SECRET?k=SECRET", b"{}", {})
    said = capsys.readouterr()
    assert "SECRET" not in said.err + said.out and "connectors.http" in said.err + said.out
