"""Captured events become timeline rows, profiles and cards: each event one row, once, whatever is killed.

The rows of `captured` are held while their events are written and go in the same transaction, so there is
nothing to recover. A messageId is one row per site and for ever; where two workers meet the same one, the
later fails on the unique key and finds it known when it comes again.
"""

import traceback
from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.orm import Session

from customers import stats, store
from customers.store import Resolved
from foundation import clock, log, problems
from foundation.database import GRAPH_LOCK, copy_rows, lock, transaction
from foundation.jobs import duty
from foundation.records import Person
from foundation.tables import Problem
from foundation.wake import wake_after_commit
from sync import context
from web_capture import bots, bundle, commerce, messages, personas, sites
from web_capture.carts import current as carts
from web_capture.forms import counting as forms
from web_capture.happened import Happened
from web_capture.messages import Message
from web_capture.people import Actor, actor_of, visitor
from web_capture.tables import Site
from web_capture.visits import sessions as visits
from web_capture.visits import soft

TOGETHER = 1_000  # events of a transaction, a captured row more or less
FEW = 50  # cards whose figures are counted at once
DECLARED = ("crawler", "no_user_agent")
_TAKE = text(
    "SELECT id, site_id, landed_id, events FROM captured WHERE site_id ="
    " (SELECT site_id FROM captured ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED)"
    " ORDER BY id LIMIT :limit FOR UPDATE SKIP LOCKED"
)
_PROFILES = text(
    "SELECT w.kind, w.external_id, p.id, p.customer_id"
    " FROM unnest(CAST(:kinds AS text[]), CAST(:ids AS text[])) AS w (kind, external_id)"
    " JOIN profiles p ON p.source_id = :site AND p.kind = w.kind AND p.external_id = w.external_id"
)
_COLUMNS = (
    "source_id", "source_key", "profile_id", "customer_id", "kind", "occurred_at", "received_at", "data",
)  # fmt: skip
_encode = msgspec.json.Encoder().encode

Place = tuple[UUID, UUID | None]  # profile, card


@duty("web.resolve", every=5)
def resolve(engine: Engine) -> bool:
    """Give some captured events their rows; True when there may be more."""
    try:
        with transaction(engine) as session:
            taken = _take(session)
            if taken:
                site = session.get_one(Site, taken[0].site_id)
                write(session, site, read(session, [row.landed_id for row in taken]))
                _done(session, taken)
    except Exception as error:
        if isinstance(error, DBAPIError) and _database_away(error):
            raise
        log.get(__name__).warning("events_apart", kind=type(error).__name__)
        return _one_by_one(engine)
    return bool(taken)


def _take(session: Session) -> list[Any]:
    taken: list[Any] = []
    for row in session.execute(_TAKE, {"limit": TOGETHER}):
        if taken and sum(one.events for one in taken) + row.events > TOGETHER:
            break
        taken.append(row)
    return taken


def _done(session: Session, taken: Sequence[Any]) -> None:
    session.execute(text("DELETE FROM captured WHERE id = ANY(:ids)"), {"ids": [row.id for row in taken]})


def _one_by_one(engine: Engine) -> bool:
    """The events of one bundle, each for itself: one that can't be written becomes a problem."""
    with transaction(engine) as session:
        taken = _take(session)[:1]
        for row in taken:
            site = session.get_one(Site, row.site_id)
            for event in _readable(session, site, row.landed_id):
                try:
                    with session.begin_nested():
                        write(session, site, [event])
                except Exception as error:
                    if isinstance(error, DBAPIError) and _database_away(error):
                        raise
                    _set_aside(session, site, event, error)
        _done(session, taken)
    return bool(taken)


def _readable(session: Session, site: Site, landed_id: int) -> list[Message]:
    """The events of a bundle; none, and a problem, when it can't be read."""
    try:
        return read(session, [landed_id])
    except (ValueError, RecursionError) as error:
        problems.report(
            session, area="event", subject=f"bundle {landed_id} of {site.domain}", source_id=site.id,
            message=f"What was captured together can't be read ({type(error).__name__}). It is kept as it "
            "came; retry it after an upgrade.", landed_id=landed_id, key=f"bundle:{landed_id}",
        )  # fmt: skip
        return []


def _set_aside(session: Session, site: Site, event: Message, error: Exception) -> None:
    last = traceback.extract_tb(error.__traceback__)[-1]
    log.get(__name__).error("event_failed", landed=event.landed_id, place=f"{last.filename}:{last.lineno}")
    problems.report(
        session,
        area="event",
        subject=f"event {event.message_id} of {site.domain}",
        message=f"The event could not be worked on ({type(error).__name__}: {str(error)[:300]}). "
        "It is kept as it came; retry it after an upgrade.",
        payload=_encode(event).decode(),
        source_id=site.id,
        landed_id=event.landed_id,
        key=f"event:{site.id}:{event.message_id}",
    )


@problems.retrier("event")
def retry_event(session: Session, problem: Problem) -> None:
    """Give the bundle of an event back; those of its events that have their rows keep them."""
    statement = text("INSERT INTO captured (site_id, landed_id, events) VALUES (:site, :landed, 1)")
    session.execute(statement, {"site": problem.source_id, "landed": problem.landed_id})
    wake_after_commit(session, "web.resolve")


