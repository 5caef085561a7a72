"""The schema as its history makes it, against the models."""

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine

from migrations import draft
from migrations.models import METADATA
from migrations.run import missing, upgrade


def test_upgraded_schema_equals_models(engine: Engine) -> None:
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, METADATA) == []


def test_first_migration_is_the_draft() -> None:
    written = draft.TARGET.read_text(encoding="utf-8")
    assert written == draft.statements(), "a model changed: run .venv/bin/python -m migrations.draft"


def test_second_upgrade_does_nothing(engine: Engine) -> None:
    assert missing(engine) == []
    assert upgrade(engine) == []
