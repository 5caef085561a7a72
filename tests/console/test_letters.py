"""The pages of letters: what they show, what they keep, what they refuse."""

import re
from typing import Any

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from console.pages import letter_preview
from customers.tables import Customer
from email_campaigns.letters import spam, store
from email_campaigns.tables import Letter, LetterVersion
from foundation.database import transaction
from foundation.records import Person
from tests.console.conftest import Browser
from tests.console.lettered import id_of, made, typed
from tests.console.test_hostile import PAYLOADS, shape
from tests.console.test_queries import counted
from tests.customers.world import say, shop

NEW = {
    "starter": "welcome",
    "name": "Hello",
    "language": "ru",
    "company": "Bazaar",
    "address": "1 Main street",
}


def newest(engine: Engine, path: str) -> LetterVersion:
    with Session(engine) as session:
        found = store.newest(session, id_of(path))
        assert found is not None
        session.expunge(found)
        return found


def customer(engine: Engine, **said: Any) -> str:
    """The id of a customer."""
    with transaction(engine) as session:
        say(session, shop(session), Person(external_id="a", emails=("anna@mail.example",), **said))
        return str(session.scalar(select(Customer.id)))


def test_first_letter_is_made_from_a_starter(browser: Browser, engine: Engine) -> None:
    assert "No letters yet" in browser.see("/letters")
    assert "Abandoned cart" in browser.see("/letters/new")
    answer = browser.submit("/letters/new", **NEW, languages=["kk", "ru"])
    path = answer.headers["location"]
    page = browser.see(path)
    assert "Рады, что вы с нами" in page and "казахский" not in page
    row = newest(engine, path)
    assert (row.number, row.language, set(row.texts)) == (1, "ru", {"ru", "kk"})
    assert "Hello" in browser.see("/letters") and "1 Main street" in browser.see("/letters/new")


def test_empty_letter_in_a_language_without_starters(browser: Browser, engine: Engine) -> None:
    answer = browser.submit(
        "/letters/new", **NEW | {"starter": "", "language": "de", "purpose": "transactional"}
    )
    row = newest(engine, answer.headers["location"])
    assert row.language == "de" and row.texts["de"]["blocks"][-1]["type"] == "footer"


@pytest.mark.parametrize(
    "wrong", [{"address": ""}, {"starter": "nope"}, {"language": "xx"}, {"starter": "", "name": ""}]
)
def test_letter_that_cannot_be_made_says_why(browser: Browser, engine: Engine, wrong: dict[str, str]) -> None:
    browser.see("/letters/new")
    page = browser.submit("/letters/new", 422, **NEW | wrong).text
    assert 'class="notice bad"' in page
    with Session(engine) as session:
        assert session.scalar(select(Letter)) is None


def test_unchanged_saving_makes_no_version(browser: Browser, engine: Engine) -> None:
    path = made(engine, "order_confirmation")
    before = newest(engine, path)
    browser.submit(path, **typed(browser.see(path)) | {"do": "save"})
    assert newest(engine, path).number == 1
    browser.submit(path, **typed(browser.see(path)) | {"do": "save", "subject": "Other"})
    after = newest(engine, path)
    assert (after.number, after.texts["en"]["subject"], after.created_by) == (2, "Other", "olga@example.org")
    assert after.texts["en"]["blocks"] == before.texts["en"]["blocks"]


@pytest.mark.parametrize(
    "key", ["welcome", "abandoned_browse", "win_back", "price_drop", "nps", "double_opt_in"]
)
def test_every_starter_comes_back_as_it_was(browser: Browser, engine: Engine, key: str) -> None:
    path = made(engine, key, "ko")
    for language in ("en", "ko"):
        browser.submit(path, **typed(browser.see(f"{path}?language={language}")) | {"do": "save"})
    assert newest(engine, path).number == 1


