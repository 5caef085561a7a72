"""The score of “would you recommend us”: a person once, by whom it was asked, honest when few answered."""

import random
import re
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from email_campaigns.results import charts, scores
from email_campaigns.results.scores import Asked, Score
from foundation import clock as time
from foundation.database import transaction
from foundation.errors import BadInput
from tests.email_campaigns.mailings.conftest import desk, sealed_context
from tests.email_campaigns.results.answering import answer, journey, step

__all__ = ["desk", "sealed_context"]  # fixtures
DAY = timedelta(days=1)


def asked(days: int = 90, source: str = "", place: str = "") -> Asked:
    return Asked(time.now() - days * DAY, time.now() + timedelta(seconds=1), source, place)


def read(desk: Any, what: Any, *said: Any, **more: Any) -> Any:
    with transaction(desk.engine) as session:
        return what(session, *said, **more)


def test_nobody_answered(desk):
    assert read(desk, scores.whole, asked()) == Score()
    assert Score().early and Score().points == 0 and Score().interval == (-100, 100)
    assert read(desk, scores.months, asked(), "UTC") == {} and read(desk, scores.sources, asked()) == []


def test_a_person_counts_once_with_the_last_answer(desk, clock):
    desk.crowd(12)
    one = journey(desk)
    for person, score in enumerate((10, 9, 9, 8, 7, 6, 0)):
        answer(desk, person, score, step(one), at=time.now() - 3 * DAY)
    answer(desk, 6, 10, step(one), at=time.now() - DAY)
    answer(desk, 5, 0, step(one), at=time.now() - 200 * DAY)
    found = read(desk, scores.whole, asked())
    assert found == Score(4, 2, 1) and found.points == pytest.approx(100 * 3 / 7) and found.early
    assert read(desk, scores.whole, asked(2)) == Score(1, 0, 0)


def test_what_is_no_answer_to_a_letter_does_not_count(desk):
    desk.crowd(5)
    one = journey(desk)
    for odd in ("9", None, [9], True):
        answer(desk, 1, odd, step(one))
    answer(desk, 2, 9, "test:x")
    assert read(desk, scores.whole, asked()) == Score()
    assert read(desk, scores.listed, asked()) == []


def test_by_whom_it_was_asked(desk):
    desk.crowd(9)
    first, second, mailing = journey(desk, "First"), journey(desk, "Second"), desk.mailing()
    for person in range(4):
        answer(desk, person, 9, step(first))
        answer(desk, person, 3, step(second))
    answer(desk, 4, 3, step(first, "n2"))
    answer(desk, 4, 8, f"mailing:{mailing}")
    answer(desk, 5, 8, f"journey:{UUID(int=5)}:1:n1:{UUID(int=6).hex}")
    found = {(one.source, one.place): (one.name, one.score) for one in read(desk, scores.sources, asked())}
    assert found == {
        (f"journey:{first}", "n1"): ("First", Score(4, 0, 0)),
        (f"journey:{first}", "n2"): ("First", Score(0, 0, 1)),
        (f"journey:{second}", "n1"): ("Second", Score(0, 0, 4)),
        (f"mailing:{mailing}", ""): (found[f"mailing:{mailing}", ""][0], Score(0, 1, 0)),
        (f"journey:{UUID(int=5)}", "n1"): ("", Score(0, 1, 0)),
    }
    assert found[f"mailing:{mailing}", ""][0]
    for (source, place), (_name, score) in found.items():
        assert read(desk, scores.whole, asked(90, source, place)) == score
    assert read(desk, scores.whole, asked(90, f"journey:{first}")) == Score(4, 0, 1)
    assert read(desk, scores.sources, asked())[0].letter == "News"


def test_months_are_those_of_the_reader(desk, clock):
    desk.crowd(3)
    one = journey(desk)
    edge = time.now().replace(month=1, day=31, hour=20, minute=0)  # in Almaty it is February
    answer(desk, 1, 10, step(one), at=edge)
    answer(desk, 1, 0, step(one), at=edge - 20 * DAY)
    assert read(desk, scores.months, asked(), "UTC") == {"2026-01-01": Score(1, 0, 0)}
    assert read(desk, scores.months, asked(), "Asia/Almaty") == {
        "2026-01-01": Score(0, 0, 1), "2026-02-01": Score(1, 0, 0)
    }  # fmt: skip


def test_answers_page_by_page_of_a_group_with_words(desk):
    desk.crowd(11)
    one = journey(desk)
    for score in range(11):
        for again in range(3):
            answer(desk, score, score, step(one), "Late" if again else "", time.now() - again * DAY)
    rows = read(desk, scores.listed, asked(), limit=100)
    assert len(rows) == 33 and [row.at for row in rows] == sorted((row.at for row in rows), reverse=True)
    assert rows[0].name and rows[0].customer_id
    few = read(desk, scores.listed, asked(), "passives", said=True)
    assert sorted(row.score for row in few) == [7, 7, 8, 8] and {row.comment for row in few} == {"Late"}
    seen, before = [], None
    while page := read(desk, scores.listed, asked(), before=before, limit=5):
        seen += [row.id for row in page]
        before = page[-1].at, page[-1].id
    assert seen == [row.id for row in rows]
    with transaction(desk.engine) as session:
        assert sum(map(len, scores.every(session, asked(), "detractors", said=False))) == 21
    assert [scores.group_of(score) for score in (0, 6, 7, 8, 9, 10)] == [
        "detractors", "detractors", "passives", "passives", "promoters", "promoters"
    ]  # fmt: skip


def test_the_interval_holds_however_often_one_looks():
    """Forty shops look after each answer; the true score is hardly ever outside, and it gets narrow."""
    chance, outside = random.Random(7), 0
    for _shop in range(40):
        counts, wrong = [0, 0, 0], False
        for number in range(1, 801):
            counts[chance.choices((0, 1, 2), (0.5, 0.3, 0.2))[0]] += 1
            low, high = Score(*counts).interval
            wrong |= number >= scores.FEWEST and not low <= 30 <= high
        outside += wrong
        assert high - low < 20
    assert outside <= 2
    ten = Score(30, 0, 0)
    assert not ten.early and ten.interval[0] < 90 and ten.interval[1] == 100


@pytest.mark.parametrize("said", ["", "x", "journey", "journey:x", "order:{0}", "mailing:{0}:a'b", "test:x"])
def test_what_is_no_journey_is_refused(said):
    with pytest.raises(BadInput):
        scores.source_of(said.format(UUID(int=1)))


def test_what_is_one_is_read():
    assert scores.source_of(f"journey:{UUID(int=1)}:n1") == (f"journey:{UUID(int=1)}", "n1")
    assert scores.source_of(f"mailing:{UUID(int=1)}") == (f"mailing:{UUID(int=1)}", "")


def test_chart_has_a_bar_a_month():
    drawn = charts.scores(
        ["01", "02", "03"], [("score", [-30, None, 0.5]), ("early", [None, 90, None])], "<t>"
    )
    heights = re.findall(r'height="([0-9.]+)"[^>]*class="rect', drawn)
    assert sum(float(one) > 0 for one in heights) == 3 and "&lt;t&gt;" in drawn and "<script" not in drawn
