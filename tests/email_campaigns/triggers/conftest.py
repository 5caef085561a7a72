"""A scene to ask triggers in."""

import pytest

from tests.email_campaigns.triggers.scene import Scene


@pytest.fixture
def scene(engine, sealer, clock) -> Scene:
    return Scene(engine, sealer)
