"""Versions of letters: saved once, read often, never changed."""

from uuid import UUID, uuid4

import pytest
from sqlalchemy.orm import Session

from email_campaigns.letters import render, store
from email_campaigns.letters.spec import BadLetter
from email_campaigns.tables import Letter
from foundation.errors import BadInput

TEXT = {
    "subject": "Hello {{ customer.given_name or 'friend' }}",
    "blocks": [{"type": "text", "text": "Your order {{ order.number }}"}],
}


@pytest.fixture
def letter(session: Session) -> Letter:
    return store.create(session, "Spring", "marketing", "news", "olga@example.org")


def test_version_is_rendered(session: Session, letter: Letter) -> None:
    row = store.new_version(session, letter, "en", {"en": TEXT}, "olga@example.org")
    made = render.render(store.version(session, row.id), "en", {"order": {"number": "A<1>"}})
    assert (made.subject, made.language) == ("Hello friend", "en")
    assert "Your order A&lt;1&gt;" in made.html and "Your order A<1>" in made.text


def test_versions_count_up_and_same_text_is_the_same_version(session: Session, letter: Letter) -> None:
    first = store.new_version(session, letter, "en", {"en": TEXT})
    assert store.new_version(session, letter, "en", {"en": TEXT}).id == first.id
    second = store.new_version(session, letter, "en", {"en": TEXT | {"subject": "Other"}})
    assert [one.number for one in store.versions(session, letter.id)] == [2, 1]
    newest = store.newest(session, letter.id)
    assert newest is not None and newest.id == second.id


def test_saved_version_cannot_be_changed(session: Session, letter: Letter) -> None:
    row = store.new_version(session, letter, "en", {"en": TEXT})
    row.language = "ru"
    with pytest.raises(RuntimeError, match="is saved"):
        session.flush()


def test_version_is_compiled_once(session: Session, letter: Letter) -> None:
    row = store.new_version(session, letter, "en", {"en": TEXT})
    assert store.version(session, row.id) is store.version(session, row.id)
    with pytest.raises(BadInput, match="no such version"):
        store.version(session, uuid4())


def test_written_comes_back_as_it_was(session: Session, letter: Letter) -> None:
    row = store.new_version(session, letter, "en", {"en": TEXT | {"text": "My own words"}})
    again = store.written(row.texts["en"])
    assert (again["subject"], again["text"]) == (TEXT["subject"], "My own words")
    assert again["blocks"][0]["text"] == "Your order {{ order.number }}"
    assert store.new_version(session, letter, "en", {"en": again}).id == row.id


def test_mistakes_are_named_by_their_place(session: Session, letter: Letter) -> None:
    bad = {"subject": "{{ x", "blocks": [{"type": "button", "label": "Go", "url": "javascript:alert(1)"}]}
    with pytest.raises(BadLetter) as found:
        store.new_version(session, letter, "en", {"en": bad, "ru": TEXT})
    assert set(found.value.errors) == {"en/subject", "en/blocks/0/url"}
    assert store.newest(session, letter.id) is None


@pytest.mark.parametrize(("language", "texts"), [("en", {"ru": TEXT}), ("xx", {"xx": TEXT}), ("en", {})])
def test_languages_must_be_known(session: Session, letter: Letter, language: str, texts: dict) -> None:
    with pytest.raises(BadInput):
        store.new_version(session, letter, language, texts)


def test_list_pages_by_keyset(session: Session) -> None:
    for number in range(5):
        letter = store.create(session, f"Letter {number}", "transactional")
        store.new_version(session, letter, "en", {"en": TEXT, "ru": TEXT})
    names: list[str] = []
    after: UUID | None = None
    while True:
        rows, after = store.page(session, after, 2)
        names += [one.name for one in rows]
        assert all((one.number, one.languages) == (1, ("en", "ru")) for one in rows)
        if after is None:
            break
    assert names == [f"Letter {number}" for number in (4, 3, 2, 1, 0)]


def test_archived_letters_are_listed_apart(session: Session, letter: Letter) -> None:
    store.archive(session, letter)
    assert store.page(session)[0] == []
    assert [one.id for one in store.page(session, archived=True)[0]] == [letter.id]


@pytest.mark.parametrize(("name", "purpose"), [("", "marketing"), ("x" * 121, "marketing"), ("x", "spam")])
def test_letter_needs_name_and_purpose(session: Session, name: str, purpose: str) -> None:
    with pytest.raises(BadInput):
        store.create(session, name, purpose)
