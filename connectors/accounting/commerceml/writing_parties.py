"""The buyer of an order as 1C reads counterparties."""

from connectors.accounting.commerceml.outgoing import (
    COMMENT,
    Element,
    Profile,
    put,
    put_told,
    short_id,
)
from foundation.records import Address, Order, Person

COUNTRIES = {
    "RU": "Россия", "KZ": "Казахстан", "BY": "Беларусь", "UZ": "Узбекистан", "KG": "Киргизия",
    "AM": "Армения", "AZ": "Азербайджан", "GE": "Грузия", "MD": "Молдова", "TJ": "Таджикистан",
    "TM": "Туркмения", "UA": "Украина", "TR": "Турция", "CN": "Китай", "DE": "Германия",
}  # fmt: skip


def put_party(parent: Element, order: Order, profile: Profile) -> None:
    """<Контрагент> in the role of the buyer."""
    person = order.customer or Person(external_id=order.customer_id)
    home = order.billing or order.delivery or (person.addresses[0] if person.addresses else None)
    party = put(parent, "Контрагент")
    put(party, "Ид", buyer_id(order))
    put(party, "Наименование", called(person) or f"Покупатель заказа {order.number}")
    if person.kind == "company":
        put(party, "ОфициальноеНаименование", person.company or person.name)
        _put_address(party, "ЮридическийАдрес", home)
        _put_numbers(party, person)
    else:
        _put_human(party, person, home)
    put_told(party, "Комментарий", person.note, COMMENT)
    _put_address(party, "Адрес", home)  # UT takes it from here, others from the one above
    _put_contacts(party, person, profile)
    if person.kind == "company" and (speaker := _full_name(person)):
        one = put(put(put(party, "Представители"), "Представитель"), "Контрагент")
        put(one, "Отношение", "Контактное лицо")
        put(one, "Ид", short_id(f"{buyer_id(order)}#contact"))
        put(one, "Наименование", speaker)
    put(party, "Роль", "Покупатель")


def buyer_id(order: Order) -> str:
    """The buyer's own id, the same at each order of theirs; never one for all guests."""
    known = order.customer_id or (order.customer.external_id if order.customer else "")
    return short_id(known or f"guest#{order.external_id}")


def called(person: Person) -> str:
    """What a list shows for somebody."""
    if person.kind == "company":
        return person.company or person.name
    return (
        person.name or _full_name(person) or person.company or next(iter(person.emails + person.phones), "")
    )


def place(address: Address | None) -> str:
    """An address in one line, as Russian post wants it."""
    if address is None:
        return ""
    country = COUNTRIES.get(address.country, address.country)
    parts = (address.postcode, country, address.region, address.city, address.line)
    return ", ".join(part for part in parts if part)


def _full_name(person: Person) -> str:
    return " ".join(filter(None, (person.family_name, person.given_name, person.middle_name)))


def _put_human(party: Element, person: Person, home: Address | None) -> None:
    put(party, "ПолноеНаименование", _full_name(person) or called(person) or "Покупатель")
    if person.family_name and person.given_name:  # one without the other stops UNF
        put(party, "Фамилия", person.family_name)
        put(party, "Имя", person.given_name)
        put_told(party, "Отчество", person.middle_name)
    if person.birthday:
        put(party, "ДатаРождения", person.birthday.isoformat())
    _put_numbers(party, person)
    _put_address(party, "АдресРегистрации", home)


def _put_numbers(party: Element, person: Person) -> None:
    put_told(party, "ИНН", person.tax_number)
    if len(person.registration_number) == 9:  # what others register by, 1C has no place for
        put_told(party, "КПП", person.registration_number)


def _put_address(party: Element, tag: str, address: Address | None) -> None:
    if address is None or not place(address):
        return
    holder = put(party, tag)
    put(holder, "Представление", place(address))
    fields = {
        "Почтовый индекс": address.postcode,
        "Страна": COUNTRIES.get(address.country, address.country),
        "Регион": address.region,
        "Город": address.city,
        "Улица": address.line,
    }
    for kind, value in fields.items():
        if value:
            field = put(holder, "АдресноеПоле")
            put(field, "Тип", kind)
            put(field, "Значение", value)


def _put_contacts(party: Element, person: Person, profile: Profile) -> None:
    phone, mail = ("ТелефонРабочий", "Электронная почта") if profile.modern else ("Телефон рабочий", "Почта")
    contacts = [(phone, value) for value in person.phones] + [(mail, value) for value in person.emails]
    if contacts:
        holder = put(party, "Контакты")
        for kind, value in contacts:
            contact = put(holder, "Контакт")
            put(contact, "Тип", kind)
            put(contact, "Значение", value)