def _database_away(error: DBAPIError) -> bool:
    """Whether the fault is the database's or the moment's, not the event's."""
    return isinstance(error, OperationalError) or error.connection_invalidated


def read(session: Session, landed_ids: Sequence[int]) -> list[Message]:
    """The events of landed bundles as messages, each messageId once."""
    rows = session.execute(
        text("SELECT id, payload FROM landed_records WHERE id = ANY(:ids) ORDER BY id"),
        {"ids": list(landed_ids)},
    )
    found: dict[str, Message] = {}
    for landed_id, payload in rows:
        for message_id, envelope in bundle.unpack(payload):
            message = messages.read(landed_id, envelope)
            message = msgspec.structs.replace(message, message_id=message_id)
            found.setdefault(_key(message), message)
    return list(found.values())


def _news(session: Session, site: Site, events: Sequence[Message]) -> list[Message]:
    """Those that have no row yet."""
    keys = [_key(event) for event in events]
    query = text("SELECT source_key FROM timeline WHERE source_id = :site AND source_key = ANY(:keys)")
    known = set(session.scalars(query, {"site": site.id, "keys": keys}))
    return [event for event, key in zip(events, keys, strict=True) if key not in known]


def _key(event: Message) -> str:
    """A public key's sender can't take the id of what the site's own server says."""
    return f"{'s' if event.secret else 'm'}:{event.message_id}"


def write(session: Session, site: Site, events: Sequence[Message]) -> None:
    """One timeline row for each event that has none, on its profile; people are brought up to date first."""
    events = _news(session, site, events)
    if not events:
        return
    secrets = sites.secret_keys(session, context.current().sealer, site)
    why = [_bot(event) for event in events]
    actors = [_actor(event, bot, secrets) for event, bot in zip(events, why, strict=True)]
    places = _places(session, site, events, actors, secrets)
    happened = []
    for event, actor, bot in zip(events, actors, why, strict=True):
        profile, card = places[actor] if actor else (None, None)
        data = commerce.data_of(event, site.currency) | {"landed": event.landed_id}
        if bot:
            data["bot"] = bot
        happened.append(Happened(event, actor, profile, card, commerce.kind_of(event), data, bot))
    copy_rows(session, "timeline", _COLUMNS, (_row(site, one) for one in happened))
    visits.record(session, site, happened)
    soft.record(session, site.id, happened)
    carts.record(session, site, happened)
    forms.record(session, site.id, happened)
    cards = {card for _, card in places.values() if card}
    (stats.refresh if len(cards) <= FEW else stats.postpone)(session, cards)
    _heard(session, site, events)


def _row(site: Site, one: Happened) -> tuple[Any, ...]:
    event = one.message
    return (
        site.id, _key(event), one.profile, one.card, one.kind, event.occurred_at, event.received_at,
        _encode(one.data).decode(),
    )  # fmt: skip


def _bot(event: Message) -> str | None:
    return bots.is_bot(event.user_agent, secret=event.secret, webdriver=event.webdriver, screen=event.screen)


def _actor(event: Message, bot: str | None, secrets: Sequence[str]) -> Actor | None:
    """Whose the event is. A crawler says that it is one and has no profile; others only look like it."""
    actor = actor_of(event, secrets)
    return None if bot in DECLARED and actor and actor.kind == "visitor" else actor


def _places(
    session: Session, site: Site, events: Sequence[Message], actors: Sequence[Actor | None],
    secrets: Sequence[str],
) -> Mapping[Actor | None, Place]:  # fmt: skip
    """Where each actor's events go, with the lock that keeps it so until the transaction ends."""
    wanted = {actor for actor in actors if actor}
    people = personas.hear(session, site.id, events, actors, secrets)
    known = _stored(session, site, wanted)
    people |= {one: visitor(one.external_id) for one in wanted if one.kind == "visitor" and one not in known}
    if not people:
        lock(session, GRAPH_LOCK, shared=True)
    else:
        _say(session, site, people)
    return _stored(session, site, wanted)


def _say(session: Session, site: Site, people: Mapping[Actor, Person]) -> None:
    records = [person for _, person in sorted(people.items())]
    store.apply(session, site.id, [Resolved(0, clock.now(), records)])


def _stored(session: Session, site: Site, actors: Collection[Actor]) -> dict[Actor | None, Place]:
    values = {"site": site.id, "kinds": [one.kind for one in actors],
              "ids": [one.external_id for one in actors]}  # fmt: skip
    rows = session.execute(_PROFILES, values) if actors else ()
    return {Actor(row[0], row[1]): (row[2], row[3]) for row in rows}


def _heard(session: Session, site: Site, events: Sequence[Message]) -> None:
    """When the site was heard of first and last; written last, as it is one row for everybody."""
    times = [event.received_at for event in events]
    session.execute(
        text(
            "UPDATE sites SET first_event_at = least(first_event_at, :first),"
            " last_event_at = greatest(last_event_at, :last) WHERE id = :id"
        ),
        {"first": min(times), "last": max(times), "id": site.id},
    )
