"""What Kartoteka itself says of people: on the card with its source, weighed, and taken along by undo."""

from datetime import timedelta
from uuid import UUID

import msgspec
import pytest
from sqlalchemy.orm import Session

from customers import card as cards
from customers import merge, own, policy
from customers.own import Change
from customers.tables import Source
from email_campaigns.journeys.steps.sets import changing
from foundation import clock
from foundation.clock import now
from foundation.records import Gone, Person
from tests.customers.test_merge import card, profile
from tests.customers.world import count, row, rows, say, shop
from tests.people import anna, boris, dana

pytestmark = pytest.mark.usefixtures("clock")


def tell(session: Session, external_id: str, field: str, value: str) -> set[UUID]:
    return tell_all(session, [external_id], changing(field, value))


def tell_all(session: Session, whom: list[str], change: Change) -> set[UUID]:
    return own.say(session, {profile(session, one): change for one in whom}, "a journey")


def seen(session: Session, external_id: str) -> tuple[str | None, list[str]]:
    """City and tags of somebody's card."""
    return tuple(
        row(session, "SELECT city, tags FROM customers WHERE id = :id", id=card(session, external_id))
    )


def test_it_stands_on_the_card_with_its_source(session: Session) -> None:
    source = shop(session)
    say(session, source, anna(tags=("vip",)))
    assert tell(session, "anna", "city", "Astana") == {card(session, "anna")}
    tell(session, "anna", "tag", "asked for help")
    assert seen(session, "anna") == ("Astana", ["asked for help", "vip"])
    found = cards.read(session, card(session, "anna"))
    assert found.fields["city"].source == "Kartoteka" and found.fields["name"].source == "Shop"
    assert found.fields["kind"].value == "person" and found.fields["name"].value == "Anna Petrova"
    assert tell(session, "anna", "city", "Astana") == set()  # said before
    tell(session, "anna", "untag", "asked for help")
    tell(session, "anna", "untag", "vip")  # the shop's own
    assert seen(session, "anna") == ("Astana", ["vip"])
    assert count(session, "profiles WHERE kind = 'own'") == 1


def test_the_newest_wins_until_somebody_decides_otherwise(session: Session) -> None:
    source = shop(session)
    say(session, source, anna())
    tell(session, "anna", "city", "Astana")
    clock.advance(timedelta(hours=1))
    say(session, source, anna(name="Anna Petrova-Kim", changed_at=now()), landed=2)
    assert seen(session, "anna")[0] == "Almaty"
    clock.advance(timedelta(hours=1))
    tell(session, "anna", "city", "Şymkent")
    assert seen(session, "anna")[0] == "Şymkent"
    policy.set_policy(session, "city", ["shop"], "olga")
    tell(session, "anna", "city", "Taraz")
    assert seen(session, "anna")[0] == "Almaty"


def test_a_merge_takes_it_along_and_its_undo_gives_each_half_its_own(session: Session) -> None:
    source = shop(session)
    say(session, source, anna(), boris(), dana())
    tell(session, "anna", "tag", "before")
    merged = merge.merge(session, card(session, "anna"), card(session, "boris"), "olga")
    tell(session, "boris", "tag", "meanwhile, of Boris")
    tell(session, "anna", "tag", "meanwhile, of Anna")
    assert seen(session, "anna")[1] == ["before", "meanwhile, of Anna", "meanwhile, of Boris"]
    merge.undo(session, merged.id, "olga")
    assert seen(session, "anna")[1] == ["before", "meanwhile, of Anna"]
    assert seen(session, "boris")[1] == ["meanwhile, of Boris"] and seen(session, "dana")[1] == []


def test_who_is_split_off_leaves_it_with_those_who_stay(session: Session) -> None:
    source, file = shop(session), shop(session, "File", "file")
    say(session, source, anna())
    say(session, file, anna(external_id="anna too"), landed=5)
    tell(session, "anna", "tag", "called")
    split = merge.split(session, [profile(session, "anna too")], "olga")
    assert seen(session, "anna")[1] == ["called"] and seen(session, "anna too")[1] == []
    tell(session, "anna too", "tag", "apart")
    assert seen(session, "anna too")[1] == ["apart"]
    merge.undo(session, split.id, "olga")
    assert seen(session, "anna")[1] == ["apart", "called"] == seen(session, "anna too")[1]


def test_alone_it_makes_nobody_known(session: Session) -> None:
    source = shop(session)
    say(session, source, anna())
    tell(session, "anna", "tag", "called")
    say(session, source, Gone(what="person", external_id="anna"), landed=3)
    found = rows(session, "SELECT identified, name FROM customers WHERE live")
    assert all(not one.identified and one.name == "" for one in found)
    say(session, source, anna(), landed=4)
    assert seen(session, "anna") == ("Almaty", ["called"])


def test_many_at_once_and_a_company(session: Session) -> None:
    source = shop(session)
    firm = Person(external_id="firm", kind="company", company="Bazaar LLP", emails=("office@bazaar.example",))
    people = [msgspec.structs.replace(boris(), external_id=f"b{n}", emails=(f"b{n}@x.org",), phones=())
              for n in range(50)]  # fmt: skip
    say(session, source, firm, *people)
    told = tell_all(session, ["firm", *(one.external_id for one in people)], changing("country", "TR"))
    assert len(told) == 51
    assert {(one.kind, one.country) for one in rows(session, "SELECT kind, country FROM customers")} == {
        ("company", "TR"), ("person", "TR"),
    }  # fmt: skip
    assert row(session, "SELECT name FROM customers WHERE kind = 'company'").name == "Bazaar LLP"


def test_a_connection_may_have_its_name(session: Session) -> None:
    session.add(Source(name="Kartoteka", kind="vendure", role="shop"))
    session.flush()
    say(session, shop(session), anna())
    tell(session, "anna", "tag", "called")
    assert {one.name for one in rows(session, "SELECT name FROM sources")} == {
        "Kartoteka",
        "Kartoteka*",
        "Shop",
    }
