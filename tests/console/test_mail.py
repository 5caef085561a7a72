"""The pages of sending: what they show, what they keep, what they refuse."""

import re
from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from email_campaigns import secret, suppression
from email_campaigns.delivery import domains, senders
from email_campaigns.delivery import engine as sending
from email_campaigns.delivery.transports import outside
from email_campaigns.tables import MailSwitch, Transport
from foundation import context
from foundation.context import Context
from foundation.database import transaction
from foundation.errors import Misconfigured
from foundation.sealing import Sealer
from foundation.settings import Settings
from tests.console.conftest import Browser
from tests.console.test_hostile import PAYLOADS, shape
from tests.console.test_queries import counted
from tests.email_campaigns.delivery.mailserver import Behaviour, mail_server
from tests.email_campaigns.delivery.world import House, build, person

SERVER = {"kind": "smtp", "name": "Main", "host": "127.0.0.1", "security": "none", "connections": "2"}


@pytest.fixture
def server() -> Iterator[tuple[Behaviour, int]]:
    with mail_server() as running:
        yield running


@pytest.fixture
def house(
    engine: Engine, settings: Settings, sealer: Sealer, server: tuple[Behaviour, int], clock
) -> Iterator[House]:
    """A shop that has sent a mailing: most got it, others not, each for a reason of its own."""
    context.use(Context(settings, sealer))
    box, port = server
    made = build(engine, sealer, port)
    made.people(*(person(n) for n in range(5)), person(5, consents=()), person(6, emails=()))
    with transaction(engine) as session:
        suppression.add(session, "person1@mail1.example", "complaint")
    box.rcpt = lambda address: "550 5.1.1 no such user" if address.startswith("person2@") else None
    box.dot = lambda address: "die" if address.startswith("person3@") else None
    made.plan()
    while sending.send(engine):
        pass
    yield made
    sending.rest(engine)
    context.use(None)


def of(house: House, address: str) -> str:
    return str(next(row.id for row in house.rows() if row.address == address))


def test_everybody_has_a_row_that_says_why(browser: Browser, house: House) -> None:
    page = browser.see("/deliveries")
    for words in ("person0@mail0.example", "accepted", "There is no such mailbox",
    "suppression list (complaint)",
                  "no consent to marketing", "has no e-mail address", "It may have arrived"):  # fmt: skip
        assert words in page, words
    assert browser.see("/deliveries?state=failed").count("data-entry") == 1
    assert browser.see("/deliveries?reason=suppressed").count("data-entry") == 1
    assert browser.see("/deliveries?address=PERSON4@mail4.example").count("data-entry") == 1
    assert browser.see(f"/deliveries?step={house.step}").count("data-entry") == 7
    assert browser.see(f"/deliveries?step={house.step}&state=skipped").count("data-entry") == 3
    assert "No letter matches" in browser.see("/deliveries?address=nobody@nowhere.example")
    browser.see("/deliveries?state=nonsense&before=x&step=mailing:x")


def test_the_list_pages_through(browser: Browser, house: House) -> None:
    house.crowd(120)
    house.plan(step="receipt:a:1:1:1", purpose="transactional")
    seen, path = [], "/deliveries"
    while path:
        page = browser.see(path)
        seen += re.findall(r'href="/deliveries/([\w-]{36})"', page)
        found = re.search(r'href="(/deliveries\?[^"]+)" rel="next"', page)
        path = found[1].replace("&amp;", "&") if found else ""
    assert len(seen) == len(set(seen)) == house.rows("SELECT count(*) FROM deliveries")[0][0]


def test_one_letter_tells_its_story(browser: Browser, house: House) -> None:
    page = browser.see(f"/deliveries/{of(house, 'person0@mail0.example')}")
    for words in (
        "News for Person0",
        "The server took it",
        "250 2.0.0 taken",
        "@shop.example",
        "Handed over",
    ):
        assert words in page, words
    assert "Did it arrive" not in page
    assert "550 5.1.1 no such user" in browser.see(f"/deliveries/{of(house, 'person2@mail2.example')}")
    browser.see("/deliveries/00000000-0000-0000-0000-000000000000", 404)
    browser.see("/deliveries/x", 404)


