"""What Splink's predict costs on the values that our matching prepares.

    python -m benchmarks.dedupe_splink MORE.csv

Splink learns first, which isn't counted. `benchmarks.dedupe_million` makes the file and measures ours.
"""

import sys
from pathlib import Path
from typing import Any

import duckdb
import pyarrow
import splink.comparison_library as cl
from splink import DuckDBAPI, Linker, SettingsCreator, block_on

from benchmarks.dedupe_million import Watch, people
from customers.matching.prepared import Prepared, prepare

_COLUMNS = (
    "given", "family", "words", "email", "local", "phone", "device", "tax", "born", "street", "house",
    "postcode", "city",
)  # fmt: skip


def plain(one: Prepared) -> tuple[str, ...]:
    """What Splink compares of a record."""
    words = one.name.words
    place, mail = next(iter(one.places), None), next(iter(one.mails), None)
    return (
        one.given or "".join(words[:1]), one.family or "".join(words[1:][-1:]),
        " ".join(words) if len(words) > 1 else "", mail.key if mail else "", mail.local if mail else "",
        "".join(one.phones[:1]), "".join(one.devices[:1]), one.tax, one.born,
        max(place.street, key=len) if place and place.street else "",
        place.numbers[0] if place and place.numbers else "", place.postcode if place else "",
        place.city if place else "",
    )  # fmt: skip


def main(source: Path) -> None:
    """Prepare, learn, predict."""
    watch = Watch()
    rows = [plain(prepare(one)) for _, one in people(source)]
    watch.say("a bare feature pass")
    columns: dict[str, Any] = {
        name: [text or None for text in column]
        for name, column in zip(_COLUMNS, zip(*rows, strict=True), strict=True)
    }
    fed = pyarrow.table({"unique_id": list(range(len(rows))), **columns})
    del rows, columns
    with duckdb.connect() as database:
        database.execute("SET threads = 1")
        database.register("fed", fed)
        database.execute("CREATE TABLE people AS SELECT * FROM fed")
        linker = learned(database)
        watch.say("Splink learning")
        linker.inference.predict(threshold_match_probability=0.5)
        watch.say("Splink's predict")


def learned(database: Any) -> Any:
    """A linker that has learnt, with sensible settings."""
    common = [cl.JaroWinklerAtThresholds(name, [0.92, 0.85]) for name in ("given", "family")]
    common.append(cl.ExactMatch("city"))
    blocks = [block_on(name) for name in ("email", "phone", "device", "tax", "words", "local")]
    blocks += [block_on(*said, "substr(given,1,1)") for said in (("born",), ("street", "house"))]
    settings = SettingsCreator(
        link_type="dedupe_only",
        comparisons=[
            *(one.configure(term_frequency_adjustments=True) for one in common),
            *(cl.LevenshteinAtThresholds(n, 1) for n in ("email", "phone", "tax", "born", "street")),
            *(cl.ExactMatch(name) for name in ("device", "house", "postcode")),
        ],
        blocking_rules_to_generate_predictions=blocks,
    )
    registered = DuckDBAPI(connection=database).register("people", dataset_display_name="people")
    linker = Linker(registered, settings, log_level=40)
    learning = linker.training
    sure = [block_on("email"), block_on("phone", "family")]
    learning.estimate_probability_two_random_records_match(sure, recall=0.7)
    learning.estimate_u_using_random_sampling(max_pairs=1e6, seed=1)
    for name in ("email", "phone", "words"):
        learning.estimate_parameters_using_expectation_maximisation(block_on(name))
    return linker


if __name__ == "__main__":
    main(Path(sys.argv[1]))
