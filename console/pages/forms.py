"""Forms and pop-ups: the list, a new one, and the builder with its preview."""

from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.exceptions import HTTPException
from starlette.responses import Response

from console.pages import form_input
from console.pages.form_words import choices, kinds, languages, states
from console.web import Call, as_id
from customers.segments import pages
from email_campaigns.journeys.tables import Journey, JourneyVersion
from foundation.errors import BadInput
from foundation.text import _
from web_capture import sites
from web_capture.forms import spec as form_spec
from web_capture.forms import store as forms
from web_capture.forms.reading import BadForm
from web_capture.forms.tables import Form
from web_capture.tables import Site

PAGE = 50
SPARE = 2  # empty rows for more fields, for whoever has no script


def listing(call: Call) -> Response:
    """Every form, the newest first."""
    after = call.query("after")
    rows, older = forms.page(call.db, as_id(after) if after else None, PAGE)
    return call.page("forms.html", rows=rows, older=older, newer=bool(after), kinds=kinds(), states=states())


def ask(call: Call) -> Response:
    """What a new form needs to begin with."""
    return _ask(call)


def _ask(call: Call, wrong: dict[str, str] | None = None) -> Response:
    known = sites.everything(call.db)
    return call.page(
        "form_new.html",
        422 if wrong else 200,
        sites=known,
        kinds=kinds(),
        languages=languages(),
        typed=call.fields(),
        wrong=wrong or {},
    )


def create(call: Call) -> Response:
    """Make it and go to its builder."""
    site = call.db.get(Site, as_id(call.text("site") or "-"))
    if site is None:
        raise HTTPException(404)
    try:
        name, kind, tag = call.text("name"), call.text("kind"), call.text("language")
        form = forms.make(call.db, site, name, kind, call.actor, call.me.zone, tag)
    except BadInput as error:
        return _ask(call, {error.at: error.message})
    return call.go(f"/forms/{form.id}")


def find(call: Call) -> tuple[Form, Site]:
    """The form of the address with its site; 404 when there is none."""
    return of(call.db, call.id())


def of(session: Session, form_id: Any) -> tuple[Form, Site]:
    """A form with its site; 404 when there is none."""
    row = session.execute(
        select(Form, Site).join(Site, Site.id == Form.site_id).where(Form.id == form_id)
    ).one_or_none()
    if row is None:
        raise HTTPException(404)
    return row[0], row[1]


def show(call: Call) -> Response:
    """The builder with the newest version, or with an older one to begin from."""
    form, site = find(call)
    asked = call.query("from")
    number = (
        int(asked) if asked.isascii() and asked.isdigit() and 0 < int(asked) <= form.version else form.version
    )
    return _builder(call, form, site, forms.version(call.db, form, number).spec, number=number)


def _builder(
    call: Call, form: Form, site: Site, spec: dict[str, Any], status: int = 200, **shown: Any
) -> Response:
    newest = forms.version(call.db, form, form.version)
    extra = {"wrong": {}, "number": form.version, "name": form.name} | shown
    place = f'<div data-kartoteka-form="{form.key}"></div>'
    return call.page(
        "form.html", status, form=form, site=site, spec=spec, published=newest.published_at is not None,
        kinds=kinds(), states=states(), choices=choices(form.kind), place=place, spare=SPARE,
        most_fields=form_spec.MOST_FIELDS, most_variants=form_spec.MOST_VARIANTS,
        unconfirmed=bool(spec["double_opt_in"]) and not _on(call.db, "double_opt_in"),
        untold=bool(spec.get("back_in_stock")) and not _on(call.db, "back_in_stock_asked"),
        segments=pages.choices(call.db, _chosen(spec)),
        codes=forms.codes_left(call.db, form) if spec["coupon"]["kind"] == "list" else None, **extra,
    )  # fmt: skip


def _on(session: Session, trigger: str) -> bool:
    """Whether a journey is on that writes the letters which a form promises."""
    wanted = JourneyVersion.spec["trigger"]["kind"].astext == trigger
    version = (JourneyVersion.journey_id == Journey.id) & (JourneyVersion.number == Journey.version)
    query = select(Journey.id).join(JourneyVersion, version).where(Journey.state == "on", wanted).limit(1)
    return session.scalar(query) is not None


def _chosen(spec: dict[str, Any]) -> list[UUID]:
    return [UUID(one) for one in spec["targeting"].get("segments", []) if form_spec.SEGMENT.fullmatch(one)]


def save(call: Call) -> Response:
    """Keep what was typed; with the button "publish" show it to visitors as well."""
    form, site = find(call)
    spec = form_input.read(call.form)
    try:
        forms.rename(call.db, form, call.text("name"))
        forms.change(call.db, form, spec, call.actor)
        added = forms.add_codes(call.db, form, call.text("codes", 2_000_000).splitlines())
        if call.text("do") == "publish":
            forms.publish(call.db, form)
    except BadInput as error:
        call.db.rollback()
        form, site = find(call)
        wrong = error.errors if isinstance(error, BadForm) else {error.at: error.message}
        return _builder(call, form, site, spec, 422, wrong=wrong, name=call.text("name"))
    said = (
        _("Published: visitors get it within five minutes.") if call.text("do") == "publish" else _("Saved.")
    )
    if added:
        said += " " + _("%d codes added.") % added
    return call.go(f"/forms/{form.id}", said)


def pause(call: Call) -> Response:
    """Show it to nobody for a while."""
    form, _site = find(call)
    forms.pause(call.db, form)
    return call.go(f"/forms/{form.id}", _("Paused. Pages that are open keep it for up to five minutes."))


def resume(call: Call) -> Response:
    """Show the version that was live again."""
    form, _site = find(call)
    forms.resume(call.db, form)
    return call.go(f"/forms/{form.id}", _("It is live again."))


def end(call: Call) -> Response:
    """Close it for good; what came in stays."""
    form, _site = find(call)
    forms.end(call.db, form)
    return call.go(f"/forms/{form.id}/results", _("Ended. What came in stays."))
