"""What happened with letters, as lines of a timeline: theirs, ours, and what became of them."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from markupsafe import Markup

from foundation.text import _

PREFIX = "letter."


class Line(NamedTuple):
    """A dot's colour, a sentence that may hold a link, and the words below it."""

    dot: str
    text: Markup
    why: str = ""


def _sentences() -> dict[str, tuple[str, str]]:
    """Kind -> (colour, sentence); %s stands for the subject."""
    return {
        "received": ("mail", _("Wrote to us: %s")),
        "replied": ("mail", _("Answered our letter: %s")),
        "written": ("mail", _("We wrote: %s")),
        "sent": ("mail", _("Got the letter %s")),
        "opened": ("", _("Opened %s")),
        "clicked": ("", _("Clicked in %s")),
        "bounced": ("bad", _("The letter %s came back")),
        "complained": ("bad", _("Called the letter %s spam")),
        "unsubscribed": ("alert", _("Unsubscribed from %s")),
        "confirmed": ("", _("Confirmed the address by %s")),
        "answered": ("", _("Would recommend us, asked by %s")),
    }


def knows(kind: str) -> bool:
    """Whether a timeline row is told here."""
    return kind.startswith(PREFIX) and kind.removeprefix(PREFIX) in _sentences()


def told(kind: str, data: Mapping[str, Any]) -> Line:
    """The line of a letter; its subject leads to the conversation, else to what became of the letter."""
    name = kind.removeprefix(PREFIX)
    dot, sentence = _sentences()[name]
    if data.get("automatic") == "reply":
        sentence = _("Automatic answer: %s")
    elif data.get("automatic"):
        sentence = _("Automatic letter: %s")
    elif name == "sent" and data.get("thread"):
        sentence = _("Our answer: %s")
    elif data.get("machine") is True and name in ("opened", "clicked"):
        dot, sentence = (
            "",
            _("A machine opened %s") if name == "opened" else _("A machine followed a link in %s"),
        )
    subject = str(data.get("title") or data.get("subject") or _("without a subject"))
    shown: Markup = Markup("<bdi>{}</bdi>").format(subject)
    if data.get("thread"):
        shown = Markup('<a href="/inbox/{}">{}</a>').format(data["thread"], shown)
    elif data.get("delivery"):
        shown = Markup('<a href="/deliveries/{}">{}</a>').format(data["delivery"], shown)
    text = Markup(sentence.replace("%s", "{}")).format(shown)  # noqa: S704 (ours; the subject is escaped)
    return Line(dot, text, str(data.get("said") or data.get("reply") or _score(data)))


def _score(data: Mapping[str, Any]) -> str:
    """What was answered to “would you recommend us”."""
    words = (_("%s of 10") % data["score"] if "score" in data else "", str(data.get("comment") or ""))
    return ": ".join(filter(None, words))
