"""Every step of the protocol: what 1C asks by type and mode, and the bytes it is answered with.

Only `success` of the session that was shown orders takes them. Work that may be long is a job's: the step
says `progress`, and 1C asks again.
"""

from collections.abc import Callable
from importlib import import_module
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from connectors import registry
from connectors.base import Connector
from customers.tables import Source
from foundation import clock
from foundation.context import Context
from foundation.database import transaction
from foundation.errors import KartotekaError
from foundation.text import _, language, ngettext
from sync import connections
from sync.exchange import outgoing, partners, queueing, sessions, spool
from sync.exchange.asking import MODES, TYPES, Asked
from sync.exchange.replies import Refused, Reply, Speech
from sync.exchange.spool import Chunk
from sync.exchange.tables import ExchangeSession, Partner
from sync.tables import Connection

FILE_LIMIT = 1_000_000  # bytes of a chunk; the usual proxy takes as much
_FOR_AN_ANSWER = ("checkauth", "init", "query")  # count only for who reads what they are answered

Gone = Callable[[], bool]  # whether 1C has given up waiting for the answer


class Entered(msgspec.Struct, frozen=True):
    """A request that may act: whose it is and how to speak to it. `cookie` is that of a new session."""

    connection_id: UUID
    session_id: UUID
    speech: Speech
    settings: Any
    cookie: str = ""


class Unknown(Refused):
    """There is no such connection."""


def known(session: Session, connection_id: UUID) -> tuple[Connection, type[Connector], Partner]:
    """A connection that 1C may call; Unknown when there is none."""
    connection = session.get(Connection, connection_id)
    source = session.get(Source, connection_id) if connection else None
    partner = session.get(Partner, connection_id) if connection else None
    if connection is None or source is None or partner is None or connection.state == "removing":
        raise Unknown("There is no such exchange here. Copy the address from the connection's page again.")
    return connection, registry.find(source.kind), partner


def speech_of(engine: Engine, connection_id: UUID) -> Speech:
    """How the 1C of a connection is spoken to; Unknown when there is none."""
    with transaction(engine) as session:
        connection, cls, _partner = known(session, connection_id)
        return Speech.of(connections.public_settings(cls, connection))


def enter(engine: Engine, context: Context, connection_id: UUID, asked: Asked, gone: Gone) -> Entered:
    """Who asks: by the password at checkauth, by the cookie after it. Refused says what is wrong."""
    with transaction(engine) as session:
        connection, cls, partner = known(session, connection_id)
        settings = connections.public_settings(cls, connection)
        speech = Speech.of(settings)
        with language(speech.language):
            if asked.type not in TYPES:
                raise Refused(
                    _("The type “%s” is not one of this exchange; it knows catalog and sale.") % asked.type
                )
            if asked.mode not in MODES:
                raise Refused(_("The mode “%s” is not one of this exchange.") % asked.mode)
            if asked.mode == "checkauth":
                _check_password(context, partner, asked)
                cookie, made = sessions.begin(session, connection_id, asked.type)
                _check_asker(asked, gone)
                return Entered(connection_id, made.id, speech, settings, cookie)
            found = None
            refused: Refused | None = None
            try:
                found = sessions.find(session, connection_id, asked.cookies, asked.sessid)
            except Refused as error:
                refused = error
        if found is not None:
            return Entered(connection_id, found.id, speech, settings)
    with language(speech.language):
        if refused is not None:  # outside: a session that ended of silence stays ended
            raise refused
        return _without_cookie(engine, context, connection_id, asked, speech, settings)


def _without_cookie(
    engine: Engine, context: Context, connection_id: UUID, asked: Asked, speech: Speech, settings: Any
) -> Entered:
    if asked.user is None and asked.cookies:
        raise Refused(_("The session of this exchange is not known here. Start the exchange again."))
    if asked.user is None:
        raise Refused(
            _("The request carries neither the cookie of checkauth nor a password. Start the exchange again.")
        )
    with transaction(engine) as session:
        _check_password(context, known(session, connection_id)[2], asked)
        return Entered(
            connection_id, sessions.newest(session, connection_id, asked.type).id, speech, settings
        )


def _check_password(context: Context, partner: Partner, asked: Asked) -> None:
    if asked.user is None:
        raise Refused(
            _("No user and password came along. Enter them in 1C; when they are there, the web server "
              "in front takes the Authorization header away: let it pass, or copy it to X-Authorization.")
        )  # fmt: skip
    if not partners.matches(context.sealer, partner, asked.user, asked.password):
        raise Refused(_("The user or the password is wrong. Both stand on the connection's page."))


def _check_asker(asked: Asked, gone: Gone) -> None:
    """At the end of what was done: orders that nobody was shown, a session that nobody knows must not be."""
    if asked.mode in _FOR_AN_ANSWER and gone():
        raise Refused(_("Nobody waited for the answer any more; nothing was changed."))