ALL = [
    {"type": "heading", "text": "H", "level": 3, "align": "center"},
    {"type": "text", "text": "T\n\n**b**", "align": "right"},
    {"type": "button", "label": "L", "url": "https://s.kz/", "align": "left"},
    {"type": "image", "url": "https://s.kz/a.png", "alt": "A", "link": "https://s.kz/", "width": 120},
    {"type": "divider"}, {"type": "spacer", "height": 7}, {"type": "order", "totals": False, "limit": 3},
    {"type": "cart", "limit": 4, "button": "B"},
    {"type": "products", "source": "chosen", "skus": ["A", "B"], "limit": 2},
    {"type": "coupon", "code": "TEN", "note": "n", "when": "coupon"},
    {"type": "mjml", "source": "<mj-text>x</mj-text>"},
    {"type": "columns", "columns": [[{"type": "text", "text": "l"}, {"type": "divider"}], [],
                                    [{"type": "heading", "text": "r", "each": "x in customer.tags"}]]},
    {"type": "footer", "company": "C", "address": "A", "reason": "R", "unsubscribe": True,
        "preferences": False, "view": False},
]  # fmt: skip


def test_every_block_comes_back_as_it_was(browser: Browser, engine: Engine) -> None:
    path = made(engine)
    with transaction(engine) as session:
        letter = store.find(session, id_of(path))
        look = {"accent": "#112233", "background": "#ffffff", "paper": "#eeeeee", "text": "#000000"}
        text = {"subject": "S", "preheader": "P", "blocks": ALL, "look": look, "text": "Own words"}
        store.new_version(session, letter, "en", {"en": text})
    browser.submit(path, **typed(browser.see(path)) | {"do": "save"})
    row = newest(engine, path)
    assert row.number == 2 and row.texts["en"]["look"] == look and row.texts["en"]["text"] == "Own words"


def test_blocks_are_added_moved_and_removed_without_a_script(browser: Browser, engine: Engine) -> None:
    path = made(engine, "welcome")  # heading, text, button, footer

    def order(page: str) -> list[str]:
        return re.findall(r'name="b\d+_type" value="(\w+)"', page)

    said = typed(browser.see(path)) | {"subject": "Not lost"}
    page = browser.submit(path, 200, **said | {"do": "remove:2"}).text
    assert order(page) == ["heading", "text", "footer"]
    page = browser.submit(path, 200, **typed(page) | {"do": "add:button"}).text
    assert order(page) == ["heading", "text", "button", "footer"]
    page = browser.submit(path, 200, **typed(page) | {"do": "up:2"}).text
    assert order(page) == ["heading", "button", "text", "footer"]
    page = browser.submit(path, 200, **typed(page) | {"do": "remove:0"}).text
    page = browser.submit(path, 200, **typed(page) | {"do": "add:columns"}).text
    page = browser.submit(path, 200, **typed(page) | {"do": "add:image:2.1"}).text
    assert 'name="b2.1.1_type" value="image"' in page
    page = browser.submit(path, 200, **typed(page) | {"do": "down:2.1.0"}).text
    assert 'name="b2.1.0_type" value="image"' in page and typed(page)["subject"] == "Not lost"
    page = browser.submit(path, 200, **typed(page) | {"b2_columns": "1", "do": "none"}).text
    assert 'name="b2.0.2_type"' in page and 'name="b2.1.0_type"' not in page
    assert newest(engine, path).number == 1


@pytest.mark.parametrize("do", [
    "up:0", "down:99", "up:-1", "remove:", "remove:x", "add:nope", "add:", "add:footer:0.0", "up:0.0.0",
    "up:1.2", "remove:9.9.9", "add:text:99.0", "up:" + "9" * 50, "down:²",
])  # fmt: skip
def test_odd_acts_change_nothing(browser: Browser, engine: Engine, do: str) -> None:
    path = made(engine, "nps")
    said = typed(browser.see(path))
    page = browser.submit(path, 200, **said | {"do": do}).text
    assert typed(page) == said


