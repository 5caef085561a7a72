"""Rewrites the first migration from the models; runs until the first release freezes it, then goes."""

from pathlib import Path

from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex, CreateTable

from migrations.models import METADATA

TARGET = Path(__file__).parent / "versions" / "0001_first_tables.sql"


def statements() -> str:
    """The whole schema as SQL, tables in the order of their foreign keys."""
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    parts = []
    for table in METADATA.sorted_tables:
        parts.append(str(CreateTable(table).compile(dialect=dialect)))
        indexes = sorted(table.indexes, key=lambda index: str(index.name))
        parts.extend(str(CreateIndex(index).compile(dialect=dialect)) for index in indexes)
    return "".join(f"{part.strip()};\n\n" for part in parts).replace("\t", "    ").replace(" \n", "\n")


if __name__ == "__main__":
    TARGET.write_text(statements(), encoding="utf-8")
