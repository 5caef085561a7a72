"""Senders and the transports they use: add, change, list, remove; passwords stay sealed."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from customers import emails
from email_campaigns.delivery import domains
from email_campaigns.delivery.transports import kinds
from email_campaigns.delivery.transports.base import Way
from email_campaigns.tables import Sender, Transport
from foundation.clock import now
from foundation.errors import BadInput, KartotekaError
from foundation.sealing import Sealer
from foundation.text import _

_CONTROL = set(map(chr, range(32))) | {"\x7f"}
LONGEST_NAME = 80
MOST_CONNECTIONS = 20
_BOUNCES = 16  # characters before the @ of the bounce mailbox: the token needs the rest of 64


def add_transport(
    session: Session, sealer: Sealer, name: str, kind: str, values: Mapping[str, str], **options: Any
) -> Transport:
    """A new way out; BadInput names what is wrong."""
    name = _name(name)
    if session.scalar(select(Transport.id).where(Transport.name == name)) is not None:
        raise BadInput(_("There is a transport of this name already."), "name")
    row = Transport(name=name, kind=kind, settings="", per_hour=None, warm_up_from=None)
    change_transport(session, sealer, row, values, **options)
    session.add(row)
    session.flush()
    return row


def change_transport(
    session: Session, sealer: Sealer, row: Transport, values: Mapping[str, str], **options: Any
) -> None:
    """Set what was typed; an empty secret stays as it was. BadInput names what is wrong."""
    known = kinds.kinds().get(row.kind)
    if known is None:
        raise BadInput(_("There is no such kind of transport: %s.") % row.kind[:40], "kind")
    before = settings_of(sealer, row) if row.settings else {}
    said = {
        one.name: str(values.get(one.name, before.get(one.name, one.default))).strip()
        for one in known.settings
    }
    for one in known.settings:
        if one.secret and not values.get(one.name):
            said[one.name] = before.get(one.name, "") if _same_account(said, before) else ""
        if len(said[one.name]) > 500 or _CONTROL & set(said[one.name]):
            raise BadInput(_("This can't be used: too long, or not one line."), one.name)
    _check(said)
    kinds.make(row.kind, said)
    row.settings = sealer.seal(msgspec.json.encode(said).decode())
    if "per_hour" in options:
        row.per_hour = _per_hour(options["per_hour"])
    if "warm_up" in options:
        row.warm_up_from = (row.warm_up_from or now()) if options["warm_up"] else None
    if "domains" in options:
        kept = {
            name: {k: v for k, v in one.items() if k != "per_hour"}
            for name, one in (row.domains or {}).items()
        }
        for name, most in options["domains"].items():
            kept.setdefault(domains.normal(name), {})["per_hour"] = most
        row.domains = {name: one for name, one in kept.items() if one}


def _same_account(said: Mapping[str, str], before: Mapping[str, str]) -> bool:
    """Whether secrets that were kept are still this account's."""
    names = ("user", "access_key", "client_id", "sign_in")
    return all(said.get(name, "") == before.get(name, "") for name in names)


def _check(said: Mapping[str, str]) -> None:
    if address := said.get("bounces"):
        found = emails.parse(address)
        if found.problem or len(address.rpartition("@")[0]) > _BOUNCES:
            raise BadInput(_("Give a mailbox with at most %s characters before the @.") % _BOUNCES, "bounces")
    wanted = said.get("connections", "1") or "1"
    if not wanted.isascii() or not wanted.isdigit() or not 0 < int(wanted) <= MOST_CONNECTIONS:
        raise BadInput(_("A number from 1 to %s.") % MOST_CONNECTIONS, "connections")


def _per_hour(said: Any) -> int | None:
    if said in (None, ""):
        return None
    text = str(said)
    if not text.isascii() or not text.isdigit() or not 0 < int(text) <= 100_000_000:
        raise BadInput(_("Letters per hour: a number above 0, or nothing for no limit."), "per_hour")
    return int(text)


def settings_of(sealer: Sealer, row: Transport) -> dict[str, str]:
    """What was typed, secrets included."""
    found: dict[str, str] = msgspec.json.decode(sealer.unseal(row.settings))
    return found


def way(sealer: Sealer, row: Transport) -> Way:
    """A closed way out of this transport."""
    return kinds.make(row.kind, settings_of(sealer, row))


