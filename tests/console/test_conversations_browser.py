"""The pages of letters in Chromium: sound at every size, in light and dark."""

from datetime import timedelta

import pytest
from playwright.sync_api import Browser as Chromium
from sqlalchemy import Engine, text

from console.tables import User
from tests import browser as browsers
from tests.console.corresponding import FILES, Post, letter
from tests.console.test_browser import CHECKED, enter
from tests.console.test_conversations import box, post
from tests.mailbox import ARRIVED

__all__ = ["box", "post"]
pytestmark = pytest.mark.browser
LONG = (
    "Добрый день!\r\n\r\nI ordered the blue cups a week ago (order 1042) and only four of the six came. "
    "Could you look where the other two are?\r\n\r\nThank you,\r\nAnna\r\n\r\n"
    "On Mon, 23 Feb 2026 at 10:00, Shop wrote:\r\n> Your order is on its way.\r\n> The shop"
)


def filled(post: Post) -> None:
    """A conversation of four, one with files, one of nobody, an absence note."""
    at = ARRIVED
    post.bring(letter(subject="Two cups are missing", body=LONG, Message_ID="<1@x.example>"), at=at)
    post.bring(letter("Shop <shop@example.org>", "Re: Two cups are missing", "We look into it.",
                      Message_ID="<2@s.example>", In_Reply_To="<1@x.example>"), at=at, sent=True)  # fmt: skip
    for number in range(3, 6):
        raw = letter(subject="Re: Two cups are missing", body=f"Any news? ({number})",
                     Message_ID=f"<{number}@x.example>", In_Reply_To="<1@x.example>")  # fmt: skip
        post.bring(raw, at=at + timedelta(hours=number))
    post.bring(FILES.replace(b"files@example.org>", b"files@example.org>\r\nIn-Reply-To: <5@x.example>"))
    post.bring(letter("김민수 <stranger.with.a.long.address@a-long-domain-name.example>", "안녕하세요 " * 12))
    post.bring(letter(subject="Automatic reply: News", Auto_Submitted="auto-replied"))


@pytest.mark.parametrize("look", CHECKED)
def test_pages_of_letters_are_sound(
    chromium: Chromium, address: str, engine: Engine, owner: User, post: Post, look: str
) -> None:
    filled(post)
    with engine.connect() as db:
        card = db.execute(text("SELECT id FROM customers WHERE live")).scalar_one()
        thread = db.execute(text("SELECT id FROM mail_threads ORDER BY letters DESC LIMIT 1")).scalar_one()
    page = enter(chromium, address, engine, owner, look)
    wrong = browsers.look_over(page, address, {
        "inbox": "/inbox?show=all", "inbox-nobody": "/inbox?show=nobody", "conversation": f"/inbox/{thread}",
        "card": f"/customers/{card}?tab=letters", "timeline": f"/customers/{card}",
        "connect": "/connections/new/imap",
    }, f"letters-%s-{look}", wait=300)  # fmt: skip
    page.context.close()
    assert wrong == []
