"""Letters and the outside are joined: every kind of transport has its client, loaded when it is needed."""

import subprocess
import sys

import pytest

from email_campaigns.delivery.transports import kinds, outside
from foundation import context
from foundation.context import Context
from kartoteka import posting
from tests.connectors.mail.letters import VALUES


@pytest.fixture(autouse=True)
def held(settings, sealer):
    context.use(Context(settings, sealer))
    posting.join()
    yield
    context.use(None)


def test_every_provider_that_can_be_chosen_is_offered():
    providers = {name for name in kinds.kinds() if name not in ("smtp", "file")}
    assert providers == set(posting.PROVIDERS) == set(VALUES)
    for name in providers:
        client = outside.client(name, VALUES[name])
        assert callable(client.send) and callable(client.check)
        client.close()


@pytest.mark.parametrize("name", sorted(VALUES))
def test_what_a_person_filled_in_is_all_that_a_client_needs(name):
    asked = {one.name for one in kinds.kinds()[name].settings}
    assert set(VALUES[name]) <= asked
    way = kinds.make(name, dict.fromkeys(asked, "") | VALUES[name])
    way.open()
    assert way.is_open
    way.close()


def test_a_process_starts_without_the_clients():
    said = (
        "import sys; from kartoteka import posting; posting.join();"
        "print([name for name in sys.modules if name.startswith('connectors') or name == 'requests'])"
    )
    run = subprocess.run([sys.executable, "-c", said], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
