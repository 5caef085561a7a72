"""Who is in a segment, why one customer is or isn't, and putting customers on a list."""

import csv
import io
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Engine
from sqlalchemy.orm import Session
from starlette.datastructures import UploadFile
from starlette.responses import Response, StreamingResponse

from console.format import Reader, safe_cell
from console.pages import segments
from console.templating import link
from console.web import Call, as_id
from customers import graph
from customers.segments import explain, lists, people, store, words
from customers.segments.explain import Clause, Explanation
from customers.segments.fields import FIELDS
from customers.segments.tables import Segment
from customers.segments.tree import Did, Field
from customers.tables import Customer
from foundation.clock import now
from foundation.errors import BadInput
from foundation.text import _

PAGE = 50
FEW = 4  # conditions in a sentence
LARGEST = 20_000_000  # bytes of a list's file
EXPORTED = ("id", "name", "email", "phone", "country", "city", "language")


def show(call: Call) -> Response:
    """A page of members; of a list also the form that adds to it."""
    return _page(call, segments.find(call))


def _page(call: Call, segment: Segment, status: int = 200, **shown: Any) -> Response:
    before = call.query("before")
    rows, older = people.page(call.db, segment, before or None, PAGE)
    here = f"/segments/{segment.id}/people"
    return call.page(
        "segment_people.html", status, segment=segment, rows=rows, newer=bool(before),
        older=link(here, before=older) if older else "", **({"typed": "", "wrong": ""} | shown),
    )  # fmt: skip


def export(call: Call) -> Response:
    """All members as CSV, streamed; cells are safe to open in a spreadsheet."""
    segment = segments.find(call)
    return StreamingResponse(
        _csv(call.engine, segment.id),
        media_type="text/csv; charset=utf-8",
        headers={"content-disposition": 'attachment; filename="segment.csv"'},
    )


def _csv(engine: Engine, segment_id: UUID) -> Iterator[str]:
    yield "\ufeff" + _line([*EXPORTED, "since"])
    before: str | None = None
    while True:
        with Session(engine) as db:
            rows, before = people.page(db, db.get_one(Segment, segment_id), before, 500)
            ids = [one.customer.id for one in rows]
            cards = {card.id: card for card in db.query(Customer).filter(Customer.id.in_(ids))}
        yield "".join(
            _line([*(getattr(cards[one.customer.id], name) for name in EXPORTED), one.since])
            for one in rows
            if one.customer.id in cards
        )
        if before is None:
            return


def _line(cells: Any) -> str:
    out = io.StringIO()
    csv.writer(out).writerow([safe_cell(cell) for cell in cells])
    return out.getvalue()


def change(call: Call) -> Response:
    """Put customers on a list or take them off: pasted, uploaded, or one from their card."""
    segment = segments.find(call)
    back = f"/segments/{segment.id}/people"
    if call.text("customer"):
        return _one(call, segment, as_id(call.text("customer")))
    typed = _typed(call)
    try:
        found = lists.look_up(call.db, typed.splitlines())
        if not found.customers:
            raise BadInput(_("Nobody is known by any of these lines."), at="lines")
        if call.text("do") == "remove":
            operation = lists.remove(call.db, segment, found.customers, call.actor)
            said = _("%s customers are taken off.")
        else:
            missing = [*found.unknown, *found.several]
            operation = lists.add(call.db, segment, found.customers, call.actor, missing)
            said = _("%s customers are put on.")
    except BadInput as error:
        call.db.rollback()
        return _page(call, segments.find(call), 422, typed=typed[:10_000], wrong=error.message)
    count = operation.result.get("new", 0) + operation.result.get("changed", 0)
    notice = said % call.reader.number(count)
    if found.unknown or found.several:
        notice += " " + _("%(unknown)s lines are nobody's, %(several)s are several people's.") % {
            "unknown": call.reader.number(len(found.unknown)),
            "several": call.reader.number(len(found.several)),
        }  # fmt: skip
    return call.go(back, notice, operation.id)