def answer(
    engine: Engine, context: Context, entered: Entered, asked: Asked, gone: Gone, chunk: Chunk | None = None
) -> Reply:
    """Do one step. What fails changes nothing and is answered in a line for whoever reads 1C's log."""
    with language(entered.speech.language):
        try:
            with transaction(engine) as session:
                owner = session.get_one(ExchangeSession, entered.session_id, with_for_update=True)
                reply = _STEPS[asked.mode](_Step(session, context, entered, asked, owner, chunk))
                _check_asker(asked, gone)
                return reply
        except KartotekaError as error:
            return entered.speech.failure(str(error))


class _Step(msgspec.Struct, frozen=True):
    """What a step stands on."""

    session: Session
    context: Context
    entered: Entered
    asked: Asked
    owner: ExchangeSession
    chunk: Chunk | None

    @property
    def sale(self) -> bool:
        """Orders, not goods."""
        return self.asked.type == "sale"

    def say(self, text: str) -> Reply:
        """An answer in words."""
        return self.entered.speech.say(text)


def _documents() -> Any:
    """What writes documents; no process needs it to start."""
    return import_module("sync.exchange.documents")


def _checkauth(step: _Step) -> Reply:
    lines = ["success", sessions.COOKIE, step.entered.cookie, f"sessid={step.owner.token}"]
    if not step.sale:
        lines.append(f"timestamp={int(clock.now().timestamp())}")
    return step.say("\n".join(lines))


def _init(step: _Step) -> Reply:
    """A new round of files; what was shown and not taken waits again."""
    step.owner.round += 1
    sessions.give_back(step.session, step.owner)
    limits = f"zip=yes\nfile_limit={FILE_LIMIT}"
    if not step.sale:
        return step.say(limits)
    step.owner.version = step.asked.version
    if not step.asked.version:
        return step.say(limits + "\n")
    version = _documents().version_of(step.entered.settings, step.asked.version)
    return step.say(f"{limits}\nsessid={step.owner.token}\nversion={version}")


def _file(step: _Step) -> Reply:
    """A chunk. Old 1C sends its documents and never asks to import them: a whole file is imported at once."""
    if step.chunk is None:
        raise Refused(_("Files are sent by POST, with their bytes as the body."))
    settings = step.context.settings
    file = spool.append(step.session, settings, step.owner, step.asked.type, step.asked.filename, step.chunk)
    if step.sale and not step.owner.version and spool.whole(spool.path_of(settings, file)):
        queueing.ask(step.session, step.entered.connection_id, file, "")
    return step.say("success\n" if step.sale else "success")


def _import(step: _Step) -> Reply:
    settings = step.context.settings
    file, member = queueing.find(step.session, settings, step.owner, step.asked.filename)
    state = queueing.ask(step.session, step.entered.connection_id, file, member)
    if state.state == "failed":
        raise Refused(state.error)
    if state.state != "done":
        return step.say("progress\n" + _("%s read, %s %%") % (state.read, state.percent))
    words = ngettext("%s record read", "%s records read", state.read) % state.read
    if state.problems:
        words += _("; %s could not be used: see the problems of the connection") % state.problems
    return step.say("success\n" + words)


def _query(step: _Step) -> Reply:
    if not step.sale:
        raise Refused(_("Orders are asked for by type=sale."))
    orders = outgoing.show(step.session, step.owner)
    body: bytes = _documents().orders(orders, step.entered.settings, step.owner.version)
    return step.entered.speech.document(body, f"<КоммерческаяИнформация>: {len(orders)}")


def _success(step: _Step) -> Reply:
    if not step.sale:
        return step.say("success")
    outgoing.take(step.session, step.owner)
    return step.say("success\n")


def _info(step: _Step) -> Reply:
    body: bytes = _documents().info(step.entered.settings)
    return step.entered.speech.document(body, "<Справочник>")


def _deactivate(step: _Step) -> Reply:
    """The end of a full upload: what it did not name is no longer sold."""
    if not step.asked.timestamp.isdigit():
        raise Refused(_("The request deactivate needs timestamp=, as checkauth gave it."))
    queueing.ask_leaving(step.session, step.owner)
    return step.say("success\n" + _("What this upload did not name will be marked as gone."))


def _complete(step: _Step) -> Reply:
    return step.say("success\n" + _("The exchange is complete."))


_STEPS: dict[str, Callable[[_Step], Reply]] = {
    "checkauth": _checkauth,
    "init": _init,
    "file": _file,
    "import": _import,
    "query": _query,
    "success": _success,
    "info": _info,
    "deactivate": _deactivate,
    "complete": _complete,
}
