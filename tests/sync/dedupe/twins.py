"""People whom no exact key joins, each known to two shops."""

from datetime import date
from typing import Any

from sqlalchemy.orm import Session

from foundation.records import Address, Person
from tests.customers.world import say, shop

HOME = (Address(line="Lenina 14, kv. 7", city="Almaty", postcode="050000"),)
BORN = date(1971, 3, 9)
MEN = ("Afinogen Panaruk", "Evlampy Ztorov", "Kasyan Mulgrew", "Pankrat Vyrubov", "Zosima Tchekan")


def person(key: str, **said: Any) -> Person:
    return Person(external_id=key, country="KZ", **said)


def man(key: str, number: int = 0, **said: Any) -> Person:
    """One of some men with rare names, as one source knows him: no key joins what two of them say."""
    known = {
        "name": MEN[number],
        "addresses": HOME,
        "birthday": BORN,
        "emails": (f"{key}{number}@x{key}.org",),
    }
    return person(f"{key}{number}", **{**known, **said})


def twins(session: Session, number: int = 1) -> None:
    """Each man twice, a stranger, and a pair that nobody can be sure of."""
    say(session, shop(session), *(man("a", one) for one in range(number)))
    stranger = person("3", name="Claire Dubois", emails=("claire@x.org",))
    unsure = person("4", name="Gleb Sorokin", birthday=BORN), person("5", name="G. Sorokin", birthday=BORN)
    other = shop(session, "Other")
    say(session, other, *(man("b", one) for one in range(number)), stranger, *unsure)
