"""The state of an order by the signals 1C gives, the strongest first."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Literal

import msgspec

from connectors.accounting.commerceml.values import fold
from foundation.records import OrderState

_CODED = re.compile(r"\[([^\]]{1,20})\]\s*(.*)")  # "[N] Принят, ожидается оплата"
_FARTHER: tuple[OrderState, ...] = (
    "cart",
    "open",
    "paid",
    "shipped",
    "completed",
    "refunded",
    "failed",
    "cancelled",
)
WORDS: dict[str, OrderState] = {
    "Принят": "open", "Принят, ожидается оплата": "open", "Новый": "open", "Ожидание оплаты": "open",
    "Оплачен": "paid", "Оплачен, формируется к отправке": "paid", "Отгружен": "shipped",
    "Отправлен": "shipped",
    "Выполнен": "completed", "Завершен": "completed", "Доставлен": "completed", "Закрыт": "completed",
    "Отменен": "cancelled", "Отменён": "cancelled", "Аннулирован": "cancelled", "Возвращен": "refunded",
    "Не оплачен": "failed",
}  # fmt: skip
_WORDS = {fold(word): state for word, state in WORDS.items()}


class Told(msgspec.Struct, frozen=True):
    """What a document says of its state."""

    deleted: bool = False
    cancelled: bool = False
    shipped: bool = False
    paid: bool = False
    code: str = ""  # Статуса заказа ИД
    source: str = ""  # the status as it stands
    paid_at: datetime | None = None
    shipped_at: datetime | None = None
    changed_at: datetime | None = None


def order_state(told: Told, statuses: Mapping[str, OrderState]) -> OrderState:
    """The farthest state that anything tells; a deletion mark cancels and erases nothing."""
    if told.deleted or told.cancelled:
        return "cancelled"
    states: list[OrderState] = ["open"]
    if told.shipped:
        states.append("shipped")
    if told.paid:
        states.append("paid")
    if mapped := _mapped(told, statuses):
        states.append(mapped)
    return max(states, key=_FARTHER.index)


def invoice_state(told: Told) -> Literal["draft", "open", "paid", "cancelled"]:
    """The state of a bill."""
    if told.deleted or told.cancelled:
        return "cancelled"
    return "paid" if told.paid else "open"


def read_statuses(text: str) -> dict[str, OrderState]:
    """The mapping a person typed ("F = completed; Собран = paid"); ValueError names what isn't understood."""
    found: dict[str, OrderState] = {}
    for pair in re.split(r"[;\n]", text):
        if not pair.strip():
            continue
        name, mark, state = pair.rpartition("=")
        wanted = next((one for one in _FARTHER if one == state.strip().lower()), None)
        if not mark or not name.strip() or wanted is None:
            raise ValueError(f"“{pair.strip()}”: write a status, = and one of {', '.join(_FARTHER)}")
        found[fold(name)] = wanted
    return found


def _mapped(told: Told, statuses: Mapping[str, OrderState]) -> OrderState | None:
    coded = _CODED.fullmatch(told.source)
    said = [told.code, told.source, *(coded.groups() if coded else ())]
    keys = [fold(word) for word in said if word]
    return next((statuses[key] for key in keys if key in statuses), None) or next(
        (_WORDS[key] for key in keys if key in _WORDS), None
    )