@pytest.mark.parametrize(
    ("verdict", "state"), [("arrived", "accepted"), ("lost", "failed"), ("again", "planned")]
)
def test_a_person_decides_what_nobody_knows(browser: Browser, house: House, verdict: str, state: str) -> None:
    path = f"/deliveries/{of(house, 'person3@mail3.example')}"
    assert "Did it arrive" in browser.see(path)
    browser.submit(f"{path}/resolve", verdict=verdict)
    assert {row.address: row.state for row in house.rows()}["person3@mail3.example"] == state
    told = house.rows("SELECT data ->> 'delivery' FROM timeline WHERE kind = 'letter.sent'")
    assert (path.rpartition("/")[2] in {row[0] for row in told}) is (verdict == "arrived")
    browser.submit(f"{path}/resolve", 422, verdict=verdict)


def test_what_failed_goes_out_again_once_it_is_mended(browser: Browser, house: House, engine: Engine) -> None:
    house.do("UPDATE deliveries SET state = 'failed', reason = 'policy' WHERE state = 'accepted'")
    house.do("UPDATE mailings SET state = 'done'")
    path = f"/deliveries?step={house.step}&state=failed&reason="
    assert "Try these again" not in browser.see(path + "no_mailbox")
    assert "Try these again" in browser.see(path + "policy")
    browser.submit("/deliveries/again", 422, step=house.step, reason="no_mailbox")
    browser.submit("/deliveries/again", step=house.step, reason="policy")
    assert "2 letters go out again" in browser.see("/deliveries")
    assert house.states()["planned"] == 2
    assert house.rows("SELECT state FROM mailings")[0].state == "sending"


def test_a_held_letter_says_what_holds_it(browser: Browser, house: House) -> None:
    house.plan(step="receipt:a:1:1:1", purpose="transactional")
    house.do("UPDATE transports SET state = 'paused', reason = 'mended tonight'")
    waiting = str(next(row.id for row in house.rows() if row.state == "planned"))
    assert "Its transport is paused." in browser.see(f"/deliveries/{waiting}")
    browser.see("/settings/mail")
    browser.submit("/settings/mail/stop", reason="a wrong price")
    assert "All sending is stopped." in browser.see(f"/deliveries/{waiting}")
    assert "a wrong price" in browser.see("/settings/mail")
    browser.submit("/settings/mail/go")
    assert "Letters may leave" in browser.see("/settings/mail")


def test_a_copy_asks_to_be_confirmed(browser: Browser, house: House, engine: Engine) -> None:
    house.do("UPDATE mail_switch SET home = 'database 1/1'")
    assert "This is a copy" in browser.see("/settings/mail")
    browser.submit("/settings/mail/confirm")
    with transaction(engine) as session:
        assert secret.at_home(session, session.get_one(MailSwitch, 1))


def test_a_transport_is_added_tried_and_changed(
    browser: Browser, engine: Engine, server: tuple[Behaviour, int], sealer: Sealer
) -> None:
    assert "No transport yet" in browser.see("/settings/mail")
    browser.see("/settings/mail/transports/new?kind=smtp")
    refused = browser.submit("/settings/mail/transports/new", 422, **SERVER | {"host": "a b"}).text
    assert "Give the server" in refused and 'value="a b"' in refused
    path = browser.submit(
        "/settings/mail/transports/new",
        **SERVER
        | {"port": str(server[1]), "per_hour": "3600", "domains": "gmail.com 2000\n", "warm_up": "yes"},
    ).headers["location"]
    page = browser.see(path)
    assert "gmail.com 2000" in page
    assert 'value="3600"' in page
    assert "step: 200 letters" in page
    browser.submit(f"{path}/test")
    assert "It works." in browser.see(path)
    browser.submit(path, 422, **SERVER | {"domains": "gmail.com many"})
    browser.submit(path, **SERVER | {"port": "1", "user": "kart", "password": "hush-hush"})
    assert "hush-hush" not in browser.see(path)
    browser.submit(path, **SERVER | {"port": "1", "user": "kart"})
    with Session(engine) as session:
        row = session.query(Transport).one()
        assert senders.settings_of(sealer, row)["password"] == "hush-hush", "an empty field keeps it"
        assert (row.per_hour, row.warm_up_from, row.domains) == (None, None, {})
    browser.submit(path, **SERVER | {"port": "1", "user": "other", "password": ""}, status=422)
    browser.submit(f"{path}/test")
    assert "It doesn&#39;t work." in browser.see(path)
    browser.submit(f"{path}/pause")
    assert "Send by it again" in browser.see(path)
    browser.submit(f"{path}/resume")


