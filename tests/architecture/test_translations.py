"""What a shop's customers see is translated: all of it, into each language, with nothing left over."""

import re

import pytest
from babel.messages.pofile import read_po

from email_campaigns.letters import words
from email_campaigns.letters.starters import LANGUAGES as STARTERS
from foundation.text import LANGUAGES, catalogue
from kartoteka import translations
from web_capture.forms.spec import LANGUAGES as FORMS

PLACE = re.compile(r"%\(\w+\)[sd]|%[sd%]|\{\w*\}")
SCRIPTS = {"ru": "[а-яё]", "kk": "[а-яәғқңөұүһі]", "ko": "[가-힣]"}
TRANSLATED = LANGUAGES[1:]


def messages(language):
    """Every text of a catalogue with its translation, or its translations where it counts."""
    with catalogue(language).open("rb") as file:
        found = [one for one in read_po(file, language) if one.id]
    assert len(found) > 70
    return found


def forms(said):
    return said if isinstance(said, tuple) else (said,)


def places(said):
    return sorted(PLACE.findall(said))


@pytest.mark.parametrize("language", TRANSLATED)
def test_catalogue_has_the_texts_of_today(language):
    assert catalogue(language).read_text("utf-8") == translations.written(language), "run: make texts"


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_text_is_translated(language):
    here = re.compile(SCRIPTS.get(language, "."), re.I)
    missing = [
        one.id for one in messages(language)
        if one.fuzzy or not all(here.search(said) for said in forms(one.string)) or one.string == one.id
    ]  # fmt: skip
    assert not missing


@pytest.mark.parametrize("language", TRANSLATED)
def test_placeholders_agree(language):
    wrong = [
        one.id for one in messages(language)
        if any(places(said) != places(forms(one.id)[-1]) for said in forms(one.string))
    ]  # fmt: skip
    assert not wrong


@pytest.mark.parametrize("language", TRANSLATED)
def test_counts_have_the_forms_of_their_language(language):
    with catalogue(language).open("rb") as file:
        found = read_po(file, language)
    assert language != "ru" or found.num_plurals == 3
    assert all(len(forms(one.string)) == found.num_plurals for one in found if one.pluralizable)


def test_whatever_customers_see_speaks_the_same_languages():
    assert set(LANGUAGES) == set(words.WORDS) == set(STARTERS) == set(FORMS)
    assert all(said.keys() == words.WORDS["en"].keys() for said in words.WORDS.values())


def test_only_what_customers_see_is_in_the_catalogues():
    found = {str(one.id) for one in translations.template()}
    assert "You are unsubscribed" in found and "Hear of offers first" in found
    assert "Choose one of the kinds." not in found, "staff see it, in the same file"
