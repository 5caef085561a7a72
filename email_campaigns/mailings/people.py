"""Whom a mailing goes to as one SELECT for the ledger: who, held out or not, which variant, due when."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from customers.segments import store as segments
from email_campaigns import secret, zones
from email_campaigns.mailings import draw, hours, schedule
from email_campaigns.mailings.draw import SQL as DRAW
from email_campaigns.tables import Mailing

NEVER = "9999-01-01T00:00:00Z"  # due of the rest until its winner is found

_PLACES = (
    "SELECT DISTINCT coalesce(c.country, ''), coalesce(c.city, '') FROM ({audience}) a"
    " JOIN customers c ON c.id = a.customer_id"
)


@dataclass(frozen=True)
class Audience:
    """Those in the segments, as SQL with its parameters, at an instant."""

    sql: str
    params: Mapping[str, Any]
    at: datetime


@dataclass(frozen=True)
class Share:
    """The names of the arms in their order with their shares and hours after the mailing's own time; `rest`:
    somebody waits for the winner."""

    names: Sequence[str]
    percents: Sequence[float]
    hours: Sequence[int]
    rest: bool


def audience(session: Session, mailing: Mailing, at: datetime) -> Audience:
    """Who is in the segments; `BadInput` when that can't be said, never everybody."""
    query, params = segments.audience(session, mailing.include, mailing.exclude, at)
    return Audience(query, params, at)


def places(session: Session, among: Audience) -> dict[tuple[str, str], str]:
    """Every country and city of the audience with its time zone."""
    usual = secret.switch(session).zone
    rows = session.execute(text(_PLACES.format(audience=among.sql)), dict(among.params))
    return {(country, city): zones.zone_of(country, city, usual) for country, city in rows}


def begins(session: Session, mailing: Mailing, among: Audience) -> datetime:
    """When the mailing starts; by recipients' local time as soon as the first of them is due."""
    if mailing.schedule.get("kind") != "local":
        return schedule.begins(mailing.schedule, among.at)
    return schedule.begins(mailing.schedule, among.at, set(places(session, among).values()))


def select(
    session: Session, mailing: Mailing, among: Audience, start: datetime, share: Share
) -> tuple[str, dict[str, Any]]:
    """SQL and parameters of (customer_id, variant, due_at, holdout) for everybody in the audience."""
    params: dict[str, Any] = {**among.params, "m_start": start}
    own = draw.key(session, mailing.id)
    percent = float(mailing.holdout)
    held = "false"
    if percent:
        held, params["m_key"], params["m_held"] = "w.luck < :m_held", own, draw.bound(percent)
    variant = _variant(share, own, params)
    luck = f", {DRAW} AS luck" if "m_key" in params else ""
    # OFFSET 0: the hash is made once a person, not once for each comparison
    people = f"(SELECT a.customer_id{luck} FROM ({among.sql}) a{' OFFSET 0' if luck else ''}) w"
    due, join = _due(session, mailing, among, start, params)
    if share.rest:
        params["m_never"] = NEVER
        due = f"CASE WHEN {variant} = '' THEN CAST(:m_never AS timestamptz) ELSE {due} END"
    query = (
        f"SELECT w.customer_id, {variant} AS variant, {due} AS due_at, {held} AS holdout FROM {people}{join}"
    )
    if any(share.hours):
        params |= {"m_names": list(share.names), "m_hours": list(share.hours)}
        query = (
            "SELECT q.customer_id, q.variant, q.due_at + coalesce(l.hours, 0) * interval '1 hour' AS due_at,"
            f" q.holdout FROM ({query}) q LEFT JOIN unnest(CAST(:m_names AS text[]),"
            " CAST(:m_hours AS int[])) AS l (name, hours) ON l.name = q.variant"
        )
    return query, params


def _variant(share: Share, own: bytes, params: dict[str, Any]) -> str:
    if len(share.names) == 1 and not share.rest:
        params["m_name"] = share.names[0]
        return "CAST(:m_name AS text)"
    params["m_key"] = own
    cases = []
    for place, end in enumerate(draw.bounds(share.percents)):
        params[f"m_end{place}"], params[f"m_name{place}"] = end, share.names[place]
        cases.append(f"WHEN substr(w.luck, 9) < :m_end{place} THEN CAST(:m_name{place} AS text)")
    return f"CASE {' '.join(cases)} ELSE '' END"


def _due(
    session: Session, mailing: Mailing, among: Audience, start: datetime, params: dict[str, Any]
) -> tuple[str, str]:
    """When each is due: the expression, and what is joined for it."""
    kind = mailing.schedule.get("kind", "now")
    if kind not in ("local", "best"):
        return "CAST(:m_start AS timestamptz)", ""
    known = places(session, among)
    params["m_countries"] = [country for country, _city in known]
    params["m_cities"] = [city for _country, city in known]
    at_home = (
        " LEFT JOIN customers mc ON mc.id = w.customer_id LEFT JOIN unnest(CAST(:m_countries AS text[]), "
        "CAST(:m_cities AS text[]),"
        " CAST({third} AS {kind}[])) AS p (country, city, {name})"
        " ON p.country = coalesce(mc.country, '') AND p.city = coalesce(mc.city, '')"
    )
    if kind == "local":
        wall = schedule.wall_time(mailing.schedule["wall"])
        late = timedelta(hours=mailing.late_hours)
        times = schedule.locally(wall, set(known.values()), start, late)
        params["m_dues"] = [times[zone] for zone in known.values()]
        join = at_home.format(third=":m_dues", kind="timestamptz", name="due")
        return "coalesce(p.due, CAST(:m_start AS timestamptz))", join
    return _best(session, list(known.values()), start, params, at_home, among, mailing.frozen.get("hour"))


def company_hour(session: Session, at: datetime) -> int:
    """The company's best hour, for people whose own isn't known."""
    return hours.company(session, at, secret.switch(session).zone)


def _best(
    session: Session,
    homes: list[str],
    start: datetime,
    params: dict[str, Any],
    at_home: str,
    among: Audience,
    hour: int | None,
) -> tuple[str, str]:
    server = hours.known_to_server(session, sorted(set(homes)))
    homes = [zone if zone in server else "UTC" for zone in homes]
    times = schedule.hourly(set(homes), start)
    params |= {
        "m_zones": homes, "m_since": start - hours.SINCE,
        "m_hour": hour if hour is not None else company_hour(session, start),
        "m_at_zone": [zone for zone, _hour in times], "m_at_hour": [hour for _zone, hour in times],
        "m_at_due": list(times.values()),
    }  # fmt: skip
    join = at_home.format(third=":m_zones", kind="text", name="zone")
    people = f"SELECT w.customer_id, p.zone FROM ({among.sql}) w{join}"
    join += (
        f" LEFT JOIN (WITH people AS MATERIALIZED ({people}) {hours.OWN}) best"
        " ON best.customer_id = w.customer_id LEFT JOIN unnest(CAST(:m_at_zone AS text[]),"
        " CAST(:m_at_hour AS int[]), CAST(:m_at_due AS timestamptz[]))"
        " AS t (zone, hour, due) ON t.zone = p.zone AND t.hour = coalesce(best.hour, :m_hour)"
    )
    return "coalesce(t.due, CAST(:m_start AS timestamptz))", join
