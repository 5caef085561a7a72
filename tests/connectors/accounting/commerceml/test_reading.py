"""Files of any version and encoding become pieces; hostile and broken ones are refused with their line."""

import io
import tracemalloc

import pytest

from connectors.accounting.commerceml.parts import Head, Names, Piece
from connectors.accounting.commerceml.reading import read
from connectors.base import Bad
from foundation.errors import BadInput
from tests.connectors.accounting.commerceml.cml import (
    GOOD,
    catalogue,
    file,
    head,
    offers,
    parse,
    pieces,
)

GROUPS = """<Классификатор><Ид>k</Ид><Группы><Группа><Ид>1</Ид><Наименование>Мебель</Наименование><Группы>
<Группа><Ид>2</Ид><ПометкаУдаления>false</ПометкаУдаления><Наименование>Столы</Наименование></Группа>
</Группы></Группа></Группы><Свойства><Свойство><Ид>p</Ид><Наименование>Цвет</Наименование>
<ТипЗначений>Справочник</ТипЗначений><ВариантыЗначений><Справочник><ИдЗначения>v</ИдЗначения>
<Значение>Синий</Значение></Справочник></ВариантыЗначений></Свойство></Свойства></Классификатор>"""


def test_a_good_becomes_one_piece() -> None:
    (piece,) = pieces(catalogue(GOOD))
    assert (piece.stream, piece.external_id, piece.part, piece.gone) == ("products", "g-1", "good", False)
    assert piece.fragment.startswith("<Товар><Ид>g-1</Ид><Артикул>A-1</Артикул>")


def test_layout_and_namespace_make_no_other_text() -> None:
    spaced = catalogue(GOOD.replace("><", ">\n\t\t  <"))
    bare = file(f"<Каталог><Товары>{GOOD}</Товары></Каталог>", namespace="")
    other = file(f"<Каталог><Товары>{GOOD}</Товары></Каталог>", namespace=' xmlns="urn:1C.ru:commerceml_210"')
    prefixed = file(f"<Каталог><Товары>{GOOD}</Товары></Каталог>", namespace=' xmlns:c="urn:x"')
    prefixed = prefixed.replace("</", "\0").replace("<К", "<c:К").replace("<Т", "<c:Т").replace("<И", "<c:И")
    prefixed = (
        prefixed.replace("<А", "<c:А").replace("<Н", "<c:Н").replace("<Б", "<c:Б").replace("\0", "</c:")
    )
    texts = {
        one.fragment for text in (catalogue(GOOD), spaced, bare, other, prefixed) for one in pieces(text)
    }
    assert len(texts) == 1


@pytest.mark.parametrize(
    ("encoding", "mark", "declared"),
    [
        ("utf-8", b"", "UTF-8"),
        ("utf-8", b"\xef\xbb\xbf", "UTF-8"),
        ("cp1251", b"", "windows-1251"),
        ("cp1251", b"", "UTF-8"),
        ("utf-8", b"", "windows-1251"),
        ("utf-8", b"\xef\xbb\xbf", "windows-1251"),
        ("utf-16-le", b"\xff\xfe", "UTF-16"),
        ("utf-16-le", b"\xff\xfe", "UTF-8"),
        ("utf-16-be", b"\xfe\xff", "windows-1251"),
        ("utf-16-le", b"", "UTF-16"),
        ("cp866", b"", "cp866"),
        ("koi8-r", b"", "koi8-r"),
    ],
)
def test_the_bytes_decide_the_encoding(encoding: str, mark: bytes, declared: str) -> None:
    text = file(f"<Каталог><Товары>{GOOD}{GOOD * 400}</Товары></Каталог>", declaration=declared)
    found = pieces(mark + text.encode(encoding))
    assert len(found) == 401 and found[-1].fragment == pieces(catalogue(GOOD))[0].fragment


