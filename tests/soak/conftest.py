"""What the long tests share."""

import pytest
from sqlalchemy import text


@pytest.fixture
def count_rows(engine):
    """How many rows a table has, with an optional condition."""

    def counted(table, where="true"):
        with engine.connect() as db:
            return db.scalar(text(f"SELECT count(*) FROM {table} WHERE {where}"))

    return counted
