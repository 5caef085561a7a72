"""The review queue and decisions about many pairs, as a person at the console uses them."""

import json
import re
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pytest
from markupsafe import escape
from sqlalchemy import Engine, select, text
from sqlalchemy.orm import Session

from console import pairs
from console.format import Reader
from console.marking import alike, marked
from customers import duplicates
from customers import jobs as customer_jobs
from customers.tables import Customer, Duplicate
from foundation.database import transaction
from foundation.jobs import run_until_idle
from foundation.tables import Operation
from sync.dedupe.opinion import opinion
from tests.console import company
from tests.console.conftest import Browser
from tests.console.test_queries import counted
from tests.sync.dedupe.test_arrivals_equal_runs import ready

assert customer_jobs  # imported for the jobs they register


@pytest.fixture
def waiting(engine: Engine) -> list[UUID]:
    """The company's pairs that wait, the oldest first."""
    company.found(engine)
    with Session(engine) as session:
        found = list(session.scalars(select(Duplicate.id).order_by(Duplicate.id)))
    assert len(found) == 2
    return found


def shown(page: str) -> str:
    """The pair a page shows."""
    found = re.search(r'id="pair-([^"]+)"', page)
    return found.group(1) if found else ""


def live(engine: Engine) -> int:
    with Session(engine) as session:
        return len(session.scalars(select(Customer.id).where(Customer.live)).all())


def last(engine: Engine) -> Operation:
    with Session(engine) as session:
        newest = select(Operation).order_by(Operation.started_at.desc(), Operation.id.desc()).limit(1)
        return session.scalars(newest).one()


def test_a_missing_name_is_no_difference() -> None:
    anna, nobody = (Customer(name=name, email="", phone="") for name in ("Anna", ""))
    for pair in (pairs.pair(anna, nobody, Reader()), pairs.pair(nobody, nobody, Reader())):
        assert (pair.names.mark, pair.names.right) == ("", "Without a name")
        assert not any(part.differs for side in pair.names.parts for part in side)
    assert pairs.pair(anna, anna, Reader()).names.mark == "same"


def test_one_pair_at_a_time(browser: Browser, waiting: Sequence[UUID]) -> None:
    page = browser.see("/duplicates")
    assert shown(page) == str(waiting[0]) and "2 wait" in page and 'rel="prev"' not in page
    assert f'rel="next" href="/duplicates?at={waiting[1]}"' in page
    page = browser.see(f"/duplicates?at={waiting[1]}")
    assert shown(page) == str(waiting[1])
    assert f'rel="prev" href="/duplicates?at={waiting[0]}"' in page and 'rel="next"' not in page
    for fact in ("Bought", "Last seen", "Sources", "Bazaar.kz", "Old shop"):
        assert fact in page


def test_the_next_pair_comes_by_itself(browser: Browser, engine: Engine, waiting: Sequence[UUID]) -> None:
    browser.see("/duplicates")
    answer = browser.submit(f"/duplicates/{waiting[0]}", decision="joined", rule="phone")
    page = browser.see(answer.headers["location"])
    assert shown(page) == str(waiting[1]) and "The two cards are one now." in page
    assert 'name="rule" value="phone"' in page, "the filter stays"
    undo = f"/operations/{last(engine).id}/undo"
    assert f'action="{undo}"' in page and 'data-key="u"' in page
    answer = browser.submit(undo, next=f"/duplicates?at={waiting[0]}")
    page = browser.see(answer.headers["location"])
    assert shown(page) == str(waiting[0]) and 'data-key="u"' not in page


def test_who_was_faster_is_told(browser: Browser, engine: Engine, waiting: Sequence[UUID]) -> None:
    before = live(engine)
    with transaction(engine) as session:
        duplicates.decide(session, waiting[0], "joined", "boris@example.org")
    browser.see("/duplicates")
    answer = browser.submit(f"/duplicates/{waiting[0]}", decision="different")
    page = browser.see(answer.headers["location"])
    assert "boris@example.org was faster: the two are one customer." in page
    assert shown(page) == str(waiting[1]) and live(engine) == before - 1
    assert 'data-key="u"' not in page, "nobody undoes the decision of another by a key"


