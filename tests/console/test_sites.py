"""The room "Sites": adding one, its keys and settings, what comes, whose it is, and who visits."""

import re

import pytest
from sqlalchemy import Engine, select, update
from sqlalchemy import text as sql
from sqlalchemy.orm import Session

from console import roles, streaming
from console.tables import User
from customers.tables import Customer
from foundation import clock, text
from foundation.database import transaction
from foundation.sealing import Sealer
from foundation.tables import Operation
from sync.tables import LandedRecord
from tests.console.capturing import Shop
from tests.console.conftest import Browser
from tests.console.test_queries import counted
from tests.console.test_words import NAMES, Marking, Texts
from web_capture import sites
from web_capture.tables import Refusal, Site, SiteKey

PRODUCT = {"name": "Blue kettle", "price": 12500, "quantity": 2, "url": "https://shop.example/p/kettle"}


def text_of(page: str) -> str:
    """What a page says, without its tags and with single spaces."""
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


def view(shop: Shop, device: str = "d1", **more: object) -> str:
    properties = {"url": "https://shop.example/p/kettle?utm_source=news", "title": "Blue kettle – the shop"}
    return shop.say("page", anonymousId=device, properties={**properties, **more})


def test_no_site_offers_the_first(browser: Browser) -> None:
    page = browser.see("/sites")
    assert "No sites yet" in page and 'href="/sites/new"' in page


def test_added_site_shows_its_line(browser: Browser, engine: Engine) -> None:
    browser.see("/sites/new")
    page = browser.submit("/sites/new", 200, domain="Shop.Example", currency="kzt", consent="wait").text
    with Session(engine) as session:
        site = session.scalars(select(Site)).one()
        write = session.scalars(select(SiteKey.value).where(~SiteKey.secret)).one()
    assert (site.domain, site.currency, site.consent) == ("shop.example", "KZT", "wait")
    assert f"/k/{site.key}.js&#34;&gt;&lt;/script&gt;" in page
    secret = page.split('id="secret">')[1].split("<")[0]
    assert secret.startswith("sk_") and write in page
    assert secret not in browser.see(f"/sites/{site.id}") and write in browser.see(f"/sites/{site.id}")


def test_wrong_domain_keeps_what_was_typed(browser: Browser, shop: Shop) -> None:
    browser.see("/sites/new")
    page = browser.submit("/sites/new", 422, domain="not a host", currency="KZT", consent="deny").text
    assert 'value="not a host"' in page and 'value="deny" checked' in page and 'aria-invalid="true"' in page
    assert "already" in browser.submit("/sites/new", 422, domain="shop.example").text


def test_site_waits_for_its_first_event(browser: Browser, shop: Shop) -> None:
    assert "waiting for the first event" in browser.see("/sites")
    assert "check/events?waiting=yes" in browser.see(shop.here)
    shop.say("page", read=False, anonymousId="d1", properties={"url": "https://shop.example/tea"})
    assert "being read" in browser.see("/sites")


def test_site_says_what_it_saw(browser: Browser, shop: Shop) -> None:
    context = {"library": {"name": "kartoteka", "version": "1.0"}}
    shop.say("page", anonymousId="d1", context=context, properties={"url": "https://shop.example/tea?x=1"})
    said = text_of(browser.see("/sites"))
    assert re.search(r"seen \S+ seconds? ago from /tea", said)
    said = text_of(browser.see(shop.here))
    assert "by kartoteka 1.0" in said and "Events today 1" in said


def test_keys_are_made_and_revoked(browser: Browser, engine: Engine, shop: Shop) -> None:
    browser.see(shop.here)
    page = browser.submit(f"{shop.here}/keys", 200, kind="secret").text
    secret = page.split('id="made">')[1].split("<")[0]
    page = browser.see(shop.here)
    assert secret.startswith("sk_") and secret not in page and shop.keys.write_key in page
    revoke = re.findall(rf'action="({shop.here}/keys/[^"]+/revoke)"', page)
    assert len(revoke) == 3
    for path in revoke:
        browser.submit(path)
    page = browser.see(shop.here)
    assert "/revoke" not in page and page.count(">revoked<") == 3
    browser.submit(f"{shop.here}/keys/{shop.id}/revoke", 422)


