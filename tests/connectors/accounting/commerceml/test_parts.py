"""The newest part of each kind makes the record; what hasn't changed changes nothing."""

import msgspec
import pytest

from connectors.accounting.commerceml.parts import Group, Names, Piece, PriceType, kept_of, merge
from connectors.accounting.commerceml.records import normalise
from connectors.base import Raw
from foundation.errors import BadInput
from foundation.records import Gone
from tests.connectors.accounting.commerceml.cml import GOOD, RUSSIAN, catalogue, landed, offers, pieces

FULL = offers(
    "<Предложение><Ид>g-1</Ид><Наименование>Стол</Наименование><Цены><Цена><ИдТипаЦены>r</ИдТипаЦены>"
    "<ЦенаЗаЕдиницу>100</ЦенаЗаЕдиницу></Цена></Цены><Количество>3</Количество></Предложение>"
)
PRICE = offers(
    "<Предложение><Ид>g-1</Ид><Цены><Цена><ЦенаЗаЕдиницу>120</ЦенаЗаЕдиницу></Цена></Цены></Предложение>"
)
REST = offers("<Предложение><Ид>g-1</Ид><Количество>0</Количество></Предложение>")


def payload(*files: str) -> str:
    return landed(*files)["g-1"].payload


def test_the_order_of_the_files_makes_no_difference() -> None:
    assert payload(catalogue(GOOD), FULL) == payload(FULL, catalogue(GOOD))
    assert payload(PRICE, REST, catalogue(GOOD)) == payload(catalogue(GOOD), PRICE, REST)


def test_each_part_takes_the_place_of_its_kind_alone() -> None:
    kept = kept_of(payload(catalogue(GOOD), FULL, PRICE))
    assert set(kept.parts()) == {"good", "offer", "price", "rest"}
    assert "120" in kept.price and "100" not in kept.price and "3" in kept.rest


def test_what_has_not_changed_gives_the_payload_there_was() -> None:
    names = Names()
    (piece,) = pieces(catalogue(GOOD), names)
    before = merge(None, [piece], names).payload
    assert merge(before, [piece], names).payload is before
    changed = msgspec.structs.replace(piece, fragment=piece.fragment.replace("Стол", "Стул"))
    assert merge(before, [changed], names).payload != before


def test_pieces_of_one_portion_are_merged_at_once() -> None:
    names = Names()
    together = merge(None, [*pieces(catalogue(GOOD)), *pieces(FULL), *pieces(PRICE)], names)
    assert together.payload == payload(catalogue(GOOD), FULL, PRICE)


def test_names_travel_with_what_uses_them() -> None:
    names = Names(
        groups={"1": Group("Мебель"), "2": Group("Столы", "1"), "3": Group("Иное")},
        prices={"o": PriceType("Опт", "RUB"), "r": PriceType("Розница", "KZT")},
        units={"796": "шт"},
    )
    good = GOOD.replace("</Артикул>", "</Артикул><Группы><Ид>2</Ид></Группы>")
    kept = kept_of(landed(catalogue(good), FULL, names=names)["g-1"].payload)
    assert kept.names().groups == ("Мебель / Столы",)
    assert kept.names().prices == (("r", "Розница", "KZT"),)


def test_a_renamed_group_changes_the_record_although_the_good_is_the_same() -> None:
    good = GOOD.replace("</Артикул>", "</Артикул><Группы><Ид>1</Ид></Группы>")
    names = Names(groups={"1": Group("Мебель")})
    before = landed(catalogue(good), names=names)["g-1"]
    names.groups["1"].name = "Столы"
    after = merge(before.payload, pieces(catalogue(good)), names)
    assert before.payload != after.payload and "Столы" in after.payload


def test_a_deletion_mark_is_remembered_until_it_is_taken_back() -> None:
    marked = catalogue(GOOD.replace("<Артикул>", "<ПометкаУдаления>true</ПометкаУдаления><Артикул>"))
    gone = landed(catalogue(GOOD), marked, PRICE)["g-1"]
    assert gone.gone
    assert normalise("products", gone, RUSSIAN) == [Gone(external_id="g-1", what="product")]
    back = landed(catalogue(GOOD), marked, PRICE, catalogue(GOOD))["g-1"]
    assert not back.gone and '"gone"' not in back.payload


def test_an_unchanged_price_does_not_bring_back_what_is_gone() -> None:
    marked = catalogue(GOOD.replace("<Артикул>", "<ПометкаУдаления>true</ПометкаУдаления><Артикул>"))
    assert landed(marked, PRICE, PRICE)["g-1"].gone


@pytest.mark.parametrize(
    "inner", ["<Ид>3</Ид><Ид>1</Ид>", "<Ид> 3 </Ид>", "<Ид/><Ид>3</Ид>", "<Ид>nobody</Ид><Ид>3</Ид>"]
)
def test_groups_are_found_one_or_many(inner: str) -> None:
    good = catalogue(GOOD.replace("</Артикул>", f"</Артикул><Группы>{inner}</Группы>"))
    names = Names(groups={"1": Group("Мебель"), "3": Group("Иное")})
    assert kept_of(landed(good, names=names)["g-1"].payload).names().groups[0] == "Иное"


def test_names_that_are_no_more_leave_the_record() -> None:
    good = catalogue(GOOD.replace("</Артикул>", "</Артикул><Группы><Ид>1</Ид></Группы>"))
    before = landed(good, names=Names(groups={"1": Group("Мебель")}))["g-1"]
    assert "Мебель" in before.payload
    assert "Мебель" not in merge(before.payload, pieces(good), Names()).payload


@pytest.mark.parametrize("text", ["a\nb", "a\\nb", 'a"b', 'a\\"b', "a\tb", "a\\tb", "\\"])
def test_texts_that_json_writes_otherwise_are_still_told_apart(text: str) -> None:
    def piece(inner: str) -> Piece:
        return Piece("products", "g", "good", f"<Товар>{inner}</Товар>")

    before = merge(None, [piece(text)], Names()).payload
    assert merge(before, [piece(text)], Names()).payload is before
    for other in ("a\nb", "a\\nb", 'a"b', 'a\\"b', "a\tb", "a\\tb", "\\", "", text + "x"):
        if other != text:
            after = merge(before, [piece(other)], Names())
            assert kept_of(after.payload).good == f"<Товар>{other}</Товар>"


def test_payloads_have_their_keys_in_order() -> None:
    keys = list(msgspec.json.decode(payload(FULL, catalogue(GOOD))))
    assert keys == sorted(keys)


@pytest.mark.parametrize("text", ["", "[]", "{", '{"good": 1}', "null"])
def test_payloads_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(BadInput):
        normalise("products", Raw("1", text), RUSSIAN)


def test_pieces_and_names_survive_being_kept() -> None:
    names = Names(groups={"1": Group("Мебель")}, prices={"r": PriceType("Розница", "RUB")})
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(names), type=Names) == names
    (piece,) = pieces(catalogue(GOOD))
    assert msgspec.json.decode(msgspec.json.encode(piece), type=Piece) == piece
