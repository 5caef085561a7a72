"""Whatever happens to the bytes on their way: pieces come out or BadInput, nothing else, and soon."""

import contextlib
import io

from hypothesis import example, given, settings
from hypothesis import strategies as st

from connectors.accounting.commerceml.parts import Names, Piece, merge
from connectors.accounting.commerceml.reading import read
from connectors.accounting.commerceml.records import normalise, unread
from connectors.base import Raw
from foundation.errors import BadInput
from tests.connectors.accounting.commerceml.cml import GOOD, RUSSIAN, file

WHOLE = file(
    "<Классификатор><Группы><Группа><Ид>1</Ид><Наименование>М</Наименование><Группы/></Группа></Группы>"
    "<Свойства><Свойство><Ид>p</Ид></Свойство></Свойства></Классификатор>"
    f"<Каталог СодержитТолькоИзменения='false'><Товары>{GOOD}</Товары></Каталог><ПакетПредложений><ТипыЦен>"
    "<ТипЦены><Ид>r</Ид></ТипЦены></ТипыЦен><Предложения><Предложение><Ид>g-1</Ид><Цены><Цена>"
    "<ЦенаЗаЕдиницу>1</ЦенаЗаЕдиницу></Цена></Цены><Количество>2</Количество></Предложение></Предложения>"
    "</ПакетПредложений><Контрагенты><Контрагент><Ид>k</Ид><Имя>А</Имя></Контрагент></Контрагенты>"
    "<Контейнер><Документ><Ид>7</Ид><Дата>2026-01-02</Дата><Сумма>5</Сумма><Товары><Товар><Ид>g-1</Ид>"
    "</Товар></Товары></Документ><Документ><Ид>8</Ид>"
    "<ХозОперация>Выплата наличных денег</ХозОперация></Документ>"
    "</Контейнер>"
)
MARKS = [
    "<", ">", "&", "</", "<!--", "-->", "<![CDATA[", "]]>", "<?", "\0", "&amp;amp;", "'", "<Товар>",
    "</Товар>", "<Документ>", "</Документ>", "<!DOCTYPE a>", " xmlns='x'", "<Группа>", "#", "T",
]  # fmt: skip

edits = st.lists(
    st.tuples(
        st.integers(0, 2500),
        st.integers(0, 60),
        st.one_of(st.sampled_from([mark.encode() for mark in MARKS]), st.binary(max_size=6)),
    ),
    min_size=1,
    max_size=6,
)


def survive(data: bytes) -> None:
    names, known = Names(), {}
    with contextlib.suppress(BadInput):
        for one in read(io.BytesIO(data), names):
            if isinstance(one, Piece):
                before = known.get((one.stream, one.external_id))
                known[one.stream, one.external_id] = merge(before and before.payload, [one], names)
    for (stream, _), raw in known.items():
        use(stream, raw)


def use(stream: str, raw: Raw) -> None:
    with contextlib.suppress(BadInput):
        for record in normalise(stream, raw, RUSSIAN):
            assert record.external_id
        unread(raw.payload)


@settings(max_examples=300, deadline=2000)
@given(edits, st.sampled_from(["utf-8", "cp1251", "utf-16"]))
@example([(0, 0, b"")], "utf-8")
def test_damaged_files(changes: list[tuple[int, int, bytes]], encoding: str) -> None:
    data = WHOLE.encode(encoding)
    for at, cut, put in changes:
        data = data[:at] + put + data[at + cut :]
    survive(data)


@settings(max_examples=100, deadline=2000)
@given(st.binary(max_size=400))
def test_anything_at_all(data: bytes) -> None:
    survive(data)
    survive("<Каталог>".encode() + data)


texts = st.one_of(
    st.sampled_from(
        ["", "T", "Т", "true", "-1", "1,5", "9" * 30, "Ж" * 300, "\u00a0", "2026-13-45", "]]&gt;"]
    ),
    st.text(st.characters(codec="utf-8", exclude_categories=["C"], exclude_characters="<>&"), max_size=20),
)
NAMES = [
    "Ид", "Наименование", "Количество", "Сумма", "Цены", "Цена", "Товары", "Товар", "Дата", "Время",
    "Контрагенты", "Контрагент", "Роль", "ХозОперация", "Склад", "Остатки", "Остаток", "Адрес",
    "Контакты", "Контакт", "Тип", "Значение", "ЗначенияРеквизитов", "ЗначениеРеквизита",
    "БазоваяЕдиница", "Пересчет", "Скидки", "Скидка", "Налоги", "Налог", "ПодчиненныеДокументы",
    "ПодчиненныйДокумент", "ИНН", "Валюта", "АдресноеПоле", "ДатаРождения", "Оплаты", "Оплата",
    "СуммаОплаты", "Группы"
]  # fmt: skip
elements = st.recursive(
    st.tuples(st.sampled_from(NAMES), texts).map(lambda e: f"<{e[0]}>{e[1]}</{e[0]}>"),
    lambda inner: st.tuples(st.sampled_from(NAMES), st.lists(inner, max_size=5)).map(
        lambda e: f"<{e[0]}>{''.join(e[1])}</{e[0]}>"
    ),
    max_leaves=25,
)


@settings(max_examples=300, deadline=2000)
@given(st.sampled_from(["Товар", "Предложение", "Контрагент", "Документ"]), st.lists(elements, max_size=8))
def test_sound_files_of_nonsense(kind: str, inner: list[str]) -> None:
    survive(file(f"<{kind}><Ид>1</Ид>{''.join(inner)}</{kind}>").encode())
