"""The decision about a batch: what joins, what is only proposed, what never happens."""

import csv
import gzip
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import combinations, count
from math import comb
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customers import birthdays, identity, names
from customers.decide import decide
from customers.identity import Key
from customers.known import Decision, Known
from foundation.records import Address, Person

DATA = Path(__file__).parents[3] / "shared" / "data" / "dedup"
DAY = datetime(2026, 1, 1, tzinfo=UTC)
ANNA, BORIS = "Anna Petrova", "Boris Weber"
HOME, OTHER = UUID(int=900), UUID(int=901)


def someone(
    number: int,
    name: str = "",
    *,
    email: str = "",
    phone: str = "",
    tax: str = "",
    device: str = "",
    company: str = "",
    born: str = "",
    home: UUID | None = None,
    by_device: bool = False,
) -> Known:
    """A profile; with a home it is one that has been decided before, alone in its group."""
    person = Person(
        external_id=f"{number:04}", name=name, company=company, kind="company" if company else "person"
    )
    said = {"email": email, "phone": phone, "tax": tax, "device": device}
    keys = tuple(Key(kind, value) for kind, value in said.items() if value)
    anonymous = not (name or company or email or phone or tax)
    return Known(
        UUID(int=number),
        DAY,
        person.external_id,
        names.form(person),
        keys,
        anonymous=anonymous,
        home=home,
        group=home,
        by_device=by_device,
        born=born,
    )


def minted() -> Iterator[UUID]:
    return (UUID(int=10_000 + number) for number in count())


def run(batch: Sequence[Known], existing: Sequence[Known] = (), **more: object) -> Decision:
    ids = minted()
    return decide(batch, existing, mint=lambda: next(ids), **more)  # type: ignore[arg-type]


def cards(decision: Decision, existing: Sequence[Known] = ()) -> dict[int, UUID]:
    """Profile -> a card that stands for its connected component."""
    parent: dict[UUID, UUID] = {}

    def root(one: UUID) -> UUID:
        while parent.setdefault(one, one) != one:
            one = parent[one]
        return one

    homes = {profile.id: profile.home for profile in existing if profile.home}
    homes |= {link.profile: link.card for link in decision.homes}
    ties = [*homes.items(), *((link.profile, link.card) for link in decision.bridges)]
    for profile, card in ties:
        parent[root(profile)] = root(card)
    return {profile.int: root(profile) for profile in homes}


def test_same_mailbox_same_name_joins() -> None:
    decision = run([someone(1, ANNA, email="a@b.ru"), someone(2, "Петрова Анна", email="a@b.ru")])
    assert [(link.profile.int, link.rule) for link in decision.homes] == [(1, "new"), (2, "email")]
    assert decision.homes[1].evidence == {"key": "a@b.ru", "with": str(UUID(int=1))}
    assert len(decision.new_cards) == 1


def test_different_names_are_only_proposed() -> None:
    decision = run([someone(1, ANNA, phone="+77011234567"), someone(2, BORIS, phone="+77011234567")])
    assert len(decision.new_cards) == 2
    [proposal] = decision.proposals
    assert proposal.left < proposal.right
    assert proposal.evidence["why"] == "They share the phone number +7 701 123 4567, but their names differ."


def test_two_birthdays_are_only_proposed() -> None:
    mother = someone(1, ANNA, email="a@b.ru", born="19620304")
    daughter = someone(2, ANNA, email="a@b.ru", born="19891117")
    decision = run([mother, daughter])
    assert len(decision.new_cards) == 2
    [proposal] = decision.proposals
    assert (proposal.evidence["refused"], proposal.rule) == ("birthday", "email")
    assert proposal.evidence["why"] == "They share the e-mail address a@b.ru, but their birthdays differ."
    nobody = someone(3, ANNA, email="a@b.ru")
    found = cards(run([mother, daughter, nobody]))
    assert found[1] != found[2], "who says none is no bridge"


