"""Sites: the pages a company captures, the keys that write to them, the hosts they are served from."""

import hashlib
import re
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import idna
from sqlalchemy import select
from sqlalchemy.orm import Session

from customers.tables import Source
from foundation import clock
from foundation.errors import BadInput
from foundation.sealing import Sealer
from foundation.settings import Settings
from web_capture.tables import Site, SiteKey

CONSENT = ("none", "wait", "deny")
SWITCHES = {"gpc": True, "capture": True, "forms": True}  # of the snippet, with what they are at first
_CURRENCY = re.compile("[A-Z]{3}")


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
    if "origins" in options:
        hosts = [host_of(one) for one in options["origins"]]
        if not all(hosts):
            raise BadInput("Each further host is a name such as m.example.org.", "origins")
        site.origins = sorted(set(hosts) - {site.domain})
    if options.get("consent"):
        if options["consent"] not in CONSENT:
            raise BadInput(f"Consent is one of {', '.join(CONSENT)}.", "consent")
        site.consent = options["consent"]
    if options.get("currency"):
        if not _CURRENCY.fullmatch(str(options["currency"])):
            raise BadInput("A currency is a code of three capital letters, such as KZT.", "currency")
        site.currency = options["currency"]
    chosen = {name: bool(options[name]) for name in SWITCHES if name in options}
    site.settings = {**SWITCHES, **(site.settings or {}), **chosen}
    session.flush()


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
