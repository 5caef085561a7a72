"""Freezing the audience of a mailing of a million people, and writing it into the ledger.

    python -m benchmarks.audience [--people 1000000] [--rounds 3] [--keep FOLDER]

The unit is what any way of keeping an audience costs: a bare INSERT … SELECT of the same people's ids into a
table with a key. Both are committed durably, one after the other in each round; medians are compared. From
the
freeze on nobody enters or leaves; letters leave while the rest is still being written into the ledger.
"""

import argparse
import statistics
import time
from pathlib import Path
from uuid import UUID

from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from benchmarks.rig import installation
from customers.segments import language
from customers.segments import store as segments
from email_campaigns.delivery import senders
from email_campaigns.letters import store as letters
from email_campaigns.mailings import freeze, people, plan, start, store
from email_campaigns.tables import Mailing
from foundation import clock
from foundation import context as contexts
from foundation.context import Context
from foundation.database import transaction
from foundation.sealing import Sealer, new_key

BAR = 5.0
_FILL = """
INSERT INTO sources (id, name, kind, role, created_at) VALUES (md5('shop')::uuid, 'Shop', 'woocommerce',
'shop', :at);
CREATE TEMP TABLE made ON COMMIT DROP AS SELECT n, gen_random_uuid() AS card, gen_random_uuid() AS profile
  FROM generate_series(1, :people) n;
INSERT INTO customers (id, live, identified, kind, name, given_name, family_name, latin_name, email,
country, city,
  language, tags, origins, email_consent, search, created_at, changed_at)
SELECT card, true, true, 'person', 'Person ' || n, 'Person', n, '', md5(n::text) || '@mail' || n % 50 ||
  '.example',
  'KZ', (ARRAY['Almaty', 'Astana', 'Aktobe'])[1 + n % 3], 'ru', ARRAY[]::text[], jsonb_build_object('email',
  profile),
  'given', '', :at, :at FROM made ORDER BY card;
INSERT INTO profiles (id, source_id, kind, external_id, customer_id, record, record_hash, changed_at,
created_at)
SELECT profile, md5('shop')::uuid, 'customer', n, card, '{}', '', :at, :at FROM made ORDER BY profile
"""


def fill(engine: Engine, count: int) -> None:
    """So many people with addresses, consent and profiles."""
    with transaction(engine) as session:
        for statement in _FILL.split(";\n"):
            values = {"people": count, "at": clock.now()}
            wanted = {name: value for name, value in values.items() if f":{name}" in statement}
            session.execute(text(statement), wanted)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as db:
        db.execute(text("VACUUM ANALYZE"))


def prepare(session: Session, sealer: Sealer, folder: Path) -> dict[str, dict[str, object]]:
    """Mailings to everybody with a city: plain, and with all that makes a freeze dearer."""
    via = senders.add_transport(session, sealer, "Folder", "file", {"folder": str(folder)})
    sender = senders.add(session, sealer, "Shop", "news@shop.example", via)
    letter = letters.create(session, "News", "transactional")
    letters.new_version(
        session, letter, "en", {"en": {"subject": "News", "blocks": [{"type": "text", "text": "Hi"}]}}
    )
    segment = segments.make(session, "Everybody", language.parse("city is set"), "bench")
    usual = {"include": [segment.id], "sender_id": sender.id, "letter_id": letter.id}
    halves = [{"share": 50}, {"share": 50, "subjects": {"en": "Other news"}}]
    return {
        "one letter": usual,
        "held out, two subjects": usual | {"holdout": "10", "variants": halves},
        "recipients' own time": usual | {"schedule": {"kind": "local", "wall": "2100-01-01T10:00"}},
    }


def once(engine: Engine, parts: dict[str, object]) -> tuple[float, float, float, int]:
    """Seconds of the bare statement, of the freeze, of writing it into the ledger; and how many people."""
    with transaction(engine) as session:
        mailing = store.create(session, "Bench", "bench")
        store.change(session, mailing, **parts)
        mailing_id = mailing.id
    with transaction(engine) as session:
        mailing = session.get_one(Mailing, mailing_id)
        mailing.schedule = {"kind": "now"} if parts.get("schedule") else mailing.schedule
        seen = plan.base(session, mailing, people.audience(session, mailing, clock.now())).hash
        start.start(session, mailing_id, "bench", seen)
        mailing.schedule = parts.get("schedule", mailing.schedule)  # type: ignore[assignment]
    bare = _bare(engine, mailing_id)
    began = time.perf_counter()
    rows = freeze.freeze(engine, mailing_id)
    frozen = time.perf_counter()
    while freeze.fill(engine, mailing_id):
        pass
    return bare, frozen - began, time.perf_counter() - frozen, rows


def _bare(engine: Engine, mailing_id: UUID) -> float:
    with transaction(engine) as session:
        session.execute(
            text(
                "CREATE TABLE IF NOT EXISTS bare (mailing uuid, customer_id uuid, PRIMARY KEY (mailing, "
                "customer_id))"
            )
        )
        session.execute(text("TRUNCATE bare"))
    began = time.perf_counter()
    with transaction(engine) as session:
        mailing = session.get_one(Mailing, mailing_id)
        among = people.audience(session, mailing, clock.now())
        query = f"INSERT INTO bare SELECT :mailing, customer_id FROM ({among.sql}) a"
        session.execute(text(query), {**among.params, "mailing": mailing_id})
    return time.perf_counter() - began


def clear(engine: Engine) -> None:
    """Away with the rows, so that each round begins alike."""
    with engine.begin() as db:
        db.execute(text("TRUNCATE deliveries"))
        db.execute(text("UPDATE mailings SET state = 'cancelled'"))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as db:
        db.execute(text("CHECKPOINT"))


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--people", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--keep", type=Path, help="a folder to fill once and use again")
    options = parser.parse_args()
    with installation(keep=options.keep) as rig:
        sealer = Sealer([new_key()])
        contexts.use(Context(rig.settings, sealer))
        with rig.engine.connect() as db:
            full = db.scalar(text("SELECT EXISTS (SELECT FROM customers)"))
        if not full:
            fill(rig.engine, options.people)
        with transaction(rig.engine) as session:
            session.execute(
                text("TRUNCATE mail_switch, mail_domains, senders, transports, mailings, segments CASCADE")
            )
            kinds = prepare(session, sealer, rig.folder / "letters")
        held = True
        for name, parts in kinds.items():
            found = []
            for _round in range(options.rounds):
                clear(rig.engine)
                found.append(once(rig.engine, parts))
            bare, frozen, filled = (statistics.median(one[at] for one in found) for at in range(3))
            held = held and frozen <= BAR * bare
            people_ = found[0][3]
            print(
                f"{name:24} {people_:,} people frozen in {frozen:5.1f} s, bare {bare:5.1f} s:"
                f" {frozen / bare:4.1f} times; into the ledger at {people_ / filled:,.0f}/s", flush=True,
            )  # fmt: skip
        print(f"bar: {BAR:.0f} times{'' if held else '  MISSED'}")


if __name__ == "__main__":
    main()
