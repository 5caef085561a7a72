"""Connecting to a base, and what its refusals mean."""

import json
from pathlib import Path
from typing import Any

import pytest

from connectors.accounting.odata import client, faults
from connectors.base import Overtaken
from connectors.replies import Reply
from foundation.errors import BadInput, KartotekaError, Misconfigured, Temporary
from tests.connectors.accounting.odata.onec_base import OneCBase, connect, fault

SAMPLES = Path(__file__).parents[5] / "shared" / "data" / "onec" / "odata" / "doc_error_bodies.json"
PARTIES, INVOICES = "Catalog_Контрагенты", "Document_СчетНаОплатуПокупателю"


def refused(base: OneCBase, **settings: Any) -> Misconfigured:
    with pytest.raises(Misconfigured) as caught:
        connect(**settings).check()
    return caught.value


def test_check_says_what_is_there_and_what_is_not(base: OneCBase) -> None:
    base.add(PARTIES)
    del base.sets["Catalog_Валюты"], base.sets["Document_ПоступлениеНаРасчетныйСчет"]
    said = connect().check()
    assert "Reached 1c.example" in said and "Catalog_Контрагенты: 1" in said
    assert "Not published" not in said and "Publish Catalog_Валюты" in said
    del base.sets["Document_ПриходныйКассовыйОрдер"]
    assert "Not published, so not read: payments (Document_ПоступлениеНаРасчетныйСчет)" in connect().check()


def test_a_wrong_password_is_named(base: OneCBase) -> None:
    error = refused(base, password="нет")
    assert error.setting == "user" and "Аутентификация 1С:Предприятия" in str(error)


def test_a_missing_publication_is_named(base: OneCBase) -> None:
    base.before = lambda request: (404, {}, "<html>Not Found</html>")
    error = refused(base)
    assert error.setting == "address" and "Публиковать стандартный интерфейс OData" in str(error)


def test_an_empty_set_is_named(base: OneCBase) -> None:
    base.sets.clear()
    assert "The set of the OData interface is empty" in str(refused(base))


def test_an_absent_object_is_named(base: OneCBase) -> None:
    del base.sets[PARTIES]
    error = refused(base)
    assert error.setting == "mapping" and "publishes none of Catalog_Контрагенты" in str(error)


def test_an_absent_field_is_named(base: OneCBase) -> None:
    del base.schema[INVOICES]["СуммаДокумента"]
    error = refused(base)
    assert error.setting == "mapping" and f"{INVOICES} of this base has no field for “total”" in str(error)


def test_an_absent_right_is_named(base: OneCBase) -> None:
    rights = fault(401, "20", "Недостаточно прав доступа")
    base.before = lambda request: (
        rights if "$top" in request.url and "%D0%A1%D1%87%D0%B5%D1%82" in request.url else None
    )
    error = refused(base)
    assert error.setting == "user" and f"may not read all of {INVOICES}" in str(error)


def test_a_page_with_status_200_is_no_data(base: OneCBase) -> None:
    base.before = lambda request: (200, {"Content-Type": "text/html"}, "<!DOCTYPE html><title>1С</title>")
    for doing in (connect().check, lambda: list(connect().pull("counterparties", None))):
        with pytest.raises(Temporary, match="web page instead of data"):
            doing()


def test_a_base_in_files_without_rights_is_explained(base: OneCBase) -> None:
    base.before = lambda request: (500, {}, "")
    with pytest.raises(Temporary, match="right to change its folder"):
        connect().check()


def reply(status: int, body: str) -> Reply:
    return Reply(status, {}, body.encode(), "1c.example")


ATOM = (
    '<?xml version="1.0"?><m:error xmlns:m="x"><m:code>9</m:code>'
    '<m:message xml:lang="ru">Нет такого</m:message></m:error>'
)


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (
            '{"odata.error": {"code": "9", "message": {"lang": "ru", "value": "Нет  такого"}}}',
            ("9", "Нет такого"),
        ),
        ('{"error": {"code": 9, "message": "Нет такого"}}', ("9", "Нет такого")),
        ('{"error": "Нет такого"}', ("", "Нет такого")),
        (ATOM, ("9", "Нет такого")),
        ("<html>", ("", "")),
        ("[]", ("", "")),
        ("", ("", "")),
        ('{"odata.error": 7}', ("", "")),
    ],
)
def test_every_shape_of_an_error_is_read(body: str, found: tuple[str, str]) -> None:
    assert faults.complaint(reply(400, body)) == found


@pytest.mark.parametrize(
    ("status", "code", "writing", "kind"),
    [
        (412, "", True, Overtaken), (404, "8", False, Misconfigured), (400, "10", False, Misconfigured),
        (400, "4", True, BadInput), (501, "0", False, KartotekaError), (403, "", True, Misconfigured),
        (500, "", False, Temporary),
    ],
)  # fmt: skip
def test_each_refusal_has_its_kind(status: int, code: str, writing: bool, kind: type[Exception]) -> None:
    body = fault(status, code, "Ошибка")[2]
    found = faults.fault(reply(status, body), PARTIES, writing=writing)
    assert isinstance(found, kind) and (kind is Overtaken or "Ошибка" in str(found))


@pytest.mark.skipif(not SAMPLES.is_file(), reason="the shared samples are not here")
def test_the_documentations_errors_are_read() -> None:
    for case in json.loads(SAMPLES.read_text("utf-8")):
        said = case["body"]["odata.error"]
        assert faults.complaint(reply(400, json.dumps(case["body"]))) == (
            said["code"],
            said["message"]["value"],
        )


@pytest.mark.parametrize(
    ("typed", "address"),
    [
        ("https://s.example/base", "https://s.example/base/odata/standard.odata/"),
        (" s.example/base/ ", "https://s.example/base/odata/standard.odata/"),
        ("http://s.example/base/odata/standard.odata", "http://s.example/base/odata/standard.odata/"),
        ("https://s.example:8443/b/ru_RU/", "https://s.example:8443/b/odata/standard.odata/"),
        ("https://s.example/бух/odata", "https://s.example/%D0%B1%D1%83%D1%85/odata/standard.odata/"),
        ("https://s.example", "https://s.example/odata/standard.odata/"),
    ],
)
def test_addresses_as_people_paste_them(typed: str, address: str) -> None:
    assert client.base_address(typed) == address


def test_no_address_is_a_question() -> None:
    with pytest.raises(Misconfigured):
        client.base_address("  ")