def test_mistakes_stay_at_their_fields(browser: Browser, engine: Engine) -> None:
    path = made(engine)
    with transaction(engine) as session:
        store.new_version(
            session, store.find(session, id_of(path)), "en", {"en": {"subject": "S", "blocks": ALL}}
        )
    wrong = {"b2_url": "javascript:x", "b1_text": "{% if x %}", "b3_width": "x", "subject": "{{ x"}
    for name in wrong:
        said = typed(browser.see(path)) | {name: wrong[name], "do": "save"}
        page = browser.submit(path, 422, **said).text
        assert f'id="h-{name}"' in page and typed(page)[name] == wrong[name], name
    said = typed(browser.see(path)) | {
        "b11.0.0_text": "{{",
        "b9_when": "a b",
        "look_accent": "red",
        "do": "save",
    }
    page = browser.submit(path, 422, **said).text
    assert 'class="error"' in page
    page = browser.submit(path, 422, **said | {"look_accent": "#112233"}).text
    assert 'id="h-b11.0.0_text"' in page and 'id="h-b9_when"' in page
    assert newest(engine, path).number == 2


def test_name_purpose_and_topic_are_kept(browser: Browser, engine: Engine) -> None:
    path = made(engine)
    said = typed(browser.see(path)) | {
        "do": "save",
        "name": "Spring",
        "purpose": "transactional",
        "topic": "News",
    }
    browser.submit(path, **said)
    page = browser.see(path)
    assert "Spring" in page and "topic: News" in page and newest(engine, path).number == 1
    assert 'id="h-name"' in browser.submit(path, 422, **said | {"name": "x" * 121}).text


def test_languages_are_added_changed_and_dropped(browser: Browser, engine: Engine) -> None:
    path = made(engine)
    browser.see(path)
    answer = browser.submit(f"{path}/languages", do="add", tag="tr")
    assert answer.headers["location"] == f"{path}?language=tr"
    said = typed(browser.see(f"{path}?language=tr")) | {"subject": "Sepet", "do": "save"}
    browser.submit(path, **said)
    row = newest(engine, path)
    assert (row.texts["tr"]["subject"], row.texts["en"]["subject"]) == (
        "Sepet",
        "You left something in your cart",
    )
    assert "Sepete dön" in row.texts["tr"]["text"] or "Back to the cart" in row.texts["tr"]["text"]
    browser.submit(f"{path}/languages", do="main", tag="tr")
    assert newest(engine, path).language == "tr"
    browser.submit(f"{path}/languages", do="drop", tag="tr")  # its own stays
    browser.submit(f"{path}/languages", do="drop", tag="en")
    assert set(newest(engine, path).texts) == {"tr"}
    browser.submit(f"{path}/languages", 422, do="add", tag="xx")


def test_text_part_is_made_and_ones_own(browser: Browser, engine: Engine) -> None:
    path = made(engine)
    page = browser.see(f"{path}/text")
    assert "made from the blocks" in page and "Unsubscribe: {{ links.unsubscribe }}" in page
    browser.submit(f"{path}/text", do="save", language="en", said="Come back, {{ customer.name }}")
    assert "your own words" in browser.see(f"{path}/text")
    browser.submit(path, **typed(browser.see(path)) | {"do": "save", "subject": "Changed"})
    assert newest(engine, path).texts["en"]["text"] == "Come back, {{ customer.name }}"
    page = browser.submit(f"{path}/text", 422, do="save", language="en", said="{{ broken").text
    assert "{{ broken" in page and 'id="h-said"' in page
    browser.submit(f"{path}/text", do="made", language="en", said="x")
    assert not newest(engine, path).texts["en"]["own_text"]


def test_old_version_can_be_looked_at_and_saved_again(browser: Browser, engine: Engine) -> None:
    path = made(engine)
    browser.submit(path, **typed(browser.see(path)) | {"do": "save", "subject": "Second"})
    assert f"{path}?version=1" in browser.see(f"{path}/versions")
    page = browser.see(f"{path}?version=1")
    assert "You look at version 1" in page
    browser.submit(path, **typed(page) | {"do": "save"})
    row = newest(engine, path)
    assert (row.number, row.texts["en"]["subject"]) == (3, "You left something in your cart")
    browser.see(f"{path}?version=99", 404)


