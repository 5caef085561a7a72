"""When time alone can change the answer to a condition: the next instant at which something enters or leaves
its period. Too early is harmless, somebody looks once more; too late would be wrong.
"""

from customers.segments.fields import FIELDS
from customers.segments.sql import Query, anniversary, narrowed, step
from customers.segments.things import MEASURES, VERBS, Thing
from customers.segments.tree import Condition, Did, Field, Period


def single(query: Query, one: Condition) -> str | None:
    """The next instant for the card `c`, as SQL; None where time changes nothing."""
    if isinstance(one, Field):
        return _field(query, one)
    thing, period = _thing(one), _relative(one.period)
    if period is None:
        return None
    instant = f"min({_turn(query, thing.time, period)})"
    return f"(SELECT {instant} FROM {_rows(query, thing, one, period)} AND {thing.key} = c.id)"


def everybody(query: Query, one: Condition) -> str | None:
    """A SELECT of customers and their next instants."""
    if isinstance(one, Field):
        instant = _field(query, one)
        if instant is None:
            return None
        return (
            f"SELECT c.id, {instant} FROM customers c LEFT JOIN customer_stats s ON s.customer_id = c.id"
            f" WHERE c.live AND c.identified AND {FIELDS[one.field].sql} IS NOT NULL"
        )
    thing, period = _thing(one), _relative(one.period)
    if period is None:
        return None
    return (
        f"SELECT {thing.key}, min({_turn(query, thing.time, period)}) FROM {_rows(query, thing, one, period)}"
        f" AND {thing.key} IS NOT NULL GROUP BY 1"
    )


def _thing(one: Condition) -> Thing:
    assert not isinstance(one, Field)
    return VERBS[one.did] if isinstance(one, Did) else MEASURES[one.measure][0]


def _relative(period: Period | None) -> Period | None:
    return period if period is not None and period.kind in ("last", "ago", "next") else None


def _field(query: Query, one: Field) -> str | None:
    period, spec = _relative(one.period), FIELDS[one.field]
    if period is None:
        return None
    if spec.kind == "birthday":
        today = f"CAST({query.bind(query.at.date())} AS date)"
        first, days = anniversary(spec.sql, today), query.bind(step(period).days)
        day = f"CASE WHEN {first} - {today} <= {days} THEN {first} + 1 ELSE {first} - CAST({days} AS int) END"
        return f"CAST({day} AS timestamp) AT TIME ZONE 'UTC'"
    return _turn(query, spec.sql, period)


def _turn(query: Query, column: str, period: Period) -> str:
    """The next instant at which a time enters or leaves the period, NULL when it never will again."""
    at, length = (
        f"CAST({query.bind(query.at)} AS timestamptz)",
        f"CAST({query.bind(step(period))} AS interval)",
    )
    if period.kind == "next":
        return (
            f"CASE WHEN {column} - {length} > {at} THEN {column} - {length}"
            f" WHEN {column} > {at} THEN {column} END"
        )
    entering = f"WHEN {column} > {at} THEN {column} " if period.kind == "last" else ""
    return f"CASE {entering}WHEN {column} + {length} > {at} THEN {column} + {length} END"


def _rows(query: Query, thing: Thing, one: Condition, period: Period) -> str:
    """Happenings that can still enter or leave; what narrows them down, too."""
    assert not isinstance(one, Field)
    since = query.at if period.kind == "next" else query.at - step(period)
    parts = [thing.where, f"{thing.time} > {query.bind(since)}"]
    parts += [narrowed(query, thing, one) for one in one.filters]
    return f"{thing.table} WHERE {' AND '.join(parts)}"
