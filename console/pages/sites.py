"""Sites: what each captures and whether it does, the line for its pages, its keys and settings."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from console import roles, streaming
from console.captured import cut, path_of
from console.format import Reader
from console.pages.connections import sealer_of
from console.streaming import Look, News
from console.web import Call, as_id
from foundation.clock import now
from foundation.errors import BadInput
from foundation.tables import Problem
from foundation.text import _
from web_capture import reading, sites
from web_capture.carts import silence
from web_capture.reading import SiteView
from web_capture.tables import Site

_SECRET = re.compile(r"sk_[\w-]{8,}")


def consents() -> list[tuple[str, str, str]]:
    """The consent modes: their key, their name and what each does."""
    until = _("Nothing is stored or sent until the page calls kartoteka.consent(true).")
    at_once = _(
        "Visits are captured from the first page on: for shops that need no consent, or ask elsewhere."
    )
    return [
        ("none", _("Capture at once"), at_once),
        ("wait", _("Wait for consent"), f"{until} {_('Then what happened on this page is sent too.')}"),
        ("deny", _("Only after consent"), f"{until} {_('What happened before is dropped.')}"),
    ]


def switches() -> dict[str, tuple[str, str]]:
    """The switches of the snippet: their name and what each does."""
    return {
        "gpc": (_("Honour “do not track”"), _("A browser that asks not to be tracked counts as a refusal.")),
        "capture": (_("Read the shop's events"),
                    _("Products, carts and orders are read from the data layer the shop already fills.")),
        "forms": (_("Read forms"),
                  _("Name, e-mail and phone of contact forms; passwords and card numbers never.")),
    }  # fmt: skip


def silences() -> dict[str, str]:
    """What is given up after a silence of the site's own."""
    return {"cart": _("A cart"), "checkout": _("A checkout"), "browse": _("Looking at products")}


def changes(settings: Mapping[str, Sequence[Any]]) -> list[tuple[str, str, str]]:
    """Changed settings as people read them: the name, what was before, what is since."""
    modes = {key: name for key, name, _words in consents()}
    names = {"origins": _("Further hosts"), "currency": _("Currency"), "consent": _("Consent")}
    names |= {key: name for key, (name, _words) in switches().items()}
    names |= {key: _("%s: given up after, in minutes") % name for key, name in silences().items()}

    def words(value: Any) -> str:
        if isinstance(value, bool):
            return _("on") if value else _("off")
        said = ", ".join(value) if isinstance(value, list) else str(value)
        return modes.get(said, said) or "–"

    return [(names.get(key, key), words(old), words(new)) for key, (old, new) in settings.items()]


def find(call: Call) -> Site:
    """The site of the address; 404 when there is none."""
    site = call.db.get(Site, call.id())
    if site is None:
        raise HTTPException(404)
    return site


def listing(call: Call) -> Response:
    """Every site and how it does."""
    return call.page(
        "sites.html",
        sites=reading.overview(call.db, midnight(call.reader)),
        seen=lambda one: seen(one, call.reader),
        today=lambda one: count(one, call.reader),
        may_change=may_change(call),
    )


def may_change(call: Call) -> bool:
    """Whether this person may add sites and change them."""
    return roles.allows(call.me.role, roles.ADMINISTER)


def veiled(text: str | None) -> str | None:
    """What came, without the secret keys that some libraries write into it."""
    return text and _SECRET.sub("sk_…", text)


def midnight(reader: Reader) -> Any:
    """When today began where the reader is."""
    return reader.local(now()).replace(hour=0, minute=0, second=0, microsecond=0).astimezone(UTC)


def seen(one: SiteView, reader: Reader) -> str:
    """Whether the snippet works, in words."""
    if one.received_at is None or one.data is None:
        return _("an event has come and is being read") if one.waiting else _("waiting for the first event")
    path = path_of(str(one.data.get("url") or ""))
    said = {"when": reader.relative(one.received_at), "path": path}
    return _("seen %(when)s from %(path)s") % said if path else _("seen %(when)s") % said


def ask(call: Call) -> Response:
    """What a new site is asked."""
    return _form(call)


def _form(call: Call, status: int = 200, **shown: object) -> Response:
    given = {"typed": {}, "wrong": {}} | shown
    return call.page("site_new.html", status, consents=consents(), **given)


def create(call: Call) -> Response:
    """Add the site; its secret key is shown this once."""
    typed = call.fields()
    try:
        site, keys = sites.add(
            call.db, sealer_of(call), typed.get("domain", "")[:300],
            currency=typed.get("currency", "").upper(), consent=typed.get("consent"),
        )  # fmt: skip
    except BadInput as error:
        call.db.rollback()
        return _form(call, 422, typed=typed, wrong={error.at: error.message})
    return call.page("site_made.html", site=site, keys=keys, **_pasted(call, site))


