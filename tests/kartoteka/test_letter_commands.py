"""Letters from the terminal: listed, shown as somebody gets them, checked."""

from uuid import uuid4

import pytest

from email_campaigns.letters import spam, starters, store
from foundation.database import transaction
from kartoteka.terminal import USAGE, WITH_PROBLEMS


@pytest.fixture
def letter(kartoteka, engine):
    """The id of a letter in two languages."""
    with transaction(engine) as session:
        made = store.create(session, "Hello", "marketing", "news")
        starter = starters.of("welcome")
        texts = {one: starter.written(one, "Bazaar", "1 Main street") for one in ("en", "ru")}
        store.new_version(session, made, "en", texts)
        return made.id


def test_letters_are_listed_page_by_page(kartoteka, engine, letter):
    with transaction(engine) as session:
        store.create(session, "Empty", "transactional")
    first = kartoteka("letter", "list", "--limit", 1, "--json").json
    assert [one["name"] for one in first["data"]] == ["Empty"] and first["data"][0]["number"] == 0
    rest = kartoteka("letter", "list", "--limit", 1, "--after", first["next"], "--json").json
    (one,) = rest["data"]
    assert (one["id"], one["languages"], one["topic"], rest["next"]) == (
        str(letter),
        ["en", "ru"],
        "news",
        None,
    )
    assert "Hello" in kartoteka("letter", "list").text
    assert "No letters yet" in kartoteka("letter", "list", "--archived").text


def test_letter_is_shown_as_somebody_gets_it(kartoteka, letter):
    shown = kartoteka("letter", "show", letter, "--json").json
    assert (shown["subject"], shown["language"], shown["number"]) == ("Welcome, Anna", "en", 1)
    assert "<html" in shown["html"] and "Hello, Anna!" in shown["text"] and shown["languages"] == ["en", "ru"]
    assert "Здравствуйте, Anna!" in kartoteka("letter", "show", letter, "--language", "ru-KZ").text
    assert kartoteka("letter", "show", letter, "--as", uuid4(), "--json").status == USAGE
    assert kartoteka("letter", "show", letter, "--version", 9, "--json").status == USAGE
    assert kartoteka("letter", "show", uuid4(), "--json").status == USAGE


def test_letter_is_checked(kartoteka, engine, letter, monkeypatch):
    monkeypatch.setattr(spam, "program", lambda: None)
    assert kartoteka("letter", "check", letter).text.strip() == "Nothing to mend."
    found = kartoteka("letter", "check", letter, "--spam", "--json")
    assert (found.status, found.json["findings"], found.json["spam"]["score"]) == (0, [], None)
    with transaction(engine) as session:
        row = store.find(session, letter)
        store.new_version(
            session, row, "en", {"en": {"subject": "", "blocks": [{"type": "text", "text": "{{ nope }}"}]}}
        )
    found = kartoteka("letter", "check", letter, "--json")
    codes = {one["code"] for one in found.json["findings"]}
    assert found.status == WITH_PROBLEMS and {"subject", "unknown", "unsubscribe"} <= codes
    assert found.json["errors"] == sum(one["level"] == "error" for one in found.json["findings"])
    assert kartoteka("letter", "check", letter, "--version", 1).status == 0
