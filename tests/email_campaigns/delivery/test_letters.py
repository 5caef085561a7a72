"""A letter as it leaves: signed twice, rid of in one click, every link ours, nothing left to fill in."""

import email
import re
from email import policy
from uuid import UUID

import dkim
import pytest

from email_campaigns import secret, tokens
from email_campaigns.delivery import domains
from email_campaigns.delivery import engine as sending
from email_campaigns.tables import MailDomain
from foundation.database import transaction
from tests.email_campaigns.delivery.test_mime import fits, parsed
from tests.email_campaigns.delivery.world import build, person

ONE_CLICK = {"list-unsubscribe", "list-unsubscribe-post"}
SIGNED = {"from", "to", "subject", "date", "message-id"}


@pytest.fixture
def published(house):
    """What DNS says of the domain's keys."""
    with transaction(house.engine) as session:
        row = session.get_one(MailDomain, "shop.example")
        found = {one.name: one.value for one in domains.records(house.sealer, row, ["mx.shop.example"])}
    return lambda name, timeout=5: found.get(name.decode().rstrip("."), "").encode()


@pytest.fixture
def letters(house, box, send, clock):
    """Send to these people; answers what the server took."""

    def sent(*people, **options):
        house.people(*people)
        house.plan(**options)
        send()
        return box.taken

    return sent


@pytest.mark.parametrize("name", ["Anna", "Анна-Мария Оглы", "김민수", "=?utf-8?q?x?=", "x" * 300])
def test_both_signatures_hold(letters, published, name):
    (taken,) = letters(person(1, given_name=name))
    fits(taken.data)
    signatures = re.findall(rb"DKIM-Signature: .*?(?=\r\n\S)", taken.data, re.S)
    assert [re.search(rb"a=([\w-]+)", one)[1] for one in signatures] == [b"rsa-sha256", b"ed25519-sha256"]
    for index in (0, 1):
        assert dkim.DKIM(taken.data).verify(idx=index, dnsfunc=published)
    broken = taken.data.replace(b"Subject: ", b"Subject: x", 1)
    assert not dkim.DKIM(broken).verify(dnsfunc=published)


@pytest.mark.parametrize("header", [b"Subject: other\r\n", b"From: fake@fake.example\r\n",
b"Reply-To: fake@fake.example\r\n",
                                    b"List-Unsubscribe: <https://fake.example>\r\n",
                                    b"Cc: x@fake.example\r\n"])  # fmt: skip
def test_no_header_can_be_added_on_the_way(letters, published, header):
    (taken,) = letters(person(1))
    for index in (0, 1):
        for forged in (header + taken.data, taken.data.replace(b"\r\n\r\n", b"\r\n" + header + b"\r\n", 1)):
            assert not dkim.DKIM(forged).verify(idx=index, dnsfunc=published)


def test_marketing_has_a_signed_pair_for_one_click(house, letters, session):
    (taken,) = letters(person(1), topic="News & offers")
    message = parsed(taken.data)
    (url,) = re.findall(r"<(https://crm\.shop\.example/m/u/[\w-]+)>", message["List-Unsubscribe"])
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    delivery = house.rows()[0].id
    key = secret.token_key(session, house.sealer)
    assert tokens.read(key, "unsubscribe", url.rpartition("/")[2]) == (delivery, 0)
    for signature in message.get_all("DKIM-Signature"):
        named = re.sub(r"\s", "", re.search(r"h=([^;]+)", signature)[1]).split(":")
        assert set(named) >= ONE_CLICK | SIGNED
        assert named.count("from") == 2
    assert message["List-Id"] == "<news---offers.shop.example>"
    assert message["Feedback-ID"] == f"{house.mailing}:marketing:shop.example"
    assert message["Auto-Submitted"] is None


def test_what_was_ordered_has_no_list_headers(letters):
    (taken,) = letters(person(1), purpose="transactional", step="receipt:a:1:1:1")
    message = parsed(taken.data)
    assert message["List-Unsubscribe"] is None
    assert message["List-Unsubscribe-Post"] is None
    assert message["Auto-Submitted"] == "auto-generated"


def test_a_letter_is_whole(house, letters, session):
    (taken,) = letters(person(1))
    message = parsed(taken.data)
    delivery = house.rows()[0].id
    assert message["Message-ID"] == f"<{UUID(str(delivery)).hex}@shop.example>"
    assert message["From"].addresses[0].addr_spec == "news@shop.example"
    assert message["To"] == "person1@mail1.example"
    assert message["Subject"] == "News for Person1" == house.rows()[0].subject
    plain, html = (part.get_content() for part in message.iter_parts())
    assert "Dear Person1" in plain
    assert "Dear Person1" in html
    key = secret.token_key(session, house.sealer)
    for said in (plain, html):
        assert "{{" not in said
        assert "shop.example/a" not in said
        links = re.findall(r"https?://[^\s\"<>]+?(?=[\s\"<>,.)]*(?:[\s\"<>]|$))", said)
        assert len(links) >= 5
        for url in links:
            if "w3.org" in url:
                continue
            found = re.fullmatch(r"https://crm\.shop\.example/m/([coupv])/([\w-]+)", url)
            kind = {"c": "click", "o": "open", "u": "unsubscribe", "p": "preferences", "v": "view"}[found[1]]
            assert tokens.read(key, kind, found[2])[0] == delivery
    leads = {row.url for row in house.rows("SELECT url FROM letter_links")}
    assert leads == {"https://shop.example/a?x=1&y=2", "https://shop.example/buy"}


def test_the_return_path_names_the_delivery(house, letters, session, box):
    house.do("SELECT 1")
    (taken,) = letters(person(1))
    assert taken.sender == "news@shop.example"


def test_with_a_bounce_mailbox_it_carries_a_token(
    engine, sealed_context, sealer, server, send, clock, session
):
    house = build(engine, sealer, server[1], bounces="bounces@shop.example")
    house.people(person(1))
    house.plan()
    send()
    local, _at, domain = server[0].taken[0].sender.rpartition("@")
    assert domain == "shop.example"
    assert len(local) <= 64
    key = secret.token_key(session, sealer)
    assert tokens.read(key, "return", local.removeprefix("bounces+")) == (house.rows()[0].id, 0)
    sending.rest(engine)


def test_strangers_values_make_no_headers_and_no_tags(letters):
    evil = "Eve\r\nBcc: all@evil.example\r\n\r\n<script>alert(1)</script>"
    (taken,) = letters(person(1, given_name=evil))
    message = email.message_from_bytes(taken.data, policy=policy.strict)
    assert message["Bcc"] is None
    html = list(message.iter_parts())[1].get_content()
    assert "<script" not in html
