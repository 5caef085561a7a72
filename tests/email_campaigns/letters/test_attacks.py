"""What a template must not do: refused in words, before it costs time or memory."""

import os
import time
import tracemalloc

import pytest

from email_campaigns.letters import limits
from email_campaigns.letters.grammar import BadTemplate
from email_campaigns.letters.render import Rendered, Unrendered, render
from email_campaigns.letters.spec import BadLetter
from tests.email_campaigns.letters.making import made, version, words

DOORS = [
    "{% set range = customer.given_name %}{{ range(1) | count }}",
    "{% for range in customer.tags %}{{ range(1) | count }}{% endfor %}",
    "{{ ''.__class__ }}", "{{ ''.__class__.__mro__[1].__subclasses__() }}", "{{ ''['__class__'] }}",
    "{{ customer.__class__ }}", "{{ customer['__class__'].x }}", "{{ customer|attr('__class__') }}",
    "{{ customer.given_name.format }}", "{{ '{0.__class__}'.format(customer) }}", "{{ '%s'|format(1) }}",
    "{{ customer.items() }}", "{{ customer.update({'a': 1}) }}", "{{ customer.tags.append(1) }}",
    "{{ self }}", "{{ self._TemplateReference__context }}", "{{ self.__init__.__globals__ }}",
    "{{ cycler.__init__.__globals__.os.environ }}", "{{ lipsum.__globals__['os'].environ }}",
    "{{ joiner.__init__ }}", "{{ namespace(x=1).x }}", "{{ dict(a=1) }}", "{{ config }}", "{{ environment }}",
    "{{ settings.key }}", "{{ request.application }}", "{{ url_for.__globals__ }}",
    "{{ get_flashed_messages }}", "{{ range.__class__ }}", "{{ range(3).__class__ }}",
    "{% for x in range(2) %}{{ loop.__class__ }}{% endfor %}",
    "{% for x in range(2) %}{{ loop._iterator }}{% endfor %}",
    "{% for x in range(2) %}{{ loop.cycle('a') }}{% endfor %}", "{% include '/etc/passwd' %}",
    "{% import 'os' as os %}", "{% from 'os' import environ %}", "{% extends 'base' %}",
    "{% block a %}{% endblock %}", "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "{% call range(1) %}{% endcall %}", "{% filter upper %}a{% endfilter %}",
    "{% autoescape false %}{% endautoescape %}", "{% with a = 1 %}{% endwith %}",
    "{% raw %}{{ x }}{% endraw %}", "{% set a, b = 1, 2 %}", "{% set a.b = 1 %}",
    "{% for a, b in customer %}{% endfor %}", "{% for x in range(3) recursive %}{{ loop(x) }}{% endfor %}",
    "{{ '<b>'|safe }}", "{{ customer|tojson }}", "{{ customer|list }}", "{{ customer|pprint }}",
    "{{ customer.tags|map('upper')|join }}", "{{ customer|xmlattr }}", "{{ {'a': 1} }}", "{{ [customer] }}",
    "{{ customer is mapping }}", "{{ 5 is divisibleby 2 }}", "{{ '%0999999999d' is odd }}x{{ nope }}",
    "{{ context }}", "{{ context.parent }}", "{{ ' making' }}{{ making.steps }}", "{{ 'x'|_link }}",
    "{{ 'x'|_turns }}", "{{ customer[customer] }}", "{{ customer[0] }}", "{{ customer.tags['x'] }}",
    "{{ customer.orders.real }}", "{{ order.total.amount.as_tuple }}", "{{ order.placed_at.tzinfo }}",
    "{{ order.placed_at.strftime }}", "{{ caller() }}", "{{ super() }}",
    "{{ customer.given_name.encode('utf-8') }}", "{{ 1.real }}", "{{ 'a'.join(customer.tags) }}",
    "{{ (1).__class__ }}", "{{ true.__class__ }}", "{{ _ }}", "{{ __builtins__ }}",
]  # fmt: skip
BOMBS = [
    "{{ range(10**9) }}", "{{ range(10**9)|join }}", "{{ range(-10**9, 10**9)|count }}",
    "{{ range(0, 10**30) }}",
    "{% for a in range(10**9) %}x{% endfor %}",
    "{% for a in range(1000) %}{% for b in range(1000) %}{% endfor %}{% endfor %}",
    "{% for a in range(999) %}" * 3 + "x" + "{% endfor %}" * 3,
    "{{ 'a' * 10**8 }}", "{{ 10**8 * 'a' }}",
    "{% set a = 'aaaaaaaaaa' %}" + "{% set a = a ~ a %}" * 40 + "{{ a }}",
    "{% set a = 'aaaaaaaaaa' %}" + "{% set a = a + a %}" * 40 + "{{ a }}",
    "{% set a = 9 %}" + "{% set a = a * a %}" * 30 + "{{ a }}", "{{ 2 ** 10**9 }}", "{{ 9 ** 9 ** 9 }}",
    "{{ 0.5 ** -99999 }}", "{{ (-8) ** 0.5 }}", "{{ '%0999999999d' % 1 }}", "{{ '%999999999s' % 'a' }}",
    "{{ 1e308 * 10 }}", "{{ " + "9" * 5000 + " }}", "{{ " + "9" * 4000 + " }}", "{{ 'a'|truncate(10**12) }}",
    "{{ 5|round(10**9) }}", "{{ customer.tags * 10**9 }}", "{{ customer.tags + customer.tags }}",
    "{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}", "{{ " + "-" * 5000 + "1 }}",
    "{{ " + "not " * 3000 + "1 }}",
    "{% if 1 %}" * 300 + "x" + "{% endif %}" * 300,
    "{% for a in range(2) %}" * 30 + "x" + "{% endfor %}" * 30,
    "{{ 1" + " + 1" * 4900 + " }}", "{{ customer" + ".a" * 5000 + " }}",
    "{{ " + "1 if 1 else " * 1500 + "1 }}",
    "{{ 1 / 0 }}", "{{ 1 // 0 }}", "{{ 1 % 0 }}", "{{ 'a' - 1 }}", "{{ 1 + 'a' }}", "{{ customer + 1 }}",
]  # fmt: skip
BROKEN = [
    "{{ customer.given_name", "{% if x %}", "{% endif %}", "{% for x in %}{% endfor %}", "{{ }}", "{{ a b }}",
    "{# open", "{% nope %}", "{{ x | }}", "{{ 'open }}", "{{ a..b }}", "{%%}", "{{ x | nope }}",
    "{{ x is nope }}",
    "{% else %}", "{{ ) }}", "{% for 1 in x %}{% endfor %}", "{{ x[ }}", "{{ x[1:2] }}",
]  # fmt: skip


