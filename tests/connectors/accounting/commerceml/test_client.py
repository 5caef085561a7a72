"""The exchange from 1C's side, against a shop on loopback and against answers nobody should believe."""

import pytest

from connectors.accounting.commerceml.client import Answer, Client, Manner, Refused, over_http, packed, pieces
from connectors.http import Http
from foundation.errors import Misconfigured, Temporary
from tests.connectors.accounting.commerceml.test_writing import order
from tests.exchange_site import PASSWORD, USER, exchange_site

QUICK = Manner(pause=0)
FILES = {
    "import0_1.xml": "<КоммерческаяИнформация><Каталог><Товары><Товар><Ид>1</Ид><Наименование>Чай"
    f"</Наименование></Товар></Товары></Каталог><!--{'х' * 5000}--></КоммерческаяИнформация>".encode()
}


def client_of(site, kind="catalog", manner=QUICK, password=PASSWORD):
    http = Http(site.address.partition("/1c")[0], allow_private=True, attempts=2, sleep=lambda _: None)
    return Client(over_http(http, site.address), kind, USER, password, manner)


def told(*answers):
    """A client whose site says these things in turn; the requests it made are appended to `client.made`."""
    made, script = [], list(answers)

    def send(method, query, body, headers):
        made.append((method, query, body, headers))
        said = script.pop(0)
        return said if isinstance(said, Answer) else Answer(200, said)

    client = Client(send, "catalog", "u", "p", QUICK)
    client.made = made
    return client


@pytest.mark.parametrize("zips", [True, False])
@pytest.mark.parametrize("manner", [QUICK, Manner(pause=0, post=True), Manner(pause=0, basic_only=True)])
def test_files_go_up_in_pieces_and_are_read(zips, manner):
    with exchange_site(zips=zips, limit=500) as site:
        client = client_of(site, manner=manner)
        client.sign_in()
        client.init()
        client.upload(FILES)
        client.load("import0_1.xml")
        client.deactivate()
        client.complete()
    assert site.goods == {"1": {"name": "Чай"}} and site.gone_before == "1700000000"
    assert client.zip is zips and client.limit == 500
    assert {"GET", "POST"} > {method for method, mode in site.asked if mode == "init"}
    assert all(method == "POST" for method, mode in site.asked if manner.post or mode == "file")
    assert ("POST", "file") in site.asked and [mode for _, mode in site.asked].count("import") == 2


def test_orders_come_page_by_page_until_there_are_none_and_are_acknowledged():
    with exchange_site([order(str(n)) for n in range(3)], faults=["paged"]) as site:
        client = client_of(site, "sale")
        client.sign_in()
        client.init("2.08")
        pages = [client.query() for _ in range(3)]
        client.acknowledge()
    assert ["<Документ>".encode("cp1251") in page for page in pages] == [True, True, False]
    assert site.taken == {"0", "1", "2"} and client.version == "2.09"


def test_a_wrong_password_names_its_setting():
    with exchange_site() as site, pytest.raises(Misconfigured, match="неверный пароль") as caught:
        client_of(site, password="other").sign_in()
    assert caught.value.setting == "password"


def test_the_cookie_and_the_token_go_with_each_later_request_and_the_password_does_not():
    client = told(b"success\nPHPSESSID\nabc\nsessid=77", b"zip=no\nfile_limit=9")
    client.sign_in()
    client.init()
    method, query, _, headers = client.made[1]
    assert (method, query) == ("GET", "type=catalog&mode=init&sessid=77") and headers == {
        "Cookie": "PHPSESSID=abc"
    }
    assert client.made[0][3] == {"Authorization": "Basic dTpw"}


def test_a_timestamp_is_no_token():
    client = told(b"success\na\nb\ntimestamp=5", b"success")
    client.sign_in()
    client.deactivate()
    assert client.made[1][1] == "type=catalog&mode=deactivate&timestamp=5"


@pytest.mark.parametrize(
    "said",
    [b"", b"failure\nno", b"<html>success</html>", b"successful", b"Error: success", "\ufeffok".encode()],
)
def test_what_is_not_success_is_a_failure(said):
    with pytest.raises(Refused) as caught:
        told(said).acknowledge()
    assert caught.value.step == "success" and isinstance(caught.value, Temporary)


@pytest.mark.parametrize(
    "said", [b"success", b"success\n", b"\xef\xbb\xbfsuccess\r\nok", b" success<br>", b"success: 3"]
)
def test_success_is_the_first_word_of_the_first_line(said):
    told(said).acknowledge()


def test_an_import_is_asked_for_until_it_is_done():
    client = told(b"progress\n1 of 2", b"progress\n2 of 2", b"success\nread 7")
    assert client.load("import.xml") == "read 7"
    assert [query for _, query, _, _ in client.made] == ["type=catalog&mode=import&filename=import.xml"] * 3


def test_an_import_that_never_ends_is_given_up():
    with pytest.raises(Refused, match="still in progress"):
        told(b"progress").load("import.xml", patience=-1)


@pytest.mark.parametrize("said", [b"", b"failure\nbusy", b"<!DOCTYPE html><html></html>", b"<orders/>"])
def test_an_answer_without_orders_document_is_no_answer(said):
    with pytest.raises(Refused):
        told(said).query()


@pytest.mark.parametrize("encoding", ["utf-8-sig", "cp1251", "utf-16"])
def test_remarks_are_read_in_the_encoding_they_have(encoding):
    with pytest.raises(Refused, match="Файл для импорта пуст"):
        told("failure\nФайл для импорта пуст.".encode(encoding)).acknowledge()


def test_the_same_files_are_packed_into_the_same_bytes():
    assert packed(FILES) == packed(dict(FILES))


@pytest.mark.parametrize(("size", "count"), [(1, 10), (3, 4), (10, 1), (99, 1)])
def test_pieces_are_the_file_cut(size, count):
    cut = list(pieces(b"0123456789", size))
    assert len(cut) == count and b"".join(cut) == b"0123456789"


def test_an_empty_file_is_sent_as_well():
    assert list(pieces(b"", 5)) == [b""]


def test_a_query_is_never_asked_again_behind_our_back():
    """A site would move on to its next page, and `success` would take the lost one too."""
    with exchange_site([order()]) as site:
        client = client_of(site, "sale")
        client.sign_in()
        calls = []

        def die(*asked):
            calls.append(asked)
            raise OSError

        site.answer = die
        with pytest.raises(Temporary):
            client.query()
        assert len(calls) == 1
