"""A shop with a 1C exchange: its orders come and are acknowledged when kept, goods go to it."""

from decimal import Decimal

import pytest

from connectors.accounting.commerceml.site import CommerceMLSite, SiteSettings
from connectors.base import Change
from foundation.errors import BadInput, Misconfigured, Permanent, Temporary
from foundation.records import Order, Person, Product
from tests.connectors.accounting.commerceml.test_writing import order
from tests.exchange_site import PASSWORD, USER, exchange_site

ORDERS = [order(str(number)) for number in range(5)]
TEA = Product(
    external_id="", name="Чай & Ко", sku="A", barcode="4600000000017", price=Decimal("10.50"), currency="RUB",
    stock=Decimal(3), category="Еда / Чай",
)  # fmt: skip


def connector(site, **changes):
    settings = SiteSettings(**({"address": site.address, "user": USER, "password": PASSWORD} | changes))
    http = CommerceMLSite.make_http(settings, allow_private=True, attempts=2, sleep=lambda _: None)
    return CommerceMLSite(settings, http)


def ids(page):
    return [raw.external_id for raw in page.records]


def test_orders_come_a_page_at_a_time_and_are_acknowledged_only_when_the_last_is_kept():
    with exchange_site(ORDERS, faults=["paged"]) as site:
        taken = []
        for page in connector(site).pull("orders", None):
            taken.append((ids(page), set(site.taken)))
    assert taken == [(["id-0", "id-1"], set()), (["id-2", "id-3"], set()), (["id-4"], set())]
    assert site.taken == {"0", "1", "2", "3", "4"}


def test_a_pull_that_ends_early_gets_the_same_orders_again():
    with exchange_site(ORDERS, faults=["paged"]) as site:
        shop = connector(site)
        pages = shop.pull("orders", None)
        first = ids(next(pages))
        pages.close()  # the page could not be kept
        assert not site.taken
        assert ids(next(shop.pull("orders", None))) == first


def test_a_second_pull_finds_nothing_and_says_nothing():
    with exchange_site(ORDERS) as site:
        shop = connector(site)
        assert len(list(shop.pull("orders", None))) == 1
        assert not list(shop.pull("orders", "2026-03-01"))
        assert [mode for _, mode in site.asked].count("success") == 1


def test_a_shop_that_gives_the_same_until_acknowledged_does_not_go_on_for_ever():
    with exchange_site(ORDERS, faults=["keeps"]) as site:
        assert [ids(page) for page in connector(site).pull("orders", None)] == [[f"id-{n}" for n in range(5)]]
        assert ("GET", "success") in site.asked


def test_what_is_landed_becomes_the_order():
    with exchange_site([ORDERS[3]]) as site:
        shop = connector(site)
        (page,) = shop.pull("orders", None)
    (back,) = shop.normalise("orders", page.records[0], shop.settings)
    assert isinstance(back, Order) and back.total == ORDERS[3].total and back.number == "3"
    assert back.placed_at == ORDERS[3].placed_at and back.customer.emails == ("a@b.ru",)


def test_an_answer_that_breaks_off_is_kept_as_far_as_it_goes_and_not_acknowledged():
    with exchange_site(ORDERS) as site:
        whole = site._query
        site._query = lambda *asked: whole(*asked)[:-300]
        pages = connector(site).pull("orders", None)
        assert len(next(pages).records) == 4
        with pytest.raises(Permanent, match="can't be read to their end"):
            next(pages)
        assert not site.taken


def test_an_order_without_id_is_reported_once_and_the_others_come():
    with exchange_site(ORDERS, faults=["keeps"]) as site:
        whole = site._query
        poison = "<Документ><Сумма>1</Сумма></Документ></КоммерческаяИнформация>".encode("cp1251")
        site._query = lambda *asked: whole(*asked).replace(
            "</КоммерческаяИнформация>".encode("cp1251"), poison
        )
        (page,) = connector(site).pull("orders", None)
    assert len(page.records) == 5 and [bad.payload for bad in page.bad] == [
        "<Документ><Сумма>1</Сумма></Документ>"
    ]


def test_an_error_page_instead_of_orders_is_tried_later():
    with exchange_site(ORDERS, faults=["html"]) as site, pytest.raises(Temporary, match="Fatal error"):
        list(connector(site).pull("orders", None))


@pytest.mark.parametrize(("version", "told"), [("none", ""), ("2.10", "2.10")])
def test_the_version_is_told_to_shops_that_know_versions(version, told):
    with exchange_site() as site:
        connector(site, version=version).check()
        assert [session["version"] for session in site._sessions.values()] == [told]


def test_products_are_not_pulled():
    with exchange_site() as site:
        assert not list(connector(site).pull("products", None)) and not site.asked


def test_checking_says_what_was_reached():
    with exchange_site(zips=False, limit=3000) as site:
        assert connector(site).check() == "Reached the exchange; it takes no archives, 3,000 bytes at once."


def test_a_wrong_password_names_its_setting():
    with exchange_site() as site, pytest.raises(Misconfigured) as caught:
        connector(site, password="other").check()
    assert caught.value.setting == "password"


@pytest.mark.parametrize("version", ["none", "2.08", "3.1"])
@pytest.mark.parametrize("encoding", ["utf-8-bom", "windows-1251"])
def test_a_product_goes_to_the_shop_and_comes_back_as_it_is_there(version, encoding):
    with exchange_site() as site:
        shop = connector(site, version=version, encoding=encoding)
        raw = shop.push("products", Change(key="k1", record=TEA))
    assert site.goods == {raw.external_id: {"name": "Чай & Ко", "price": "10.50", "stock": "3"}}
    (back,) = shop.normalise("products", raw, shop.settings)
    written = next(stream.writes for stream in shop.streams if stream.name == "products")
    assert {n: getattr(back, n) for n in written} == {n: getattr(TEA, n) for n in written}


def test_the_same_key_again_makes_no_second_product_and_a_known_one_is_changed():
    with exchange_site() as site:
        shop = connector(site)
        first = shop.push("products", Change(key="k1", record=TEA)).external_id
        assert shop.push("products", Change(key="k1", record=TEA)).external_id == first
        shop.push("products", Change(key="k2", record=TEA, external_id=first, fields=("price",)))
        shop.push("products", Change(key="k3", record=TEA))
    assert len(site.goods) == 2


def test_a_product_the_shop_refuses_is_told_with_its_words():
    with exchange_site() as site:
        site._read = lambda content: (_ for _ in ()).throw(OSError)
        site._import = lambda *asked: "failure\nНет раздела".encode("cp1251")
        with pytest.raises(BadInput, match="Нет раздела"):
            connector(site).push("products", Change(key="k", record=TEA))


def test_nothing_else_is_taken():
    with exchange_site() as site, pytest.raises(Permanent):
        connector(site).push("orders", Change(key="k", record=Person(external_id="1")))


@pytest.mark.parametrize(
    "wrong", [{"zone": "Mars/Base"}, {"currency": "coins"}, {"statuses": "F = gone"}], ids=str
)
def test_settings_that_mean_nothing_are_refused(wrong):
    with pytest.raises(ValueError):
        SiteSettings(**({"address": "http://shop.example/x", "user": "u", "password": "p"} | wrong))
