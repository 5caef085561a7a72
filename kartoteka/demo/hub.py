"""What the invented shop knows of the hub that captures its pages, and how its server speaks to it."""

import base64
import hashlib
import hmac
from collections.abc import Sequence
from typing import Any

import msgspec

from kartoteka.demo.hooks import post

Message = dict[str, Any]  # of the tracking API
TOGETHER = 400  # messages of a call: well below the collector's half megabyte


class FormNote(msgspec.Struct, frozen=True):
    """A form of the hub that the shop's pages show."""

    id: str
    name: str
    kind: str
    consent: str


class Hub(msgspec.Struct, frozen=True):
    """The hub's address and the keys of the shop's site in it."""

    address: str
    shop: str  # the shop's own address
    site: str
    write_key: str
    secret_key: str
    forms: tuple[FormNote, ...] = ()

    @property
    def snippet(self) -> str:
        """The address of the script in the shop's pages."""
        return f"{self.address}/k/{self.site}.js"

    def form(self, kind: str) -> FormNote | None:
        """The form of a kind."""
        return next((one for one in self.forms if one.kind == kind), None)

    def sign(self, user: str, email: str) -> str:
        """What proves that the shop's server knows a visitor under this id and address."""
        said = f"{user}\n{email.strip().lower()}"
        return hmac.new(self.secret_key.encode(), said.encode(), hashlib.sha256).hexdigest()

    def send(self, messages: Sequence[Message], agent: str = "", *, secret: bool = False) -> int:
        """Tell the collector, as a visitor's browser or as the shop's server; how many it took."""
        key = self.secret_key if secret else self.write_key
        headers = {
            "Content-Type": "application/json",
            "Authorization": f"Basic {base64.b64encode(f'{key}:'.encode()).decode()}",
            "User-Agent": agent,
        }
        taken = 0
        for start in range(0, len(messages), TOGETHER):
            batch = messages[start : start + TOGETHER]
            status = post(f"{self.address}/v1/batch", msgspec.json.encode({"batch": batch}), headers)
            taken += len(batch) * (status == 200)
        return taken