def test_letter_is_put_away_and_taken_out(browser: Browser, engine: Engine) -> None:
    path = made(engine)
    browser.see(path)
    browser.submit(f"{path}/archive")
    assert "No letters yet" in browser.see("/letters") and path in browser.see("/letters?show=archived")
    browser.submit(f"{path}/archive")
    assert path in browser.see("/letters")


def test_preview_has_a_policy_of_its_own(browser: Browser, engine: Engine) -> None:
    path = made(engine)
    answer = browser.get(f"{path}/preview")
    policy = answer.headers["content-security-policy"]
    for rule in (
        "default-src 'none'",
        "sandbox",
        "form-action 'none'",
        "base-uri 'none'",
        "frame-ancestors 'self'",
    ):
        assert rule in policy
    assert "script-src" not in policy and "unsafe-inline" in policy.split("style-src")[1].split(";")[0]
    assert policy == letter_preview.POLICY.format(images="'self'")
    page = browser.get(path)
    assert "unsafe" not in page.headers["content-security-policy"]
    assert 'sandbox=""' in page.text and "pointer-events: none" in answer.text


def test_preview_loads_pictures_of_the_author_only(browser: Browser, engine: Engine) -> None:
    path = made(engine)
    with transaction(engine) as session:
        blocks = [{"type": "image", "url": "https://pictures.kz/a.png", "alt": "A"},
                  {"type": "image", "url": "{{ cart.url }}", "alt": "B"}]  # fmt: skip
        store.new_version(
            session, store.find(session, id_of(path)), "en", {"en": {"subject": "S", "blocks": blocks}}
        )
    answer = browser.get(f"{path}/preview")
    policy = answer.headers["content-security-policy"]
    assert "https://pictures.kz/a.png" in answer.text and 'src="https://shop.example' not in answer.text
    assert "img-src 'self' https://pictures.kz;" in policy


def test_preview_is_of_a_chosen_customer_in_their_way(browser: Browser, engine: Engine) -> None:
    path = made(engine, "welcome", "ru")
    anna = customer(engine, name="Anna Y", given_name="Anna <b>")
    assert "Anna" in browser.see(f"{path}/preview")
    shown = browser.see(f"{path}/preview?as={anna}&language=ru")
    assert "Здравствуйте, Anna &lt;b&gt;!" in shown
    assert "@media all" in browser.see(f"{path}/preview?look=dark")
    assert "@media not all" in browser.see(f"{path}/preview?look=phone")
    text = browser.see(f"{path}/preview?look=text&as={anna}")
    assert "Subject: Welcome, Anna &lt;b&gt;" in text and "Unsubscribe: https://" in text
    assert "no such customer" in browser.see(f"{path}/preview?as=nonsense")


def test_preview_says_who_would_get_no_letter(browser: Browser, engine: Engine) -> None:
    path = made(engine)
    anna = customer(engine, name="Anna Y")
    shown = browser.see(f"{path}/preview?as={anna}")
    assert "This customer would get no letter" in shown and "cart.lines" in shown


def test_preview_draws_what_is_typed_and_saves_nothing(browser: Browser, engine: Engine) -> None:
    path = made(engine)
    said = typed(browser.see(path)) | {"b0_text": "Not saved <i>"}
    answer = browser.submit(f"{path}/preview", 200, **said)
    assert "Not saved &lt;i&gt;" in answer.text
    answer = browser.submit(f"{path}/preview", 200, **said | {"b0_text": "{{ broken", "look": "text"})
    assert "not closed" in answer.text
    assert newest(engine, path).number == 1


def test_customers_are_found_to_be_shown_as(browser: Browser, engine: Engine) -> None:
    path = made(engine)
    anna = customer(engine, name="Anna Yudina", given_name="Anna")
    page = browser.see(path)
    assert f'value="{anna}"' in page
    page = browser.submit(path, 200, **typed(page) | {"who": "yudin", "do": "find"}).text
    assert f'value="{anna}"' in page
    page = browser.submit(path, 200, **typed(page) | {"who": "zzzz", "as": anna, "do": "find"}).text
    assert f'value="{anna}" selected' in page


