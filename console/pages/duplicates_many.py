"""Many duplicates decided at once: what would change, then one operation that one undo takes back."""

from typing import Any

from starlette.responses import Response

from console import pairs
from console.pages.duplicates import SCORES, filters
from console.templating import link
from console.web import Call
from customers import bulk, duplicates
from customers.bulk import Choice
from foundation.errors import BadInput, Permanent
from foundation.text import _

SAMPLES = 12


def show(call: Call) -> Response:
    """The plan: how many pairs and cards, what is left to a person, and some of the pairs.

    Nothing is planned before somebody has given an answer: a wrong one would be chosen by not looking.
    """
    rule, least = filters(call)
    place = duplicates.place(call.db)
    chosen: dict[str, Any] = {
        "rule": rule,
        "least": least,
        "rules": [(one, pairs.rule_words(one)) for one in place.rules],
        "scores": SCORES if place.scored or least else (),
    }
    if not call.query("answer", 20):
        return call.page("duplicates_many.html", answer="", plan=None, **chosen)
    choice = _choice(call)
    plan = bulk.plan(call.db, choice)
    samples = duplicates.these(call.db, plan.ids[:SAMPLES])
    return call.page(
        "duplicates_many.html",
        answer=choice.answer,
        plan=plan,
        samples=[
            pairs.pair(
                one.left, one.right, call.reader, proposal=one.id, why=str(one.evidence.get("why", ""))
            )
            for one in samples
        ],
        reasons=[(words, plan.left_out[key]) for key, words in _reasons().items() if key in plan.left_out],
        most=bulk.MOST,
        **chosen,
    )


def begin(call: Call) -> Response:
    """Carry the plan out, exactly as it was shown."""
    choice = _choice(call)
    try:
        operation = bulk.begin(call.db, choice, call.actor, call.text("plan", 40))
    except BadInput:
        raise
    except Permanent:
        said = _("The pairs have changed since you looked. This is the plan as it is now.")
        least = round(choice.least * 100) or ""
        back = link("/duplicates/many", rule=choice.rule, least=least, answer=choice.answer)
        return call.go(back, said)
    return call.go(f"/operations/{operation.id}")


def _choice(call: Call) -> Choice:
    rule, least = filters(call)
    answer = call.query("answer", 20) or call.text("answer", 20)
    if answer not in ("joined", "different"):
        raise BadInput(_("Say whether they are the same person."), "answer")
    return Choice("joined" if answer == "joined" else "different", rule, least / 100)


def _reasons() -> dict[str, str]:
    return {
        "tax": _("different tax numbers"),
        "kind": _("a person and a company"),
        "verdict": _("somebody said they are different"),
        "birthday": _("different birthdays"),
        "large": _("a chain of more than ten cards"),
    }
