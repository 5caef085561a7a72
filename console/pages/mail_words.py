"""What the pages of sending say for the ledger's codes."""

from foundation.text import _


def states() -> dict[str, tuple[str, str]]:
    """State of a delivery -> its name and what colour it has."""
    return {
        "planned": (_("planned"), ""),
        "claimed": (_("being made"), "info"),
        "handed_over": (_("handed over"), "info"),
        "accepted": (_("accepted"), "good"),
        "deferred": (_("put off"), "warn"),
        "failed": (_("failed"), "bad"),
        "unknown": (_("fate unknown"), "warn"),
        "skipped": (_("no letter"), ""),
        "cancelled": (_("cancelled"), ""),
        "holdout": (_("held out"), ""),
    }


def reasons() -> dict[str, str]:
    """Reasons that stand in rows, short enough for a list; `guards.sentence` says them in full."""
    return {
        "no_address": _("no address"),
        "no_card": _("on no card"),
        "suppressed": _("suppressed"),
        "no_consent": _("no consent"),
        "merged": _("card merged"),
        "holdout": _("held out"),
        "cap": _("too many letters"),
        "quiet": _("waits for the morning"),
        "slow": _("domain asks for fewer"),
        "missing": _("can't be made"),
        "bad_address": _("unusable address"),
        "cancelled": _("mailing cancelled"),
        "busy": _("server busy"),
        "greylisted": _("greylisted"),
        "mailbox_full": _("mailbox full"),
        "no_mailbox": _("no such mailbox"),
        "policy": _("refused by policy"),
        "too_big": _("too big"),
        "content": _("content refused"),
        "needs_utf8": _("address not taken"),
        "refused": _("refused"),
        "gave_up": _("put off too long"),
        "crashed": _("crashed the process"),
        "died": _("process died"),
        "no_reply": _("no reply"),
        "proved": _("proved to have arrived"),
        "resolved": _("decided by a person"),
    }


def happenings() -> dict[str, str]:
    """Timeline kinds of letters."""
    return {
        "letter.sent": _("The server took it"),
        "letter.opened": _("Opened"),
        "letter.clicked": _("A link was followed"),
        "letter.bounced": _("Came back"),
        "letter.complained": _("Marked as spam"),
        "letter.unsubscribed": _("Unsubscribed"),
        "letter.replied": _("Answered"),
        "letter.confirmed": _("The address was confirmed"),
        "letter.answered": _("A score was given"),
    }


def purposes() -> dict[str, str]:
    """What letters are for."""
    return {"marketing": _("marketing"), "transactional": _("transactional")}
