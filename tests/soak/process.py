"""The product's own parts, to be killed: `python -m tests.soak.process web|worker|beat [options]`.

They know the invented shop besides. Leases are short, so that two hundred crashes fit into minutes.
"""

import os
import socket
import sys
import threading
import time
from datetime import timedelta

from foundation import jobs
from kartoteka.cli import main
from sync import claims
from sync.dedupe import runs, undoing
from tests import shops

LEASE = 4.0  # seconds


class ShortLease(jobs.Worker):
    """A worker, or the beat, that is given up for dead soon, and tells when it is at work."""

    def __init__(self, *args, **options) -> None:
        super().__init__(*args, lease=LEASE, **options)

    def start(self) -> None:
        """Start, and say so."""
        super().start()
        _tell()


def _tell() -> None:
    print(f"ready {os.getpid()}", flush=True)


def _tell_when_open(port: int) -> None:
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return _tell()
        time.sleep(0.05)


if __name__ == "__main__":
    shops.install()
    claims.LEASE = timedelta(seconds=LEASE)
    jobs.Worker = ShortLease
    runs.PORTION = undoing.PORTION = 8
    if "--port" in sys.argv:
        port = int(sys.argv[sys.argv.index("--port") + 1])
        threading.Thread(target=_tell_when_open, args=(port,), daemon=True).start()
    sys.argv[0] = "kartoteka"
    main()
