"""Advertising costs from files as people have them."""

from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import text

from foundation.errors import BadInput
from sync import undo
from web_capture.visits import costs

PLAIN = "date,source,medium,campaign,cost,currency\n2026-03-01,google,cpc,spring,12.50,EUR\n"
IN_FORCE = "SELECT day, source, cost FROM ad_costs WHERE replaced_by IS NULL ORDER BY day, source"


def rows(session):
    return [tuple(row) for row in session.execute(text(IN_FORCE))]


def take(session, content: str):
    return costs.take(session, costs.plan(session, content.encode()), "anna@p.kz")


@pytest.mark.parametrize(
    "content",
    [
        PLAIN,
        "Дата;Источник;Канал;Кампания;Расход;Валюта\r\n01.03.2026;Google;CPC;spring;12,50;eur\r\n",
        "day\tutm_source\tutm_medium\tutm_campaign\tspend\tcurrency\n20260301\tgoogle\tcpc\tspring\t€12.50\t\n",
        "Report of March\n\ndate;source;medium;campaign;cost;currency\n2026-03-01;google;cpc;spring;12,5;EUR",
        'date,source,medium,campaign,cost,currency\n1/3/2026,google,cpc,spring,"6,25",EUR\n'.replace(
            "1/3", "01.03"
        )
        * 1
        + "2026-03-01 00:00,google,cpc,spring,6.25,EUR\n",
    ],
)
def test_files_are_read_tolerantly(content):
    found = costs.read(content)
    assert found.bad == []
    assert found.costs == {costs.Key(date(2026, 3, 1), "google", "cpc", "spring", "EUR"): Decimal("12.5")}


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1251"])
def test_encodings_are_told_apart(encoding):
    body = "дата;источник;расход;валюта\n2026-03-01;яндекс;5;RUB\n".encode(encoding)
    (key,) = costs.read(costs.decode(body)).costs
    assert key.source == "яндекс"


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("03/04/2026,google,1,EUR", "may be two dates"),
        ("2026-02-30,google,1,EUR", "is no date"),
        (",google,1,EUR", "is no date"),
        ("2026-03-01,,1,EUR", "no source"),
        ("2026-03-01,google,lots,EUR", "is no amount"),
        ("2026-03-01,google,-4,EUR", "is no amount"),
        ("2026-03-01,google,4,EURO", "no currency code"),
        ("2026-03-01,google,4,", "names no currency"),
        ("2026-03-01", "no source"),
    ],
)
def test_bad_rows_say_why(row, reason):
    found = costs.read(f"date,source,cost,currency\n{row}\n2026-03-01,google,1,EUR\n")
    assert [(bad.line, reason in bad.reason) for bad in found.bad] == [(2, True)]
    assert (found.rows, len(found.costs)) == (2, 1)


def test_currency_of_the_form_fills_in():
    found = costs.read("date,source,cost\n2026-03-01,google,4\n", "KZT")
    assert found.sums == {"KZT": Decimal(4)}


@pytest.mark.parametrize("content", ["", "a,b\n1,2\n", "date,medium,campaign,x\n1,2,3,4\n"])
def test_other_files_are_refused(content):
    with pytest.raises(BadInput):
        costs.read(content)


def test_large_files_are_refused():
    with pytest.raises(BadInput):
        costs.decode(b"x" * 900_001)
    with pytest.raises(BadInput):
        costs.read("date,source,cost,currency\n" + "2026-03-01,g,1,EUR\n" * 10_001)


def test_same_file_twice_replaces(session):
    take(session, PLAIN)
    again = costs.plan(session, PLAIN.encode())
    assert again.replaced == 1
    result = {"read": 1, "new": 0, "changed": 1, "bad": 0, "sums": {"EUR": "12.50"}, "lines": []}
    assert take(session, PLAIN).result == result
    assert rows(session) == [(date(2026, 3, 1), "google", Decimal("12.5"))]


def test_undo_puts_back_what_was(session):
    first = take(session, PLAIN)
    second = take(session, PLAIN.replace("12.50", "20") + "2026-03-02,vk,cpc,x,3,EUR\n")
    assert costs.undo(session, second.id, "anna") == 1
    assert rows(session) == [(date(2026, 3, 1), "google", Decimal("12.5"))]
    costs.undo(session, first.id, "anna")
    assert rows(session) == []
    with pytest.raises(BadInput):
        costs.undo(session, first.id, "anna")


def test_undo_in_any_order(session):
    made = [take(session, PLAIN.replace("12.50", cost)) for cost in ("1", "2", "3")]
    costs.undo(session, made[1].id, "anna")
    assert rows(session)[0][2] == 3
    costs.undo(session, made[2].id, "anna")
    assert rows(session)[0][2] == 1


def test_file_without_usable_rows_is_refused(session):
    with pytest.raises(BadInput):
        take(session, "date,source,cost,currency\nx,y,z,w\n")


def test_operation_names_bad_lines_and_sums(session):
    content = "date,source,cost,currency\n\n2026-03-01,google,4,EUR\nx,google,1,EUR\n2026-03-02,vk,7.5,KZT\n"
    result = take(session, content).result
    assert (result["read"], result["new"], result["bad"]) == (3, 2, 1)
    assert result["lines"] == [[4, "“x” is no date"]]
    assert result["sums"] == {"EUR": "4", "KZT": "7.5"}


def test_open_quotation_mark_spoils_one_row():
    row = "2026-03-01,google,1,EUR\r\n"
    found = costs.read(costs.decode(f'date,source,cost,currency\r\n{row}"2026{row}{row}'.encode()))
    assert ([bad.line for bad in found.bad], found.sums) == ([3], {"EUR": Decimal(2)})


def test_endless_line_is_a_bad_row():
    found = costs.read(f"date,source,cost,currency\n{'x' * 200_000}\n2026-03-01,g,1,EUR\n")
    assert ([bad.line for bad in found.bad], len(found.costs)) == ([2], 1)


def test_sum_beyond_the_table_is_a_bad_row(session):
    row = f"2026-03-01,g,{'9' * 14},EUR\n"
    made = costs.plan(session, f"date,source,cost,currency\n{row}{row}".encode())
    assert [bad.line for bad in made.bad] == [3]
    assert costs.take(session, made, "anna").result["sums"] == {"EUR": "9" * 14}


def test_decoded_file_is_bounded_too():
    with pytest.raises(BadInput):
        costs.decode("дата\n".encode("cp1251") * 110_000)


def test_currency_of_the_form_is_a_code():
    with pytest.raises(BadInput) as caught:
        costs.read("date,source,cost\n2026-03-01,google,4\n", "<1")
    assert caught.value.at == "currency"


def test_general_undo_takes_costs_back(session):
    take(session, PLAIN)
    second = take(session, PLAIN.replace("12.50", "20") + "2026-03-02,vk,cpc,x,3,EUR\n")
    assert undo.undoable(second)
    assert undo.undo(session, second.id, "anna").left_alone == []
    assert (second.state, second.undone_by, second.result["undo"]) == (
        "undone",
        "anna",
        {"back": 1, "gone": 2},
    )
    assert rows(session) == [(date(2026, 3, 1), "google", Decimal("12.5"))]
    assert not undo.undoable(second)
