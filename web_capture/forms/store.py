"""Forms and pop-ups of a site: made, changed and published by staff, each version kept for ever."""

import secrets
from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text, tuple_
from sqlalchemy.orm import Session

from foundation import clock
from foundation.clock import new_id
from foundation.errors import BadInput
from foundation.text import _, language, spoken
from web_capture.forms.spec import KINDS, POSITIONS, Spec, checked, instant
from web_capture.forms.tables import Form, FormCoupon, FormVersion
from web_capture.tables import Site

MOST_CODES = 100_000
LONGEST_NAME, LONGEST_CODE = 80, 60
_ADD_CODES = text(
    "INSERT INTO form_coupons (form_id, code) SELECT :form, code"
    " FROM unnest(CAST(:codes AS text[])) WITH ORDINALITY AS c (code, place) ORDER BY place"
    " ON CONFLICT DO NOTHING"
)


def make(
    session: Session, site: Site, name: str, kind: str, actor: str, zone: str = "UTC", tag: str = "en"
) -> Form:
    """A new form, a draft that asks for an e-mail; BadInput when its name or kind can't be."""
    if kind not in KINDS:
        raise BadInput(_("Choose one of the kinds."), "kind")
    form = Form(
        id=new_id(), site_id=site.id, key=secrets.token_hex(6), name=_name(name), kind=kind, version=1
    )
    session.add(form)
    session.flush()
    spec = checked(kind, start(kind, tag) | {"schedule": {"zone": zone}})
    session.add(FormVersion(form_id=form.id, number=1, spec=spec, actor=actor))
    session.flush()
    return form


def start(kind: str, tag: str = "en") -> Spec:
    """What a new form says in a language until somebody writes better."""
    with language(tag):
        return {"language": spoken(), **_start(kind)}


def _start(kind: str) -> Spec:
    return {
        "title": _("Hear of offers first"),
        "text": _("One letter a week, no more."),
        "button": _("Sign up"),
        "thanks": _("Thank you. You are on the list."),
        "fields": [{"type": "email", "label": _("E-mail"), "required": True}],
        "look": {"position": POSITIONS[kind][0], "theme": "light"},
        "consents": [
            {"channel": "email", "text": _("I agree to receive offers by e-mail."), "required": True}
        ],
        "triggers": {} if kind == "embedded" else {"delay": 10},
        "frequency": {"kind": "until"},
    }


def change(session: Session, form: Form, said: Mapping[str, Any], actor: str) -> FormVersion:
    """Keep a changed spec: as a new version when the newest was published, else in its place.

    What visitors get stays until `publish`. BadForm says what is wrong, place by place.
    """
    spec = checked(form.kind, said)
    newest = version(session, form, form.version)
    if newest.spec == spec:
        return newest
    form.changed_at = clock.now()
    if newest.published_at is None:
        newest.spec, newest.actor, newest.created_at = spec, actor, form.changed_at
        session.flush()
        return newest
    form.version += 1
    kept = FormVersion(form_id=form.id, number=form.version, spec=spec, actor=actor)
    session.add(kept)
    session.flush()
    return kept


def rename(session: Session, form: Form, name: str) -> None:
    """Give a form another name; events keep the one it had."""
    form.name = _name(name)
    session.flush()


def publish(session: Session, form: Form) -> None:
    """Show the newest version to visitors from now on."""
    newest = version(session, form, form.version)
    if newest.spec["coupon"]["kind"] == "list" and not codes_left(session, form):
        raise BadInput(_("There are no codes to hand out. Paste some, or choose another coupon."), "codes")
    newest.published_at = newest.published_at or clock.now()
    form.live_version, form.state, form.changed_at = form.version, "live", clock.now()
    session.flush()


def pause(session: Session, form: Form) -> None:
    """Show it to nobody until it is published again."""
    _leave(session, form, "paused")


