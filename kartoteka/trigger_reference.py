"""The page of docs/ about triggers, from what they declare."""

from collections.abc import Iterator

from email_campaigns import triggers
from email_campaigns.triggers.base import Field, Trigger
from kartoteka.segment_reference import cell

_BEFORE = """# Triggers

What [journeys](journeys.md) begin with; each is one file in `email_campaigns/triggers/`. A trigger says
who, when, about what, and when there is no need any more. Consent, suppression, the cap, quiet hours and
holdout are asked when the letter leaves, for triggers as for mailings ([sending](sending.md)).

## What holds for all

- **News only.** What happened before the journey was switched on, or more than a day before anybody
  looked, brings nobody in. Orders, consents and events from before their source was connected are
  history, as is everything of an imported file: the first load of a shop writes to nobody. Those that
  time brings about (a birthday, an invoice, the day on which the last order was 90 days ago) do look at
  what was imported.
- **Once.** Each occurrence has a name that stays the same, so a journey takes each in at most once,
  whatever is killed and however often it is asked.
- **What a page says is a claim.** Names, pictures and addresses of goods in carts come from the catalogue
  where the SKU is in it; a name that only a page told leads nowhere, and an address only to the site itself.
  Forms count when they came by our forms' own door.
- **Wakes at once.** What happens is looked at within seconds; what time brings about, every minute.
  Looking costs next to nothing: `pytest -s tests/email_campaigns/triggers/test_plans.py` shows the pages
  read over 100,000 rows of everything.

## Double opt-in

A form with *Confirm the e-mail first* keeps no consent. It writes `web.opt_in` on the lead's timeline,
with the exact words that were ticked, and the trigger *Confirm the address* sends `{{ links.confirm }}`.
Following the link shows the words and a button; nothing happens until the button is pressed, so scanners
confirm nothing. Then the ledger of consents has the words, the form and its version, the address the
button was pressed from, and when. An own “unsubscribe” of before is lifted; a bounce or a complaint is
not. The link is good for some days. The letter goes to the address that was typed: if the card's is
another one by then, none goes. A site's own server may ask for the same with its secret key: `track` with
the event `Opt-in Requested`, the properties `email` and `consent: [{"channel": "email", "text": "…",
"form": "…"}]`, and the address as a trait, too (`context.traits.email`). A page can't:
it would make us write to strangers.

## Back in stock, as asked

A form with *It asks to be told when the page's product is back* is shown only where the page says that
its one product is sold out: by schema.org markup (JSON-LD, `availability` of all offers `OutOfStock` or
`SoldOut`), or by the shop's template, which puts the form's place there with `data-sku` or
`data-product` (the shop's own id). Sending it writes `web.back_in_stock_asked` with the product, and a
consent of its own: purpose `back_in_stock`, with the words that were shown. That is consent to one
letter, not to marketing; boxes to tick in the same form are apart from it. The trigger writes once when
the product can be bought again; then the ask is done. Unsubscribing, by whatever letter, withdraws what
was asked for before. A site's own server may ask with its secret key: `track` with the event `Back In
Stock Requested`, the product's `sku` or `product_id`, and the address as a trait. A page can't.

## Would you recommend us

`{{ links.answer }}?score=9` shows eleven numbers with 9 chosen, and room for a few words; the button
answers. The answer stands on the timeline as `letter.answered` with `score` and `comment`; a later one
replaces it. Any letter may carry the link. Segments ask for it: `scores.last(last 90 days) <= 6`.
*Journeys > Scores* has the score (nines and tens less zeros to sixes, each person once with the last
answer) with an interval that stays true however often one looks, month by month, by journey, step and
mailing; under 30 people it is too early to say. The answers stand below it, by group and with a few
words only, and go out as CSV; in the terminal `kartoteka journey scores`.

## Each trigger
"""
_AFTER = """
## Write one

A new file in `email_campaigns/triggers/` with a `TRIGGER` is a new trigger; `base.py` says what it
promises. `entries` is one SELECT of customer_id, profile_id, key, at, context (variables for the letter,
money as `{"amount", "currency"}`) and cause; `over` is one condition. Both name tables without a schema
and take time from parameters, so that a back-test can show them the past. A starter letter of the same
name belongs to it (`email_campaigns/letters/starters/`). `tests/email_campaigns/triggers/test_plans.py`
finds it by itself and fails when it reads a large table from end to end."""


def page() -> Iterator[str]:
    """Every trigger with its settings."""
    yield _BEFORE
    for key in sorted(triggers.everything()):
        yield from _one(triggers.of(key))
    yield _AFTER


def _one(one: Trigger) -> Iterator[str]:
    yield f"\n### {one.name()} (`{one.key}`)\n"
    needless = f" No longer needed: {one.needless()}." if one.over else ""
    yield f"{one.about()}{needless}\n"
    wait = f"first a wait of {_span(*one.first_wait)}, " if one.first_wait else ""
    again = {"never": "once in a life", "each": "each time",
             "after": f"again after {_span(one.reentry.get('days', 0), 'days')}"}  # fmt: skip
    yield f"A new journey of it: {wait}{one.purpose} letter, {again[one.reentry['kind']]}."
    if one.fields:
        yield "\n| setting | usually | what |\n|---|---|---|"
        for field in one.fields:
            yield f"| `{field.name}` | {_usual(field)} | {cell(_words(field))} |"


def _span(amount: int, unit: str) -> str:
    return f"{amount} {unit.removesuffix('s') if amount == 1 else unit}"


def _usual(field: Field) -> str:
    if field.required:
        return "*has to be said*"
    return f"`{field.default}`" if field.default not in (None, "", ()) else "–"


def _words(field: Field) -> str:
    choices = (
        "; ".join(f"{value}: {words}" for value, words in field.choices().items()) if field.choices else ""
    )
    bounds = f"{field.lowest} to {field.highest}" if field.lowest is not None and field.highest else ""
    said = f"{field.label()} ({choices or bounds})" if choices or bounds else field.label()
    return f"{said}. {field.help()}".strip()