def test_checks_are_shown(browser: Browser, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    path = made(engine, "price_drop")
    customer(engine, name="Anna Y")
    page = browser.see(f"{path}/checks")
    assert "would get no letter: they have no “product.name”" in page and "look at it" in page
    said = typed(browser.see(path)) | {"b4_unsubscribe": "", "do": "save"}
    said.pop("b4_unsubscribe")
    browser.submit(path, **said)
    assert "forbids sending" in browser.see(f"{path}/checks")
    monkeypatch.setattr(spam, "program", lambda: None)
    assert "SpamAssassin isn" in browser.see(f"{path}/checks")
    assert "SpamAssassin isn" in browser.submit(f"{path}/score", 200, language="en").text


def test_score_is_shown(browser: Browser, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    path = made(engine)
    monkeypatch.setattr(spam, "program", lambda: "/bin/true")
    monkeypatch.setattr(spam, "opinion", lambda made: spam.Opinion(6.5, 5.0, ((6.5, "RULE", "Shouts"),)))
    browser.see(f"{path}/checks")
    page = browser.submit(f"{path}/score", 200, language="en").text
    assert "6.5" in page and "Shouts" in page


def test_strangers_see_nothing(stranger: Browser, engine: Engine) -> None:
    path = made(engine)
    inner = ("", "/preview", "/text", "/versions", "/checks")
    for page in ("/letters", "/letters/new", *(path + one for one in inner)):
        answer = stranger.get(page, follow_redirects=False)
        assert (answer.status_code, answer.headers["location"][:8]) == (303, "/sign-in"), page


def hostile(engine: Engine, said: str) -> str:
    """A letter that says the same in every place it can, made by somebody of that name."""
    quoted = said.replace("{", "(").replace("}", ")").replace("%", "")
    blocks = [
        {"type": "heading", "text": quoted[:400]}, {"type": "text", "text": quoted},
        {"type": "button", "label": quoted[:400], "url": "https://s.kz/"},
        {"type": "coupon", "code": quoted[:400]},
        {"type": "image", "url": "https://s.kz/a.png", "alt": quoted[:400]},
        {"type": "products", "skus": [quoted[:100]], "button": quoted[:400]},
        {"type": "footer", "company": quoted[:400], "address": quoted[:400] or "x", "reason": quoted[:400]},
    ]  # fmt: skip
    with transaction(engine) as session:
        letter = store.create(session, said[:120], "marketing", said[:60], said)
        store.new_version(session, letter, "en", {"en": {"subject": quoted[:900], "blocks": blocks}}, said)
        return f"/letters/{letter.id}"


@pytest.mark.parametrize("said", PAYLOADS)
def test_hostile_texts_are_shown_only(browser: Browser, engine: Engine, said: str) -> None:
    tame, path = hostile(engine, "plain words"), hostile(engine, said)
    for page in ("", "/text", "/versions", "/checks"):
        shown, expected = shape(browser.see(path + page)), shape(browser.see(tame + page))
        assert not shown.bad, page
        assert page == "/checks" or shown.tags == expected.tags, page
    assert not shape(browser.see("/letters")).bad
    shown, expected = (shape(browser.see(f"{one}/preview")) for one in (path, tame))
    assert (shown.tags, shown.bad) == (expected.tags, expected.bad)  # a letter's own styles aside


COSTS = {"/letters": 2, "/letters/new": 3, "": 4, "/text": 3, "/versions": 4, "/checks": 10, "/preview": 5}


@pytest.mark.parametrize("page", COSTS)
def test_pages_of_letters_cost_their_queries(browser: Browser, engine: Engine, page: str) -> None:
    paths = [made(engine, "order_confirmation", "ru", "kk") for _number in range(3)]
    customer(engine, name="Anna Y")
    with counted(engine) as sent:
        browser.get(page if page.startswith("/letters") else paths[0] + page)
    assert len(sent) == COSTS[page], sent
