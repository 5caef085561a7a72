"""What is found before a letter is sent."""

from types import ModuleType
from typing import Any

import pytest
from sqlalchemy.orm import Session

from email_campaigns.letters import checks, spam, store
from email_campaigns.letters.render import Rendered
from foundation.records import Person
from tests.customers.world import say, shop
from tests.email_campaigns.letters.making import FOOTER, version, words
from tests.email_campaigns.letters.test_variables import ids


def codes(
    *blocks: dict[str, Any], purpose: str = "marketing", trigger: bool = False, **said: Any
) -> dict[str, str]:
    """Findings of a letter as code -> level."""
    return {one.code: one.level for one in checks.check(version(*blocks, **said), purpose, trigger=trigger)}


def test_sound_letter_has_no_findings() -> None:
    assert codes(words("Hello {{ customer.given_name or 'friend' }}"), FOOTER) == {}


@pytest.mark.parametrize(("blocks", "said", "expected"), [
    ([words("x")], {}, {"unsubscribe": "error"}),
    ([words("x"), {**FOOTER, "unsubscribe": False}], {}, {"unsubscribe": "error"}),
    ([words("x"), FOOTER], {"text": "no way out"}, {"unsubscribe-text": "warning"}),
    ([words("{{ customer.nmae }}"), FOOTER], {}, {"unknown": "error", "render": "error"}),
    ([words("{{ nobody.name or 'x' }}"), FOOTER], {}, {"unknown": "error"}),
    ([words("{{ product.name }}"), FOOTER], {}, {"trigger": "warning"}),
    ([words("x"), FOOTER], {"subject": ""}, {"subject": "error"}),
    ([words("x"), FOOTER], {"subject": "{{ customer.tags | count if 0 }}"}, {"subject": "error"}),
    ([words("x"), FOOTER], {"subject": "x" * 100}, {"subject-long": "warning"}),
    ([{"type": "image", "url": "https://s.kz/a.png"}, FOOTER], {}, {"alt": "warning"}),
    ([words("[a](https://localhost/x)"), FOOTER], {}, {"link": "warning"}),
    ([words("[a](https://10.0.0.1/x)"), FOOTER], {}, {"link": "warning"}),
    ([{"type": "mjml", "source": '<mj-text><a href="#">x</a></mj-text>'}, FOOTER], {}, {"link": "error"}),
    ([words("x"), FOOTER], {"text": "see https://[broken and {{ links.unsubscribe }}"}, {"link": "error"}),
    ([words("{{ 'x' * 19000 }}")] * 7 + [FOOTER], {}, {"weight": "warning"}),
    ([words("{{ 1 / customer.nothing }}"), FOOTER], {}, {"unknown": "error", "render": "error"}),
    ([words("{{ order.total ~ 5 > 3 }}"), FOOTER], {}, {"render": "error"}),
])  # fmt: skip
def test_findings(blocks: list[dict[str, Any]], said: dict[str, Any], expected: dict[str, str]) -> None:
    assert codes(*blocks, **said) == expected


def test_transactional_letter_needs_no_way_out() -> None:
    assert codes(words("x"), purpose="transactional") == {}
    assert codes(words("{{ product.name }}"), FOOTER, trigger=True) == {}


def test_empty_text_part() -> None:
    found = codes({"type": "image", "url": "https://s.kz/a.png", "alt": "A"}, purpose="transactional")
    assert found == {"text": "error"}


def test_each_language_is_looked_at() -> None:
    good = {"subject": "Hi", "blocks": [words("x"), FOOTER]}
    letter = store.draft("en", {"en": good, "ru": {**good, "blocks": [words("x")]}})
    assert [(one.language, one.code) for one in checks.check(letter)] == [("ru", "unsubscribe")]


def test_people_who_would_get_none_are_counted(session: Session, clock: ModuleType) -> None:
    source = shop(session)
    say(session, source,
        *[Person(external_id=f"p{n}", name="A B", given_name="A" if n else "") for n in range(4)],
        Person(external_id="c", kind="company", name="Trade LLC"))  # fmt: skip
    letter = store.create(session, "Spring", "marketing")
    text = {"subject": "Hi {{ customer.city }}", "blocks": [words("x"), FOOTER]}
    row = store.new_version(session, letter, "en", {"en": text})
    people = [one for (one,) in session.execute(store.text("SELECT id FROM customers"))]
    (found,) = checks.of(session, letter, row.id, people)
    assert (found.level, found.code) == ("warning", "missing")
    assert "5 of 5" in found.message and "“customer.city”" in found.message
    assert checks.refusals(session, letter, row.id) == []
    assert ids(session)


ANSWER = """X-Spam-Status: Yes, score=7.3 required=5.0 tests=A,B autolearn=no
Content analysis details:   (7.3 points, 5.0 required)

 pts rule name              description
---- ---------------------- --------------------------------------------------
 5.0 MANY_EXCLAMATIONS      Subject has many exclamations
-0.1 DKIM_VALID             Message has a valid signature
 2.4 HTML_IMAGE_ONLY        BODY: HTML has few words
"""


def test_spamassassins_answer_is_read() -> None:
    found = spam.read(ANSWER)
    assert isinstance(found, spam.Opinion)
    assert (found.score, found.limit) == (7.3, 5.0)
    assert [one[1] for one in found.rules] == ["MANY_EXCLAMATIONS", "HTML_IMAGE_ONLY"]
    assert isinstance(spam.read("nonsense"), str)


def test_no_spamassassin_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spam, "program", lambda: None)
    assert "isn't installed" in str(spam.opinion(Rendered("s", "p", "<p>h</p>", "t")))


@pytest.mark.skipif(spam.program() is None, reason="SpamAssassin isn't installed here")
def test_real_spamassassin_scores() -> None:
    found = spam.opinion(Rendered("Hello", "", "<p>Your order</p>", "Your order"))
    assert isinstance(found, spam.Opinion) and found.score < found.limit