def test_characters_that_xml_does_not_know_are_left_out_of_old_encodings() -> None:
    text = catalogue(GOOD.replace("Стол", "Ст\x01ол\x1f"))
    assert "<Наименование>Стол</Наименование>" in pieces(text.encode("cp1251"))[0].fragment
    with pytest.raises(BadInput, match="line 2"):
        pieces(text)


def test_bytes_that_are_no_utf8_are_refused_with_their_line() -> None:
    broken = catalogue(GOOD, "\n" + GOOD.replace("Стол", "Ст?л")).encode().replace(b"?\xd0", b"\xee\xd0")
    for data in (broken, catalogue(GOOD * 3000).encode() + b"\xee"):
        found: list[Piece | Bad | Head] = []
        with pytest.raises(BadInput, match=r"^line \d+: "):
            found.extend(read_slowly(data, found))
        assert isinstance(found[0], Piece) and isinstance(found[-1], Head)


class Dripping(io.BytesIO):
    """A file that gives a few bytes at a time."""

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(min(7, size or 7))


@pytest.mark.parametrize("encoding", ["utf-8", "cp1251", "utf-16"])
def test_how_the_bytes_come_makes_no_difference(encoding: str) -> None:
    text = catalogue(*(GOOD.replace("g-1", str(i)).replace("><", ">\n  <") for i in range(400)))
    dripped = list(read(Dripping(text.encode(encoding)), Names()))
    assert dripped == parse(text.encode(encoding)) == parse(text)


def test_an_offer_is_cut_into_what_it_is_its_prices_and_its_rests() -> None:
    text = offers(
        "<Предложение><Ид>g-1#x</Ид><НомерВерсии>AAA=</НомерВерсии><Наименование>Стол</Наименование>"
        "<Цены><Цена><ЦенаЗаЕдиницу>5</ЦенаЗаЕдиницу></Цена></Цены><Количество>3</Количество>"
        '<Склад ИдСклада="w" КоличествоНаСкладе="3"/></Предложение>'
    )
    found = {piece.part: piece for piece in pieces(text)}
    assert set(found) == {"offer", "price", "rest"}
    assert {piece.external_id for piece in found.values()} == {"g-1#x"}
    assert "Цена" not in found["offer"].fragment and "Количество" not in found["offer"].fragment
    assert found["rest"].fragment == (
        '<Предложение><Количество>3</Количество><Склад ИдСклада="w" КоличествоНаСкладе="3"/></Предложение>'
    )


def test_files_of_prices_and_rests_alone_touch_nothing_else() -> None:
    price = offers("<Предложение><Ид>a</Ид><Цены><Цена/></Цены></Предложение>")
    rest = offers("<Предложение><Ид>a</Ид><Остатки/></Предложение>", package="ИзмененияПакетаПредложений")
    assert [piece.part for piece in pieces(price)] == ["price"]
    assert [piece.part for piece in pieces(rest)] == ["rest"]
    assert [piece.part for piece in pieces(offers("<Предложение><Ид>a</Ид></Предложение>"))] == ["offer"]


@pytest.mark.parametrize("inner", ["<Наименование>x</Наименование>", "<Цены/>", "<Количество>1</Количество>"])
def test_offers_are_deleted_too(inner: str) -> None:
    for mark, gone in (("true", True), ("false", False), ("", False)):
        text = f"<Предложение><Ид>a</Ид><ПометкаУдаления>{mark}</ПометкаУдаления>{inner}</Предложение>"
        assert [one.gone for one in pieces(offers(text))] == [gone]


def test_what_stands_in_a_document_is_the_documents() -> None:
    inner = (
        "<Документ><Ид>7</Ид><Номер>7</Номер><ХозОперация>Заказ товара</ХозОперация><Контрагенты><Контрагент>"
        "<Ид>p</Ид><Представители><Представитель><Контрагент><Ид>q</Ид></Контрагент></Представитель>"
        f"</Представители></Контрагент></Контрагенты><Товары>{GOOD}</Товары></Документ>"
    )
    found = pieces(file(inner + f"<Каталог><Товары>{GOOD}</Товары></Каталог>"))
    assert [(one.stream, one.external_id) for one in found] == [("documents", "7"), ("products", "g-1")]
    assert "<Ид>g-1</Ид>" in found[0].fragment


