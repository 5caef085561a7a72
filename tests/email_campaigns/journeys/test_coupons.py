"""Letters of journeys that hand out a code of a form's list: each code once, whatever happens."""

import re
import threading
from datetime import timedelta
from email import message_from_bytes
from email.policy import default
from typing import Any
from uuid import UUID

import pytest

from email_campaigns.delivery import ledger
from email_campaigns.journeys import explain
from email_campaigns.letters import store as written_letters
from foundation.clock import advance
from foundation.database import transaction
from foundation.errors import BadInput
from tests.email_campaigns.journeys.test_backtest import tried
from tests.email_campaigns.journeys.world import Street, person
from tests.email_campaigns.mailings.world import written
from tests.web_capture.forms.made import published
from web_capture import sites
from web_capture.forms import handing

LIST = {"kind": "list"}


def pool(street: Street, sealer: Any, *codes: str) -> UUID:
    """A form's list of codes."""
    with transaction(street.engine) as session:
        site, _keys = sites.add(session, sealer, "shop.example", currency="KZT")
    return published(street.engine, str(site.id), coupon=LIST, codes=[*codes]).id


def handing_out(street: Street, codes: UUID) -> dict[str, Any]:
    """A step that sends a letter with a code."""
    with transaction(street.engine) as session:
        letter = written(session, "With a code", "Your code is {{ coupon.code }}")
        assert written_letters.newest(session, letter.id)
        return {**street.letter(letter.id), "coupon_id": str(codes)}


def subjects(street: Street) -> list[str]:
    found = [
        message_from_bytes(one.read_bytes(), policy=default) for one in street.desk.folder.rglob("*.eml")
    ]
    return sorted(str(one["subject"]) for one in found)


def free(street: Street) -> int:
    return int(street.rows("SELECT count(*) FROM form_coupons WHERE person IS NULL")[0][0])


def test_each_gets_a_code_of_their_own(street: Street, sealer: Any) -> None:
    street.desk.people(person(1), person(2))
    step = handing_out(street, pool(street, sealer, "ONE", "TWO", "THREE"))
    street.journey(step)
    for number in (1, 2):
        street.happen(number)
        street.tick()
    street.live(timedelta(hours=1))
    assert subjects(street) == ["Your code is ONE", "Your code is TWO"] and free(street) == 1
    assert [state for _, state, _ in street.runs()] == ["done", "done"]


def test_when_there_are_none_left_it_is_said_and_people_go_on(street: Street, sealer: Any) -> None:
    street.desk.people(person(1), person(2))
    codes = pool(street, sealer, "ONE")
    street.journey(handing_out(street, codes), {"type": "task", "text": "Call", "within_hours": 1})
    street.happen(1)
    street.happen(2)
    street.live(timedelta(hours=1))
    assert subjects(street) == ["Your code is ONE"]
    assert street.rows("SELECT count(*) FROM journey_tasks")[0][0] == 2
    (problem,) = street.rows("SELECT message, state FROM problems")
    assert "no codes left" in problem.message and problem.state == "open"
    (run,) = street.rows("SELECT run_id FROM journey_acts WHERE detail ->> 'reason' = 'no_code'")
    with transaction(street.engine) as session:
        assert "no code left" in explain.run(session, run.run_id).lines[1].sentence
    street.do("INSERT INTO form_coupons (form_id, code) VALUES (:form, 'FRESH')", form=codes)
    street.happen(1)
    street.live(timedelta(hours=1))
    assert street.rows("SELECT state FROM problems")[0].state == "solved"


def broken(*_args: Any, **_named: Any) -> None:
    raise ValueError("broken")


def test_a_step_that_breaks_hands_out_no_second_code(
    street: Street, sealer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    street.desk.people(person(1))
    street.journey(handing_out(street, pool(street, sealer, "ONE", "TWO")))
    street.happen(1)
    with monkeypatch.context() as patched:
        patched.setattr(ledger, "plan", broken)
        street.follow()
    assert free(street) == 2  # it came to nothing
    advance(timedelta(minutes=10))
    street.live(timedelta(hours=1))
    assert subjects(street) == ["Your code is ONE"] and free(street) == 1


def test_who_may_get_no_letter_keeps_no_code(street: Street, sealer: Any) -> None:
    street.desk.people(person(1, consents=()), person(2))
    street.journey(handing_out(street, pool(street, sealer, "ONE")))
    street.happen(1)
    street.live(timedelta(hours=1))
    assert subjects(street) == [] and free(street) == 1
    street.happen(2)
    street.live(timedelta(hours=1))
    assert subjects(street) == ["Your code is ONE"]


def test_keys_that_ask_at_once_never_share_a_code(street: Street, sealer: Any) -> None:
    codes = pool(street, sealer, *(f"C{number}" for number in range(40)))
    drawn: list[dict[str, str]] = []

    def ask(turn: int) -> None:
        for _twice in range(2):
            with transaction(street.engine) as session:
                drawn.append(handing.draw(session, codes, [f"k{turn}-{n}" for n in range(10)]))

    threads = [threading.Thread(target=ask, args=(turn,)) for turn in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    held = {key: code for some in drawn for key, code in some.items()}
    assert len(held) == 40 == len(set(held.values())) and free(street) == 0
    assert all(held[key] == code for some in drawn for key, code in some.items())
    with transaction(street.engine) as session:
        assert handing.draw(session, codes, ["late"]) == {}
        handing.give_back(session, codes, ["k0-0", "nobody"])
        assert handing.draw(session, codes, ["late"]) == {"late": held["k0-0"]}


def test_a_back_test_hands_out_nothing(street: Street, sealer: Any) -> None:
    street.desk.people(person(1))
    journey = street.journey(handing_out(street, pool(street, sealer, "ONE")), on=False)
    street.happen(1)
    advance(timedelta(days=1))
    result = tried(street, journey, 2)
    assert result["letters"] == 1 and free(street) == 1


def test_a_list_that_is_gone_is_said(street: Street) -> None:
    step = {**street.letter(), "coupon_id": "019cadc6-9a80-7a12-b0e2-10ef0da281a8"}
    with pytest.raises(BadInput) as refused:
        street.journey(step)
    assert refused.value.at == "steps/0/coupon_id" and re.search("codes", str(refused.value))
