"""An empty Starlette POST endpoint: what the collector is measured against.

python -m benchmarks.noop PORT
"""

import sys

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route


async def nothing(request: Request) -> Response:
    """Read the body and answer."""
    await request.body()
    return Response(b'{"success":true}', media_type="application/json")


if len(sys.argv) == 2:
    app = Starlette(routes=[Route("/v1/track", nothing, methods=["POST"])])
    uvicorn.run(app, port=int(sys.argv[1]), log_config=None, access_log=False, proxy_headers=False)
