"""Every step of the protocol, byte by byte."""

import re
from base64 import b64encode

import pytest

from foundation import jobs
from sync.exchange import asking
from tests import onec

LIMITS = b"zip=yes\nfile_limit=1000000"


def test_sign_in_for_goods(base):
    said = base.ask("catalog", "checkauth")
    assert re.fullmatch(rb"success\nkartoteka\n[0-9a-f]{32}\nsessid=[0-9a-f]{32}\ntimestamp=\d{10}", said)


def test_sign_in_for_orders_has_no_timestamp(base):
    said = base.ask("sale", "checkauth")
    assert re.fullmatch(rb"success\nkartoteka\n[0-9a-f]{32}\nsessid=[0-9a-f]{32}", said)


def test_init_of_goods(base):
    base.sign_in()
    assert base.ask("catalog", "init") == LIMITS
    assert base.ask("catalog", "init", version="2.08") == LIMITS


def test_init_of_orders_by_old_1c(base):
    base.sign_in("sale")
    assert base.ask("sale", "init") == LIMITS + b"\n"


@pytest.mark.parametrize(("asked", "answered"), [("2.08", "2.09"), ("2.10", "2.09"), ("3.1", "3.1")])
def test_init_of_orders_by_new_1c(base, asked, answered):
    base.sign_in("sale")
    said = base.ask("sale", "init", version=asked)
    assert said == LIMITS + f"\n{base.sessid}\nversion={answered}".encode()


def test_file_then_import_until_it_is_done(base, engine):
    base.sign_in()
    assert base.send("catalog", "import.xml", onec.catalogue(range(40))) == b"success"
    first = base.ask("catalog", "import", filename="import.xml")
    assert first.startswith(b"progress\n")
    jobs.run_until_idle(engine)
    assert base.ask("catalog", "import", filename="import.xml") == b"success\n40 records read"
    assert base.ask("catalog", "import", filename="import.xml") == b"success\n40 records read"


def test_orders_back_from_new_1c_are_imported_when_asked(base, engine):
    base.sign_in("sale", version="2.08")
    assert base.send("sale", "orders.xml", onec.returned_order("7", "10")) == b"success\n"
    jobs.run_until_idle(engine)
    assert not _orders(engine)
    assert base.ask("sale", "import", filename="orders.xml").startswith(b"progress\n")
    jobs.run_until_idle(engine)
    assert base.ask("sale", "import", filename="orders.xml").startswith(b"success\n")
    assert _orders(engine) == ["7"]


def test_orders_back_from_old_1c_are_imported_by_the_file_alone(base, engine):
    base.sign_in("sale")
    assert base.send("sale", "orders.xml", onec.returned_order("7", "10"), chunk=400) == b"success\n"
    jobs.run_until_idle(engine)
    assert _orders(engine) == ["7"]


def test_documents_of_old_1c_may_come_in_a_zip(base, engine):
    base.sign_in("sale")
    body = onec.packed({"orders.xml": onec.returned_order("7", "10")})
    assert base.send("sale", "v8.zip", body, chunk=300) == b"success\n"
    jobs.run_until_idle(engine)
    assert _orders(engine) == ["7"]


def test_a_line_end_behind_an_imported_file_is_let_be(base, engine):
    base.sign_in("sale")
    for body in (onec.returned_order("7", "10"), b"\r\n"):
        assert base.ask("sale", "file", body, filename="orders.xml") == b"success\n"
    jobs.run_until_idle(engine)
    assert _orders(engine) == ["7"]


def test_two_batches_of_orders_under_one_name_both_come_in(base, engine):
    base.sign_in("sale")
    for number in ("7", "8"):
        base.ask("sale", "file", onec.returned_order(number, "10"), filename="orders.xml")
    jobs.run_until_idle(engine)
    assert _orders(engine) == ["7", "8"]


def test_no_orders_are_a_whole_document(base):
    base.sign_in("sale")
    said = base.ask("sale", "query")
    assert said.startswith(b'\xef\xbb\xbf<?xml version="1.0" encoding="UTF-8"?>')
    assert "КоммерческаяИнформация".encode() in said and "Документ".encode() not in said


def test_success_without_orders_is_harmless(base):
    base.sign_in("sale")
    assert base.ask("sale", "success") == b"success\n"


def test_info_is_the_directory_of_states(base):
    base.sign_in("sale")
    said = base.ask("sale", "info")
    assert "<Справочник><Cтатусы>".encode() in said  # the first letter of Cтатусы is Latin


def test_end_of_a_full_upload(base):
    base.sign_in()
    assert base.ask("catalog", "deactivate", timestamp=base.timestamp).startswith(b"success\n")
    assert base.ask("catalog", "deactivate").startswith(b"failure\n")
    assert base.ask("catalog", "complete").startswith(b"success\n")


@pytest.mark.parametrize(("kind", "mode"), [("get_catalog", "init"), ("reference", "init"), ("sale", "fly"),
                                            ("", ""), ("catalog", "query")])  # fmt: skip
def test_what_is_no_step_is_a_failure_with_a_line(base, kind, mode):
    base.sign_in()
    said = base.ask(kind, mode).decode()
    assert re.fullmatch(r"(?s)\ufeff?failure\n[^\n]{20,}", said)


def test_every_mode_goes_by_post_too(base):
    base.sign_in()
    assert base.ask("catalog", "init", b"type=sale&mode=query") == LIMITS


def test_windows_encoding_is_used_throughout(engine, sealer, client):
    _id, base = onec.connect(engine, sealer, client, "Старая", encoding="windows-1251")
    base.sign_in("sale")
    assert base.ask("sale", "query").startswith(b'<?xml version="1.0" encoding="windows-1251"?>')
    assert "<Справочник>".encode("cp1251") in base.ask("sale", "info")


def test_the_lines_for_people_are_russian_where_1c_is(engine, sealer, client):
    _id, base = onec.connect(engine, sealer, client, "Наша", country="KZ", encoding="windows-1251")
    base.sign_in()
    said = base.ask("catalog", "import", filename="import.xml").decode("cp1251")
    assert said == "failure\nФайл import.xml в этом обмене не поступал. Сначала отправьте его (mode=file)."
    base.password = "guess"
    assert "Неверное имя" in base.ask("catalog", "checkauth").decode("cp1251")


def test_parameters_glued_onto_an_address_with_a_query(base):
    base.sign_in()
    base.path += "?wc1c=exchange"
    assert base.ask("catalog", "init", glue="?") == LIMITS
    assert base.ask("catalog", "init", glue="&") == LIMITS


def test_a_name_of_old_windows_is_read():
    query = b"type=catalog&mode=file&filename=" + b"%F2%EE%E2%E0%F0%FB.xml"
    assert asking.read("POST", query, {}).filename == "товары.xml"


@pytest.mark.parametrize("header", ["authorization", "x-authorization"])
def test_credentials_come_by_either_header(header):
    value = "Basic " + b64encode("1c:пароль:с двоеточием".encode("cp1251")).decode()
    asked = asking.read("GET", b"", {"authorization": "Bearer x", header: value})
    assert (asked.user, asked.password) == ("1c", "пароль:с двоеточием")


@pytest.mark.parametrize("value", ["", "Basic", "Basic %%%", "Basic bm9jb2xvbg==", "Digest a=b"])
def test_credentials_that_are_none(value):
    assert asking.read("GET", b"", {"authorization": value}).user is None


def _orders(engine):
    with engine.connect() as db:
        return [row.number for row in db.exec_driver_sql("SELECT number FROM orders ORDER BY number")]