def test_settings_are_kept(browser: Browser, engine: Engine, shop: Shop) -> None:
    browser.see(shop.here)
    browser.submit(
        shop.here, origins="m.shop.example\nшоп.example", currency="eur", consent="deny", gpc="yes"
    )
    with Session(engine) as session:
        site = session.scalars(select(Site)).one()
    assert site.origins == ["m.shop.example", "xn--n1acz.example"]
    assert (site.currency, site.consent) == ("EUR", "deny")
    assert site.settings == {"gpc": True, "capture": False, "forms": False}
    page = browser.submit(shop.here, 422, origins="a b<c", currency="EUR", consent="deny").text
    assert "Each further host" in page and "a b&lt;c" in page
    browser.submit(shop.here, origins="", currency="", consent="deny")
    with Session(engine) as session:
        site = session.scalars(select(Site)).one()
    assert (site.origins, site.currency) == ([], "")


def value_of(page: str, name: str) -> str:
    """What a field of a page holds."""
    found = re.search(rf'<input [^>]*name="{name}"[^>]* value="([^"]*)"', page)
    assert found, name
    return found.group(1)


def test_silences_are_set(browser: Browser, engine: Engine, shop: Shop) -> None:
    page = browser.see(shop.here)
    assert [value_of(page, name) for name in ("cart", "checkout", "browse")] == ["60", "30", "120"]
    assert "usually 60" in page and "usually 30" in page and "usually 120" in page
    kept = {
        "origins": "",
        "currency": "KZT",
        "consent": "none",
        "gpc": "yes",
        "capture": "yes",
        "forms": "yes",
    }
    browser.submit(shop.here, cart="45", checkout="", browse="1440", **kept)
    page = browser.see(shop.here)
    assert [value_of(page, name) for name in ("cart", "checkout", "browse")] == ["45", "30", "1440"]
    with Session(engine) as session:
        site = session.scalars(select(Site)).one()
    assert site.settings["abandonment"] == {"cart": 45, "checkout": 30, "browse": 1440}


@pytest.mark.parametrize("minutes", ["0", "43201", "-1", "2.5", "soon", "<b>"])
def test_silence_out_of_range_is_explained(
    browser: Browser, engine: Engine, shop: Shop, minutes: str
) -> None:
    browser.see(shop.here)
    page = browser.submit(
        shop.here, 422, currency="EUR", consent="wait", checkout=minutes, capture="yes"
    ).text
    assert "from 1 to 43,200 (30 days)" in page.split('name="checkout"')[1].split("</div>")[0]
    assert value_of(page, "checkout") == minutes.replace("<", "&lt;").replace(">", "&gt;")
    checked = re.findall(r'name="(gpc|capture|forms)" value="yes" checked', page)
    assert checked == ["capture"] and 'value="wait" checked' in page and value_of(page, "currency") == "EUR"
    with Session(engine) as session:
        site = session.scalars(select(Site)).one()
        assert (site.currency, sites.chosen(site)["abandonment"]["checkout"]) == ("KZT", 30)
        assert session.scalars(select(Operation)).all() == []


def test_settings_need_their_token(browser: Browser, engine: Engine, shop: Shop) -> None:
    browser.see(shop.here)
    browser.token = "another"
    browser.submit(shop.here, 403, cart="45")
    with Session(engine) as session:
        assert sites.chosen(session.scalars(select(Site)).one())["abandonment"]["cart"] == 60


def test_changed_settings_are_an_operation(browser: Browser, engine: Engine, shop: Shop) -> None:
    browser.see(shop.here)
    kept = {"currency": "KZT", "gpc": "yes", "capture": "yes", "checkout": "30", "browse": "120"}
    answer = browser.submit(shop.here, cart="45", consent="wait", origins="m.shop.test", **kept)
    with Session(engine) as session:
        made = session.scalars(select(Operation)).one()
    assert (made.kind, made.actor) == ("site", "olga@example.org")
    assert str(made.id) in answer.headers["set-cookie"]
    assert "Settings of shop.example" in browser.see("/operations")
    page = browser.see(f"/operations/{made.id}")
    said = text_of(page)
    assert "A cart: given up after, in minutes 60 45" in said
    assert "Consent Capture at once Wait for consent" in said
    assert "Further hosts – m.shop.test" in said and "Read forms on off" in said
    assert "Honour" not in said
    browser.submit(f"/operations/{made.id}/undo")
    with Session(engine) as session:
        found = sites.chosen(session.scalars(select(Site)).one())
    assert (found["consent"], found["origins"], found["forms"]) == ("none", [], True)
    assert found["abandonment"]["cart"] == 60


