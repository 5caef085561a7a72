"""A mailbox's letters for the console's tests: landed and on their cards, without a mail server."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Engine

from connectors.letters import payload
from customers import store
from customers.store import Resolved
from customers.tables import Source
from foundation import clock
from foundation.database import transaction
from foundation.records import Person
from foundation.sealing import Sealer
from sync import connections, resolve
from sync.landing import land
from tests import people
from tests.mailbox import ARRIVED, letter

FILES = b"""From: Anna Petrova <anna@example.org>\r
To: shop@example.org\r
Subject: Photos\r
Message-ID: <files@example.org>\r
MIME-Version: 1.0\r
Content-Type: multipart/mixed; boundary=b\r
\r
--b\r
Content-Type: text/plain; charset=utf-8\r
\r
Here they are.\r
--b\r
Content-Type: image/png; name="../../etc/cup.png"\r
Content-Transfer-Encoding: base64\r
Content-Disposition: attachment\r
\r
iVBORw0KGgo=\r
--b\r
Content-Type: text/html\r
Content-Disposition: attachment; filename="=?utf-8?b?0YHRh9GR0YIuaHRtbA==?="\r
\r
<script>alert(1)</script>\r
--b--\r
"""


class Post:
    """What a mailbox brought in."""

    def __init__(self, engine: Engine, sealer: Sealer) -> None:
        self.engine = engine
        values = {"host": "127.0.0.1", "user": "shop@example.org", "password": "secret"}
        with transaction(engine) as session:
            self.id: UUID = connections.create(session, sealer, "imap", "Mail", values).id
            shop = Source(name="Shop", kind="vendure", role="shop")
            session.add(shop)
            session.flush()
            self.shop = shop.id

    def know(self, *known: Person) -> None:
        """People of the shop."""
        with transaction(self.engine) as session:
            items = [Resolved(n, clock.now(), (one,)) for n, one in enumerate(known or (people.anna(),))]
            store.apply(session, self.shop, items)

    def bring(self, *letters: bytes, at: datetime = ARRIVED, sent: bool = False) -> None:
        """Letters come in, an instant apart, and go where they belong."""
        self._land([payload.pack(one, at=at, size=len(one), sent=sent, cut=False) for one in letters])

    def _land(self, raws: Sequence[object]) -> None:
        with transaction(self.engine) as session:
            land(session, self.id, "letters", raws, "pull", read_at=clock.now())  # type: ignore[arg-type]
        while resolve.resolve(self.engine):
            pass


__all__ = ["FILES", "Post", "letter"]
