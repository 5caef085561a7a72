"""How much may come: per write key and per address, as leaky buckets of this process."""

from foundation.clock import monotonic

PER_KEY = 10_000.0  # events a second from one public key, as much again ten times over in a burst
PER_ADDRESS = 200.0  # events a second from one visitor's address
BURST = 10.0  # seconds of the above at once
MOST = 50_000  # addresses remembered


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
            if len(self._full) >= self.most:  # those that are nearly empty lose least
                ordered = sorted(self._full.items(), key=lambda one: one[1])
                self._full = dict(ordered[len(ordered) // 2 :])
        self._full[name] = min(empty, now + 2 * BURST)
        return 0.0
