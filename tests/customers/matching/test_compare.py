"""What two records agree on, one comparison at a time."""

from datetime import date

import pytest
from msgspec.structs import replace

from customers.matching import compare, keys, persons
from customers.matching.counts import Counts, Word, shareable
from customers.matching.prepared import Prepared
from tests.customers.matching.people import counted, firm, record


def levels(one: Prepared, other: Prepared, counts: Counts | None = None) -> dict[str, str]:
    found = compare.vector(one, other, counts or counted(one, other))
    return dict(zip(compare.LEVELS[one.kind], found, strict=True))


def test_every_level_is_one_of_those_named() -> None:
    one, other = record("Ali Kaya", email="ali@x.com"), record("Ali Kaya", phone="+905321112233")
    for pair in ((one, other), (firm("ООО Ромашка"), firm("Ромашка"))):
        for name, level in levels(*pair).items():
            assert level in compare.LEVELS[pair[0].kind][name]


@pytest.mark.parametrize(
    ("one", "other", "wanted"),
    [
        ("Anna.K@gmail.com", "annak+shop@googlemail.com", "same"),
        ("anna.krylova@mail.ru", "anna.krylova@mai.ru", "slip"),
        ("anna.krylova@mail.ru", "anna.krylova@yandex.ru", "domain"),
        ("anna.krylova@mail.ru", "ana.krylova@mail.ru", "slip"),
        ("anna..krylova@mail.ru", "anna.krylova@mail.ru", "same"),
        ("anna@mail.ru", "boris@mail.ru", "other"),
        ("test@test.ru", "anna@mail.ru", "unknown"),
    ],
)
def test_emails(one: str, other: str, wanted: str) -> None:
    assert levels(record(email=one), record(email=other))["email"] == wanted


def test_number_without_its_country_finds_itself() -> None:
    pairs = [("7075719208", "+7 707 571 92 08"), ("01522936156", "+49 152 2936156")]
    for one, other in pairs:
        assert levels(record(phone=one), record(phone=other))["phone"] == "same"
    assert levels(record(phone="1234567"), record(phone="1234567"))["phone"] == "unknown"


def test_shared_phone_says_so() -> None:
    family = [record(f"{name} Kaya", given_name=name, family_name="Kaya", phone="+90 532 111 22 33")
              for name in ("Ali", "Ayşe", "Fatma")]  # fmt: skip
    assert levels(family[0], family[0], counted(*family[:2]))["phone"] == "same_2"
    assert levels(family[0], family[0], counted(*family))["phone"] == "same_3"


def test_family_members_have_different_given_names() -> None:
    one, other = record("Ольга Иванова"), record("Анна Иванова")
    assert levels(one, other)["name"] == "other_given"


def test_rare_names_are_told_from_common_ones() -> None:
    many = [record("Иван Иванов") for _ in range(40)]
    rare = [record("Афиноген Панарук") for _ in range(2)]
    counts = counted(*many, *rare)
    order = compare.LEVELS["person"]["rarity"]
    common = levels(many[0], many[1], counts)["rarity"]
    assert order.index(levels(*rare, counts)["rarity"]) < order.index(common)


@pytest.mark.parametrize(
    ("one", "other", "wanted"),
    [
        ("ул. Набережная, дом 107, квартира 84", "Набережная, 107 кв 84", "flat"),
        ("ulitsa Naberezhnaya 107-84", "Набережная, 107 кв 84", "flat"),
        ("ул Набережная, д. 107", "Набережная, 107 кв 84", "house"),
        ("Набережная, 107 кв 83", "Набережная, 107 кв 84", "other_flat"),
        ("8801 Snyder Rd #491", "8801 Snyder Road, Apt. 491", "flat"),
        ("Cumhuriyet Mah. Cd. No: 178 D:1", "Cumhuriyet Mahallesi Caddesi no 178 Daire 1", "flat"),
        ("Hauptstraße 129", "Hauptstrasse 129", "house"),
        ("구로구 학동로 233", "구로구 학동로 233, 101호", "house"),
        ("Лесная, 5", "Парковая, 7", "other_street"),
    ],
)
def test_places(one: str, other: str, wanted: str) -> None:
    left, right = (record(place=(line, "Дубна", "")) for line in (one, other))
    assert levels(left, right)["place"] == wanted


