"""A counterparty as a person or a company, wherever it stands: in its package, a document, a container."""

import re
from collections.abc import Iterator
from datetime import date

from connectors.accounting.commerceml.habits import Habits
from connectors.accounting.commerceml.nodes import Node
from connectors.accounting.commerceml.values import clean, day, fold
from foundation.records import Address, Person

TAX_KINDS = {"RU": "ru.inn", "BY": "by.unp", "UZ": "uz.stir"}
COUNTRIES = {
    "россия": "RU", "российскаяфедерация": "RU", "рф": "RU", "643": "RU", "казахстан": "KZ",
    "398": "KZ", "республикаказахстан": "KZ", "беларусь": "BY", "республикабеларусь": "BY", "112": "BY",
    "белоруссия": "BY",
    "узбекистан": "UZ", "республикаузбекистан": "UZ", "860": "UZ", "украина": "UA", "804": "UA",
    "армения": "AM",
    "азербайджан": "AZ", "грузия": "GE", "киргизия": "KG", "кыргызстан": "KG", "таджикистан": "TJ",
    "туркменистан": "TM", "молдова": "MD", "турция": "TR", "германия": "DE", "сербия": "RS", "китай": "CN",
}  # fmt: skip
_COUNTRIES = {fold(name): code for name, code in COUNTRIES.items()}
_ADDRESSES = ("ЮридическийАдрес", "АдресРегистрации", "Адрес", "ФактическийАдрес", "ПочтовыйАдрес")
_TAX = ("ИНН", "БИН", "ИИН", "УНП")
_MOST_EXTRA, _LONGEST_EXTRA = 200, 2000
_PHONE, _FAX, _LETTERS = fold("телефон"), fold("факс"), (fold("почта"), fold("e-mail"), fold("email"))


def person(node: Node, external_id: str, habits: Habits) -> Person:
    """The counterparty of an element; what has no field of its own stays in `extra`."""
    parts = [node, *node.all("РеквизитыЮрЛица"), *node.all("РеквизитыФизЛица")]
    node.raw("Ид")
    node.raw("Идентификатор")
    is_company = _kind(parts) == "company"
    if is_company:
        company = _said(parts, "ОфициальноеНаименование", "ПолноеНаименование", "Наименование")
        name = _said(parts, "Наименование") or company
        family = given = middle = ""
    else:
        company = ""
        name = _said(parts, "ПолноеНаименование", "Наименование", "ОфициальноеНаименование")
        family, given, middle = (_said(parts, one) for one in ("Фамилия", "Имя", "Отчество"))
    emails, phones = _contacts(node)
    number = _said(parts, *_TAX)
    addresses = tuple(dict.fromkeys(_addresses(parts)))
    return Person(
        external_id=external_id,
        kind="company" if is_company else "person",
        name=name,
        company=company,
        family_name=family,
        given_name=given,
        middle_name=middle,
        emails=emails,
        phones=phones,
        tax_number=number,
        tax_kind=tax_kind(number, habits.country, is_company=is_company),
        registration_number=_said(parts, "КПП"),
        birthday=_birthday(parts),
        addresses=addresses,
        note=_said(parts, "Комментарий"),
        country=next((a.country for a in addresses if a.country), habits.country),
        extra=left_over(node),
    )


def tax_kind(number: str, country: str, *, is_company: bool) -> str:
    """What the bases of a country put into ИНН; empty when it can't be told."""
    if not number:
        return ""
    if country == "KZ":
        digits = re.sub(r"\D", "", number)
        return "kz.iin" if len(digits) == 12 and digits[4] in "0123" and not is_company else "kz.bin"
    return TAX_KINDS.get(country, "")


def left_over(node: Node) -> dict[str, str]:
    """What nothing has taken, by path; all of it is taken then, unless it is too much to keep."""
    found: dict[str, list[str]] = {}
    for path, value in node.left():
        found.setdefault(path.partition("/")[2] or path, []).append(value)
    kept = {path: "; ".join(values) for path, values in list(found.items())[:_MOST_EXTRA]}
    if len(found) <= _MOST_EXTRA and all(len(value) <= _LONGEST_EXTRA for value in kept.values()):
        node.take()
    return {path: value[:_LONGEST_EXTRA].strip() for path, value in kept.items()}


