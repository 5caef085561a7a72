"""Both sides come to be equal whatever is done to them; no value is lost without a record and its reason."""

import os

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from sync import jobs
from tests import ledgers, shops
from tests.sync.directories.machine import Directories

assert jobs  # imported for the jobs it registers


@pytest.fixture
def model(engine, sealer, sync_context):
    """Runs the machine so many times."""
    shops.install()
    ledgers.install()
    Directories.engine, Directories.sealer = engine, sealer

    def run(examples, steps, same=False):
        run_state_machine_as_test(
            Directories,
            settings=settings(
                max_examples=examples, stateful_step_count=steps, deadline=None, derandomize=same,
                suppress_health_check=list(HealthCheck),
            ),
        )  # fmt: skip

    yield run
    shops.SHOPS.clear()
    shops.uninstall()
    ledgers.uninstall()


def test_two_systems_come_to_be_equal(model):
    model(5, 12, same=True)


@pytest.mark.soak
def test_two_systems_come_to_be_equal_however_long_it_goes_on(model):
    model(int(os.environ.get("KARTOTEKA_SOAK_KILLS", "300")), 25)
