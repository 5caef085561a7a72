"""Members kept step by step: what touches them, what time does, what every enter and leave says."""

from contextlib import contextmanager
from datetime import timedelta

import pytest
from sqlalchemy import event, text
from sqlalchemy.orm import Session

from customers import stats
from customers.segments import checking, follow, jobs, language, lists, membership, sql, store
from customers.segments.tables import Segment, SegmentEvent
from customers.touched import FOLLOWER, touch
from foundation import wake
from foundation.errors import BadInput
from foundation.tables import Operation, Problem
from tests.conftest import MORNING
from tests.customers.segments.crowd import Crowd


@pytest.fixture
def crowd(session, clock):
    return Crowd(session)


def settle(session):
    """Turns until nothing is left."""
    session.flush()
    membership.alone(session)
    for _ in range(100):
        if not follow.turn(session):
            session.expire_all()
            return
    raise AssertionError("never at rest")


def members(session, segment):
    query = (
        "SELECT c.name FROM segment_members m JOIN customers c ON c.id = m.customer_id WHERE segment_id = :id"
    )
    return set(session.scalars(text(query), {"id": segment.id}))


def events(session, segment):
    query = (
        "SELECT c.name, e.kind, e.reason, e.truth FROM segment_events e"
        " JOIN customers c ON c.id = e.customer_id WHERE segment_id = :id ORDER BY e.id"
    )
    return [tuple(row) for row in session.execute(text(query), {"id": segment.id})]


def make(session, said, name="One"):
    return store.make(session, name, language.parse(said), "test")


def test_a_new_segment_is_found_and_followed(crowd):
    session = crowd.session
    anna = crowd.customer("Anna", city="Almaty")
    crowd.order(anna, 5)
    segment = make(session, 'city = "Almaty" and orders.count(last 30 days) >= 2')
    settle(session)
    assert (members(session, segment), segment.members, segment.computed) == (set(), 0, 1)
    crowd.order(anna, 1)
    settle(session)
    assert (members(session, segment), segment.members) == ({"Anna"}, 1)
    assert events(session, segment) == [("Anna", "enter", "change", "tt")]


def test_time_alone_moves_people(crowd, clock):
    session = crowd.session
    anna, boris = crowd.customer("Anna"), crowd.customer("Boris")
    crowd.happen(anna, "letter.opened", 29)
    crowd.happen(boris, "letter.opened", 10)
    segment = make(session, "opened(any letter, last 30 days)")
    quiet = make(session, "opened() and not opened(any letter, last 30 days)", "Quiet")
    settle(session)
    assert members(session, segment) == {"Anna", "Boris"}
    clock.advance(timedelta(days=1) - timedelta(microseconds=1))
    settle(session)
    assert members(session, segment) == {"Anna", "Boris"}
    clock.advance(timedelta(microseconds=1))
    settle(session)
    assert (members(session, segment), members(session, quiet)) == ({"Boris"}, {"Anna"})
    assert events(session, segment)[-1] == ("Anna", "leave", "time", "f")
    assert events(session, quiet)[-1] == ("Anna", "enter", "time", "tf")
    clock.advance(timedelta(days=19))
    settle(session)
    assert (members(session, segment), members(session, quiet)) == (set(), {"Anna", "Boris"})
    assert session.scalar(text("SELECT count(*) FROM segment_due")) == 0


def test_a_date_of_the_card_and_a_birthday_come_and_go(crowd, clock):
    session = crowd.session
    crowd.customer("Anna", birthday=(MORNING + timedelta(days=10)).date().replace(year=1990))
    leap = crowd.customer("Leap", birthday=(MORNING).date().replace(year=1992, month=2, day=29))
    new = make(session, "created in last 7 days", "New")
    soon = make(session, "birthday in next 3 days", "Soon")
    settle(session)
    assert (members(session, new), members(session, soon)) == ({"Anna", "Leap"}, set())
    clock.advance(timedelta(days=7))
    settle(session)
    assert (members(session, new), members(session, soon)) == (set(), {"Anna"})
    clock.advance(timedelta(days=4))
    settle(session)
    assert members(session, soon) == set()
    clock.advance(timedelta(days=348))  # 24 February 2027, in the evening of its eve
    settle(session)
    assert members(session, soon) == set()
    clock.advance(timedelta(days=1))
    settle(session)
    assert members(session, soon) == {"Leap"}, leap


def test_a_new_version_moves_people(crowd):
    session = crowd.session
    crowd.customer("Anna", city="Almaty")
    crowd.customer("Boris", city="Berlin")
    segment = make(session, 'city = "Almaty"')
    settle(session)
    assert store.change(session, segment, language.parse('city = "Almaty"'), "test") == 1
    assert store.change(session, segment, language.parse('city = "Berlin"'), "test") == 2
    settle(session)
    assert members(session, segment) == {"Boris"}
    told = [event[:3] for event in events(session, segment)]
    assert told[0] == ("Anna", "enter", "version")
    assert set(told[1:]) == {("Boris", "enter", "version"), ("Anna", "leave", "version")}
    store.archive(session, segment)
    settle(session)
    assert (members(session, segment), segment.members) == (set(), 0)
    assert events(session, segment)[-1][:3] == ("Boris", "leave", "archived")