def _kind(parts: list[Node]) -> str:
    if _has(parts, "ОфициальноеНаименование"):
        return "company"
    if _has(parts, "ПолноеНаименование", "Фамилия", "Имя"):
        return "person"
    legal = _has(parts, "КПП", "ЮридическийАдрес", "ОГРН", "КодПоОКПО", "ОКПО")
    return "company" if legal or len(re.sub(r"\D", "", _look(parts, "ИНН"))) == 10 else "person"


def _has(parts: list[Node], *names: str) -> bool:
    return any(_look(parts, name) for name in names)


def _look(parts: list[Node], name: str) -> str:
    """What is said under a name, without taking it."""
    for node in parts:
        for child in node.all(name):
            if child.text or child.children:
                return child.text or child.name
        if node.attributes.get(fold(name), "").strip():
            return node.attributes[fold(name)].strip()
    return ""


def _said(parts: list[Node], *names: str) -> str:
    found = ""
    for node in parts:
        for name in names:
            if not found and (said := node.said(name)):
                found = said
    return found


def _birthday(parts: list[Node]) -> date | None:
    for node in parts:
        for child in node.all("ДатаРождения"):
            if found := day(child.text):
                child.taken = True
                return found
    return None


def _contacts(node: Node) -> tuple[tuple[str, ...], tuple[str, ...]]:
    emails: dict[str, str] = {}
    phones: dict[str, str] = {}
    found = [*node.all("Контакты", "Контакт"), *node.all("Контакт")]
    for one in found:
        kind = fold(next((c.text for c in (*one.all("Тип"), *one.all("КонтактВид"), *one.all("Вид"))), ""))
        value = next((clean(c.text) for c in one.all("Значение")), "")
        if _keep(kind, value, emails, phones):
            one.take()
    for name in ("Телефон", "ТелефонРабочий", "МобильныйТелефон", "Почта", "ЭлектроннаяПочта", "EMail"):
        for child in node.all(name):
            if _keep(fold(name), clean(child.text), emails, phones):
                child.taken = True
    return tuple(emails.values()), tuple(phones.values())


def _keep(kind: str, value: str, emails: dict[str, str], phones: dict[str, str]) -> bool:
    """Put a contact where it belongs; False for what is neither a phone nor an e-mail address."""
    if "@" in value:
        for one in re.split(r"[\s,;]+", value):
            if "@" in one:
                emails.setdefault(one.casefold(), one)
        return all("@" in one for one in re.split(r"[\s,;]+", value) if one)
    if any(word in kind for word in _LETTERS) or _FAX in kind:
        return not value
    if (_PHONE in kind or not kind) and sum(c.isdigit() for c in value) >= 5:
        phones.setdefault(re.sub(r"\D", "", value), value)
        return True
    return not value


def _addresses(parts: list[Node]) -> Iterator[Address]:
    for node in parts:
        for name in _ADDRESSES:
            for place in node.all(name):
                if found := address(place):
                    yield found


def address(place: Node) -> Address | None:
    """An address of its presentation and fields; a plain text is a line."""
    fields = {
        fold(next((c.text for c in one.all("Тип")), "")): one
        for one in place.all("АдресноеПоле")
        if one.first("Значение")
    }
    line = place.said("Представление") or (place.own() if place.text else "")

    def field(*names: str) -> str:
        for name in names:
            if one := fields.get(fold(name)):
                one.raw("Тип")
                if said := one.said("Значение"):
                    return said
        return ""

    street = ", ".join(p for p in (field("Улица"), field("Дом"), field("Корпус"), field("Квартира")) if p)
    city, region, postcode = field("Город", "Населенный пункт"), field("Регион"), field("Почтовый индекс")
    country = _country(fields.get(fold("Страна")))
    if not (line or street or city or region or postcode):
        return None
    return Address(line=line or street, city=city, region=region, postcode=postcode, country=country)


def _country(field: Node | None) -> str:
    text = next((c.text for c in field.all("Значение")), "") if field else ""
    found = _COUNTRIES.get(fold(clean(text)), "")
    if found and field:
        field.take()
    return found
