"""Letters that no person wrote just now: answers of programs, circulars, reports of mail servers."""

import re
from email.message import Message

from connectors.letters.headers import Mailbox, text

_DAEMON = re.compile(r"mailer[-._]?daemon|mdaemon", re.I)
_DESK = re.compile(
    r"postmaster|mail[-._]?delivery.*|bounces?|.*[-._]bounces?", re.I
)  # people write from these, too
_RETURNED = re.compile(
    r"undeliver|not delivered|returned (?:mail|to sender)|delivery (?:status|fail|report|problem)"
    r"|fail(?:ed|ure)|delayed|не ?достав|возвра[тщ]|teslim edilemedi|iletilemedi|반송|жеткізілме"
    r"|unzustellbar",
    re.I,
)
_REPORTS = ("message/delivery-status", "message/feedback-report", "message/disposition-notification")
_AWAY = re.compile(
    r"^(?:auto(?:matic|matische)?[ -]?(?:reply|response|antwort)|out of (?:the )?office|автоответ"
    r"|автоматический ответ|otomatik (?:yanıt|cevap)|자동 ?회신|부재중)",
    re.I,
)


def verdict(message: Message, sender: Mailbox | None, kinds: set[str]) -> str:
    """Empty for a person's letter, else report, reply (an absence note) or bulk (a circular)."""
    if kinds & set(_REPORTS) or _is_report(message, sender):
        return "report"
    submitted = text(message, "auto-submitted", 100).lower().partition(";")[0].strip()
    precedence = text(message, "precedence", 100).lower()
    subject = text(message, "subject", 300)
    if (
        submitted.startswith("auto-replied")
        or precedence in ("auto_reply", "auto-reply")
        or any(name in message for name in ("x-autoreply", "x-autorespond", "x-auto-reply"))
        or _AWAY.match(subject)
    ):
        return "reply"
    if precedence in ("bulk", "list", "junk"):
        return "bulk"
    if any(name in message for name in ("list-id", "list-unsubscribe")):
        return "bulk"
    if submitted and submitted != "no":
        return "bulk"
    return ""


def _is_report(message: Message, sender: Mailbox | None) -> bool:
    """What a mail server writes when a letter came back, told as `flufl.bounce` will find it."""
    try:
        if message.get_content_type() == "multipart/report":
            return True
    except Exception:  # noqa: BLE001 - a stranger's letter may break the parser in any way
        return False
    empty = text(message, "return-path", 100).strip() == "<>"
    answers = "auto-replied" in text(message, "auto-submitted", 100).lower()
    name = sender.address.partition("@")[0] if sender else ""
    if _DAEMON.fullmatch(name) or (_DESK.fullmatch(name) and _RETURNED.search(text(message, "subject", 300))):
        return not answers
    return empty and not answers and not any(n in message for n in ("x-autoreply", "x-autorespond"))
