"""The golden record: who wins a field."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from customers.golden import FIELDS, GOVERNED, Claim, choose
from foundation.records import Address, Person

SHOP, LEDGER, OTHER_SHOP = UUID(int=1), UUID(int=2), UUID(int=3)
ROLES = {SHOP: "shop", LEDGER: "accounting", OTHER_SHOP: "shop"}
DAY = datetime(2026, 1, 1, tzinfo=UTC)


def claim(number: int, source: UUID = SHOP, days: int = 0, **said: Any) -> Claim:
    person = Person(external_id=str(number), **said)
    return Claim(UUID(int=100 + number), source, ROLES[source], DAY + timedelta(days=days), person)


def test_accounting_wins_name_and_tax_number() -> None:
    ledger = claim(
        1, LEDGER, name="ООО Ромашка", tax_number="7707083893", country="RU", phones=("84951112233",)
    )
    shop = claim(
        2, SHOP, days=9, name="Ромашка", tax_number="7707083894", phones=("89161112233",), country="RU"
    )
    golden = choose([shop, ledger], {})
    assert golden.values["name"] == "ООО Ромашка"
    assert golden.values["latin_name"] == "ooo romashka"
    assert golden.values["tax_number"] == "7707083893"
    assert golden.values["phone"] == "+79161112233"
    assert golden.origins["tax_number"] == str(ledger.profile_id)
    assert golden.origins["phone"] == str(shop.profile_id)


def test_newest_city_wins() -> None:
    old = claim(1, LEDGER, addresses=(Address(city="Almaty", country="KZ"),))
    new = claim(2, SHOP, days=1, addresses=(Address(city="Astana", line="Abai 1", postcode="010000"),))
    values = choose([new, old], {}).values
    assert (values["city"], values["address"], values["country"]) == ("Astana", "Abai 1, 010000", "KZ")


def test_what_was_set_aside_for_a_ledger_does_not_come_back_when_the_ledger_empties_the_field() -> None:
    ledger = claim(1, LEDGER, name="Anna Petrova")
    shop = claim(2, name="Anna", addresses=(Address(city="Almaty"),))._replace(set_aside={"city": "Almaty"})
    assert choose([shop, ledger], {}).values["city"] is None
    assert choose([shop], {}).values["city"] == "Almaty"  # without the ledger it's all that is known
    moved = shop._replace(person=Person(external_id="2", addresses=(Address(city="Astana"),)))
    assert choose([moved, ledger], {}).values["city"] == "Astana"


def test_verified_email_wins_over_newer() -> None:
    verified = claim(1, emails=("Anna@example.org",), email_verified=True)
    newer = claim(2, days=5, emails=("other@example.org",))
    assert choose([verified, newer], {}).values["email"] == "Anna@example.org"


def test_own_mailbox_wins_over_role() -> None:
    values = choose([claim(1, emails=("info@firm.kz", "anna@firm.kz"), email_verified=True)], {}).values
    assert values["email"] == "anna@firm.kz"


def test_whole_name_wins_over_newer_half() -> None:
    values = choose([claim(1, name="Anna Petrova"), claim(2, days=5, name="Anna")], {}).values
    assert values["name"] == "Anna Petrova"


def test_source_named_in_policy_wins() -> None:
    claims = [claim(1, SHOP, days=5, language="ru"), claim(2, OTHER_SHOP, language="kk")]
    assert choose(claims, {}).values["language"] == "ru"
    assert choose(claims, {"language": [str(OTHER_SHOP)]}).values["language"] == "kk"
    assert choose(claims, {"language": ["accounting", "shop"]}).values["language"] == "ru"


def test_given_and_family_name_stay_together() -> None:
    claims = [claim(1, given_name="Anna", family_name="Petrova"), claim(2, days=1, given_name="Anya")]
    values = choose(claims, {}).values
    assert (values["given_name"], values["family_name"]) == ("Anya", "")


def test_tags_add_up() -> None:
    assert choose([claim(1, tags=("b", "a")), claim(2, tags=("c", "b"))], {}).values["tags"] == [
        "a",
        "b",
        "c",
    ]


def test_nothing_known_leaves_fields_empty() -> None:
    values = choose([claim(1)], {}).values
    assert set(values) == set(FIELDS)
    assert (values["name"], values["email"], values["tags"]) == ("", None, [])


said = st.fixed_dictionaries(
    {},
    optional={
        "name": st.sampled_from(["Anna", "Anna Petrova"]),
        "emails": st.sampled_from([("a@b.kz",), ("c@d.kz", "info@d.kz")]),
        "email_verified": st.booleans(),
        "language": st.sampled_from(["ru", "kk"]),
        "birthday": st.sampled_from([date(1990, 1, 1), date(1991, 1, 1)]),
    },
)
claims = st.lists(st.tuples(st.sampled_from(list(ROLES)), st.integers(0, 2), said), min_size=1, max_size=6)


@given(claims, st.randoms())
def test_order_of_claims_is_of_no_consequence(drawn: Sequence[Any], random: Any) -> None:
    made = [claim(n, source, days, **each) for n, (source, days, each) in enumerate(drawn)]
    once = choose(made, {})
    random.shuffle(made)
    assert choose(made, {}) == once


@given(claims, st.sampled_from(GOVERNED), st.permutations(["shop", "accounting", str(SHOP)]))
def test_policy_forth_and_back_is_nothing(drawn: Sequence[Any], field: str, order: list[str]) -> None:
    made = [claim(n, source, days, **each) for n, (source, days, each) in enumerate(drawn)]
    before = choose(made, {})
    other = choose(made, {field: order})
    assert choose(made, {}) == before
    follow = {"name": "latin_name", "given_name": "family_name"}
    changed = {name for name in other.values if other.values[name] != before.values[name]}
    assert changed <= {field, follow.get(field, field)}