def test_what_was_ordered_says_more_the_fewer_ordered_it() -> None:
    someone, ordered = record("Olga Petrova"), {}
    for number in range(300):
        goods = ("#", "#common", *(f"#{letter}" for letter in "ab" if number < 2), f"#own {number}")
        ordered[number] = replace(someone, goods=goods)
    counts = counted(*ordered.values(), *[someone] * 3_000)
    third, fourth = replace(ordered[0], goods=("#", "#a")), replace(ordered[0], goods=("#", "#else"))
    wanted = {1: "several", 2: "common"}
    assert {other: levels(ordered[0], ordered[other], counts)["goods"] for other in wanted} == wanted
    assert levels(ordered[0], third, counts)["goods"] == "rare"
    assert levels(ordered[0], fourth, counts)["goods"] == "other"
    assert levels(ordered[0], someone, counts)["goods"] == "unknown"
    few = counted(ordered[0], ordered[1])
    assert levels(ordered[0], ordered[1], few)["goods"] == "common"  # among two nothing is rare


def test_name_and_year_in_the_address() -> None:
    one = record("Andrey Eliseev", birthday=date(1987, 11, 21))
    other = record("А.", email="andrey.eliseev1987@bk.ru")
    assert levels(one, other)["mail_name"] == "full"
    assert levels(one, other)["mail_year"] == "same"
    assert levels(record("Olga Petrova"), other)["mail_name"] == "absent"


@pytest.mark.parametrize(
    ("one", "other", "wanted"),
    [
        (date(1990, 3, 4), date(1990, 3, 4), "same"),
        (date(1990, 3, 4), date(1990, 4, 3), "near"),
        (date(1990, 3, 4), date(1961, 12, 25), "other"),
    ],
)
def test_birthdays(one: date, other: date, wanted: str) -> None:
    assert levels(record("A B", birthday=one), record("A B", birthday=other))["birthday"] == wanted


def test_patronymics() -> None:
    one = record("Жумаханова Акмарал Нурлановна")
    assert levels(one, record("Жумаханова Акмарал Ерлановна"))["middle"] == "different"
    assert levels(one, record("Акмарал Нурлановна Жумаханова"))["middle"] == "same"


@pytest.mark.parametrize(
    ("one", "other", "wanted"),
    [
        ("Öncüdoğuş Turizm A.Ş.", "ONCUDOGUS TURIZM Anonim Şirketi", "same"),
        ("ТОО «Көктем»", "Koktem LLP", "same"),
        ("(주)동아상사", "동아상사(주)", "same"),
        ("Weserhaus UG (haftungsbeschränkt)", "Weserhaus GmbH", "part"),
        ("ООО Ромашка", "ООО Василёк", "different"),
    ],
)
def test_companies(one: str, other: str, wanted: str) -> None:
    assert levels(firm(one), firm(other))["company"] == wanted


def test_kinds_share_keys_of_what_both_can_have_only() -> None:
    said = {
        "email": "ali.kaya@firma.com",
        "phone": "+905321112233",
        "device": "d1",
        "tax_number": "1234567890",
    }
    one, other = record("Ali Kaya", **said), firm("Firma", name="Ali Kaya", **said)
    shared = set(keys.keys(one)) & set(keys.keys(other))
    assert shared == {keys.of_value(value) for value in shareable(one)}
    assert len(shared) == 3


def test_name_in_an_address_brings_records_together() -> None:
    one, other = record("Anton Kalonenko"), record(email="kalonenko.anton@mail.ru")
    assert not set(keys.keys(one)).isdisjoint(keys.keys(other))


def test_a_name_is_crowded_sooner_than_a_name_with_its_town() -> None:
    ali = set(keys.keys(record("Ali Kaya", place=("", "Bursa", ""))))
    assert {keys.most(key) for key in ali} == {keys.NAMESAKES, keys.CROWDED}
    assert ali & set(keys.keys(record("Ali Kaya", place=("", "Izmir", "")))) == {"nali kaia"}
    same = ali & set(keys.keys(record("Kaya Ali", place=("", "BURSA", ""))))
    assert {keys.most(key) for key in same} == {keys.NAMESAKES, keys.CROWDED}


@pytest.mark.parametrize(
    ("each", "level"), [(1 << 3, "-13"), (1 << 4, "-10"), (1 << 6, "-7"), (1 << 10, "1"), (1 << 13, "more")]
)
def test_how_many_would_have_a_name_by_chance(each: int, level: str) -> None:
    counts = Counts(1 << 20, {word: Word(each) for word in ("afinogen", "panaruk")})
    assert persons.rarity(("afinogen", "panaruk"), counts) == level
