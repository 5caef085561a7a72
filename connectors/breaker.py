"""Leaves an outside system in peace that keeps failing."""

from foundation import clock
from foundation.errors import Temporary


class Breaker:
    """Fails fast after 5 failures in a row, and lets one call try again after 30 seconds."""

    LIMIT = 5
    REST = 30.0

    def __init__(self, host: str) -> None:
        self._host = host
        self._failures = 0
        self._until = 0.0

    def check(self) -> None:
        """Temporary while the other side is given a rest."""
        left = self._until - clock.monotonic()
        if self._failures >= self.LIMIT and left > 0:
            raise Temporary(f"{self._host} failed {self._failures} times in a row; trying later.", left)

    def failed(self) -> None:
        """Count a failure."""
        self._failures += 1
        self._until = clock.monotonic() + self.REST

    def succeeded(self) -> None:
        """Forget the failures."""
        self._failures = 0
