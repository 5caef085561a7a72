"""Who may enter: staff, tokens for programs, and the key that seals credentials."""

import secrets
from pathlib import Path
from typing import Any

import click

from foundation.errors import BadInput
from kartoteka.terminal import data_option, json_option, say, table

SCOPES = ("read", "write", "admin")


@click.group("token")
def token_command() -> None:
    """Tokens for programs: each is shown once and kept as a hash."""


@token_command.command("create")
@click.option("--name", required=True, help="What the token is for.")
@click.option("--scope", "scopes", multiple=True, required=True, type=click.Choice(SCOPES),
              help="How far it reaches; each includes those before it.")  # fmt: skip
@data_option
@json_option
def token_create(name: str, scopes: tuple[str, ...], data: Path | None, as_json: bool) -> None:
    """Make a token and print it, and nothing else."""
    from console.sessions import digest
    from console.tables import ApiToken
    from foundation.database import transaction
    from kartoteka import installation

    if not 0 < len(name.strip()) <= 100:
        raise BadInput("A token needs a name of 1 to 100 characters.", "--name")
    text = f"kt_{secrets.token_urlsafe(32)}"
    with installation.opened(data, begins=True) as found, transaction(found.engine) as session:
        row = ApiToken(
            name=name.strip(), token_hash=digest(text), scopes=sorted(set(scopes), key=SCOPES.index)
        )
        session.add(row)
        session.flush()
        answer = {"id": row.id, "name": row.name, "scopes": row.scopes, "token": text}
    say(answer, as_json, text)


@token_command.command("list")
@data_option
@json_option
def token_list(data: Path | None, as_json: bool) -> None:
    """List the tokens: names, scopes, last use; never the tokens themselves."""
    from sqlalchemy import select

    from console.tables import ApiToken
    from foundation.database import transaction
    from kartoteka import installation

    fields = ("id", "name", "scopes", "created_at", "used_at", "revoked_at")
    with installation.opened(data) as found, transaction(found.engine) as session:
        rows: list[dict[str, Any]] = [
            {field: getattr(row, field) for field in fields}
            for row in session.scalars(select(ApiToken).order_by(ApiToken.id))
        ]
    shown = [
        (row["name"], " ".join(row["scopes"]), row["used_at"], row["revoked_at"], row["id"]) for row in rows
    ]
    headers = ("NAME", "SCOPES", "USED", "REVOKED", "ID")
    say({"data": rows, "next": None}, as_json, table(headers, shown, "No tokens yet: kartoteka token create"))


@token_command.command("revoke")
@click.argument("name")
@data_option
@json_option
def token_revoke(name: str, data: Path | None, as_json: bool) -> None:
    """Take tokens of that name out of force, at once."""
    from sqlalchemy import update

    from console.tables import ApiToken
    from foundation.clock import now
    from foundation.database import transaction
    from kartoteka import installation

    with installation.opened(data) as found, transaction(found.engine) as session:
        query = update(ApiToken).where(ApiToken.name == name, ApiToken.revoked_at.is_(None))
        ended = session.scalars(query.values(revoked_at=now()).returning(ApiToken.id)).all()
    if not ended:
        raise BadInput(f"There is no token “{name}” in force.", "name")
    say({"revoked": list(ended)}, as_json, f"Revoked {len(ended)} token(s) named {name}.")


@click.group("user")
def user_command() -> None:
    """Staff: the people who sign in."""


@user_command.command("add")
@click.argument("email")
@click.option("--name", default="", help="What the console calls them.")
@click.option("--role", default="owner", type=click.Choice(["owner"]), help="What they may do.")
@click.option("--password-file", type=click.Path(path_type=Path, exists=True, dir_okay=False),
              help="Read the password from a file; without one they come in by link.")  # fmt: skip
@data_option
@json_option
def user_add(
    email: str, name: str, role: str, password_file: Path | None, data: Path | None, as_json: bool
) -> None:
    """Add a member of staff and print a link that signs them in once, within ten minutes."""
    from console import auth
    from foundation.database import transaction
    from kartoteka import installation

    password = password_file.read_text("utf-8").strip() if password_file else secrets.token_urlsafe(24)
    with installation.opened(data, begins=True) as found, transaction(found.engine) as session:
        user = auth.create_user(session, email, name, password, role=role)
        link = f"{base(found.settings)}{auth.make_link(session, user)}"
        answer = {"id": user.id, "email": user.email, "role": user.role, "link": link}
    say(answer, as_json, f"Added {answer['email']}. Sign in once, within ten minutes: {link}")


def base(settings: Any) -> str:
    """The address people use, as far as this terminal knows it."""
    return str(settings.public_url or f"http://{settings.host}:{settings.port}")


@user_command.command("link")
@click.argument("email")
@data_option
@json_option
def user_link(email: str, data: Path | None, as_json: bool) -> None:
    """Print a link that signs a member of staff in once, within ten minutes."""
    from sqlalchemy import select

    from console import auth
    from console.tables import User
    from foundation.database import transaction
    from kartoteka import installation

    with installation.opened(data) as found, transaction(found.engine) as session:
        user = session.scalar(
            select(User).where(User.email == email.strip().lower(), User.disabled_at.is_(None))
        )
        if user is None:
            raise BadInput(f"There is no member of staff with the address {email}.", "email")
        link = f"{base(found.settings)}{auth.make_link(session, user)}"
    say({"email": email, "link": link}, as_json, link)


@user_command.command("list")
@data_option
@json_option
def user_list(data: Path | None, as_json: bool) -> None:
    """List the staff."""
    from sqlalchemy import select

    from console.tables import User
    from foundation.database import transaction
    from kartoteka import installation

    fields = ("id", "email", "name", "role", "created_at", "disabled_at")
    with installation.opened(data) as found, transaction(found.engine) as session:
        rows: list[dict[str, Any]] = [
            {field: getattr(row, field) for field in fields}
            for row in session.scalars(select(User).order_by(User.id))
        ]
    shown = [(row["email"], row["name"], row["role"], row["disabled_at"]) for row in rows]
    say(
        {"data": rows, "next": None},
        as_json,
        table(("E-MAIL", "NAME", "ROLE", "DISABLED"), shown, "Nobody yet."),
    )


@click.command("rotate-key")
@data_option
@json_option
def rotate_key_command(data: Path | None, as_json: bool) -> None:
    """Seal all stored credentials with a new key. Killed half-way, both keys stay and it can be run again."""
    from foundation import sealing
    from foundation.database import transaction
    from kartoteka import installation

    columns = [("connections", "id", name) for name in ("secrets", "hook_secret", "old_hook_secret")]
    columns.append(("exchange_partners", "connection_id", "password"))
    columns.append(("site_keys", "id", "sealed"))
    columns += [("mail_switch", "id", "secret"), ("transports", "id", "settings"),
                ("mail_domains", "domain", "rsa_key"), ("mail_domains", "domain", "ed25519_key")]  # fmt: skip
    columns.append(("journey_callees", "origin", "secret"))
    with installation.opened(data) as found:
        sealer = sealing.begin_rotation(found.settings)
        with transaction(found.engine) as session:
            count = sealing.rotate(session, sealer, columns)
        if not found.running:
            sealing.end_rotation(found.settings)
    text = f"Sealed {count} stored secrets with a new key."
    if found.running:
        text += " Restart Kartoteka, then run this once more while it is stopped: the old key goes then."
    say({"sealed": count, "old_key_kept": found.running}, as_json, text)