def test_counterparties_of_a_package() -> None:
    party = (
        "<Контрагент><Ид>1</Ид><Представители><Представитель><Контрагент><Ид>2</Ид></Контрагент>"
        "</Представитель></Представители></Контрагент>"
    )
    text = file(f'<Контрагенты СодержитТолькоИзменения="true">{party}</Контрагенты>')
    assert [one.external_id for one in pieces(text)] == ["1"]
    assert head(text) == Head(
        "2.07", "2026-01-02T03:04:05", True, ("Контрагенты",),
        {"goods": 0, "offers": 0, "counterparties": 1, "documents": 0},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("mark", "gone"),
    [
        ("<ПометкаУдаления>true</ПометкаУдаления>", True),
        ("<ПометкаУдаления> да </ПометкаУдаления>", True),
        ("<ПометкаУдаления>false</ПометкаУдаления>", False),
        ("<ПометкаУдаления/>", False),
        ("<Статус>Удален</Статус>", True),
        ("<ПометкаУдаления>false</ПометкаУдаления><Статус>Удален</Статус>", False),
        ("<ПометкаУдаления/><Статус>Удален</Статус>", True),
        ("<Статус>Изменен</Статус>", False),
        ("<Наименование>Удаленный отдел</Наименование>", False),
        ("<Изготовитель><ПометкаУдаления>true</ПометкаУдаления></Изготовитель>", False),
    ],
)
def test_deletion_marks(mark: str, gone: bool) -> None:
    (piece,) = pieces(catalogue(f"<Товар><Ид>1</Ид>{mark}</Товар>"))
    assert piece.gone is gone


def test_the_status_attribute_deletes_too() -> None:
    (piece,) = pieces(catalogue('<Товар Статус="Удален"><Ид>1</Ид></Товар>'))
    assert piece.gone


def test_a_document_is_never_gone_it_is_cancelled() -> None:
    (piece,) = pieces(file("<Документ><Номер>9</Номер><ПометкаУдаления>true</ПометкаУдаления></Документ>"))
    assert (piece.external_id, piece.gone) == ("9", False)


def test_an_object_without_id_is_reported_and_the_rest_goes_on() -> None:
    found = parse(catalogue("<Товар>\n<Наименование>Без</Наименование></Товар>", GOOD))
    bad = next(one for one in found if isinstance(one, Bad))
    assert bad.at == "line 2" and "no id" in bad.reason and "Без" in bad.payload
    assert [one.external_id for one in found if isinstance(one, Piece)] == ["g-1"]


def test_an_id_that_comes_late_or_escaped_or_padded_is_found() -> None:
    goods = (
        "<Товар><Изготовитель><Ид>m</Ид></Изготовитель><Ид>late</Ид></Товар>",
        "<Товар><Ид> a&amp;b </Ид></Товар>",
        "<Товар><Ид>\n padded\n</Ид></Товар>",
    )
    assert [one.external_id for one in pieces(catalogue(*goods))] == ["late", "a&b", "padded"]


def test_documents_of_other_kinds_have_ids_of_their_own() -> None:
    inner = "".join(
        f"<Документ><Ид>5</Ид><ХозОперация>{kind}</ХозОперация></Документ>"
        for kind in ("Заказ товара", "Выплата безналичных денег", "Отпуск товара", "Счет на оплату", "Прочее")
    )
    assert [one.external_id for one in pieces(file(inner))] == [
        "5", "payment:5", "shipment:5", "invoice:5", "other:5",
    ]  # fmt: skip


