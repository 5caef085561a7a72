"""Links of a letter: signed, leading nowhere else, and the HTML otherwise as it was."""

import html as markup
import re
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from email_campaigns import tokens
from email_campaigns.delivery import links
from email_campaigns.delivery.links import Signer

KEY = b"k" * 32
DELIVERY = uuid4()


@given(
    st.uuids(),
    st.sampled_from(sorted(tokens.KINDS)),
    st.integers(0, 2**63 - 1),
    st.binary(min_size=1, max_size=90),
)
def test_the_quick_token_is_the_slow_one(delivery, kind, number, key):
    assert Signer(key, "http://x").token(kind, delivery.bytes, number) == tokens.write(
        key, kind, delivery, number
    )


@pytest.fixture
def signer(session):
    made = Signer(KEY, "https://crm.example/")
    made.learn(session, ["https://shop.example/a?x=1&y=2", "https://shop.example/b"])
    return made


def clicks(made: str, session) -> list[str]:
    """Where the click links of a text lead."""
    found = [
        tokens.read(KEY, "click", token) for token in re.findall(r"https://crm\.example/m/c/([\w-]+)", made)
    ]
    assert all(one and one[0] == DELIVERY for one in found)
    query = text("SELECT url FROM letter_links WHERE id = :id")
    return [session.scalar(query, {"id": one[1]}) for one in found]


HREFS = [
    ('<a href="https://shop.example/a?x=1&amp;y=2">x</a>', True),
    ('<a href="https://shop.example/a?x=1&y=2">x</a>', True),
    ("<a HREF = 'https://shop.example/a?x=1&amp;y=2'>x</a>", False),
    ('<a class="b" href=" https://shop.example/a?x=1&amp;y=2 ">x</a>', True),
]


@pytest.mark.parametrize(("html", "usual"), HREFS)
def test_addresses_become_click_links(signer, session, html, usual):
    assert links.usual(html) is usual
    made = signer.html(DELIVERY, f"<body>{html}</body>", set(), usual=usual)
    assert clicks(made, session) == ["https://shop.example/a?x=1&y=2"]
    assert "shop.example" not in made
    assert tokens.read(KEY, "open", re.search(r"/m/o/([\w-]+)", made)[1]) == (DELIVERY, 0)
    assert made.endswith('alt=""></body>')


def test_both_ways_find_the_same(signer, session):
    html = (
        "<body>"
        + "".join(one for one, usual in HREFS if usual)
        + '<a href="mailto:a@b.kz">m</a><a href="#top">t</a></body>'
    )
    assert signer.html(DELIVERY, html, set(), usual=True) == signer.html(DELIVERY, html, set(), usual=False)
    assert 'href="mailto:a@b.kz"' in signer.html(DELIVERY, html, set(), usual=True)


def test_text_keeps_what_stands_around(signer, session):
    made = signer.text(DELIVERY, "See https://shop.example/b, or (https://shop.example/b). Bye http", set())
    assert clicks(made, session) == ["https://shop.example/b"] * 2
    assert re.sub(r"https://crm\.example/m/c/[\w-]+", "L", made) == "See L, or (L). Bye http"


def test_an_address_without_a_number_is_told_and_stays(signer):
    unknown = set()
    assert "https://new.example/" in signer.html(
        DELIVERY, '<a href="https://new.example/">x</a>', unknown, usual=True
    )
    assert unknown == {"https://new.example/"}


def test_own_links_stay(signer):
    unknown, own = set(), signer.own(DELIVERY)
    html = f'<a href="{own.unsubscribe}">x</a>'
    assert signer.html(DELIVERY, html, unknown, usual=True).startswith(html)
    assert signer.text(DELIVERY, own.view, unknown) == own.view
    assert not unknown
    assert tokens.read(KEY, "unsubscribe", own.unsubscribe.rpartition("/")[2]) == (DELIVERY, 0)


def test_an_address_has_one_number_for_good(session):
    one, other = Signer(KEY, "http://x"), Signer(KEY, "http://x")
    one.learn(session, ["https://a.example/", "https://b.example/"])
    other.learn(session, ["https://b.example/"])
    assert one.numbers["https://b.example/"] == other.numbers["https://b.example/"]
    assert session.scalar(text("SELECT count(*) FROM letter_links")) == 2


@given(
    st.lists(
        st.tuples(
            st.text("ab<>&\"' é\n", max_size=8),
            st.sampled_from(["https://a.example/?q=1&r=2", "#x", "mailto:a@b.c"]),
        )
    )
)
def test_nothing_but_addresses_changes(parts):
    signer = Signer(KEY, "https://crm.example")
    signer.numbers = {"https://a.example/?q=1&r=2": 1, "https://a.example/?q=1&amp;r=2": 1}
    html = "".join(f'{markup.escape(words)}<a href="{markup.escape(url)}">x</a>' for words, url in parts)
    made = signer.html(DELIVERY, html, set(), usual=True)
    back = re.sub(r"https://crm\.example/m/c/[\w-]+", "https://a.example/?q=1&amp;r=2", made)
    assert back.rpartition("<img")[0] == html
