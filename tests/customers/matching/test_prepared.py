"""What is read of a record for matching: of what somebody made very long, only its beginning."""

import pytest

from customers.matching.keys import keys
from customers.matching.prepared import prepare
from foundation.records import Address, Person
from sync.dedupe.kept import written

LONG = "a b ".join(["박김", "ivanov", "12,"] * 5_000)


@pytest.mark.parametrize(
    "person",
    [
        Person(external_id="1", name=LONG),
        Person(external_id="1", given_name=LONG, family_name=LONG),
        Person(external_id="1", name="Anna Ivanova", middle_name=LONG),
        Person(external_id="1", kind="company", company=LONG),
        Person(external_id="1", kind="company", name=LONG),
        Person(external_id="1", phones=(";".join(f"8701{n:07d}" for n in range(9_000)),)),
        Person(external_id="1", addresses=(Address(line=LONG, city="Almaty"),)),
        Person(external_id="1", addresses=(Address(line="Abai 1", city=LONG, postcode=LONG),)),
    ],
    ids=("name", "parts", "middle", "company", "its name", "phones", "street", "town"),
)
def test_what_is_very_long_is_read_as_far_as_it_may_mean_something(person: Person) -> None:
    found = prepare(person)
    assert len(written(found)) < 3_000 and len(set(keys(found))) < 100
