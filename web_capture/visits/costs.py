"""What advertising cost, from CSV files as advertisers and spreadsheets write them."""

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from customers.undo import Undone
from foundation import operations
from foundation.errors import BadInput
from foundation.tables import Operation
from foundation.text import _
from sync import undo as undoing
from web_capture.money import LARGEST, code_of, money

KIND = "costs"
MOST_BYTES, MOST_ROWS, LONGEST = 900_000, 10_000, 200
NAMED = 200  # bad rows that the operation names
_LINE = 10_000  # characters of a line that are read
_NAMES = {
    "date": "date day дата день tarih datum",
    "source": "source utmsource источник kaynak",
    "medium": "medium utmmedium канал тип",
    "campaign": "campaign campaignname utmcampaign кампания kampanya",
    "cost": "cost spend amount spent amountspent расход расходы стоимость cena maliyet",
    "currency": "currency currencycode валюта para",
}
_FIELDS = {name: wanted for wanted, names in _NAMES.items() for name in names.split()}
_ISO = re.compile(r"([0-9]{4})[-./]?([0-9]{2})[-./]?([0-9]{2})(?:[T ].*)?")
_DAY_FIRST = re.compile(r"([0-9]{1,2})([./-])([0-9]{1,2})[./-]([0-9]{4})")
_REPLACE = text(
    "UPDATE ad_costs c SET replaced_by = :operation FROM unnest(CAST(:days AS date[]),"
    " CAST(:sources AS text[]), CAST(:mediums AS text[]), CAST(:campaigns AS text[]),"
    " CAST(:currencies AS text[])) AS w (day, source, medium, campaign, currency)"
    " WHERE c.replaced_by IS NULL AND c.day = w.day"
    " AND c.source = w.source AND c.medium = w.medium AND c.campaign = w.campaign"
    " AND c.currency = w.currency"
)
_ADD = text(
    "INSERT INTO ad_costs (id, day, source, medium, campaign, currency, cost, operation_id)"
    " SELECT gen_random_uuid(), w.*, :operation FROM unnest(CAST(:days AS date[]), CAST(:sources AS text[]),"
    " CAST(:mediums AS text[]), CAST(:campaigns AS text[]), CAST(:currencies AS text[]),"
    " CAST(:costs AS numeric[])) AS w"
)
_SUCCESSORS = text(
    "SELECT p.id, x.replaced_by FROM ad_costs x"
    " JOIN ad_costs p USING (day, source, medium, campaign, currency)"
    " WHERE x.operation_id = :operation AND p.replaced_by = :operation AND p.operation_id <> :operation"
)
_STANDING = text("SELECT count(*) FROM ad_costs WHERE operation_id = :operation AND replaced_by IS NULL")
_WITHDRAW = text("UPDATE ad_costs SET replaced_by = :operation WHERE operation_id = :operation")
_PUT_BACK = text(
    "UPDATE ad_costs c SET replaced_by = w.successor"
    " FROM unnest(CAST(:ids AS uuid[]), CAST(:successors AS uuid[])) AS w (id, successor) WHERE c.id = w.id"
)


class Key(NamedTuple):
    """What there is one cost of."""

    day: date
    source: str
    medium: str
    campaign: str
    currency: str


class Bad(NamedTuple):
    """A row that can't be taken, and why."""

    line: int
    reason: str


@dataclass
class Plan:
    """What a file would bring."""

    text: str
    costs: dict[Key, Decimal] = field(default_factory=dict)
    rows: int = 0
    bad: list[Bad] = field(default_factory=list)
    replaced: int = 0

    @property
    def sums(self) -> dict[str, Decimal]:
        """What it adds up to, per currency."""
        found: dict[str, Decimal] = {}
        for key, cost in self.costs.items():
            found[key.currency] = found.get(key.currency, Decimal(0)) + cost
        return found


