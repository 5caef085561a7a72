"""What a mail server's reply means for one letter, read from its code, its enhanced code and its words."""

import re
from typing import NamedTuple

from email_campaigns.delivery.transports.base import ACCEPTED, DEFERRED, FAILED, Outcome

_ENHANCED = re.compile(r"\b([245])\.(\d{1,3})\.(\d{1,3})\b")
_POLICY = re.compile(
    r"spam|junk|block(ed|list)|black.?list|policy|reputation|dmarc|\bspf\b|dkim|denied|reject(ed)? due"
    r"|not (allowed|permitted|authori[sz]ed)|relay(ing)?|\brbl\b|listed|banned|prohibited|abuse|unsolicited",
    re.I,
)
_NOBODY = re.compile(
    r"(no such|unknown|invalid|non.?existent|not found|does ?n.t exist|not exist|no mailbox|unavailable"
    r"|disabled|inactive|unrouteable|deactivated).{0,40}|user .{0,30}(unknown|not found)"
    r"|(recipient|mailbox|user|address).{0,30}(reject|unknown|not)",
    re.I,
)
_FULL = re.compile(r"quota|mailbox (is )?full|over.?quota|storage|insufficient", re.I)
_SIZE = re.compile(r"too (big|large)|size|exceed", re.I)
_GREY = re.compile(r"gr[ae]y.?list", re.I)
_GONE = {"1.1", "1.2", "1.3", "1.6", "1.10", "2.1"}  # no such mailbox, no such domain, moved, switched off

CLOSES = frozenset({421})


class Reply(NamedTuple):
    """One reply of the server."""

    code: int
    text: str

    @property
    def said(self) -> str:
        """As it is kept and shown."""
        return f"{self.code} {self.text}"[:500]


def enhanced(text: str) -> str:
    """The enhanced status code without its class ("1.1" of 5.1.1), empty where there is none."""
    found = _ENHANCED.search(text[:40])
    return f"{int(found[2])}.{int(found[3])}" if found else ""


def outcome(stage: str, reply: Reply) -> Outcome:
    """What the reply at a stage (mail, rcpt, data, dot) means for the letter."""
    if 200 <= reply.code < 300:
        return Outcome(ACCEPTED, "", reply.said)
    if 400 <= reply.code < 500:
        return _later(stage, reply)
    return Outcome(FAILED, _refused(stage, reply, enhanced(reply.text)), reply.said)


def _later(stage: str, reply: Reply) -> Outcome:
    mark = enhanced(reply.text)
    if mark == "2.2" or (reply.code == 452 and _FULL.search(reply.text) and not mark.startswith("3")):
        return Outcome(DEFERRED, "mailbox_full", reply.said)
    if _GREY.search(reply.text):
        return Outcome(DEFERRED, "greylisted", reply.said)
    about_mailbox = mark.startswith(("1.", "2."))
    busy = reply.code in (421, 450, 451, 452) and stage != "mail" and not about_mailbox
    return Outcome(DEFERRED, "busy", reply.said, domain_busy=busy)


def _refused(stage: str, reply: Reply, mark: str) -> str:
    """The code of the reason for a refusal that stands."""
    if mark in _GONE:
        return "no_mailbox"
    if mark == "2.2":
        return "mailbox_full"
    if mark == "3.4" or mark == "2.3":
        return "too_big"
    if mark.startswith("7."):
        return "policy"
    if reply.code == 552:
        return "too_big" if stage != "rcpt" and _SIZE.search(reply.text) else "mailbox_full"
    if stage == "mail" or _POLICY.search(reply.text):
        return "policy"
    if _FULL.search(reply.text):
        return "mailbox_full"
    if stage == "rcpt" and (reply.code in (550, 551, 553) or _NOBODY.search(reply.text)):
        return "no_mailbox"
    if mark.startswith("6."):
        return "content"
    if stage == "dot" and reply.code == 550 and _NOBODY.search(reply.text):
        return "no_mailbox"
    return "refused"


HARD = frozenset({"no_mailbox"})  # the address goes onto the suppression list
SOFT = frozenset({"mailbox_full"})  # counted: several in a row rest the address
