"""Writing into a base: once though asked twice, whole tables, and never over somebody's change."""

from decimal import Decimal
from typing import Any

import pytest
import requests

from connectors.base import Overtaken
from foundation.errors import BadInput, Misconfigured, Permanent, Temporary
from foundation.records import Payment, Person, Product
from tests.connectors.accounting.odata.onec_base import OneCBase, connect, fault
from tests.connectors.accounting.odata.writing_into import GOODS, PARTIES, furnish, make, read, ref, writes

COMPANY = Person(
    external_id="our-1", kind="company", company="ООО «Чай»", tax_number="7707083893",
    registration_number="773601001", emails=("tea@example.ru",), phones=("+74950000000",),
)  # fmt: skip


@pytest.fixture(autouse=True)
def furnished(base: OneCBase) -> None:
    furnish(base)


def lose_answer_of(base: OneCBase, method: str) -> None:
    """The next call of this kind is done there, and its answer never comes."""

    def lose(request: Any) -> None:
        if request.method == method:
            base.after = lambda request: None
            raise requests.ConnectionError("the line is cut")

    base.after = lose


def test_a_counterparty_is_made_with_its_contacts(base: OneCBase) -> None:
    connector = connect()
    raw = connector.push("counterparties", make(COMPANY))
    found = read(connector, "counterparties", raw)
    assert (found.company, found.tax_number, found.kind) == ("ООО «Чай»", "7707083893", "company")
    assert (found.emails, found.phones) == (("tea@example.ru",), ("+74950000000",))
    row = base.sets[PARTIES][raw.external_id]
    assert row["Description"] == "ООО «Чай»" and row["ЮридическоеФизическоеЛицо"] == "ЮридическоеЛицо"
    assert [r["Вид_Key"] for r in row["КонтактнаяИнформация"]] == [ref(1), ref(2)]


def test_a_lost_answer_makes_nothing_twice(base: OneCBase) -> None:
    lose_answer_of(base, "POST")
    with pytest.raises(Temporary):
        connect().push("counterparties", make(COMPANY))
    raw = connect().push("counterparties", make(COMPANY))
    assert list(base.sets[PARTIES]) == [raw.external_id] and writes(base) == ["POST"]
    connect().push("counterparties", make(COMPANY, key="k11"))
    assert len(base.sets[PARTIES]) == 2, "another key is another object"


def test_only_the_named_fields_are_written_and_other_rows_stay(base: OneCBase) -> None:
    old = [
        {"LineNumber": "1", "Тип": "Адрес", "Представление": "Москва", "Вид_Key": ref(7)},
        {
            "LineNumber": "2",
            "Тип": "АдресЭлектроннойПочты",
            "Представление": "a@example.ru",
            "Вид_Key": ref(9),
        },
    ]
    one = base.add(PARTIES, Description="Было", НаименованиеПолное="Было", КонтактнаяИнформация=old)
    person = Person(external_id=one, kind="company", company="Стало", emails=("b@example.ru",))
    connect().push("counterparties", make(person, external_id=one, fields=("emails",)))
    row = base.sets[PARTIES][one]
    assert row["НаименованиеПолное"] == "Было"
    shown = [(r["Представление"], r["Вид_Key"], r["LineNumber"]) for r in row["КонтактнаяИнформация"]]
    assert shown == [("Москва", ref(7), "1"), ("b@example.ru", ref(9), "2")]


def test_two_addresses_in_one_row_are_no_difference(base: OneCBase) -> None:
    row = {"Тип": "АдресЭлектроннойПочты", "Представление": "a@b.ru; c@d.ru", "Вид_Key": ref(1)}
    one = base.add(PARTIES, КонтактнаяИнформация=[row])
    person = Person(external_id=one, emails=("a@b.ru", "c@d.ru"))
    connect().push("counterparties", make(person, external_id=one, fields=("emails",)))
    assert writes(base) == []


def test_nothing_to_change_writes_nothing(base: OneCBase) -> None:
    connector = connect()
    raw = connector.push("counterparties", make(COMPANY))
    base.calls.clear()
    connector.push("counterparties", make(COMPANY, external_id=raw.external_id, fields=("emails", "phones")))
    assert writes(base) == []