def plan(session: Session, body: bytes, currency: str = "") -> Plan:
    """What importing a file would do; `currency` is of rows that name none. BadInput for no such file."""
    made = read(decode(body), currency)
    made.replaced = _standing(session, made)
    return made


def decode(body: bytes) -> str:
    """The text of a file, in whichever usual encoding."""
    if body[:2] in (b"\xff\xfe", b"\xfe\xff"):
        found = body.decode("utf-16", "replace")
    else:
        try:
            found = body.decode("utf-8-sig")
        except UnicodeDecodeError:
            found = body.decode("cp1251", "replace")
    found = found.replace("\x00", "").replace("\r\n", "\n").replace("\r", "\n")
    if max(len(body), len(found.encode())) > MOST_BYTES:
        raise BadInput(_("The file is larger than 900 kB; split it by month."), "file")
    return found


def read(content: str, currency: str = "") -> Plan:
    """The costs in a text, a row on each line. Rows of one day and campaign add up."""
    if currency and not code_of(currency):
        raise BadInput(_("A currency is a code of three letters, such as KZT."), "currency")
    lines = content.split("\n")
    head = next((number for number, line in enumerate(lines[:20]) if len(_columns(line)[1]) >= 3), None)
    if head is None:
        raise BadInput(
            _("No header found. Name the columns date, source, medium, campaign, cost, currency."), "file"
        )
    mark, columns = _columns(lines[head])
    missing = [name for name in ("date", "source", "cost") if name not in columns]
    if missing:
        raise BadInput(_("The header lacks: %s.") % ", ".join(missing), "file")
    made = Plan(content)
    for number, line in enumerate(lines[head + 1 :], start=head + 2):
        # by itself: a quotation mark that nobody closed spoils its own row alone
        cells = _cells(line, mark)
        if not any(cell.strip() for cell in cells):
            continue
        made.rows += 1
        if made.rows > MOST_ROWS:
            raise BadInput(_("The file has more than 10,000 rows; split it by month."), "file")
        said = {name: cells[at].strip() for name, at in columns.items() if at < len(cells)}
        try:
            key, cost = _row(said, currency)
            made.costs[key] = _sum(made.costs.get(key, Decimal(0)), cost)
        except ValueError as error:
            made.bad.append(Bad(number, str(error)))
    return made


def _columns(line: str) -> tuple[str, dict[str, int]]:
    """The delimiter of a header, and where each field stands."""
    mark = max(";\t,|", key=line.count)
    found: dict[str, int] = {}
    for at, cell in enumerate(_cells(line, mark)):
        name = _FIELDS.get(re.sub(r"[\W_]+", "", cell).lower())
        if name:
            found.setdefault(name, at)
    return mark, found


def _cells(line: str, mark: str) -> list[str]:
    return next(csv.reader([line[:_LINE]], delimiter=mark), [])


def _sum(known: Decimal, cost: Decimal) -> Decimal:
    if known + cost > LARGEST:
        raise ValueError(_("with the rows before it, it is more than can be kept"))
    return known + cost


def _row(said: Mapping[str, str], currency: str) -> tuple[Key, Decimal]:
    """A row read; ValueError says what is wrong with it."""
    day = _day(said.get("date", ""))
    source = said.get("source", "").lower()[:LONGEST]
    if not source:
        raise ValueError(_("it names no source"))
    code = said.get("currency", "")
    if code and not code_of(code):
        raise ValueError(_("“%s” is no currency code") % code[:20])
    amount = money(said.get("cost", ""), code_of(code) or currency)
    if amount is None:
        raise ValueError(_("“%s” is no amount") % said.get("cost", "")[:30])
    if not amount["currency"]:
        raise ValueError(_("it names no currency"))
    medium, campaign = said.get("medium", "").lower()[:LONGEST], said.get("campaign", "")[:LONGEST]
    return Key(day, source, medium, campaign, amount["currency"]), Decimal(amount["amount"])


