"""How fast personalised letters leave, each with a durable row, against a bare loop over the same server.

    python -m benchmarks.mail --letters 4000 --connections 1

One run measures: a bare `smtplib` loop that sends one prepared message over one kept-open connection; the
bare rate of RSA-2048 signatures; ours unsigned and signed (RSA and Ed25519), from due rows to accepted ones,
with a durable database; and the naive chain (MJML per message, `EmailMessage`, dkimpy). Letters have 24 KB,
as those that the bars were set with, and so many connections. The server is Postfix's `smtp-sink` where it
is found (KARTOTEKA_SMTP_SINK names it), else `benchmarks.smtp_sink`. What our process and PostgreSQL's spend
on a letter is printed beside the rates.
"""

import argparse
import os
import shutil
import smtplib
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from typing import Any

import dkim
import jinja2
import mrml
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from sqlalchemy import text

from benchmarks.capture import database_cpu
from benchmarks.rig import Rig, free_port, installation
from customers import store
from customers.store import Resolved
from customers.tables import Source
from email_campaigns import secret
from email_campaigns.delivery import claims, ledger, senders
from email_campaigns.delivery import engine as sending
from email_campaigns.delivery.compose import Composer
from email_campaigns.letters import store as letters
from email_campaigns.tables import MailDomain, Mailing
from foundation import clock, context
from foundation.context import Context
from foundation.database import transaction
from foundation.records import Address, Consent, Person
from foundation.sealing import open_sealer

BARS = {"unsigned": 0.90, "signed": 0.55, "naive": 15.0}
MENTIONED = 6  # goods in a letter: with them it has 24 KB
PRAISE = "It has been made by hand since 1842, and what is made by hand lasts. " * 6
FOOTER = {"type": "footer", "company": "Bazaar", "address": "1 Main street, Almaty", "reason": "You asked."}
BLOCKS: list[dict[str, Any]] = [
    {"type": "heading", "text": "Spring is here, {{ customer.given_name or 'friend' }}"},
    {
        "type": "text",
        "text": "We have **new samovars**: see [the catalogue](https://shop.example/catalogue?utm=a&n=1)"
        " or [the sale](https://shop.example/sale). You live in {{ customer.city or 'town' }}.",
    },
    {"type": "button", "label": "Look at them", "url": "https://shop.example/new"},
    *(
        block
        for number in range(MENTIONED)
        for block in (
            {"type": "heading", "text": f"Samovar Nr{number}, brass, four litres"},
            {
                "type": "text",
                "text": f"Boils in ten minutes, {{{{ customer.given_name or 'friend' }}}}. {PRAISE}",
            },
            {"type": "button", "label": "Buy it", "url": f"https://shop.example/samovars/{number}"},
        )
    ),
    {"type": "text", "text": "Write to [us](https://shop.example/contact) whenever you like."},
    FOOTER,
]