def tried(source: str) -> Rendered:
    """A letter with a text, from its saving to its making."""
    return made(words(source), text="")


@pytest.mark.parametrize("source", DOORS + BOMBS + BROKEN)
def test_template_is_refused_in_words_and_quickly(source: str) -> None:
    before = time.process_time()
    with pytest.raises((BadLetter, Unrendered)) as refused:
        tried(source)
    assert time.process_time() - before < 1
    said = str(refused.value)
    assert " " in said and len(said) < 500
    assert not any(word in said for word in ("Traceback", "object at 0x", "NoneType", "jinja2"))


@pytest.mark.parametrize("source", DOORS + BOMBS + BROKEN)
def test_subject_and_text_are_as_strict(source: str) -> None:
    for field in ("subject", "preheader", "text"):
        with pytest.raises((BadLetter, Unrendered)):
            made(words("x"), **{field: source})


@pytest.mark.parametrize("field", ["when", "each"])
@pytest.mark.parametrize(
    "source", ["1 %}{{ x }}{% if 1", "''.__class__", "range(10**9)", "x }}", "1 if", "{{ x }}"]
)
def test_condition_and_loop_of_a_block_are_as_strict(field: str, source: str) -> None:
    said = f"line in {source}" if field == "each" else source
    with pytest.raises((BadLetter, Unrendered)):
        made(words("x") | {field: said})


def test_memory_stays_small() -> None:
    tracemalloc.start()
    for source in BOMBS:
        with pytest.raises((BadLetter, Unrendered)):
            tried(source)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 64_000_000


def test_no_secret_of_the_machine_can_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "CANARY", "canary-5c1e")
    for source in DOORS:
        with pytest.raises((BadLetter, Unrendered)) as refused:
            tried(source)
        assert "canary-5c1e" not in str(refused.value)