def test_filters_and_odd_ones(browser: Browser, engine: Engine, waiting: Sequence[UUID]) -> None:
    with transaction(engine) as session:
        pair = session.get_one(Duplicate, waiting[1])
        pair.rule, pair.evidence = "model", {**pair.evidence, "score": 0.973}
    assert shown(browser.see("/duplicates?rule=model")) == str(waiting[1])
    page = browser.see("/duplicates?least=95")
    assert shown(page) == str(waiting[1]) and "97.3 % sure" in page
    assert "No pair fits this filter." in browser.see("/duplicates?least=99")
    assert "No pair fits this filter." in browser.see("/duplicates?rule=%3Cscript%3E")
    assert browser.get("/duplicates?least=x").status_code == 422
    assert browser.get("/duplicates?at=x").status_code == 404
    browser.submit(f"/duplicates/{waiting[0]}", 400, decision="perhaps")


def test_a_waterfall_is_drawn(browser: Browser, engine: Engine, waiting: Sequence[UUID]) -> None:
    bars = [
        {"feature": "E-mail", "said": "equal & <rare>", "weight": 8.25},
        {"feature": "Name", "said": "at odds", "weight": -4},
        {"feature": "broken", "weight": "x"}, "broken", {"feature": "n", "weight": True},
    ]  # fmt: skip
    with transaction(engine) as session:
        session.execute(
            text("UPDATE duplicates SET evidence = CAST(:said AS jsonb)"),
            {"said": json.dumps({"why": "They look alike.", "score": 0.91, "waterfall": bars})},
        )
    page = browser.see("/duplicates")
    assert page.count('class="for"') == page.count('class="against"') == 1
    assert "equal &amp; &lt;rare&gt;" in page and "+8.2" in page and "−4.0" in page
    assert 'x="50.0" width="50.0"' in page and 'x="25.75' in page
    assert browser.get("/duplicates/many?least=50").status_code == 200


def test_a_pair_is_weighed_as_it_is_now(browser: Browser, engine: Engine, waiting: Sequence[UUID]) -> None:
    page = browser.see("/duplicates")
    assert "% sure" not in page and "weighed as they are now" not in page, "nobody is kept ready"
    with transaction(engine) as session:
        ready(session)
        pair = duplicates.place(session, waiting[0]).pair
        assert pair
        why, said = pair.evidence["why"], opinion(session, pair.left.id, pair.right.id)
    assert said
    page = browser.see("/duplicates")
    assert str(escape(why)) in page, "its rule says why it waits"
    assert pairs.score(said["score"], Reader()) in page and "weighed as they are now" in page
    assert page.count('class="for"') + page.count('class="against"') == len(said["waterfall"])
    say = text("UPDATE duplicates SET rule = 'model', evidence = CAST(:said AS jsonb) WHERE id = :id")
    for evidence, shown_why, anew in (
        ({**said, "why": "As a run said. Not joined by itself: held"}, "As a run said.", False),
        ({**said, "why": "Before.", "bits": said["bits"] + 3}, said["why"], True),
    ):
        with transaction(engine) as session:
            session.execute(say, {"said": json.dumps(evidence), "id": waiting[0]})
        page = browser.see("/duplicates")
        assert str(escape(shown_why)) in page
        assert ("weighed as they are now" in page) is anew


def test_weights_that_are_none() -> None:
    drawn: list[object] = [
        None,
        "x",
        {},
        [None],
        [{}],
        [{"weight": float("nan")}],
        [{"weight": float("inf")}],
    ]
    assert [pairs.weights(odd) for odd in drawn] == [[]] * len(drawn)
    assert pairs.weights([{"weight": 0}])[0].size == 0
    scores: list[object] = [None, "0.9", True, -1, 7, float("nan")]
    assert [pairs.score(odd, Reader()) for odd in scores] == [""] * len(scores)


@pytest.mark.parametrize(
    ("left", "right", "told"),
    [
        ("Anna Petrova", "Petrova Anna", "Anna Petrova"),
        ("Anna Petrova", "Anna Petrov", "Anna Petrov[a]"),
        ("anna@mail.example", "anna@post.example", "anna@[mail].example"),
        ("+7 701 555 01 99", "+7 701 555 01 98", "+7 701 555 01 9[9]"),
        ("Main street 12", "Main street 12a", "Main street 12"),
        ("ANNA", "anna", "ANNA"),
        ("Анна", "Пётр", "[Анна]"),
        ("a a", "a", "a [a]"),
        ("İstanbul", "Istanbul", "[İstanbul]"),
        ("x" * 301, "y", "[" + "x" * 301 + "]"),
    ],
)
def test_what_differs_is_marked(left: str, right: str, told: str) -> None:
    parts = marked(left, right)[0]
    assert "".join(f"[{part.text}]" if part.differs else part.text for part in parts) == told
    assert "".join(part.text for part in parts) == left


