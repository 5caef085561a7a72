"""Where Splink computes: DuckDB in this process, or a Spark that an administrator names."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from typing import Any

import numpy as np

from foundation.errors import Misconfigured
from foundation.text import _
from sync.dedupe.scratch import scratch

SIDES = ("one", "other")


@contextmanager
def engine(rows: Mapping[str, Any], spark: str = "") -> Iterator[tuple[Any, list[Any]]]:
    """A Splink database with these columns as both of its tables; `spark` is the address of a master."""
    with _on_spark(rows, spark) if spark else _on_duckdb(rows) as api:
        yield api, [api.register(side, dataset_display_name=side) for side in SIDES]


@contextmanager
def _on_duckdb(rows: Mapping[str, Any]) -> Iterator[Any]:
    with scratch() as database:
        columns = {name: np.ascontiguousarray(column) for name, column in rows.items()}
        database.execute("CREATE TABLE one AS SELECT * FROM columns")
        del columns
        database.execute("CREATE VIEW other AS SELECT * FROM one")
        yield import_module("splink").DuckDBAPI(connection=database)


@contextmanager
def _on_spark(rows: Mapping[str, Any], master: str) -> Iterator[Any]:
    """Misconfigured when there is no PySpark, no Java, or nobody at the address."""
    try:
        session = import_module("pyspark.sql").SparkSession
        api = import_module("splink").SparkAPI
    except ImportError as error:
        said = _("KARTOTEKA_SPARK is set, but PySpark is missing: install kartoteka[spark] (%s).") % error
        raise Misconfigured(said, "KARTOTEKA_SPARK") from None
    spark = session.builder.master(master).appName("Kartoteka")
    for name in ("spark.ui.enabled", "spark.ui.showConsoleProgress"):
        spark = spark.config(name, "false")
    try:
        running = spark.config("spark.sql.shuffle.partitions", "8").getOrCreate()
    except Exception as error:  # noqa: BLE001 - Java's absence and Spark's refusals have no common class
        said = _("Spark can't be reached at %(where)s: %(why)s") % {"where": master, "why": str(error)[:300]}
        raise Misconfigured(said, "KARTOTEKA_SPARK") from None
    try:
        arrow = import_module("pyarrow")
        table = running.createDataFrame(
            arrow.table({name: np.ascontiguousarray(column) for name, column in rows.items()})
        )
        for side in SIDES:
            table.createOrReplaceTempView(side)
        yield api(spark_session=running, break_lineage_method="persist", register_udfs_automatically=False)
    finally:
        running.stop()
