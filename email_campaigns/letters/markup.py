"""Whether markup may be given to MJML: every element closed where it should be, and none too deep.

MJML is read by recursion in a language of its own: some thousand elements inside each other would end the
whole process. So what isn't plainly well-formed is refused before.
"""

import re

from foundation.text import _

DEEPEST = 60  # elements inside each other
_ATTRIBUTE = r"[^\s=<>\"'/]+(?:\s*=\s*(?:\"[^\"<]*\"|'[^'<]*'|[^\s\"'=<>`]+))?"
_TOKEN = re.compile(
    r"<!--(?P<comment>.*?)-->|</(?P<closed>[A-Za-z][\w:-]*)\s*>"
    rf"|<(?P<opened>[A-Za-z][\w:-]*)(?:\s+{_ATTRIBUTE})*\s*(?P<empty>/?)>|(?P<text>[^<]+)",
    re.S,
)
_VOID = frozenset({"area", "br", "col", "hr", "img", "meta", "source", "track", "wbr", "param"})


def problem(source: str) -> str:
    """What is wrong with it, in words; empty when nothing is."""
    open_now: list[str] = []
    at = 0
    while at < len(source):
        found = _TOKEN.match(source, at)
        if not found:
            return _("“%s” can't be read. A “<” that begins no tag is written &lt;") % source[at : at + 40]
        at = found.end()
        if name := found["opened"]:
            if not found["empty"] and name.lower() not in _VOID:
                open_now.append(name)
            if len(open_now) > DEEPEST:
                return _("This is nested too deeply.")
        elif (name := found["closed"]) and (not open_now or open_now.pop() != name):
            return _("“</%s>” closes what isn't open.") % name
    return _("“<%s>” is not closed.") % open_now[-1] if open_now else ""