@pytest.mark.parametrize("other", ["19620304", "19620403", "19630304", "19620101", "19900101", ""])
def test_birthdays_of_one_person_join(other: str) -> None:
    one, again = (someone(n, ANNA, email="a@b.ru", born=born) for n, born in ((1, "19620304"), (2, other)))
    assert len(run([one, again]).new_cards) == 1


def test_birthday_is_mistyped_more_often_than_a_tax_number() -> None:
    one, again = (
        someone(n, ANNA, tax="ru.inn:1", born=born) for n, born in ((1, "19620304"), (2, "19891117"))
    )
    decision = run([one, again])
    assert (len(decision.new_cards), decision.proposals) == (1, [])


def test_nameless_record_bridges_nobody() -> None:
    both = someone(3, email="a@b.ru", phone="+7")
    decision = run([someone(1, ANNA, email="a@b.ru"), someone(2, BORIS, phone="+7"), both])
    found = cards(decision)
    assert found[3] == found[1] != found[2]


@pytest.mark.parametrize("scanty", ["", "Anna"])
def test_name_that_fits_two_joins_neither(scanty: str) -> None:
    others = [someone(1, "Anna Petrova", phone="+7"), someone(2, "Anna Weber", phone="+7")]
    found = cards(run([*others, someone(3, scanty, phone="+7")]))
    assert len(set(found.values())) == 3


def test_person_and_company_stay_apart() -> None:
    decision = run([someone(1, ANNA, email="a@b.ru"), someone(2, company="Petrova Anna", email="a@b.ru")])
    assert len(decision.new_cards) == 2
    assert not decision.proposals


def test_two_tax_numbers_are_two_people() -> None:
    batch = [
        someone(1, ANNA, email="a@b.ru", tax="ru.inn:1"),
        someone(2, ANNA, email="a@b.ru", tax="ru.inn:2"),
    ]
    decision = run(batch)
    assert len(decision.new_cards) == 2
    assert decision.proposals[0].evidence["refused"] == "tax"


def test_third_name_makes_phone_shared() -> None:
    batch = [someone(1, ANNA, phone="+7"), someone(2, BORIS, phone="+7"), someone(3, "Dana Kim", phone="+7")]
    decision = run([*batch, someone(4, ANNA, phone="+7")])
    assert [(key.kind, key.value) for key in decision.shared] == [("phone", "+7")]
    assert len(decision.new_cards) == 4
    assert not decision.proposals


def test_shared_key_joins_nobody() -> None:
    batch = [someone(1, ANNA, phone="+7"), someone(2, ANNA, phone="+7")]
    assert len(run(batch, shared={("phone", "+7")}).new_cards) == 2


def test_weak_key_joins_nobody() -> None:
    weak = [
        Known(UUID(int=number), DAY, str(number), names.NAMELESS, (Key("email", "info@b.ru", strong=False),))
        for number in (1, 2)
    ]
    assert len(run(weak).new_cards) == 2


def test_known_profile_gives_its_home() -> None:
    decision = run([someone(2, ANNA, email="a@b.ru")], [someone(1, ANNA, email="a@b.ru", home=HOME)])
    assert [(link.card, link.rule) for link in decision.homes] == [(HOME, "email")]
    assert not decision.new_cards


def test_tax_number_outranks_phone() -> None:
    known = [someone(1, ANNA, phone="+7", home=HOME), someone(2, ANNA, tax="ru.inn:1", home=OTHER)]
    decision = run([someone(3, ANNA, phone="+7", tax="ru.inn:1")], known)
    assert [(link.card, link.rule) for link in decision.homes] == [(OTHER, "tax")]
    assert [(link.profile.int, link.card, link.rule) for link in decision.bridges] == [(3, HOME, "phone")]