def test_saving_what_is_changes_nothing(browser: Browser, engine: Engine, shop: Shop) -> None:
    browser.see(shop.here)
    kept = {"currency": "KZT", "consent": "none", "gpc": "yes", "capture": "yes", "forms": "yes"}
    answer = browser.submit(shop.here, cart="60", **kept)
    assert "Nothing+was+changed" in answer.headers["set-cookie"]
    with Session(engine) as session:
        assert session.scalars(select(Operation)).all() == []


def test_sister_sites_are_named(browser: Browser, shop: Shop) -> None:
    assert "hand their visitors over" not in browser.see(shop.here)
    browser.submit("/sites/new", 200, domain="outlet.example")
    assert "hand their visitors over by themselves: outlet.example" in browser.see(shop.here)


def test_refusals_show_their_reason(browser: Browser, engine: Engine, shop: Shop) -> None:
    with transaction(engine) as session:
        session.add(
            Refusal(site_id=shop.id, reason="The body is no batch.", origin="https://evil.example",
                    times=1234, sample='{"a":"<b>"}', first_at=clock.now(), last_at=clock.now())
        )  # fmt: skip
    page = browser.see(shop.here)
    assert "The body is no batch." in page and "1,234×" in page and "&lt;b&gt;" in page
    assert "1,234" in browser.see("/sites")


def test_live_lists_and_filters(browser: Browser, shop: Shop) -> None:
    view(shop)
    shop.say("track", anonymousId="d1", event="Product Added", properties=PRODUCT)
    shop.say("page", anonymousId="", userId="", ua="Mozilla/5.0 (compatible; Googlebot/2.1)",
             properties={"url": "https://shop.example/robots"})  # fmt: skip
    said = text_of(browser.see(f"{shop.here}/live"))
    assert (
        "Added to cart: Blue kettle" in said
        and "₸25,000" in said
        and "Opened “Blue kettle – the shop”" in said
    )
    assert "crawler" in said
    page = browser.see(f"{shop.here}/live?kind=web.product_added")
    assert page.count('class="event"') == 2 and "Opened “Blue" not in page  # one row and the template


