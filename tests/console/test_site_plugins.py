"""Downloads for shops on the console: whole, with a key of their own, only for those who may."""

import hashlib
import io
import re
from zipfile import ZipFile

import pytest
from sqlalchemy import Engine, select, update
from sqlalchemy.orm import Session

from console import roles
from console.tables import User
from foundation import clock
from foundation.database import transaction
from foundation.sealing import Sealer
from foundation.tables import Operation
from tests.console.capturing import Shop
from tests.console.conftest import Browser
from tests.console.test_hostile import shape
from tests.console.test_queries import counted
from web_capture.plugins.bundle import PLUGINS
from web_capture.tables import SiteKey

WITH_SECRET = [kind for kind, one in PLUGINS.items() if one.secret]
PUBLIC = [kind for kind, one in PLUGINS.items() if not one.secret]


def secret_in(content: bytes) -> str:
    """The secret key that a download holds."""
    with ZipFile(io.BytesIO(content)) as archive:
        name = next(one for one in archive.namelist() if one.endswith("defaults.php"))
        return re.search(r"'(sk_[\w-]+)'", archive.read(name).decode())[1]


def test_page_offers_every_plugin(browser: Browser, shop: Shop) -> None:
    page = browser.see(f"{shop.here}/plugins")
    assert all(f'{shop.here}/plugins/{kind}"' in page for kind in PLUGINS)
    assert page.count('aria-current="page"') >= 1 and "KARTOTEKA_PUBLIC_URL" in page
    assert not shape(page).bad


def test_page_costs_its_queries(browser: Browser, engine: Engine, shop: Shop) -> None:
    for _ in range(3):
        browser.submit(f"{shop.here}/plugins/wordpress", 200)
    with counted(engine) as sent:
        browser.see(f"{shop.here}/plugins")
    assert len(sent) == 4, sent


@pytest.mark.parametrize("kind", WITH_SECRET)
def test_each_download_has_its_key(
    browser: Browser, engine: Engine, sealer: Sealer, shop: Shop, kind: str
) -> None:
    browser.see(f"{shop.here}/plugins")
    answers = [browser.submit(f"{shop.here}/plugins/{kind}", 200) for _ in range(2)]
    assert answers[0].headers["content-disposition"] == f'attachment; filename="{PLUGINS[kind].file_name}"'
    assert answers[0].headers["cache-control"] == "no-store"
    given = [secret_in(answer.content) for answer in answers]
    with Session(engine) as session:
        kept = [sealer.unseal(one) for one in session.scalars(select(SiteKey.sealed)) if one]
        actors = session.scalars(select(Operation.actor).where(Operation.kind == "plugin")).all()
    assert len(set(given)) == 2 and set(given) < set(kept) and len(actors) == 2
    page = browser.see(f"{shop.here}/plugins")
    assert all(hashlib.sha256(one.encode()).hexdigest()[:8] in page for one in given)
    assert not any(one in page for one in given)


def test_key_is_revoked_alone(browser: Browser, engine: Engine, shop: Shop) -> None:
    browser.see(f"{shop.here}/plugins")
    given = secret_in(browser.submit(f"{shop.here}/plugins/wordpress", 200).content)
    name = hashlib.sha256(given.encode()).hexdigest()[:8]
    page = browser.see(f"{shop.here}/plugins")
    (path,) = re.findall(r'action="([^"]+/revoke)"', page.split(f"<code>{name}</code>")[1].split("</li>")[0])
    browser.submit(path)
    page = browser.see(f"{shop.here}/plugins")
    assert name not in page and "made by hand" in page
    with Session(engine) as session:
        assert len(session.scalars(select(SiteKey).where(SiteKey.revoked_at.is_not(None))).all()) == 1


@pytest.mark.parametrize("kind", PUBLIC)
def test_public_download_makes_no_key(browser: Browser, engine: Engine, shop: Shop, kind: str) -> None:
    answer = browser.get(f"{shop.here}/plugins/{kind}")
    assert answer.status_code == 200 and PLUGINS[kind].file_name in answer.headers["content-disposition"]
    assert browser.submit(f"{shop.here}/plugins/{kind}", 404)
    with Session(engine) as session:
        assert len(session.scalars(select(SiteKey).where(SiteKey.secret)).all()) == 1


@pytest.mark.parametrize("kind", [*WITH_SECRET, "joomla", "..%2fbundle.py"])
def test_link_never_makes_a_key(browser: Browser, shop: Shop, kind: str) -> None:
    assert browser.get(f"{shop.here}/plugins/{kind}").status_code == 404


def test_unknown_site_has_none(browser: Browser, shop: Shop) -> None:
    for path in (
        "/sites/x/plugins",
        f"/sites/{shop.id}0/plugins/gtm",
        f"/sites/{clock.new_id()}/plugins/gtm",
    ):
        assert browser.get(path).status_code == 404


def test_reader_gets_public_downloads_only(
    browser: Browser, engine: Engine, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(roles.ROLES, "viewer", frozenset({roles.READ, roles.OWN}))
    with transaction(engine) as session:
        session.execute(update(User).values(role="viewer"))
    page = browser.see(f"{shop.here}/plugins")
    assert "/plugins/wordpress" not in page and "/plugins/gtm" in page and "/revoke" not in page
    browser.submit(f"{shop.here}/plugins/wordpress", 403)
    assert browser.get(f"{shop.here}/plugins/gtm").status_code == 200


def test_site_without_write_key_says_so(browser: Browser, engine: Engine, shop: Shop) -> None:
    with transaction(engine) as session:
        session.execute(update(SiteKey).where(~SiteKey.secret).values(revoked_at=clock.now()))
    page = browser.see(f"{shop.here}/plugins")
    assert "no write key in force" in page and "/plugins/gtm" not in page
    assert browser.get(f"{shop.here}/plugins/gtm").status_code >= 400


def test_shopify_texts_are_shown(browser: Browser, shop: Shop) -> None:
    page = browser.see(f"{shop.here}/plugins")
    assert "analytics.subscribe" in page and shop.keys.write_key in page
    assert shop.keys.secret_key not in page
