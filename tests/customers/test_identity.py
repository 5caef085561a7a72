"""Keys, forms and names to show of a record."""

import pytest

from customers.identity import Key, anonymous, country_of, display_name, keys_of, latin_name
from foundation.records import Address, Person


def test_keys_are_normalised_once_each() -> None:
    person = Person(
        external_id="1",
        emails=("Anna.P@gmail.com", "annap@googlemail.com"),
        phones=("8 701 234 56 78",),
        addresses=(Address(phone="+7 701 234-56-78", country="KZ"),),
        tax_number="641201493103",
        device_ids=("d1",),
        accounts=("shop:7",),
    )
    assert keys_of(person) == (
        Key("email", "annap@gmail.com"),
        Key("phone", "+77012345678"),
        Key("tax", "kz.iin:641201493103"),
        Key("account", "shop:7"),
        Key("proof", "d1|email:annap@gmail.com"),
        Key("proof", "d1|phone:+77012345678"),
        Key("proof", "d1|account:shop:7"),
        Key("device", "d1"),
    )


def test_claims_are_weak_where_unproved() -> None:
    person = Person(external_id="d1|e:anna@p.kz", emails=("anna@p.kz",), device_ids=("d1",), claimed=True)
    assert keys_of(person) == (
        Key("email", "anna@p.kz", False),
        Key("alike", "d1|email:anna@p.kz"),
        Key("claim", "email:anna@p.kz"),
        Key("proof", "d1|email:anna@p.kz"),
        Key("device", "d1"),
    )


def test_claim_is_of_one_value_alone() -> None:
    person = Person(
        external_id="d1|u:7", emails=("anna@p.kz",), phones=("+77012345678",), accounts=("s:7",),
        device_ids=("d1",), claimed=True,
    )  # fmt: skip
    joining = [(key.kind, key.value) for key in keys_of(person) if key.kind in ("claim", "proof")]
    assert joining == [("claim", "account:s:7"), ("proof", "d1|account:s:7")]


@pytest.mark.parametrize(("kind", "strong"), [("person", False), ("company", True)])
def test_role_mailbox_is_key_of_companies_only(kind: str, strong: bool) -> None:
    person = Person(external_id="1", kind=kind, emails=("info@firm.kz",))  # type: ignore[arg-type]
    assert keys_of(person) == (Key("email", "info@firm.kz", strong),)


@pytest.mark.parametrize("email", ["no@no.no", "a1b2@privaterelay.appleid.com"])
def test_address_of_nobody_is_weak(email: str) -> None:
    assert [key.strong for key in keys_of(Person(external_id="1", emails=(email,)))] == [False]


def test_placeholder_phone_is_weak() -> None:
    person = Person(external_id="1", phones=("+7 999 999 99 99",))
    assert keys_of(person) == (Key("phone", "+79999999999", strong=False),)


def test_what_cannot_be_read_is_no_key() -> None:
    person = Person(external_id="1", emails=("anna",), phones=("12",), tax_number="7707083894", country="RU")
    assert keys_of(person) == ()


@pytest.mark.parametrize(
    ("person", "country"),
    [
        (Person(external_id="1", country="kz"), "KZ"),
        (Person(external_id="1", addresses=(Address(country="DE"),), name="Анна"), "DE"),
        (Person(external_id="1", name="Анна"), "RU"),
        (Person(external_id="1", name="Ayşe"), "TR"),
        (Person(external_id="1", name="김경숙"), "KR"),
        (Person(external_id="1", emails=("a@naver.com",)), "KR"),
        (Person(external_id="1", emails=("a@web.de",)), "DE"),
        (Person(external_id="1", name="Anna"), ""),
    ],
)
def test_country_is_stated_or_guessed(person: Person, country: str) -> None:
    assert country_of(person) == country


def test_only_device_is_anonymous() -> None:
    assert anonymous(Person(external_id="1", device_ids=("d",)))
    assert not anonymous(Person(external_id="1", given_name="Anna"))
    assert not anonymous(Person(external_id="1", emails=("anna",)))


def test_company_shows_its_own_name() -> None:
    firm = Person(external_id="1", kind="company", company="ООО  Ромашка", name="Анна Петрова")
    assert display_name(firm) == "ООО Ромашка"
    assert latin_name(firm) == "ooo romashka"


def test_name_is_put_together_from_parts() -> None:
    assert display_name(Person(external_id="1", given_name="Anna", family_name="Petrova")) == "Anna Petrova"
    assert display_name(Person(external_id="1", company="Weber GmbH")) == "Weber GmbH"
