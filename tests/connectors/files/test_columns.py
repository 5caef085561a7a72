"""Which column is what."""

import pytest

from connectors.files.columns import as_mapping, guess_mapping
from connectors.files.headings import FIELDS
from kartoteka import export


@pytest.mark.parametrize(
    ("what", "headers", "fields"),
    [
        ("customers", "ID;Full Name;E-mail;Phone Number;Date of Birth;Newsletter",
         "external_id name email phone birthday consent_email"),
        ("customers", "Имя;Фамилия;Отчество;E-mail;Моб. телефон;Дата рождения;Город;Согласие на рассылку;ИНН",
         "given_name family_name middle_name email phone birthday city consent_email tax_number"),
        ("customers", "Müşteri No;Ad;Soyad;E-posta;Cep Telefonu;Doğum Tarihi;Şehir;İzin",
         "external_id given_name family_name email phone birthday city consent_email"),
        ("customers", "Аты-жөні;Ұялы телефон;Электрондық пошта;Туған күні;Қала;ЖСН",
         "name phone email birthday city tax_number"),
        ("customers", "고객번호;이름;이메일;휴대폰;생년월일;수신동의",
         "external_id name email phone birthday consent_email"),
        ("customers", "Kundennummer;Vorname;Nachname;E-Mail;Telefon;Geburtsdatum;PLZ;Ort",
         "external_id given_name family_name email phone birthday postcode city"),
        ("orders", "№ заказа;Дата заказа;Статус;Сумма;Клиент;Телефон;Товар;Кол-во;Цена",
         "number placed_at state total name phone product quantity unit_price"),
        ("orders", "Bestellnummer;Datum;Betrag;Kundenname;E-Mail;Artikel;Menge",
         "number placed_at total name email product quantity"),
        ("orders", "주문번호;주문일;결제금액;주문자;연락처;상품명;수량",
         "number placed_at total name phone product quantity"),
        ("products", "Артикул;Наименование;Цена;Остаток;Штрихкод", "sku name price stock barcode"),
        ("products", "Stok Kodu;Ürün Adı;Fiyat;Stok;Barkod", "sku name price stock barcode"),
    ],
)  # fmt: skip
def test_headings_of_six_languages(what: str, headers: str, fields: str) -> None:
    names = headers.split(";")
    found = as_mapping(guess_mapping(names, [], what))
    assert found == dict(zip(fields.split(), names, strict=True))


@pytest.mark.parametrize("what", ["customers", "orders", "products"])
def test_our_own_names_come_back(what: str) -> None:
    headers = list(FIELDS[what])
    assert as_mapping(guess_mapping(headers, [], what)) == {h: h for h in headers}


def test_columns_of_our_exports_are_known() -> None:
    headers = list(export.QUERIES["customers"].selected_columns.keys())
    found = as_mapping(guess_mapping(headers, [], "customers"))
    assert found["external_id"] == "id" and found["consent_email"] == "email_consent"
    assert found["consent_sms"] == "sms_consent" and found["created_at"] == "created_at"
    headers = list(export.QUERIES["orders"].selected_columns.keys())
    found = as_mapping(guess_mapping(headers, [], "orders"))
    assert {f: h for f, h in found.items() if f != h} == {}
    assert {"number", "placed_at", "state", "total", "currency", "customer_id"} <= set(found)


def test_cells_tell_where_headings_don_t() -> None:
    rows = [["x", "anna@example.kz", "8 (701) 123-45-67", "01.02.2024"]] * 5
    found = guess_mapping(["Column 1", "Column 2", "Column 3", "Column 4"], rows, "customers")
    assert as_mapping(found) == {"email": "Column 2", "phone": "Column 3"}
    assert found["email"].confidence < 1 and "e-mail addresses" in found["email"].reason


def test_a_heading_that_resembles_is_less_sure() -> None:
    found = guess_mapping(["Почта клиента (основная)"], [], "customers")
    assert 0 < found["email"].confidence < 1 and "почта" in found["email"].reason


@pytest.mark.parametrize(
    "header", ["Subscription plan", "Подписка тариф", "Consent form text", "Newsletter notes"]
)
def test_permission_is_never_guessed_loosely(header: str) -> None:
    found = guess_mapping([header], [["yes"]], "customers")
    assert not any(field.startswith("consent") for field in found)


def test_a_column_is_used_once() -> None:
    found = guess_mapping(["email", "E-mail", "Mail"], [], "customers")
    assert found["email"].header == "email" and len(found) == 1
