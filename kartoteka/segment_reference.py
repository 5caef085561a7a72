"""The page about segments in `docs/`: how their language is written, and the catalogue as it is."""

from collections.abc import Iterator

from customers.segments import words
from customers.segments.fields import FIELDS, OPS, PERIODS, Spec
from customers.segments.things import VERBS, Thing

PROSE = """
A segment says which customers are meant. The same conditions can be written as text, built with rows in
the console, or sent as JSON; each becomes the other. Lists are put together by hand. Pages:
`/segments`; commands: `kartoteka segment`; API: `/api/v1/segments`.

    orders.count(last 90 days) >= 2 and city = "Almaty" and not opened(any letter, last 30 days)

## How it is written

Conditions are joined by `and`, `or`, `not` and brackets; `and` binds closer than `or`. Texts stand in
double quotes (`\\"` for a quote inside), numbers without, amounts of money may name a currency: `spent
>= 500 EUR`. An error names line and column and what was expected.

**A field** is compared with `=`, `!=`, `<`, `<=`, `>`, `>=`, `in ("a", "b")`, `not in (…)`, `contains
"…"`, `starts with "…"`, `has "…"`, `is set`, `is not set`, or asked for a period. `contains` and
`starts with` don't look at upper and lower case, `=` does.

**What happened** has brackets. `opened(…)` is true when it happened at least once; `opened.count(…) >=
2` counts. Between the brackets stands what narrows it down, in any order, with commas: `letter
"Spring"` (or only the text for what it is about: `opened("Spring")`), `any letter`, a period, and for
events of the site properties: `event("Signed Up", plan = "pro", seats >= 5)`.

**Periods**: `last 30 days`, `more than 30 days ago`, `next 7 days` (birthdays, days when invoices are
due), `since 2026-03-01`, `before 2026-03-01`, `between 2026-03-01 and 2026-03-31` (both days included).
Units are minutes, hours, days (24 hours) and weeks; days of the calendar are those of UTC. Without a
period all counts.

## What isn't known is not a “no”

`city != "Almaty"` holds for customers whose city is known and another one. For a customer without a
city it is neither true nor false, and so is `not city = "Almaty"`: both leave them out. To have them
in, say so: `city != "Almaty" or city is not set`. What happened is always known: no order is zero
orders. An average of no orders isn't known.

## Money

Sums of orders are those of the currency most of the customer's orders have, or of the currency that is
named. Carts, invoices and debts need one: `debts.sum(more than 0 days ago) > 0 KZT` is everybody with
an overdue debt.

## Members

Who is in a segment is kept up to date while things happen and while time passes, usually within two
seconds, and compared with a look at everybody once a day; a difference is put right and becomes a
problem. Each enter and leave is kept with its time and reason. A mailing doesn't go by the kept
members: it looks at everybody anew when it starts. A letter, mailing, shop or list is meant by its
name. Cards that were merged take their place on lists along.
"""
_PERIODS = {"last": "last …", "ago": "more than … ago", "next": "next …"}


def cell(text: object) -> str:
    """Text that stays inside one cell of a table."""
    return " ".join(str(text).split()).replace("|", "\\|")


def page() -> Iterator[str]:
    """The language of segments and its catalogue."""
    yield "# Segments"
    yield PROSE.strip()
    labels, narrows = words.every(), words.filters()
    yield "\n## Fields\n"
    yield "| field | what | asked with |\n|---|---|---|"
    for spec in FIELDS.values():
        choices = f" ({', '.join(spec.choices)})" if spec.choices else ""
        yield f"| `{spec.name}` | {cell(labels[spec.name])}{choices} | {', '.join(_able(spec))} |"
    yield "\n## What happened\n"
    yield "| true or not | what | numbers | narrowed down by |\n|---|---|---|---|"
    for thing in VERBS.values():
        sums = ", ".join(f"`{thing.noun}.{name}`" for name in thing.sums)
        by = "; ".join(_by(thing, narrows)) or "–"
        yield f"| `{thing.verb}(…)` | {cell(labels[thing.verb])} | {sums} | {by} |"


def _able(spec: Spec) -> list[str]:
    ops = OPS[spec.kind]
    able = [f"`{op}`" for op in ops if op not in ("set", "not set", "during")]
    able += [f"`{_PERIODS.get(kind, kind)}`" for kind in PERIODS.get(spec.kind, ())]
    return [*able, "`is set`"] if "set" in ops else able


def _by(thing: Thing, narrows: dict[str, str]) -> Iterator[str]:
    for name, one in thing.by.items():
        choices = f" ({', '.join(one.choices)})" if one.choices else ""
        yield f"`{name}` {cell(narrows[name])}{choices}"
    if thing.properties:
        yield "properties"
