"""What shops' pages load and ask: the snippet, the hand-over between a company's sites, the visitor."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from customers.segments import lists
from customers.segments import pages as segment_pages
from customers.segments import store as segments
from foundation.database import transaction
from web_capture import handover, sites

ORIGIN = {"origin": "https://shop.example"}


def test_snippet_carries_the_sites_settings(pages):
    answer = pages.client.get(f"/k/{pages.site_key}.js", headers={"accept-encoding": "identity"})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert pages.write_key in answer.text
    assert '"to":"http://localhost"' in answer.text
    assert pages.secret_key not in answer.text


def test_snippet_is_compressed_and_kept(pages):
    address = f"/k/{pages.site_key}.js"
    first = pages.client.get(address, headers={"accept-encoding": "gzip, deflate, br"})
    assert first.headers["content-encoding"] == "br"
    assert first.headers["cache-control"] == "public, max-age=300"
    again = pages.client.get(address, headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    packed = pages.client.get(address, headers={"accept-encoding": "gzip"})
    assert packed.headers["content-encoding"] == "gzip"


def test_snippet_follows_the_settings(pages, engine):
    address = f"/k/{pages.site_key}.js"
    before = pages.client.get(address)
    with transaction(engine) as session:
        sites.change(session, sites.find(session, pages.id), {"consent": "wait", "capture": False})
    after = pages.client.get(address)
    assert after.headers["etag"] != before.headers["etag"]
    assert '"consent":"wait"' in after.text
    assert '"capture":false' in after.text


@pytest.mark.parametrize("key", ["nothing", "..%2f..", "%00"])
def test_unknown_snippet_is_not_there(pages, key):
    assert pages.client.get(f"/k/{key}.js").status_code == 404


def test_visitor_is_handed_to_a_sister_site(pages, engine, sealer):
    with transaction(engine) as session:
        sister, keys = sites.add(session, sealer, "outlet.example")
        assert sites.sisters(session, sites.find(session, pages.id)) == ["outlet.example"]
        assert sister.domain == "outlet.example"
    given = pages.client.post(
        "/v1/handover", json={"writeKey": pages.write_key, "anonymousId": "a device"}, headers=ORIGIN
    )
    token = given.json()["token"]
    assert "a device" not in token
    there = {"origin": "https://outlet.example"}
    taken = pages.client.post(
        "/v1/handover", json={"writeKey": keys.write_key, "token": token}, headers=there
    )
    assert taken.json() == {"anonymousId": "a device"}
    assert taken.headers["access-control-allow-origin"] == "https://outlet.example"


def test_token_is_good_for_two_minutes(sealer, clock):
    token = handover.make_token(sealer, "d 1", "1.2.3.4")
    clock.advance(timedelta(seconds=119))
    assert handover.open_token(sealer, token, "1.2.3.4") == "d 1"
    clock.advance(timedelta(seconds=2))
    assert handover.open_token(sealer, token, "1.2.3.4") is None


def test_token_is_no_good_elsewhere(sealer):
    token = handover.make_token(sealer, "d1", "1.2.3.4")
    assert handover.open_token(sealer, token, "5.6.7.8") is None
    assert handover.open_token(sealer, token, "") is None


def test_other_sealed_things_are_no_tokens(sealer):
    assert handover.open_token(sealer, sealer.seal("sk_secret 99999999999 - d1"), "") is None
    assert handover.open_token(sealer, sealer.seal("nonsense"), "") is None
    assert handover.open_token(sealer, "nonsense", "") is None


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        ({"writeKey": "nonsense", "anonymousId": "d1"}, ORIGIN, 403),
        ({"anonymousId": "d1"}, ORIGIN, 403),
        ({"anonymousId": "d1"}, {"origin": "https://evil.example"}, 403),
        ({}, ORIGIN, 400),
        ({"anonymousId": "x" * 101}, ORIGIN, 400),
        ({"token": "nonsense"}, ORIGIN, 410),
        ([], ORIGIN, 400),
    ],
)
def test_bad_hand_over_is_refused(pages, body, headers, status):
    if status != 403 or headers["origin"].endswith("evil.example"):
        body = {**body, "writeKey": pages.write_key} if isinstance(body, dict) else body
    else:
        body = {"writeKey": "unknown", **body}
    assert pages.client.post("/v1/handover", json=body, headers=headers).status_code == status


def test_page_learns_of_its_own_cart(pages, rows):
    added = {"product_id": "7", "name": "Kettle", "price": 100, "quantity": 2, "currency": "KZT"}
    pages.say("track", anonymousId="d1", event="Product Added", properties=added)
    rows("SELECT 1")
    answer = pages.client.get(f"/v1/visitor?site={pages.site_key}&id=d1", headers=ORIGIN)
    assert answer.headers["cache-control"] == "private, max-age=15"
    assert answer.headers["access-control-allow-origin"] == "https://shop.example"
    known = answer.json()
    assert known["cart"]["items"] == 2
    assert (known["visits"]["count"], known["returning"], known["offers"]) == (1, False, [])


def test_page_learns_nothing_of_a_claimed_person(pages, rows):
    pages.say("identify", userId="7", anonymousId="hers", traits={"email": "anna@p.kz"}, secret=True)
    pages.say("track", anonymousId="hers", event="Product Added", properties={"product_id": "7"})
    pages.say("identify", anonymousId="evil", userId="7", traits={"email": "anna@p.kz"})
    rows("SELECT 1")
    answer = pages.client.get(f"/v1/visitor?site={pages.site_key}&id=evil", headers=ORIGIN)
    assert answer.json()["cart"] is None
    assert "anna" not in answer.text


@pytest.fixture
def known(engine, rows):
    """Makes a list that pages may know, or may not, with everybody on it who has this user id."""

    def make(name, *users, pages=True):
        with transaction(engine) as session:
            made = segments.make_list(session, name, "olga@example.org")
            segment_pages.tell(session, made, pages)
            query = "SELECT customer_id FROM profiles WHERE external_id = ANY(:users)"
            found = session.scalars(text(query), {"users": list(users)}).all()
            lists.add(session, made, found, "olga@example.org")
        rows("SELECT 1")

    return make


def segments_of(pages, device):
    answer = pages.client.get(f"/v1/visitor?site={pages.site_key}&id={device}", headers=ORIGIN)
    return [one["name"] for one in answer.json()["segments"]]


def test_page_learns_of_segments_that_are_open_to_it(pages, rows, known):
    pages.say("identify", userId="7", anonymousId="hers", traits={"email": "anna@p.kz"}, secret=True)
    rows("SELECT 1")
    known("VIP", "7"), known("Owes us money", "7", pages=False), known("Others")
    assert segments_of(pages, "hers") == ["VIP"]
    pages.say("identify", anonymousId="evil", userId="7", traits={"email": "anna@p.kz"})
    rows("SELECT 1")
    assert segments_of(pages, "evil") == []


def test_device_of_two_people_is_in_no_segment(pages, rows, known):
    for user in ("7", "8"):
        pages.say("identify", userId=user, anonymousId="d", traits={"email": f"{user}@p.kz"}, secret=True)
    rows("SELECT 1")
    known("VIP", "7")
    assert segments_of(pages, "d") == []


def test_cart_without_a_device_is_nobodys(pages, rows):
    added = {"product_id": "7", "quantity": 1}
    pages.say("track", userId="7", event="Product Added", properties=added, secret=True)
    rows("SELECT 1")
    assert pages.client.get(f"/v1/visitor?site={pages.site_key}").json()["cart"] is None


@pytest.mark.parametrize("device", ["", "unknown", "%00", "x" * 5_000])
def test_unknown_visitor_has_nothing(pages, device):
    known = pages.client.get(f"/v1/visitor?site={pages.site_key}&id={device}").json()
    assert (known["cart"], known["visits"]["count"]) == (None, 0)


def test_other_pages_may_not_read_it(pages):
    headers = {"origin": "https://evil.example"}
    answer = pages.client.get(f"/v1/visitor?site={pages.site_key}&id=d1", headers=headers)
    assert "access-control-allow-origin" not in answer.headers
    assert pages.client.get("/v1/visitor?site=nothing&id=d1").status_code == 404
