"""A street with a trigger of the tests' own, at which journeys begin."""

from collections.abc import Iterator
from pathlib import Path
from types import MappingProxyType

import pytest
from sqlalchemy import Engine

from email_campaigns import triggers
from email_campaigns.delivery import engine as sending
from email_campaigns.journeys import jobs
from foundation import context
from foundation.context import Context
from foundation.sealing import Sealer
from foundation.settings import Settings
from kartoteka.worker import load_jobs
from tests.email_campaigns.journeys.world import TRIGGER, Street
from tests.email_campaigns.mailings.world import build

load_jobs()


@pytest.fixture
def sealed_context(settings: Settings, sealer: Sealer) -> Iterator[Context]:
    """What the duty of sending works with."""
    held = Context(settings.model_copy(update={"public_url": "https://crm.shop.example"}), sealer)
    context.use(held)
    yield held
    context.use(None)


@pytest.fixture
def street(
    engine: Engine, sealed_context: Context, sealer: Sealer, tmp_path: Path, clock: object,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Street]:  # fmt: skip
    """People can be brought, things happen to them; letters become files. The clock is held."""
    known = MappingProxyType({**triggers.everything(), TRIGGER.key: TRIGGER})
    monkeypatch.setattr(triggers, "everything", lambda: known)
    monkeypatch.setattr(jobs._Pace, "most", 0.0)
    yield Street(build(engine, sealer, tmp_path / "letters"))
    sending.rest(engine)
