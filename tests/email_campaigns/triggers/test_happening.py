"""Anything of the timeline, members of segments who come and go, and what all triggers have in common."""

import re
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from customers.segments import jobs, language
from customers.segments import store as segments
from email_campaigns import triggers
from email_campaigns.letters import starters
from email_campaigns.triggers.base import Window
from foundation.clock import now
from foundation.database import transaction
from foundation.errors import BadInput
from tests.email_campaigns.triggers.scene import Scene, buyer
from tests.email_campaigns.triggers.test_consents import agrees

KEYS = sorted(triggers.everything())


def anna(scene: Scene):
    agrees(scene, "anna")
    return scene.ask("welcome")[0]


def test_any_kind_of_event(scene: Scene, clock):
    person = anna(scene)
    scene.happens(person, "web.product_reviewed", timedelta(), '{"properties": {"stars": 5}, "title": "Mug"}')
    (entry,) = scene.ask("event", kind="web.product_reviewed")
    assert entry.customer_id == person.customer_id and entry.cause["kind"] == "web.product_reviewed"
    for property_, value, count in (
        ("stars", "5", 1), ("stars", 5, 1), ("stars", "4", 0), ("title", "Mug", 1), ("none", "", 0),
    ):  # fmt: skip
        found = scene.ask("event", kind="web.product_reviewed", property=property_, equals=value)
        assert len(found) == count, (property_, value)
    assert scene.ask("event", kind="web.%") == scene.ask("event", kind="") == []


@pytest.mark.parametrize("data", ['{"machine": true}', '{"machine": "true"}', '{"bot": "crawler"}'])
def test_machines_set_nothing_off(scene: Scene, clock, data):
    scene.happens(anna(scene), "letter.clicked", timedelta(), data)
    assert scene.ask("event", kind="letter.clicked") == []


def test_person_sets_off(scene: Scene, clock):
    scene.happens(anna(scene), "letter.clicked", timedelta(), '{"machine": false}')
    assert len(scene.ask("event", kind="letter.clicked")) == 1


def test_imported_events_are_no_news(scene: Scene, clock):
    scene.run("UPDATE sources SET created_at = :at", at=now())
    scene.buys("anna", "N1", at=now() - timedelta(hours=1))
    assert scene.ask("event", kind="order.placed") == []


def look(scene: Scene) -> None:
    while jobs.follow_segments(scene.engine):
        pass


def segment(scene: Scene, condition: str):
    with transaction(scene.engine) as session:
        made = segments.make(session, f"S {uuid4()}", language.parse(condition), "olga@example.org").id
    look(scene)
    return str(made)


def test_who_enters_and_leaves_a_segment(scene: Scene, clock):
    scene.tell(buyer("boris", addresses=()))
    scene.tell(buyer("anna"))
    one = segment(scene, 'city = "Almaty"')
    assert scene.rows("SELECT count(*) FROM segment_members") == [(1,)]
    assert scene.ask("segment", segment=one) == [], "who is in it already isn't concerned"
    clock.advance(timedelta(minutes=1))
    scene.tell(buyer("dana"))
    look(scene)
    (entry,) = scene.ask("segment", segment=one)
    assert scene.ask("segment", segment=one, way="leave") == []
    assert scene.ask("segment", segment=one, arrived=timedelta(minutes=2)) == [entry]
    profile = scene.rows("SELECT id FROM profiles WHERE external_id = 'shop-dana'")[0][0]
    assert (entry.profile_id, entry.at, entry.cause["kind"]) == (profile, now(), "segment.enter")
    clock.advance(timedelta(minutes=1))
    scene.tell(buyer("dana", addresses=(), changed_at=now()))
    look(scene)
    (left,) = scene.ask("segment", segment=one, way="leave")
    assert left.customer_id == entry.customer_id and left.key != entry.key
    assert scene.ask("segment", segment=str(uuid4())) == []


def test_changed_conditions_bring_nobody(scene: Scene, clock):
    scene.tell(buyer("anna"))
    one = segment(scene, 'city = "Berlin"')
    clock.advance(timedelta(minutes=1))
    with transaction(scene.engine) as session:
        segments.change(
            session, segments.find(session, one), language.parse('city = "Almaty"'), "olga@example.org"
        )
    look(scene)
    assert scene.rows("SELECT count(*) FROM segment_members") == [(1,)]
    assert scene.ask("segment", segment=one) == []


@pytest.mark.parametrize(
    ("condition", "count"),
    [("scores.last(any letter) <= 6", 1), ("scores.last(any letter) >= 9", 0), ("scored(any letter)", 1),
     ("scores.average(any letter) = 6", 1), ("scores.count(any letter) >= 2", 1),
     ("not scored(any letter)", 1)],
)  # fmt: skip
def test_who_would_not_recommend_us_is_a_segment(scene: Scene, clock, condition, count):
    scene.tell(buyer("boris"))
    person = anna(scene)
    scene.happens(person, "letter.answered", timedelta(hours=-2), '{"score": 10}')
    scene.happens(person, "letter.answered", timedelta(hours=-1), '{"score": 2}')
    with transaction(scene.engine) as session:
        assert segments.count(session, language.parse(condition), now()) == count


def test_each_starter_letter_has_its_trigger() -> None:
    assert set(triggers.everything()) == set(starters.everything()) | {"segment", "event"}
    for key, starter in starters.everything().items():
        assert triggers.of(key).purpose == starter.purpose, key


@pytest.mark.parametrize("key", KEYS)
def test_trigger_is_as_promised(key):
    one = triggers.of(key)
    assert one.key == key and one.name() and one.about().endswith(".")
    assert one.reentry["kind"] in ("never", "each", "after")
    assert (one.reentry["kind"] == "after") == (one.reentry.get("days", 0) > 0)
    names = [field.name for field in one.fields]
    assert len(set(names)) == len(names)
    for field in one.fields:
        assert field.kind in ("number", "hours", "days", "choice", "text", "segment", "skus")
        assert field.label() and isinstance(field.help(), str)
        if field.kind == "choice":
            assert field.choices and field.default in field.choices()
        if field.kind in ("number", "days", "hours"):
            assert field.lowest <= field.default <= field.highest


@pytest.mark.parametrize("key", KEYS)
def test_sql_asks_no_clock_and_names_no_schema(key):
    one = triggers.of(key)
    sql, values = one.entries(Window({"segment": str(uuid4())}, now() - timedelta(hours=1), now()))
    said = f"{sql} {one.over() if one.over else ''}"
    assert not re.search(r"\bnow\(\)|current_(date|time)|clock_timestamp|localtime|'(now|today)'", said, re.I)
    assert not re.search(r"\b(FROM|JOIN)\s+\w{3,}\.\w+", said)
    wanted = set(re.findall(r"(?<![:\w]):([a-z]\w*)", sql))
    assert wanted <= set(values) and all(name[:2] in ("t_", "z_") for name in values)
    if one.over:
        assert set(re.findall(r"(?<![:\w]):([a-z]\w*)", one.over())) <= {"now"}


def test_unknown_trigger_is_refused() -> None:
    with pytest.raises(BadInput):
        triggers.of("nothing")


def test_triggers_know_no_journeys() -> None:
    folder = Path(triggers.__file__).parent
    for path in folder.glob("*.py"):
        assert not re.search(r"^(from|import) email_campaigns[.]journeys", path.read_text(), re.M), path
