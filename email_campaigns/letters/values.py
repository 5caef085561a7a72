"""What variables of a letter hold: plain data, amounts with their currency, and what isn't there."""

import operator
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NoReturn

from jinja2 import Undefined
from markupsafe import Markup

from foundation.errors import Permanent
from foundation.text import _


class Unrendered(Permanent):
    """A letter can't be made for this person; `str()` says why. Others are not concerned."""


class Missing(Unrendered):
    """The letter needs a variable that this person has no value of, and names no fallback."""

    def __init__(self, variable: str) -> None:
        said = _("The letter needs “%s”, which has no value here, and it names no fallback for it.")
        super().__init__(said % variable)
        self.variable = variable


class Ours(Markup):
    """An address that we made ourselves, fit for any place in a letter: nobody needs to look at it again."""

    __slots__ = ()


class Absent(Undefined):
    """A variable without a value: false in a condition, replaced by `or` and `default`, refused when shown.

    Compared with anything it is unequal, neither less nor more: "unset" is not "no".
    """

    __slots__ = ()

    @property
    def path(self) -> str:
        """The variable as the letter names it."""
        return str(self._undefined_name)

    def _missing(self, *_args: object, **_kwargs: object) -> NoReturn:
        raise Missing(self.path)

    def __bool__(self) -> bool:
        return False

    def __eq__(self, other: object) -> bool:
        return other is None or isinstance(other, Absent)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(Absent)

    def _never(self, _other: object) -> bool:
        return False

    def __str__(self) -> str:
        self._missing()

    def __iter__(self) -> Iterator[Any]:
        self._missing()

    def __len__(self) -> int:
        return 0

    def __contains__(self, _one: object) -> bool:
        return False

    __lt__ = __le__ = __gt__ = __ge__ = _never  # type: ignore[assignment]
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = _missing
    __truediv__ = __rtruediv__ = __floordiv__ = __rfloordiv__ = __mod__ = __rmod__ = _missing
    __pow__ = __rpow__ = __neg__ = __pos__ = __int__ = __float__ = __call__ = __getitem__ = _missing


@dataclass(frozen=True, slots=True, eq=False)
class Amount:
    """Money: shown with its currency, compared by its amount."""

    amount: Decimal
    currency: str

    def __bool__(self) -> bool:
        return bool(self.amount)

    def __hash__(self) -> int:
        return hash((self.amount, self.currency))

    def __eq__(self, other: object) -> bool:
        return self._compare(other, operator.eq)

    def __lt__(self, other: object) -> bool:
        return self._compare(other, operator.lt)

    def __le__(self, other: object) -> bool:
        return self._compare(other, operator.le)

    def __gt__(self, other: object) -> bool:
        return self._compare(other, operator.gt)

    def __ge__(self, other: object) -> bool:
        return self._compare(other, operator.ge)

    def _compare(self, other: object, how: Callable[[Any, Any], bool]) -> bool:
        if isinstance(other, Amount):
            return self.currency == other.currency and how(self.amount, other.amount)
        return how(self.amount, other) if isinstance(other, int | Decimal | float) else False


def known(value: Any, path: str) -> Any:
    """The value; `Absent` when there is none. Zero and no are values, an empty text is none."""
    if type(value) is str:
        return value or Absent(name=path)
    return Absent(name=path) if value is None else value
