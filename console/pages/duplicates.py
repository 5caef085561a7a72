"""Duplicates: pairs that may be one customer, one at a time and by keyboard, waiting for a person's word."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import text
from starlette.exceptions import HTTPException
from starlette.responses import Response

from console import pairs
from console.templating import link
from console.web import Call, as_id
from customers import duplicates
from foundation.errors import BadInput
from foundation.tables import Operation
from foundation.text import _
from sync.dedupe.opinion import opinion

SCORES = (50, 80, 90, 95, 99)  # percent that a filter offers

# the newest decisions of everybody, and the last pair of mine that stands: what the key for undo takes back
_LATEST = text("""
WITH newest AS (SELECT id FROM operations WHERE kind = 'verdict' ORDER BY started_at DESC, id DESC LIMIT 5),
mine AS (SELECT id FROM operations WHERE kind = 'verdict' AND state = 'done' AND actor = :me
  AND jsonb_exists(args, 'duplicate') ORDER BY started_at DESC, id DESC LIMIT 1)
SELECT o.id, o.title, o.actor, o.state, o.started_at, o.args ->> 'duplicate' AS pair,
  EXISTS (SELECT FROM mine WHERE mine.id = o.id) AS mine
FROM operations o WHERE o.id IN (SELECT id FROM newest UNION SELECT id FROM mine)
ORDER BY o.started_at DESC, o.id DESC
""")


def show(call: Call) -> Response:
    """The pair to look at, its neighbours, and what was decided last."""
    rule, least = filters(call)
    at = call.query("at", 40)
    place = duplicates.place(call.db, as_id(at) if at else None, rule, least / 100)

    def full(found: duplicates.Pair) -> pairs.Pair:
        said = opinion(call.db, found.left.id, found.right.id)
        return pairs.full(call.db, found, call.reader, said)

    def go(pair: UUID | None) -> str:
        return link("/duplicates", at=pair, rule=rule, least=least or "") if pair else ""

    return call.page(
        "duplicates.html",
        place=place,
        pair=full(place.pair) if place.pair else None,
        found_at=place.pair.found_at if place.pair else None,
        before=go(place.before),
        after=go(place.after),
        said=lambda answer: {"decision": answer, "rule": rule, "least": least or ""},
        rules=[(one, pairs.rule_words(one)) for one in sorted({*place.rules, *([rule] if rule else [])})],
        rule=rule,
        scores=SCORES if place.scored or least else (),
        least=least,
        most=duplicates.COUNTED,
        latest=_latest(call, rule, least),
    )


def _latest(call: Call, rule: str, least: int) -> Sequence[dict[str, Any]]:
    """Decisions with the page an undo leads back to: the pair itself."""
    return [
        {**row._mapping, "back": link("/duplicates", at=row.pair, rule=rule, least=least or "")}
        for row in call.db.execute(_LATEST, {"me": call.actor})
    ]


def filters(call: Call) -> tuple[str, int]:
    """The rule and the least score, in percent, that somebody asks for."""
    least = call.query("least", 3) or call.text("least", 3)
    if least and not (least.isascii() and least.isdigit() and int(least) <= 100):
        raise BadInput(_("The score is a whole number from 0 to 100."), "least")
    return call.query("rule", 60) or call.text("rule", 60), int(least or 0)


def decide(call: Call) -> Response:
    """Same person or not; an operation that can be undone. Who comes second learns who was faster."""
    answer = call.text("decision")
    if answer not in ("joined", "different"):
        raise HTTPException(400, _("Say whether they are the same person."))
    back = call.text("next", 500)
    if not back.startswith("/customers/"):
        rule, least = filters(call)
        back = link("/duplicates", at=call.id(), rule=rule, least=least or "")
    try:
        operation = duplicates.decide(
            call.db, call.id(), "joined" if answer == "joined" else "different", call.actor
        )
    except duplicates.Decided as faster:
        return call.go(back, _faster(faster), faster.operation.id if faster.operation else None)
    said = _("The two cards are one now.")
    if answer == "different":
        said = _("Kept apart. No rule joins these two again.")
    return call.go(back, said, operation.id)


def _faster(decided: duplicates.Decided) -> str:
    """Who decided before us, and what."""
    said = {
        "joined": _("the two are one customer"),
        "different": _("the two are two customers"),
        "deciding": _("it is being decided with many others"),
    }.get(decided.state, decided.state)
    who: Operation | None = decided.operation
    if who is None:
        return _("Somebody was faster: %s.") % said
    return _("%(who)s was faster: %(said)s.") % {"who": who.actor, "said": said}


def pairs_of(call: Call, card: UUID) -> list[pairs.Pair]:
    """The waiting pairs a card is part of, at most three."""
    return [
        pairs.pair(one.left, one.right, call.reader, proposal=one.id, why=str(one.evidence.get("why", "")))
        for one in duplicates.of_card(call.db, card)
    ]
