"""What a shop installs: downloads that already hold the site's keys, and the secret keys made for them."""

from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import urlsplit

from sqlalchemy import select
from starlette.exceptions import HTTPException
from starlette.responses import Response

from console import roles
from console.pages.connections import sealer_of
from console.pages.sites import find
from console.web import Call
from foundation.clock import now
from foundation.errors import BadInput
from foundation.tables import Operation
from foundation.text import _
from web_capture import sites
from web_capture.plugins import bundle
from web_capture.plugins.bundle import PLUGINS, Values
from web_capture.tables import Site, SiteKey

OPERATION = "plugin"


class Words(NamedTuple):
    """A plugin in words: its name, what it does, and how it is installed."""

    title: str
    about: str
    steps: list[str]


@dataclass(frozen=True)
class Made:
    """A secret key in force, and the download that it was made for; empty when by hand."""

    key: SiteKey
    title: str

    @property
    def name(self) -> str:
        """What the plugin's own settings page calls the key: the beginning of its SHA-256."""
        return self.key.digest.hex()[:8]


def words() -> dict[str, Words]:
    """Every plugin, the most used first."""
    shop = _("Products, carts and checkouts, who is signed in, and orders, told by your own server.")
    module = _("Extensions › Modules: install Kartoteka, open it, switch it on.")
    return {
        "wordpress": Words("WordPress, WooCommerce", f"{shop} {_('No blocker loses them.')}", [
            _("Plugins › Add New › Upload Plugin: choose kartoteka.zip, install, activate."),
            _("Settings › Kartoteka: send a test event."),
        ]),
        "opencart": Words("OpenCart 4", shop, [
            _("Extensions › Installer: upload kartoteka.ocmod.zip, then press its install button."), module,
        ]),
        "opencart3": Words("OpenCart 3", shop, [_("Extensions › Installer: upload the file."), module]),
        "gtm": Words("Google Tag Manager", _("The snippet, as a tag that waits for consent."), [
            _("Admin › Import Container: choose the file, an existing workspace, and “Merge”."),
            _("Preview, then publish."),
        ]),
        "shopify": Words("Shopify", _("The snippet, and a pixel for carts, checkouts and orders."), [
            _("Themes › Edit code › theme.liquid: paste theme.liquid before the closing head tag."),
            _("Settings › Customer events › Add custom pixel: paste pixel.js, save, connect."),
        ]),
    }  # fmt: skip


def show(call: Call) -> Response:
    """Every plugin with its download, and the keys that downloads were given."""
    site = find(call)
    keys = sites.keys_of(call.db, site)
    public = next((key.value for key in keys if not key.secret and key.revoked_at is None), None)
    values = Values(_hub(call, site), site.key, public or "")
    return call.page(
        "site_plugins.html",
        site=site,
        plugins=PLUGINS,
        words=words(),
        texts=dict(bundle.texts("shopify", values)),
        public=public,
        hub=values.hub,
        reachable=bool(call.settings.public_url) and urlsplit(values.hub).scheme == "https",
        made=_made(call, site, keys),
        may_make=roles.allows(call.me.role, roles.ADMINISTER),
    )


def download(call: Call) -> Response:
    """A plugin that holds public keys only."""
    return _download(call, secret=False)


def make(call: Call) -> Response:
    """A plugin for the shop's server, with a secret key of its own, so that it can be revoked alone."""
    return _download(call, secret=True)


def _download(call: Call, *, secret: bool) -> Response:
    site, kind = find(call), str(call.request.path_params["kind"])
    if kind not in PLUGINS or PLUGINS[kind].secret is not secret:
        raise HTTPException(404)
    public = sites.write_key(call.db, site)
    if public is None:
        raise BadInput(_("This site has no write key in force. Make one on its page first."))
    given = _secret_key(call, site, kind) if secret else ""
    name, content = bundle.bundle(kind, Values(_hub(call, site), site.key, public, given))
    kept = "application/json" if name.endswith(".json") else "application/zip"
    return Response(
        content, media_type=kept, headers={"content-disposition": f'attachment; filename="{name}"'}
    )


def _secret_key(call: Call, site: Site, kind: str) -> str:
    """A fresh secret key, with a record of who had it made and what for."""
    value = sites.new_key(call.db, sealer_of(call), site, secret=True)
    title = _("%(plugin)s plugin of %(site)s") % {"plugin": words()[kind].title, "site": site.domain}
    args = {"site": str(site.id), "key": sites.digest(value).hex(), "kind": kind}
    call.db.add(
        Operation(
            kind=OPERATION, title=title, actor=call.actor, args=args, state="done", finished_at=now(),
            result={_("secret key"): sites.digest(value).hex()[:8]},
        )
    )  # fmt: skip
    return value


def _made(call: Call, site: Site, keys: list[SiteKey]) -> list[Made]:
    said = call.db.scalars(
        select(Operation.args).where(
            Operation.kind == OPERATION, Operation.args["site"].astext == str(site.id)
        )
    )
    kinds = {one["key"]: one["kind"] for one in said}
    titles = {kind: one.title for kind, one in words().items()}
    return [
        Made(key, titles.get(kinds.get(key.digest.hex(), ""), ""))
        for key in keys
        if key.secret and key.revoked_at is None
    ]


def _hub(call: Call, site: Site) -> str:
    return sites.snippet_url(call.settings, site).removesuffix(f"/k/{site.key}.js")
