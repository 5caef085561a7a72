"""A worker that does nothing but send: `python -m tests.soak.mailing LEASE NUMBER`, until it is killed or
told to end."""

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

if __name__ == "__main__":
    claims.LEASE = float(sys.argv[1])
    engine.SWEEP = 0.2
    engine.RESTS = (0.2,)
    lane.REST = lane.timedelta(0)
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
