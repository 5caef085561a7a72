"""A process to be killed: `python -m tests.soak.process worker|web DATABASE REDIS DATA KEY [PORT]`.

Leases are short here, so that two hundred crashes fit into minutes.
"""

import os
import sys
import threading
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from uuid import UUID

from foundation import jobs as floor
from foundation.database import make_engine
from foundation.jobs import Worker
from foundation.sealing import open_sealer
from foundation.settings import load
from sync import claims, context, jobs, webhooks
from tests import shops

LEASE = 4.0  # seconds


def main(role: str, database_url: str, redis_url: str, data: str, key: str, port: str = "0") -> None:
    """Work until killed."""
    shops.install()
    settings = load(
        database_url=database_url, redis_url=redis_url, data=Path(data), key=key, allow_private_addresses=True
    )
    context.use(context.Context(settings, open_sealer(settings)))
    claims.LEASE = timedelta(seconds=LEASE)
    engine = make_engine(database_url, pool_size=20)
    assert jobs.resolve
    if role == "worker":
        Worker(engine, redis_url, threads=2, lease=LEASE).start()
        print(f"ready {os.getpid()}", flush=True)
        threading.Event().wait()
    floor.connect(redis_url)
    serve(engine, context.current().sealer, int(port))


def serve(engine, sealer, port: int) -> None:
    """The webhook door alone, without the rest of the web."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, words = webhooks.receive(engine, sealer, UUID(self.path.strip("/")), headers, body)
            self.send_response(status)
            self.send_header("Content-Length", str(len(words)))
            self.end_headers()
            self.wfile.write(words.encode())

        def log_message(self, *args) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    print(f"ready {os.getpid()}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