@contextmanager
def sink() -> Iterator[int]:
    """A server that takes everything and keeps nothing."""
    port = free_port()
    found = os.environ.get("KARTOTEKA_SMTP_SINK") or shutil.which("smtp-sink")
    command = [sys.executable, "-m", "benchmarks.smtp_sink", str(port)]
    if found:
        command = [found, *(["-u", "nobody"] if os.geteuid() == 0 else []), f"127.0.0.1:{port}", "1024"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        for _attempt in range(200):
            try:
                smtplib.SMTP("127.0.0.1", port, timeout=2).quit()
                break
            except OSError:
                time.sleep(0.05)
        yield port
    finally:
        process.terminate()
        process.wait()


def person(number: int) -> Person:
    """Somebody who wants letters."""
    at = clock.now()
    return Person(
        external_id=f"p{number}", name=f"Person Nr{number}", given_name=f"Anna{number}",
        emails=(f"person{number}@mail{number % 50}.example",), email_verified=True, country="KZ",
        language="en",
        consents=(Consent(channel="email", given=True, at=at),), addresses=(Address(city="Almaty",
        country="KZ"),),
        created_at=at, changed_at=at,
    )  # fmt: skip


def build(rig: Rig, port: int, count: int, connections: int) -> tuple[Any, Any, Any]:
    """People, a letter, two senders: of a domain with keys and of one without."""
    sealer = context.current().sealer
    with transaction(rig.engine) as session:
        source = Source(name="Shop", kind="vendure", role="shop")
        session.add(source)
        settings = {"host": "127.0.0.1", "port": str(port), "security": "none"}
        settings["connections"] = str(connections)
        via = senders.add_transport(session, sealer, "Sink", "smtp", settings)
        signed = senders.add(session, sealer, "Shop", "news@signed.example", via)
        plain = senders.add(session, sealer, "Shop", "news@plain.example", via)
        session.delete(session.get_one(MailDomain, "plain.example"))
        letter = letters.create(session, "News", "marketing")
        texts = {"en": {"subject": "Spring for {{ customer.given_name or 'you' }}", "blocks": BLOCKS}}
        version = letters.new_version(session, letter, "en", texts)
        switch = secret.switch(session)
        switch.quiet_from = switch.quiet_until = switch.cap = 0
    for begin in range(0, count, 2000):
        with transaction(rig.engine) as session:
            items = [
                Resolved(n + 1, clock.now(), (person(n),)) for n in range(begin, min(begin + 2000, count))
            ]
            store.apply(session, source.id, items, bulk=True)
    return plain.id, signed.id, version.id


def plan(rig: Rig, sender: Any, version: Any) -> None:
    """A mailing to everybody, due now."""
    with transaction(rig.engine) as session:
        mailing = Mailing(name="News", state="sending", letter_id=None, sender_id=sender, per_hour=None,
        starts_at=None,
                          started_at=clock.now(), finished_at=None, operation_id=None)  # fmt: skip
        session.add(mailing)
        session.flush()
        wanted = (
            "SELECT id AS customer_id, '' AS variant, CAST(:due AS timestamptz) AS due_at, false AS holdout"
            " FROM customers WHERE live"
        )
        ledger.plan(
            session, f"mailing:{mailing.id}", "marketing", sender, version, (wanted, {"due": clock.now()})
        )
    with rig.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as db:
        db.execute(text("VACUUM ANALYZE"))


def ours(rig: Rig, count: int) -> tuple[float, float, float]:
    """Letters a second, from due rows to accepted ones; microseconds of our CPU and PostgreSQL's a letter."""
    began, cpu, theirs = time.perf_counter(), time.process_time(), database_cpu()
    while sending.send(rig.engine):
        pass
    took = time.perf_counter() - began
    cpu, theirs = time.process_time() - cpu, database_cpu() - theirs
    with rig.engine.connect() as db:
        states = dict(db.execute(text("SELECT state, count(*) FROM deliveries GROUP BY state")).all())
    assert states == {"accepted": count}, states
    with rig.engine.begin() as db:
        db.execute(text("TRUNCATE deliveries, timeline, mailings"))
    return count / took, cpu / count * 1e6, theirs / count * 1e6


def prepared(rig: Rig, sender: Any, version: Any) -> bytes:
    """One letter as we send it."""
    plan(rig, sender, version)
    rows = claims.claim(rig.engine, _transport(rig), 1)
    made, _refused = Composer(rig.engine).prepare(rows).make(rows)
    with rig.engine.begin() as db:
        db.execute(text("TRUNCATE deliveries, mailings"))
    return made[0].data


def _transport(rig: Rig) -> Any:
    with rig.engine.connect() as db:
        return db.scalar(text("SELECT id FROM transports"))


def bare(port: int, message: bytes, count: int) -> tuple[float, float]:
    """The standard library's loop, letters a second; microseconds of CPU a letter."""
    server = smtplib.SMTP("127.0.0.1", port)
    server.ehlo()
    began, cpu = time.perf_counter(), time.process_time()
    for number in range(count):
        server.sendmail("news@plain.example", [f"person{number}@mail.example"], message)
    took, cpu = time.perf_counter() - began, time.process_time() - cpu
    server.quit()
    return count / took, cpu / count * 1e6


def signing(seconds: float = 1.5) -> float:
    """RSA-2048 signatures a second, of what a letter's headers come to."""
    key, done = rsa.generate_private_key(65537, 2048), 0
    began = time.perf_counter()
    while time.perf_counter() - began < seconds:
        key.sign(b"x" * 900, padding.PKCS1v15(), hashes.SHA256())
        done += 1
    return done / (time.perf_counter() - began)


def naive(port: int, source: str, count: int) -> float:
    """What one writes first: MJML, template, EmailMessage and dkimpy anew for each letter."""
    key = rsa.generate_private_key(65537, 2048).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
    server = smtplib.SMTP("127.0.0.1", port)
    began = time.perf_counter()
    for number in range(count):
        html = (
            jinja2.Environment(autoescape=True)
            .from_string(mrml.to_html(source).content)
            .render(name=f"Anna{number}")
        )
        message = EmailMessage()
        message["From"], message["To"] = "news@plain.example", f"person{number}@mail.example"
        message["Subject"], message["Message-ID"] = f"Spring for Anna{number}", f"<{number}@plain.example>"
        message.set_content(f"Dear Anna{number}")
        message.add_alternative(html, subtype="html")
        data = message.as_bytes().replace(b"\n", b"\r\n")
        data = dkim.sign(data, b"k1", b"plain.example", key) + data
        server.sendmail("news@plain.example", [f"person{number}@mail.example"], data)
    took = time.perf_counter() - began
    server.quit()
    return count / took


def measure(letters_: int, rounds: int, connections: int) -> dict[str, float]:
    """Every figure, the middle of so many rounds, measured in turns."""
    found: dict[str, list[float]] = {}
    with sink() as port, installation() as rig:
        context.use(
            Context(
                rig.settings.model_copy(update={"public_url": "https://crm.shop.example"}),
                open_sealer(rig.settings),
            )
        )
        plain, signed, version = build(rig, port, letters_, connections)
        message = prepared(rig, plain, version)
        print(f"{len(message)} bytes a letter")
        for _round in range(rounds):
            rate, cpu = bare(port, message, letters_)
            found.setdefault("bare", []).append(rate)
            print(f"bare         {rate:8,.0f}/s   a letter: {cpu:4.0f} us of CPU")
            for name, sender in (("unsigned", plain), ("signed", signed)):
                plan(rig, sender, version)
                rate, cpu, theirs = ours(rig, letters_)
                found.setdefault(name, []).append(rate)
                spent = f"{cpu:4.0f} us of CPU, PostgreSQL's {theirs:4.0f} us"
                print(f"{name:12} {rate:8,.0f}/s   a letter: {spent}")
            found.setdefault("signatures", []).append(signing())
        source = (
            "<mjml><mj-body>"
            + 12
            * "<mj-section><mj-column><mj-text>Dear {{ name }}, a text of some words</mj-text><mj-button href='https://shop.example/'>Buy</mj-button></mj-column></mj-section>"
            + "</mj-body></mjml>"
        )
        found["naive"] = [naive(port, source, 150)]
        sending.rest(rig.engine)
    context.use(None)
    return {name: statistics.median(values) for name, values in found.items()}


def main() -> int:
    """Measure, print, and fail where a bar is missed."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--letters", type=int, default=4000)
    asked.add_argument("--rounds", type=int, default=3)
    asked.add_argument("--connections", type=int, default=1)
    given = asked.parse_args()
    rates = measure(given.letters, given.rounds, given.connections)
    print("the middle:")
    for name, rate in rates.items():
        print(f"{name:12} {rate:8,.0f}/s")
    shares = {
        "unsigned": rates["unsigned"] / rates["bare"],
        "signed": rates["signed"] / rates["signatures"],
        "naive": rates["signed"] / rates["naive"],
    }
    for name, share in shares.items():
        print(f"{name:12} {share:8.2f}   (bar {BARS[name]})")
    return 0 if all(shares[name] >= BARS[name] for name in BARS) else 1


if __name__ == "__main__":
    sys.exit(main())
