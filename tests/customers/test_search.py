"""Finding customers by whatever somebody types."""

from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event, text
from sqlalchemy.orm import Session

from customers import golden, identity, search
from customers.facts import Invoice, Order
from customers.golden import Claim
from customers.latin import sound
from customers.tables import Customer, CustomerStats, Profile, ProfileKey, Source
from foundation.clock import new_id, now
from foundation.errors import BadInput
from foundation.records import Person
from tests.customers.world import shop

DMITRY = Person(
    external_id="1",
    name="Дмитрий Станиславович Кузнецов",
    emails=("d.kuznetsov_77@gmail.com",),
    phones=("8 701 234 56 78",),
    country="KZ",
)
AYSE = Person(external_id="2", name="Ayşe Yılmaz", emails=("ayse@firma.com.tr",), phones=("0533 492 95 56",))
KIM = Person(external_id="3", name="김경숙", phones=("010-6393-3711",))
FIRM = Person(
    external_id="4", kind="company", company="ТОО «Арай Групп»", tax_number="050642955749", country="KZ"
)


def card(session: Session, source: Source, person: Person, number: str = "", *, live: bool = True) -> UUID:
    """A card of one profile with its keys, words and an order."""
    customer, profile, keys = new_id(), new_id(), identity.keys_of(person)
    values = golden.choose([Claim(profile, source.id, "shop", now(), person)], {}).values
    words = search.document([person], keys)
    session.add(Customer(id=customer, live=live, identified=True, search=words, **values))
    session.flush()
    session.add(CustomerStats(customer_id=customer))
    session.add(
        Profile(
            id=profile,
            source_id=source.id,
            kind="customer",
            external_id=person.external_id,
            customer_id=customer,
            record={},
            record_hash=b"",
            changed_at=now(),
        )
    )
    session.flush()
    session.add_all(ProfileKey(profile_id=profile, kind=key.kind, value=key.value) for key in keys)
    if number:
        session.add(
            Order(
                source_id=source.id,
                external_id=number,
                number=number,
                customer_id=customer,
                state="paid",
                currency="KZT",
                total=1,
                changed_at=now(),
                record_hash=b"",
            )
        )
    session.flush()
    return customer


@pytest.fixture
def town(session: Session) -> Session:
    source = shop(session)
    for person, number in ((DMITRY, "A-1001"), (AYSE, "1002"), (KIM, ""), (FIRM, "")):
        card(session, source, person, number)
    return session


def names(session: Session, question: str) -> list[str]:
    return [row.name for row in search.find(session, question).rows]


@pytest.mark.parametrize(
    ("question", "person"),
    [
        ("Дмитрий", DMITRY),
        ("кузнец", DMITRY),
        ("dmitry", DMITRY),
        ("Dmitrij Kuznecov", DMITRY),
        ("KUZNETSOV DM", DMITRY),
        ("stanislav", DMITRY),
        ("d.kuznetsov_77@gmail.com", DMITRY),
        ("DKuznetsov_77@googlemail.com", DMITRY),
        ("netsov_77", DMITRY),
        ("sov_77@gm", DMITRY),
        ("+7 (701) 234-56-78", DMITRY),
        ("87012345678", DMITRY),
        ("701 234", DMITRY),
        ("2345678", DMITRY),
        ("5678", DMITRY),
        ("007 701 234 56 78", DMITRY),
        ("A-1001", DMITRY),
        ("#a-1001", DMITRY),
        ("№ 1002", AYSE),
        ("ayse", AYSE),
        ("AYŞE", AYSE),
        ("yilmaz", AYSE),
        ("firma.com.tr", AYSE),
        ("@firma", AYSE),
        ("0533 492", AYSE),
        ("+90 533", AYSE),
        ("김경숙", KIM),
        ("경숙", KIM),
        ("kim", KIM),
        ("010-6393", KIM),
        ("арай", FIRM),
        ("Aray", FIRM),
        ("050642955749", FIRM),
        ("05064295", FIRM),
    ],
)
def test_any_way_of_typing_finds(town: Session, question: str, person: Person) -> None:
    assert names(town, question) == [identity.display_name(person)]


@pytest.mark.parametrize(
    "question", ["Борис", "dmitry yilmaz", "999999", "kuznetsov@mail", "1001x", "B-1001"]
)
def test_what_is_not_there_is_not_found(town: Session, question: str) -> None:
    assert names(town, question) == []


@pytest.mark.parametrize(
    ("question", "found"),
    [("СФ-204", [FIRM]), ("№ сф-204", [FIRM]), ("204", []), ("СФ-205", []), ("1002", [AYSE, FIRM])],
)
def test_an_invoice_is_found_by_its_number(town: Session, question: str, found: list[Person]) -> None:
    source, firm = (
        town.execute(text(query)).scalar_one()
        for query in ("SELECT id FROM sources", "SELECT id FROM customers WHERE kind = 'company'")
    )
    said = {"source_id": source, "customer_id": firm, "state": "open", "currency": "KZT", "total": 1}
    for number, gone in (("СФ-204", None), ("СФ-205", now()), ("", None), ("1002", None)):
        town.add(Invoice(external_id=f"i{number}", number=number, gone_at=gone, **said))
    town.flush()
    assert sorted(names(town, question)) == sorted(identity.display_name(person) for person in found)


