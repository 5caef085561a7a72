"""SIGKILL of workers in the middle of sending; the long one is tests/soak/test_mail.py."""

import signal
import time

from tests.email_campaigns.delivery.mailserver import mail_server
from tests.soak.mailhouse import LEASE, MailHouse


def test_nobody_gets_two_and_nobody_is_forgotten(engine, settings, tmp_path):
    with mail_server(delay=0.02) as (box, port):
        mail = MailHouse(engine, settings, box, port, tmp_path, seed=1)
        try:
            mail.house.crowd(400)
            mail.house.plan()
            mail.rage(5)
            mail.settle(90)
            states = mail.check(400)
            assert states["accepted"] > 300
        finally:
            mail.stop()


def test_a_worker_that_is_told_to_end_leaves_nothing_behind(engine, settings, tmp_path):
    with mail_server(delay=0.05) as (box, port):
        mail = MailHouse(engine, settings, box, port, tmp_path, seed=1)
        try:
            mail.house.crowd(300)
            mail.house.plan()
            mail.start(1)
            while len(box.taken) < 10:
                time.sleep(0.01)
            mail.tell(1, signal.SIGTERM)
            deadline = time.monotonic() + 20
            while mail.lives(1):
                assert time.monotonic() < deadline
                time.sleep(0.01)
            assert "Traceback" not in (tmp_path / "mail-1.log").read_text("utf-8")
            states = mail.house.states()
            assert set(states) == {"accepted", "planned"}, "no letter of unknown fate, and none held"
            assert states["accepted"] == len(box.taken)
        finally:
            mail.stop()


def test_a_worker_that_was_frozen_sends_nothing_twice(engine, settings, tmp_path):
    with mail_server(delay=0.02) as (box, port):
        mail = MailHouse(engine, settings, box, port, tmp_path, seed=1)
        try:
            mail.house.crowd(300)
            mail.house.plan()
            mail.start(1)
            while len(box.taken) < 10:
                time.sleep(0.01)
            mail.tell(1, signal.SIGSTOP)
            mail.start(2)
            time.sleep(2 * LEASE + 1)
            mail.tell(1, signal.SIGCONT)
            mail.settle(60)
            time.sleep(1)
            assert mail.check(300)["accepted"] > 280
        finally:
            mail.tell(1, signal.SIGCONT)
            mail.stop()
