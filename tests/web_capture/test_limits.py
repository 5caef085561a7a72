"""How much may come, and whence: an address counts for its owner, and only a trusted proxy names it."""

import pytest

from tests.web_capture.forms.made import published, said, send
from web_capture import limits
from web_capture.forms import routes as form_routes
from web_capture.limits import Limit, caller, counted_as

EVENT = {"anonymousId": "d1", "event": "Cart Viewed"}


def test_bucket_empties_with_time(clock, monkeypatch):
    at = [0.0]
    monkeypatch.setattr(limits, "monotonic", lambda: at[0])
    limit = Limit(2.0)
    assert limit.wait("a", 20) == 0
    assert limit.wait("a", 1) == pytest.approx(0.5)
    at[0] += 0.5
    assert limit.wait("a", 1) == 0


def test_large_calls_wait_like_others():
    limit = Limit(10.0)
    assert limit.wait("a", 2_000) == 0, "there was nothing before it"
    assert limit.wait("a", 2_000) > 0
    assert limit.wait("a", 1) <= 20


def test_forgotten_names_bound_the_memory():
    limit = Limit(1.0, most=100)
    for number in range(1_000):
        limit.wait(str(number), 1)
    assert len(limit._full) <= 100


def test_forgetting_makes_room_for_long(monkeypatch):
    at = [0.0]
    monkeypatch.setattr(limits, "monotonic", lambda: at[0])
    limit = Limit(1.0, most=100)
    for number in range(100):
        at[0] = 0.0 if number < 5 else 0.5
        limit.wait(str(number), 1)
    at[0] = 1.2  # five of them are empty by now
    limit.wait("new", 1)
    assert len(limit._full) <= 51, "or a flood has all of them looked through again and again"


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("198.51.100.7", "198.51.100.7"),
        ("198.51.100.7:50123", "198.51.100.7"),
        ("::ffff:198.51.100.7", "198.51.100.7"),
        ("[::ffff:c633:6407]:443", "198.51.100.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:0DB8:1:2::1", "2001:db8:1:2::/64"),
        ("[2001:db8:1:2::1]:50123", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("127.0.0.1", ""),
        ("10.1.2.3:80", ""),
        ("172.17.0.1", ""),
        ("172.32.0.1", "172.32.0.1"),
        ("::ffff:192.168.1.1", ""),
        ("::1", ""),
        ("::11", "::/64"),
        ("fd00::1", ""),
        ("fe80::1%eth0", ""),
        ("unix:", ""),
        ("", ""),
        ("fdisk.example", "fdisk.example"),
        ("unknown", "unknown"),
    ],
)
def test_address_is_counted_by_its_owner(address, name):
    assert counted_as(address) == name


@pytest.mark.parametrize(
    ("proxies", "lines", "address"),
    [
        (0, ["203.0.113.1"], "192.0.2.9"),
        (1, ["203.0.113.1"], "203.0.113.1"),
        (1, ["203.0.113.1, 198.51.100.7"], "198.51.100.7"),
        (1, ["203.0.113.1", "198.51.100.7"], "198.51.100.7"),
        (2, ["6.6.6.6, 203.0.113.1", "198.51.100.7"], "203.0.113.1"),
        (2, ["6.6.6.6,, 203.0.113.1 ,198.51.100.7 , "], "203.0.113.1"),
        (2, ["203.0.113.1"], "192.0.2.9"),
        (1, ["[2001:DB8::1]:50123"], "2001:db8::1"),
        (1, ["::ffff:203.0.113.1"], "203.0.113.1"),
        (1, [], "192.0.2.9"),
        (1, [""], "192.0.2.9"),
        (1, ["x" * 1_000], "x" * 60),
    ],
)
def test_only_trusted_proxies_name_the_caller(proxies, lines, address):
    headers = [(b"x-forwarded-for", line.encode()) for line in lines]
    assert caller({"client": ("192.0.2.9", 1), "headers": headers}, proxies) == address
    assert caller({"client": None, "headers": []}, proxies) == ""


def test_network_of_an_owner_is_one_sender(pages, monkeypatch):
    door = pages.client.app.state.collector
    monkeypatch.setattr(door, "_per_address", Limit(1.0))
    monkeypatch.setattr(door, "_proxies", 1)

    def say(address):
        return pages.post("track", EVENT, **{"x-forwarded-for": address}).status_code

    assert [say(f"2001:db8::{number:x}") for number in range(1, 12)] == [200] * 10 + [429]
    assert say("2001:db8:0:1::1") == 200
    assert [say("5.6.7.8") for _ in range(9)] == [200] * 9
    assert [say("::ffff:5.6.7.8") for _ in range(2)] == [200, 429]


def test_network_of_an_owner_is_one_writer_of_forms(pages, engine, monkeypatch):
    monkeypatch.setattr(form_routes, "PER_ADDRESS", Limit(0.5))
    monkeypatch.setattr(pages.client.app.state.collector, "_proxies", 1)
    form = published(engine, pages.id)

    def submit(number, network="2001:db8:"):
        lead = said(form, pages.write_key, f"message-{number:04}")
        return send(pages.client, lead, **{"x-forwarded-for": f"{network}:{number:x}"}).status_code

    assert [submit(number) for number in range(1, 7)] == [200] * 5 + [429]
    assert submit(7, "2001:db8:0:1:") == 200


def test_caller_names_no_address_of_their_own(pages, rows):
    pages.post("track", EVENT, **{"x-forwarded-for": "203.0.113.1"})
    assert '"ip":"testclient"' in rows("SELECT payload FROM landed_records")[0]["payload"]
