"""What each provider is sent, and what each of its answers means for the letter."""

import base64
import html
import json
import time
from email import policy
from email.parser import BytesParser
from typing import Any

import pytest

from connectors.mail.calls import Said
from foundation.errors import Misconfigured
from tests.connectors.mail.letters import (
    ID,
    KINDS,
    MODULES,
    PATHS,
    UNSUBSCRIBE,
    VALUES,
    client,
    letter,
    provider,
)
from tests.liar import Liar, answer, liar, raw, reset, short, silent

PAIR = {"List-Unsubscribe": f"<{UNSUBSCRIBE}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}


def sent(kind: str, server: Liar, data: bytes = b"", **options: str) -> Said:
    made = client(kind, server.url, **options)
    try:
        return made.send(ID, "b+tok@shop.example", "anna@example.org", data or letter())  # type: ignore[return-value]
    finally:
        made.close()


@pytest.fixture(scope="module")
def server() -> Any:
    with provider() as running:
        yield running


@pytest.fixture
def taken(server: Liar) -> Liar:
    server.requests.clear()
    return server


def body(server: Liar) -> Any:
    return json.loads(server.requests[-1][3])


@pytest.mark.parametrize("kind", KINDS)
def test_a_letter_is_taken_and_its_id_is_kept(kind: str, taken: Liar) -> None:
    said = sent(kind, taken)
    assert said.state == "accepted" and said.reference
    assert [one[:2] for one in taken.requests] == [("POST", PATHS[kind])]


@pytest.mark.parametrize("kind", ["ses", "mailgun"])
def test_bytes_arrive_as_they_are(kind: str, taken: Liar) -> None:
    sent(kind, taken)
    raw_body = taken.requests[-1][3]
    if kind == "ses":
        raw_body = base64.b64decode(body(taken)["Content"]["Raw"]["Data"])
        assert raw_body == letter()
        assert body(taken)["Destination"] == {"ToAddresses": ["anna@example.org"]}
        assert body(taken)["EmailTags"] == [{"Name": "delivery", "Value": ID}]
    else:
        kind_of = taken.requests[-1][2]["content-type"]
        form = BytesParser(policy=policy.HTTP).parsebytes(
            f"Content-Type: {kind_of}\r\n\r\n".encode() + raw_body
        )
        fields = {part.get_param("name", header="content-disposition"): part for part in form.iter_parts()}  # type: ignore[union-attr,attr-defined]
        assert letter() in raw_body
        assert fields["to"].get_payload(decode=True) == b"anna@example.org"
        assert fields["v:delivery"].get_payload(decode=True) == ID.encode()
        assert fields["o:tracking-clicks"].get_payload(decode=True) == b"no"


@pytest.mark.parametrize("kind", ["postmark", "sendgrid", "brevo"])
def test_parts_arrive_whole(kind: str, taken: Liar) -> None:
    sent(kind, taken)
    said = body(taken)
    texts = {
        "postmark": lambda: (said["Subject"], said["TextBody"], said["HtmlBody"], said["ReplyTo"]),
        "sendgrid": lambda: (
            said["subject"], said["content"][0]["value"], said["content"][1]["value"],
            said["reply_to"]["email"],
        ),
        "brevo": lambda: (
            said["subject"], said["textContent"], said["htmlContent"], said["replyTo"]["email"]
        ),
    }[kind]()  # fmt: skip
    assert texts[0] == "Новости для Ани"
    assert texts[1].replace("\r\n", "\n") == "Dear Ани,\n.\nbye\n"
    assert " ".join(html.unescape(texts[2]).split()) == '<p style="x">Dear Ани & co</p>'
    assert texts[3] == "help@shop.example"
    assert "Shop" in json.dumps(said) and "news@shop.example" in json.dumps(said)
    assert "b=abc" not in json.dumps(said)  # our signature doesn't fit what they make of it


@pytest.mark.parametrize("kind", ["postmark", "sendgrid", "brevo"])
def test_unsubscribing_in_one_click_stays_in_the_headers(kind: str, taken: Liar) -> None:
    sent(kind, taken)
    said = body(taken)
    found = said.get("headers") or {one["Name"]: one["Value"] for one in said["Headers"]}
    assert PAIR.items() <= found.items()
    assert found["Feedback-ID"] == "m1:marketing:shop.example" and found["List-Id"] == "<news.shop.example>"
    assert found["Message-ID"] == f"<{ID}@shop.example>"
    assert not {"from", "to", "subject", "reply-to", "content-type"} & {name.lower() for name in found}


def test_our_id_and_nothing_of_theirs_is_in_it(taken: Liar) -> None:
    sent("postmark", taken)
    assert body(taken)["Metadata"] == {"delivery": ID} and body(taken)["MessageStream"] == "broadcast"
    assert (body(taken)["TrackOpens"], body(taken)["TrackLinks"]) == (False, "None")
    sent("sendgrid", taken)
    assert body(taken)["custom_args"] == {"delivery": ID}
    off = body(taken)["tracking_settings"]
    assert not any(one.get("enable") for one in off.values()) and len(off) == 4
    sent("brevo", taken)
    headers = body(taken)["headers"]
    assert headers["X-Mailin-custom"] == ID and headers["idempotencyKey"].replace("-", "") == ID


def test_the_same_letter_has_the_same_key_every_time(taken: Liar) -> None:
    sent("brevo", taken)
    sent("brevo", taken, letter("Other"))
    first, second = (json.loads(one[3])["headers"]["idempotencyKey"] for one in taken.requests)
    assert first == second


def test_a_configuration_set_is_named_where_there_is_one(taken: Liar) -> None:
    sent("ses", taken)
    assert "ConfigurationSetName" not in body(taken)
    sent("ses", taken, configuration_set="events")
    assert body(taken)["ConfigurationSetName"] == "events"


@pytest.mark.parametrize(
    ("kind", "header", "begins"),
    [
        ("ses", "authorization", "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/"),
        ("mailgun", "authorization", "Basic "),
        ("postmark", "x-postmark-server-token", "f00df00d-cafe"),
        ("sendgrid", "authorization", "Bearer SG."),
        ("brevo", "api-key", "xkeysib-"),
    ],
)
def test_the_key_is_shown(kind: str, header: str, begins: str, taken: Liar) -> None:
    sent(kind, taken)
    assert taken.requests[-1][2][header].startswith(begins)


def bad(kind: str, code: Any, message: str) -> Any:
    """A refusal as the provider writes it."""
    return {
        "ses": {"message": message, "code": code},
        "mailgun": {"message": message},
        "postmark": {"ErrorCode": code, "Message": message},
        "sendgrid": {"errors": [{"message": message, "field": code}]},
        "brevo": {"code": code, "message": message},
    }[kind]


REFUSALS = [
    ("ses", 400, bad("ses", "BadRequestException", "Missing final '@domain'"), "refused", "refused"),
    ("ses", 400, bad("ses", "MessageRejected", "Spam"), "refused", "content"),
    ("ses", 400, bad("ses", "MessageRejected", "Email address is not verified."), "stopped", ""),
    ("ses", 400, bad("ses", "AccountSuspendedException", "shut down"), "stopped", ""),
    ("ses", 400, bad("ses", "LimitExceededException", "Daily quota"), "busy", ""),
    ("ses", 403, bad("ses", "InvalidSignatureException", "wrong"), "stopped", ""),
    ("mailgun", 400, bad("mailgun", "", "'to' parameter is not a valid address."), "refused", "refused"),
    ("mailgun", 400, bad("mailgun", "", "'from' parameter is not a valid address."), "stopped", ""),
    ("mailgun", 404, bad("mailgun", "", "Domain not found"), "stopped", ""),
    ("postmark", 422, bad("postmark", 406, "marked as inactive"), "refused", "inactive"),
    ("postmark", 422, bad("postmark", 300, "Invalid 'To' address: 'x'."), "refused", "refused"),
    ("postmark", 422, bad("postmark", 300, "Invalid 'From' address: 'x'."), "stopped", ""),
    ("postmark", 422, bad("postmark", 400, "No sender signature"), "stopped", ""),
    ("postmark", 200, bad("postmark", 406, "marked as inactive"), "refused", "inactive"),
    ("postmark", 401, bad("postmark", 10, "No token"), "stopped", ""),
    ("sendgrid", 400, bad("sendgrid", "personalizations.0.to.0.email", "no address"), "refused", "refused"),
    ("sendgrid", 400, bad("sendgrid", "content.1.value", "is required"), "refused", "content"),
    ("sendgrid", 400, bad("sendgrid", "from.email", "not verified"), "stopped", ""),
    ("sendgrid", 403, bad("sendgrid", "from", "no Sender Identity"), "stopped", ""),
    ("brevo", 400, bad("brevo", "invalid_parameter", "email is not valid in to"), "refused", "refused"),
    ("brevo", 400, bad("brevo", "invalid_parameter", "sender is not valid"), "stopped", ""),
    ("brevo", 402, bad("brevo", "not_enough_credits", "no credits"), "stopped", ""),
    *((kind, 413, bad(kind, 1, "big"), "refused", "too_big") for kind in KINDS),
    *((kind, 401, bad(kind, 1, "no"), "stopped", "") for kind in KINDS),
    *((kind, 500, bad(kind, 1, "oops"), "busy", "") for kind in KINDS),
    *((kind, 503, bad(kind, 1, "oops"), "busy", "") for kind in KINDS),
    *((kind, 502, bad(kind, 1, "oops"), "lost", "") for kind in KINDS),
    *((kind, 504, bad(kind, 1, "oops"), "lost", "") for kind in KINDS),
    *((kind, 302, bad(kind, 1, "elsewhere"), "stopped", "") for kind in KINDS),
]


@pytest.mark.parametrize(("kind", "status", "said", "state", "about"), REFUSALS)
def test_what_a_refusal_means(kind: str, status: int, said: Any, state: str, about: str, taken: Liar) -> None:
    with liar() as server:
        server.on(PATHS[kind], answer(said, status))
        found = sent(kind, server)
        assert len(server.requests) == 1  # whatever it says, nobody asks twice
    assert found.state == state and (not about or found.about == about)
    if state != "busy":
        assert found.words


@pytest.mark.parametrize("kind", KINDS)
def test_a_wait_is_taken_over_and_capped(kind: str) -> None:
    with liar() as server:
        server.on(PATHS[kind], answer({}, 429, retry_after="7"), answer({}, 429, retry_after="999999"),
                  answer({}, 429))  # fmt: skip
        waits = [sent(kind, server) for _turn in range(3)]
    assert [one.state for one in waits] == ["busy"] * 3
    assert [one.wait for one in waits] == [7.0, 3600.0, None]


def test_waits_in_the_providers_own_headers(clock: Any) -> None:
    later = str(int(clock.now().timestamp()) + 30)
    with liar() as server:
        server.on(PATHS["sendgrid"], answer({}, 429, x_ratelimit_reset=later))
        server.on(PATHS["brevo"], answer({}, 429, x_sib_ratelimit_reset="12"))
        assert sent("sendgrid", server).wait == 30.0
        assert sent("brevo", server).wait == 12.0
        server.on(PATHS["brevo"], answer({}, 429, x_sib_ratelimit_reset="-1e9"))
        assert sent("brevo", server).wait is None


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("act", [short, reset, silent])
def test_without_an_answer_the_letter_is_lost(kind: str, act: Any) -> None:
    with liar() as server:
        server.on(PATHS[kind], act)
        made = client(kind, server.url)
        made.http._deadline = 0.4  # type: ignore[attr-defined]
        began = time.monotonic()
        assert made.send(ID, "a@shop.example", "anna@example.org", letter()).state == "lost"
        assert time.monotonic() - began < 3 and len(server.requests) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_what_never_left_is_unsent(kind: str) -> None:
    with liar() as server:
        address = server.url
    made = client(kind, address)  # nobody listens there any more
    assert made.send(ID, "a@shop.example", "anna@example.org", letter()).state == "unsent"


@pytest.mark.parametrize("kind", KINDS)
def test_a_private_address_is_never_called(kind: str) -> None:
    with liar() as server:
        made = MODULES[kind].make(VALUES[kind], address=server.url.replace("http:", "https:"))
        with pytest.raises(Misconfigured, match="private"):
            made.send(ID, "a@shop.example", "anna@example.org", letter())
        assert not server.requests


def test_an_accepted_letter_stays_so_when_the_words_are_no_json() -> None:
    with liar() as server:
        for kind in KINDS:
            server.on(PATHS[kind], raw(b"<html>thanks</html>"))
            assert sent(kind, server).state == "accepted"
