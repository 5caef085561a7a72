"""Letters in the console: the inbox, a conversation, its files, and the answer from the card."""

import re
from collections.abc import Iterator
from datetime import timedelta
from email import policy
from email.parser import BytesParser
from uuid import UUID

import pytest
from sqlalchemy import Engine, text

from email_campaigns import suppression
from email_campaigns.delivery import engine as sending
from email_campaigns.delivery import senders
from foundation import context
from foundation.context import Context
from foundation.database import transaction
from foundation.sealing import Sealer
from foundation.settings import Settings
from tests.console.conftest import Browser
from tests.console.corresponding import FILES, Post, letter
from tests.console.test_hostile import PAYLOADS, shape
from tests.console.test_queries import counted
from tests.email_campaigns.delivery.mailserver import Behaviour, mail_server
from tests.mailbox import ARRIVED


@pytest.fixture
def box() -> Iterator[tuple[Behaviour, int]]:
    with mail_server() as running:
        yield running


@pytest.fixture
def post(engine: Engine, settings: Settings, sealer: Sealer, box: tuple[Behaviour, int]) -> Iterator[Post]:
    """A mailbox, Anna of the shop, and a sender for answers."""
    context.use(Context(settings, sealer))
    made = Post(engine, sealer)
    made.know()
    with transaction(engine) as session:
        values = {"host": "127.0.0.1", "port": str(box[1]), "security": "none"}
        via = senders.add_transport(session, sealer, "Server", "smtp", values)
        senders.add(session, sealer, "Shop", "shop@example.org", via)
    yield made
    sending.rest(engine)
    context.use(None)


def thread(engine: Engine) -> UUID:
    with engine.connect() as db:
        return db.execute(text("SELECT id FROM mail_threads ORDER BY last_at DESC")).scalar_one()


def form(page: str) -> dict[str, str]:
    """The answer's fields as the page gives them."""
    found = dict(re.findall(r'<input type="hidden" name="(letter|key)" value="([^"]+)"', page))
    sender = re.search(r'<select id="f-sender" name="sender">\s*<option value="([^"]+)"', page)
    subject = re.search(r'name="subject" type="text" value="([^"]+)"', page)
    assert sender and subject
    return found | {"sender": sender[1], "subject": subject[1], "to": "anna@example.org"}


def test_the_inbox_shows_who_waits(browser: Browser, post: Post, engine: Engine) -> None:
    post.bring(letter(), letter("Zoe <zoe@far.example>", "Hello", Auto_Submitted="auto-replied"))
    page = browser.see("/inbox")
    assert "Anna Petrova" in page and "A question" in page and "zoe" not in page
    assert "Automatic" in page and "Hello" in browser.see("/inbox?show=automatic")
    assert "zoe" in browser.see("/inbox?show=automatic").lower()


def test_letters_of_nobody_are_found(browser: Browser, post: Post, engine: Engine) -> None:
    post.bring(letter("stranger@far.example", "Who are you"))
    assert "Who are you" in browser.see("/inbox?show=nobody")
    assert "on nobody's card" in browser.see(f"/inbox/{thread(engine)}").replace("&#39;", "'")


def test_the_card_has_its_conversations(browser: Browser, post: Post, engine: Engine) -> None:
    post.bring(letter())
    with engine.connect() as db:
        card = db.execute(text("SELECT id FROM customers WHERE live")).scalar_one()
    assert "A question" in browser.see(f"/customers/{card}?tab=letters")
    line = browser.see(f"/customers/{card}?kind=letter")
    assert "Wrote to us" in line and f"/inbox/{thread(engine)}" in line and "Where is it?" in line


def test_an_answer_leaves_once_and_in_its_thread(
    browser: Browser, post: Post, engine: Engine, box: tuple[Behaviour, int]
) -> None:
    post.bring(letter(Message_ID="<first@example.org>"))
    here = f"/inbox/{thread(engine)}"
    fields = form(browser.see(here)) | {"text": "It comes tomorrow.\r\nЗавтра."}
    browser.submit(here, **fields)
    browser.submit(here, **fields)  # a second click
    while sending.send(engine):
        pass
    [taken] = box[0].taken
    message = BytesParser(policy=policy.default).parsebytes(taken.data)
    assert (message["In-Reply-To"], message["References"]) == ("<first@example.org>", "<first@example.org>")
    assert message["Subject"] == "Re: A question" and message["To"] == "anna@example.org"
    body = message.get_content().replace("\r\n", "\n")
    assert body.startswith("It comes tomorrow.\nЗавтра.") and "> Where is it?" in body
    assert "/m/" not in body and message.get_content_type() == "text/plain"
    page = browser.see(here)
    assert "It comes tomorrow." in page and "accepted" in page and "waits" not in page
    with engine.connect() as db:
        assert db.execute(text("SELECT count(*) FROM deliveries")).scalar() == 1


def test_the_answer_to_an_answer_joins_the_thread(
    browser: Browser, post: Post, engine: Engine, box: tuple[Behaviour, int]
) -> None:
    post.bring(letter(Message_ID="<first@example.org>"))
    here = f"/inbox/{thread(engine)}"
    browser.submit(here, **form(browser.see(here)), text="Tomorrow.")
    while sending.send(engine):
        pass
    ours = BytesParser(policy=policy.default).parsebytes(box[0].taken[0].data)["Message-ID"]
    post.bring(letter(subject="Re: A question", body="Thank you", Message_ID="<2@x.example>",
                      In_Reply_To=ours), at=ARRIVED + timedelta(days=300))  # fmt: skip
    assert "Thank you" in browser.see(here)
    with engine.connect() as db:
        kinds = db.execute(text("SELECT kind FROM timeline WHERE kind LIKE 'letter.%' ORDER BY id"))
        assert list(kinds.scalars()) == ["letter.received", "letter.sent", "letter.replied"]