def _one(call: Call, segment: Segment, customer: UUID) -> Response:
    card = graph.survivor(call.db, customer)
    act = lists.remove if call.text("do") == "remove" else lists.add
    operation = act(call.db, segment, [card], call.actor)
    said = _("Taken off the list.") if call.text("do") == "remove" else _("Put on the list.")
    return call.go(f"/customers/{card}?tab=segments", said, operation.id)


def _typed(call: Call) -> str:
    """What was pasted, or the lines of the file."""
    given = call.form.get("file")
    if isinstance(given, UploadFile) and given.filename:
        data = given.file.read(LARGEST + 1)
        if len(data) > LARGEST:
            raise BadInput(_("The file is larger than 20 MB; split it."), "file")
        return data.decode("utf-8-sig", "replace")
    return call.text("lines", 5_000_000)


def why(call: Call) -> Response:
    """Why one customer is in a segment or isn't."""
    segment = segments.find(call)
    customer = as_id(call.request.path_params["customer"])
    found = explain.explain(call.db, segment, customer, now())
    if found.customer != customer:
        return call.go(f"/segments/{segment.id}/people/{found.customer}")
    card = call.db.get_one(Customer, found.customer)
    return call.page(
        "segment_why.html", segment=segment, card=card, found=found, said=_said(found, call.reader),
        actual=actual, history=people.history(call.db, segment, found.customer), reasons=words.why,
        whole=store.texts(call.db, [segment]).get(segment.id, ""),
    )  # fmt: skip


def _said(found: Explanation, reader: Reader) -> list[str]:
    """The answer in sentences."""
    if not found.known:
        return [_("Nobody known yet: anonymous visitors are in no segment.")]
    because = _because([one for one in found.clauses if one.why], reader)
    since = reader.short(found.since) if found.since else ""
    what = f", {_('because %s') % because}." if because else "."
    if not found.inside:
        said = [_("Not in") + what]
    else:
        said = [(_("In since %s") % since if since else _("In, as of now")) + what]
    unknown = [one for one in found.clauses if one.truth is None and one.why]
    if unknown and not found.inside:
        said.append(_("What isn't known is not a “no”: it neither holds nor fails, so it lets nobody in."))
    return said + _decisive(found) + _turns(found, reader)


def _because(clauses: Sequence[Clause], reader: Reader) -> str:
    """Conditions with whether they hold and what is known: the first few in full."""
    words_ = {True: _("%s holds"), False: _("%s doesn't hold"), None: _("it isn't known whether %s")}
    said = []
    for one in clauses[:FEW]:
        known = actual(one, reader) if one.truth is not None else ""
        said.append(words_[one.truth] % f"“{one.text}”" + (f" ({known})" if known else ""))
    return "; ".join(said) + (" …" if len(clauses) > FEW else "")


def _decisive(found: Explanation) -> list[str]:
    """What alone would turn the answer."""
    alone = [f"“{one.text}”" for one in found.clauses if one.decides]
    if not alone:
        return []
    inside, outside = _("Would leave if this were otherwise: %s"), _("Would be in if this were otherwise: %s")
    return [(inside if found.inside else outside) % _(" or ").join(alone[:FEW])]


def _turns(found: Explanation, reader: Reader) -> list[str]:
    if found.turns_at is None:
        return []
    if found.inside:
        words_ = _("Would leave on %(when)s if nothing else happens, because of: %(what)s")
    else:
        words_ = _("Would enter on %(when)s if nothing else happens, because of: %(what)s")
    return [words_ % {"when": reader.short(found.turns_at), "what": "; ".join(found.turned)}]


def actual(one: Clause, reader: Reader) -> str:
    """What is known beside a condition, as a person reads it."""
    value = one.actual
    if isinstance(one.node, Field) and FIELDS[one.node.field].kind == "set" and value is None:
        return ""
    match value:
        case None:
            return _("never") if isinstance(one.node, Did) else _("not known")
        case datetime():
            return _("last %s") % reader.short(value) if isinstance(one.node, Did) else reader.short(value)
        case date():
            return reader.date(value)
        case int() | float() | Decimal():
            return reader.number(Decimal(str(value)).normalize() + 0)
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