def test_endless_making_is_stopped() -> None:
    """Even where the steps would last: time is looked at while the letter is written."""
    slow = version(
        words("{% for a in range(900) %}" + "{{ a ~ a ~ a ~ a }}" * 400 + "{% endfor %}"), text="x"
    )
    before = time.thread_time()
    with pytest.raises(Unrendered, match=r"too long|grows beyond"):
        render(slow, "en", {})
    assert time.thread_time() - before < limits.SECONDS + 1


def test_time_is_looked_at_without_loops_too(monkeypatch: pytest.MonkeyPatch) -> None:
    letter = version(words("x"))
    assert render(letter, "en", {}).text == "x\n"
    monkeypatch.setattr(limits, "SECONDS", -1)
    with pytest.raises(Unrendered, match="too long"):
        render(letter, "en", {})


def test_output_is_bounded() -> None:
    with pytest.raises(Unrendered, match="grows beyond"):
        tried("{% for a in range(1000) %}{{ 'abcdefghij' * 200 }}{% endfor %}")


def test_values_of_strangers_are_no_templates() -> None:
    evil = {"customer": {"given_name": "{{ 7*7 }}{% for x in range(9) %}<script>alert(1)</script>"}}
    letter = made(words("Hi {{ customer.given_name }}"), subject="{{ customer.given_name }}", context=evil)
    assert "49" not in letter.html and "{{ 7*7 }}" in letter.subject
    assert "<script" not in letter.html and "&lt;script&gt;" in letter.html


@pytest.mark.parametrize("name", [
    "Anna\r\nBcc: everybody@example.org", "Anna\nX: y", "a\x00b", "a\x0bb\x0cc", "a\u2028b", "a\u0085b",
    "a\u202eb",
])  # fmt: skip
def test_subject_stays_one_line(name: str) -> None:
    letter = made(
        words("x"), subject="Hi {{ customer.given_name }}!", context={"customer": {"given_name": name}}
    )
    assert letter.subject.isprintable() and letter.subject.startswith("Hi ")
    assert made(words("x"), subject="Hi\r\nBcc: x@example.org").subject == "Hi Bcc: x@example.org"
    assert len(made(words("x"), subject="x" * 900).subject) == 255


@pytest.mark.parametrize("url", [
    "javascript:alert(1)", "JaVaScRiPt:alert(1)", " javascript:alert(1)", "java\nscript:alert(1)",
    "data:text/html,x",
    "vbscript:x", "file:///etc/passwd", "//evil.example", "/relative", "shop.example", "https:", "https://", "http:///x",
    "https://a b.example/", "https://user:pass@evil.example/", "https://{{ customer.city }}.evil.example/",
    "\\\\host",
    "https://shop.example\\@evil.example/", "mailto:", "mailto:nobody", "ftp://x.example/", "https://[::1", "https://x:99999/",
    "{{ 'javascript:alert(1)' }}", "{{ customer.city }}", "{% if 1 %}javascript:alert(1){% endif %}",
    "tel:+7701",
])  # fmt: skip
def test_addresses_lead_to_the_web_or_a_mailbox(url: str) -> None:
    blocks = [{"type": "button", "label": "Go", "url": url}, {"type": "image", "url": url, "alt": "A"},
              words(f"[Go]({url})"),
              {"type": "mjml", "source": f'<mj-text><a href="{url}">x</a></mj-text>'}]  # fmt: skip
    for block in blocks:
        try:
            letter = made(block, text="x")
        except (BadLetter, Unrendered):
            continue
        assert "](" in letter.html or "](" in block.get("text", ""), (block, letter.html[-600:])
        assert 'href="java' not in letter.html.lower()


def test_pictures_come_from_the_web() -> None:
    for block in (
        {"type": "image", "url": "mailto:a@b.kz", "alt": "A"},
        {"type": "mjml", "source": '<mj-text><img src="mailto:a@b.kz" alt="A"></mj-text>'},
    ):
        with pytest.raises(BadLetter, match="A picture's address"):
            version(block)


def test_addresses_of_values_are_checked_when_the_letter_is_made() -> None:
    go = {"type": "button", "label": "Go", "url": "{{ cart.url }}"}
    for url in ("javascript:alert(1)", "data:text/html,<script>", "//evil.example", "nonsense"):
        with pytest.raises(Unrendered, match="no address"):
            made(go, context={"cart": {"url": url}})
    quoted = made(go, context={"cart": {"url": 'https://x.example/?a="><script>'}}).html
    assert "<script" not in quoted and "https://x.example/?a=%22%3E%3Cscript%3E" in quoted