def test_payments_in_a_container_go_below_their_order() -> None:
    def paper(own: str, kind: str, base: str = "") -> str:
        said = f"<Основание>{base}</Основание>" if base else ""
        return f"<Документ><Ид>{own}</Ид><ХозОперация>{kind}</ХозОперация>{said}</Документ>"

    text = file(
        f"<Контейнер>{paper('p', 'Эквайринговая операция', '1')}{paper('1', 'Заказ товара')}</Контейнер>"
        f"<Контейнер>{paper('2', 'Заказ товара')}{paper('3', 'Заказ товара')}"
        f"{paper('q', 'Выплата наличных денег', '3')}{paper('r', 'Возврат наличных денег', '77')}"
        f"{paper('z', 'Выплата наличных денег')}"
        "</Контейнер>",
        version="3.1",
    )
    found = {one.external_id: one.fragment for one in pieces(text)}
    assert list(found) == ["1", "2", "3", "payment:r", "payment:z"]
    assert "<ПодчиненныеДокументы><ПодчиненныйДокумент><Ид>p</Ид>" in found["1"]
    assert "<Ид>q</Ид>" in found["3"] and "Подчиненн" not in found["2"]
    assert head(text).counts["documents"] == 7 and head(text).kinds == ("Контейнер",)


def test_classifiers_are_remembered_in_names() -> None:
    names = Names()
    text = file(
        GROUPS
        + "<ПакетПредложений><ТипыЦен><ТипЦены><Ид>r</Ид><Наименование>Розница</Наименование>"
        + "<Валюта>руб.</Валюта></ТипЦены></ТипыЦен><Склады><Склад><Ид>w</Ид><Наименование>Главный"
        + "</Наименование></Склад></Склады></ПакетПредложений>"
    )
    assert pieces(text, names) == []
    assert names.path("2") == "Мебель / Столы" and names.path("nobody") == ""
    assert (names.prices["r"].name, names.prices["r"].currency) == ("Розница", "RUB")
    assert names.warehouses == {"w": "Главный"} and names.properties["p"].variants == {"v": "Синий"}


def test_a_ring_of_groups_ends() -> None:
    names = Names()
    ring = '<Группа Идентификатор="a" Наименование="А" Родитель="b"/>'
    ring += '<Группа Идентификатор="b" Наименование="Б" Родитель="a"/>'
    parse(file(f"<Каталог>{ring}</Каталог>", version="1.0"), names)
    assert len(names.path("a")) < 1000


@pytest.mark.parametrize("told", ["attribute", "element"])
def test_full_and_changes_are_told_in_two_ways(told: str) -> None:
    text = catalogue(GOOD, told="false" if told == "attribute" else "")
    if told == "element":
        text = text.replace("<Товары>", "<СодержитТолькоИзменения>false</СодержитТолькоИзменения><Товары>")
    assert head(text).only_changes is False
    assert head(catalogue(GOOD)).only_changes is None


def test_version_1_carries_its_data_in_attributes() -> None:
    text = file(
        '<Каталог Идентификатор="c"><Товар Идентификатор="7" ИдентификаторВКаталоге="77" Наименование="Стул"'
        ' Единица="шт" Родитель="g"/></Каталог><ПакетПредложений><Предложение Цена="5"><СсылкаНаТовар'
        ' Идентификатор="7"/></Предложение></ПакетПредложений><Контрагент Идентификатор="k"'
        ' Наименование="ООО Ёж"/><Документ Номер="3" ХозОперация="Order" Дата="2008-01-02"/>',
        version="1.0",
        namespace="",
    )
    assert [(one.part, one.external_id) for one in pieces(text)] == [
        ("good", "7"), ("offer", "7"), ("party", "k"), ("document", "3"),
    ]  # fmt: skip


