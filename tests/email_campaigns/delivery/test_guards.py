"""Who gets no letter, and why: each limit leaves its code and has its sentence."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import event, text

from customers import merge
from email_campaigns import secret, suppression
from email_campaigns.delivery import claims, guards, ledger
from foundation.clock import now
from foundation.database import transaction
from foundation.records import Address, Consent
from tests.email_campaigns.delivery.world import person
from tests.people import FEBRUARY, JANUARY

NOBODY = (
    Consent(channel="email", given=True, at=JANUARY),
    Consent(channel="email", given=False, at=FEBRUARY),
)


def claim(house, limit=100):
    return sorted(one.address for one in claims.claim(house.engine, house.transport, limit))


def test_without_consent_marketing_stays_and_what_was_ordered_goes(house, clock):
    house.people(person(1, consents=NOBODY), person(2, consents=()), person(3))
    house.plan()
    house.plan(purpose="transactional", step="receipt:a:1:1:1")
    assert claim(house) == [f"person{n}@mail{n}.example" for n in (1, 2, 3, 3)]
    query = "SELECT address, reason, detail ->> 'consent' FROM deliveries WHERE state = 'skipped' ORDER BY 1"
    assert house.rows(query) == [
        ("person1@mail1.example", "no_consent", "withdrawn"), ("person2@mail2.example", "no_consent", ""),
    ]  # fmt: skip


def test_a_withdrawn_consent_counts_between_plan_and_claim(house, clock):
    house.people(person(1))
    house.plan()
    house.do("UPDATE customers SET email_consent = 'withdrawn'")
    assert claim(house) == []
    assert house.reasons() == {"person1@mail1.example": "no_consent"}


def test_no_address_and_held_out_have_rows_from_the_start(house, clock):
    house.people(person(1, emails=()), person(2))
    wanted = (
        "SELECT id AS customer_id, '' AS variant, CAST(:due AS timestamptz) AS due_at, true AS holdout"
        " FROM customers"
    )
    with transaction(house.engine) as session:
        assert (
            ledger.plan(
                session, house.step, "marketing", house.sender, house.version, (wanted, {"due": now()})
            )
            == 2
        )
    assert sorted((row.state, row.reason) for row in house.rows()) == [
        ("holdout", "holdout"),
        ("skipped", "no_address"),
    ]
    assert claim(house) == []


def test_planning_twice_adds_nobody(house, clock):
    house.crowd(5)
    assert (house.plan(), house.plan()) == (5, 0)


def test_two_cards_with_one_address_get_one_letter(house, clock):
    house.people(*(person(n, emails=("Office@corp.example",)) for n in range(3)))
    house.do("UPDATE customers SET email = 'Office@corp.example', email_consent = 'given'")
    assert house.rows("SELECT count(*) FROM customers WHERE live")[0][0] > 1, "a role address joins nobody"
    house.plan()
    assert claim(house) == ["office@corp.example"]


@pytest.mark.parametrize(
    ("scope", "purpose", "topic", "gets"),
    [
        ("", "marketing", "news", False), ("", "transactional", "", False), ("marketing", "marketing",
        "news", False),
        ("marketing", "transactional", "", True), ("news", "marketing", "news", False),
        ("news", "marketing", "sales", True), ("news", "marketing", "", True), ("news", "transactional",
        "news", True),
    ],
)  # fmt: skip
def test_a_block_stops_what_it_is_about(house, clock, scope, purpose, topic, gets):
    house.people(person(1, emails=("first.last+x@gmail.com",)))
    with transaction(house.engine) as session:
        suppression.add(session, "FirstLast@googlemail.com", "manual", scope=scope)
    house.plan(purpose=purpose, topic=topic)
    assert bool(claim(house)) is gets
    assert (house.rows()[0].reason == "suppressed") is not gets


def test_a_block_ends_by_itself_or_by_hand(house, session, clock):
    suppression.add(session, "a@b.example", "soft_bounces", until=now() + timedelta(days=1))
    suppression.add(session, "c@d.example", "manual")
    assert set(suppression.blocked(session, ["a@b.example", "c@d.example", "e@f.example"])) == {
        "a@b.example",
        "c@d.example",
    }
    assert not suppression.add(session, "C@D.example", "manual"), "known"
    clock.advance(timedelta(days=2))
    assert set(suppression.blocked(session, ["a@b.example", "c@d.example"])) == {"c@d.example"}
    assert suppression.lift(session, "c@d.example", actor="olga@example.org") == 1
    assert not suppression.blocked(session, ["c@d.example"])
    assert "olga" in session.scalar(text("SELECT detail FROM suppressions WHERE reason = 'manual'"))


def test_the_list_holds_no_address(house, session, clock):
    suppression.add(session, "secret.person@mail.example", "complaint")
    assert "secret" not in str(session.execute(text("SELECT * FROM suppressions")).all())


def test_cards_that_became_one_get_one_letter(house, clock):
    house.people(person(1), person(2))
    house.plan()
    with transaction(house.engine) as session:
        cards = session.scalars(text("SELECT id FROM customers ORDER BY id")).all()
        merge.merge(session, *cards, "olga@example.org")
    assert len(claim(house)) == 1
    assert [row.reason for row in house.rows("SELECT reason FROM deliveries WHERE state = 'skipped'")] == [
        "merged"
    ]


def test_cards_joined_after_the_first_letter_left(house, clock, send, box):
    house.people(person(1), person(2))
    house.plan()
    house.do("UPDATE deliveries SET due_at = due_at + interval '1 hour' WHERE address LIKE 'person2%'")
    send()
    with transaction(house.engine) as session:
        cards = session.scalars(text("SELECT id FROM customers ORDER BY id")).all()
        operation = merge.merge(session, *cards, "olga@example.org")
    clock.advance(timedelta(hours=2))
    send()
    assert box.addresses == ["person1@mail1.example"]
    assert house.states() == {"accepted": 1, "skipped": 1}
    with transaction(house.engine) as session:
        merge.undo(session, operation.id, "olga@example.org")
    sent = house.rows(
        "SELECT t.customer_id = p.customer_id AS right FROM timeline t JOIN profiles p ON p.id = t.profile_id"
    )
    assert [row.right for row in sent] == [True]


def test_the_cap_counts_what_a_person_got(house, clock, send, box):
    with transaction(house.engine) as session:
        row = secret.switch(session)
        row.cap, row.cap_days = 2, 7
    house.people(person(1))
    for number in range(4):
        house.plan(step=f"receipt:a:1:{number}:1")
    send()
    assert house.states() == {"accepted": 2, "skipped": 2}
    assert guards.sentence(
        "cap", house.rows("SELECT detail FROM deliveries WHERE reason = 'cap'")[0].detail
    ) == ("Got 2 letters in 7 days, and 2 is the most.")
    house.plan(step="receipt:a:1:9:1", purpose="transactional")
    send()
    assert len(box.taken) == 3, "what was ordered isn't counted"
    clock.advance(timedelta(days=8))
    house.plan(step="receipt:a:1:8:1")
    send()
    assert len(box.taken) == 4


def test_night_there_moves_the_letter_to_the_morning(house, clock, send, box):
    house.people(person(1, addresses=(Address(city="Almaty", country="KZ"),)),
                 person(2, country="GB", addresses=(Address(city="Leeds", country="GB"),)))  # fmt: skip
    house.do("UPDATE mail_switch SET quiet_from = 21, quiet_until = 9")
    with clock.hold(datetime(2026, 3, 2, 17, 30, tzinfo=UTC)):  # 22:30 in Almaty, 17:30 in Leeds
        house.plan()
        house.plan(purpose="transactional", step="receipt:a:1:1:1")
        send()
        assert sorted(box.addresses) == [f"person{n}@mail{n}.example" for n in (1, 2, 2)]
        waits = house.rows("SELECT * FROM deliveries WHERE state = 'planned'")
        assert [(row.reason, row.due_at) for row in waits] == [
            ("quiet", datetime(2026, 3, 3, 4, 0, tzinfo=UTC))
        ]
        assert "Asia/Almaty" in guards.sentence("quiet", waits[0].detail)
    with clock.hold(datetime(2026, 3, 3, 4, 0, 1, tzinfo=UTC)):
        send()
    assert house.states() == {"accepted": 4}


def test_a_stopped_house_sends_nothing_and_goes_on_later(house, clock, send, box):
    house.crowd(3)
    house.plan()
    with transaction(house.engine) as session:
        secret.stop(session, "a wrong price", "olga@example.org")
    send()
    assert (house.states(), box.taken) == ({"planned": 3}, [])
    with transaction(house.engine) as session:
        assert guards.held(session) == "stopped"
        secret.go(session, "olga@example.org")
    send()
    assert house.states() == {"accepted": 3}


def test_a_copy_sends_nothing_until_confirmed(house, clock, send, box):
    house.crowd(3)
    house.plan()
    with transaction(house.engine) as session:
        secret.switch(session)
    house.do("UPDATE mail_switch SET home = 'database 1/2'")
    send()
    assert (house.states(), box.taken) == ({"planned": 3}, [])
    with transaction(house.engine) as session:
        assert guards.held(session) == "restored"
        secret.confirm(session, "olga@example.org")
    send()
    assert (house.states(), box.taken) == ({"planned": 3}, []), "they may have left the other one"
    assert house.rows("SELECT state FROM mailings")[0].state == "asking"
    house.do("UPDATE mailings SET state = 'sending'")
    send()
    assert house.states() == {"accepted": 3}


def test_single_letters_of_a_copy_are_of_unknown_fate_once_it_is_confirmed(house, clock, send, box):
    house.crowd(2)
    house.plan(step="receipt:1", purpose="transactional")
    with transaction(house.engine) as session:
        secret.switch(session)
    house.do("UPDATE mail_switch SET home = 'database 1/2'")
    with transaction(house.engine) as session:
        secret.confirm(session, "olga@example.org")
    send()
    assert (house.states(), box.taken) == ({"unknown": 2}, [])
    row = house.rows()[0]
    assert "may have left there" in guards.sentence(row.reason)
    with transaction(house.engine) as session:
        ledger.resolve(session, row.id, "again", "olga@example.org")
    send()
    assert house.states() == {"unknown": 1, "accepted": 1}


def test_to_confirm_what_is_at_home_changes_nothing(house, clock, send):
    house.crowd(2)
    house.plan()
    house.plan(step="receipt:1", purpose="transactional")
    with transaction(house.engine) as session:
        secret.confirm(session, "olga@example.org")
    send()
    assert house.states() == {"accepted": 4}


@pytest.mark.parametrize("state", ["paused", "asking", "cancelled", "done", "draft"])
def test_letters_of_a_mailing_that_does_not_send_stay(house, clock, send, box, state):
    house.crowd(3)
    house.plan()
    house.do("UPDATE mailings SET state = :state", state=state)
    send()
    assert (house.states(), box.taken) == ({"planned": 3}, [])


def test_a_cancelled_step_sends_nobody_else(house, clock, send, box):
    house.crowd(3)
    house.plan()
    with transaction(house.engine) as session:
        assert ledger.cancel(session, house.step) == 3
    send()
    assert (house.states(), box.taken) == ({"cancelled": 3}, [])


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE customers SET email_consent = 'withdrawn' WHERE email LIKE 'person1%'",
        "UPDATE mail_switch SET stopped = true",
        "UPDATE mailings SET state = 'paused'",
        "UPDATE transports SET state = 'paused'",
    ],
)
def test_what_changes_between_claim_and_the_first_byte_counts(house, clock, send, box, change):
    house.people(person(1))
    house.plan()
    before = claims.claim

    def then_change(*args, **kwargs):
        rows = before(*args, **kwargs)
        house.do(change)
        return rows

    try:
        claims.claim = then_change
        send()
    finally:
        claims.claim = before
    assert not box.taken
    assert house.rows("SELECT state FROM deliveries")[0].state in ("planned", "skipped")


def test_an_unsubscribe_between_claim_and_the_first_byte_counts(house, clock, send, box):
    house.people(person(1), person(2))
    house.plan()
    before = claims.claim

    def then_block(*args, **kwargs):
        rows = before(*args, **kwargs)
        with transaction(house.engine) as session:
            suppression.add(session, "person1@mail1.example", "unsubscribed", scope="marketing")
        return rows

    try:
        claims.claim = then_block
        send()
    finally:
        claims.claim = before
    assert box.addresses == ["person2@mail2.example"]
    assert house.reasons()["person1@mail1.example"] == "suppressed"


def test_a_letter_that_cannot_be_made_stops_no_other(house, clock, send, box):
    house.people(person(1), person(2))
    texts = house.rows("SELECT texts FROM letter_versions")[0].texts
    broken = texts["en"]["html"].replace("Dear", "{{ customer.birthday }} Dear", 1)
    house.people(person(2, birthday=datetime(1990, 5, 1, tzinfo=UTC).date()))
    house.do(
        "UPDATE letter_versions SET texts = jsonb_set(texts, '{en,html}', to_jsonb(CAST(:html AS text)))",
        html=broken,
    )
    house.plan()
    send()
    assert box.addresses == ["person2@mail2.example"]
    skipped = house.rows("SELECT * FROM deliveries WHERE state = 'skipped'")
    assert [row.reason for row in skipped] == ["missing"]
    assert "customer.birthday" in guards.sentence("missing", skipped[0].detail)


def test_the_number_of_queries_of_a_claim_is_fixed(house, clock):
    counted = []
    claim(house)
    for size in (3, 40):
        house.do("TRUNCATE deliveries")
        house.crowd(size)
        house.plan()
        seen = []
        listen = lambda conn, cursor, statement, *rest: seen.append(statement)  # noqa: E731, B023
        event.listen(house.engine, "before_cursor_execute", listen)
        claim(house)
        event.remove(house.engine, "before_cursor_execute", listen)
        counted.append(len(seen))
    assert counted[0] == counted[1] <= 12


@pytest.mark.parametrize("code", sorted(guards.sentences()))
def test_every_code_has_a_sentence(code):
    said = guards.sentence(code, {})
    assert said.endswith((".", "?"))
    assert "{" not in said
