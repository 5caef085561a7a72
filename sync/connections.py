"""Connections to outside systems: create, test, pause, change credentials, open the connector of one."""

import dataclasses
import secrets
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session

from connectors import registry
from connectors.base import Connector
from customers.tables import Source
from foundation import clock, problems
from foundation.errors import BadInput, Misconfigured
from foundation.sealing import Sealer
from foundation.settings import Settings
from sync.exchange import partners
from sync.tables import Connection

OLD_SECRET_LIVES = timedelta(hours=24)
FIRST_EVIDENCE = timedelta(hours=1)  # until the first reconciliation; then daily
LONGEST_NAME = 80


def create(session: Session, sealer: Sealer, kind: str, name: str, settings: Mapping[str, Any]) -> Connection:
    """A connection with its source, ready to pull; BadInput names the setting that is wrong."""
    cls = registry.find(kind)
    public, secret = registry.split_settings(cls, registry.parse_settings(cls, settings))
    name = _free_name(session, name)
    source = Source(name=name, kind=kind, role=cls.role)
    session.add(source)
    session.flush()
    connection = Connection(
        id=source.id,
        settings=public,
        secrets=_seal(sealer, secret),
        hook_secret=sealer.seal(_new_secret()) if cls.hooks else None,
        next_pull_at=clock.now() if is_pulled(cls) else None,
        next_reconcile_at=clock.now() + FIRST_EVIDENCE if is_pulled(cls) else None,
    )
    session.add(connection)
    session.flush()
    if cls.called:
        partners.make(session, sealer, connection.id, name)
    return connection


def is_pulled(cls: type[Connector]) -> bool:
    """Whether we ask a system of this kind: files are handed in, and some others call us."""
    return cls.role != "file" and not cls.called


def find(session: Session, name_or_id: str) -> tuple[Connection, Source]:
    """A connection by its name or id; BadInput when there is none."""
    by_id = _as_uuid(name_or_id)
    condition = Source.id == by_id if by_id else Source.name == name_or_id
    row = session.execute(
        select(Connection, Source).join(Source, Source.id == Connection.id).where(condition)
    ).one_or_none()
    if row is None:
        raise BadInput(f"There is no connection “{name_or_id}”.", "connection")
    return row[0], row[1]


def connector_class(session: Session, connection_id: UUID) -> type[Connector]:
    """The class of a connection's connector."""
    source = session.get_one(Source, connection_id)
    return registry.find(source.kind)


def public_settings(cls: type[Connector], connection: Connection) -> Any:
    """The Settings with empty secrets: enough to normalise records. Not checked, as something is missing."""
    made: Any = object.__new__(cls.Settings)
    for field in registry.form_fields(cls):
        value = "" if field.secret else connection.settings.get(field.name, field.default)
        object.__setattr__(made, field.name, value)
    return made


def full_settings(cls: type[Connector], sealer: Sealer, connection: Connection) -> Any:
    """The Settings with their secrets."""
    values = {**connection.settings, **unsealed(sealer, connection.secrets)}
    return cls.Settings(**_known_only(cls, values))


def unsealed(sealer: Sealer, sealed: str | None) -> dict[str, Any]:
    """The secret settings of a connection."""
    return msgspec.json.decode(sealer.unseal(sealed), type=dict[str, Any]) if sealed else {}


def open_connector(session: Session, sealer: Sealer, settings: Settings, connection: Connection) -> Connector:
    """The connector of a connection, with an `Http` that keeps to the installation's network rules."""
    cls = connector_class(session, connection.id)
    own = full_settings(cls, sealer, connection)
    return cls(own, cls.make_http(own, allow_private=settings.allow_private_addresses))


def test(session: Session, sealer: Sealer, settings: Settings, connection: Connection) -> str:
    """Try the sign-in; a sentence on what was reached. Raises Misconfigured or Temporary."""
    return open_connector(session, sealer, settings, connection).check()


def try_settings(kind: str, typed: Mapping[str, Any], settings: Settings) -> str:
    """The same before anything is stored, for the wizard."""
    cls = registry.find(kind)
    own = registry.parse_settings(cls, typed)
    return cls(own, cls.make_http(own, allow_private=settings.allow_private_addresses)).check()


def rename(session: Session, connection: Connection, name: str) -> None:
    """Give a connection another name."""
    source = session.get_one(Source, connection.id)
    if name.strip() != source.name:
        source.name = _free_name(session, name)


