"""Orders as the played 1C keeps them: read out of a site's answer, written back with 1C's own marks."""

import io
from collections.abc import Iterable
from datetime import datetime
from xml.etree import ElementTree

import msgspec

from connectors.accounting.commerceml import reading
from connectors.accounting.commerceml.outgoing import Element, Profile, put, root, to_bytes
from connectors.accounting.commerceml.parts import Names, Piece
from foundation.errors import BadInput


class Paper(msgspec.Struct, frozen=True):
    """One order of a site: what tells it apart, who buys, and the whole of it as it came."""

    id: str
    number: str
    buyer: str
    name: str
    contacts: tuple[str, ...]
    text: str


def read(body: bytes) -> list[Paper]:
    """The orders of an answer to mode=query; BadInput when it can't be read."""
    papers = []
    for piece in reading.read(io.BytesIO(body), Names()):
        if isinstance(piece, Piece) and piece.part == "document":
            papers.append(_paper(piece.fragment))
    return papers


def _paper(text: str) -> Paper:
    top = ElementTree.fromstring(text)  # noqa: S314 - written by our own reader, which lets no entities in
    party = top.find("Контрагенты/Контрагент")
    contacts = (
        () if party is None else tuple(e.text or "" for e in party.findall("Контакты/Контакт/Значение"))
    )
    if not (number := _said(top, "Номер")):
        raise BadInput("an order has no number", _said(top, "Ид"))
    return Paper(
        id=_said(top, "Ид"),
        number=number,
        buyer=_said(party, "Ид"),
        name=_said(party, "Наименование"),
        contacts=contacts,
        text=text,
    )


def changed(papers: Iterable[Paper], profile: Profile, at: datetime, paid: bool) -> bytes:
    """The orders as 1C sends them back: with its own number and date; `paid`: and a payment."""
    top = root(profile, at)
    day = profile.local(at).isoformat(timespec="seconds")
    for paper in papers:
        document = ElementTree.fromstring(paper.text)  # noqa: S314 - as above
        marks = {"Номер по 1С": f"ЭМ-{paper.number}", "Дата по 1С": day, "Проведен": "true"}
        if paid:
            marks |= {"Номер оплаты по 1С": f"ПЛ-{paper.number}", "Дата оплаты по 1С": day}
        _mark(document, marks)
        (put(top, "Контейнер") if profile.boxes else top).append(document)
    return to_bytes(top, profile)


def _mark(document: Element, marks: dict[str, str]) -> None:
    holder = document.find("ЗначенияРеквизитов")
    if holder is None:
        holder = put(document, "ЗначенияРеквизитов")
    for name, value in marks.items():
        one = put(holder, "ЗначениеРеквизита")
        put(one, "Наименование", name)
        put(one, "Значение", value)


def _said(element: Element | None, tag: str) -> str:
    return "" if element is None else (element.findtext(tag) or "").strip()