def _day(said: str) -> date:
    """A date as spreadsheets write it; 03/04/2026 is two dates, so it is none."""
    try:
        if found := _ISO.fullmatch(said):
            return date(int(found[1]), int(found[2]), int(found[3]))
        if found := _DAY_FIRST.fullmatch(said):
            first, second = int(found[1]), int(found[3])
            if found[2] == "/" and second > 12:
                first, second = second, first
            elif found[2] == "/" and first <= 12 and first != second:
                raise ValueError(_("“%s” may be two dates; write 2026-03-31") % said[:30])
            return date(int(found[4]), second, first)
    except ValueError as error:
        if "“" in str(error):
            raise
    raise ValueError(_("“%s” is no date") % said[:30])


def _values(costs: Mapping[Key, Decimal]) -> dict[str, object]:
    columns: Sequence[tuple[object, ...]] = list(zip(*costs, strict=True))
    names = ("days", "sources", "mediums", "campaigns", "currencies")
    return {**{name: list(column) for name, column in zip(names, columns, strict=True)},
            "costs": list(costs.values())}  # fmt: skip


def _standing(session: Session, made: Plan) -> int:
    """How many costs in force the file would replace."""
    if not made.costs:
        return 0
    values = _values(made.costs)
    values.pop("costs")
    query = text(
        "SELECT count(*) FROM ad_costs JOIN unnest(CAST(:days AS date[]), CAST(:sources AS text[]),"
        " CAST(:mediums AS text[]), CAST(:campaigns AS text[]), CAST(:currencies AS text[]))"
        " AS w (day, source, medium, campaign, currency) USING (day, source, medium, campaign, currency)"
        " WHERE replaced_by IS NULL"
    )
    return int(session.scalar(query, values) or 0)


def take(session: Session, made: Plan, actor: str, name: str = "") -> Operation:
    """Do what a plan says. What was known of the same days and campaigns is replaced, kept for the undo."""
    if not made.costs:
        raise BadInput(_("There is no usable row in this file."), "file")
    title = _("Advertising costs: %s") % (name or _("%s rows") % made.rows)
    operation = operations.begin(session, KIND, title, actor, {"name": name})
    # one at a time: two imports of the same days would each miss the other's
    session.execute(text("LOCK TABLE ad_costs IN SHARE ROW EXCLUSIVE MODE"))
    made.replaced = _standing(session, made)
    values = {"operation": operation.id, **_values(made.costs)}
    session.execute(_REPLACE, values)
    session.execute(_ADD, values)
    result = {"read": made.rows, "new": len(made.costs) - made.replaced, "changed": made.replaced,
              "bad": len(made.bad), "sums": {code: f"{sum_:f}" for code, sum_ in made.sums.items()},
              "lines": [list(one) for one in made.bad[:NAMED]]}  # fmt: skip
    operations.finish(session, operation, result)
    return operation


def undo(session: Session, operation_id: UUID, actor: str) -> int:
    """Take an import back: its costs go, those it replaced return; how many. BadInput when it can't be."""
    operation = operations.find(session, operation_id)
    if operation.kind != KIND or operation.state != "done":
        raise BadInput(_("This import can't be undone."), "operation")
    session.execute(text("LOCK TABLE ad_costs IN SHARE ROW EXCLUSIVE MODE"))
    # what it replaced takes its place: in force again, or replaced by the import that replaced this one
    rows = session.execute(_SUCCESSORS, {"operation": operation.id}).all()
    gone = int(session.scalar(_STANDING, {"operation": operation.id}) or 0)
    session.execute(_WITHDRAW, {"operation": operation.id})
    session.execute(_PUT_BACK, {"ids": [row[0] for row in rows], "successors": [row[1] for row in rows]})
    back = sum(row[1] is None for row in rows)
    operation.result = {**operation.result, "undo": {"back": back, "gone": gone}}
    operations.mark_undone(session, operation, actor)
    return back


@undoing.undoes(KIND)
def _undo(session: Session, operation: Operation, actor: str) -> Undone:
    undo(session, operation.id, actor)
    return Undone(operation)
