"""The played 1C: against shops that behave and shops that don't, over a line that breaks and stutters."""

import json
import re

import pytest
from click.testing import CliRunner

from foundation.records import Person
from kartoteka.cli import main
from kartoteka.emulator import checks
from kartoteka.terminal import USAGE
from tests.connectors.accounting.commerceml.test_writing import order
from tests.exchange_site import PASSWORD, USER, exchange_site

BUYERS = [
    Person(external_id=f"g{n}", name=f"Покупатель {n}", emails=(f"b{n}@example.org",)) for n in range(5)
]
ORDERS = [order(f"W-{n}", customer=who, customer_id=who.external_id) for n, who in enumerate(BUYERS)]


def emulate(site, *words, goods=30):
    """The exit status and the JSON answer of one play."""
    fixed = ["--base", site.address, "--user", USER, "--password", PASSWORD, "--pause", "0", "--json"]
    run = CliRunner().invoke(main, ["emulate-1c", *fixed, "--goods", str(goods), *words])
    return run.exit_code, json.loads(run.output)


def states(answer):
    return {check["promise"]: check["state"] for check in answer["checks"]}


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["--no-zip", "--chunk", "700"],
        ["--post"],
        ["--basic-only"],
        ["--version", "2.05", "--encoding", "windows-1251"],
        ["--version", "3.1", "--container", "--back", "paid", "--whole"],
    ],
    ids=" ".join,
)
def test_a_shop_that_behaves_passes(words):
    with exchange_site(ORDERS, faults=["paged"]) as site:
        code, answer = emulate(site, *words)
    assert code == 0 and answer["behaved"], answer["checks"]
    assert set(states(answer).values()) == {"ok"}
    assert len(site.goods) == 30 and all(known["price"] and known["name"] for known in site.goods.values())
    assert site.taken == {each.number for each in ORDERS} == set(site.returned) == set(answer["orders"])
    assert bool(site.gone_before) is ("--whole" in words)


def test_what_comes_back_bears_the_marks_of_1c():
    with exchange_site(ORDERS) as site:
        emulate(site, "--back", "paid", goods=0)
    told = re.findall("<Наименование>([^<]* по 1С)</Наименование>", site.returned["W-0"])
    assert told == ["Номер по 1С", "Дата по 1С", "Номер оплаты по 1С", "Дата оплаты по 1С"]


def test_nothing_goes_back_when_nothing_shall():
    with exchange_site(ORDERS) as site:
        code, _ = emulate(site, "--back", "none", goods=0)
    assert code == 0 and not site.returned and len(site.taken) == 5


@pytest.mark.parametrize(
    ("fault", "promise"),
    [
        ("open", "A wrong password is refused"),
        ("open", "Nothing is taken from who has not signed in"),
        ("forgets", "Orders that were not acknowledged come again"),
        ("keeps", "Acknowledged orders do not come again"),
        ("html", "Orders are fetched, acknowledged and taken back"),
        ("latin", "Header and XML name one encoding"),
    ],
)
def test_a_shop_that_does_not_behave_is_told_so(fault, promise):
    with exchange_site(ORDERS, faults=[fault]) as site:
        code, answer = emulate(site, goods=0)
    assert code == 1 and not answer["behaved"]
    assert states(answer)[promise] == "bad"


def test_one_id_for_all_guests_is_found():
    guests = [order(each.number, customer=each.customer, customer_id="guest") for each in ORDERS]
    with exchange_site(guests) as site:
        code, answer = emulate(site, goods=0)
    assert code == 1 and states(answer)["Different buyers have different ids"] == "bad"


def test_one_buyer_with_many_orders_is_no_fault():
    with exchange_site([order("1"), order("2")]) as site:
        code, answer = emulate(site, goods=0)
    assert code == 0 and states(answer)["Different buyers have different ids"] == "ok"


def test_a_shop_that_gives_the_same_page_again_is_noted():
    with exchange_site(ORDERS, faults=["keeps"]) as site:
        _, answer = emulate(site, goods=0)
    assert states(answer)["A second query gives the next orders"] == "note"


def test_a_shop_that_appends_a_repeated_piece_is_found():
    with exchange_site(faults=["doubles"]) as site:
        code, answer = emulate(site, "--repeat", "0.5", "--no-zip", "--chunk", "500")
    assert code == 1 and states(answer)["The whole catalogue is taken and read"] == "bad"


def test_a_shop_that_sends_files_elsewhere_is_told_what_that_loses():
    with exchange_site(ORDERS, faults=["moves"]) as site:
        code, answer = emulate(site)
    assert code == 1 and states(answer)["No answer redirects"] == "bad"