def test_a_category_concerns_everybody_once_it_is_calm(crowd, clock):
    session = crowd.session
    anna = crowd.customer("Anna")
    crowd.order(anna, 5, skus=("CUP",))
    segment = make(session, 'ordered(category "Dishes")')
    other = make(session, "ordered()", "Other")
    settle(session)
    session.execute(
        text(
            "INSERT INTO products (id, source_id, external_id, name, sku, currency, record, record_hash,"
            " changed_at) VALUES (gen_random_uuid(), :source, 'CUP', 'Cup', 'CUP', '',"
            " '{\"category\": \"dishes\"}', '', :at)"
        ),
        {"source": crowd.source.id, "at": MORNING},
    )
    touch(session, (), "category")
    settle(session)
    assert members(session, segment) == set() and segment.stale_at and not other.stale_at
    clock.advance(follow.CALM)
    settle(session)
    assert members(session, segment) == {"Anna"} and segment.stale_at is None
    assert events(session, segment)[-1][2] == "everybody"


def test_a_letter_sent_concerns_only_those_who_ask(crowd):
    session = crowd.session
    anna = crowd.customer("Anna", city="Almaty")
    sent, city = make(session, "sent(last 2 days)", "Sent"), make(session, 'city = "Berlin"', "City")
    settle(session)
    session.execute(text("UPDATE customers SET city = 'Berlin'"))  # nobody tells
    crowd.happen(anna, "letter.sent", 1)
    session.execute(text("DELETE FROM segment_touched"))
    touch(session, [anna], "sent")
    settle(session)
    assert (members(session, sent), members(session, city)) == ({"Anna"}, set())
    touch(session, (), "letter")
    settle(session)
    assert sent.stale_at is None


def test_a_letter_by_another_name_concerns_everybody(crowd, clock):
    session = crowd.session
    segment = make(session, 'sent("Spring") and city is set')
    settle(session)
    touch(session, (), "letter")
    settle(session)
    assert segment.stale_at is not None
    clock.advance(follow.CALM)
    settle(session)
    assert segment.stale_at is None


def test_marks_of_the_day_are_followed(crowd):
    session = crowd.session
    anna = crowd.customer("Anna")
    crowd.order(anna, 5)
    segment = make(session, "recency >= 1")
    settle(session)
    assert members(session, segment) == set()
    stats.refresh_rfm(session)
    settle(session)
    assert members(session, segment) == {"Anna"}


def test_lists_take_the_merged_along_and_can_be_undone(crowd):
    session = crowd.session
    anna, boris = crowd.customer("Anna"), crowd.customer("Boris")
    vip = store.make_list(session, "VIP", "test")
    asking = make(session, 'lists has "VIP" and name is set', "Asking")
    operation = lists.add(session, vip, [anna, boris], "test")
    again = lists.add(session, vip, [anna], "test", ["x@y.z"])
    assert (operation.result, again.result["same"], again.result["bad"]) == ({"read": 2, "new": 2}, 1, 1)
    settle(session)
    assert members(session, vip) == members(session, asking) == {"Anna", "Boris"}
    session.execute(
        text("UPDATE customers SET live = false, merged_into = :b WHERE id = :a"), {"a": anna, "b": boris}
    )
    touch(session, [anna, boris])
    settle(session)
    assert members(session, vip) == {"Boris"}
    lists.remove(session, vip, [boris], "test")
    settle(session)
    assert members(session, vip) == members(session, asking) == set()
    removal = session.scalars(text("SELECT id FROM operations WHERE title LIKE '%taken off%'")).one()
    assert lists.undo(session, session.get(Operation, removal), "test") == []
    settle(session)
    assert members(session, vip) == {"Boris"}
    assert lists.undo(session, operation, "test") == []
    settle(session)
    assert members(session, vip) == set()


def test_a_list_that_is_asked_for_keeps_its_name(crowd):
    session = crowd.session
    vip = store.make_list(session, "VIP", "test")
    asking = make(session, 'not lists has "VIP"', "Asking")
    for act in (lambda: store.rename(session, vip, "Very"), lambda: store.archive(session, vip)):
        with pytest.raises(BadInput, match="“Asking” asks for this list"):
            act()
    with pytest.raises(BadInput, match="did you mean VIP"):
        make(session, 'lists has "VIPS"', "Wrong")
    store.archive(session, asking)
    store.rename(session, vip, "Very")
    assert store.audience(session, [vip.id], [], MORNING)


def test_names_are_one_of_a_kind(crowd):
    session = crowd.session
    first = make(session, "name is set", "One")
    with pytest.raises(BadInput, match="another segment"):
        make(session, "name is set", " One ")
    store.archive(session, first)
    make(session, "name is set", "One")
    with pytest.raises(BadInput, match="1 to 80"):
        make(session, "name is set", "  ")


