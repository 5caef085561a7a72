"""What 1C signs in with: an address, a user and a password for each connection that calls us."""

import hmac
import re
import secrets
from collections.abc import Mapping
from uuid import UUID

from sqlalchemy.orm import Session

from customers.latin import latin
from foundation.sealing import Sealer
from foundation.settings import Settings
from sync.exchange.tables import Partner

_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that looks like another
_LENGTH = 20


def make(session: Session, sealer: Sealer, connection_id: UUID, name: str) -> Partner:
    """Credentials for a new connection; its name made plain is the user."""
    made = Partner(connection_id=connection_id, user=plain(name), password=sealer.seal(_password()))
    session.add(made)
    session.flush()
    return made


def plain(name: str) -> str:
    """A name as a user name: Latin letters, digits and hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", latin(name).lower()).strip("-")[:40] or "1c"


def renew(session: Session, sealer: Sealer, connection_id: UUID) -> str:
    """A new password; the old one ends at once, sessions that are open go on."""
    fresh = _password()
    session.get_one(Partner, connection_id, with_for_update=True).password = sealer.seal(fresh)
    return fresh


def address(settings: Settings, connection_id: UUID) -> str:
    """What is typed into 1C as the address of the site."""
    base = settings.public_url or f"http://{settings.host}:{settings.port}"
    return f"{base}/exchange/1c/{connection_id}"


def matches(sealer: Sealer, partner: Partner, user: str, password: str) -> bool:
    """Whether these are its credentials; takes as long for a near miss as for a far one."""
    same_user = hmac.compare_digest(user.encode(), partner.user.encode())
    same_password = hmac.compare_digest(password.encode(), sealer.unseal(partner.password).encode())
    return same_user and same_password


def shown(session: Session, sealer: Sealer, settings: Settings, connection_id: UUID) -> dict[str, str]:
    """What is typed into 1C: address, user, password; nothing for connections that don't call us."""
    partner = session.get(Partner, connection_id)
    if partner is None:
        return {}
    return {
        "exchange_url": address(settings, connection_id),
        "user": partner.user,
        "password": sealer.unseal(partner.password),
    }


def in_words(told: Mapping[str, object]) -> list[str]:
    """The same as lines for a terminal."""
    if "exchange_url" not in told:
        return []
    return [
        f"Type into 1C:  {told['exchange_url']}",
        f"User:          {told['user']}",
        f"Password:      {told['password']}",
    ]


def _password() -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(_LENGTH))
