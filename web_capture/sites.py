"""Sites: the pages a company captures, the keys that write to them, the hosts they are served from."""

import hashlib
import re
import secrets
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import idna
from sqlalchemy import select
from sqlalchemy.orm import Session

from customers.tables import Source
from customers.undo import Undone
from foundation import clock, operations
from foundation.errors import BadInput
from foundation.sealing import Sealer
from foundation.settings import Settings
from foundation.tables import Operation
from foundation.text import _
from sync import undo
from web_capture.carts import silence
from web_capture.tables import Site, SiteKey

CONSENT = ("none", "wait", "deny")
KIND = "site"  # of operations
SWITCHES = {"gpc": True, "capture": True, "forms": True}  # of the snippet, with what they are at first
_CURRENCY = re.compile("([A-Z]{3})?")


@dataclass(frozen=True)
class Keys:
    """The keys of a site in clear, for whoever just made them."""

    write_key: str
    secret_key: str


def add(session: Session, sealer: Sealer, domain: str, **options: Any) -> tuple[Site, Keys]:
    """A new site with a public and a secret write key; BadInput when the domain is no host or known."""
    host = host_of(domain)
    if not host:
        raise BadInput(f"“{domain[:100]}” is no host name; give one such as shop.example.org.", "domain")
    taken = session.scalar(select(Site.id).where(Site.domain == host))
    if taken is not None or session.scalar(select(Source.id).where(Source.name == host)) is not None:
        raise BadInput(f"There is a site or connection named {host} already.", "domain")
    source = Source(name=host, kind="site", role="site")
    session.add(source)
    session.flush()
    site = Site(id=source.id, key=secrets.token_hex(8), domain=host)
    session.add(site)
    change(session, site, options)
    return site, Keys(
        new_key(session, sealer, site, secret=False), new_key(session, sealer, site, secret=True)
    )


def change(session: Session, site: Site, options: Mapping[str, Any]) -> None:
    """Set what a person may set of a site; what isn't named stays. BadInput names what is wrong."""
    news: dict[str, Any] = {name: bool(options[name]) for name in SWITCHES if options.get(name) is not None}
    if any(one is not None for one in options.get("abandonment", {}).values()):
        news["abandonment"] = silence.chosen(site, options["abandonment"])
        silence.hasten(session, site.id, news["abandonment"])  # first: events write carts, then their site
    if options.get("origins") is not None:
        site.origins = _origins(site, options["origins"])
    if options.get("consent"):
        if options["consent"] not in CONSENT:
            raise BadInput(_("Consent is one of %s.") % ", ".join(CONSENT), "consent")
        site.consent = options["consent"]
    if options.get("currency") is not None:
        if not _CURRENCY.fullmatch(str(options["currency"])):
            raise BadInput(_("A currency is a code of three capital letters, such as KZT."), "currency")
        site.currency = options["currency"]
    site.settings = {**SWITCHES, **(site.settings or {}), **news}
    session.flush()


def _origins(site: Site, said: Iterable[str]) -> list[str]:
    hosts = {one: host_of(one) for one in said if one.strip()}
    for one, host in hosts.items():
        if not host:
            raise BadInput(
                _("“%s” is no host name. Each further host is a name such as m.example.org.") % one[:100],
                "origins",
            )
    return sorted(set(hosts.values()) - {site.domain})


def chosen(site: Site) -> dict[str, Any]:
    """What a person may set of a site, as it is."""
    switches = {name: bool((site.settings or {}).get(name, usual)) for name, usual in SWITCHES.items()}
    return {
        "origins": list(site.origins), "currency": site.currency, "consent": site.consent, **switches,
        "abandonment": silence.minutes(site),
    }  # fmt: skip


def decide(session: Session, site: Site, options: Mapping[str, Any], actor: str) -> Operation | None:
    """Change a site, on record: who changed what; None when that is how it was."""
    before = _flat(site)
    change(session, site, options)
    after = _flat(site)
    changed = {name: [before[name], after[name]] for name in after if after[name] != before[name]}
    if not changed:
        return None
    title = _("Settings of %s") % site.domain
    operation = operations.begin(session, KIND, title, actor, {"site": str(site.id)})
    operations.finish(session, operation, {"settings": changed})
    return operation


def _flat(site: Site) -> dict[str, Any]:
    found = chosen(site)
    silences: dict[str, Any] = found.pop("abandonment")
    return found | silences


