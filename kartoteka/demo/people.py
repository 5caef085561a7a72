"""Invents the people of the demo: five languages, their accounts, and the ways one person becomes several."""

import random
from typing import NamedTuple

from anyascii import anyascii

from kartoteka.demo.names import COUNTRIES, FIRMS, WEIGHTS, Country


class Human(NamedTuple):
    """One invented person, as they really are; accounts and guest orders are made from them."""

    country: Country
    given: str
    family: str
    email: str
    phone: str
    city: str
    postcode: str
    street: str
    company: str = ""

    @property
    def full_name(self) -> str:
        """The name in the order its language writes it."""
        parts = (self.family, self.given) if self.country.family_first else (self.given, self.family)
        return " ".join(part for part in parts if part)


def digits(pattern: str, dice: random.Random) -> str:
    """A pattern with each # replaced; the first never 0 so that numbers stay valid."""
    return "".join(dice.choice("23456789") if sign == "#" else sign for sign in pattern)


def latin(text: str) -> str:
    """Lower-case letters of a name as people spell it in an address."""
    return "".join(sign for sign in anyascii(text).lower() if sign.isalnum())


def spelt(name: str) -> str:
    """A name in Latin letters as its bearer would write it."""
    return " ".join(word.capitalize() for word in anyascii(name).replace("'", "").split())


def address_of(given: str, family: str, country: Country, dice: random.Random) -> str:
    """An e-mail address somebody of that name would pick."""
    first, last = latin(given), latin(family)
    style = dice.randrange(4)
    local = (
        f"{first}.{last}",
        f"{first[:1]}{last}{dice.randrange(10, 99)}",
        f"{last}{dice.randrange(1955, 2006)}",
        f"{first}_{dice.randrange(100, 9999)}",
    )[style]
    return f"{local}@{dice.choice(country.mail)}"


def person(dice: random.Random) -> Human:
    """One invented person of a country drawn by weight."""
    country = dice.choices(COUNTRIES, WEIGHTS)[0]
    woman = dice.random() < 0.62
    given = dice.choice(country.women if woman else country.men)
    family = dice.choice(country.families)[0 if woman else 1]
    city, post = dice.choice(country.cities)
    return Human(
        country=country,
        given=given,
        family=family,
        email=address_of(given, family, country, dice),
        phone=digits(dice.choice(country.phone), dice),
        city=city,
        postcode=digits(post + "###", dice),
        street=f"{dice.choice(country.streets)} {dice.randrange(1, 160)}",
    )


def firm(position: int, dice: random.Random) -> Human:
    """A company that buys: its mailbox is a role address."""
    name, code = FIRMS[position % len(FIRMS)]
    base = person(dice)
    while base.country.code != code:
        base = person(dice)
    domain = f"{latin(name)[:18]}.example"
    role = dice.choice(("info", "sales", "office"))
    return base._replace(company=name, email=f"{role}@{domain}")


def second_account(human: Human, dice: random.Random) -> Human:
    """The same person with another mailbox; sometimes moved, sometimes spelling the name in Latin letters."""
    again = human._replace(email=address_of(human.given, human.family, human.country, dice))
    if dice.random() < 0.4:
        again = again._replace(given=spelt(human.given), family=spelt(human.family))
    if dice.random() < 0.3:
        city, post = dice.choice(human.country.cities)
        again = again._replace(city=city, postcode=digits(post + "###", dice))
    return again


def housemate(human: Human, dice: random.Random) -> Human:
    """Another person who leaves the same phone number: must not become one card."""
    other = person(dice)
    while other.country is not human.country or other.given == human.given:
        other = person(dice)
    return other._replace(phone=human.phone, city=human.city, postcode=human.postcode, street=human.street)


def careless(human: Human, dice: random.Random) -> Human:
    """How somebody types themselves in at a guest checkout: capitals, Latin letters, another phone form."""
    email = human.email.upper() if dice.random() < 0.1 else human.email
    given, family = human.given, human.family
    if dice.random() < 0.2:
        given, family = spelt(given), spelt(family)
    elif dice.random() < 0.1:
        given, family = given.lower(), family.lower()
    return human._replace(email=email, given=given, family=family)


def crowd(count: int, dice: random.Random) -> list[Human]:
    """The account holders: people, a few firms, planted second accounts and housemates."""
    humans: list[Human] = []
    while len(humans) < count:
        draw = dice.random()
        if humans and draw < 0.06:
            humans.append(second_account(dice.choice(humans), dice))
        elif humans and draw < 0.075:
            humans.append(housemate(dice.choice(humans), dice))
        elif draw < 0.085:
            humans.append(firm(len(humans), dice))
        else:
            humans.append(person(dice))
    return humans
