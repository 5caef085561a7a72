"""Letters as files in a folder: for trying things out, and for a mail system that picks files up."""

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from email_campaigns.delivery.transports.base import ACCEPTED, UNSENT, Envelope, Outcome
from foundation.errors import BadInput, Misconfigured
from foundation.text import _


def read(values: Mapping[str, str]) -> Path:
    """The folder a person named; BadInput when it is no absolute path."""
    folder = Path(values.get("folder", "").strip())
    if not folder.is_absolute():
        raise BadInput(_("Give the whole path of a folder, such as /var/spool/kartoteka."), "folder")
    return folder


class Files:
    """One `.eml` file a letter, named after its delivery, whole or not at all."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.is_open = False
        self.renewed: dict[str, str] = {}

    def open(self) -> None:
        """Make the folder, for us only."""
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise Misconfigured(
                _("The folder %s can't be used: %s") % (self.folder, error), "folder"
            ) from error
        self.is_open = True

    def check(self) -> str:
        """That the folder is there is all there is to know."""
        return _("The folder is there, and letters can be written into it.")

    def send(self, letters: Sequence[Envelope]) -> Iterator[Outcome]:
        """Write each, synced to the disk."""
        for letter in letters:
            try:
                self._write(letter)
            except OSError as error:
                self.is_open = False
                yield Outcome(UNSENT, "", str(error))
            else:
                yield Outcome(ACCEPTED, "", f"{letter.id}.eml")

    def _write(self, letter: Envelope) -> None:
        path = self.folder / f"{letter.id}.eml"
        fresh = path.with_suffix(".part")
        head = f"Return-Path: <{letter.sender}>\r\nX-Recipient: {letter.recipient}\r\n".encode()
        with open(fresh, "wb", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
            file.write(head + letter.data)
            file.flush()
            os.fsync(file.fileno())
        fresh.rename(path)

    def close(self) -> None:
        """Nothing is held."""
        self.is_open = False

    def cut(self) -> None:
        """Nothing hangs."""
