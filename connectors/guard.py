"""Which network addresses an outgoing call may reach.

A name is resolved once, every address it has is judged, and the caller connects to the judged address itself:
a name that answers differently a second later gains nothing.
"""

import ipaddress
import socket
import threading
from collections.abc import Callable
from urllib.parse import SplitResult, urlsplit

from foundation.errors import Misconfigured, Temporary

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolver = Callable[[str, int], list[str]]

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_SHARED = ipaddress.IPv4Network("100.64.0.0/10")  # carriers' own, and overlay networks such as Tailscale
_LOCAL_NAT64 = ipaddress.IPv6Network("64:ff9b:1::/48")


def system_resolver(host: str, port: int) -> list[str]:
    """The addresses the operating system knows for a name, as text."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]).partition("%")[0] for entry in found))


def resolve(host: str, port: int, resolver: Resolver, timeout: float) -> list[Address]:
    """Addresses of a name within `timeout` seconds; Temporary when there are none by then."""
    try:
        return [ipaddress.ip_address(host.strip("[]"))]
    except ValueError:
        pass
    answer: list[list[str]] = []

    def ask() -> None:
        try:
            answer.append(resolver(host, port))
        except (OSError, UnicodeError):
            answer.append([])

    # getaddrinfo can't be interrupted, so a slow one is left behind in its own thread
    asking = threading.Thread(target=ask, name="resolve", daemon=True)
    asking.start()
    asking.join(timeout)
    if not answer:
        raise Temporary(f"The name {host} was not resolved within {timeout:.0f} s.")
    if not answer[0]:
        raise Temporary(f"The name {host} has no address. Is the address spelled right?")
    return [ipaddress.ip_address(found) for found in answer[0]]


def _inner(address: Address) -> Address:
    """The IPv4 address that an IPv6 one stands for, or the address itself."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def is_public(address: Address) -> bool:
    """True for an address of the open internet, seen through every way of wrapping IPv4 in IPv6."""
    inner = _inner(address)
    if isinstance(inner, ipaddress.IPv6Address) and (
        inner.teredo is not None or inner in _LOCAL_NAT64 or inner.is_site_local or inner.is_reserved
    ):
        return False
    return inner.is_global and not inner.is_multicast and not inner.is_unspecified


def is_local(address: Address) -> bool:
    """True for loopback and for private networks (not link-local, where clouds keep their secrets)."""
    inner = _inner(address)
    if inner.is_loopback or inner in _SHARED:
        return True
    return inner.is_private and not (inner.is_link_local or inner.is_unspecified or inner.is_reserved)


def judge(host: str, addresses: list[Address], *, allow_private: bool, encrypted: bool) -> list[Address]:
    """The addresses, if all of them may be reached; Misconfigured with the reason otherwise."""
    for address in addresses:
        if is_public(address):
            if not encrypted:
                raise Misconfigured(f"{host} must be reached through https.", "address")
        elif not is_local(address) or not allow_private:
            raise Misconfigured(
                f"{host} leads to {address}, which is not on the open internet. Calls to private addresses "
                "are refused; KARTOTEKA_ALLOW_PRIVATE_ADDRESSES permits those of your own network.",
                "address",
            )
    return addresses


def read_address(address: str, *, allow_private: bool = False) -> SplitResult:
    """Parse and check a base address a person typed; Misconfigured says what is wrong with it."""
    text = address.strip()
    if not text or any(character in text for character in "\\ \t\r\n\x00"):
        raise Misconfigured("The address is empty or has characters that no address has.", "address")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise Misconfigured(f"The address can't be read: {error}.", "address") from error
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        raise Misconfigured("The address must look like https://shop.example.", "address")
    if "@" in parts.netloc:
        raise Misconfigured("The address must not contain a user name or a password.", "address")
    if parts.scheme == "http" and not allow_private:
        raise Misconfigured("The address must begin with https.", "address")
    return parts
