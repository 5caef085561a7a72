"""Placeholders go through MJML unharmed wherever a letter may have one; loops stand around blocks."""

import re
from html.parser import HTMLParser
from typing import Any

import mrml
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from email_campaigns.letters import compiled, spec, store
from email_campaigns.letters.render import render
from email_campaigns.letters.spec import BadLetter
from tests.email_campaigns.letters.making import FOOTER, made, version, words

AWKWARD = "{{ 'a<b' ~ \"c>d\" ~ '&' ~ \"}}\" if 1 < 2 and 3 > 2 else '%}' }}"
SHOWN = "a<bc>d&}}"
VOID = {"area", "br", "col", "hr", "img", "input", "link", "meta", "source", "wbr"}


class Balance(HTMLParser):
    """Whether every element that is opened is closed in its place; what Outlook reads included."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.feed(re.sub(r"<!--\[if [^\]]*\]>(?:<!-->)?|(?:<!--)?<!\[endif\]-->", "", html))

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: object) -> None:
        if tag not in VOID and ":" not in tag:
            self.open.append(tag)
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open[-1] == tag, (tag, self.open[-5:])
        self.open.pop()


def balanced(html: str) -> bool:
    """True when it is; AssertionError names the place."""
    return not Balance(html).open


def test_mjml_alone_breaks_placeholders() -> None:
    """Why they are hidden: as they stand, MJML can't even be read."""
    source = "<mjml><mj-body><mj-raw>{% if a < 3 %}</mj-raw></mj-body></mjml>"
    with pytest.raises(OSError, match="unable to parse"):
        mrml.to_html(source)


EVERYWHERE: list[dict[str, Any]] = [
    {"type": "heading", "text": AWKWARD}, words(f"**{AWKWARD}** and *{AWKWARD}*\n\n- {AWKWARD}\n- x"),
    words(f"[{AWKWARD}](https://x.example/)"), {"type": "coupon", "code": AWKWARD, "note": AWKWARD},
    {"type": "button", "label": AWKWARD, "url": "https://x.example"},
    {"type": "image", "url": "https://x.example/a.png", "alt": AWKWARD},
    {"type": "columns", "columns": [[words(AWKWARD)], [{"type": "heading", "text": AWKWARD}]]},
    {"type": "mjml", "source": f"<mj-text>{AWKWARD}</mj-text>"},
    {"type": "mjml",
        "source": f"<mj-section><mj-column><mj-text>{AWKWARD}</mj-text></mj-column></mj-section>"},
    {**FOOTER, "company": AWKWARD},
]  # fmt: skip


@pytest.mark.parametrize("block", EVERYWHERE, ids=lambda one: one["type"])
def test_placeholder_survives_in_every_block(block: dict[str, Any]) -> None:
    letter = made(block, preheader=AWKWARD)
    escaped = "a&lt;bc&gt;d&amp;}}"
    wanted = str(block).count("c>d") + 1  # the preheader's
    assert letter.html.count(escaped) >= wanted
    assert SHOWN not in letter.html and balanced(letter.html)
    assert block["type"] in ("image", "mjml") or SHOWN in letter.text
    assert letter.preheader == SHOWN


def test_address_keeps_its_signs() -> None:
    go = {
        "type": "button",
        "label": "Go",
        "url": "https://x.example/?a=1&b={{ customer.city | urlencode }}#c",
    }
    letter = made(go, context={"customer": {"city": "São Paulo & co"}})
    assert 'href="https://x.example/?a=1&amp;b=S%C3%A3o%20Paulo%20%26%20co#c"' in letter.html
    assert "https://x.example/?a=1&b=S%C3%A3o%20Paulo%20%26%20co#c" in letter.text


BLOCKS = [one for one in EVERYWHERE if one["type"] != "footer"] + [
    FOOTER,
    {"type": "divider"},
    {"type": "spacer"},
]


@pytest.mark.parametrize("block", BLOCKS, ids=lambda one: one["type"])
@pytest.mark.parametrize("times", [0, 1, 3])
def test_loops_and_conditions_stand_around_blocks(block: dict[str, Any], times: int) -> None:
    tags = {"customer": {"tags": ["a", "b", "c"][:times], "vip": times == 1}}
    once = made(words("before"), block, words("after"), context=tags | {"links": LINKS})
    looped = made(words("before"), block | {"each": "tag in customer.tags"}, words("after"),
                  context=tags | {"links": LINKS})  # fmt: skip
    asked = made(
        words("before"), block | {"when": "customer.vip"}, words("after"), context=tags | {"links": LINKS}
    )
    assert balanced(once.html) and balanced(looped.html) and balanced(asked.html)
    if block["type"] not in ("divider", "spacer"):
        mark = "a&lt;bc" if block is not FOOTER else "1 Main street"
        count = once.html.count(mark)
        assert count and looped.html.count(mark) == count * times
        assert asked.html.count(mark) == (count if times == 1 else 0)


LINKS = {name: f"https://k.example/{name}" for name in ("unsubscribe", "preferences", "view")}


