"""Duplicates: pairs that share a key but may be different people, waiting for a person's word."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session, aliased
from starlette.exceptions import HTTPException
from starlette.responses import Response

from console import card as cards
from console.templating import link
from console.web import Call, as_id
from customers import duplicates
from customers.tables import Customer, CustomerStats, Duplicate
from foundation.text import _

PAGE = 20


def listing(call: Call) -> Response:
    """The pairs that wait, the oldest first, and what was decided last."""
    after = call.query("after")
    page = duplicates.waiting(call.db, as_id(after) if after else None, PAGE)
    known = _cards(call.db, {side.id for pair in page.pairs for side in (pair.left, pair.right)})
    shown = [
        _pair(call, pair.id, pair.evidence, pair.rule, known[pair.left.id], known[pair.right.id])
        for pair in page.pairs
    ]
    return call.page(
        "duplicates.html",
        pairs=shown,
        after=after,
        older=link("/duplicates", after=page.next) if page.next else "",
        newer="/duplicates" if after else "",
        decided=_decided(call.db),
    )


def decide(call: Call) -> Response:
    """Same person or not; an operation that can be undone."""
    answer = call.text("decision")
    back = call.text("next", 500)
    place = back if back.startswith("/customers/") else link("/duplicates", after=call.text("after", 40))
    if answer == "joined":
        operation = duplicates.decide(call.db, call.id(), "joined", call.actor)
        return call.go(place, _("The two cards are one now."), operation.id)
    if answer == "different":
        operation = duplicates.decide(call.db, call.id(), "different", call.actor)
        return call.go(place, _("Kept apart. No rule joins these two again."), operation.id)
    raise HTTPException(400, _("Say whether they are the same person."))


def pairs_of(call: Call, card: UUID) -> list[cards.Pair]:
    """The waiting pairs a card is part of, at most three."""
    return [
        cards.pair(one.left, one.right, call.reader, proposal=one.id, why=str(one.evidence.get("why", "")))
        for one in duplicates.of_card(call.db, card)
    ]


def _cards(db: Session, ids: Collection[UUID]) -> dict[UUID, tuple[Customer, CustomerStats | None]]:
    if not ids:
        return {}
    rows = db.execute(
        select(Customer, CustomerStats)
        .outerjoin(CustomerStats, CustomerStats.customer_id == Customer.id)
        .where(Customer.id.in_(ids))
    )
    return {card.id: (card, stats) for card, stats in rows}


def _pair(
    call: Call, proposal: UUID, evidence: dict[str, object], rule: str,
    left: tuple[Customer, CustomerStats | None], right: tuple[Customer, CustomerStats | None],
) -> cards.Pair:  # fmt: skip
    """A pair with what both bought beside what they are."""
    why = str(evidence.get("why") or _("They share a key (%s).") % rule)
    bought = cards.PairRow(_("Bought"), _bought(call, left[1]), _bought(call, right[1]))
    return cards.pair(left[0], right[0], call.reader, proposal=proposal, why=why, extra=(bought,))


def _bought(call: Call, stats: CustomerStats | None) -> str:
    if stats is None or not stats.orders:
        return _("nothing")
    return f"{call.reader.number(stats.orders)} · {call.reader.money(stats.spent, stats.currency)}"


def _decided(db: Session) -> Sequence[object]:
    left, right = aliased(Customer), aliased(Customer)
    return db.execute(
        select(
            Duplicate.state, Duplicate.decided_at, Duplicate.operation_id, left.name.label("left"),
            right.name.label("right"),
        )
        .join(left, left.id == Duplicate.left_id)
        .join(right, right.id == Duplicate.right_id)
        .where(Duplicate.state != "waiting")
        .order_by(Duplicate.decided_at.desc())
        .limit(5)
    ).all()  # fmt: skip
