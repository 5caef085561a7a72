"""Two records of one kind as a vector of levels, whichever kind it is. Pure."""

from collections.abc import Mapping

from customers.matching import organisations, persons
from customers.matching.counts import Counts
from customers.matching.prepared import Prepared
from foundation.records import PersonKind

LEVELS: Mapping[PersonKind, Mapping[str, tuple[str, ...]]] = {
    "person": persons.LEVELS,
    "company": organisations.LEVELS,
}


def vector(a: Prepared, b: Prepared, counts: Counts) -> tuple[str, ...]:
    """The levels of two records of one kind, in the order of `LEVELS` of their kind."""
    return organisations.vector(a, b, counts) if a.kind == "company" else persons.vector(a, b, counts)