def test_live_pages_by_keyset(browser: Browser, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("console.pages.site_events.SHOWN", 2)
    for number in range(5):
        view(shop, title=f"page {number}")
    path, seen = f"{shop.here}/live", []
    while path:
        page = browser.see(path)
        seen += re.findall(r"Opened “(page \d)”", page)
        older = re.search(r'href="([^"]+)" rel="next"', page)
        path = older.group(1).replace("&amp;", "&") if older else ""
    assert seen == [f"page {number}" for number in (4, 3, 2, 1, 0)]


def test_stream_tells_new_events(browser: Browser, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming, "LOOKS", 2)
    monkeypatch.setattr(streaming, "EVERY", 0)
    old = shop.event(view(shop, title="old"))
    view(shop, title="<b>new</b>")
    answer = browser.get(f"{shop.here}/live/events?after={old.id}")
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert (
        answer.text.count("event: row") == 1
        and "<b>new</b>" in answer.text
        and f"id: {old.id + 1}" in answer.text
    )
    again = browser.get(f"{shop.here}/live/events", headers={"last-event-id": str(old.id + 1)})
    assert "event: row" not in again.text
    assert "event: row" not in browser.get(f"{shop.here}/live/events?after=0&kind=web.lead").text


def test_check_ends_at_the_first_event(browser: Browser, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming, "LOOKS", 2)
    monkeypatch.setattr(streaming, "EVERY", 0)
    answer = browser.get(f"{shop.here}/check/events?waiting=yes").text
    assert answer.count("event: news") == 2 and "waiting for the first event" in answer
    view(shop)
    assert "event: end" in browser.get(f"{shop.here}/check/events?waiting=yes").text
    assert "from /p/kettle" in browser.get(f"{shop.here}/check/events").text


@pytest.mark.parametrize(
    "path", ["", "/live", "/live/events", "/check/events", "/visitors", "/sources", "/events/1"]
)
def test_strangers_see_nothing(stranger: Browser, shop: Shop, path: str) -> None:
    answer = stranger.get(shop.here + path, follow_redirects=False)
    assert answer.status_code in (303, 403)


def test_readers_change_nothing(
    browser: Browser, engine: Engine, owner: User, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(roles.ROLES, "reader", frozenset({roles.READ, roles.OWN}))
    browser.see(shop.here)
    with transaction(engine) as session:
        session.execute(update(User).values(role="reader"))
    browser.see("/sites/new", 403)
    browser.submit("/sites/new", 403, domain="x.example")
    browser.submit(shop.here, 403)
    browser.submit(f"{shop.here}/keys", 403, kind="secret")
    page = browser.see(shop.here)
    assert "/keys" not in page and 'name="origins"' not in page and "/sites/new" not in browser.see("/sites")


def test_event_is_explained(browser: Browser, shop: Shop) -> None:
    row = shop.event(
        shop.say("identify", anonymousId="dev-1", userId="auth0|7", traits={"email": "anna@p.kz"},
                 timestamp="2020-01-01T00:00:00Z", sentAt="2020-01-01T00:00:05Z")
    )  # fmt: skip
    said = text_of(browser.see(f"{shop.here}/events/{row.id}"))
    assert "Claimed, not verified: this browser says it is auth0|7" in said and "unverified" in said
    assert "web.identify" in said and "anna@p.kz" in said and "203.0.113.9" in said
    assert "Corrected by" in said and "2020-01-01T00:00:00Z" in said


def test_verified_event_says_so(browser: Browser, shop: Shop) -> None:
    row = shop.event(shop.say("identify", secret=True, userId="7", traits={"email": "anna@p.kz"}))
    said = text_of(browser.see(f"{shop.here}/events/{row.id}"))
    assert "Verified: it came with the site&#39;s secret key" in said and "unverified" not in said


def test_proved_claim_is_verified(browser: Browser, engine: Engine, shop: Shop) -> None:
    said = shop.say("identify", anonymousId="d1", traits={"email": "anna@p.kz", "name": "Anna"})
    shop.say("identify", secret=True, anonymousId="d1", userId="7", traits={"email": "anna@p.kz"})
    row = shop.event(said)
    page = text_of(browser.see(f"{shop.here}/events/{row.id}"))
    assert "the same device has proved it" in page and "unverified" not in page
    assert row.customer_id and "unverified" not in browser.see(f"/customers/{row.customer_id}")


def test_crawler_event_says_so(browser: Browser, shop: Shop) -> None:
    row = shop.event(shop.say("page", anonymousId="d1", ua="Mozilla/5.0 (compatible; Googlebot/2.1)"))
    said = text_of(browser.see(f"{shop.here}/events/{row.id}"))
    assert "known crawler" in said and "Googlebot" in said


def test_lost_landing_is_said(browser: Browser, engine: Engine, shop: Shop) -> None:
    row = shop.event(view(shop))
    with transaction(engine) as session:
        session.query(LandedRecord).delete()
    assert "no longer here" in browser.see(f"{shop.here}/events/{row.id}")


def test_secret_key_is_never_shown(browser: Browser, engine: Engine, shop: Shop) -> None:
    row = shop.event(shop.say("page", anonymousId="d1", secret=True, writeKey=shop.keys.secret_key))
    sample = f'{{"writeKey":"{shop.keys.secret_key}"}}'
    with transaction(engine) as session:
        session.add(
            Refusal(site_id=shop.id, reason="No.", origin="", sample=sample,
                    first_at=clock.now(), last_at=clock.now())
        )  # fmt: skip
    for path in (shop.here, f"{shop.here}/events/{row.id}"):
        page = browser.see(path)
        assert "sk_…" in page and shop.keys.secret_key not in page


@pytest.mark.parametrize("event", ["0", "x", "9" * 30, "²", "-1"])
def test_unknown_event_is_not_found(browser: Browser, shop: Shop, event: str) -> None:
    browser.see(f"{shop.here}/events/{event}", 404)


def test_event_of_another_site_is_not_found(
    browser: Browser, shop: Shop, engine: Engine, sealer: Sealer
) -> None:
    row = shop.event(view(shop))
    browser.see("/sites/new")
    browser.submit("/sites/new", 200, domain="other.example")
    with Session(engine) as session:
        other = session.scalars(select(Site.id).where(Site.domain == "other.example")).one()
    browser.see(f"/sites/{other}/events/{row.id}", 404)
    browser.see(f"/sites/{other}/visitors/{row.profile_id}", 404)


def test_visitor_who_came_by_a_letter(browser: Browser, shop: Shop, engine: Engine) -> None:
    row = shop.event(view(shop))
    shop.say(
        "identify", secret=True, userId="anna", traits={"name": "Anna Yudina", "email": "anna@mail.example"}
    )
    hint = sql(
        "INSERT INTO soft_visitors (site_id, device, profile_id, first_at, last_at)"
        " SELECT v.source_id, v.external_id, a.id, v.created_at, v.created_at FROM profiles v"
        " JOIN profiles a ON a.external_id = 'anna' WHERE v.id = :visitor"
    )
    with transaction(engine) as session:
        session.execute(hint, {"visitor": row.profile_id})
    said = text_of(browser.see(f"{shop.here}/visitors/{row.profile_id}"))
    assert "Came by a letter to Anna Yudina likely, not proved" in said
    assert "none: nothing identifies" in said


def test_visitors_stand_last_seen_first(browser: Browser, shop: Shop) -> None:
    view(shop, "device-number-one")
    view(shop, "two")
    shop.say("track", anonymousId="device-number-one", event="Cart Viewed")
    page = browser.see(f"{shop.here}/visitors")
    said = text_of(page)
    assert said.index("visitor device-n…-one") < said.index("visitor two")
    assert "Another site: news" in said
    path = re.search(rf'href="({shop.here}/visitors/[^"]+)"', page)
    assert path
    said = text_of(browser.see(path.group(1)))
    assert "Looked at the cart" in said and "device-number-one" in said and "none: nothing identifies" in said


def test_named_visitor_leads_to_the_card(browser: Browser, engine: Engine, shop: Shop) -> None:
    view(shop)
    shop.say("identify", anonymousId="d1", userId="7", traits={"email": "anna@p.kz", "name": "Anna"})
    with Session(engine) as session:
        card = session.scalars(select(Customer.id).where(Customer.live)).one()
    page = browser.see(f"{shop.here}/visitors")
    assert f'href="/customers/{card}"' in page and "unverified" in page and ">Anna<" in page


def test_sources_count_by_campaign(browser: Browser, shop: Shop) -> None:
    assert "No visits yet" in browser.see(f"{shop.here}/sources")
    url = "https://shop.example/?utm_source=vk&utm_medium=cpc&utm_campaign=spring%20sale"
    for device in ("a", "b"):
        view(shop, device, url=url)
    shop.say("page", anonymousId="c", properties={"url": "https://shop.example/x"})
    said = text_of(browser.see(f"{shop.here}/sources"))
    assert "Paid social: vk spring sale cpc spring sale 2 2 2" in said and "Direct – – 1 1 1" in said


def test_card_tells_captured_events(browser: Browser, engine: Engine, shop: Shop) -> None:
    view(shop)
    row = shop.event(shop.say("track", anonymousId="d1", event="Product Added", properties=PRODUCT))
    url = {"page": {"url": "https://shop.example/contact"}}
    shop.say("track", anonymousId="d1", event="Lead", context=url, properties={"email": "anna@p.kz"})
    with Session(engine) as session:
        card = session.scalars(select(Customer.id).where(Customer.live)).one()
    page = browser.see(f"/customers/{card}?kind=web")
    said = text_of(page)
    assert "Filled in a form on /contact unverified" in said
    assert "Added to cart: Blue kettle" in said and "₸25,000" in said
    assert 'href="https://shop.example/p/kettle" rel="noopener nofollow noreferrer"' in page
    assert f'href="{shop.here}/events/{row.id}"' in page


@pytest.mark.parametrize("path", ["/sites", "/sites/new", "", "/live", "/visitors", "/sources"])
def test_every_text_can_be_translated(
    browser: Browser, shop: Shop, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.setattr(text, "_translations", lambda tag: Marking())
    reader = Texts()
    page = browser.see(path if path in ("/sites", "/sites/new") else shop.here + path)
    reader.feed(re.sub(r"<code.*?</code>", "", page, flags=re.DOTALL))
    said = "\n".join(reader.found)
    while "⟦" in said:
        said = re.sub(r"⟦[^⟦⟧]*⟧", "", said)
    for name in (*NAMES, "shop.example"):
        said = said.replace(name, "")
    assert not re.findall(r"[A-Za-z]{3,}", said)


COSTS = {
    "/sites": 2, "": 8, "/live": 3, "/visitors": 3, "/visitors/{profile}": 4, "/sources": 3,
    "/events/{event}": 3,
}  # fmt: skip


@pytest.mark.parametrize("path", COSTS)
def test_page_costs_its_queries(browser: Browser, engine: Engine, shop: Shop, path: str) -> None:
    for device in "abcdefgh":
        row = shop.event(view(shop, device))
    here = (path if path == "/sites" else shop.here + path).format(profile=row.profile_id, event=row.id)
    browser.see("/settings")
    with counted(engine) as sent:
        browser.see(here)
    assert len(sent) == COSTS[path], sent
