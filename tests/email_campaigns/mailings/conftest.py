"""A desk to make mailings at."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from email_campaigns.delivery import engine as sending
from foundation import context
from foundation.context import Context
from foundation.sealing import Sealer
from foundation.settings import Settings
from kartoteka.worker import load_jobs
from tests.email_campaigns.mailings.world import Desk, build

load_jobs()


@pytest.fixture
def sealed_context(settings: Settings, sealer: Sealer) -> Iterator[Context]:
    """What the duty of sending works with."""
    held = Context(settings.model_copy(update={"public_url": "https://crm.shop.example"}), sealer)
    context.use(held)
    yield held
    context.use(None)


@pytest.fixture
def desk(engine: Engine, sealed_context: Context, sealer: Sealer, tmp_path: Path) -> Iterator[Desk]:
    """People can be brought, mailings made; letters become files."""
    yield build(engine, sealer, tmp_path / "letters")
    sending.rest(engine)
