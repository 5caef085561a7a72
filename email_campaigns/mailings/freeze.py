"""The audience of a mailing that starts: frozen by one statement, then written into the ledger portion by
portion.

Once frozen, who is in doesn't change any more; letters leave while later portions are still being written.
Killed
at any statement, it goes on behind the last portion that was committed.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from email_campaigns.delivery import guards, ledger
from email_campaigns.mailings import people, plan, start, states, store, variants
from email_campaigns.mailings.people import Audience, Share
from email_campaigns.tables import Mailing
from foundation.clock import now
from foundation.database import changed, transaction
from foundation.errors import BadInput
from foundation.tables import Operation

PORTION = 5_000
ALL = "all"  # frozen["filled"] when everybody has a row
_KEEP = (
    "INSERT INTO mailing_people (mailing_id, customer_id) SELECT :m_mailing, customer_id FROM ({audience}) a"
)
_NEXT = text(
    "SELECT CAST(max(CAST(customer_id AS text)) AS uuid), count(*) FROM (SELECT customer_id FROM "
    "mailing_people"
    " WHERE mailing_id = :mailing AND customer_id > :after ORDER BY customer_id LIMIT :most) q"
)
# whoever was merged since stands for the card they are on now
_PORTION = (
    "SELECT DISTINCT coalesce(k.merged_into, k.id) AS customer_id FROM mailing_people f"
    " JOIN customers k ON k.id = f.customer_id"
    " WHERE f.mailing_id = :m_mailing AND f.customer_id > :m_after AND f.customer_id <= :m_last"
)


class _Ended(Exception):
    """No error: somebody cancelled the mailing while its audience was written."""


def freeze(engine: Engine, mailing_id: UUID) -> int:
    """Decide who is in the audience of a mailing that starts; answers how many.

    In one transaction with its new state. Meanwhile it may be cancelled: then nobody is. What can't be done
    as it
    was agreed to, asks.
    """
    try:
        with transaction(engine) as session:
            return _freeze(session, mailing_id)
    except BadInput as error:
        with transaction(engine) as session:
            mailing = states.held(session, mailing_id)
            if mailing.state == "freezing":
                states.move(session, mailing, "ask", error.message)
    except _Ended:
        return 0
    return 0


def _freeze(session: Session, mailing_id: UUID) -> int:
    mailing, at = session.get(Mailing, mailing_id), now()
    if mailing is None or mailing.state != "freezing" or guards.held(session) == "restored":
        return 0
    if start.is_copied(session, mailing):
        return 0
    if said := start.late(mailing, at) or start.changed(session, mailing):
        raise BadInput(said)
    found = _insert(session, mailing, at)
    mailing = states.held(session, mailing_id)
    if mailing.state != "freezing":
        raise _Ended
    frozen = {**mailing.frozen, "at": at.isoformat(), "people": found, "rows": 0, "filled": ""}
    if not found:
        states.move(session, mailing, "empty", plan.nobody(), frozen=frozen | {"filled": ALL}, finished_at=at)
        return 0
    if mailing.schedule.get("kind") == "best":
        frozen["hour"] = people.company_hour(session, at)
    states.move(session, mailing, "frozen", frozen=frozen, started_at=at)
    operation = session.get(Operation, mailing.operation_id) if mailing.operation_id else None
    if operation is not None:
        operation.result = {**operation.result, "audience": found}
    return found


def _insert(session: Session, mailing: Mailing, at: datetime) -> int:
    among = people.audience(session, mailing, at)
    query = text(_KEEP.format(audience=among.sql))
    return changed(session, query, {**among.params, "m_mailing": mailing.id})


def fill(engine: Engine, mailing_id: UUID) -> bool:
    """Write the next portion of a frozen audience into the ledger; whether there may be more."""
    with transaction(engine) as session:
        mailing = states.held(session, mailing_id)
        frozen = mailing.frozen
        if mailing.started_at is None or frozen.get("filled") == ALL:
            return False
        after = UUID(frozen["filled"]) if frozen["filled"] else UUID(int=0)
        values = {"mailing": mailing_id, "after": after, "most": PORTION}
        last, count = session.execute(_NEXT, values).one()
        if count:
            portion = {"m_mailing": mailing_id, "m_after": after, "m_last": last}
            rows = _rows(session, mailing, Audience(_PORTION, portion, now()))
            mailing.frozen = {**frozen, "filled": str(last), "rows": frozen["rows"] + rows}
        else:
            mailing.frozen = {**frozen, "filled": ALL, "filled_at": now().isoformat()}
            session.execute(
                text("DELETE FROM mailing_people WHERE mailing_id = :mailing"), {"mailing": mailing_id}
            )
        if mailing.state == "cancelled":  # whoever gets none has a row that says so
            ledger.cancel(session, store.step(mailing_id))
        return bool(count)


def _rows(session: Session, mailing: Mailing, among: Audience) -> int:
    began = datetime.fromisoformat(mailing.frozen["at"])
    begins = max(mailing.starts_at or began, began)
    arms, left = mailing.frozen["arms"], variants.rest(mailing)
    names, hours = [one["name"] for one in arms], [one.get("hours", 0) for one in arms]
    share = Share(names, [one["share"] for one in arms], hours, bool(left))
    wanted, params = people.select(session, mailing, among, begins, share)
    if len({one["version_id"] for one in arms}) == 1:
        return _planned(session, mailing, arms[0], wanted, params)
    rows = 0
    for place, one in enumerate(arms):
        # the rest waits with the first letter, and gets the winner's
        names = [one["name"], ""] if place == 0 and left else [one["name"]]
        some = f"SELECT * FROM ({wanted}) arm WHERE arm.variant = ANY(:m_arm)"
        rows += _planned(session, mailing, one, some, {**params, "m_arm": names})
    return rows


def _planned(
    session: Session, mailing: Mailing, arm: Mapping[str, Any], wanted: str, params: Mapping[str, Any]
) -> int:
    assert mailing.sender_id is not None
    return ledger.plan(
        session, store.step(mailing.id), arm["purpose"], mailing.sender_id, UUID(arm["version_id"]),
        (wanted, params), arm["topic"],
    )  # fmt: skip


def left(session: Session, mailing_id: UUID) -> int:
    """How many of the audience have no row of the ledger yet."""
    query = text(
        "SELECT count(*) FROM mailing_people f JOIN mailings m ON m.id = f.mailing_id WHERE f.mailing_id "
        "= :mailing"
        " AND CAST(f.customer_id AS text) > (m.frozen ->> 'filled')"
    )
    return int(session.scalar(query, {"mailing": mailing_id}) or 0)