@undo.undoes(KIND)
def _undo(session: Session, operation: Operation, actor: str) -> Undone:
    """Set what an operation changed as it was before; what was changed again since stays."""
    site, undone = session.get_one(Site, UUID(operation.args["site"])), Undone(operation)
    now, back = _flat(site), {}
    for name, (before, after) in operation.result["settings"].items():
        if now[name] == after:
            back[name] = before
        else:
            undone.left_alone.append(_("%s: it has changed since") % name)
    change(session, site, back | {"abandonment": {name: back.get(name) for name in silence.USUAL}})
    operation.result = {**operation.result, "left_alone": undone.left_alone}
    operations.mark_undone(session, operation, actor)
    return undone


def find(session: Session, name: str) -> Site:
    """A site by its domain, its id or the key of its snippet; BadInput when there is none."""
    wanted = Site.domain == host_of(name)
    with suppress(ValueError):
        wanted = Site.id == UUID(name)
    site = session.scalar(select(Site).where(wanted | (Site.key == name)))
    if site is None:
        raise BadInput(f"There is no site “{name[:100]}”. List them with: kartoteka site list", "site")
    return site


def new_key(session: Session, sealer: Sealer, site: Site, *, secret: bool) -> str:
    """Another write key, answered in clear; those there are stay in force until they are revoked."""
    value = f"{'sk' if secret else 'wk'}_{secrets.token_urlsafe(24)}"
    row = SiteKey(site_id=site.id, secret=secret, digest=digest(value))
    row.value, row.sealed = (None, sealer.seal(value)) if secret else (value, None)
    session.add(row)
    session.flush()
    return value


def revoke(session: Session, site: Site, key: UUID) -> None:
    """Take a key out of force; BadInput when the site has none of that id."""
    row = session.get(SiteKey, key)
    if row is None or row.site_id != site.id:
        raise BadInput("This site has no such key.", "key")
    row.revoked_at = row.revoked_at or clock.now()


def by_key(session: Session, key: str) -> Site:
    """The site of a snippet's key; BadInput when there is none."""
    site = session.scalar(select(Site).where(Site.key == key.replace("\0", "")[:64]))
    if site is None:
        raise BadInput("There is no such site.", "site")
    return site


def sisters(session: Session, site: Site) -> list[str]:
    """The company's other hosts, to which a visitor is handed over."""
    return sorted(
        {host for one in everything(session) for host in (one.domain, *one.origins)} - {site.domain}
    )


def keys_of(session: Session, site: Site) -> list[SiteKey]:
    """All keys of a site, the newest first."""
    statement = select(SiteKey).where(SiteKey.site_id == site.id)
    return list(session.scalars(statement.order_by(SiteKey.created_at.desc(), SiteKey.id.desc())))


def write_key(session: Session, site: Site) -> str | None:
    """The public key that the snippet carries: the newest in force."""
    rows = keys_of(session, site)
    return next((row.value for row in rows if not row.secret and row.revoked_at is None), None)


def secret_keys(session: Session, sealer: Sealer, site: Site) -> list[str]:
    """The secret keys in force, in clear: what signatures of the site's server are checked with."""
    sealed = [row.sealed for row in keys_of(session, site) if row.revoked_at is None]
    return [sealer.unseal(one) for one in sealed if one]


def everything(session: Session) -> list[Site]:
    """All sites by their domain."""
    return list(session.scalars(select(Site).order_by(Site.domain)))


def snippet_url(settings: Settings, site: Site) -> str:
    """The address of a site's snippet."""
    base = settings.public_url or f"http://{settings.host}:{settings.port}"
    return f"{base}/k/{site.key}.js"


def digest(key: str) -> bytes:
    """What a key is looked up by."""
    return hashlib.sha256(key.encode("utf-8", "replace")).digest()


def host_of(text: str) -> str:
    """The host an address or origin names, in lower case and IDNA, without its port; empty without one."""
    text = text.strip()
    try:
        host = (urlsplit(text if "//" in text else f"//{text}").hostname or "").rstrip(".")
        if not host.isascii():
            host = idna.encode(host, uts46=True).decode()
    except (ValueError, UnicodeError):
        return ""
    return host if re.fullmatch(r"[a-z0-9.:_-]{1,253}", host) else ""
