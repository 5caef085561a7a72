"""The wizard for a new connection: choose a system, answer its questions, try, done."""

from typing import Any

from starlette.responses import Response

from connectors import registry
from connectors.base import Connector
from console.pages.connections import sealer_of
from console.web import Call
from foundation.errors import BadInput, KartotekaError, Misconfigured
from sync import connections, pull
from sync.exchange import partners


def choose(call: Call) -> Response:
    """Which system."""
    kinds = [cls for cls in registry.all_connectors().values() if cls.role != "file"]
    return call.page("connect_choose.html", kinds=sorted(kinds, key=lambda cls: cls.title))


def _connector(call: Call) -> type[Connector]:
    return registry.find(str(call.request.path_params["kind"]))


def ask(call: Call) -> Response:
    """The questions of one system."""
    return _form(call, _connector(call))


def _form(call: Call, cls: type[Connector], status: int = 200, **shown: object) -> Response:
    """The form with everything that was typed; secrets too, since they are still in the making."""
    extra = {"tried": "", "refused": "", "wrong": {}, "typed": {}} | shown
    return call.page("connect.html", status, connector=cls, fields=registry.form_fields(cls), **extra)


def create(call: Call) -> Response:
    """Try what was typed, or store it and start the first pull."""
    cls = _connector(call)
    typed = call.fields()
    name = typed.pop("name", "")
    act = typed.pop("act", "create")
    kept: dict[str, Any] = {"typed": {**typed, "name": name}}
    call.db.commit()  # the other side may take its time; no transaction waits for it
    try:
        tried = connections.try_settings(cls.kind, typed, call.settings)
        if act == "try":
            return _form(call, cls, tried=tried, **kept)
        connection = connections.create(call.db, sealer_of(call), cls.kind, name, typed)
    except BadInput as error:
        call.db.rollback()
        return _form(call, cls, 422, wrong={error.at: error.message}, **kept)
    except Misconfigured as error:
        call.db.rollback()
        wrong = {error.setting: str(error)} if error.setting in typed else {}
        return _form(call, cls, 422, wrong=wrong, refused="" if wrong else str(error), **kept)
    except KartotekaError as error:
        call.db.rollback()
        return _form(call, cls, 422, refused=str(error), **kept)
    if connections.is_pulled(cls):
        pull.start(call.db, connection.id)
    secrets = connections.hook_secrets(sealer_of(call), connection)
    return call.page(
        "connected.html",
        connection=connection,
        name=name,
        connector=cls,
        tried=tried,
        hook_address=connections.hook_address(call.settings, connection.id) if cls.hooks else "",
        secret=secrets[0] if secrets else "",
        exchange=partners.shown(call.db, sealer_of(call), call.settings, connection.id),
    )