def test_a_shop_that_takes_its_time_is_found(monkeypatch):
    monkeypatch.setattr(checks, "PATIENCE", 0)
    with exchange_site(ORDERS) as site:
        code, answer = emulate(site, goods=0)
    assert code == 1 and states(answer)["Each request is answered within 0 s"] == "bad"


def test_a_wrong_password_ends_it_at_once():
    with exchange_site() as site:
        code, answer = emulate(site, "--password", "other")
    assert code == 1 and len(answer["steps"]) == 1


def test_a_shop_that_is_not_there_does_not_behave():
    with exchange_site() as site:
        pass
    code, answer = emulate(site)
    assert code == 1 and answer["steps"][0]["status"] == 0


@pytest.mark.parametrize("seed", range(6))
def test_cuts_and_repeats_come_to_what_one_clean_run_does(seed):
    with exchange_site(ORDERS, faults=["paged"]) as clean:
        emulate(clean, "--seed", str(seed))
    with exchange_site(ORDERS, faults=["paged"]) as site:
        words = ["--seed", str(seed), "--cut", "0.2", "--repeat", "0.2", "--chunk", "800"]
        code, answer = emulate(site, *words, *(["--no-zip"] if seed % 2 else []))
    assert code == 0, answer["checks"]
    assert {step.get("fault") for step in answer["steps"]} & {"cut", "lost"}
    assert site.goods == clean.goods and site.taken == clean.taken
    assert set(site.returned) == set(clean.returned)


def test_the_same_seed_breaks_the_same_requests():
    def faults():
        with exchange_site(ORDERS) as site:
            _, answer = emulate(site, "--cut", "0.3", "--repeat", "0.2", "--seed", "7")
        return [(step["mode"], step.get("fault")) for step in answer["steps"]]

    assert faults() == faults()


def test_the_files_of_a_folder_go_up_pictures_first(tmp_path):
    (tmp_path / "import_files").mkdir()
    (tmp_path / "import_files/a.jpg").write_bytes(b"jpg")
    for name in ("rests.xml", "offers.xml", "import.xml"):
        (tmp_path / name).write_text("<КоммерческаяИнформация/>", "utf-8")
    with exchange_site(zips=False) as site:
        code, answer = emulate(site, "--files", str(tmp_path), "--no-sale")
    sent = [step["file"] for step in answer["steps"] if step["mode"] == "file"]
    assert code == 0 and sent[1:] == ["import_files/a.jpg", "import.xml", "offers.xml", "rests.xml"]
    assert answer["files"] == ["import.xml", "offers.xml", "rests.xml"]


def test_a_folder_without_xml_is_refused(tmp_path):
    with exchange_site() as site:
        fixed = ["--base", site.address, "--user", USER, "--password", PASSWORD]
        run = CliRunner().invoke(main, ["emulate-1c", *fixed, "--files", str(tmp_path)])
    assert run.exit_code == USAGE and "no XML files" in run.output


def test_people_read_each_step_and_a_verdict_and_no_session(tmp_path):
    (tmp_path / "password").write_text(PASSWORD, "utf-8")
    with exchange_site(ORDERS) as site:
        fixed = ["--base", site.address, "--user", USER, "--password", f"@{tmp_path / 'password'}"]
        run = CliRunner().invoke(main, ["emulate-1c", *fixed, "--goods", "40", "--pause", "0", "--no-zip"])
    assert run.exit_code == 0
    assert re.search(
        r"catalog +file +import0_1\.xml ×\d+ [\d,]+ bytes +200 +\d+\.\d\d s +success", run.output
    )
    assert re.search(r"^ok +Acknowledged orders do not come again", run.output, re.MULTILINE)
    assert PASSWORD not in run.output and "sessid=ts" not in run.output


@pytest.mark.parametrize("address", ["ftp://shop", "shop.example", "http://", "http://shop:port/"])
def test_an_address_that_is_none_is_refused(address):
    run = CliRunner().invoke(main, ["emulate-1c", "--base", address, "--user", "u", "--password", "p"])
    assert run.exit_code in (1, 2) and "no address of an exchange" in run.output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--base", "ftp://shop.example"], "no address of an exchange"),
        (["--version", "new"], "no version of the schema"),
    ],
    ids=lambda one: one[0].strip("-") if isinstance(one, list) else "",
)
def test_wrong_words_are_wrong_use_and_no_verdict_about_the_site(words, said):
    fixed = ["--base", "https://shop.example", "--user", USER, "--password", PASSWORD]
    run = CliRunner().invoke(main, ["emulate-1c", *fixed, *words])
    assert run.exit_code == USAGE and said in run.output
