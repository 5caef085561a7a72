"""Domains letters come from: their DKIM keys, made here and kept sealed, and what to publish in DNS."""

import importlib
import re
from base64 import b64encode
from typing import Any, NamedTuple

import idna
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import select
from sqlalchemy.orm import Session

from email_campaigns.delivery import signing
from email_campaigns.delivery.signing import Signer
from email_campaigns.tables import MailDomain
from foundation.clock import now
from foundation.errors import BadInput
from foundation.sealing import Sealer
from foundation.text import _

BITS = 2048
_DOMAIN = re.compile(r"([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]")


class Record(NamedTuple):
    """A TXT record to publish."""

    kind: str  # spf dkim dkim-ed25519 dmarc
    name: str
    value: str
    why: str


def normal(domain: str) -> str:
    """A domain in lower case ASCII; BadInput when it is none."""
    said = domain.strip().rstrip(".").lower()
    if not said.isascii():
        try:
            said = idna.encode(said, uts46=True).decode()
        except (idna.IDNAError, UnicodeError):
            said = ""
    if len(said) > 253 or not _DOMAIN.fullmatch(said):
        raise BadInput(_("“%s” is no domain; give one such as example.org.") % domain[:100], "domain")
    return said


def add(session: Session, sealer: Sealer, domain: str) -> MailDomain:
    """A domain with two fresh keys; the one that is there already where it is."""
    name = normal(domain)
    if (found := session.get(MailDomain, name)) is not None:
        return found
    row = MailDomain(domain=name, selector=f"k{now():%y%m}", rsa_key="", ed25519_key="")
    _make_keys(sealer, row)
    session.add(row)
    session.flush()
    return row


def renew(session: Session, sealer: Sealer, row: MailDomain) -> None:
    """Two fresh keys under a new name; publish them before: letters are signed with them from now on."""
    old, fresh = row.selector, f"k{now():%y%m}"
    if old.startswith(fresh):
        fresh = f"{fresh}x{int(old.partition('x')[2] or 1) + 1}"
    row.selector, row.findings, row.checked_at = fresh, {}, None
    _make_keys(sealer, row)
    session.flush()


def _make_keys(sealer: Sealer, row: MailDomain) -> None:
    for field, private in (
        ("rsa_key", rsa.generate_private_key(65537, BITS)),
        ("ed25519_key", Ed25519PrivateKey.generate()),
    ):
        pem = private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        setattr(row, field, sealer.seal(pem.decode()))


def everything(session: Session) -> list[MailDomain]:
    """All domains by name."""
    return list(session.scalars(select(MailDomain).order_by(MailDomain.domain)))


def signer(session: Session, sealer: Sealer, domain: str) -> Signer | None:
    """What signs letters from this domain; None where it has no keys here."""
    row = session.get(MailDomain, domain)
    return None if row is None else Signer(row.domain, keys(sealer, row))


def keys(sealer: Sealer, row: MailDomain) -> tuple[signing.Key, signing.Key]:
    """Both keys, opened."""
    return (
        signing.load(f"{row.selector}r", sealer.unseal(row.rsa_key)),
        signing.load(f"{row.selector}e", sealer.unseal(row.ed25519_key)),
    )


def public(key: signing.Key) -> str:
    """The TXT value that publishes a key."""
    if isinstance(key.private, rsa.RSAPrivateKey):
        der = key.private.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return f"v=DKIM1; k=rsa; p={b64encode(der).decode()}"
    raw = key.private.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    return f"v=DKIM1; k=ed25519; p={b64encode(raw).decode()}"


def records(sealer: Sealer, row: MailDomain, servers: list[str]) -> list[Record]:
    """What to publish: who may send (`servers`: host names letters leave through), the keys, what to do with
    fakes."""
    first, second = keys(sealer, row)
    allowed = " ".join(f"a:{host}" for host in servers)
    return [
        Record("spf", row.domain, " ".join(part for part in ("v=spf1", allowed, "~all") if part),
               _("Who may send for this domain. There may be only one: add to it where it is.")),
        Record("dkim", f"{first.selector}._domainkey.{row.domain}", public(first), _("The RSA key.")),
        Record("dkim-ed25519", f"{second.selector}._domainkey.{row.domain}", public(second),
               _("The Ed25519 key: shorter, and read by newer servers.")),
        Record("dmarc", f"_dmarc.{row.domain}", f"v=DMARC1; p=none; rua=mailto:postmaster@{row.domain}",
               _("What others shall do with fakes; begin with p=none and read the reports.")),
    ]  # fmt: skip


def look(row: MailDomain, wanted: list[Record]) -> None:
    """Ask DNS for each record and keep what it says."""
    row.findings = {one.kind: found(one, published(one.name)) for one in wanted}
    row.checked_at = now()


def published(name: str) -> list[str] | None:
    """The TXT records of a name, none where there are none; None where DNS gave no answer."""
    dns = importlib.import_module("dns.resolver")  # at the first look: no process needs it to start
    asker = dns.Resolver()
    asker.lifetime = 5.0
    try:
        answer = asker.resolve(name, "TXT", raise_on_no_answer=False)
    except dns.NXDOMAIN:
        return []
    except (dns.LifetimeTimeout, dns.NoNameservers, dns.YXDOMAIN, OSError):
        return None
    return [b"".join(one.strings).decode("utf-8", "replace") for one in answer.rrset or ()]


def found(record: Record, published: list[str] | None) -> dict[str, Any]:
    """What DNS says against what it should: {"state": good | warn | bad, "said", "found"}."""
    if published is None:
        return {"state": "warn", "said": _("DNS gave no answer; try again."), "found": []}
    mark = {"spf": "v=spf1", "dmarc": "v=dmarc1"}.get(record.kind, "")
    mine = [one for one in published if one.lower().replace(" ", "").startswith(mark)]
    state, said = _judged(record, mine)
    return {"state": state, "said": said, "found": mine[:5]}


def _judged(record: Record, mine: list[str]) -> tuple[str, str]:
    if not mine:
        return "bad", _("Nothing is published there.")
    if len(mine) > 1:
        return "bad", _("More than one such record is published: none of them counts.")
    if record.kind == "spf":
        missing = [one for one in record.value.split()[1:-1] if one not in mine[0].split()]
        if missing and "include:" not in mine[0]:
            return "warn", _("It doesn't name %s.") % ", ".join(missing)
        if missing:  # a provider's list names its servers by their numbers
            said = _("Published. What it includes isn't looked at: make sure that %s is among it.")
            return "good", said % ", ".join(one.removeprefix("a:") for one in missing)
        return "good", _("Published.")
    if record.kind == "dmarc":
        return "good", _("Published.")
    wanted = record.value.partition("p=")[2]
    if wanted not in mine[0].replace(" ", ""):
        return "bad", _("Another key is published: letters signed with ours fail the check.")
    return "good", _("Published.")
