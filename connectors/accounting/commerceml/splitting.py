"""Offers cut into offer, prices and rests, and containers into their orders with what hangs on them."""

from collections.abc import Sequence

from lxml import etree

from connectors.accounting.commerceml.fragments import Element, local, said, written
from connectors.accounting.commerceml.values import fold

_PRICES = frozenset({"Цены", "Цена"})
_RESTS = frozenset({"Количество", "Склад", "Склады", "Остатки"})
_COMMON = frozenset({"Ид", "НомерВерсии", "ПометкаУдаления"})
_BELOW, _ONE_BELOW = "ПодчиненныеДокументы", "ПодчиненныйДокумент"

OPERATIONS = {
    "": "order", "заказтовара": "order", "order": "order", "счетнаоплату": "invoice", "bill": "invoice",
    "invoice": "invoice", "выплатаналичныхденег": "payment", "выплатабезналичныхденег": "payment",
    "эквайринговаяоперация": "payment", "возвратналичныхденег": "refund", "возвратбезналичныхденег": "refund",
    "отпусктовара": "shipment", "sale": "shipment", "возвраттовара": "return",
}  # fmt: skip
_BY_OPERATION = {fold(name): kind for name, kind in OPERATIONS.items()}


def operation(text: str) -> str:
    """What kind of document an operation makes: order invoice payment refund shipment return other."""
    return _BY_OPERATION.get(fold(text), "other")


def prefixed(kind: str, own: str) -> str:
    """The id of a document: sites count their orders and payments each from one."""
    if kind == "order" or not own:
        return own
    return f"{'payment' if kind == 'refund' else kind}:{own}"


def document_id(element: Element) -> str:
    """The id of a document: its own, or its number where it has none (as most that 1C sends)."""
    return prefixed(operation(said(element, "ХозОперация")), said(element, "Ид", "Номер"))


def offer_id(element: Element) -> str:
    """The id of what is offered; 1.x names it by a link."""
    found = said(element, "Ид", "ИдентификаторТовара", "Идентификатор")
    if not found and (link := next(element.iterchildren("{*}СсылкаНаТовар"), None)) is not None:
        found = said(link, "Идентификатор", "ИдентификаторВКаталоге")
    return found


def offer(element: Element) -> list[tuple[str, str]]:
    """The parts of an offer as (part, fragment): what it is, its prices, its rests."""
    kinds = [local(child) for child in element]
    own = [name for name in kinds if name not in _PRICES and name not in _RESTS and name not in _COMMON]
    cut = any(name in _PRICES or name in _RESTS for name in kinds)
    if element.attrib or not cut:
        return [("offer", written(element))]
    texts: dict[str, list[str]] = {}
    for name, child in zip(kinds, element, strict=True):
        part = "price" if name in _PRICES else "rest" if name in _RESTS else "offer"
        if own or part != "offer":
            texts.setdefault(part, []).append(written(child))
    return [(part, f"<Предложение>{''.join(all_)}</Предложение>") for part, all_ in texts.items()]


def container(element: Element) -> Sequence[Element]:
    """The documents of a container; payments and shipments go below the order they are for."""
    papers = list(element.iterchildren("{*}Документ"))
    kinds = [operation(said(paper, "ХозОперация")) for paper in papers]
    orders = [paper for paper, kind in zip(papers, kinds, strict=True) if kind == "order"]
    alone = []
    for paper, kind in zip(papers, kinds, strict=True):
        order = _order_of(paper, orders) if kind in ("payment", "refund", "shipment") else None
        if order is None:
            alone.append(paper)
            continue
        below = next(order.iterchildren(f"{{*}}{_BELOW}"), None)
        if below is None:
            namespace = order.tag.rpartition("}")[0]
            below = etree.SubElement(order, f"{namespace}}}{_BELOW}" if namespace else _BELOW)
        paper.tag = paper.tag.replace("Документ", _ONE_BELOW)
        below.append(paper)
    return alone


def _order_of(paper: Element, orders: Sequence[Element]) -> Element | None:
    """The order a payment or shipment is for: the one it names, or the only one there is."""
    named = said(paper, "Основание", "ДокументОснование")
    for order in orders:
        if named and named in (said(order, "Ид"), said(order, "Номер"), said(order, "Номер1С")):
            return order
    return orders[0] if len(orders) == 1 and not named else None
