"""A letter for one person: values, fallbacks, what is missing, languages, zones and formats."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from email_campaigns.letters import store
from email_campaigns.letters.render import Missing, Unrendered, nearest, render
from email_campaigns.letters.values import Amount
from tests.email_campaigns.letters.making import made, version, words

AT = datetime(2026, 3, 2, 21, 30, tzinfo=UTC)


def said(source: str, language: str = "en", **context: Any) -> str:
    """What a text block says, in the plain part."""
    return made(words(source), context=context, language=language).text.strip()


ANNA = {"given_name": "Anna", "orders": 0, "vip": False, "family_name": "", "city": None}


@pytest.mark.parametrize(("source", "expected"), [
    ("{{ customer.given_name }}", "Anna"),
    ('{{ customer.city or "your city" }}', "your city"),
    ('{{ customer.city | default("your city") }}', "your city"),
    ('{{ customer.family_name or "x" }}{{ customer.nothing | d("y") }}{{ nobody.at.all or "z" }}', "xyz"),
    ("{{ customer.orders }}", "0"),
    ("{% if customer.vip %}a{% elif customer.orders %}b{% else %}c{% endif %}", "c"),
    ("{% if customer.city %}a{% else %}b{% endif %}", "b"),
    ("{% if customer.city is defined %}a{% else %}b{% endif %}", "b"),
    ("{% if customer.age > 3 or customer.age <= 3 or customer.age == 3 %}a{% else %}b{% endif %}", "b"),
    ("{% if customer.age != 3 %}a{% endif %}", "a"),
    ("{{ 'a' if customer.city }}b", "b"),
    ("{% for one in customer.tags or range(2) %}{{ one }}{% endfor %}", "01"),
    ("{% for one in customer.none or [] %}x{% else %}y{% endfor %}", "y"),
    ("{{ customer.tags | count }}", "0"),
    ("{{ customer.given_name | upper }} {{ customer.given_name | truncate(3) }}", "ANNA An…"),
    ("{% set name = customer.given_name %}{{ name ~ '!' }}", "Anna!"),
    ("{{ customer['given_name'] }}", "Anna"),
])  # fmt: skip
def test_values_and_fallbacks(source: str, expected: str) -> None:
    assert said(source, customer=ANNA) == expected


@pytest.mark.parametrize(("source", "variable"), [
    ("{{ customer.city }}", "customer.city"), ("{{ customer.family_name }}", "customer.family_name"),
    ("{{ order.number }}", "order.number"), ("{{ order.lines[0].name }}", "order.lines[0].name"),
    ("{% for line in order.lines %}x{% endfor %}", "order.lines"),
    ("{{ order.total | money }}", "order.total"), ("{{ order.placed_at | date }}", "order.placed_at"),
    ("{{ customer.age + 1 }}", "customer.age"), ("{{ customer.city | upper }}", "customer.city"),
    ("{{ 'in ' ~ customer.city }}", "customer.city"), ("{{ customer.tags | join }}", "customer.tags"),
    ("{{ customer.age | round }}", "customer.age"), ("{{ -customer.age }}", "customer.age"),
    ("{{ customer.city | urlencode }}", "customer.city"), ("[a]({{ cart.url }})", "cart.url"),
    ("{{ customer.city.name }}", "customer.city.name"),
])  # fmt: skip
def test_missing_variable_is_named(source: str, variable: str) -> None:
    with pytest.raises(Missing) as found:
        said(source, customer=ANNA)
    assert found.value.variable == variable and f"“{variable}”" in str(found.value)


def test_one_without_a_value_is_skipped_and_others_get_theirs() -> None:
    letter = version(words("Hi {{ customer.given_name }}"))
    done, skipped = [], []
    for name in ("Anna", None, "Boris", ""):
        try:
            done.append(render(letter, "en", {"customer": {"given_name": name}}).text)
        except Missing as error:
            skipped.append(error.variable)
    assert done == ["Hi Anna\n", "Hi Boris\n"] and skipped == ["customer.given_name"] * 2


FORMATS = [
    ("en", "₸12,500.50 $1,000 Mar 3, 2026 2:30\u202fAM 1,234.5"),
    ("ru", "12\xa0500,50\xa0₸ 1\xa0000\xa0$ 3 мар. 2026\u202fг. 02:30 1\xa0234,5"),
    ("tr", "₸12.500,50 $1.000 3 Mar 2026 02:30 1.234,5"),
    ("kk", "12\xa0500,50\xa0₸ 1\xa0000\xa0$ 2026 ж. 03 нау. 02:30 1\xa0234,5"),
    ("ko", "₸12,500.50 US$1,000 2026. 3. 3. 오전 2:30 1,234.5"),
]


@pytest.mark.parametrize(("language", "expected"), FORMATS)
def test_amounts_and_dates_are_the_recipients(language: str, expected: str) -> None:
    source = "{{ total }} {{ 1000 | money('USD') }} {{ at | date('medium') }} {{ at | time }}"
    source += " {{ 1234.5 | number }}"
    shown = said(source, language, total=Amount(Decimal("12500.50"), "KZT"), at=AT, zone="Asia/Almaty")
    assert shown.replace("\u202f", " ").replace("\xa0", " ") == expected.replace("\u202f", " ").replace(
        "\xa0", " "
    )


def test_zone_turns_the_day() -> None:
    assert said("{{ at | date('short') }}", at=AT, zone="Asia/Almaty") == "3/3/26"
    assert said("{{ at | date('short') }}", at=AT, zone="America/New_York") == "3/2/26"
    assert said("{{ at | date('short') }}", at=AT, zone="Nowhere/None") == "3/2/26"
    assert said("{{ at }}", at=date(2026, 3, 2)) == "March 2, 2026"
    assert said("{{ at | date }}", at="2026-03-02T21:30:00Z", zone="Asia/Seoul") == "March 3, 2026"


def test_amounts_are_reckoned_with() -> None:
    price, other = Amount(Decimal(100), "KZT"), Amount(Decimal(30), "USD")
    assert (
        said("{{ a * 3 }} {{ a + a }} {{ a / 4 }} {{ -a }} {{ a - a }}", a=price) == "₸300 ₸200 ₸25 -₸100 ₸0"
    )
    assert (
        said(
            "{% if a > 99 and a < 101 and a == a %}yes{% endif %}{% if a > b %}no{% endif %}",
            a=price,
            b=other,
        )
        == "yes"
    )
    with pytest.raises(Unrendered, match="different currencies"):
        said("{{ a + b }}", a=price, b=other)
    assert said("{{ quantity }} {{ price }}", quantity=Decimal("2.000"), price=Decimal("2.50")) == "2 2.5"


@pytest.mark.parametrize("value", [["a"], {"a": 1}, True, object(), b"x"])
def test_what_is_no_text_is_refused_in_words(value: Any) -> None:
    with pytest.raises(Unrendered) as found:
        said("{{ x }}", x=value)
    assert "0x" not in str(found.value)


def texts(*languages: str) -> dict[str, Any]:
    return {one: {"subject": f"In {one}", "blocks": [words(one)]} for one in languages}


@pytest.mark.parametrize(("asked", "given"), [
    ("ru", "ru"), ("ru-KZ", "ru"), ("RU_ru", "ru"), ("pt-BR", "pt-BR"), ("pt-PT", "en"), ("ko", "en"),
    ("", "en"), ("x" * 500, "en"), ("{{", "en"),
])  # fmt: skip
def test_language_is_the_cards_or_the_versions_own(asked: str, given: str) -> None:
    letter = store.draft("en", texts("en", "ru", "pt-BR"))
    assert (render(letter, asked, {}).language, render(letter, asked, {}).subject) == (given, f"In {given}")


def test_nearest_language() -> None:
    assert nearest("kk-Cyrl-KZ", {"kk": 1, "ru": 2}) == "kk"
    assert nearest("xx", {"kk": 1}) == ""


def test_html_is_escaped_and_text_is_not() -> None:
    letter = made(words("{{ customer.name }}"), context={"customer": {"name": "<A & B>"}})
    assert "&lt;A &amp; B&gt;" in letter.html and letter.text == "<A & B>\n"


def test_own_text_part_counts() -> None:
    letter = made(
        words("x"),
        text="Dear {{ customer.name }},\n{% if 1 %}\nyes\n{% endif %}\nbye",
        context={"customer": ANNA | {"name": "A"}},
    )
    assert letter.text == "Dear A,\nyes\nbye"


def test_statement_on_a_line_of_its_own_leaves_no_blank_line() -> None:
    text = "a\n  {% for x in range(2) %}  \n- {{ x }}{% if x %}!{% endif %}\n{% endfor %}\n"
    text += "b {% if 1 %}c{% endif %}\nd"
    assert made(words("x"), text=text).text == "a\n  - 0\n- 1!\nb c\nd"