@pytest.mark.parametrize("source", [
    "<mj-text><script>alert(1)</script></mj-text>", "<mj-text><b onclick='x()'>a</b></mj-text>",
    "<mj-text><img src=x onerror=alert(1)></mj-text>", "<mj-text><iframe src='https://x.example'></iframe></mj-text>",
    "<mj-text><form action='https://x.example'></form></mj-text>", "<mj-text><svg onload=x></svg></mj-text>",
    "<mj-text><{{ customer.city }}></mj-text>", "<mj-text><b {{ customer.city }}>x</b></mj-text>",
    "<mj-text><b class={{ customer.city }}>x</b></mj-text>",
    "<mj-text><b style=\"color:{{ customer.city }}\">x</b></mj-text>",
    "<mj-text color=\"{{ customer.city }}\">x</mj-text>",
    "<mj-raw><style>a{color:{{ customer.city }}}</style></mj-raw>",
    "<mj-text><b {{ customer.city }}=\"x\">x</b></mj-text>", "<mj-include path='/etc/passwd' />",
    "<mj-text><a href=\"{% for x in range(3) %}https://x.example{% endfor %}\">x</a></mj-text>",
    "<mj-text><base href='https://x.example'></mj-text>", "<mj-section>" * 3000, "<mj-text>" + "<b>" * 50000,
    "<mj-text><object data='https://x.example'></object></mj-text>", "</mj-text></mj-column>",
])  # fmt: skip
def test_raw_mjml_holds_no_scripts_and_no_odd_places(source: str) -> None:
    before = time.process_time()
    with pytest.raises(BadLetter):
        version({"type": "mjml", "source": source})
    assert time.process_time() - before < 1


DEEP = [
    "<{0}>",
    "<{0}><!-- </{0}> -->",
    "<{0} a='</{0}>'>",
    "<{0}></b>",
    "<{0}><br></br>",
    '<{0} a="><{0} b=">"',
]


@pytest.mark.parametrize("piece", DEEP)
@pytest.mark.parametrize("name", ["a", "mj-section", "mj-text"])
def test_depth_that_would_end_the_process_is_refused(piece: str, name: str) -> None:
    """MJML's reader overflows its stack at some thousand elements: it must never see them."""
    said = piece.format(name)
    for source in (said * (49_000 // len(said)), said * 61 + f"</{name}>" * 61):
        with pytest.raises(BadLetter):
            version({"type": "mjml", "source": source})


@pytest.mark.parametrize(("source", "said"), [
    ("<mj-text><b>x</mj-text>", "closes what isn't open"), ("<mj-text>1 < 2</mj-text>", "can't be read"),
    ("<mj-text>x", "is not closed"), ("<mj-text><![CDATA[x]]></mj-text>", "can't be read"),
    ("<?php ?>", "can't be read"), ("<mj-text><!-- open</mj-text>", "can't be read"),
])  # fmt: skip
def test_mjml_that_is_not_well_formed_says_where(source: str, said: str) -> None:
    with pytest.raises(BadLetter) as found:
        version({"type": "mjml", "source": source})
    assert list(found.value.errors) == ["blocks/0/source"] and said in str(found.value)


def test_letter_of_two_megabytes_is_refused() -> None:
    with pytest.raises(BadLetter):
        version(*[words("x" * 19_000)] * 99, words("y" * 19_000))
    with pytest.raises(BadLetter):
        version(words("x" * 20_001))
    with pytest.raises(BadLetter):
        version(*[words("x")] * 101)


def test_bad_template_names_its_line() -> None:
    with pytest.raises(BadLetter, match="line 3"):
        version(words("one\ntwo\n{% if x %}"))
    assert BadTemplate("a", 1).message == "a"


def test_render_survives_odd_contexts() -> None:
    letter = version(words("{{ customer.given_name or 'friend' }} {{ order.total or '' }}"))
    for context in ({}, {"customer": None}, {"customer": {}}, {"customer": {"given_name": None}},
        {"customer": ""},
                    {"order": {"total": None}}):  # fmt: skip
        assert "friend" in render(letter, "en", context).html
