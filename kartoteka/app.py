"""Assembles the web application: pages, API, webhooks, and what machines ask."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.types import Receive, Scope, Send

from console import errors, exchange, hooks, middleware
from console.api import door
from console.routes import ROUTES
from email_campaigns.doors import routes as doors
from foundation import health, metrics, roles
from foundation.database import transaction
from kartoteka import posting
from migrations import versions
from sync.context import Context
from sync.intake import Intake
from web_capture import collector, routes
from web_capture.collector import Collector
from web_capture.limits import Limit, counted_as

STALE_SECONDS = 15.0
# The newest step by its file's number: asking Alembic would cost the web process 50 modules.
SCHEMA = max(path.name[:4] for path in Path(versions.__file__ or "").parent.glob("[0-9]*.py"))


async def healthz(request: Request) -> Response:
    """Whether every thread of this process still moves, and beat and workers were heard of lately."""
    stale = health.stale(STALE_SECONDS) + await run_in_threadpool(_silent, request.app.state.engine)
    return JSONResponse({"ok": not stale, "stale": stale}, 503 if stale else 200)


def _silent(engine: Engine) -> list[str]:
    try:
        with transaction(engine) as session:
            return roles.silent(session, STALE_SECONDS)
    except SQLAlchemyError:
        return ["database"]


async def readyz(request: Request) -> Response:
    """Whether this process can serve: the database answers and has our tables."""
    return await run_in_threadpool(_ready, request.app.state.engine)


def _ready(engine: Engine) -> Response:
    try:
        with engine.connect() as connection:
            schema = connection.scalar(text("SELECT version_num FROM alembic_version"))
    except Exception as error:  # noqa: BLE001 - whatever it is, the answer is "not ready"
        return JSONResponse({"ready": False, "because": type(error).__name__}, 503)
    ready = schema == SCHEMA
    return JSONResponse({"ready": ready, "schema": schema, "wanted": SCHEMA}, 200 if ready else 503)


async def numbers(request: Request) -> Response:
    """Prometheus figures: counters of this process, gauges of the installation."""
    body = await run_in_threadpool(metrics.render, request.app.state.engine)
    return Response(body, media_type=metrics.CONTENT_TYPE)


class Application(Starlette):
    """The collector's calls go past what stands around pages: they are many and carry no cookie."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] == "http" and scope["path"] in collector.PATHS:
            await self.state.collector(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


def make(context: Context, engine: Engine) -> Application:
    """The application for one installation."""
    posting.join()

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        yield
        await app.state.collector.stop()
        await run_in_threadpool(app.state.intake.stop)
        engine.dispose()

    machines = [Route("/healthz", healthz), Route("/readyz", readyz), Route("/metrics", numbers)]
    app = Application(
        routes=[*machines, *doors.ROUTES, *hooks.ROUTES, *exchange.ROUTES, *routes.ROUTES],
        middleware=middleware.stack(context.settings),
        exception_handlers={**errors.HANDLERS, **routes.HANDLERS},
        lifespan=lifespan,
    )
    app.state.engine, app.state.settings, app.state.sealer = engine, context.settings, context.sealer
    app.state.closing = lambda: False  # whoever serves the app tells when it stops
    app.state.intake = Intake(engine, context.sealer)
    app.state.collector = Collector(engine, context.settings.trusted_proxies)
    app.state.exchange = exchange.Door(
        engine, context, app.state.collector.address, counted_as, Limit(exchange.GUESSES)
    )
    app.state.doors = doors.Doors(
        engine, context, app.state.collector.address, counted_as, Limit(doors.RATE), Limit(doors.GUESSES)
    )
    app.router.routes += [Mount("/api/v1", app=door.make(app.state)), *ROUTES]
    return app
