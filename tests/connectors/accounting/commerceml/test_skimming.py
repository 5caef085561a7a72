"""Objects whose bytes are known to change nothing are left out, and nothing else is."""

import io
import random
from collections.abc import Iterator, Mapping, Sequence
from typing import BinaryIO

import pytest

from connectors.accounting.commerceml import opening, reading, skimming
from connectors.accounting.commerceml.parts import Head, Names, Piece, Same, merge
from connectors.accounting.commerceml.reading import Item, read
from connectors.accounting.commerceml.skimming import Cut, Known
from connectors.base import Bad
from foundation.errors import BadInput
from tests.connectors.accounting.commerceml.cml import catalogue, file, offers


def good(number: int, name: str = "Стол", more: str = "") -> str:
    return f"\n\t<Товар>\n\t\t<Ид>g-{number}</Ид>\n\t\t<Наименование>{name}</Наименование>{more}\n\t</Товар>"


def offer(number: int, price: int, rest: int) -> str:
    return (
        f"\n\t<Предложение>\n\t\t<Ид>g-{number}</Ид><Цены><Цена><ЦенаЗаЕдиницу>{price}</ЦенаЗаЕдиницу></Цена></Цены>"
        f"<Количество>{rest}</Количество></Предложение>"
    )


def taken(text: str | bytes, known: Known | None = None, names: Names | None = None) -> list[Item]:
    whole = text.encode() if isinstance(text, str) else text
    return list(read(io.BytesIO(whole), Names() if names is None else names, known))


def nothing(cuts: Sequence[Cut]) -> Mapping[bytes, int]:
    return {}


def drip(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    """Let windows be of so many bytes."""

    def dripping(file_: BinaryIO) -> Iterator[bytes]:
        for chunk in opening.text_of(file_):
            for start in range(0, len(chunk), size):
                yield chunk[start : start + size]

    monkeypatch.setattr(skimming, "WINDOW", size)
    monkeypatch.setattr(reading, "text_of", dripping)


def learned(*texts: str | bytes) -> dict[bytes, int]:
    """The marks that files leave."""
    pieces = [one for text in texts for one in taken(text, nothing) if isinstance(one, Piece)]
    return {one.seen[1:]: one.seen[0] for one in pieces if one.seen}


def plain(items: Sequence[Item]) -> list[Item]:
    """Without marks."""
    return [
        Piece(one.stream, one.external_id, one.part, one.fragment, one.gone)
        if isinstance(one, Piece)
        else one
        for one in items
    ]


def order(number: int) -> str:
    return (
        f"<Документ><Ид>d-{number}</Ид><Номер>{number}</Номер>"
        "<Контрагенты><Контрагент><Ид>k</Ид></Контрагент></Контрагенты>"
        f"<Товары><Товар><Ид>g-{number}</Ид></Товар><Товар><Ид>h</Ид></Товар></Товары></Документ>"
    )


PARTIES = "".join(f"<Контрагент><Ид>k-{n}</Ид></Контрагент>" for n in range(5))
PREFIXED = "<x:Товар><x:Ид>1</x:Ид></x:Товар>" * 3
FILES = [
    catalogue(*[good(n) for n in range(9)]),
    offers(*[offer(n, n, n) for n in range(9)]),
    catalogue(good(1), "<!-- <Товар><Ид>no</Ид></Товар> -->", good(2), good(3)),
    catalogue(good(1), good(2, more="<Описание><![CDATA[</Товар> <b>]]></Описание>"), good(3), good(4)),
    catalogue(good(1), "<Товар Статус='Удален'><Ид>g-2</Ид></Товар>", good(2), good(2, "Стул"), "<Товар/>"),
    catalogue(good(1), "<Товар><Наименование>ohne Ид</Наименование></Товар>", good(3), good(4)),
    file("".join(map(order, range(4)))),
    file(f"<Контрагенты>{PARTIES}</Контрагенты>"),
    file("<Контейнер>" + "".join(map(order, range(3))) + "</Контейнер>"),
    file(f"<x:Каталог xmlns:x='y'><x:Товары>{PREFIXED}</x:Товары></x:Каталог>"),
]


@pytest.mark.parametrize("text", FILES)
@pytest.mark.parametrize("size", [1, 7, 300, 10**6])
def test_cutting_changes_nothing(text: str, size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    drip(monkeypatch, size)
    assert plain(taken(text, nothing)) == taken(text)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "cp1251"])
