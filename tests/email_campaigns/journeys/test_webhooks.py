"""Journeys that call an outside address: at least once, signed, and never in anybody's way."""

import hmac
import json
import threading
from collections.abc import Iterator
from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest

from connectors import outgoing
from email_campaigns.journeys import calling, calls, explain
from foundation import clock, problems
from foundation.clock import advance
from foundation.database import transaction
from foundation.errors import BadInput
from foundation.jobs import run_until_idle
from tests.email_campaigns.journeys.world import Street, person
from tests.liar import Liar, answer, liar

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)

QUICK = {**(outgoing.Callee.__init__.__kwdefaults__ or {}), "deadline": 0.3}


@pytest.fixture
def crm() -> Iterator[Liar]:
    """The outside address."""
    with liar() as server:
        yield server


def hook(crm: Liar, path: str = "/good", **more: Any) -> dict[str, Any]:
    return {"type": "webhook", "url": crm.url + path, **more}


def work(street: Street) -> None:
    """Everything once: people go on, calls are made, people go on."""
    street.follow()
    calling.look(street.engine)
    run_until_idle(street.engine)


def fates(street: Street) -> list[tuple[str, int]]:
    return [tuple(row) for row in street.rows("SELECT state, attempts FROM journey_calls ORDER BY id")]


def test_an_address_is_told_and_the_person_goes_on(street: Street, crm: Liar) -> None:
    street.desk.people(person(1))
    journey = street.journey(hook(crm), street.letter(), name="Left carts")
    street.happen(1)
    work(street)
    street.tick()
    assert street.log() == [
        ("", "entered"), ("s1", "call"), ("s1", "called"), ("s2", "letter"),
    ]  # fmt: skip
    ((method, path, heads, body),) = crm.requests
    (row,) = street.rows("SELECT id, run_id, body, state FROM journey_calls")
    card = street.rows("SELECT id FROM customers")[0].id
    said = json.loads(body)
    assert (method, path, heads["idempotency-key"]) == ("POST", "/good", str(row.id))
    assert said["id"] == str(row.id) and said["step"] == "s1"
    assert said["customer"] == {"id": str(card), "email": "person1@mail.example", "name": "Person Nr1"}
    assert said["journey"] == {"id": str(journey), "name": "Left carts", "version": 1}
    assert said["trigger"]["kind"] == "test" and said["data"] == {"said": None}
    assert (row.state, row.body) == ("taken", "")  # who it was about is kept no longer than needed
    with transaction(street.engine) as session:
        secret = calls.secrets_of(session, [crm.url])[crm.url]
    at, _, given = heads["x-kartoteka-signature"].removeprefix("t=").partition(",v1=")
    assert given == hmac.digest(secret.encode(), f"{at}.".encode() + body, sha256().name).hex()
    assert secret not in str(street.rows("SELECT secret FROM journey_callees"))


def test_a_busy_host_is_asked_again_with_the_same_words(street: Street, crm: Liar) -> None:
    street.desk.people(person(1))
    crm.on("/crm", answer({}, 503), answer({}, 429, retry_after="600"), answer({}, 200))
    street.journey(hook(crm, "/crm"))
    street.happen(1)
    work(street)
    assert street.runs() == [("p1", "going", "s1")] and crm.calls["/crm"] == 1
    with transaction(street.engine) as session:
        run = street.rows("SELECT id FROM journey_runs")[0].id
        assert explain.run(session, run).next.endswith("answers 503.")
    work(street)
    assert crm.calls["/crm"] == 1  # not before its time
    advance(MINUTE)
    work(street)
    advance(5 * MINUTE)  # it asked for ten
    work(street)
    assert crm.calls["/crm"] == 2
    advance(6 * MINUTE)
    work(street)
    assert street.runs() == [("p1", "done", "")] and fates(street) == [("taken", 3)]
    assert len({(heads["idempotency-key"], body) for _, _, heads, body in crm.requests}) == 1


def test_what_waits_behind_counts_from_when_it_was_told(street: Street, crm: Liar) -> None:
    street.desk.people(person(1))
    crm.on("/crm", answer({}, 500), answer({}, 200))
    street.journey(hook(crm, "/crm"), {"type": "wait", "amount": 1, "unit": "hours"})
    street.happen(1)
    work(street)
    advance(2 * MINUTE)
    work(street)
    assert street.rows("SELECT due_at FROM journey_runs")[0].due_at == clock.now() + HOUR


def test_a_refusal_is_the_end_and_a_problem_that_can_be_tried_again(street: Street, crm: Liar) -> None:
    street.desk.people(person(1), person(2))
    crm.on("/crm", answer({"message": "No such list"}, 404))
    street.journey(hook(crm, "/crm", failed="leave"), street.letter())
    street.happen(1)
    street.happen(2)
    work(street)
    assert street.runs() == [("p1", "left", "not_called"), ("p2", "left", "not_called")]
    assert fates(street) == [("failed", 1), ("failed", 1)] and crm.calls["/crm"] == 2
    (problem,) = street.rows("SELECT id, message, area, times, state FROM problems")
    assert "404" in problem.message and "No such list" in problem.message and problem.times == 2
    crm.on("/crm", answer({}, 200))
    with transaction(street.engine) as session:
        problems.retry(session, problem.id)
    work(street)
    assert fates(street) == [("taken", 1), ("taken", 1)]
    assert [row.state for row in street.rows("SELECT state FROM problems")] == ["solved"]
    assert street.runs()[0] == ("p1", "left", "not_called")  # that is over


