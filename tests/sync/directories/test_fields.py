"""Records as flat fields, and flat fields into records."""

from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID

import pytest

from customers.golden import Claim
from foundation.errors import BadInput
from foundation.records import Address, Person, Product
from sync.directories import fields

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)


def claim(person, number=1, role="shop", **more):
    return Claim(UUID(int=number), UUID(int=number), role, AT, person, **more)


def flat(person):
    return {name: said.value for name, said in fields.of_person(claim(person)).items()}


def test_a_phone_is_the_same_however_it_is_written():
    one = flat(Person(external_id="1", phones=("8 (701) 111-22-33",), country="KZ"))
    assert one["phone"] == flat(Person(external_id="1", phones=("+77011112233",)))["phone"]


def test_what_is_written_is_read_back_and_the_rest_stays():
    before = Person(
        external_id="1", kind="company", company="Old", phones=("8 (701) 111-22-33", "+77019990000"),
        emails=("old@x.org", "second@x.org"), country="KZ", note="kept",
        addresses=(Address(line="Street 1", postcode="050000", city="Almaty"), Address(city="Elsewhere")),
    )  # fmt: skip
    said = {
        "name": "New", "phone": "+77014445566", "email": "new@x.org", "city": "Astana",
        "address": "Street 2, 050001", "birthday": "1990-05-01", "tax_number": "123456789012",
    }  # fmt: skip
    after = fields.into_person(before, said)
    assert flat(after).items() >= {**said, "tax_number": flat(after)["tax_number"]}.items()
    assert after.phones == ("+77014445566", "+77019990000")
    assert after.emails == ("new@x.org", "second@x.org")
    assert after.addresses[1].city == "Elsewhere" and after.note == "kept"
    assert after.birthday == date(1990, 5, 1)
    named = fields.differing(before, after, ("name", "company", "phones", "note"))
    assert named == ("name", "company", "phones")


def test_a_value_is_emptied():
    before = Person(external_id="1", name="Anna", phones=("+77011112233",), birthday=date(1990, 5, 1))
    after = fields.into_person(before, {"phone": None, "birthday": None, "city": None})
    assert (after.phones, after.birthday) == ((), None)


def test_set_aside_and_claimed_values_say_nothing():
    person = Person(external_id="1", name="Anna", phones=("+77011112233",))
    aside = claim(person, set_aside={"name": "Anna"})
    assert set(fields.of_claims([aside], {})) == {"phone"}
    browser = claim(Person(external_id="2", name="Eve", claimed=True), 2)
    assert fields.of_claims([browser], {}) == {}


@pytest.mark.parametrize(
    ("order", "owner"),
    [((), "ask"), (("shop",), "ours"), (("accounting",), "theirs"), (("file",), "ask"),
     ((str(UUID(int=2)), "shop"), "theirs")],
)  # fmt: skip
def test_the_policy_of_cards_names_the_owner(order, owner):
    ours, theirs = claim(Person(external_id="1")), claim(Person(external_id="2"), 2, "accounting")
    assert fields.owner("phone", order, ours, theirs) == owner
    assert fields.owner("phone", order, None, theirs) == "ask"


def test_products():
    item = Product(external_id="1", name=" Kettle  big ", sku="K", price=Decimal("10.500"))
    said = {name: one.value for name, one in fields.of_product(item, AT).items()}
    assert said == {"name": "Kettle big", "sku": "K", "price": "10.5"}
    assert fields.into_product(item, {"price": "12", "barcode": "460"}).price == Decimal(12)
    assert fields.into_product(item, {"price": None, "sku": None}).sku == ""
    with pytest.raises(BadInput, match="no amount"):
        fields.into_product(item, {"price": "many"})


def test_equal_amounts_are_the_same_text():
    assert fields.amount(Decimal("1E+2")) == fields.amount(Decimal("100.00")) == "100"
    assert fields.amount(Decimal("0.00")) == "0"
