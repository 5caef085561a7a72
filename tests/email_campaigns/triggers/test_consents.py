"""Those who say that letters are welcome: the first time, and before they have confirmed it."""

from datetime import timedelta

import msgspec
import pytest

from customers import consent
from customers.consent import Statement
from customers.tables import Source
from foundation.clock import now
from foundation.database import transaction
from foundation.records import Consent
from tests.email_campaigns.triggers.scene import LONG_AGO, Scene, buyer
from tests.web_capture.conftest import capturing, client, pages, rows  # noqa: F401
from tests.web_capture.forms.made import CONSENT, published, said, send, with_forms
from web_capture.forms import routes as form_routes
from web_capture.limits import Limit

DAY = timedelta(days=1)


def agrees(scene: Scene, who: str, ago: timedelta = timedelta(), given: bool = True, **more) -> None:
    one = Consent(channel="email", given=given, at=now() - ago, text="Yes", form="Sign-up")
    source = more.pop("source", None)
    scene.tell(buyer(who, consents=(one,), **more), source=source)


def test_first_consent(scene: Scene, clock):
    agrees(scene, "anna", timedelta(hours=1))
    (entry,) = scene.ask("welcome")
    assert (entry.key, entry.cause["form"]) == ("welcome", "Sign-up")
    assert "Welcome, Anna" in scene.letter("welcome", entry).subject
    clock.advance(timedelta(minutes=30))
    agrees(scene, "anna")
    assert [one.at for one in scene.ask("welcome")] == [entry.at]
    clock.advance(DAY)
    assert scene.ask("welcome") == []


def test_only_the_first_of_all_a_card_ever_said(scene: Scene):
    agrees(scene, "anna", 100 * DAY)
    agrees(scene, "anna", timedelta(hours=1))
    assert scene.ask("welcome") == []
    agrees(scene, "boris", timedelta(hours=1), external_id="other")
    assert len(scene.ask("welcome")) == 1
    agrees(scene, "boris", timedelta(minutes=30))
    (entry,) = scene.ask("welcome")
    assert entry.at == now() - timedelta(hours=1)


@pytest.mark.parametrize("more", [{"given": False}, {"channel": "sms"}])
def test_other_statements_are_no_welcome(scene: Scene, more):
    one = Consent(**{"channel": "email", "given": True, "at": now()} | more)
    scene.tell(buyer("anna", consents=(one,)))
    assert scene.ask("welcome") == []


@pytest.mark.parametrize("way", ["file", "connected now"])
def test_imported_consents_are_no_news(scene: Scene, way):
    role = "file" if way == "file" else "shop"
    since = LONG_AGO if way == "file" else now()
    with transaction(scene.engine) as session:
        source = Source(name="List", kind="spreadsheet", role=role, created_at=since)
        session.add(source)
    agrees(scene, "anna", timedelta(hours=1), source=source)
    assert scene.rows("SELECT count(*) FROM consents") == [(1,)]
    assert scene.ask("welcome") == []


def test_imported_person_who_agrees_now_is_welcome(scene: Scene):
    with transaction(scene.engine) as session:
        source = Source(name="List", kind="spreadsheet", role="file", created_at=LONG_AGO)
        session.add(source)
    scene.tell(buyer("anna", consents=()), source=source)
    (profile,) = scene.rows("SELECT id FROM profiles")[0]
    with transaction(scene.engine) as session:
        consent.say(
            session, [Statement(profile, "email", "marketing", True, now(), "x", "y", "", "letter:1", now())]
        )
    assert len(scene.ask("welcome")) == 1


def test_withdrawn_again_is_over(scene: Scene, clock):
    agrees(scene, "anna")
    (entry,) = scene.ask("welcome")
    assert not scene.over("welcome", entry)
    clock.advance(timedelta(minutes=1))
    agrees(scene, "anna", given=False)
    assert scene.over("welcome", entry)


@pytest.fixture
def form(scene: Scene, pages, client, rows, monkeypatch):  # noqa: F811
    """A function that signs somebody up on the site by our form."""
    monkeypatch.setattr(form_routes, "PER_ADDRESS", Limit(0.5))  # others were there from this address
    with_forms(client.app)
    with transaction(scene.engine) as session:
        for source in session.query(Source):
            source.created_at = LONG_AGO

    def sign_up(number: int = 1, email: str = "anna@example.org", opt_in: bool = False, consent=("email",)):
        made = sign_up.made = sign_up.made or published(
            scene.engine, pages.id, double_opt_in=opt_in,
            consents=[{"channel": "email", "text": CONSENT, "required": False}],
        )  # fmt: skip
        fields = {"email": email}
        body = said(made, pages.write_key, f"message-{number:04}", fields=fields, consent=list(consent))
        answer = send(pages.client, body).json()
        assert answer["ok"], answer
        rows("SELECT 1")

    sign_up.made = None
    return sign_up