def test_a_folder_is_a_transport_too(browser: Browser, tmp_path) -> None:
    browser.see("/settings/mail/transports/new?kind=file")
    browser.submit("/settings/mail/transports/new", 422, kind="file", name="Folder", folder="relative/path")
    path = browser.submit(
        "/settings/mail/transports/new", kind="file", name="Folder", folder=str(tmp_path)
    ).headers["location"]
    assert "Folder" in browser.see(path)


PROVIDERS = {
    "ses": {"region": "eu-central-1", "access_key": "AKIDEXAMPLE", "secret_key": "hush-hush-key"},
    "mailgun": {"domain": "mg.shop.example", "key": "hush-hush-key", "region": "eu"},
    "postmark": {"key": "hush-hush-key", "stream": "broadcast"},
    "sendgrid": {"key": "hush-hush-key"},
    "brevo": {"key": "hush-hush-key"},
}


@pytest.mark.parametrize("kind", sorted(PROVIDERS))
def test_a_provider_is_a_transport_too(browser: Browser, engine: Engine, sealer: Sealer, kind: str) -> None:
    new = "/settings/mail/transports/new"
    assert f"?kind={kind}" in browser.see("/settings/mail")
    browser.see(f"{new}?kind={kind}")
    refused = browser.submit(new, 422, kind=kind, name="Far", **dict.fromkeys(PROVIDERS[kind], "")).text
    assert "be kept yet" in refused
    path = browser.submit(new, kind=kind, name="Far", **PROVIDERS[kind]).headers["location"]
    page = browser.see(path)
    assert "hush-hush" not in page and f"/hooks/mail/{path.rpartition('/')[2]}/{kind}" in page
    secret = "secret_key" if kind == "ses" else "key"
    browser.submit(path, **PROVIDERS[kind] | {secret: "", "events_key": "hush-hush-events"})
    assert "hush-hush" not in browser.see(path)
    with Session(engine) as session:
        row = session.query(Transport).one()
        kept = senders.settings_of(sealer, row)
        assert kept[secret] == "hush-hush-key" and kept["events_key"] == "hush-hush-events"
        assert "hush-hush" not in row.settings


