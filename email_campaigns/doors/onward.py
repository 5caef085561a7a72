"""Where a click leads: the link's own address, and on the company's own sites what its snippet should know.

That is the campaign, so that the visit and its orders are the letter's, and a pass, so that the visitor's
page says for whom the letter was. Other people's addresses stay as they were written.
"""

from urllib.parse import parse_qsl, urlencode, urlsplit

from sqlalchemy import text
from sqlalchemy.orm import Session

from customers import passes
from email_campaigns.doors.known import Known

SOURCE, MEDIUM = "kartoteka", "email"  # what web capture knows our own letters by
_OWN = text("SELECT true FROM sites WHERE domain = ANY(:hosts) OR origins && CAST(:hosts AS text[]) LIMIT 1")
_NAME = text(
    "SELECT coalesce((SELECT name FROM mailings WHERE id = CAST(:mailing AS uuid)),"
    " (SELECT name FROM letters WHERE id = :letter), '')"
)


def address(session: Session, url: str, known: Known | None, *, person: bool) -> str:
    """The address to send a browser to; a pass goes with it only for what looks like a `person`."""
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").rstrip(".")
    except ValueError:
        return url
    if known is None or not host or not _own(session, host):
        return url
    said = {name.lower() for name, _value in parse_qsl(parts.query, keep_blank_values=True)}
    more = {}
    if "utm_source" not in said:
        name = session.scalar(_NAME, {"mailing": known.told.get("mailing"), "letter": known.letter})
        more = {"utm_source": SOURCE, "utm_medium": MEDIUM} | ({"utm_campaign": name[:100]} if name else {})
    if person and known.has_profile:
        more[passes.PARAMETER] = passes.give(session, known.profile)
    query = "&".join(filter(None, (parts.query, urlencode(more))))
    return parts._replace(query=query).geturl()


def _own(session: Session, host: str) -> bool:
    """Whether a host is one of the company's sites, or a part of one."""
    names = host.split(".")
    hosts = [".".join(names[place:]) for place in range(max(1, len(names) - 1))]
    captured = session.scalar(text("SELECT to_regclass('sites') IS NOT NULL"))
    return bool(captured and session.scalar(_OWN, {"hosts": hosts}))
