"""The public pages of letters in the reader's language: no English is left in any, and none can be forced."""

import html
import re
from datetime import timedelta

import msgspec
import pytest

from email_campaigns import suppression
from foundation.clock import now
from foundation.database import transaction
from foundation.records import Consent
from foundation.text import LANGUAGES, _, language
from kartoteka import translations
from tests.email_campaigns.delivery.world import person
from tests.people import JANUARY

OTHERS = LANGUAGES[1:]
ENGLISH = {str(one.id) for one in translations.template() if one.id}
NAV = re.compile(r"<nav.*?</nav>", re.S)
LATIN = re.compile(r"[A-Za-z]{2,}")
COMMON = re.compile(
    r"\b(?:the|you|your|if|this|of|and|from|letters?|we|is)\b", re.I
)  # where Latin is its script
OURS = re.compile(r"Shop|\S+•••\S+|Тема|Согласие|SMS")  # names, and what the shop itself wrote


@pytest.fixture
def letter(post):
    """A letter with all that its doors ask."""
    sms = Consent(channel="sms", given=True, at=JANUARY)
    post.sent(person(1, consents=(*person(1).consents, sms)), topic="Тема")
    wish = {"text": "Согласие", "form": "Spring", "until": (now() + timedelta(days=7)).isoformat()}
    post.house.do(
        "UPDATE deliveries SET context = CAST(:said AS jsonb)",
        said=msgspec.json.encode({"confirm": wish}).decode(),
    )
    return post


def speak(post, tag: str) -> None:
    post.house.do("UPDATE deliveries SET language = :tag", tag=tag)


def doors(post) -> dict[str, str]:
    kinds = {"unsubscribe": "u", "preferences": "p", "confirm": "d", "answer": "n"}
    return {kind: f"/m/{door}/{post.token(kind)}" for kind, door in kinds.items()}


def pages(post, stranger) -> dict[str, str]:
    """Every page of a letter as a person comes upon them."""
    at, sure = doors(post), {"sure": "yes"}
    found = {kind: stranger.get(path) for kind, path in at.items()}
    found["refused"] = stranger.post(at["answer"], data=sure)
    found["answered"] = stranger.post(at["answer"], data=sure | {"score": "9"})
    found["confirmed"] = stranger.post(at["confirm"], data=sure)
    found["saved"] = stranger.post(at["preferences"], data={"save": "yes", "email": "yes", "topic": "Тема"})
    found["unsubscribed"] = stranger.post(at["unsubscribe"], data=sure)
    with transaction(post.house.engine) as session:
        suppression.add(session, post.delivery.address, "bounce")
    found["stopped"] = stranger.get(at["preferences"])
    post.house.do(
        "UPDATE deliveries SET context = jsonb_set(context, '{confirm,until}', '\"2026-01-01T00:00:00Z\"')"
    )
    found["late"] = stranger.get(at["confirm"])
    post.house.do("UPDATE senders SET name = ''")
    found |= {f"nameless {kind}": stranger.get(path) for kind, path in at.items()}
    assert {one.status_code for one in found.values()} == {200, 410}
    return {name: one.text for name, one in found.items()}


@pytest.mark.parametrize("tag", OTHERS)
def test_no_english_is_left(letter, stranger, tag):
    speak(letter, f"{tag}-KZ")
    for name, page in pages(letter, stranger).items():
        assert f'<html lang="{tag}">' in page, name
        said = html.unescape(re.sub(r"<style.*?</style>|<[^>]*>", "\n", NAV.sub("", page), flags=re.S))
        assert not ENGLISH & {line.strip() for line in said.splitlines()}, name
        assert (COMMON if tag == "tr" else LATIN).findall(OURS.sub("", said)) == [], name
    assert [label for label in re.findall(r'aria-label="([^"]*)"', page) if label in ENGLISH] == []


def test_english_pages_are_what_they_were(letter, stranger):
    said = pages(letter, stranger)
    assert '<html lang="en">' in said["preferences"] and "What you get from Shop" in said["preferences"]


@pytest.mark.parametrize(("letters", "header", "spoken"), [
    ("ru", "ko,en;q=0.5", "ru"), ("", "ko,en;q=0.5", "ko"), ("de", "kk-KZ,ru;q=0.5", "kk"),
    ("de", "fr, de", "en"), ("", "", "en"), ("de", "ru;q=9" * 5_000, "en"), ("../ru", "tr;q=1", "tr"),
    ("{{", "\"><script>,ru;q=0", "en"),
])  # fmt: skip
def test_letters_language_comes_before_the_browsers(letter, stranger, letters, header, spoken):
    speak(letter, letters)
    page = stranger.get(doors(letter)["unsubscribe"], headers={"accept-language": header})
    assert page.status_code == 200 and f'<html lang="{spoken}">' in page.text and "<script" not in page.text


def test_what_is_not_there_speaks_the_browsers_language(stranger):
    for tag in LANGUAGES:
        page = stranger.get("/m/u/nothing", headers={"accept-language": tag})
        with language(tag):
            assert page.status_code == 404 and _("Nothing here") in page.text and f'lang="{tag}"' in page.text


def test_language_is_chosen_on_the_page(letter, stranger):
    path = doors(letter)["unsubscribe"]
    page = stranger.get(path).text
    assert re.findall(r'href="\?lang=(\w+)"', page) == list(LANGUAGES)
    assert re.findall(r'lang="(\w+)" aria-current="true"', page) == ["en"]
    page = stranger.get(f"{path}?lang=ko", headers={"accept-language": "ru"}).text
    assert '<html lang="ko">' in page
    further = re.search(r'href="(/m/p/[\w-]+\?lang=ko)"', page)
    assert further and '<html lang="ko">' in stranger.get(further[1]).text, "and stays chosen"
    saved = stranger.post(further[1], data={"none": "yes"}).text
    assert '<html lang="ko">' in saved and "저장되었습니다." in saved
    for hostile in ("xx", "%00", "../ru", "ru&lang=tr", '"><b>', "r" * 3_000):
        said = re.search(r'<html lang="(\w+)">', stranger.get(f"{path}?lang={hostile}").text)
        assert said and said[1] == ("tr" if "tr" in hostile else "en")


def test_ledger_has_the_persons_words_and_our_names_for_the_place(letter, stranger):
    speak(letter, "ru")
    stranger.post(doors(letter)["unsubscribe"], data={"sure": "yes"})
    query = "SELECT text, form FROM consents WHERE source_key LIKE 'letter:%'"
    assert [tuple(row) for row in letter.house.rows(query)] == [
        ("Я больше не хочу получать рекламные письма.", "unsubscribe page")
    ]


def test_whoever_guesses_is_told_so_in_their_language(stranger):
    said = [stranger.get("/m/u/x", headers={"accept-language": "tr"}) for _time in range(30)]
    assert said[-1].status_code == 429 and said[-1].text.startswith("Aynı anda çok fazla istek geldi.")