def test_a_file_that_breaks_off_gives_what_came_before_and_its_line() -> None:
    whole = catalogue(*(GOOD.replace("g-1", f"g-{i}") + "\n" for i in range(2000)))
    cut = whole.encode()[: len(whole.encode()) * 2 // 3]
    found = []
    with pytest.raises(BadInput, match=r"^line \d{4}: ") as trouble:
        found.extend(read_slowly(cut, found))
    assert 1300 < sum(isinstance(one, Piece) for one in found) < 1400
    assert isinstance(found[-1], Head) and trouble.value.at.startswith("line ")


def read_slowly(text: bytes, found: list) -> list:
    for one in read(io.BytesIO(text), Names()):
        found.append(one)
    return []


HOSTILE = {
    "entities": '<!DOCTYPE К [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>',
    "outside": '<!DOCTYPE К [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
    "network": '<!DOCTYPE К SYSTEM "http://127.0.0.1:9/x.dtd">',
    "hidden": "<!-- a -->\n<?pi x?><!DOCTYPE К>",
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_document_types_are_refused_before_they_are_parsed(kind: str) -> None:
    text = catalogue(GOOD.replace("Стол", "&x;")).replace("?>\n", f"?>\n{HOSTILE[kind]}", 1)
    for data in (text.encode(), text.encode("utf-16")):
        with pytest.raises(BadInput, match=r"line [23]: a document type isn't allowed"):
            parse(data)


def test_unknown_entities_stop_the_reading_where_they_stand() -> None:
    file_ = io.BytesIO(catalogue(GOOD.replace("Стол", "&x;"), *[GOOD] * 6000).encode())
    with pytest.raises(BadInput, match=r"line 2: .*'x'"):
        list(read(file_, Names()))
    assert file_.tell() < 500_000


def test_unknown_entities_are_refused() -> None:
    with pytest.raises(BadInput, match=r"line 2: .*'x'"):
        parse(catalogue(GOOD.replace("Стол", "&x;")))


def test_depth_is_bounded() -> None:
    with pytest.raises(BadInput, match=r"line \d"):
        parse(catalogue("<Товар><Ид>1</Ид>" + "<a>" * 5000 + "</a>" * 5000 + "</Товар>"))


def test_a_text_is_bounded() -> None:
    with pytest.raises(BadInput, match=r"line \d"):
        parse(catalogue(f"<Товар><Ид>1</Ид><Описание>{'x' * 18_000_000}</Описание></Товар>"))


def test_elements_nobody_knows_are_bounded() -> None:
    strange = io.BytesIO(catalogue("<Мусор>" + "<a/>" * 3_000_000 + "</Мусор>").encode())
    tracemalloc.start()
    with pytest.raises(BadInput, match="too large for one object"):
        for _ in read(strange, Names()):
            pass
    assert strange.tell() < 5_000_000
    tracemalloc.stop()


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "empty"),
        (b"\xef\xbb\xbf  \n", "empty"),
        (b"\xff\xfe", "empty"),
        (b"PK\x03\x04rest", "no CommerceML"),
        (b"<html><body>401</body></html>", "no CommerceML.*html"),
        (b"success\n", "no CommerceML.*success"),
        ("<Иное/>".encode(), "no CommerceML"),
    ],
)
def test_other_things_are_refused_by_name(data: bytes, why: str) -> None:
    with pytest.raises(BadInput, match=why):
        parse(data)


def test_prefixes_nobody_declared_stop_nothing() -> None:
    goods = [GOOD.replace("<Артикул>", '<Артикул xsi:type="x">').replace("g-1", str(i)) for i in range(1500)]
    assert len(pieces(catalogue(*goods))) == 1500
    with pytest.raises(BadInput, match=r"line \d+"):
        parse(catalogue(*goods)[:-40])


def test_a_package_may_be_the_root() -> None:
    assert [one.external_id for one in pieces(f"<Каталог><Товары>{GOOD}</Товары></Каталог>")] == ["g-1"]


def test_lines_are_counted_from_the_start_of_the_file() -> None:
    text = "\n\n<!-- one\ntwo -->\n" + catalogue("\n<Товар><Наименование/></Товар>").partition("?>\n")[2]
    bad = next(one for one in parse(text) if isinstance(one, Bad))
    assert bad.at == "line 6"
