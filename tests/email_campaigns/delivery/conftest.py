"""A mail server, and a shop that sends through it."""

from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import Engine

from email_campaigns.delivery import engine as sending
from foundation import context
from foundation.context import Context
from foundation.sealing import Sealer
from foundation.settings import Settings
from tests.email_campaigns.delivery.mailserver import Behaviour, mail_server
from tests.email_campaigns.delivery.world import House, build


@pytest.fixture
def sealed_context(settings: Settings, sealer: Sealer) -> Iterator[Context]:
    """What the duty of sending works with."""
    held = Context(settings.model_copy(update={"public_url": "https://crm.shop.example"}), sealer)
    context.use(held)
    yield held
    context.use(None)


@pytest.fixture
def server() -> Iterator[tuple[Behaviour, int]]:
    """A mail server and its port."""
    with mail_server() as running:
        yield running


@pytest.fixture
def box(server: tuple[Behaviour, int]) -> Behaviour:
    """What the server does and has taken."""
    return server[0]


@pytest.fixture
def house(
    engine: Engine, sealed_context: Context, sealer: Sealer, server: tuple[Behaviour, int]
) -> Iterator[House]:
    """A shop that sends through the server."""
    made = build(engine, sealer, server[1])
    yield made
    sending.rest(engine)


@pytest.fixture
def send(engine: Engine) -> Callable[[], None]:
    """Send until nothing is due."""

    def until_idle() -> None:
        while sending.send(engine):
            pass

    return until_idle
