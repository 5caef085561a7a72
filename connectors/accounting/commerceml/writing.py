"""Orders of ours as 1C reads them from a site: the answer to mode=query, and the lists of mode=info.

What an order must say so that 1C neither merges buyers nor makes goods anew: a buyer's own id, guests
included; lines by the ids 1C knows; lines, delivery and discounts that add up to the sum.
"""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from connectors.accounting.commerceml.outgoing import (
    COMMENT,
    VALUE,
    Element,
    Profile,
    flag,
    money,
    number,
    put,
    put_told,
    put_unit,
    put_values,
    root,
    short_id,
    to_bytes,
)
from connectors.accounting.commerceml.writing_parties import place, put_party
from foundation.records import Line, Order, OrderState

__all__ = ["DELIVERY", "STATES", "Profile", "info_document", "orders_document"]

DELIVERY = "ORDER_DELIVERY"  # the line that 1C knows as the delivery

STATES: dict[OrderState, str] = {
    "cart": "Корзина",
    "open": "Принят, ожидается оплата",
    "paid": "Оплачен",
    "shipped": "Отгружен",
    "completed": "Выполнен",
    "cancelled": "Отменен",
    "refunded": "Возвращен",
    "failed": "Не оплачен",
}
_STATUSES = "Cтатусы"  # its first letter is the Latin one: 1C compares bytes
_CASH = frozenset({"cod", "cash", "cash_on_delivery"})
_FINAL = frozenset({"completed", "cancelled", "refunded"})


def orders_document(orders: Sequence[Order], profile: Profile, at: datetime) -> bytes:
    """The orders in one document; none at all is a whole document too."""
    top = root(profile, at)
    for order in orders:
        holder = put(top, "Контейнер") if profile.boxes else top
        _put_order(holder, order, profile, at)
        if profile.numbers >= (3,):
            _put_payments(holder, order, profile)
    return to_bytes(top, profile)


def info_document(
    profile: Profile, statuses: Sequence[tuple[str, str]] = tuple(STATES.items()),
    payments: Sequence[tuple[str, str]] = (), deliveries: Sequence[tuple[str, str]] = (),
) -> bytes:  # fmt: skip
    """The answer to mode=info: states and ways of payment and delivery, each an id and a name."""
    top = Element("Справочник")
    for tag, things in (
        (_STATUSES, statuses),
        ("ПлатежныеСистемы", payments),
        ("СлужбыДоставки", deliveries),
    ):
        holder = put(top, tag)
        for code, title in things:
            thing = put(holder, "Элемент")
            put(thing, "Ид", code)
            put(thing, "Название", title)
    return to_bytes(top, profile)


def _put_order(parent: Element, order: Order, profile: Profile, at: datetime) -> None:
    """One order, its elements in the order of the schema."""
    placed = profile.local(order.placed_at or order.changed_at or at)
    document = put(parent, "Документ")
    put(document, "Ид", short_id(order.external_id))
    put(document, "Номер", order.number)
    put(document, "Дата", placed.date().isoformat())
    put(document, "ХозОперация", "Заказ товара")
    put(document, "Роль", "Продавец")
    put(document, "Валюта", order.currency)
    put(document, "Курс", "1")
    put(document, "Сумма", money(order.total))
    put_party(put(document, "Контрагенты"), order, profile)
    put(document, "Время", placed.time().isoformat(timespec="seconds"))
    put_told(document, "Комментарий", order.note, COMMENT)
    if order.tax:
        _put_tax(document, order.tax)
    _put_rest(document, order, profile)
    lines = put(document, "Товары")
    for line in order.lines:
        _put_line(lines, line, profile)
    if order.shipping and profile.delivery_line:
        _put_delivery(lines, order, profile)
    put_values(document, _requisites(order, profile))


def _put_payments(parent: Element, order: Order, profile: Profile) -> None:
    """What was paid of an order: documents of their own beside it, that name it as what they are for."""
    cash = order.extra.get("payment_method", "").casefold() in _CASH
    for one in order.happenings:
        if one.kind != "paid" or not one.amount:
            continue
        paid = profile.local(one.at)
        document = put(parent, "Документ")
        put(document, "Ид", short_id(f"{order.external_id}#{one.key}"))
        put(document, "Номер", f"{order.number}-{one.key}" if one.key != one.kind else order.number)
        put(document, "Дата", paid.date().isoformat())
        put(document, "ХозОперация", f"Выплата {'наличных' if cash else 'безналичных'} денег")
        put(document, "Роль", "Продавец")
        put(document, "Валюта", order.currency)
        put(document, "Курс", "1")
        put(document, "Сумма", money(one.amount))
        put_party(put(document, "Контрагенты"), order, profile)
        put(document, "Время", paid.time().isoformat(timespec="seconds"))
        put(document, "Основание", short_id(order.external_id))
        put_values(document, {"Оплачен": flag(True)})


