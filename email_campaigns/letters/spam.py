"""SpamAssassin's opinion of a letter, where it is installed on this machine; nothing leaves the machine."""

import re
import shutil
import subprocess
from email.message import EmailMessage
from typing import NamedTuple

from email_campaigns.letters.render import Rendered
from foundation.text import _

SECONDS = 30
_SCORE = re.compile(r"score=(-?[\d.]+) required=(-?[\d.]+)")
_RULES = re.compile(r"^\s*(-?\d+\.\d+)\s+(\w+)\s+(.*)$", re.M)


class Opinion(NamedTuple):
    """Points against a letter, how many make it spam, and the rules that gave the most."""

    score: float
    limit: float
    rules: tuple[tuple[float, str, str], ...]


def program() -> str | None:
    """The program that is here; None where SpamAssassin isn't installed."""
    return shutil.which("spamassassin")


def opinion(letter: Rendered, sender: str = "letters@example.org") -> Opinion | str:
    """What SpamAssassin says of a letter; why it says nothing, in words."""
    path = program()
    if path is None:
        return _("SpamAssassin isn't installed on this machine, so there is no spam score.")
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, "customer@example.org", letter.subject
    message.set_content(letter.text)
    message.add_alternative(letter.html, subtype="html")
    try:
        done = subprocess.run(  # noqa: S603 - a fixed program, no shell, the letter on its input
            [path, "--local", "--test-mode"], input=message.as_bytes(), capture_output=True, timeout=SECONDS,
            check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        return _("SpamAssassin gave no answer: %s.") % str(error)[:200]
    return read(done.stdout.decode("utf-8", "replace"))


def read(answer: str) -> Opinion | str:
    """Its answer, read."""
    found = _SCORE.search(answer)
    if not found:
        return _("SpamAssassin gave no answer: %s.") % _("it named no score")
    rules = [
        (float(points), name, words.strip())
        for points, name, words in _RULES.findall(answer)
        if float(points) > 0
    ]
    return Opinion(float(found[1]), float(found[2]), tuple(sorted(rules, reverse=True)[:8]))
