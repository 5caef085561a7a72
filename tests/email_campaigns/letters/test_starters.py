"""Every starter in every language: it can be saved, passes its checks, and is the same letter everywhere."""

import re

import pytest
from sqlalchemy.orm import Session

from email_campaigns.letters import catalogue, checks, starters, store
from email_campaigns.letters.render import render
from foundation.errors import BadInput

TRIGGERS = {
    "welcome", "double_opt_in", "abandoned_browse", "abandoned_cart", "abandoned_checkout",
    "order_confirmation",
    "after_purchase", "review_request", "replenishment", "back_in_stock", "price_drop", "win_back",
    "birthday", "back_in_stock_asked",
    "invoice_due", "invoice_overdue", "nps",
}  # fmt: skip
EACH = [(key, language) for key in sorted(TRIGGERS) for language in starters.LANGUAGES]


def test_there_is_one_for_every_trigger() -> None:
    assert set(starters.everything()) == TRIGGERS
    assert starters.LANGUAGES == ("en", "ru", "tr", "kk", "ko")
    with pytest.raises(BadInput):
        starters.of("nothing")


@pytest.mark.parametrize(("key", "language"), EACH)
def test_starter_is_a_letter_without_findings(key: str, language: str) -> None:
    starter = starters.of(key)
    written = starter.written(language, "Bazaar", "1 Main street, Almaty")
    version = store.draft(language, {language: written})
    found = checks.check(version, starter.purpose, trigger=True)
    assert found == []
    letter = render(version, language, catalogue.example())
    assert letter.subject and letter.preheader and "1 Main street" in letter.html
    assert "{{" not in letter.html + letter.text + letter.subject and "@" not in str(written)
    assert len(letter.subject) <= 70 and len(letter.text) < 1500


@pytest.mark.parametrize(("key", "language"), EACH)
def test_starter_greets_whoever_has_no_name(key: str, language: str) -> None:
    context = catalogue.example()
    context["customer"].pop("given_name")
    context.pop("coupon")
    context.pop("shop")
    written = starters.of(key).written(language, "Bazaar", "1 Main street")
    letter = render(store.draft(language, {language: written}), language, context)
    assert "Anna" not in letter.html and not re.search(r" [,!]|,\s*!|\(\s*\)", letter.text)


@pytest.mark.parametrize("key", sorted(TRIGGERS))
def test_languages_say_the_same_things(key: str) -> None:
    words = starters.of(key).words
    for language in starters.LANGUAGES:
        assert set(words[language]) == set(words["en"]), language
        assert len({one["subject"] for one in words.values()}) == 5
        for name, said in words[language].items():
            assert bool(said) == bool(words["en"][name]), (language, name)


def test_starters_are_saved(session: Session) -> None:
    starter = starters.of("welcome")
    letter = store.create(session, starter.name("ru"), starter.purpose)
    texts = {one: starter.written(one, "Bazaar", "1 Main street") for one in starters.LANGUAGES}
    row = store.new_version(session, letter, "ru", texts)
    assert letter.name == "Приветствие" and set(row.texts) == set(starters.LANGUAGES)