def test_somebodys_change_is_not_written_over(base: OneCBase) -> None:
    one = base.add(GOODS, Description="Чай")
    version = base.sets[GOODS][one]["DataVersion"]
    product = Product(external_id=one, name="Наш чай")
    (landed,) = connect().fetch("nomenclature", [one])
    base.touch(GOODS, one, Description="Их чай")
    for decided_on in (version, landed.version_hash.hex()):
        change = make(product, external_id=one, fields=("name",), version=decided_on)
        with pytest.raises(Overtaken):
            connect().push("nomenclature", change)
    assert base.sets[GOODS][one]["Description"] == "Их чай"


def test_the_version_that_landed_is_the_one_to_write_on(base: OneCBase) -> None:
    one = base.add(GOODS, Description="Чай", Parent_Key=base.add(GOODS, Description="Напитки", IsFolder=True))
    (page, *_) = connect().pull("nomenclature", None)
    version = page.records[0].version_hash.hex()
    product = Product(external_id=one, name="Наш чай")
    connect().push("nomenclature", make(product, external_id=one, fields=("name",), version=version))
    assert base.sets[GOODS][one]["Description"] == "Наш чай"


def test_what_is_marked_for_deletion_is_not_written(base: OneCBase) -> None:
    one = base.add(GOODS, Description="Чай", DeletionMark=True)
    with pytest.raises(Overtaken, match="no longer there"):
        connect().push("nomenclature", make(Product(external_id=one, name="x"), external_id=one))


def test_a_change_between_reading_and_writing_is_noticed(base: OneCBase) -> None:
    one = base.add(GOODS, Description="Чай")

    def meanwhile(request: Any) -> None:
        if request.method == "PATCH":
            base.touch(GOODS, one, Description="Их чай")

    base.before = meanwhile
    change = make(Product(external_id=one, name="Наш"), external_id=one, fields=("name",))
    with pytest.raises(Overtaken):
        connect().push("nomenclature", change)
    assert base.sets[GOODS][one]["Description"] == "Их чай"
    with pytest.raises(Overtaken, match="no longer there"):
        connect().push("nomenclature", make(Product(external_id="x", name="x"), external_id=ref(99)))


def test_an_item_finds_its_unit_by_name(base: OneCBase) -> None:
    unit = base.add("Catalog_КлассификаторЕдиницИзмерения", Description="шт")
    raw = connect().push("nomenclature", make(Product(external_id="p", name="Чай", sku="T", unit="шт.")))
    row = base.sets[GOODS][raw.external_id]
    assert (row["Артикул"], row["ЕдиницаИзмерения_Key"], row["НаименованиеПолное"]) == ("T", unit, "Чай")
    change = make(
        Product(external_id="p", name="Чай", unit="пуд"), external_id=raw.external_id, fields=("unit",)
    )
    with pytest.raises(BadInput, match="no unit “пуд”"):
        connect().push("nomenclature", change)


def test_a_rule_of_the_base_is_told_in_its_words(base: OneCBase) -> None:
    words = "Не удалось записать: «Контрагенты»! ИНН не уникален"
    base.before = lambda request: fault(500, "", words) if request.method == "POST" else None
    with pytest.raises(BadInput, match="ИНН не уникален"):
        connect().push("counterparties", make(COMPANY))


def test_a_lock_is_worth_another_try(base: OneCBase) -> None:
    base.before = lambda request: (
        fault(500, "", "Конфликт блокировок при выполнении транзакции") if request.method == "POST" else None
    )
    with pytest.raises(Temporary):
        connect().push("counterparties", make(COMPANY))


def test_without_a_field_for_our_key_nothing_is_made(base: OneCBase) -> None:
    del base.schema[PARTIES]["Комментарий"]
    with pytest.raises(Misconfigured, match="no text field “Комментарий”"):
        connect().push("counterparties", make(COMPANY))
    assert writes(base) == []


def test_payments_are_not_written(base: OneCBase) -> None:
    payment = Payment(external_id="1", customer_id="1", currency="RUB", amount=Decimal(1))
    with pytest.raises(Permanent, match="takes no payments"):
        connect().push("payments", make(payment))
