"""Workers that do nothing but send: `python -m tests.soak.mailing LEASE`.

A line "number, a blank, path of a log" on its standard input has one more made, whose process id is answered.
They are forked from this process, which has loaded everything already: hundreds of kills fit into minutes.
"""

import os
import signal
import sys
import threading
import time

from sqlalchemy.exc import SQLAlchemyError

from email_campaigns.delivery import claims, engine, lane
from email_campaigns.mailings import jobs
from foundation import log
from foundation.context import current
from foundation.database import make_engine


def work() -> None:
    """Send until told to end, or killed."""
    settings = current().settings
    log.setup(settings)
    database = make_engine(settings.database_url or "", pool_size=5, application="kartoteka-mail")
    engine.send(database)
    print(f"ready {os.getpid()}", flush=True)
    told = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: told.set())
    looked = 0.0
    while not told.is_set():
        try:
            if time.monotonic() - looked > 1:
                jobs.look(database)
                looked = time.monotonic()
            if not engine.send(database):
                time.sleep(0.05)
        except SQLAlchemyError as error:
            log.get(__name__).warning("turn_failed", error=error)
            time.sleep(0.2)


def fork(path: str) -> int:
    """A worker of its own, which writes to a log; its process id."""
    if pid := os.fork():
        return pid
    os.setsid()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    nothing, written = os.open(os.devnull, os.O_RDONLY), os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    for there, here in ((nothing, 0), (written, 1), (written, 2)):
        os.dup2(there, here)
    work()
    sys.exit(0)  # as any process ends: what its threads have in hand is finished first


if __name__ == "__main__":
    claims.LEASE = float(sys.argv[1])
    engine.SWEEP = 0.2
    engine.RESTS = (0.2,)
    lane.REST = lane.timedelta(0)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those that were killed
    for line in iter(sys.stdin.readline, ""):
        print(fork(line.rstrip("\n").partition(" ")[2]), flush=True)
