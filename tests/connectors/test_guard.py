"""Which addresses may be reached: the list of tricks, one by one."""

import ipaddress

import pytest

from connectors import guard
from foundation.errors import Misconfigured

REFUSED = """
127.0.0.1 127.255.255.254 0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.255 172.16.0.1 172.31.255.255 192.168.0.1
169.254.169.254 169.254.0.1 100.64.0.1 100.127.255.255 192.0.0.1 192.0.2.1 198.18.0.1 198.51.100.7 203.0.113.9
224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255
::1 :: fe80::1 fc00::1 fd12:3456::1 fec0::1 ff02::1 2001:db8::1 100::1
::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:100.64.0.1 64:ff9b::7f00:1 64:ff9b::a00:1 64:ff9b:1::1
2002:7f00:1:: 2002:a00:1:: 2001:0:4136:e378:8000:63bf:3fff:fdd2 ::7f00:1 ::ffff:0:7f00:1
"""
ALLOWED = """
8.8.8.8 1.1.1.1 93.184.216.34 2606:4700::1111 2a00:1450:4001::200e ::ffff:8.8.8.8 64:ff9b::808:808
"""


@pytest.mark.parametrize("address", REFUSED.split())
def test_inner_addresses_are_not_public(address: str) -> None:
    assert not guard.is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", ALLOWED.split())
def test_outer_addresses_are_public(address: str) -> None:
    assert guard.is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", ["169.254.169.254", "fe80::1", "0.0.0.0", "224.0.0.1", "255.255.255.255"])
def test_permission_never_covers_link_local(address: str) -> None:
    with pytest.raises(Misconfigured):
        guard.judge("x", [ipaddress.ip_address(address)], allow_private=True, encrypted=True)


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "10.1.2.3", "192.168.1.5", "100.101.102.103", "::1", "fd00::5"]
)
def test_permission_covers_the_own_network(address: str) -> None:
    addresses = [ipaddress.ip_address(address)]
    assert guard.judge("nas", addresses, allow_private=True, encrypted=False) == addresses


def test_one_bad_address_spoils_the_name() -> None:
    both = [ipaddress.ip_address("8.8.8.8"), ipaddress.ip_address("10.0.0.1")]
    with pytest.raises(Misconfigured, match=r"10\.0\.0\.1"):
        guard.judge("x", both, allow_private=False, encrypted=True)


def test_open_internet_needs_https() -> None:
    with pytest.raises(Misconfigured, match="https"):
        guard.judge("x", [ipaddress.ip_address("8.8.8.8")], allow_private=True, encrypted=False)


@pytest.mark.parametrize("spelling", ["0x7f.1", "127.1", "2130706433", "017700000001", "localhost"])
def test_odd_spellings_are_seen_through(spelling: str) -> None:
    addresses = guard.resolve(spelling, 443, guard.system_resolver, 5.0)
    with pytest.raises(Misconfigured):
        guard.judge(spelling, addresses, allow_private=False, encrypted=True)


@pytest.mark.parametrize(
    "address",
    [
        "", " ", "shop.example", "ftp://shop.example", "file:///etc/passwd", "https://", "https:///path",
        "http://shop.example", "https://good\\@evil.example/", "https://user:word@shop.example",
        "https://user@shop.example", "https://shop.example:0", "https://shop.example:99999", "https://[::1",
        "https://shop .example", "https://shop.example\r\nX: y", "javascript:alert(1)",
    ],
)  # fmt: skip
def test_unfit_addresses_are_refused(address: str) -> None:
    with pytest.raises(Misconfigured) as caught:
        guard.read_address(address)
    assert caught.value.setting == "address"


def test_plain_http_needs_permission() -> None:
    assert guard.read_address("http://192.168.1.5:8080", allow_private=True).port == 8080