MARKS = ["", " ", "%", "_", "\\", "'", '"', ":*", "a & | !", "!!(", "<->", "a:b:c", "@", "@@", "#", "№", "+"]
HOSTILE = [*MARKS, "'; DROP TABLE customers; --", "\0", "a\0b", "\ud7ff"]
HUGE = ["x" * 10_000, "д" * 10_000, "1" * 10_000, "a " * 5_000]


@pytest.mark.parametrize("question", [*HOSTILE, *HUGE])
def test_hostile_text_is_only_text(town: Session, question: str) -> None:
    search.find(town, question)
    assert town.execute(text("SELECT count(*) FROM customers")).scalar_one() == 4


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(st.characters(codec="utf-8"), max_size=60))
def test_any_text_makes_a_question(town: Session, question: str) -> None:
    search.find(town, question)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.text(st.characters(codec="utf-8"), max_size=60), st.text(st.characters(codec="utf-8"), max_size=300)
)
def test_any_record_makes_a_document(session: Session, name: str, email: str) -> None:
    person = Person(
        external_id="1", name=name, emails=(email, f"{name}@b.kz"), phones=(email,), tax_number=name
    )
    words = search.document([person], identity.keys_of(person))
    read = session.execute(text("SELECT length(CAST(:words AS tsvector))"), {"words": words}).scalar_one()
    assert read == len(set(words.split()))


def test_dead_cards_are_never_found(town: Session) -> None:
    gone = Person(external_id="9", name="Gone Girl", emails=("gone@girl.kz",))
    card(town, town.query(Source).one(), gone, "9009", live=False)
    for question in ("gone", "gone@girl.kz", "9009"):
        assert names(town, question) == []


def test_order_number_stands_before_namesakes(town: Session) -> None:
    source = town.query(Source).one()
    named = card(town, source, Person(external_id="7", name="Anna"), "77010000")
    card(town, source, Person(external_id="8", name="Firm 77010000", kind="company"))
    rows = search.find(town, "77010000").rows
    assert len(rows) == 2
    assert rows[0].id == named


def test_pages_follow_without_gap(town: Session) -> None:
    source = town.query(Source).one()
    ids = [card(town, source, Person(external_id=f"n{n}", name=f"Namesake {n}")) for n in range(7)]
    seen, after = [], None
    for _ in range(4):
        page = search.find(town, "namesake", limit=2, after=after)
        seen += [row.id for row in page.rows]
        after = page.after
    assert seen == sorted(ids, reverse=True)
    assert after is None


def test_crowd_is_read_newest_first(town: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    source = town.query(Source).one()
    ids = [card(town, source, Person(external_id=f"n{n}", name=f"Namesake {n}")) for n in range(7)]
    monkeypatch.setattr(search, "_MANY", 3)
    monkeypatch.setattr(search, "_WINDOW", 1)
    asked: list[str] = []
    bind = town.get_bind()
    event.listen(bind, "before_cursor_execute", lambda *args: asked.append(args[2]))
    page = search.find(town, "namesake", limit=3)
    assert [row.id for row in page.rows] == sorted(ids, reverse=True)[:3]
    assert len(asked) == 3
    rest = search.find(town, "namesake", limit=9, after=page.after)
    assert [row.id for row in rest.rows] == sorted(ids, reverse=True)[3:]


@pytest.mark.parametrize("question", ["dmitry", "nobody"])
@pytest.mark.parametrize("limit", [0, 1, 50])
def test_planner_is_as_before_afterwards(town: Session, question: str, limit: int) -> None:
    search.find(town, question, limit)
    assert town.execute(text("SHOW enable_seqscan")).scalar_one() == "on"


def test_place_that_no_page_gave_is_refused(town: Session) -> None:
    with pytest.raises(BadInput, match="no place in the list"):
        search.find(town, "dmitry", after="nonsense")


ENDINGS = ["sch", "ch", "kh", "ya", "yo", "ts", "tc", "x", "ae", "oe", "ue", "ss", "ie", "h", "o", "w"]


@given(
    st.text("abcdefghijklmnopqrstuvwxyz", min_size=3, max_size=6),
    st.lists(
        st.sampled_from(
            ["sch", "ch", "kh", "ya", "yo", "ts", "tc", "x", "ae", "oe", "ue", "ss", "ie", "h", "o", "w"]
        ),
        max_size=3,
    ),
)
def test_spoken_beginning_begins_the_sound(beginning: str, ending: list[str]) -> None:
    whole = beginning + "".join(ending)
    changed = whole[len(beginning) :][:1] in [*search._CHANGED_BY.get(beginning[-1], "")]
    if search._SPOKEN.fullmatch(beginning) and not changed:
        assert sound(whole).startswith(sound(beginning))


def test_rare_word_is_asked_alone(town: Session) -> None:
    town.execute(text("ANALYZE customers"))
    assert search._rarest(town, search.read("dmitry")) == (search.read("dmitry")[0], "")
    common, rare = search.read("dmitry rarename")[::-1]
    assert search._rarest(town, [rare, common]) == (rare, common)
    assert [row.name for row in search.find(town, "dmitry kuznecov").rows] == [DMITRY.name]


def test_short_words_are_never_asked_alone(town: Session) -> None:
    short = search.read("dm ku")
    assert search._rarest(town, short) == (" & ".join(short), "")