def test_loop_variable_is_known_inside_its_block() -> None:
    lines = {"order": {"lines": [{"name": "Tea", "price": 2}, {"name": "Cup", "price": 30}]}}
    block = words("{{ line.name }}!") | {"each": "line in order.lines if line.price > 5"}
    letter = made(block, context=lines)
    assert "Cup!" in letter.html and "Tea!" not in letter.html and letter.text.strip() == "Cup!"


def test_goods_are_listed() -> None:
    letter = made({"type": "order"}, {"type": "cart"}, {"type": "products", "source": "viewed"},
                  {"type": "products", "source": "product"}, language="ru")  # fmt: skip
    assert balanced(letter.html)
    assert letter.html.count("Cup with handle") >= 3 and "31\xa0000\xa0₸" in letter.html
    for part in (letter.html, letter.text):
        assert "Итого" in part and "Доставка" in part and "Вернуться в корзину" in part
    assert "- Cup with handle × 2, 62\xa0000\xa0₸" in letter.text


def test_chosen_products_are_shown_in_their_order_without_those_gone() -> None:
    block = {"type": "products", "skus": ["B", "GONE", "A"], "limit": 2}
    known = {"A": {"name": "Tea", "price": 1}, "B": {"name": "Cup", "price": 2, "url": "https://x.example/b"}}
    letter = made(block, context={"products": known})
    assert re.findall(r"Cup|Tea", letter.text) == ["Cup", "Tea"]
    assert version(block).skus == ["A", "B", "GONE"]


def test_letter_loads_nothing_from_elsewhere() -> None:
    html = made(words("x"), FOOTER, {"type": "order"}).html
    found = set(re.findall(r"""(?:src|href|url\()\s*=?\s*["']?(https?://[^"'\s)]+)""", html))
    assert all(one.startswith(("https://shop.example", "https://k.example")) for one in found), found
    assert "fonts.googleapis" not in html and "@import" not in html


def test_language_and_dark_look_are_said() -> None:
    html = made(words("x"), language="kk").html
    assert (
        '<html lang="kk"' in html and "prefers-color-scheme: dark" in html and 'name="color-scheme"' in html
    )


def test_colours_are_checked() -> None:
    html = made(
        words("x"), {"type": "button", "label": "a", "url": "https://x.example"}, look={"accent": "#aa1122"}
    ).html
    assert "#aa1122" in html
    with pytest.raises(BadLetter) as found:
        version(words("x"), look={"accent": "red;} body{display:none"})
    assert list(found.value.errors) == ["look/accent"]


@pytest.mark.parametrize("raw", [
    [], "x", None, {"blocks": "x"}, {"blocks": [{"type": "nope"}]}, {"blocks": [{}]}, {"blocks": [[]]},
    {"blocks": [{"type": "text", "text": 5}]}, {"blocks": [{"type": "text", "more": 1}]}, {"nope": 1},
    {"blocks": [{"type": "columns", "columns": [[{"type": "columns"}]]}]},
    {"blocks": [{"type": "image", "width": 9999}]},
    {"subject": "x" * 1001}, {"blocks": [{"type": "spacer", "height": -1}]},
    {"blocks": [{"type": "heading", "level": 9}]},
    {"blocks": [{"type": "text", "text": "a\x00b"}]}, {"blocks": [{"type": "text", "text": "\ud800"}]},
])  # fmt: skip
def test_bad_blocks_are_refused_in_words(raw: Any) -> None:
    with pytest.raises(BadLetter) as found:
        compiled.compile_letter(raw, "en")
    assert str(found.value)


def test_what_is_stored_can_be_read_again() -> None:
    raw = {
        "subject": "S",
        "blocks": [*BLOCKS, {"type": "products", "skus": ["A"]}, {"type": "order"}, {"type": "cart"}],
    }
    written, _kept = compiled.compile_letter(raw, "en")
    assert compiled.compile_letter(spec.plain(written), "en")[0] == written


DATA = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=40)


@settings(max_examples=150, deadline=None)
@given(DATA, DATA, st.sampled_from(["text", "heading", "button", "image", "mjml"]))
def test_any_words_around_a_placeholder(before: str, after: str, kind: str) -> None:
    """Whatever surrounds it, the letter is refused in words, or the placeholder is filled in."""
    said = f"{before}{{{{ customer.city }}}}{after}"
    block = {"heading": {"type": "heading", "text": said}, "text": words(said),
             "button": {"type": "button", "label": said, "url": "https://x.example"},
             "image": {"type": "image", "url": "https://x.example/a.png", "alt": said},
             "mjml": {"type": "mjml", "source": f"<mj-text>{said}</mj-text>"}}[kind]  # fmt: skip
    try:
        letter = store.draft("en", {"en": {"subject": said, "blocks": [block]}})
    except BadLetter:
        return
    shown = render(letter, "en", {"customer": {"city": "Q<i>Q"}})
    assert "Q&lt;i&gt;Q" in shown.html and "Q<i>Q" not in shown.html and "customer.city" not in shown.html
    assert kind == "mjml" or balanced(shown.html)
