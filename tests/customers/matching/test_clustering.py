"""Groups grow only where all of their records agree."""

from datetime import date

from customers.matching import clustering
from customers.matching.clustering import Groups
from tests.customers.matching.people import firm, record


def joined(number, pairs, weights, refused=lambda a, b: False, mean=0.0):
    groups = Groups(number)

    def weigh(a, b):
        return weights.get((min(a, b), max(a, b)), 0.0)

    clustering.join(groups, sorted(pairs, key=lambda p: -p[2]), weigh, refused, 1.0, mean)
    return [groups.root(index) for index in range(number)]


def pairs(weights):
    return [(a, b, bits) for (a, b), bits in weights.items() if bits > 0]


def test_chain_through_a_shared_phone_is_cut():
    weights = {(0, 1): 9.0, (1, 2): 2.0, (0, 2): -8.0}
    assert joined(3, pairs(weights), weights) == [0, 0, 2]


def test_group_that_agrees_is_one():
    weights = {(0, 1): 9.0, (1, 2): 2.0, (0, 2): -1.0}
    assert joined(3, pairs(weights), weights) == [0, 0, 0]


def test_pair_below_the_least_joins_nothing():
    assert joined(2, [(0, 1, 0.9)], {(0, 1): 0.9}) == [0, 1]


def test_refused_pair_keeps_whole_groups_apart():
    weights = {(0, 1): 9.0, (2, 3): 9.0, (1, 2): 9.0, (0, 2): 9.0, (0, 3): 9.0, (1, 3): 9.0}
    found = joined(4, pairs(weights), weights, lambda a, b: {a, b} == {0, 3})
    assert found[0] != found[3]
    assert len(set(found)) == 2


def test_no_group_grows_without_end():
    number = clustering.LARGEST + 10
    weights = {(0, index): 9.0 for index in range(1, number)}
    found = joined(number, pairs(weights), weights, mean=-99)
    assert max(found.count(root) for root in found) == clustering.LARGEST


def test_two_verified_tax_numbers_are_two_people():
    one = record("Anna Maier", tax_number="7707083893", tax_kind="ru.inn")
    other = record("Anna Maier", tax_number="7736050003", tax_kind="ru.inn")
    wrong = record("Anna Maier", tax_number="7736050004", tax_kind="ru.inn")
    assert clustering.refusal(one, other) == "tax"
    assert not clustering.refusal(one, wrong)
    assert not clustering.refusal(one, one)


def test_father_and_son_are_two_people():
    assert clustering.refusal(record("John Smith Jr"), record("John Smith Sr")) == "suffix"


def test_two_patronymics_are_two_people():
    one, other = record("Ларионова Екатерина Александровна"), record("Ларионова Екатерина Никитична")
    assert clustering.refusal(one, other) == "middle"
    assert not clustering.refusal(one, record("Ekaterina A. Larionova"))
    assert not clustering.refusal(one, record("Ларионова Екатерина Алексндровна"))


def test_two_birthdays_are_two_people():
    one = record("Alina Kiseleva", birthday=date(1965, 2, 12))
    assert clustering.refusal(one, record("Alina Kiseleva", birthday=date(1950, 1, 28))) == "birthday"
    assert not clustering.refusal(one, record("Alina Kiseleva", birthday=date(1965, 12, 2)))
    assert not clustering.refusal(one, record("Alina Kiseleva", birthday=date(1956, 2, 12)))
    assert not clustering.refusal(one, record("Alina Kiseleva"))


def test_many_people_may_speak_for_a_company():
    one, other = (
        firm("Феникс", name="Ларионова Екатерина Никитична"),
        firm("Феникс", name="Орлов Павел Ильич"),
    )
    assert not clustering.refusal(one, other)
