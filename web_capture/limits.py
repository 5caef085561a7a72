"""How much may come: per write key and per address, as leaky buckets of this process; and whence it comes."""

from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from starlette.types import Scope

from foundation.clock import monotonic

PER_KEY = 10_000.0  # events a second from one public key, as much again ten times over in a burst
PER_ADDRESS = 200.0  # events a second from one visitor's address
BURST = 10.0  # seconds of the above at once
MOST = 50_000  # addresses remembered
_READ = 10_000  # addresses held as they were read
_OURS = (
    *map(ip_network, ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16")),
    *map(ip_network, ("::1/128", "fc00::/7", "fe80::/10")),
)


class Limit:
    """So many events a second for each name, with a burst. Memory is bounded: quiet names are forgotten."""

    def __init__(self, rate: float, most: int = MOST) -> None:
        self.rate, self.most = rate, most
        self._full: dict[str, float] = {}  # name -> when its bucket will be empty again

    def wait(self, name: str, events: int) -> float:
        """Take `events` in and answer 0, or how many seconds to wait before so many would be let in."""
        now = monotonic()
        empty = max(self._full.get(name, now), now) + events / self.rate
        over = empty - now - BURST
        if over > 0 and self._full.get(name, now) > now:
            return over  # a call larger than all the room is let in when there is nothing before it
        if len(self._full) >= self.most:
            self._full = {one: at for one, at in self._full.items() if at > now}
            if len(self._full) > self.most // 2:  # those that are nearly empty lose least
                ordered = sorted(self._full.items(), key=lambda one: one[1])
                self._full = dict(ordered[len(ordered) // 2 :])
        self._full[name] = min(empty, now + 2 * BURST)
        return 0.0


def caller(scope: Scope, proxies: int) -> str:
    """The address a call came from: what our outermost trusted proxy saw, else the peer's."""
    if proxies:
        # a proxy may add a line of its own below what the caller wrote: only all of them together tell
        lines = [value for name, value in scope["headers"] if name == b"x-forwarded-for"]
        hops = [hop for line in lines for hop in line.decode("latin-1").split(",") if hop.strip()]
        if len(hops) >= proxies:
            return _read(hops[-proxies].strip()[:60])[0]
    return _read(scope["client"][0])[0] if scope.get("client") else ""


def counted_as(address: str) -> str:
    """What an address is counted under, empty for a proxy's or our own, which aren't counted.

    An IPv6 one is counted by its network of 64 bits: who has one has all of it.
    """
    return _read(address)[1]


@lru_cache(_READ)
def _read(address: str) -> tuple[str, str]:
    """An address in its usual spelling, and what it is counted under."""
    bare = address.partition("]")[0].lstrip("[").partition("%")[0]
    if bare.count(":") == 1:  # IPv4 with a port, as some proxies write it
        bare = bare.partition(":")[0]
    try:
        found = ip_address(bare)
    except ValueError:
        return address, "" if address.startswith("unix") else address
    if isinstance(found, IPv6Address):
        found = found.ipv4_mapped or found
    if any(found in network for network in _OURS):
        return str(found), ""
    if isinstance(found, IPv4Address):
        return str(found), str(found)
    return str(found), str(ip_network((found, 64), strict=False))
