"""Records of matching's tests."""

from typing import Any

from customers.matching import prepared
from customers.matching.counts import Counts
from customers.matching.prepared import Prepared
from foundation.records import Address, Person


def record(name: str = "", **said: Any) -> Prepared:
    """A prepared record; `email`, `phone`, `device`, `place` may be said short."""
    for short, field in (("email", "emails"), ("phone", "phones"), ("device", "device_ids")):
        if short in said:
            said[field] = (said.pop(short),)
    if "place" in said:
        line, city, postcode = said.pop("place")
        said["addresses"] = (Address(line=line, city=city, postcode=postcode),)
    return prepared.prepare(Person(external_id="1", name=name, **said))


def firm(company: str, **said: Any) -> Prepared:
    """A prepared record of a company."""
    return record(said.pop("name", ""), kind="company", company=company, **said)


def counted(*records: Prepared) -> Counts:
    """The counts over some records."""
    counts = Counts()
    counts.count_words(records)
    counts.share(records)
    return counts