def pause(session: Session, connection: Connection, why: str = "") -> None:
    """Stop pulling; webhooks still land and nothing is lost."""
    if connection.state == "active":
        connection.state, connection.paused_why = "paused", why or None


def resume(session: Session, connection: Connection) -> None:
    """Pull again, beginning now."""
    if connection.state == "paused":
        connection.state, connection.paused_why, connection.failures = "active", None, 0
        if is_pulled(connector_class(session, connection.id)):
            connection.next_pull_at = clock.now()
        problems.settle(session, f"pull:{connection.id}")


def change(session: Session, sealer: Sealer, connection: Connection, typed: Mapping[str, Any]) -> None:
    """Change settings or credentials; what isn't given (or left empty) stays. BadInput names a wrong one."""
    cls = connector_class(session, connection.id)
    given = {name: value for name, value in typed.items() if value not in (None, "")}
    before = {**connection.settings, **unsealed(sealer, connection.secrets)}
    merged = {name: value for name, value in {**before, **given}.items() if value is not None}
    public, secret = registry.split_settings(cls, registry.parse_settings(cls, merged))
    connection.settings, connection.secrets = public, _seal(sealer, secret)
    if connection.state == "paused" and connection.failures:  # the settings were why
        resume(session, connection)


def renewed(session: Session, sealer: Sealer, connection_id: UUID, connector: Connector) -> None:
    """Keep secret settings that the other side has replaced, unless a person has changed them meanwhile."""
    connection = session.get_one(Connection, connection_id, with_for_update=True, populate_existing=True)
    kept = unsealed(sealer, connection.secrets)
    if all(kept.get(name) == getattr(connector.settings, name) for name in connector.renewed):
        connection.secrets = _seal(sealer, {**kept, **connector.renewed})


def rotate_hook_secret(session: Session, sealer: Sealer, connection: Connection) -> str:
    """A new webhook secret, answered in clear; the old one is accepted for another 24 hours."""
    if connection.hook_secret is None:
        raise Misconfigured("This connection has no webhooks.", "hook_secret")
    fresh = _new_secret()
    connection.old_hook_secret = connection.hook_secret
    connection.old_hook_until = clock.now() + OLD_SECRET_LIVES
    connection.hook_secret = sealer.seal(fresh)
    return fresh


def hook_secrets(sealer: Sealer, connection: Connection) -> list[str]:
    """The secrets a webhook may be signed with now, the current one first."""
    found = [sealer.unseal(connection.hook_secret)] if connection.hook_secret else []
    if connection.old_hook_secret and connection.old_hook_until and connection.old_hook_until > clock.now():
        found.append(sealer.unseal(connection.old_hook_secret))
    return found


def hook_address(settings: Settings, connection_id: UUID) -> str:
    """Where the outside system sends its webhooks."""
    base = settings.public_url or f"http://{settings.host}:{settings.port}"
    return f"{base}/hooks/{connection_id}/"


def install_hooks(session: Session, sealer: Sealer, settings: Settings, connection: Connection) -> str:
    """Ask the outside system to send webhooks here; a sentence on what was done."""
    connector = open_connector(session, sealer, settings, connection)
    if not connector.hooks:
        raise Misconfigured(f"{connector.title} sends no webhooks.", "kind")
    said = connector.install_hooks(hook_address(settings, connection.id), hook_secrets(sealer, connection)[0])
    connection.next_tend_at = clock.now() + timedelta(days=1)
    return said


def _free_name(session: Session, name: str) -> str:
    name = name.strip()
    if not 0 < len(name) <= LONGEST_NAME or not name.isprintable():
        raise BadInput(f"A connection needs a name of 1 to {LONGEST_NAME} printable characters.", "name")
    if session.scalar(select(Source.id).where(Source.name == name)) is not None:
        raise BadInput(f"There is a connection named “{name}” already; choose another name.", "name")
    return name


def _seal(sealer: Sealer, secret: Mapping[str, Any]) -> str | None:
    return sealer.seal(msgspec.json.encode(dict(secret)).decode()) if secret else None


def _new_secret() -> str:
    return secrets.token_urlsafe(32)


def _as_uuid(value: str) -> UUID | None:
    try:
        return UUID(value)
    except ValueError:
        return None


def _known_only(cls: type[Connector], values: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out settings a newer version of the connector no longer has."""
    names = {field.name for field in dataclasses.fields(cls.Settings)}
    return {name: value for name, value in values.items() if name in names}
