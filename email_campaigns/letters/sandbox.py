"""Jinja2 with the doors shut: templates reach plain data and our filters, in bounded time and space.

Python's own objects have attributes, methods and sizes; a template gets at none of them: a name behind a
dot is a key of a mapping, calls are refused before anything is compiled (grammar.py),
and each turn of a loop is counted.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Any

from jinja2 import pass_context
from jinja2.exceptions import SecurityError
from jinja2.runtime import Context, LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment

from email_campaigns.letters import limits
from email_campaigns.letters.values import Absent, Amount, Unrendered, known
from foundation.clock import monotonic
from foundation.text import _

MAKING = " making"  # under which the state of a rendering lies in its context; no template can name it
LOOP = frozenset({"index", "index0", "first", "last", "length", "revindex", "revindex0"})
_Number = int | Decimal | float


class Making:
    """One rendering: for whom it writes, and what of its bounds is left."""

    __slots__ = ("language", "steps", "until", "zone")

    def __init__(self, language: str, zone: str) -> None:
        self.language, self.zone = language, zone
        self.steps, self.until = limits.STEPS, monotonic() + limits.SECONDS

    def on_time(self) -> None:
        """Unrendered when it has taken too long."""
        if monotonic() > self.until:
            raise Unrendered(_("The letter takes too long to make."))

    def step(self) -> None:
        """Count a turn of a loop."""
        self.steps -= 1
        if self.steps < 0:
            raise Unrendered(_("The loops of this letter take more than %d turns.") % limits.STEPS)
        self.on_time()


class Turns:
    """What a loop goes through, counted as it does."""

    __slots__ = ("_making", "_over")

    def __init__(self, over: Sequence[Any], making: Making) -> None:
        self._over, self._making = over, making

    def __len__(self) -> int:
        return len(self._over)

    def __iter__(self) -> Iterator[Any]:
        step = self._making.step
        for one in self._over:
            step()
            yield one


def making(context: Context) -> Making:
    """The state of the rendering that a context belongs to."""
    found: Making = context.parent[MAKING]
    return found


@pass_context
def turns(context: Context, over: Any) -> Turns:
    """What stands behind `in` of a loop; a list or a range, nothing that would be endless."""
    if isinstance(over, Absent):
        iter(over)  # says which variable is missing
    if not isinstance(over, list | tuple | range):
        raise Unrendered(_("A loop goes through a list, and this is none."))
    return Turns(over, making(context))


def numbers(*bounds: Any) -> range:
    """`range` of at most a thousand numbers."""
    if not 1 <= len(bounds) <= 3 or not all(type(one) is int for one in bounds):
        raise Unrendered(_("A range takes one, two or three whole numbers."))
    try:
        found = range(*bounds)
        size = len(found)
    except (ValueError, OverflowError):
        size = limits.RANGE + 1
    if size > limits.RANGE:
        raise Unrendered(_("A range has at most %d numbers.") % limits.RANGE)
    return found


@lru_cache(maxsize=4096)
def _last(path: str) -> str:
    return path.rpartition(".")[2]


class Sandbox(ImmutableSandboxedEnvironment):
    """The environment of all letters; `html` says whether what it writes is escaped."""

    intercepted_binops = frozenset({"+", "-", "*", "/", "//", "%", "**"})
    intercepted_unops = frozenset({"+", "-"})

    def __init__(self, html: bool, filters: Mapping[str, Callable[..., Any]], finalize: Callable[..., Any]):
        super().__init__(
            autoescape=html, undefined=Absent, finalize=finalize, keep_trailing_newline=True,
            auto_reload=False, cache_size=0,
        )  # fmt: skip
        self.globals.clear()
        self.globals["range"] = numbers
        self.filters = dict(filters)
        self.tests = dict(TESTS)

    def getattr(self, obj: Any, attribute: str) -> Any:
        """A key of a mapping. `attribute` is the whole path, so that what is missing can be named."""
        key = _last(attribute)
        if type(obj) is dict:
            return known(obj.get(key), attribute)
        if isinstance(obj, LoopContext) and key in LOOP:
            return getattr(obj, key)
        if isinstance(obj, Amount) and key in ("amount", "currency"):
            return getattr(obj, key)
        if obj is None or obj == "" or isinstance(obj, Absent):
            return Absent(name=attribute)
        raise SecurityError(_("“%s” can't be read: only variables have parts.") % attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        """A place of a list or a key of a mapping."""
        if type(obj) is dict and isinstance(argument, str):
            return known(obj.get(argument), argument)
        if isinstance(obj, list | tuple) and type(argument) is int:
            inside = -len(obj) <= argument < len(obj)
            return known(obj[argument] if inside else None, f"[{argument}]")
        if obj is None or isinstance(obj, Absent):
            return Absent(name=f"{obj.path if obj is not None else ''}[{str(argument)[:40]}]")
        raise SecurityError(_("Only a list or a variable with parts can be followed by brackets."))

    def call(self, context: Context, obj: Any, *args: Any, **kwargs: Any) -> Any:
        """Only `range` can be called."""
        if obj is not numbers:  # loops add keywords of their own
            raise SecurityError(_("Nothing but “range” can be called."))
        return numbers(*args)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Arithmetic that stays small."""
        for one in (left, right):
            if isinstance(one, Absent):
                one()  # says which variable is missing
        if isinstance(left, str) or isinstance(right, str):
            return _texts(operator, left, right)
        currency = _currency(operator, left, right)
        found = self._reckoned(operator, _plain(left), _plain(right))
        return Amount(Decimal(found), currency) if currency else found

    def _reckoned(self, operator: str, left: Any, right: Any) -> Any:
        if not isinstance(left, int | Decimal | float) or not isinstance(right, int | Decimal | float):
            raise Unrendered(_("“%s” works with numbers and texts only.") % operator)
        if operator == "**" and _is_large(left, right):
            raise Unrendered(_("This power is too large."))
        if isinstance(left, float) != isinstance(right, float):
            left, right = Decimal(str(left)), Decimal(str(right))
        try:
            found = self.binop_table[operator](left, right)
        except ArithmeticError:
            said = _("“%s” can't be worked out: is something divided by zero?")
            raise Unrendered(said % operator) from None
        if isinstance(found, complex) or not abs(found) <= limits.NUMBER:
            raise Unrendered(_("This number is too large."))
        return found

    def call_unop(self, context: Context, operator: str, arg: Any) -> Any:
        """A number with its sign."""
        return self.call_binop(context, operator, 0, arg)


