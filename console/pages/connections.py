"""Connections: how each does, its runs, its credentials and webhooks, and its end."""

from starlette.exceptions import HTTPException
from starlette.responses import Response

from connectors import registry
from console.news import news_of
from console.pages import exchange_sessions
from console.web import Call
from customers.tables import Source
from foundation.errors import BadInput, KartotekaError
from foundation.sealing import Sealer
from foundation.text import _, ngettext
from sync import connections, health, pull, reconcile, removal, runs, schedule
from sync.exchange import partners
from sync.tables import Connection, Run

INTERVALS = (300, 900, 3600, 6 * 3600, 24 * 3600)


def sealer_of(call: Call) -> Sealer:
    """What seals credentials."""
    kept: Sealer = call.request.app.state.sealer
    return kept


def listing(call: Call) -> Response:
    """Every connection with its health."""
    return call.page(
        "connections.html", connections=health.read(call.db), titles=titles(), broken=registry.broken()
    )


def titles() -> dict[str, str]:
    """Names of connector kinds."""
    return {kind: cls.title for kind, cls in registry.all_connectors().items()}


def find(call: Call) -> tuple[Connection, Source]:
    """The connection of the address; 404 when there is none."""
    connection = call.db.get(Connection, call.id())
    source = call.db.get(Source, call.id()) if connection else None
    if connection is None or source is None or source.removed_at:
        raise HTTPException(404)
    return connection, source


def show(call: Call) -> Response:
    """One connection: health, what it did last, settings, webhooks, and the danger zone."""
    return _detail(call)


def _detail(call: Call, status: int = 200, **shown: object) -> Response:
    connection, source = find(call)
    cls = registry.find(source.kind)
    state = next((one for one in health.read(call.db) if one.connection_id == connection.id), None)
    extra = {"tried": "", "refused": "", "secret": "", "password": "", "wrong": {}, "typed": {}} | shown
    return call.page(
        "connection.html",
        status,
        connection=connection,
        source=source,
        connector=cls,
        fields=registry.form_fields(cls),
        health=state,
        runs=runs.page(call.db, connection.id, limit=12),
        hook_address=connections.hook_address(call.settings, connection.id) if cls.hooks else "",
        intervals=INTERVALS,
        exchange=exchange_sessions.about(call, connection) if cls.called else None,
        **extra,
    )


def try_it(call: Call) -> Response:
    """Try the sign-in with what is stored, and say what was reached."""
    connection, _source = find(call)
    try:
        said = connections.test(call.db, sealer_of(call), call.settings, connection)
    except KartotekaError as error:
        return _detail(call, 422, refused=str(error))
    return _detail(call, tried=said)


def pull_now(call: Call) -> Response:
    """Start a pull, or show the one that is going on."""
    connection, _source = find(call)
    run = pull.start(
        call.db,
        connection.id,
        full=call.text("full") == "yes",
        accept_loss=call.text("accept_loss") == "yes",
    )
    return call.go(f"/runs/{run.id}")


def reconcile_now(call: Call) -> Response:
    """Count there and here, and (when asked) repair the gaps."""
    connection, _source = find(call)
    repair, accept_loss = (call.text(name) == "yes" for name in ("repair", "accept_loss"))
    run = reconcile.start(call.db, connection.id, repair, accept_loss)
    return call.go(f"/runs/{run.id}")


def pause(call: Call) -> Response:
    """Stop pulling; webhooks still land."""
    connection, _source = find(call)
    connections.pause(call.db, connection, _("paused by %s") % call.me.name)
    return call.go(f"/connections/{connection.id}", _("Paused. Webhooks still land; nothing is lost."))


def resume(call: Call) -> Response:
    """Pull again, beginning now."""
    connection, _source = find(call)
    connections.resume(call.db, connection)
    return call.go(f"/connections/{connection.id}", _("Resumed. The next pull starts in a moment."))


def save(call: Call) -> Response:
    """Change name, rhythm and settings; secrets left empty stay as they are."""
    connection, source = find(call)
    typed = call.fields()
    name, every = typed.pop("name", source.name), typed.pop("every", "")
    try:
        connections.rename(call.db, connection, name)
        if every:
            schedule.set_schedule(call.db, connection, _seconds(every))
        cls = registry.find(source.kind)
        known = {field.name for field in registry.form_fields(cls)}
        connections.change(
            call.db,
            sealer_of(call),
            connection,
            {key: value for key, value in typed.items() if key in known},
        )
    except BadInput as error:
        call.db.rollback()
        return _detail(call, 422, wrong={error.at: error.message}, typed=call.fields())
    return call.go(f"/connections/{connection.id}", _("Saved."))


def _seconds(every: str) -> int:
    if not every.isdigit() or int(every) not in INTERVALS:
        raise BadInput(_("Choose one of the intervals."), "every")
    return int(every)


def rotate(call: Call) -> Response:
    """A new webhook secret, shown this once; the old one is accepted for 24 hours."""
    connection, _source = find(call)
    secret = connections.rotate_hook_secret(call.db, sealer_of(call), connection)
    return _detail(call, secret=secret)


def renew_password(call: Call) -> Response:
    """A new password for 1C, shown this once; the old one ends at once."""
    connection, source = find(call)
    if not registry.find(source.kind).called:
        raise HTTPException(404)
    return _detail(call, password=partners.renew(call.db, sealer_of(call), connection.id))


def install_hooks(call: Call) -> Response:
    """Ask the shop to send webhooks here."""
    connection, _source = find(call)
    try:
        said = connections.install_hooks(call.db, sealer_of(call), call.settings, connection)
    except KartotekaError as error:
        return _detail(call, 422, refused=str(error))
    return call.go(f"/connections/{connection.id}", said)


def remove(call: Call) -> Response:
    """Remove the connection, with or without what it brought; its name must be typed."""
    connection, source = find(call)
    if call.text("confirm") != source.name:
        return _detail(call, 422, refused=_("Type the name “%s” to remove it.") % source.name)
    with_data = call.text("data") == "yes"
    operation = removal.start(call.db, connection.id, call.actor, with_data=with_data)
    return call.go("/connections", _("“%s” is being removed.") % source.name, operation.id)


def show_run(call: Call) -> Response:
    """One run: state, bar, counts, and its result."""
    run = call.db.get(Run, call.id())
    source = call.db.get(Source, run.connection_id) if run else None
    if run is None or source is None:
        raise HTTPException(404)
    return call.page(
        "run.html",
        run=run,
        source=source,
        going_on=run.state in runs.UNFINISHED,
        news=news_of(run),
        took=_took(run),
    )


def _took(run: Run) -> str:
    """How long a run took."""
    seconds = (run.finished_at - run.started_at).total_seconds() if run.finished_at else 0.0
    if seconds < 90:
        return _("%s s") % f"{seconds:.0f}"
    if seconds < 5400:
        return ngettext("%s minute", "%s minutes", round(seconds / 60)) % round(seconds / 60)
    return ngettext("%s hour", "%s hours", round(seconds / 3600)) % round(seconds / 3600)


def cancel_run(call: Call) -> Response:
    """Stop a run before its next page; what it landed stays."""
    run = runs.cancel(call.db, call.id())
    return call.go(f"/runs/{run.id}", _("Stopped. What was read stays."))