@pytest.fixture
def scene(engine, sealer, clock) -> Scene:
    """Without a site of its own: the pages' fixture adds it."""
    made = object.__new__(Scene)
    made.engine = engine
    with transaction(engine) as session:
        made.shop = Source(name="Shop", kind="vendure", role="shop", created_at=LONG_AGO)
        session.add(made.shop)
        session.flush()
        made.site = made.shop.id
    return made


def test_first_form(scene: Scene, form, clock):
    form(1, consent=())
    (entry,) = scene.ask("welcome", first="form")
    assert entry.customer_id and entry.cause["form"] == "Spring"
    assert scene.ask("welcome") == []
    clock.advance(timedelta(minutes=5))
    form(2)
    assert [one.at for one in scene.ask("welcome", first="form")] == [entry.at]
    assert [one.at for one in scene.ask("welcome")] == [now()]


def test_pages_own_leads_welcome_nobody(scene: Scene, pages, rows, clock):  # noqa: F811
    pages.say("track", event="Form Submitted", anonymousId="d", properties={"email": "anna@example.org"})
    assert [row["kind"] for row in rows("SELECT kind FROM timeline")] == ["web.lead"]
    assert scene.ask("welcome", first="form") == []


def test_wish_is_to_be_confirmed(scene: Scene, form, clock):
    form(1, opt_in=True)
    (entry,) = scene.ask("double_opt_in", days=2)
    wish = entry.context["confirm"]
    assert (wish["email"], wish["text"], wish["form"]) == ("anna@example.org", CONSENT, "Spring, version 1")
    assert wish["until"].startswith((now() + 2 * DAY).isoformat()[:19])
    assert scene.ask("welcome") == []
    letter = scene.letter("double_opt_in", entry, confirm="https://crm.shop.example/m/d/x")
    assert "https://crm.shop.example/m/d/x" in letter.html
    assert not scene.over("double_opt_in", entry)
    clock.advance(2 * DAY)
    assert scene.over("double_opt_in", entry), "the link in it would be no good"


def test_confirmed_is_over_and_welcome(scene: Scene, form, clock):
    form(1, opt_in=True)
    (entry,) = scene.ask("double_opt_in")
    clock.advance(timedelta(hours=1))
    with transaction(scene.engine) as session:
        said_yes = Statement(entry.profile_id, "email", "marketing", True, now(), "x", "y", "", "k", now())
        consent.say(session, [said_yes])
    assert scene.over("double_opt_in", entry)
    (welcomed,) = scene.ask("welcome", arrived=timedelta(minutes=2))
    assert welcomed.customer_id == entry.customer_id


def test_letter_goes_to_no_other_address(scene: Scene, form):
    form(1, opt_in=True)
    (entry,) = scene.ask("double_opt_in")
    scene.run("UPDATE customers SET email = 'other@example.org'")
    assert scene.over("double_opt_in", entry)


def test_form_without_double_opt_in_wishes_for_nothing(scene: Scene, form):
    form(1)
    assert scene.ask("double_opt_in") == [] and len(scene.ask("welcome")) == 1


def test_no_page_makes_us_write_to_people(scene: Scene, pages, rows, clock):  # noqa: F811
    wish = {"email": "victim@example.org", "consent": [{"channel": "email", "given": True, "text": "x"}]}
    context = {"traits": {"email": "victim@example.org"}}
    for name in ("Opt-in Requested", "opt_in_requested", "web.opt_in"):
        pages.say("track", event=name, anonymousId="d", properties=wish, context=context)
    assert len(rows("SELECT kind FROM timeline")) == 3
    assert scene.ask("double_opt_in") == []


@pytest.mark.parametrize("said_consent", [None, "yes", [], [7], [{"channel": "sms"}], {"channel": "email"}])
def test_odd_wishes_bring_nobody(scene: Scene, said_consent):
    agrees(scene, "anna")
    (entry,) = scene.ask("welcome")
    data = {"properties": {"email": "anna@p.kz", "consent": said_consent}}
    scene.happens(entry, "web.opt_in", timedelta(), msgspec.json.encode(data).decode())
    assert scene.ask("double_opt_in") == []