TESTS: dict[str, Callable[[Any], bool]] = {
    "defined": lambda value: not isinstance(value, Absent),
    "undefined": lambda value: isinstance(value, Absent),
    "none": lambda value: isinstance(value, Absent),
    "odd": lambda value: isinstance(value, int) and value % 2 == 1,
    "even": lambda value: isinstance(value, int) and value % 2 == 0,
}


def joined(*parts: Any) -> str:
    """Texts and numbers put together, at most `limits.TEXT` long."""
    for one in parts:
        if isinstance(one, Absent):
            str(one)
        if not isinstance(one, str | _Number):
            raise Unrendered(_("Only texts and numbers can be put together."))
    found = "".join([str(one) for one in parts])
    if len(found) > limits.TEXT:
        raise Unrendered(_("This text grows too long."))
    return found


def _texts(operator: str, left: Any, right: Any) -> str:
    if operator == "+" and isinstance(left, str) and isinstance(right, str):
        return joined(left, right)
    if operator == "*":
        text, times = (left, right) if isinstance(left, str) else (right, left)
        if isinstance(text, str) and type(times) is int:
            if len(text) * times > limits.TEXT:
                raise Unrendered(_("This text grows too long."))
            return text * times
    raise Unrendered(_("“%s” doesn't work with a text; “~” puts texts and numbers together.") % operator)


def _currency(operator: str, left: Any, right: Any) -> str:
    """The currency of what comes out; empty for a mere number."""
    if not isinstance(left, Amount) and not isinstance(right, Amount):
        return ""
    both = isinstance(left, Amount) and isinstance(right, Amount)
    if both and left.currency != right.currency:
        raise Unrendered(_("Amounts of different currencies can't be reckoned with each other."))
    if both:
        return str(left.currency) if operator in ("+", "-") else ""
    if isinstance(left, Amount):
        return left.currency if operator in ("*", "/", "+", "-") else ""
    return str(right.currency) if operator in ("*", "+", "-") else ""


def _is_large(base: Any, power: Any) -> bool:
    return bool(abs(base) > limits.BASE or abs(power) > limits.POWER)


def _plain(value: Any) -> Any:
    return value.amount if isinstance(value, Amount) else value