def test_trying_a_provider_out_says_what_came_back(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    class Far:
        def check(self) -> str:
            return "Brevo takes the key of me@shop.example."

        def close(self) -> None: ...

    new = "/settings/mail/transports/new"
    browser.see(f"{new}?kind=brevo")
    path = browser.submit(new, kind="brevo", name="Far", key="hush-hush-key").headers["location"]
    monkeypatch.setitem(outside._makers, "brevo", lambda values: Far())
    browser.see(path)
    browser.submit(f"{path}/test")
    assert "It works. Brevo takes the key of me@shop.example." in browser.see(path)

    def refused(values: object) -> Far:
        raise Misconfigured("api.brevo.com refuses the sign-in (401).", "key")

    monkeypatch.setitem(outside._makers, "brevo", refused)
    browser.submit(f"{path}/test")
    assert "refuses the sign-in (401)" in browser.see(path)


def test_a_sender_gets_records_to_publish(
    browser: Browser, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser.see("/settings/mail")
    refused = browser.submit(
        "/settings/mail/senders", 422, name="Shop", address="not an address", transport=str(house.transport)
    ).text
    assert "This is no usable address" in refused
    path = browser.submit(
        "/settings/mail/senders", name="Shop", address="hi@Почта.example", transport=str(house.transport)
    ).headers["location"]
    page = browser.see(path)
    for words in (
        "v=spf1",
        "v=DKIM1; k=rsa; p=",
        "v=DKIM1; k=ed25519; p=",
        "v=DMARC1",
        "_domainkey.xn--80a1acny.example",
    ):
        assert words in page, words
    assert "No server is known here" in page, "an empty record would hurt whoever publishes it"
    monkeypatch.setattr(senders, "hosts", lambda *_asked: ["mail.shop.example"])
    page = browser.see(path)
    assert "v=spf1 a:mail.shop.example ~all" in page and "No server is known here" not in page
    selector = re.search(r"(k\d+)r\._domainkey", page)[1]
    browser.submit(f"{path}/renew")
    assert f"{selector}r._domainkey" not in browser.see(path)
    sender = house.rows("SELECT id FROM senders WHERE address LIKE 'hi@%'")[0].id
    browser.submit(f"/settings/mail/senders/{sender}/remove")
    assert "is offered no more" in browser.see("/settings/mail")
    assert "hi@xn" not in browser.see("/settings/mail")
    browser.see("/settings/mail/domains/unknown.example", 404)


@pytest.mark.parametrize(
    ("published", "state", "said"),
    [
        ("v=spf1 a:mx.shop.example ~all", "good", "Published."),
        ("v=spf1 include:_spf.example ~all", "good", "make sure that mx.shop.example is among it"),
        ("v=spf1 ip4:192.0.2.1 -all", "warn", "It doesn't name a:mx.shop.example."),
    ],
)
def test_who_may_send_is_said_as_far_as_it_is_known(published: str, state: str, said: str) -> None:
    wanted = domains.Record("spf", "shop.example", "v=spf1 a:mx.shop.example ~all", "")
    found = domains.found(wanted, [published])
    assert found["state"] == state and said in found["said"]


def test_dns_is_looked_at_where_it_can_be(browser: Browser, house: House, monkeypatch) -> None:
    browser.see("/settings/mail/domains/shop.example")
    page = browser.see("/settings/mail/domains/shop.example")
    value = re.search(r'id="v-dkim">([^<]+)<', page)[1]
    said = {"shop.example": ["google-site=x", "v=spf1 include:_spf.example ~all"], "_dmarc.shop.example": []}
    monkeypatch.setattr(
        domains, "published", lambda name: said.get(name, [value] if "r._domainkey" in name else None)
    )
    browser.submit("/settings/mail/domains/shop.example/look")
    page = browser.see("/settings/mail/domains/shop.example")
    assert page.count("Published.") == 2
    assert "Nothing is published there." in page
    assert "DNS gave no answer" in page


def test_limits_are_kept_or_refused(browser: Browser, engine: Engine) -> None:
    browser.see("/settings/mail")
    good = {"cap": "3", "cap_days": "10", "quiet_from": "22", "quiet_until": "8", "zone": "Asia/Almaty"}
    browser.submit("/settings/mail", **good)
    with Session(engine) as session:
        row = session.get_one(MailSwitch, 1)
        assert (row.cap, row.cap_days, row.quiet_from, row.quiet_until, row.zone) == (
            3,
            10,
            22,
            8,
            "Asia/Almaty",
        )
    for name, value in (
        ("cap", "-1"),
        ("cap_days", "0"),
        ("quiet_from", "24"),
        ("quiet_until", "x"),
        ("zone", "Mars/Base"),
    ):
        assert (
            "aria-invalid" in browser.submit("/settings/mail", 422, **good | {name: value}).text
            or name == "zone"
        )
    with Session(engine) as session:
        assert session.get_one(MailSwitch, 1).cap == 3


def test_strangers_values_stay_text(browser: Browser, house: House) -> None:
    paths = ("/deliveries", f"/deliveries/{of(house, 'person0@mail0.example')}", "/settings/mail")
    for path in paths:
        browser.see(path)
    plain = {path: shape(browser.see(path)).tags for path in paths}
    house.do("UPDATE transports SET state = 'paused'")
    plain["/settings/mail"] = None
    for payload in PAYLOADS:
        house.do(
            "UPDATE deliveries SET reply = :said, subject = :said WHERE address = 'person0@mail0.example'",
            said=payload,
        )
        house.do("UPDATE transports SET name = :said, reason = :said", said=payload[:80])
        for path, was in plain.items():
            found = shape(browser.see(path))
            assert not found.bad, (path, payload)
            assert was is None or found.tags == was, (path, payload)


@pytest.mark.parametrize(
    ("path", "most"), [("/deliveries", 6), ("/deliveries?state=accepted", 6), ("/settings/mail", 12)]
)
def test_queries_are_counted(browser: Browser, house: House, engine: Engine, path: str, most: int) -> None:
    browser.see(path)
    found = []
    for size in (10, 60):
        house.crowd(size)
        house.plan(step=f"receipt:a:1:{size}:1", purpose="transactional")
        with counted(engine) as sent:
            browser.see(path)
        found.append(len(sent))
    assert found[0] == found[1] <= most
    with engine.connect() as db:
        assert db.scalar(text("SELECT count(*) FROM deliveries")) > 60