def renewed(
    session: Session, sealer: Sealer, transport_id: UUID, used: Mapping[str, str], fresh: Mapping[str, str]
) -> None:
    """Keep settings that the other side has replaced, unless a person has changed them since `used`."""
    row = session.get(Transport, transport_id, with_for_update=True, populate_existing=True)
    if row is not None and (said := settings_of(sealer, row)) == used:
        row.settings = sealer.seal(msgspec.json.encode({**said, **fresh}).decode())


def try_out(sealer: Sealer, row: Transport) -> str:
    """Connect and sign in, send nothing; what happened, in words. Raises what `Way.open` raises."""
    one = way(sealer, row)
    try:
        one.open()
        return one.check()
    finally:
        one.close()


def trial(sealer: Sealer, row: Transport) -> tuple[bool, str]:
    """The same as an answer: whether it works, and the words."""
    try:
        return True, try_out(sealer, row)
    except KartotekaError as error:
        return False, str(error)


def pause(session: Session, row: Transport, reason: str) -> None:
    """Send nothing by it until a person resumes it."""
    row.state, row.reason = "paused", reason[:1000]
    session.flush()


def resume(session: Session, row: Transport) -> None:
    """Send by it again."""
    row.state, row.reason = "on", ""
    session.flush()


def transports(session: Session) -> list[Transport]:
    """All of them by name."""
    return list(session.scalars(select(Transport).order_by(Transport.name)))


def transport(session: Session, name: str) -> Transport:
    """One by its name or id; BadInput when there is none."""
    found = session.scalar(select(Transport).where(Transport.name == name.strip()))
    found = found or session.get(Transport, _as_id(name) or UUID(int=0))
    if found is None:
        raise BadInput(
            _("There is no transport “%s”. List them: kartoteka mail transport list") % name[:100],
            "transport",
        )
    return found


def add(
    session: Session, sealer: Sealer, name: str, address: str, via: Transport, reply_to: str = ""
) -> Sender:
    """A new sender; its domain gets its keys. BadInput names what is wrong."""
    row = Sender(transport_id=via.id)
    change(session, row, name, address, reply_to)
    taken = select(Sender.id).where(
        func.lower(Sender.address) == row.address.lower(), Sender.removed_at.is_(None)
    )
    if session.scalar(taken.where(Sender.name == row.name)) is not None:
        raise BadInput(_("There is such a sender already."), "address")
    session.add(row)
    session.flush()
    domains.add(session, sealer, domain_of(row))
    return row


def change(session: Session, row: Sender, name: str, address: str, reply_to: str = "") -> None:
    """Set what people see of a sender; BadInput names what is wrong."""
    row.name = _name(name)
    row.address = _address(address, "address")
    row.reply_to = _address(reply_to, "reply_to") if reply_to.strip() else ""


def remove(session: Session, row: Sender) -> None:
    """Offer it no more; what it sent keeps it."""
    row.removed_at = row.removed_at or now()
    session.flush()


def everyone(session: Session) -> Sequence[Sender]:
    """The senders in use, by name."""
    query = select(Sender).where(Sender.removed_at.is_(None)).order_by(Sender.name, Sender.id)
    return session.scalars(query).all()


def domain_of(row: Sender) -> str:
    """The domain of its address, in ASCII: what letters are signed for."""
    return emails.parse(row.address).domain


def hosts(session: Session, sealer: Sealer) -> list[str]:
    """The host names that letters leave through: whom SPF has to name."""
    found = {settings_of(sealer, row).get("host", "") for row in transports(session) if row.kind == "smtp"}
    return sorted(host for host in found if host and not host.replace(".", "").isdigit() and ":" not in host)


def last_used(session: Session) -> dict[UUID, datetime]:
    """When each transport took a letter last."""
    query = (
        "SELECT t.id, (SELECT max(handed_at) FROM deliveries d WHERE d.transport_id = t.id"
        " AND handed_at IS NOT NULL) FROM transports t"
    )
    return {row[0]: row[1] for row in session.execute(text(query)) if row[1]}


def _name(said: str) -> str:
    name = " ".join(said.split())
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise BadInput(_("Give a name of at most %s characters.") % LONGEST_NAME, "name")
    return name


def _address(said: str, at: str) -> str:
    found = emails.parse(said)
    if found.problem:
        raise BadInput(_("This is no usable address: %s.") % found.problem, at)
    local = found.shown.rpartition("@")[0]
    if not local.isascii():
        raise BadInput(_("Before the @ only ASCII letters are taken by all mail servers."), at)
    return f"{local}@{found.domain}"


def _as_id(said: str) -> UUID | None:
    try:
        return UUID(said)
    except ValueError:
        return None
