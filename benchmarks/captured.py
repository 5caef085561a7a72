"""Console pages that read captured events, at a million of them.

    python -m benchmarks.captured [--events 1000000] [--days 90] [--rounds 9] [--keep FOLDER]

A visit for each five events and an order for each twenty, spread over so many days; the pages ask for the
last 30 unless they say otherwise. The real application, served on loopback. Medians are printed, with the CPU
of the database and of this process: other work on the machine disturbs it less.
"""

import argparse
import statistics
import time
from datetime import timedelta
from pathlib import Path
from uuid import UUID

from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from benchmarks.pages import Browser, Meter, counted, make_app, served
from benchmarks.rig import installation
from foundation import clock
from foundation.database import transaction
from foundation.sealing import Sealer, new_key
from web_capture import sites
from web_capture.forms import store as forms
from web_capture.forms.tables import Form

MOST = 0.5  # seconds
DOMAINS = ("large.example", "medium.example", "small.example")  # in this order
_FILL = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")


def fill(engine: Engine, events: int, days: int) -> None:
    """Fill empty tables; a minute for a million."""
    values = {"visits": events // 5, "devices": events // 12, "orders": events // 20, "days": days,
              "until": clock.now()}  # fmt: skip
    with transaction(engine) as session:
        for domain in DOMAINS:
            _site(session, domain)
        for statement in _FILL.split(";\n"):
            wanted = {name: value for name, value in values.items() if f":{name}" in statement}
            session.execute(text(statement), wanted)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as db:
        db.execute(text("VACUUM ANALYZE"))


def _site(session: Session, domain: str) -> None:
    site, _ = sites.add(session, Sealer([new_key()]), domain, currency="KZT")
    form = forms.make(session, site, "News", "embedded", "olga")
    variants = [{"weight": 1}, {"weight": 1, "title": "Another"}]
    forms.change(session, form, forms.start("embedded") | {"variants": variants}, "olga")
    forms.publish(session, form)


def questions(engine: Engine) -> dict[str, str]:
    """The address of each page."""
    with Session(engine) as session:
        site: UUID = sites.find(session, DOMAINS[0]).id
        form = session.query(Form).filter_by(site_id=site).one().id
    quarter = f"from={(clock.now() - timedelta(days=89)).date()}"
    return {
        "attribution": "/attribution",
        "attribution, first visit": "/attribution?model=first",
        "attribution, by position": "/attribution?model=position",
        "attribution, 90 days": f"/attribution?{quarter}",
        "results of a form": f"/forms/{form}/results",
        "sources": f"/sites/{site}/sources",
        "visitors": f"/sites/{site}/visitors",
        "live": f"/sites/{site}/live",
        "sites": "/sites",
    }


def measure(browser: Browser, engine: Engine, rounds: int) -> bool:
    """Print the figures; answers whether all pages hold the bar."""
    meter, held = Meter(engine), True
    for name, path in questions(engine).items():
        browser.ask(path)
        wall, cpu, asked = [], [], 0
        for _ in range(rounds):
            before = meter.seconds()
            with counted(engine) as sent:
                wall.append(browser.ask(path)[0])
            cpu.append(meter.seconds() - before)
            asked = max(asked, len(sent))
        good = statistics.median(wall) <= MOST
        held = held and good
        shown = f"{statistics.median(wall) * 1000:6.0f} ms ({min(wall) * 1000:.0f} to {max(wall) * 1000:.0f})"
        used = f"{statistics.median(cpu) * 1000:5.0f} ms of CPU, {asked} queries"
        print(f"{name:26} {shown}, {used}{'' if good else '  MISSED'}", flush=True)
    print(f"bar: {MOST * 1000:.0f} ms")
    return held


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--days", type=int, default=90)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--keep", type=Path, help="a folder to fill once and use again")
    options = parser.parse_args()
    with installation(keep=options.keep) as rig:
        with rig.engine.connect() as db:
            filled = db.scalar(text("SELECT EXISTS (SELECT FROM visits)"))
        if not filled:
            began = time.perf_counter()
            fill(rig.engine, options.events, options.days)
            print(f"filled in {time.perf_counter() - began:.0f} s", flush=True)
        with served(make_app(rig)) as port:
            browser = Browser(port)
            browser.sign_in(rig.engine)
            measure(browser, rig.engine, options.rounds)


if __name__ == "__main__":
    main()
