"""Intervals that stay true however often one looks, and words that claim no more than they hold."""

import random

import pytest

from email_campaigns.results import compare


def test_difference_that_is_there_is_found():
    found = compare.compare([compare.rate("A", 5000, 250), compare.rate("B", 5000, 400)], 0.01)[0]
    assert (found.verdict, found.tells) == ("better", True)
    assert found.low <= 0.03 <= found.high
    assert (
        compare.compare([compare.rate("A", 5000, 400), compare.rate("B", 5000, 250)], 0.01)[0].verdict
        == "worse"
    )


@pytest.mark.parametrize(
    ("people", "first", "second"), [(50, 1, 20), (99, 0, 60), (400, 3, 8), (400, 0, 0), (0, 0, 0)]
)
def test_few_people_or_few_clicks_say_nothing(people, first, second):
    found = compare.compare([compare.rate("A", people, first), compare.rate("B", people, second)], 0.01)[0]
    assert found.verdict == "early" and "too early" in found.words


def test_long_look_without_a_difference_says_so():
    found = compare.compare([compare.rate("A", 400_000, 20_000), compare.rate("B", 400_000, 20_050)], 0.01)[0]
    assert (found.verdict, found.low < 0 < found.high) == ("same", True)


def test_looking_every_day_is_wrong_in_fewer_than_one_of_twenty():
    dice, wrong, runs = random.Random(5), 0, 200
    for _run in range(runs):
        counts = [0, 0]
        for look in range(1, 41):
            for arm in (0, 1):
                counts[arm] += sum(dice.random() < 0.1 for _ in range(50))
            groups = [compare.rate(str(arm), look * 50, counts[arm], planned=2000) for arm in (0, 1)]
            if compare.compare(groups, 0.02)[0].verdict in ("better", "worse"):
                wrong += 1
                break
    assert wrong <= runs * 0.05


def test_looking_on_while_the_same_people_click_is_wrong_in_fewer_than_one_of_twenty():
    dice, wrong, runs = random.Random(6), 0, 200
    for _run in range(runs):
        hours = [[dice.expovariate(0.05) for _ in range(200)] for _arm in (0, 1)]
        for look in range(1, 41):
            clicked = [sum(one < look for one in arm) for arm in hours]
            groups = [compare.rate(str(arm), 2000, clicked[arm], planned=2000) for arm in (0, 1)]
            if compare.compare(groups, 0.01)[0].verdict in ("better", "worse"):
                wrong += 1
                break
    assert wrong <= runs * 0.05


def test_early_look_is_wider_than_the_last():
    half = [
        compare.compare([compare.rate("A", n, n // 10, 2000), compare.rate("B", n, n // 10, 2000)], 0.02)[0]
        for n in (200, 2000)
    ]
    assert half[0].high > 3 * half[1].high
    assert 2.5 < half[1].high / (2 * 0.09 / 2000) ** 0.5 < 3.5


def test_usual_interval_would_be_wrong_more_often():
    """The same looks with the interval of one look: why ours is wider."""
    dice, wrong = random.Random(5), 0
    for _run in range(200):
        counts = [0, 0]
        for look in range(1, 41):
            for arm in (0, 1):
                counts[arm] += sum(dice.random() < 0.1 for _ in range(50))
            rates = [count / (look * 50) for count in counts]
            half = 1.96 * sum(rate * (1 - rate) / (look * 50) for rate in rates) ** 0.5
            if look > 2 and abs(rates[1] - rates[0]) > half:
                wrong += 1
                break
    assert wrong > 20


def test_money_is_compared_by_its_spread():
    steady = [
        compare.sums("A", 1000, 500, 50_000, 500 * 100**2),
        compare.sums("B", 1000, 700, 70_000, 700 * 100**2),
    ]
    assert compare.compare(steady, 5)[0].verdict == "better"
    wild = [
        compare.sums("A", 1000, 20, 50_000, 20 * 2500**2),
        compare.sums("B", 1000, 20, 70_000, 20 * 3500**2),
    ]
    assert compare.compare(wild, 5)[0].verdict == "early"
    assert compare.sums("A", 0, 0, 0, 0).mean == 0


def test_leader_is_clear_only_against_each_of_the_others():
    groups = [compare.rate("A", 4000, 200), compare.rate("B", 4000, 600), compare.rate("C", 4000, 598)]
    ahead, clear = compare.leader(groups, 0.01)
    assert (ahead.name, clear) == ("B", False)
    assert compare.leader(groups[:2], 0.01) == (groups[1], True)
