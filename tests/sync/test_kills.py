"""The kill test in short; `make soak` runs the long one."""

from tests.soak.driver import Storm


def test_two_kills_lose_and_double_nothing(engine, settings, tmp_path):
    storm = Storm(engine, settings, tmp_path, seed=2, people=30)
    try:
        storm.fill()
        storm.rage(2)
        storm.recover(storm.connection, limit=120)
        assert storm.differences() == {}
    finally:
        storm.stop()
