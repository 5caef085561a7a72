"""Nothing lost, nothing doubled: SIGKILL at random moments, a flushed broker, webhooks gone astray."""

import pytest

from tests.soak.driver import Storm
from tests.soak.herd import gaps, kills_wanted


@pytest.mark.soak
def test_both_sides_are_equal_after_many_kills(engine, settings, tmp_path):
    storm = Storm(engine, settings, tmp_path, seed=1, people=150)
    try:
        storm.fill()
        storm.rage(kills_wanted(6))
        last = storm.recover(storm.connection, limit=600)
        assert storm.differences() == {}
        assert gaps(last) == {}
        print(storm.figures())
    finally:
        storm.stop()
