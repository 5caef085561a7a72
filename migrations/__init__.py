"""Alembic migrations, numbered and named; shipped with the package."""
