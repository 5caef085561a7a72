"""Text and tree and JSON say the same, in both directions; errors name the place and what may be meant."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lark.parsers.lalr_interactive_parser import InteractiveParser

from customers.segments import checks, language, printing, sql, tree
from customers.segments.language import BadText
from customers.segments.tree import And, Did, Field, Filter, Measure, Not, Or, Period
from foundation.errors import BadInput
from tests.conftest import MORNING
from tests.customers.segments import trees

EXAMPLE = 'orders.count(last 90 days) >= 2 and city = "Алматы" and not opened(any letter, last 30 days)'


def test_the_example_is_this_tree():
    assert language.parse(EXAMPLE) == And(
        parts=(
            Measure(measure="orders.count", op=">=", value=2, period=Period(kind="last", amount=90)),
            Field(field="city", op="=", value="Алматы"),
            Not(part=Did(did="opened", period=Period(kind="last", amount=30))),
        )
    )
    assert printing.text(language.parse(EXAMPLE)) == EXAMPLE


@settings(max_examples=300, deadline=None)
@given(trees.TREES)
def test_tree_to_text_to_tree(node):
    checks.check(node)
    written = printing.text(node)
    read = language.parse(written)
    assert read == tree.simplified(node)
    assert printing.text(read) == written
    assert tree.from_json(tree.to_json(node)) == node
    sql.select(node, MORNING)


@pytest.mark.parametrize(
    ("said", "written"),
    [
        ('CITY = "x" AND name IS NOT SET', 'city = "x" and name is not set'),
        ('((city = "x"))', 'city = "x"'),
        ('(city = "x" and name is set) and email is set', 'city = "x" and name is set and email is set'),
        ('city = "x" or name is set and email is set', 'city = "x" or name is set and email is set'),
        ('(city = "x" or name is set) and email is set', '(city = "x" or name is set) and email is set'),
        ('not not city = "x"', 'not not city = "x"'),
        ('opened("Spring")', 'opened(letter "Spring")'),
        ("opened()", "opened(any letter)"),
        ('event("Signed Up", plan = "pro", "plan type" = "x", last 1 week)',
         'event(event "Signed Up", plan = "pro", "plan type" = "x", last 1 week)'),
        ('visited("A·" = "x", plan = "y")', 'visited("A·" = "x", plan = "y")'),
        ("orders.sum(last 1 days) >= 50000 KZT", "orders.sum(last 1 day) >= 50000 KZT"),
        ("last_order last 3 weeks", "last_order in last 3 weeks"),
        ("orders.count() >= 2 AND city is set", "orders.count() >= 2 and city is set"),
        (r'name = "a \"b\" \\ c"', r'name = "a \"b\" \\ c"'),
    ],
)  # fmt: skip
def test_one_way_to_write_it(said, written):
    assert printing.text(language.parse(said)) == written
    assert printing.text(language.parse(written)) == written


def test_long_groups_take_a_line_a_part():
    said = " and ".join(f'(city = "{word * 20}" or name is set)' for word in "abc")
    written = printing.text(language.parse(said))
    assert written.count("\nand ") == 2
    assert language.parse(written) == language.parse(said)


@pytest.mark.parametrize(
    ("said", "line", "column", "words"),
    [
        ("", 1, 1, "empty one selects nobody"),
        ('citty = "x"', 1, 1, "there is no field citty; did you mean city"),
        ('name is set and\n  ordrs.count() >= 2', 2, 3, "did you mean orders.count"),
        ('city cotains "x"', 1, 6, "did you mean contains?"),
        ('city = Almaty', 1, 8, "expected a number or a text in double quotes"),
        ('city = "x', 1, 8, "no closing quote"),
        ('city == "x"', 1, 7, "did you mean = or !=?"),
        ('(city = "x"', 1, 12, "the text ends here; expected “)”, “and” or “or”"),
        ('city = "x" and', 1, 15, "the text ends here; expected a name"),
        ('city = "x" name = "y"', 1, 12, "expected the end, “and” or “or”"),
        ('opened(any leter)', 1, 12, "opened has no “any leter”, only any letter"),
        ('opened(leter "x")', 1, 1, "did you mean letter?"),
        ("opened(last 30 dayz)", 1, 16, "expected minutes, hours, days or weeks"),
        ("opened(last 30 days, last 3 days)", 1, 1, "one period"),
        ("opened(next 3 days)", 1, 1, "has happened"),
        ("opened() >= 2", 1, 1, "count with opened.count"),
        ("orders.count(last 3 days)", 1, 1, "is a number: compare it"),
        ("orders.count = 3", 1, 1, "written with brackets"),
        ("city() >= 3", 1, 1, "nothing is counted as city"),
        ('email_consent = "yes"', 1, 1, "one of given, withdrawn, not “yes”"),
        ("city > 3", 1, 1, "can't be asked with “>”"),
        ('spent >= "much"', 1, 1, "a number belongs here"),
        ("debts.sum() > 0", 1, 1, "needs a currency"),
        ("last_order since 2026-02-30", 1, 18, "no day of the calendar"),
        ("last_order between 2026-02-03 and 2026-02-01", 1, 1, "ends after it begins"),
        ("orders.count() >= 1e9", 1, 20, "can't stand here"),
        ("city = 5", 1, 1, "a text in quotes"),
        ("orders.count(last -3 days) > 1", 1, 19, "whole number"),
        ("orders.count(last 0 days) > 1", 1, 1, "from 1 up"),
        ("; drop table", 1, 1, "“;” can't stand here"),
        ("(" * 3000, 1, 3001, "the text ends here"),
        ("not " * 4000 + "name is set", 1, 1, "nested"),
        ("(" * 3000 + "name is set" + ")" * 3000, 1, 1, None),
        ("name is set or " * 300 + "name is set", 1, 1, "at most 200 conditions"),
    ],
)  # fmt: skip
def test_errors_help(said, line, column, words):
    if words is None:
        assert language.parse(said) == Field(field="name", op="set")
        return
    with pytest.raises(BadText) as caught:
        language.parse(said)
    assert words in caught.value.message
    assert (caught.value.line, caught.value.column) == (line, column)
    assert str(caught.value).startswith(f"line {line}, column {column}: ")


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=60) | st.text('city="x()andornot,.<>0159 \n\\', max_size=40))
def test_any_text_is_read_or_refused(said):
    node, wrong = None, None
    try:
        node = language.parse(said)
    except BadText as error:
        wrong = error
    if wrong is not None:
        assert wrong.line >= 1 and wrong.column >= 1
    else:
        assert language.parse(printing.text(node)) == node


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("{", "json: "),
        ("[]", "json: Expected object"),
        ('{"type": "field", "field": "city", "op": "~"}', "Invalid enum value '~' - at $.op"),
        ('{"type": "field", "field": "city", "op": "=", "value": "x", "extra": 1}', "unknown field extra"),
        ('{"type": "and", "parts": []}', "without conditions"),
        ('{"type": "not", "part": {"type": "or", "parts": []}}', "without conditions"),
        (
            '{"type": "not", "part":' * 30 + '{"type": "field", "field": "city", "op": "set"}' + "}" * 30,
            "deep",
        ),
        ('{"type": "not", "part":' * 50_000, "json: "),
        (" " * 300_000, "at most"),
    ],
)
def test_json_that_is_no_tree(said, words):
    with pytest.raises(BadInput) as caught:
        tree.from_json(said)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("part", "words"),
    [
        (Field(field="city", op="=", value=None), "takes one value"),
        (Field(field="city", op="=", value=("a",)), "takes one value"),
        (Field(field="city", op="in", value="a"), "1 to 500 values"),
        (Field(field="city", op="=", value="a\0b"), "printable"),
        (Field(field="city", op="set", value="a"), "takes no value"),
        (Field(field="last_order", op="during"), "goes with"),
        (Field(field="last_order", op="during", period=Period(kind="next", amount=3)), "can't be asked"),
        (Field(field="last_order", op="during", period=Period(kind="since")), "takes a day"),
        (Field(field="spent", op=">", value=float("nan")), "numbers go up"),
        (Field(field="spent", op=">", value=True), "a number belongs"),
        (Field(field="spent", op=">", value=10**30), "numbers go up"),
        (Field(field="spent", op=">", value=1, currency="€"), "three capital letters"),
        (Did(did="ordered", filters=(Filter(name="plan", value="x", property=True),)), "no properties"),
        (Did(did="ordered", filters=(Filter(name="plan", value="x"),)), "narrowed down by product, category"),
        (Did(did="ordered", filters=(Filter(name="state", value="x"),)), "one of open, paid"),
        (Did(did="opened", period=Period(kind="last", amount=10**12)), "hundred years"),
        (Measure(measure="orders.count", op=">", value=1, currency="KZT"), "no currency"),
    ],
)  # fmt: skip
def test_conditions_that_mean_nothing(part, words):
    with pytest.raises(BadInput) as caught:
        checks.check(And(parts=(Field(field="name", op="set"), part)))
    assert words in caught.value.message
    assert caught.value.at.startswith("$.parts[1]")


def test_a_tree_is_json_of_plain_parts():
    assert msgspec.json.decode(tree.to_json(language.parse(EXAMPLE))) == {
        "type": "and",
        "parts": [
            {"type": "measure", "measure": "orders.count", "op": ">=", "value": 2,
             "period": {"kind": "last", "amount": 90}},
            {"type": "field", "field": "city", "op": "=", "value": "Алматы"},
            {"type": "not",
             "part": {"type": "did", "did": "opened", "period": {"kind": "last", "amount": 30}}},
        ],
    }  # fmt: skip


def test_groups_of_groups_become_one():
    one, other = Field(field="name", op="set"), Field(field="city", op="set")
    assert tree.simplified(Or(parts=(Or(parts=(one, other)), one))) == Or(parts=(one, other, one))
    assert tree.simplified(And(parts=(And(parts=(one,)),))) == one


def test_what_is_wrong_with_a_long_text_is_found_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A copy of the parser at each word would make it take the square of the words."""
    copies, whole = [], InteractiveParser.copy

    def counted(self: InteractiveParser, **how: bool) -> InteractiveParser:
        copies.append(1)
        return whole(self, **how)

    monkeypatch.setattr(InteractiveParser, "copy", counted)
    for said in ("(" * 15_000, "not " * 4_000, 'city = "a" and ' * 1_200):
        with pytest.raises(BadInput, match="the text ends here; expected"):
            language.parse(said)
    assert len(copies) < 200
