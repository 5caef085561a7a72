"""Every page on one screen: its address, its handler and the permission it asks for."""

from starlette.routing import BaseRoute

from console import static_files
from console.pages import customer, customers, duplicates, overview, settings, signing
from console.roles import ADMINISTER, CHANGE, OWN, PUBLIC, READ
from console.serving import get, open_route, post

ROUTES: list[BaseRoute] = [
    open_route("/static/{version}/{name}", static_files.serve, PUBLIC),
    get("/sign-in", signing.sign_in_form, PUBLIC),
    post("/sign-in", signing.sign_in, PUBLIC),
    get("/sign-in/link/{token}", signing.link_form, PUBLIC),
    post("/sign-in/link/{token}", signing.link, PUBLIC),
    get("/set-up/{token}", signing.set_up_form, PUBLIC),
    post("/set-up/{token}", signing.set_up, PUBLIC),
    post("/sign-out", signing.sign_out, OWN),
    post("/theme", signing.theme, PUBLIC),
    get("/", overview.show, READ),
    get("/customers", customers.show, READ),
    get("/customers/export.csv", customers.export, READ),
    get("/customers/{id}", customer.show, READ),
    get("/customers/{id}/merge", customer.merge_form, CHANGE),
    post("/customers/{id}/merge", customer.merge_them, CHANGE),
    post("/customers/{id}/split", customer.split, CHANGE),
    get("/orders/{id}", customer.order, READ),
    get("/duplicates", duplicates.listing, READ),
    post("/duplicates/{id}", duplicates.decide, CHANGE),
    get("/settings", settings.account, OWN),
    post("/settings", settings.save_account, OWN),
    post("/settings/password", settings.save_password, OWN),
    post("/settings/browsers", settings.end_browser, OWN),
    get("/settings/tokens", settings.tokens, ADMINISTER),
    post("/settings/tokens", settings.create_token, ADMINISTER),
    post("/settings/tokens/{id}/revoke", settings.revoke_token, ADMINISTER),
]
