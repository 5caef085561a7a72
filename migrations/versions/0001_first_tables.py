"""The first tables: sources, landing, profiles, links, facts, cards, jobs, problems, staff.

The SQL beside this file is the whole schema in one readable piece.
"""

from pathlib import Path

from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make every table and index."""
    op.get_bind().exec_driver_sql(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"))
