"""Who may do what: wrong passwords and cookies, foreign sessions, two exchanges of one base at once."""

from datetime import timedelta

import pytest

from foundation import clock, jobs
from foundation.database import transaction
from sync import removal
from sync.exchange import partners
from sync.exchange.tables import Partner
from tests import onec


def words(answer):
    verdict, _, line = answer.decode("utf-8-sig").partition("\n")
    assert verdict == "failure" and len(line) > 20 and "\n" not in line
    return line


def test_a_wrong_password_opens_nothing(base):
    base.password = "guess"
    assert "wrong" in words(base.ask("sale", "checkauth"))


def test_a_wrong_user_opens_nothing(base):
    base.user += "x"
    assert "wrong" in words(base.ask("sale", "checkauth"))


def test_a_header_that_a_host_took_away_is_told(base, client):
    answer = client.get(f"{base.path}?type=catalog&mode=checkauth")
    assert "X-Authorization" in words(answer.content)


@pytest.mark.parametrize("mode", ["init", "import", "success", "query", "deactivate", "complete", "info"])
def test_without_a_session_no_step_is_done(mode, base):
    assert words(base.ask("sale", mode))
    base.cookie = "kartoteka=" + "0" * 32
    assert "not known" in words(base.ask("sale", mode))


def test_without_a_session_no_byte_is_kept(base, settings):
    assert words(base.ask("sale", "file", b"<?xml?>", filename="a.xml"))
    assert (
        not list((settings.data / "exchange").glob("**/*")) if (settings.data / "exchange").exists() else True
    )


def test_the_cookie_of_another_connection_is_refused(base, engine, sealer, client):
    _id, other = onec.connect(engine, sealer, client, "Other")
    other.sign_in()
    base.cookie = other.cookie
    assert "another connection" in words(base.ask("catalog", "init"))


def test_a_wrong_key_is_refused_and_none_is_tolerated(base):
    base.sign_in("sale")
    assert words(base.ask("sale", "query", sessid="0" * 32))
    assert b"xml" in base.ask("sale", "query", **dict([base.sessid.split("=")]))
    assert b"xml" in base.ask("sale", "query")


def test_a_second_exchange_of_the_base_ends_the_first(base, engine):
    base.sign_in()
    base.send("catalog", "import.xml", onec.catalogue([1, 2]))
    base.ask("catalog", "import", filename="import.xml")
    first = base.cookie
    base.sign_in()
    second, base.cookie = base.cookie, first
    assert "newer sign-in" in words(base.ask("catalog", "import", filename="import.xml"))
    base.cookie = second
    jobs.run_until_idle(engine)
    with engine.connect() as db:  # nothing that had come is lost
        assert db.exec_driver_sql("SELECT count(*) FROM products").scalar_one() == 2


def test_goods_and_orders_go_on_side_by_side(base):
    base.sign_in()
    goods = base.cookie
    base.sign_in("sale")
    base.cookie = goods
    assert base.ask("catalog", "init").startswith(b"zip=yes")


def test_files_of_a_session_are_taken_up_after_signing_in_again(base):
    base.sign_in()
    base.send("catalog", "import.xml", onec.catalogue([1]))
    lines = base.ask("catalog", "checkauth").decode().split("\n")
    base.cookie = f"{lines[1]}={lines[2]}"
    assert base.ask("catalog", "import", filename="import.xml").startswith(b"progress")


def test_files_of_another_connection_are_not_found(base, engine, sealer, client):
    _id, other = onec.connect(engine, sealer, client, "Other")
    other.sign_in()
    other.send("catalog", "import.xml", onec.catalogue([1]))
    base.sign_in()
    assert "did not arrive" in words(base.ask("catalog", "import", filename="import.xml"))


def test_a_day_of_silence_ends_a_session(base, engine, clock):
    base.sign_in()
    clock.advance(timedelta(hours=23))
    assert base.ask("catalog", "init").startswith(b"zip=yes")
    clock.advance(timedelta(hours=25))
    assert "ended" in words(base.ask("catalog", "init"))


def test_a_password_with_every_request_needs_no_cookie(base, client):
    pair = (base.user, base.password)
    first = client.get(f"{base.path}?type=sale&mode=init", auth=pair)
    assert first.content.startswith(b"zip=yes")
    said = client.get(f"{base.path}?type=sale&mode=query", auth=pair)
    assert b"<?xml" in said.content
    assert words(client.get(f"{base.path}?type=sale&mode=init", auth=(base.user, "guess")).content)


def test_a_new_password_ends_the_old_one(base, engine, sealer, ledger):
    with transaction(engine) as session:
        fresh = partners.renew(session, sealer, ledger[0])
    assert words(base.ask("sale", "checkauth"))
    base.password = fresh
    base.sign_in("sale")


def test_nothing_is_kept_in_the_clear(base, engine, ledger):
    base.sign_in()
    secrets = (base.password, base.cookie.partition("=")[2])
    with engine.connect() as db:
        for table in ("exchange_partners", "exchange_sessions", "exchange_requests", "connections"):
            kept = str(db.exec_driver_sql(f"SELECT t::text FROM {table} t").all())
            assert not any(secret in kept for secret in secrets)


@pytest.mark.parametrize(("name", "user"), [("Бухгалтерия", "bukhgalteriya"), ("1C: UT-11", "1c-ut-11"),
                                            ("Şirket", "sirket"), ("★", "1c")])  # fmt: skip
def test_the_user_is_the_name_made_plain(name, user):
    assert partners.plain(name) == user


def test_a_connection_that_is_removed_answers_no_more(base, engine, ledger):
    base.sign_in()
    with transaction(engine) as session:
        removal.start(session, ledger[0], "test", with_data=True)
    assert "no such exchange" in words(base.ask("catalog", "init"))
    jobs.run_until_idle(engine)
    with engine.connect() as db:
        for table in ("partners", "sessions", "files", "imports", "requests", "orders", "news"):
            assert db.exec_driver_sql(f"SELECT count(*) FROM exchange_{table}").scalar_one() == 0


def test_orders_go_from_the_day_of_the_connection(ledger, engine):
    with transaction(engine) as session:
        assert abs(session.get_one(Partner, ledger[0]).orders_since - clock.now()) < timedelta(minutes=5)