def test_what_is_known_is_left_out_and_counted(encoding: str) -> None:
    text = FILES[0].encode(encoding)
    found = taken(text, lambda cuts: learned(FILES[0]))
    assert [type(one) for one in found] == [Piece] + [Same] * 8 + [Head]
    assert [one.external_id for one in found[:-1]] == [f"g-{n}" for n in range(9)]  # type: ignore[union-attr]
    assert found[-1] == taken(text)[-1]


def test_an_element_of_several_pieces_stands_for_all_of_them() -> None:
    found = taken(FILES[1], lambda cuts: learned(FILES[1]))
    assert [one.pieces for one in found if isinstance(one, Same)] == [2] * 8
    assert sum(isinstance(one, Piece) for one in taken(FILES[1])) == 18


def test_only_between_objects_is_anything_left_out() -> None:
    known = learned(FILES[0])
    inside = file(
        "<Документ><Номер>1</Номер><Товары>" + "".join(map(good, range(4))) + "</Товары></Документ>"
    )
    assert taken(inside, lambda cuts: known) == taken(inside)
    hidden = catalogue(good(0), "<!--", good(1), good(2), good(3), "-->", good(4))
    assert not any(isinstance(one, Same) for one in taken(hidden, lambda cuts: known))
    assert plain(taken(hidden, lambda cuts: known)) == taken(hidden)
    opened = catalogue(good(0), "<Товар><Ид>g-7</Ид></Товар ><!-- </Товар>", good(1), good(2), "-->", good(3))
    assert not any(isinstance(one, Same) for one in taken(opened, lambda cuts: known))


