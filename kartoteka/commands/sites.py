"""Sites whose pages are captured: add, list, change, and their write keys."""

from pathlib import Path
from typing import Any
from uuid import UUID

import click

from kartoteka.terminal import data_option, json_option, say, table


@click.group("site")
def site_command() -> None:
    """Sites whose pages carry the snippet, or whose servers send events."""


@site_command.command("add")
@click.argument("domain")
@click.option("--origin", "origins", multiple=True, help="A further host the pages are served from.")
@click.option("--currency", help="Of events that name none, such as KZT.")
@click.option("--consent", type=click.Choice(("none", "wait", "deny")),
              help="Send at once (none), wait for consent, or keep silent until then (deny).")  # fmt: skip
@data_option
@json_option
def site_add(
    domain: str, origins: tuple[str, ...], currency: str | None, consent: str | None, data: Path | None,
    as_json: bool,
) -> None:  # fmt: skip
    """Add a site; answers its keys, the secret one for this once, and the line for its pages."""
    from foundation.database import transaction
    from kartoteka import installation
    from web_capture import sites

    with installation.opened(data, begins=True) as found, transaction(found.engine) as session:
        site, keys = sites.add(
            session, found.context.sealer, domain, origins=origins, currency=currency, consent=consent
        )
        url = sites.snippet_url(found.settings, site)
        result = {
            "id": site.id, "domain": site.domain, "site_key": site.key, "snippet_url": url,
            "write_key": keys.write_key, "secret_key": keys.secret_key,
        }  # fmt: skip
    text = (
        f'Put this line into the pages of {result["domain"]}:\n\n  <script async src="{url}"></script>\n\n'
        f"Write key (public): {keys.write_key}\n"
        f"Secret key (for servers only, shown this once): {keys.secret_key}"
    )
    say(result, as_json, text)


@site_command.command("list")
@data_option
@json_option
def site_list(data: Path | None, as_json: bool) -> None:
    """List the sites and when each was heard of last."""
    from foundation.database import transaction
    from kartoteka import installation
    from web_capture import sites

    with installation.opened(data) as found, transaction(found.engine) as session:
        rows: list[dict[str, Any]] = [
            {"id": one.id, "domain": one.domain, "site_key": one.key,
             "snippet_url": sites.snippet_url(found.settings, one), **sites.chosen(one),
             "first_event_at": one.first_event_at, "last_event_at": one.last_event_at}
            for one in sites.everything(session)
        ]  # fmt: skip
    shown = [(one["domain"], one["site_key"], one["last_event_at"], one["snippet_url"]) for one in rows]
    headers = ("DOMAIN", "SITE KEY", "LAST EVENT", "SNIPPET")
    say({"data": rows, "next": None}, as_json, table(headers, shown, "No sites yet: kartoteka site add"))


@site_command.command("set")
@click.argument("site")
@click.option("--origin", "origins", multiple=True,
              help="All further hosts the pages are served from; '' for none.")  # fmt: skip
@click.option("--currency", help="Of events that name none, such as KZT; '' for none.")
@click.option("--consent", type=click.Choice(("none", "wait", "deny")), help="What the snippet does first.")
@click.option("--gpc/--no-gpc", default=None, help="Whether “do not track” counts as a refusal.")
@click.option("--capture/--no-capture", default=None, help="Whether the shop's own events are read.")
@click.option("--forms/--no-forms", default=None, help="Whether the pages' forms are read.")
@click.option("--cart-silence", "cart", metavar="MINUTES",
              help="After how long a cart counts as given up; 1 to 43200, usually 60.")  # fmt: skip
@click.option("--checkout-silence", "checkout", metavar="MINUTES", help="The same of a checkout; usually 30.")
@click.option("--browse-silence", "browse", metavar="MINUTES",
              help="The same of looking at products; usually 120.")  # fmt: skip
@data_option
@json_option
def site_set(
    site: str, origins: tuple[str, ...], cart: str | None, checkout: str | None, browse: str | None,
    data: Path | None, as_json: bool, **given: Any,
) -> None:  # fmt: skip
    """Change a site; what isn't named stays. `kartoteka undo` takes it back."""
    from foundation.database import transaction
    from kartoteka import installation
    from web_capture import sites

    given["abandonment"] = {"cart": cart, "checkout": checkout, "browse": browse}
    if origins:
        given["origins"] = origins
    with installation.opened(data) as found, transaction(found.engine) as session:
        row = sites.find(session, site)
        operation = sites.decide(session, row, given, "terminal")
        result = {"id": row.id, "domain": row.domain, **sites.chosen(row),
                  "operation": operation.id if operation else None}  # fmt: skip
    text = f"{result['domain']} is changed; pages have it within five minutes."
    if operation:
        text += f" Undo: kartoteka undo {result['operation']}"
    say(result, as_json, text if operation else f"{result['domain']} is that way already.")


@site_command.command("keys")
@click.argument("site")
@click.option("--new", type=click.Choice(("public", "secret")), help="Make another key and show it.")
@click.option("--revoke", type=click.UUID, metavar="KEY", help="Take the key of this id out of force.")
@data_option
@json_option
def site_keys(site: str, new: str | None, revoke: UUID | None, data: Path | None, as_json: bool) -> None:
    """List the write keys of a site, make one, or revoke one; secret ones are shown when they are made."""
    from foundation.database import transaction
    from kartoteka import installation
    from web_capture import sites

    with installation.opened(data) as found, transaction(found.engine) as session:
        row = sites.find(session, site)
        made = sites.new_key(session, found.context.sealer, row, secret=new == "secret") if new else None
        if revoke:
            sites.revoke(session, row, revoke)
        keys = sites.keys_of(session, row)
        rows = [
            {"id": key.id, "kind": "secret" if key.secret else "public", "key": key.value,
             "created_at": key.created_at, "revoked_at": key.revoked_at}
            for key in keys
        ]  # fmt: skip
    shown = [(one["kind"], one["key"] or "(hidden)", one["revoked_at"], one["id"]) for one in rows]
    listed = table(("KIND", "KEY", "REVOKED", "ID"), shown, "This site has no keys.")
    text = f"New key: {made}\n\n{listed}" if made else listed
    say({"made": made, "data": rows, "next": None}, as_json, text)
