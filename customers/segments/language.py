"""A segment's conditions as text that people read and write: text to tree, with errors that help.

orders.count(last 90 days) >= 2 and city = "Алматы" and not opened(any letter, last 30 days)
"""

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

from customers.segments import checks, reading, tree
from customers.segments.reading import Wrong
from customers.segments.tree import Node
from foundation.errors import BadInput

if TYPE_CHECKING:
    from lark import Lark
    from lark.exceptions import UnexpectedInput

LONGEST = 20_000  # characters

_GRAMMAR = r"""
start: either
?either: both ("or"i both)*
?both: single ("and"i single)*
?single: "not"i single -> negation
    | "(" either ")"
    | NAME COMPARE value -> compared
    | NAME "in"i "(" values ")" -> among
    | NAME "not"i "in"i "(" values ")" -> outside
    | NAME "contains"i STRING -> contains
    | NAME "starts"i "with"i STRING -> starts
    | NAME "has"i STRING -> has
    | NAME "is"i "set"i -> known
    | NAME "is"i "not"i "set"i -> unknown
    | NAME "in"i period -> during
    | NAME period -> during
    | call -> happened
    | call COMPARE amount -> measured
call: NAME "(" (argument ("," argument)*)? ")"
?argument: period
    | "any"i NAME -> any
    | NAME STRING -> narrowed
    | STRING -> subject
    | (NAME | STRING) COMPARE value -> property
    | (NAME | STRING) "contains"i STRING -> property_contains
?period: "last"i NUMBER UNIT -> last
    | "next"i NUMBER UNIT -> next
    | "more"i "than"i NUMBER UNIT "ago"i -> ago
    | "since"i DAY -> since
    | "before"i DAY -> before
    | "between"i DAY "and"i DAY -> between
values: value ("," value)*
?value: STRING -> string
    | amount
amount: NUMBER CURRENCY?

COMPARE: "=" | "!=" | "<=" | ">=" | "<" | ">"
DAY.3: /\d{4}-\d\d?-\d\d?/
NUMBER.2: /-?\d+(\.\d+)?/
STRING: /"(\\.|[^"\\\n])*"/
UNIT: /(minutes?|hours?|days?|weeks?)\b/i
CURRENCY: /(?!AND\b)[A-Z]{3}\b/
NAME: /[^\W\d]\w*(\.[^\W\d]\w*)*/i
%ignore /\s+/
"""

_WORDS = {
    "NAME": "a name such as city or orders.count(…)", "COMPARE": "a comparison (= != < <= > >=)",
    "NUMBER": "a number", "STRING": "a text in double quotes", "DAY": "a day such as 2026-03-01",
    "LPAR": "“(”", "RPAR": "“)”", "COMMA": "a comma", "UNIT": "minutes, hours, days or weeks",
    "CURRENCY": "a currency such as KZT", "$END": "the end",
}  # fmt: skip
_PERIODS = {"LAST", "NEXT", "MORE", "SINCE", "BEFORE", "BETWEEN"}
_MOST_WORDS = 8


class BadText(BadInput):
    """A text that can't be understood: the line and column where, what was expected and what may be meant."""

    def __init__(self, message: str, line: int, column: int) -> None:
        super().__init__(message, at=f"line {line}, column {column}")
        self.line, self.column = line, column


@cache
def _lark() -> Any:
    return import_module("lark")  # at the first text: no process needs it to start


@cache
def _parser() -> "Lark":
    made: Lark = _lark().Lark(_GRAMMAR, parser="lalr", lexer="contextual")
    return made


def parse(text: str) -> Node:
    """The tree that a text says; `BadText` with line and column when it can't be understood."""
    if len(text) > LONGEST:
        raise BadText(f"a segment's text has at most {LONGEST:,} characters", 1, 1)
    if not text.strip():
        raise BadText('write a condition, such as city = "Almaty": an empty one selects nobody', 1, 1)
    try:
        node = reading.read(_parser().parse(text))
    except _lark().UnexpectedInput as error:
        raise _unexpected(text, error) from None
    except Wrong as wrong:
        raise BadText(wrong.message, wrong.line, wrong.column) from None
    except RecursionError:
        raise BadText("brackets are nested too deeply", 1, 1) from None
    try:
        return tree.bounded(tree.simplified(node))
    except BadInput as error:
        raise BadText(error.message, 1, 1) from None


def _unexpected(text: str, error: "UnexpectedInput") -> BadText:
    """The parser's error in words."""
    if isinstance(error, _lark().UnexpectedToken):
        expected, found = _accepted(text) or set(error.expected), str(error.token)
        ended = error.token.type == "$END"
        line, column = _end(text) if ended else (error.line, error.column)
    elif isinstance(error, _lark().UnexpectedCharacters):
        expected, found, ended = set(error.allowed or ()), _word(text, error.pos_in_stream or 0), False
        line, column = error.line, error.column
    else:
        expected, found, ended = set(), "", True
        line, column = _end(text)
    if found.startswith('"') and not _is_closed(found):
        return BadText("this text has no closing quote", line, column)
    words = _expected(expected)
    hint = checks.near(found.lower(), [one.lower() for one in expected if one not in _WORDS]) if found else ""
    if found[:1] in ("=", "<", ">"):
        hint = "; did you mean = or !=?"
    said = "the text ends here" if ended else f"“{found[:40]}” can't stand here"
    return BadText(f"{said}; expected {words}{hint}" if words else said, line, column)


def _accepted(text: str) -> set[str]:
    """What could have stood where the parser stopped, before it drew conclusions from what did."""
    parser, fed, whole = _feed(text)
    if whole:
        return set(parser.accepts()) - {"$END"}
    return set(_feed(text, fed)[0].accepts())  # a copy at each word would take time with their square


def _feed(text: str, most: int = LONGEST) -> tuple[Any, int, bool]:
    """A parser that has read so many words, or all it can take: it, how many, and whether that was all."""
    parser: Any = _parser().parse_interactive(text)
    tokens = parser.lexer_thread.lex(parser.parser_state)
    fed = 0
    try:
        while fed < most:
            token = next(tokens, None)
            if token is None:
                return parser, fed, True
            parser.feed_token(token)
            fed += 1
    except _lark().UnexpectedInput:
        pass
    return parser, fed, False


def _expected(terminals: set[str]) -> str:
    words = [_WORDS[one] for one in _WORDS if one in terminals]
    if terminals >= _PERIODS:
        terminals -= _PERIODS
        words.append("a period such as “last 30 days”")
    words += sorted(f"“{one.lower()}”" for one in terminals if one not in _WORDS and one.isalpha())
    shown = words[:_MOST_WORDS]
    return " or ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)


def _word(text: str, place: int) -> str:
    """What stands at a place, up to the next blank."""
    return (text[place:].split(maxsplit=1) or [""])[0][:40]


def _is_closed(found: str) -> bool:
    return len(found) > 1 and found.endswith('"')


def _end(text: str) -> tuple[int, int]:
    lines = text.rstrip().split("\n")
    return len(lines), len(lines[-1]) + 1