def test_changed_profile_bridges_two_homes() -> None:
    changed = someone(1, ANNA, email="a@b.ru", home=HOME)
    decision = run([changed], [someone(2, ANNA, email="a@b.ru", home=OTHER)])
    assert not decision.homes
    assert [(link.profile.int, link.card) for link in decision.bridges] == [(1, OTHER)]


def test_verdict_keeps_two_apart() -> None:
    changed = someone(1, ANNA, email="a@b.ru", home=HOME)
    known = [someone(2, ANNA, email="a@b.ru", home=OTHER)]
    decision = run([changed], known, verdicts={(HOME, OTHER)})
    assert not decision.bridges
    assert not decision.proposals


def test_visitor_follows_only_owner_of_device() -> None:
    decision = run([someone(1, ANNA, email="a@b.ru", device="d"), someone(2, device="d")])
    assert [(link.profile.int, link.rule) for link in decision.homes] == [(1, "new"), (2, "device")]


def test_two_people_on_device_stay_apart() -> None:
    people = [someone(1, ANNA, email="a@b.ru", device="d"), someone(2, ANNA, email="c@d.ru", device="d")]
    decision = run([*people, someone(3, device="d")])
    assert len(decision.new_cards) == 2
    assert {link.profile.int for link in decision.homes} == {1, 2}
    assert not decision.proposals


def test_visitor_of_another_birthday_is_not_the_owner() -> None:
    """Who left nothing but a birthday in a form is somebody else on a family's computer."""
    anna = someone(1, ANNA, email="a@b.ru", device="d", born="19840512")
    mother, herself, unknown = (
        someone(number, device="d", born=born) for number, born in [(2, "19570203"), (3, "19840512"), (4, "")]
    )
    decision = run([mother, anna, herself, unknown])
    assert {link.profile.int for link in decision.homes} == {1, 3, 4}


def test_visitor_alone_gets_no_card() -> None:
    assert run([someone(1, device="d"), someone(2, device="d")]).homes == []


def test_visitor_with_own_name_moves_out() -> None:
    boris = someone(2, BORIS, email="b@b.ru", device="d", home=HOME, by_device=True)
    decision = run([boris], [someone(1, ANNA, email="a@b.ru", device="d", home=HOME)])
    assert [profile.int for profile in decision.moved] == [2]
    assert [link.rule for link in decision.homes] == ["new"]


def test_thousand_guests_are_one_card() -> None:
    guests = [someone(number, ANNA, email="a@b.ru") for number in range(1, 1001)]
    decision = run(guests)
    assert len(decision.new_cards) == 1
    assert not decision.bridges


NAMES = ["", "Anna", "Anna Petrova", "Petrova A.", "Boris Weber", "Boris", "Dana Kim", "Anna Weber"]
people = st.builds(
    lambda name, email, phone, tax, device, born: {
        "name": name, "email": email, "phone": phone, "tax": tax, "device": device, "born": born
    },
    st.sampled_from(NAMES), st.sampled_from(["", "e1", "e2", "e3"]), st.sampled_from(["", "p1", "p2"]),
    st.sampled_from(["", "", "ru.inn:1", "ru.inn:2"]), st.sampled_from(["", "d1"]),
    st.sampled_from(["", "", "19620304", "19620403", "19891117", "19900101"]),
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.lists(people, max_size=9), st.lists(people, max_size=5), st.randoms())
def test_order_of_input_is_of_no_consequence(fresh: list[dict], known: list[dict], random: object) -> None:  # type: ignore[type-arg]
    batch = [someone(number, **each) for number, each in enumerate(fresh, 1)]
    existing = [someone(n, **each, home=UUID(int=900 + n)) for n, each in enumerate(known, 100)]
    once = run(batch, existing)
    for order in (batch, existing):
        random.shuffle(order)  # type: ignore[attr-defined]
    assert run(batch, existing) == once