def test_a_host_that_stays_away_is_given_up_after_a_day(street: Street, crm: Liar) -> None:
    street.desk.people(person(1), person(2))
    crm.on("/crm", answer({}, 500))
    street.journey(hook(crm, "/crm"), street.letter())
    street.happen(1)
    until = clock.now() + 2 * DAY
    while clock.now() < until and fates(street)[:1] != [("failed", 8)]:
        work(street)
        advance(2 * HOUR)
    assert until - clock.now() > 20 * HOUR
    street.tick()
    assert street.log()[2:] == [("s1", "not_called"), ("s2", "letter")]  # goes on without


def test_a_host_that_hangs_holds_up_no_other(
    street: Street, crm: Liar, monkeypatch: pytest.MonkeyPatch
) -> None:
    street.desk.crowd(6)
    monkeypatch.setattr(outgoing.Callee.__init__, "__kwdefaults__", QUICK)
    with liar() as other:
        street.journey(hook(crm, "/silent"), name="Hangs")
        street.journey(hook(other), street.letter(), name="Works")
        for number in range(6):
            street.happen(number)
        work(street)
        assert crm.calls["/silent"] == 1 and other.calls["/good"] == 6  # the others weren't even tried
        work(street)
        assert crm.calls["/silent"] == 1  # it is left in peace
        advance(2 * MINUTE)
        work(street)
        assert crm.calls["/silent"] == 2
        advance(DAY)
        work(street)
    assert [state for state, _ in fates(street)].count("failed") == 6  # nobody waits for ever
    assert sorted(street.runs())[0] == ("p0", "done", "")


def test_who_leaves_or_whose_journey_is_off_is_told_of_no_more(street: Street, crm: Liar) -> None:
    street.desk.people(person(1), person(2))
    crm.on("/crm", answer({}, 500))
    journey = street.journey(hook(crm, "/crm"), street.letter())
    street.happen(1)
    street.happen(2)
    work(street)
    advance(MINUTE)
    street.happen(1, "test.ended")
    street.live(2 * MINUTE)
    assert sorted(fates(street)) == [("cancelled", 1), ("waiting", 1)]
    street.switch(journey, "paused")
    advance(HOUR)
    work(street)
    assert crm.calls["/crm"] == 2  # nothing leaves meanwhile
    street.switch(journey, "off")
    assert fates(street) == [("cancelled", 1), ("cancelled", 1)]


def test_a_worker_that_dies_in_a_call_makes_it_again_under_the_same_key(
    street: Street, crm: Liar, monkeypatch: pytest.MonkeyPatch
) -> None:
    street.desk.people(person(1))
    street.journey(hook(crm))
    street.happen(1)
    with monkeypatch.context() as patched:
        patched.setattr(calling, "_write", lambda *_: (_ for _ in ()).throw(RuntimeError("killed")))
        work(street)
    assert fates(street) == [("waiting", 1)] and crm.calls["/good"] == 1
    advance(MINUTE)
    work(street)
    assert fates(street) == [("taken", 2)] and street.runs() == [("p1", "done", "")]
    assert len({heads["idempotency-key"] for _, _, heads, _ in crm.requests}) == 1


@pytest.mark.parametrize(
    "address",
    [
        "", "crm.example", "ftp://crm.example/", "https://user:word@crm.example/", "https://crm.example/#a",
        "https://169.254.169.254/latest", "https://[::ffff:169.254.169.254]/", "https://crm.example/\x07",
        "https://crm.example/" + "a" * 2_000, "https://0.0.0.0/", 5, None,
    ],
)  # fmt: skip
def test_addresses_that_are_none_are_refused(street: Street, address: object) -> None:
    with pytest.raises(BadInput) as refused:
        street.journey({"type": "webhook", "url": address})
    assert refused.value.at == "steps/0/url"


def test_private_networks_are_called_only_where_that_is_allowed(
    street: Street, crm: Liar, sealed_context: Any
) -> None:
    street.desk.people(person(1))
    street.journey(hook(crm))
    street.happen(1)
    open_ = sealed_context.settings
    object.__setattr__(
        sealed_context, "settings", open_.model_copy(update={"allow_private_addresses": False})
    )
    for address in (crm.url + "/good", "https://127.0.0.1/", "https://10.0.0.7/x", "https://[::1]/"):
        with pytest.raises(BadInput):
            street.journey({"type": "webhook", "url": address}, name=address[:20])
    work(street)
    assert not crm.requests and fates(street) == [("failed", 1)]  # nor when it was allowed once


def test_a_copy_of_an_installation_calls_nobody(street: Street, crm: Liar) -> None:
    street.desk.people(person(1))
    street.journey(hook(crm))
    street.happen(1)
    street.follow()
    street.do("UPDATE mail_switch SET home = 'elsewhere', stopped = true")
    calling.look(street.engine)
    run_until_idle(street.engine)
    assert not crm.requests and fates(street) == [("waiting", 0)]


def test_two_workers_tell_everybody_once(street: Street, crm: Liar) -> None:
    street.desk.crowd(20)
    street.journey(hook(crm))
    for number in range(20):
        street.happen(number)
    street.follow()
    for _ in range(2):
        calling.look(street.engine)
    threads = [threading.Thread(target=run_until_idle, args=(street.engine,)) for _ in range(2)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert len({heads["idempotency-key"] for _, _, heads, _ in crm.requests}) == 20 == len(crm.requests)
    assert {state for _, state, _ in street.runs()} == {"done"}