def test_alike_in_latin_letters() -> None:
    assert alike("Анна Юдина", "Yudina Anna") and alike("Алматы", "Almaty")
    assert not alike("Анна", "Алла") and not alike("", "") and not alike("-", "-")
    assert pairs.PairRow("City", "Алматы", "Almaty").mark == "alike"
    assert [part.differs for part in pairs.PairRow("City", "Алматы", "Almaty").parts[0]] == [False]


def test_many_are_planned_joined_and_undone(
    browser: Browser, engine: Engine, waiting: Sequence[UUID]
) -> None:
    before = live(engine)
    page = browser.see("/duplicates/many?rule=phone")
    assert "Choose an answer" in page and "Join" not in page and "Look at it" not in page
    page = browser.see("/duplicates/many?rule=phone&answer=joined")
    assert "Join 2 pairs" in page and page.count("Look at it") == 2
    plan = re.search(r'name="plan" value="([^"]+)"', page)
    assert plan is not None and live(engine) == before
    answer = browser.submit("/duplicates/many", rule="phone", answer="joined", plan=plan.group(1))
    path = answer.headers["location"]
    page = browser.see(path)
    assert "<progress" in page and "Pairs planned" in page and "Undo it" not in page
    assert "It is being decided" not in page and "Nothing waits" in browser.see("/duplicates")
    run_until_idle(engine)
    page = browser.see(path)
    assert "<progress" not in page and "Pairs decided" in page and live(engine) == before - 2
    assert "All pairs of this operation wait for a decision again" in page
    page = browser.see("/duplicates")
    assert f'action="{path}/undo"' in page and 'data-key="u"' not in page, (
        "many are undone by the button alone"
    )
    browser.submit(f"{path}/undo")
    assert live(engine) == before and shown(browser.see("/duplicates")) == str(waiting[0])


def test_a_plan_that_moved_is_shown_again(browser: Browser, engine: Engine, waiting: Sequence[UUID]) -> None:
    page = browser.see("/duplicates/many?answer=different")
    assert "Keep 2 pairs apart" in page
    plan = re.search(r'name="plan" value="([^"]+)"', page)
    assert plan is not None
    with transaction(engine) as session:
        duplicates.decide(session, waiting[0], "different", "boris@example.org")
    answer = browser.submit("/duplicates/many", answer="different", plan=plan.group(1))
    page = browser.see(answer.headers["location"])
    assert "have changed since you looked" in page and "Keep 1 pair apart" in page
    for evil in ("//evil.example/duplicates", "/duplicates.evil.example", "https://evil.example"):
        undone = browser.submit(f"/operations/{last(engine).id}/undo", next=evil)
        assert undone.headers["location"] == f"/operations/{last(engine).id}"
        browser.submit(f"/duplicates/{waiting[0]}", decision="different")
    browser.submit("/duplicates/many", answer="joined", rule="nothing", plan="x" * 40)
    browser.submit("/duplicates/many", 422, answer="perhaps", plan=plan.group(1))
    assert "Nothing like that waits" in browser.see("/duplicates/many?rule=nothing&answer=joined")


def test_queries_do_not_grow(browser: Browser, engine: Engine, waiting: Sequence[UUID]) -> None:
    browser.see("/settings")
    for path, most in (
        ("/duplicates/many?answer=joined", 7), ("/duplicates/many?answer=different", 4),
        ("/duplicates?rule=phone", 5), ("/settings/policy?order.city=file&order.name=file", 8),
    ):  # fmt: skip
        with counted(engine) as sent:
            browser.see(path)
        assert most - 1 <= len(sent) <= most, (path, len(sent))


def test_policy_is_tried_out_before_it_is_saved(browser: Browser, engine: Engine) -> None:
    company.found(engine)
    page = browser.see("/settings/policy?order.city=shop&order.city=&order.kind=")
    assert "1 card<" in page and "<s>Almaty</s>" in page and "<b>Алматы</b>" in page
    assert "cards were looked at" in page and "Save 1 field" in page and "tried out" in page
    several: dict[str, Any] = {"order.city": ["file", "", "file"], "order.name": [""]}
    browser.submit("/settings/policy", **several)
    page = browser.see("/settings/policy")
    assert "The cards are about to be computed again." in page and "olga@example.org" in page
    run_until_idle(engine)
    assert "<progress" not in browser.see("/settings/policy")
    assert last(engine).args["orders"] == {"city": ["file"], "name": []}
    assert browser.get("/settings/policy?order.city=nobody").status_code == 422
    assert browser.get("/settings/policy?order.shoe=file").status_code == 200
    browser.submit("/settings/policy", 422)
    odd: dict[str, Any] = {"order.shoe": ["file"]}
    browser.submit("/settings/policy", 422, **odd)
