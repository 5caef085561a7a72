"""Letters through providers' HTTP interfaces keep every promise that letters over SMTP do."""

import base64
import email
import json
from collections.abc import Iterator
from datetime import timedelta
from email import policy
from typing import Any

import dkim
import pytest

from connectors.mail import brevo, mailgun, postmark, sendgrid, ses
from email_campaigns.delivery import domains, ledger, senders, testing
from email_campaigns.delivery import engine as sending
from email_campaigns.delivery.transports import outside
from email_campaigns.delivery.transports.base import Outcome
from email_campaigns.letters import catalogue
from email_campaigns.letters import store as letters
from email_campaigns.tables import MailDomain, Transport
from foundation.clock import now
from foundation.database import transaction
from foundation.errors import Misconfigured
from kartoteka import posting
from tests.connectors.mail.letters import KINDS, PATHS, VALUES, provider, taking
from tests.email_campaigns.delivery.world import House, person
from tests.liar import Liar, answer, raw, reset

MODULES: dict[str, Any] = {
    "ses": ses, "mailgun": mailgun, "postmark": postmark, "sendgrid": sendgrid, "brevo": brevo,
}  # fmt: skip


@pytest.fixture
def far() -> Iterator[Liar]:
    """A server that plays all providers."""
    with provider() as server:
        for kind, module in MODULES.items():
            outside.offer(
                kind, lambda values, m=module: m.make(values, allow_private=True, address=server.url)
            )
        yield server
    posting.join()


@pytest.fixture
def by(house: House, far: Liar) -> Any:
    """Have the house's letters leave by a provider."""

    def switched(kind: str, **options: Any) -> House:
        with transaction(house.engine) as session:
            row = session.get_one(Transport, house.transport)
            row.kind = kind
            values = VALUES[kind] | {"connections": "1", "events_key": "secret"} | options
            senders.change_transport(session, house.sealer, row, values)
        return house

    return switched


def posted(far: Liar, kind: str) -> list[bytes]:
    """The bodies of what was handed over."""
    return [one[3] for one in far.requests if one[1] == PATHS[kind]]


@pytest.mark.parametrize("kind", KINDS)
def test_everybody_gets_one_and_the_row_has_the_providers_id(
    kind: str, by: Any, far: Liar, send: Any
) -> None:
    house = by(kind)
    house.crowd(12)
    house.plan()
    send()
    assert house.states() == {"accepted": 12}
    assert len(posted(far, kind)) == 12
    rows = house.rows()
    assert all(row.reply.startswith("20") and len(row.reply.split()) == 2 for row in rows)
    found = {
        row.id.hex: sum(row.id.hex.encode() in _plain(kind, one) for one in posted(far, kind)) for row in rows
    }
    assert set(found.values()) == {1}


def _plain(kind: str, body: bytes) -> bytes:
    """With our id readable: SES has it in a tag, all others as they are."""
    return body.replace(b"-", b"") if kind == "brevo" else body