@pytest.mark.parametrize("size", [20, 100, 400])
def test_a_comment_over_many_windows_hides_what_is_in_it(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    known = learned(FILES[0])
    hidden = catalogue(good(0), f"<!--{'x' * 500}", *map(good, range(1, 9)), "-->")
    drip(monkeypatch, size)
    assert [type(one) for one in taken(hidden, lambda cuts: known)] == [Piece, Head]


def test_what_may_be_no_object_leaves_no_mark() -> None:
    strange = good(2, more="<Описание><![CDATA[</Товар>]]></Описание>")
    assert learned(catalogue(good(1), strange, good(3))) == {}
    assert learned(catalogue(good(1), "<Товар><Ид>g-2</Ид><Товар><Ид>x</Ид></Товар></Товар>")) == {}


def test_a_newer_version_of_an_object_before_it_makes_it_unknown() -> None:
    old, new = good(3), good(3, "Стул")
    known = learned(catalogue(good(0), old))
    found = taken(catalogue(good(0), good(1), new, old), lambda cuts: known)
    assert [type(one) for one in found] == [Piece] * 4 + [Head]
    found = taken(catalogue(good(0), old, new), lambda cuts: known)
    assert [type(one) for one in found] == [Piece, Same, Piece, Head]


def test_what_classifiers_say_in_between_makes_the_rest_unknown() -> None:
    known = learned(catalogue(*map(good, range(5))))
    group = "<Группы><Группа><Ид>1</Ид><Наименование>Мебель</Наименование></Группа></Группы>"
    found = taken(catalogue(good(0), good(1), group, *map(good, (2, 3, 4))), lambda cuts: known)
    assert [type(one) for one in found] == [Piece, Same, Piece, Piece, Piece, Head]


@pytest.mark.parametrize("cut", [40, 400])
def test_a_file_that_breaks_off_says_the_same_line(cut: int) -> None:
    text = FILES[0].encode()[:-cut]
    lines = []
    for known in (nothing, lambda cuts: learned(FILES[0])):
        with pytest.raises(BadInput) as caught:
            taken(text, known)
        lines.append(str(caught.value))
    assert lines[0] == lines[1]
    nameless = catalogue(*map(good, range(5)), "<Товар>\n</Товар>")
    bad = [one for one in taken(nameless, lambda cuts: learned(nameless)) if isinstance(one, Bad)]
    assert bad == [one for one in taken(nameless) if isinstance(one, Bad)]


class Store:
    """Payloads as they would land, and the marks that hold for them."""

    def __init__(self) -> None:
        self.payloads: dict[str, str] = {}
        self.marks: dict[str, tuple[str, bytes]] = {}
        self.unlanded: list[Piece] = []
        self.left_out = 0

    def known(self, cuts: Sequence[Cut]) -> Mapping[bytes, int]:
        but = {one.external_id for one in self.unlanded}
        asked = {cut.external_id for cut in cuts} - but
        held = [m for i, (payload, m) in self.marks.items() if i in asked and self.payloads[i] == payload]
        return {mark[1:]: mark[0] for mark in held}

    def take(self, text: str, portion: int, skimming: bool) -> None:
        for one in read(io.BytesIO(text.encode()), Names(), self.known if skimming else None):
            self.left_out += isinstance(one, Same)
            if isinstance(one, Piece):
                self.unlanded.append(one)
                if len(self.unlanded) >= portion:
                    self.land()
        self.land()

    def land(self) -> None:
        for one in self.unlanded:
            raw = merge(self.payloads.get(one.external_id), [one], Names())
            self.payloads[one.external_id] = raw.payload
            if one.seen:
                self.marks[one.external_id] = raw.payload, one.seen
        self.unlanded = []


@pytest.mark.parametrize("seed", range(25))
def test_any_files_in_any_order_end_the_same(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    dice = random.Random(seed)
    drip(monkeypatch, dice.choice([50, 500, 5000]))
    things = [good(n, name) for n in range(4) for name in ("Стол", "Стул")]
    things += ["<!-- ", "-->", " ", "<Товар><Ид>g-1</Ид>", "</Товар>", "<Товар ><Ид>g-2</Ид></Товар>"]
    prices = [offer(n, price, rest) for n in range(4) for price in (1, 2) for rest in (3, 4)]
    skimmed, straight = Store(), Store()
    for _ in range(150):
        some = dice.choices(things[: dice.choice([8, 8, len(things)])], k=dice.randrange(9))
        text = catalogue(*some) if dice.random() < 0.6 else offers(*dice.choices(prices, k=dice.randrange(9)))
        for store in (skimmed, straight):
            try:
                store.take(text, dice.choice([1, 3, 50]), store is skimmed)
            except BadInput:
                store.land()
        assert skimmed.payloads == straight.payloads
    assert skimmed.left_out > 10


def paper(number: str, operation: str, more: str = "") -> str:
    return (
        f"<Документ><Ид>{number}</Ид><Номер>{number}</Номер><ХозОперация>{operation}</ХозОперация>"
        f"<Сумма>5</Сумма>{more}</Документ>"
    )


def test_an_order_within_a_second_container_is_read_though_it_is_known_alone() -> None:
    alone = [paper(n, "Заказ товара") for n in ("o-1", "o-2")]
    known = learned(file("\n".join(alone)))
    assert known
    held = [paper("p-2", "Выплата безналичных денег"), alone[1]]
    text = file(f"<Контейнер>{alone[0]}</Контейнер><Контейнер>{''.join(held)}</Контейнер>")
    assert plain(taken(text, lambda cuts: known)) == taken(text)


@pytest.mark.parametrize(
    "opening_", ["<Документ Вид='x'><Номер>9</Номер><Товары>", "<![CDATA[", "<!-- "], ids=str.strip
)
def test_what_a_gap_ends_does_not_stand_for_the_object_behind_it(opening_: str) -> None:
    known = learned(FILES[0])
    closing = {"<D": "</Товары></Документ>", "<!": "]]>", "<!-": "-->"}
    end = closing["<!-" if "--" in opening_ else "<D" if "Документ" in opening_ else "<!"]
    ended = "<Товар Статус='Новый'><Ид>g-8</Ид></Товар>"
    text = catalogue(good(0), ended, opening_, good(1), good(2), good(3), end)
    assert plain(taken(text, lambda cuts: known)) == taken(text)