def _put_rest(document: Element, order: Order, profile: Profile) -> None:
    """What the lines leave of the sum: 1C adds its lines up, and must come to the same."""
    told = sum((line.total for line in order.lines), Decimal(0)) + order.shipping
    if told > order.total:
        _put_discount(document, "Скидка на заказ", told - order.total)
    costs = {} if profile.delivery_line else {"Доставка заказа": order.shipping}
    costs["Прочее"] = max(order.total - told, Decimal(0))
    if any(costs.values()):
        holder = put(document, "ДопРасходы")
        for name, amount in costs.items():
            if amount:
                cost = put(holder, "ДопРасход")
                put(cost, "Наименование", name)
                put(cost, "Сумма", money(amount))
                put(cost, "УчтеноВСумме", "true")


def _put_line(parent: Element, line: Line, profile: Profile) -> None:
    item = put(parent, "Товар")
    put_told(item, "Ид", short_id(line.product_id))
    put_told(item, "Артикул", line.sku)
    put(item, "Наименование", line.name or line.sku or line.product_id or "Товар")
    if not profile.modern:
        put_unit(item, profile)
    put_sort(item, "Товар")
    put(item, "ЦенаЗаЕдиницу", number(_price(line), 2))
    put(item, "Количество", number(line.quantity))
    put(item, "Сумма", money(line.total))
    if profile.modern:
        put_unit(item, profile)
    if line.tax:
        _put_tax(item, line.tax)
    if line.discount:
        _put_discount(item, "Скидка на товар", line.discount)


def _price(line: Line) -> Decimal:
    """The price of one; where it doesn't come to the line's sum, the one that does."""
    off = line.unit_price * line.quantity - line.discount - line.total
    if abs(off) <= Decimal("0.01") * max(abs(line.quantity), Decimal(1)) or not line.quantity:
        return line.unit_price
    return ((line.total + line.discount) / line.quantity).quantize(Decimal("0.0001"))


def _put_delivery(parent: Element, order: Order, profile: Profile) -> None:
    item = put(parent, "Товар")
    put(item, "Ид", DELIVERY)
    put(item, "Наименование", "Доставка заказа")
    if not profile.modern:
        put_unit(item, profile)
    put_sort(item, "Услуга")
    put(item, "ЦенаЗаЕдиницу", money(order.shipping))
    put(item, "Количество", "1")
    put(item, "Сумма", money(order.shipping))
    if profile.modern:
        put_unit(item, profile)


def put_sort(item: Element, sort: str) -> None:
    """Goods or a service: 1C makes unknown items as what this says."""
    put_values(item, {"ВидНоменклатуры": sort, "ТипНоменклатуры": sort})


def _put_tax(parent: Element, amount: Decimal) -> None:
    tax = put(put(parent, "Налоги"), "Налог")
    put(tax, "Наименование", "НДС")
    put(tax, "УчтеноВСумме", "true")
    put(tax, "Сумма", money(amount))


def _put_discount(parent: Element, name: str, amount: Decimal) -> None:
    discount = put(put(parent, "Скидки"), "Скидка")
    put(discount, "Наименование", name)
    put(discount, "Сумма", money(amount))
    put(discount, "УчтеноВСумме", "true")


def _requisites(order: Order, profile: Profile) -> dict[str, str]:
    """What 1C reads of an order's state, under the names it knows."""
    times = {happening.kind: profile.local(happening.at) for happening in order.happenings}
    sent, paid_at = times.get("shipped"), times.get("paid")
    paid = order.state in ("paid", "completed") or (order.state == "shipped" and paid_at is not None)
    changed = profile.local(order.changed_at) if order.changed_at else None
    return {
        "Дата оплаты": f"{paid_at:%Y-%m-%d %H:%M:%S}" if paid_at and paid else "",
        "Метод оплаты": order.extra.get("payment_method") or order.extra.get("payment", ""),
        "Дата разрешения доставки": f"{sent:%Y-%m-%d %H:%M:%S}" if sent else "",
        "Способ доставки": order.extra.get("delivery", ""),
        "Заказ оплачен": flag(paid),
        "Доставка разрешена": flag(order.state in ("shipped", "completed")),
        "Отменен": flag(order.state == "cancelled"),
        "Финальный статус": flag(order.state in _FINAL),
        "Статус заказа": f"[{order.state}] {STATES[order.state]}",
        "Статуса заказа ИД": order.state,
        "Дата изменения статуса": f"{changed:%Y-%m-%d %H:%M:%S}" if changed else "",
        "Комментарии покупателя": order.note[:VALUE],
        "Купон": ", ".join(order.coupons),
        "Компания": order.customer.company if order.customer and order.customer.kind == "person" else "",
        "Адрес доставки": place(order.delivery or order.billing),
    }