@pytest.mark.parametrize("kind", KINDS)
def test_each_marketing_letter_can_be_unsubscribed_in_one_click(
    kind: str, by: Any, far: Liar, send: Any
) -> None:
    house = by(kind)
    house.crowd(1)
    house.plan()
    send()
    found = headers(kind, posted(far, kind)[0])
    assert found["List-Unsubscribe"].startswith("<https://crm.shop.example/m/u/")
    assert found["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


def headers(kind: str, body: bytes) -> dict[str, str]:
    """The headers that a provider was given."""
    if kind in ("ses", "mailgun"):
        return dict(email.message_from_bytes(bytes_of(kind, body), policy=policy.default).items())
    said = json.loads(body)
    return said.get("headers") or {one["Name"]: one["Value"] for one in said["Headers"]}


def bytes_of(kind: str, body: bytes) -> bytes:
    """The letter itself."""
    if kind == "ses":
        return base64.b64decode(json.loads(body)["Content"]["Raw"]["Data"])
    return body.partition(b"message/rfc822\r\n\r\n")[2].rpartition(b"\r\n--")[0]


@pytest.mark.parametrize("kind", ["ses", "mailgun"])
def test_our_signature_covers_the_pair_and_what_the_provider_rewrites_is_left_out(
    kind: str, by: Any, far: Liar, send: Any
) -> None:
    house = by(kind)
    house.crowd(1)
    house.plan()
    send()
    data = bytes_of(kind, posted(far, kind)[0])
    message = email.message_from_bytes(data)
    signatures = [" ".join(one.split()) for one in message.get_all("DKIM-Signature", [])]
    assert len(signatures) == (1 if kind == "ses" else 2)  # SES takes no second one
    for one in signatures:
        named = one.partition("h=")[2].partition(";")[0].replace(" ", "").lower().split(":")
        assert {"list-unsubscribe", "list-unsubscribe-post", "from", "to", "subject"} <= set(named)
        rewritten = {"message-id", "date"} & set(named)
        assert not rewritten if kind == "ses" else len(rewritten) == 2
    if kind == "ses":  # whatever it makes of these two, the signature still holds
        for name in ("Message-ID", "Date"):
            message.replace_header(name, "<0102@eu-central-1.amazonses.com>")
        data = message.as_bytes(policy=policy.compat32.clone(linesep="\r\n"))
    with transaction(house.engine) as session:
        row = session.get_one(MailDomain, "shop.example")
        texts = {
            f"{key.selector}._domainkey.shop.example.": domains.public(key)
            for key in domains.keys(house.sealer, row)
        }
    for number in range(len(signatures)):
        assert dkim.verify(data, dnsfunc=lambda name, **_: texts[name.decode()].encode()) or number


def test_what_is_put_together_anew_isnt_signed_by_us(by: Any, far: Liar, send: Any) -> None:
    house = by("postmark")
    house.crowd(1)
    house.plan()
    send()
    assert b"DKIM" not in posted(far, "postmark")[0]


@pytest.mark.parametrize("kind", KINDS)
def test_a_lost_answer_leaves_it_unknown_and_nobody_is_asked_twice(
    kind: str, by: Any, far: Liar, send: Any
) -> None:
    house = by(kind)
    far.on(PATHS[kind], reset, taking(kind))
    house.crowd(3)
    house.plan()
    send()
    sending.rest(house.engine)
    send()
    rows = house.rows("SELECT state, reason, count(*) FROM deliveries GROUP BY 1, 2 ORDER BY 1")
    assert ("unknown", "no_reply", 1) in [tuple(row) for row in rows]
    assert len(posted(far, kind)) == len(set(map(_who(kind), posted(far, kind))))


def _who(kind: str) -> Any:
    return lambda body: _plain(kind, body).partition(b"person")[2][:3] if kind != "ses" else body


@pytest.mark.parametrize("kind", KINDS)
def test_asked_to_wait_the_letter_is_put_off_and_the_others_go_back(
    kind: str, by: Any, far: Liar, send: Any, clock: Any
) -> None:
    house = by(kind)
    far.on(PATHS[kind], answer({}, 429, retry_after="1800"), taking(kind))
    house.crowd(5)
    house.plan()
    send()
    assert len(posted(far, kind)) == 1  # one was enough to know
    assert house.states() == {"deferred": 1, "planned": 4}
    late = house.rows("SELECT due_at, reason, attempts FROM deliveries WHERE state = 'deferred'")[0]
    assert late.reason == "busy" and late.due_at >= now() + timedelta(seconds=1800)
    failures, until = sending.post_of(house.engine).rests[house.transport]
    assert failures == 1 and until - clock.monotonic() >= 1700
    assert not house.rows("SELECT 1 FROM problems"), "to be asked once to wait is no problem yet"
    assert all(
        row.attempts == 0 for row in house.rows("SELECT attempts FROM deliveries WHERE state = 'planned'")
    )


def test_a_wait_is_never_longer_than_an_hour_and_never_shorter_than_ours(
    by: Any, far: Liar, send: Any, clock: Any
) -> None:
    house = by("brevo")
    for said, least, most in (("99999999", 3600, 3601), ("1", 300, 361)):
        far.on(PATHS["brevo"], answer({}, 503, retry_after=said))
        house.do("DELETE FROM deliveries")
        sending.rest(house.engine)
        house.people(person(1))
        house.plan()
        send()
        due = house.rows()[0].due_at
        assert now() + timedelta(seconds=least) <= due <= now() + timedelta(seconds=most)


def test_a_client_that_breaks_leaves_one_letter_unknown(by: Any, send: Any) -> None:
    class Broken:
        def send(self, *_all: object) -> Any:
            raise KeyError("MessageId")

        def close(self) -> None: ...

    house = by("brevo")
    outside.offer("brevo", lambda values: Broken())
    house.crowd(4)
    house.plan()
    send()
    assert house.states() == {"unknown": 1, "planned": 3}


def test_one_bad_address_fails_alone(by: Any, far: Liar, send: Any) -> None:
    house = by("postmark")

    def picky(handler: Any) -> None:
        gone = b"person1@" in far.requests[-1][3]
        (answer({"ErrorCode": 406, "Message": "inactive"}, 422) if gone else taking("postmark"))(handler)

    far.on(PATHS["postmark"], picky)
    house.crowd(4)
    house.plan()
    send()
    assert house.states() == {"accepted": 3, "failed": 1}
    assert house.reasons()["person1@mail1.example"] == "inactive"
    with transaction(house.engine) as session:
        assert ledger.again(session, house.step, "inactive") == 1


@pytest.mark.parametrize("kind", KINDS)
def test_a_refused_key_stops_the_transport_and_says_so(kind: str, by: Any, far: Liar, send: Any) -> None:
    house = by(kind)
    far.on(PATHS[kind], answer({"message": "Bad key", "Message": "Bad key"}, 401))
    house.crowd(4)
    house.plan()
    send()
    assert house.states() == {"planned": 4} and len(posted(far, kind)) == 1
    row = house.rows("SELECT state, reason FROM transports")[0]
    assert row.state == "paused" and "401" in row.reason and kind in row.reason
    assert [one.area for one in house.rows("SELECT area FROM problems WHERE state = 'open'")] == ["mail"]


def test_a_page_instead_of_an_answer_doesnt_send_it_again(by: Any, far: Liar, send: Any) -> None:
    house = by("sendgrid")
    far.on(PATHS["sendgrid"], raw(b"<html>gateway</html>", 504))
    house.crowd(1)
    house.plan()
    send()
    assert house.states() == {"unknown": 1}


def test_a_test_letter_says_what_the_provider_says(by: Any, far: Liar) -> None:
    house = by("sendgrid")
    with transaction(house.engine) as session:
        version = letters.version(session, house.version)

    def sent() -> Outcome:
        return testing.test_send(
            house.engine, version, "en", catalogue.example(), house.sender, "olga@example.org"
        )

    assert sent().state == "accepted"
    far.on(PATHS["sendgrid"], answer({"errors": [{"message": "The key was revoked"}]}, 401))
    with pytest.raises(Misconfigured, match="key was revoked"):
        sent()
    far.on(PATHS["sendgrid"], answer({}, 504))
    assert sent().state == "unknown"
    assert sorted(house.states().items()) == [("accepted", 1), ("failed", 1), ("unknown", 1)]
