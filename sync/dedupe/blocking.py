"""Which records are worth comparing: those that share a key that isn't crowded. Joins in DuckDB."""

import array
from collections.abc import Collection, Iterator
from typing import Any

import numpy as np

from customers.matching.keys import CROWDED, NAMESAKES, most
from sync.dedupe.scratch import scratch

_ANY_ORDER = "SET preserve_insertion_order = false"
_PAIRS = """
CREATE TABLE pairs AS WITH crowds AS (
  SELECT key FROM keys GROUP BY key HAVING count(*) BETWEEN 2 AND CASE key & 1 WHEN 1 THEN ? ELSE ? END
), sharers AS (SELECT key, record FROM keys SEMI JOIN crowds USING (key))
SELECT DISTINCT a.record AS one, b.record AS other
FROM sharers a JOIN sharers b ON b.key = a.key AND a.record < b.record
"""
_SHARING = """
SELECT v.key, count(*) AS records, count(DISTINCT c.called) AS names, min(v.record) AS first
FROM "values" v LEFT JOIN called c ON c.record = v.record AND c.called >= 0
GROUP BY v.key HAVING count(*) > 1 ORDER BY first, v.key
"""


class _Column:
    """Keys of records as two columns of numbers: within a process a text's hash stands for it."""

    def __init__(self) -> None:
        self.keys, self.records = array.array("q"), array.array("i")

    def add(self, record: int, keys: Collection[int]) -> None:
        """The keys of one record."""
        self.keys.extend(keys)
        self.records.extend([record] * len(keys))

    def arrays(self) -> dict[str, Any]:
        """The two columns, for DuckDB."""
        return {"key": np.array(self.keys, np.int64), "record": np.array(self.records, np.int32)}


class Blocks:
    """The keys of numbered records."""

    def __init__(self) -> None:
        self._keys, self._values = _Column(), _Column()

    def add(self, record: int, keys: Collection[str], values: Collection[str]) -> None:
        """Take in one record: `keys` bring it together with others, `values` are those it may share."""
        self._keys.add(record, [hash(key) & ~1 | (most(key) < CROWDED) for key in keys])
        self._values.add(record, [hash(value) for value in values])

    def sharing(self, called: "array.array[int]") -> Iterator[tuple[int, int, int, int]]:
        """Of every value that several records have: hash, number of records and of given names, first record.

        `called` is a number for the given name of each record, -1 for none.
        """
        values = self._values.arrays()
        names = {"record": np.arange(len(called), dtype=np.int32), "called": np.array(called, np.int32)}
        self._values = _Column()
        with scratch() as database:
            database.execute(_ANY_ORDER)
            database.execute('CREATE TABLE "values" AS SELECT * FROM values')
            database.execute("CREATE TABLE called AS SELECT * FROM names")
            del values, names
            cursor = database.execute(_SHARING)
            while rows := cursor.fetchmany(10_000):
                yield from rows

    def pairs(self) -> tuple[Any, Any]:
        """The pairs worth comparing, each once, as two arrays of numbers in their order."""
        keys = self._keys.arrays()
        self._keys = _Column()
        with scratch() as database:
            database.execute(_ANY_ORDER)
            database.execute("CREATE TABLE keys AS SELECT * FROM keys")
            del keys
            database.execute(_PAIRS, [NAMESAKES, CROWDED])
            database.execute("DROP TABLE keys")
            found = database.execute("SELECT one, other FROM pairs ORDER BY one, other").fetchnumpy()
        return found["one"], found["other"]
