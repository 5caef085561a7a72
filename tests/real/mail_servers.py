"""Real Dovecot and OpenSMTPD of our own on loopback: letters handed in there lie in IMAP mailboxes."""

import os
import shutil
import smtplib
import socket
import subprocess
from pathlib import Path

from tests.real.vendure_shop import free_port

START = Path(__file__).with_name("start-mail.sh")
PROGRAMS = ("dovecot", "smtpd")


def missing() -> str:
    """Why no real mail servers can be started here; empty when they can."""
    if os.environ.get("KARTOTEKA_REAL") != "1":
        return "real servers are started only with KARTOTEKA_REAL=1"
    path = f"{os.environ.get('PATH', '')}:/usr/sbin"
    lacking = [program for program in PROGRAMS if shutil.which(program, path=path) is None]
    if lacking:
        return f"real mail servers need {', '.join(lacking)}: apt-get install dovecot-imapd opensmtpd"
    return "" if os.geteuid() == 0 else "OpenSMTPD starts as root only"


def _free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


class MailServers:
    """Both servers, in a folder that may be thrown away afterwards."""

    password = "secret"

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.imap, self.smtp = self._ports()

    def start(self) -> None:
        """Start them; half a second."""
        self._script()

    def stop(self) -> None:
        """End them."""
        self._script("stop")

    def send(self, sender: str, to: str, letter: bytes) -> None:
        """Hand a letter in, as anybody's mail program does."""
        with smtplib.SMTP("127.0.0.1", self.smtp, timeout=20) as client:
            client.sendmail(sender, [to], letter)

    @staticmethod
    def _ports() -> tuple[int, int]:
        while True:
            port = free_port()
            if port < 65_500 and all(_free(port + more) for more in (1, 2)):
                return port, port + 1

    def _script(self, *words: str) -> None:
        done = subprocess.run(
            ["bash", START, self.folder, str(self.imap), *words],
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        if done.returncode:
            raise RuntimeError(f"start-mail.sh failed: {done.stderr[-2000:]}")
