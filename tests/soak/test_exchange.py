"""A catalogue of 1C, cut and repeated, while door and worker are killed, ends as one clean run does.

KARTOTEKA_SOAK_GOODS says how many goods (100,000 in a full run); of KARTOTEKA_SOAK_KILLS it takes a fourth,
as a 1C makes few requests in the time that a part needs to start.
"""

from collections import Counter
from pathlib import Path

import pytest

from kartoteka.emulator.checks import PATIENCE
from tests.soak.exchange_storm import ExchangeStorm, goods_wanted
from tests.soak.herd import kills_wanted

GROWTH = 64 * 1024  # kB

pytestmark = [
    pytest.mark.soak,
    pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="memory is read from Linux' /proc"),
]


@pytest.fixture
def storm(engine, settings, tmp_path):
    """A door and a worker at work."""
    found = ExchangeStorm(engine, settings, tmp_path, seed=11)
    yield found
    found.stop()


def test_a_catalogue_under_kills_ends_as_in_one_clean_run(storm, count_rows):
    count = goods_wanted(2_000)
    warm, packets = storm.files(300, 150), storm.files(count, count // 4 + 1)
    _, first = storm.connect("Warm")
    storm.upload(first, warm)
    before = storm.weigh_anew()
    clean_id, clean = storm.connect("Clean")
    storm.upload(clean, packets)
    weights = dict(storm.weights)
    rough_id, rough = storm.connect("Rough", cut=0.05, repeat=0.1)
    storm.upload(rough, packets, kills_wanted(20) // 4)

    steps = [*clean.line.steps, *rough.line.steps]
    slowest = max(steps, key=lambda step: step.seconds)
    print(f"{count} goods, {storm.kills} kills, {rough.restarts} restarts, {rough.line.deaths} requests that"
          f" nobody answered, {dict(Counter(step.fault for step in steps))}; slowest of {len(steps)}:"
          f" {slowest.mode} {slowest.seconds:.1f} s; kB before {before}, at most in the clean run"
          f" {weights}, in both {storm.weights}")  # fmt: skip
    expected, found = storm.state(clean_id), storm.state(rough_id)
    assert sum(row[0] == "product" and row[4] is not None for row in expected) == count
    assert sorted(expected ^ found)[:3] == []
    for table in ("landed_records", "landed_heads"):
        assert count_rows(table, f"connection_id = '{rough_id}'") == count_rows(
            table, f"connection_id = '{clean_id}'"
        )
    assert count_rows("problems", "state = 'open' AND area <> 'loop'") == 0
    assert storm.kills > 0 and slowest.seconds <= PATIENCE
    grown = {name: most - before[name] for name, most in storm.weights.items()}
    assert max(grown.values()) <= GROWTH, grown