def test_what_stands_in_the_way_is_said(browser: Browser, post: Post, engine: Engine) -> None:
    post.bring(letter())
    here = f"/inbox/{thread(engine)}"
    fields = form(browser.see(here))
    assert "Write something first" in browser.submit(here, 422, **fields, text=" ").text
    elsewhere = fields | {"to": "evil@x.example"}
    assert "kept text" in browser.submit(here, 422, **elsewhere, text="kept text").text
    browser.submit(here, **fields, text="One")
    assert "left from this page already" in browser.submit(here, 422, **fields, text="Two").text
    with transaction(engine) as session:
        suppression.add(session, "anna@example.org", "complaint")
    fields = form(browser.see(here))
    assert "suppression list" in browser.submit(here, 422, **fields, text="Three").text


def test_a_letter_that_needs_no_answer(browser: Browser, post: Post, engine: Engine) -> None:
    post.bring(letter(body="Thank you!"))
    here = f"/inbox/{thread(engine)}"
    assert "Needs no answer" in browser.see(here)
    browser.submit(f"{here}/settle")
    assert "Needs no answer" not in browser.see(here)
    assert "Thank you" not in browser.see("/inbox") and "Thank you" in browser.see("/inbox?show=all")
    browser.submit("/inbox/00000000-0000-0000-0000-000000000000/settle", 404)


def test_files_are_saved_never_shown(browser: Browser, post: Post, engine: Engine) -> None:
    post.bring(FILES)
    page = browser.see(f"/inbox/{thread(engine)}")
    paths = re.findall(r'href="(/inbox/[^"]+/files/[^"]+)"', page)
    assert len(paths) == 2 and "cup.png" in page and "may be dangerous" in page and "../" not in page
    picture, page_ = (browser.get(path) for path in paths)
    assert picture.content.startswith(b"\x89PNG")
    for answer in (picture, page_):
        assert answer.headers["content-type"] == "application/octet-stream"
        assert answer.headers["content-disposition"].startswith("attachment; filename=")
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "sandbox" in answer.headers["content-security-policy"]
    assert ".html.blocked" in page_.headers["content-disposition"]
    assert browser.get(paths[0].rpartition("/")[0] + "/99").status_code == 404


@pytest.mark.parametrize("payload", PAYLOADS)
def test_letters_of_strangers_run_nothing(browser: Browser, post: Post, engine: Engine, payload: str) -> None:
    line = " ".join(payload.split())
    raw = letter(f'"{line}" <anna@example.org>', line, "BODY", Reply_To=f'"{line}" <e@x.example>')
    post.bring(raw.replace(b"BODY", payload.encode("utf-8", "replace")))
    with engine.connect() as db:
        card = db.execute(text("SELECT id FROM customers WHERE live")).scalar_one()
    for path in (f"/inbox/{thread(engine)}", "/inbox?show=all", "/", f"/customers/{card}?tab=letters",
                 f"/customers/{card}?kind=letter"):  # fmt: skip
        found = shape(browser.see(path))
        assert not found.bad, (path, found.bad)
        assert not set(found.tags) & {"iframe", "img", "style", "base", "math", "object", "embed"}
        assert found.tags.get("script", 0) == 1, path


@pytest.mark.parametrize(("before", "status"), [("x", 422), ("%00", 200), ("A" * 900, 422), ("MXwy", 422)])
def test_places_that_are_none(browser: Browser, post: Post, before: str, status: int) -> None:
    assert browser.get(f"/inbox?show=nonsense&before={before}").status_code == status


@pytest.mark.parametrize("path", ["/inbox/x", "/inbox/00000000-0000-0000-0000-000000000000"])
def test_threads_that_are_none(browser: Browser, path: str) -> None:
    assert browser.get(path).status_code == 404


def test_one_page_costs_few_queries(browser: Browser, post: Post, engine: Engine) -> None:
    post.bring(*(letter(body=f"Nr {n}", Message_ID=f"<{n}@x.example>") for n in range(3)))
    with engine.connect() as db:
        card = db.execute(text("SELECT id FROM customers WHERE live")).scalar_one()
    here = (f"/inbox/{thread_of(engine)}", "/inbox?show=all", f"/customers/{card}?tab=letters")
    before = [queries(browser, engine, path) for path in here]
    ids = [f"<{n}@x.example>" for n in range(10, 30)]
    post.bring(*(letter(body=one, Message_ID=one, In_Reply_To="<0@x.example>") for one in ids))
    assert [queries(browser, engine, path) for path in here] == before


def queries(browser: Browser, engine: Engine, path: str) -> int:
    with counted(engine) as sent:
        browser.see(path)
    return len(sent)


def thread_of(engine: Engine) -> UUID:
    with engine.connect() as db:
        query = text("SELECT thread_id FROM mail_messages WHERE message_id = '0@x.example'")
        return db.execute(query).scalar_one()


def test_who_may_only_read_cannot_answer(stranger: Browser, post: Post, engine: Engine) -> None:
    post.bring(FILES)
    assert stranger.get(f"/inbox/{thread(engine)}", follow_redirects=False).status_code == 303