@settings(max_examples=300, deadline=None)
@given(st.lists(people, max_size=9), st.lists(people, min_size=1, max_size=5), st.data())
def test_no_cluster_breaks_a_guard(fresh: list[dict], known: list[dict], data: st.DataObject) -> None:  # type: ignore[type-arg]
    batch = [someone(number, **each) for number, each in enumerate(fresh, 1)]
    existing = [someone(n, **each, home=UUID(int=900 + n)) for n, each in enumerate(known, 100)]
    homes = [profile.home for profile in existing if profile.home]
    verdicts = set(data.draw(st.lists(st.tuples(st.sampled_from(homes), st.sampled_from(homes)), max_size=3)))
    verdicts = {(left, right) for left, right in verdicts if left != right}
    decision = run(batch, existing, verdicts=verdicts)
    found = cards(decision, existing)
    everybody = {profile.id.int: profile for profile in (*batch, *existing)}
    groups = defaultdict(list)
    for number, card in found.items():
        groups[card].append(everybody[number])
    for members in groups.values():
        for one, other in combinations(members, 2):
            assert names.compatible(one.form, other.form)
            assert (one.home, other.home) not in verdicts
            assert (other.home, one.home) not in verdicts
        taxes = {key.value for one in members for key in one.keys if key.kind == "tax"}
        assert len(taxes) < 2
        births = {one.born for one in members}
        assert taxes or not any(birthdays.two_people(one, other) for one in births for other in births)
    assert all(profile.id.int in found for profile in batch if not profile.anonymous)


def read(row: dict[str, str]) -> Person:
    """A row of the generated customers as a connector would read it."""
    return Person(
        external_id=row["record_id"],
        kind="company" if row["company"] else "person",
        name=row["name"],
        given_name=row["first_name"],
        family_name=row["last_name"],
        middle_name=row["middle_name"],
        company=row["company"],
        emails=(row["email"],),
        phones=(row["phone"],),
        tax_number=row["tax_id"],
        country=row["country"],
        device_ids=tuple(filter(None, (row["visitor_id"],))),
        addresses=(Address(city=row["city"]),),
    )


def test_ten_thousand_customers_join_rightly() -> None:
    if not DATA.is_dir():
        pytest.skip("needs ../shared/data/dedup: generated customers with the truth beside them")
    with gzip.open(DATA / "customers_10k.csv.gz", "rt", encoding="utf-8") as file:
        records = list(csv.DictReader(file))
    with gzip.open(DATA / "truth_10k.csv.gz", "rt", encoding="utf-8") as file:
        truth = {row["record_id"]: row["cluster_id"] for row in csv.DictReader(file)}
    batch = []
    for number, row in enumerate(records, 1):
        person = read(row)
        at = datetime.fromisoformat(row["created_at"]).replace(tzinfo=UTC)
        form, keys = identity.name_form(person), identity.keys_of(person)
        known = Known(UUID(int=number), at, person.external_id, form, keys, identity.anonymous(person))
        batch.append(known)
    found = cards(run(batch))
    told = {known.external_id: found.get(known.id.int, known.id) for known in batch}
    right, said, true = (
        sum(comb(size, 2) for size in Counter(labels).values())
        for labels in ([(truth[one], card) for one, card in told.items()], told.values(), truth.values())
    )
    print(f"pairs: precision {right / said:.4f}, recall {right / true:.4f}")
    assert right / said >= 0.995
    assert right / true >= 0.70


def test_verdict_holds_on_a_shared_device() -> None:
    """Two visitors a person has told apart stay apart, whatever device both are seen on."""
    left, right = UUID(int=901), UUID(int=902)
    existing = [someone(1, device="d1", home=left), someone(2, device="d1", home=right)]
    decision = run([someone(3, device="d1")], existing, verdicts={(left, right)})
    assert {left, right} - {link.card for link in (*decision.homes, *decision.bridges)}
    free = run([someone(3, device="d1")], existing)
    assert {link.card for link in (*free.homes, *free.bridges)} == {left, right}
