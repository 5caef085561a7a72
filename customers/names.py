"""Names in any script in a form to compare by, and whether two of them can belong to one person. Pure."""

from typing import NamedTuple

from customers.latin import latin
from foundation.records import Person, PersonKind


class NameForm(NamedTuple):
    """Folded Latin tokens of a name. Empty `tokens`: the name is unknown."""

    kind: PersonKind
    tokens: tuple[str, ...]
    given: tuple[str, ...] = ()
    family: tuple[str, ...] = ()
    middle: tuple[str, ...] = ()
    script: str = ""


def form(person: Person) -> NameForm:
    """The comparable form of a record's name."""
    text = person.name or f"{person.given_name} {person.family_name}"
    if person.kind == "company":
        text = person.company or text
    return NameForm(person.kind, tuple(sorted(latin(text).split())))


def compatible(a: NameForm, b: NameForm) -> bool:
    """True when the two names can be one person's: an unknown name goes with all of its kind."""
    if a.kind != b.kind:
        return False
    return not a.tokens or not b.tokens or a.tokens == b.tokens


def agreement(a: NameForm, b: NameForm) -> int:
    """2: the names agree in full; 1: nothing against it; 0: two different names."""
    if not compatible(a, b):
        return 0
    return 2 if a.tokens and b.tokens else 1
