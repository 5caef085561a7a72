"""A database for one computation: in memory, and what doesn't fit in a folder that goes away with it."""

from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryDirectory

import duckdb


@contextmanager
def scratch() -> Iterator[duckdb.DuckDBPyConnection]:
    """DuckDB with one thread and a gigabyte."""
    with (
        TemporaryDirectory(prefix="kartoteka-") as folder,
        duckdb.connect(config={"threads": 1, "memory_limit": "1GB", "temp_directory": folder}) as database,
    ):
        yield database