def test_what_is_kept_wrongly_is_found_mended_and_told(crowd):
    session = crowd.session
    anna = crowd.customer("Anna", city="Almaty")
    boris = crowd.customer("Boris", city="Almaty")
    segment = make(session, 'city = "Almaty"')
    settle(session)
    assert checking.check(session, segment) == 0
    session.execute(text("UPDATE customers SET city = 'Berlin' WHERE id = :id"), {"id": anna})
    touch(session, [anna])
    assert checking.check(session, segment) == 0  # somebody will look
    settle(session)
    session.execute(text("UPDATE customers SET city = 'Almaty' WHERE id = :id"), {"id": anna})
    session.execute(text("DELETE FROM segment_members WHERE customer_id = :id"), {"id": boris})
    assert checking.check(session, segment) == 2
    problem = session.query(Problem).one()
    assert "2 customers" in problem.message and str(min(anna, boris)) in problem.message
    assert members(session, segment) == {"Anna", "Boris"}
    assert checking.check(session, segment) == 0
    session.refresh(problem)
    assert problem.state == "solved"


def test_conditions_that_cannot_be_read_stop_nobody_else(crowd, clock):
    session = crowd.session
    anna = crowd.customer("Anna", city="Almaty")
    crowd.happen(anna, "letter.opened", 1)
    bad, good = make(session, "opened(last 2 days)", "Bad"), make(session, 'city = "Almaty"', "Good")
    settle(session)
    session.execute(
        text('UPDATE segment_versions SET tree = \'{"type": "did", "did": "x"}\' WHERE segment_id = :id'),
        {"id": bad.id},
    )
    session.expire_all()
    boris = crowd.customer("Boris", city="Almaty")
    clock.advance(timedelta(days=3))
    settle(session)
    assert members(session, good) == {"Anna", "Boris"}, boris
    assert members(session, bad) == {"Anna"}
    assert "can't be used" in session.query(Problem).one().message


def test_one_that_breaks_stops_no_other_and_is_tried_again(crowd, clock, monkeypatch):
    session = crowd.session
    bad, good = make(session, "name is set", "Bad"), make(session, 'city = "Almaty"', "Good")
    settle(session)
    sound = sql.where

    def broken(query, node, negated=False):
        return (
            "1 / (length(c.name) - length(c.name)) = 1"
            if node.field == "name"
            else sound(query, node, negated)
        )

    monkeypatch.setattr(sql, "where", broken)
    crowd.customer("Anna", city="Almaty")
    settle(session)
    assert (members(session, good), members(session, bad)) == ({"Anna"}, set())
    assert "DivisionByZero" in session.query(Problem).one().message
    clock.advance(follow.CALM)
    settle(session)
    assert (bad.stale_at, session.query(Problem).one().times) == (clock.now(), 2)
    monkeypatch.setattr(sql, "where", sound)
    clock.advance(follow.CALM)
    settle(session)
    assert members(session, bad) == {"Anna"}
    assert session.query(Problem).one().state == "solved"


def test_many_at_once_are_done_anew(crowd, monkeypatch):
    session = crowd.session
    segment = make(session, "name is set")
    settle(session)
    monkeypatch.setattr(follow, "MANY", 10)
    monkeypatch.setattr(follow, "TOGETHER", 10)
    for number in range(20):
        crowd.customer(f"C{number}")
    settle(session)
    assert segment.members == 20
    assert {event[2] for event in events(session, segment)} == {"everybody"}


def test_a_turn_asks_few_questions(crowd, counted):
    session = crowd.session
    for number in range(5):
        make(session, "ordered(last 5 days) or opened(last 3 days)", f"S{number}")
    settle(session)
    for number in range(30):
        crowd.order(crowd.customer(f"C{number}"), 1)
    session.flush()
    with counted(session) as queries:
        follow.turn(session)
    assert len(queries) <= 6 + 3 * 5  # savepoints count
    session.expire_all()
    assert session.query(Segment).filter(Segment.members == 30).count() == 5


@pytest.fixture
def counted():
    @contextmanager
    def counting(session: Session):
        found: list[str] = []

        def hear(_connection, _cursor, statement, *_rest):
            found.append(statement)

        engine = session.get_bind()
        event.listen(engine, "before_cursor_execute", hear)
        try:
            yield found
        finally:
            event.remove(engine, "before_cursor_execute", hear)

    return counting


def test_an_event_wakes_the_follower_and_one_worker_follows(engine, clock):
    heard: list[str] = []
    wake.hear(heard.append)
    try:
        with Session(engine) as session:
            crowd = Crowd(session)
            segment = make(session, "opened()").id
            session.commit()
            while jobs.follow_segments(engine):
                pass
            heard.clear()
            crowd.happen(crowd.customer("Anna"), "letter.opened", 1)
            session.commit()
            assert FOLLOWER in heard
    finally:
        wake.unhear(heard.append)
    with Session(engine) as other:
        membership.alone(other, wait=True)
        assert not jobs.follow_segments(engine)  # somebody else does
    while jobs.follow_segments(engine):
        pass
    with Session(engine) as session:
        assert session.query(SegmentEvent).filter_by(segment_id=segment, kind="enter").count() == 1
        session.query(SegmentEvent).delete()
        session.commit()
    jobs.check_segments(engine)
