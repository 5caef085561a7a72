"""The lines of an order as an invoice has them: delivery and discounts in, adding up to the cent."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation.records import Line
from foundation.text import language
from sync.directories.charging import charged

D = Decimal


def line(total, tax="0", **more):
    return Line(position=1, name="Tea", total=D(total), tax=D(tax), **more)


def totals(lines):
    return [one.total for one in lines]


def test_delivery_is_a_line_with_the_tax_that_no_other_has():
    goods, delivery = charged(D(112), D(12), D("18.67"), [line(100, "16.67")])
    assert (goods.total, goods.tax) == (100, D("16.67"))
    assert (delivery.name, delivery.total, delivery.tax, delivery.position) == ("Delivery", 12, 2, 2)


def test_delivery_is_called_as_the_buyer_calls_it():
    with language("kk-KZ"):
        assert charged(D(112), D(12), D(0), [line(100)])[1].name == "Жеткізу"


def test_what_costs_more_than_its_lines_has_another_line():
    assert totals(charged(D(15), D(0), D(0), [line(10)])) == [10, 5]


def test_a_discount_of_the_order_is_on_each_line_by_what_it_costs():
    first, second = charged(D(90), D(0), D(15), [line(60, "10"), line(40, "6.67")])
    assert (first.total, first.tax, first.discount) == (54, 9, 6)
    assert (second.total, second.tax, second.discount) == (36, D("6.00"), 4)


def test_a_cent_off_is_off_one_line():
    found = charged(D("19.99"), D(0), D(0), [line("10.00"), line("10.00"), line("0.00")])
    assert totals(found) == [D("10.00"), D("9.99"), 0]
    assert totals(charged(D("0.01"), D(0), D(0), [line("0.01")] * 3)) == [D("0.01"), 0, 0]


def test_whole_amounts_stay_whole():
    assert totals(charged(D(29), D(0), D(0), [line(10), line(10), line(10)])) == [10, 10, 9]


def test_a_discount_above_the_goods_is_on_delivery_too():
    assert totals(charged(D(4), D(10), D(0), [line(5)])) == [D(2), D(2)]


@pytest.mark.parametrize("quantity", ["3", "0.5", "0"])
def test_price_times_quantity_less_discount_is_the_total(quantity):
    [one] = charged(D(10), D(0), D(0), [line(10, quantity=D(quantity), discount=D(2), unit_price=D(99))])
    assert abs(one.unit_price * (one.quantity or 1) - one.discount - one.total) < D("0.001")


def test_a_price_that_fits_is_left_alone():
    [one] = charged(D(10), D(0), D(0), [line(10, quantity=D(4), unit_price=D("2.5"))])
    assert one.unit_price == D("2.5")


@pytest.mark.parametrize(("total", "lines"), [(0, []), (-5, [line(10)]), (3, [line(0)])])
def test_what_does_not_add_up_is_none(total, lines):
    found = charged(D(total), D(0), D(0), lines)
    assert found == () or sum(totals(found)) == total


money = st.decimals(0, 10_000, places=2)


@given(st.lists(st.tuples(money, st.decimals(0, 1, places=2)), max_size=6), money, money)
def test_lines_add_up_or_there_are_none(lines, shipping, total):
    said = [line(one, (one * part / 6).quantize(D("0.01"))) for one, part in lines]
    found = charged(total, shipping, D(0), said)
    if found:
        assert sum(totals(found)) == total
        assert all(one.total >= 0 and one.tax >= 0 for one in found)
    else:
        assert not lines or total == 0 or not any(one for one, _part in lines)