def resume(session: Session, form: Form) -> None:
    """Show the version that was live before a pause again."""
    if form.state != "paused":
        raise BadInput(_("Only a paused form can be resumed."))
    form.state, form.changed_at = "live", clock.now()
    session.flush()


def end(session: Session, form: Form) -> None:
    """Close it; what came in stays."""
    _leave(session, form, "ended")


def _leave(session: Session, form: Form, state: str) -> None:
    if form.state == "draft":
        raise BadInput(_("This form was never published."))
    form.state, form.changed_at = state, clock.now()
    session.flush()


def version(session: Session, form: Form, number: int) -> FormVersion:
    """One version of a form."""
    return session.get_one(FormVersion, (form.id, number))


def versions(session: Session, form: Form, limit: int = 50) -> list[FormVersion]:
    """Its versions, the newest first."""
    wanted = select(FormVersion).where(FormVersion.form_id == form.id)
    return list(session.scalars(wanted.order_by(FormVersion.number.desc()).limit(limit)))


def page(
    session: Session, after: UUID | None = None, limit: int = 50
) -> tuple[list[tuple[Form, str]], UUID | None]:
    """Forms with the domain of their site, the newest first, and the place of the next page."""
    wanted = select(Form, Site.domain).join(Site, Site.id == Form.site_id)
    if after is not None:
        wanted = wanted.where(tuple_(Form.id) < tuple_(after))
    rows = [(row[0], row[1]) for row in session.execute(wanted.order_by(Form.id.desc()).limit(limit + 1))]
    return rows[:limit], rows[limit - 1][0].id if len(rows) > limit else None


def live(session: Session, site_id: UUID) -> list[tuple[Form, FormVersion]]:
    """What a site's visitors get now or later: live forms whose time isn't over, with their version."""
    wanted = (
        select(Form, FormVersion)
        .join(FormVersion, (FormVersion.form_id == Form.id) & (FormVersion.number == Form.live_version))
        .where(Form.site_id == site_id, Form.state == "live")
        .order_by(Form.id)
    )
    rows = [(row[0], row[1]) for row in session.execute(wanted)]
    return [row for row in rows if not _over(row[1].spec)]


def any_live(session: Session, site_id: UUID) -> bool:
    """Whether the snippet of a site has to load the drawing script."""
    wanted = select(Form.id).where(Form.site_id == site_id, Form.state == "live").limit(1)
    return session.scalar(wanted) is not None


def _over(spec: Spec) -> bool:
    until = instant(spec["schedule"], "until")
    return until is not None and until <= clock.now()


def add_codes(session: Session, form: Form, lines: Iterable[str]) -> int:
    """Add coupon codes, one a line; answers how many are new. BadInput names the line that is no code."""
    codes: list[str] = []
    for number, line in enumerate(lines, 1):
        code = line.strip()
        if len(code) > LONGEST_CODE or len(code.split()) > 1:
            raise BadInput(
                _("Line %(line)d is no code: one a line, at most %(most)d characters, no spaces.")
                % {"line": number, "most": LONGEST_CODE},
                "codes",
            )
        if code:
            codes.append(code)
    if len(codes) > MOST_CODES:
        raise BadInput(_("At most %d codes at once.") % MOST_CODES, "codes")
    before = _count(session, form)
    session.execute(_ADD_CODES, {"form": form.id, "codes": codes})
    return _count(session, form) - before


def codes_left(session: Session, form: Form) -> int:
    """How many codes wait to be handed out."""
    return _count(session, form, free=True)


def _count(session: Session, form: Form, *, free: bool = False) -> int:
    wanted = select(func.count()).select_from(FormCoupon).where(FormCoupon.form_id == form.id)
    return session.scalar(wanted.where(FormCoupon.person.is_(None)) if free else wanted) or 0


def _name(name: str) -> str:
    name = " ".join(name.replace("\0", "").split())
    if not 0 < len(name) <= LONGEST_NAME:
        raise BadInput(_("A form needs a name of at most %d characters.") % LONGEST_NAME, "name")
    return name