def show(call: Call) -> Response:
    """One site: whether it is heard of, the line to paste, keys, settings, and what was refused."""
    return _detail(call, find(call))


def _detail(call: Call, site: Site, status: int = 200, **shown: object) -> Response:
    given: dict[str, Any] = {"typed": {}, "wrong": {}, "made": "", "made_secret": False} | shown
    typed = given["typed"]
    (view,) = reading.overview(call.db, midnight(call.reader), site.id)
    open_problems = select(func.count()).where(Problem.source_id == site.id, Problem.state == "open")
    return call.page(
        "site.html",
        status,
        site=site,
        view=view,
        seen=seen(view, call.reader),
        library=_library(call, site) if view.event else "",
        today=count(view, call.reader),
        keys=sites.keys_of(call.db, site),
        consents=consents(),
        switches=switches(),
        silences=silences(),
        usual=silence.USUAL,
        longest=silence.LONGEST,
        chosen=_chosen(site, typed),
        sisters=[host for host in sites.sisters(call.db, site) if host not in site.origins],
        refusals=reading.refusals(call.db, site.id),
        veiled=veiled,
        may_change=may_change(call),
        problems=call.db.scalar(open_problems) or 0,
        **_pasted(call, site),
        **given,
    )


def _chosen(site: Site, typed: Mapping[str, str]) -> dict[str, Any]:
    """What the form shows: what is typed, else what is."""
    found = sites.chosen(site)
    found |= found["abandonment"]
    return {**found, **{name: name in typed for name in sites.SWITCHES}, **typed} if typed else found


def _pasted(call: Call, site: Site) -> dict[str, Any]:
    return {"line": f'<script async src="{sites.snippet_url(call.settings, site)}"></script>'}


def _library(call: Call, site: Site) -> str:
    """The program that sent the newest event, as it calls itself."""
    landed = reading.opened(reading.latest(call.db, site.id))
    for place in (landed.get("said"), landed):
        context = place.get("context") if isinstance(place, dict) else None
        library = context.get("library") if isinstance(context, dict) else None
        if isinstance(library, dict):
            return cut(f"{cut(library.get('name'), 60)} {cut(library.get('version'), 20)}".strip())
        if isinstance(context, dict) and "kartoteka" in context:  # our snippet spends no bytes on its name
            return "kartoteka"
    return ""


def save(call: Call) -> Response:
    """Change a site's hosts, currency, consent mode, switches and silences."""
    site = find(call)
    typed = call.fields()
    options: dict[str, Any] = {
        "origins": typed.get("origins", "").split()[:100],
        "currency": typed.get("currency", "").upper(),
        "consent": typed.get("consent"),
        **{name: name in typed for name in sites.SWITCHES},
        "abandonment": {name: typed.get(name) for name in silence.USUAL},
    }
    try:
        operation = sites.decide(call.db, site, options, call.actor)
    except BadInput as error:
        call.db.rollback()
        return _detail(call, find(call), 422, typed=typed, wrong={error.at: error.message})
    if operation is None:
        return call.go(f"/sites/{site.id}", _("Nothing was changed."))
    return call.go(f"/sites/{site.id}", _("Saved. Pages have it within five minutes."), operation.id)


def make_key(call: Call) -> Response:
    """Another write key; a secret one is shown this once."""
    site, secret = find(call), call.text("kind") == "secret"
    made = sites.new_key(call.db, sealer_of(call), site, secret=secret)
    return _detail(call, site, made=made, made_secret=secret)


def revoke_key(call: Call) -> Response:
    """Take a key out of force."""
    site = find(call)
    sites.revoke(call.db, site, as_id(call.request.path_params["key"]))
    return call.go(f"/sites/{site.id}#keys", _("Revoked. It stops working within ten seconds."))


async def check(request: Request) -> Response:
    """The moving words of the install check; ends when the first event has come."""
    site = as_id(request.path_params["id"])
    return await streaming.serve(request, _watch(site, request.query_params.get("waiting") == "yes"))


def _watch(site: UUID, waiting: bool) -> Look:
    def look(db: Any, reader: Reader) -> list[News]:
        found = reading.overview(db, midnight(reader), site)
        if not found or (waiting and found[0].event is not None):
            return [News("end", {})]
        one = found[0]
        return [News("news", {"seen": seen(one, reader), "today": count(one, reader)})]

    return look


def count(one: SiteView, reader: Reader) -> str:
    """How many events came today."""
    more = "+" if one.today >= reading.COUNTED else ""
    return reader.number(one.today) + more
