"""One thread, one connection: claims rows of a transport, makes letters, hands them over, tells results.

While a few letters leave, others make the next ones, commit the results of those before and mark those after
them, so that neither the server's answers nor a durable ledger cost waiting. How many leave between two
commits follows the server's speed: so many may be of unknown fate when the process is killed.
"""

import threading
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Engine

from customers.touched import FOLLOWER
from email_campaigns import secret, source
from email_campaigns.delivery import claims, results
from email_campaigns.delivery.claims import Claimed
from email_campaigns.delivery.compose import Batch, Composer
from email_campaigns.delivery.results import Made, Turn
from email_campaigns.delivery.transports.base import FAILED, UNSENT, Envelope, Outcome, Way
from email_campaigns.delivery.writer import Promise, Writer
from foundation.clock import monotonic, now
from foundation.database import transaction
from foundation.errors import KartotekaError, Misconfigured, Temporary
from foundation.text import _
from foundation.wake import wake

CHUNK = 10  # letters between two commits, at most
STRETCH = 0.02  # seconds that the letters between two commits should take
REST = timedelta(seconds=5)  # until letters are tried again that a transport couldn't take
Results = list[tuple[Made, Outcome]]


class Coming(NamedTuple):
    """Claimed rows with what is known of their people."""

    rows: Sequence[Claimed]
    batch: Batch | None
    more: bool  # others may be due


_NOTHING = Coming((), None, False)


@dataclass
class Lane:
    """A sender of one transport. `run` works until nothing is due; `stopping` ends it after the letters in
    hand."""

    engine: Engine
    transport_id: UUID
    way: Way
    bounces: str = ""
    settings: Mapping[str, str] = field(default_factory=dict)  # of the transport, as they were
    stopping: threading.Event = field(default_factory=threading.Event)
    trouble: KartotekaError | None = None
    alarm: tuple[str, str] = ("", "")
    leaving_since: float = 0.0  # monotonic; 0: nothing is leaving
    sent: int = 0
    broke: bool = False
    over: bool = False
    _held: dict[UUID, Claimed] = field(default_factory=dict)
    _refused: bool = False  # some may not leave after all: the next claim says why
    _pace: float = STRETCH  # seconds a letter took lately

    def held(self) -> list[Claimed]:
        """The rows in our hands, for whoever renews their leases."""
        return list(self._held.values())

    def run(self) -> None:
        """Send what is due; what is wrong with the transport stands in `trouble` or `alarm` then."""
        with transaction(self.engine) as session:
            home, told = secret.mark(session), source.source_id(session)
        composer = Composer(self.engine, self.bounces)
        with (
            Turn(self.engine, self.transport_id, home, told) as turn,
            Writer("mail writer") as writer,
            Writer("mail claimer") as claimer,
            Writer("mail maker") as maker,
        ):
            try:
                coming = self._claim(composer)
                while coming.rows and not self._ending() and self._opened():
                    ahead = claimer.ask(partial(self._claim, composer)) if coming.more else None
                    try:
                        self._send(coming, turn, writer, maker)
                    finally:
                        coming = ahead.result() if ahead else _NOTHING
                        wake(FOLLOWER)  # of the cards' segments: letters are something to ask for
                    if not coming.rows and self._refused:
                        self._refused, coming = False, self._claim(composer)
            finally:  # what was claimed and not handed over; the rest is told or its lease runs out
                due = now() + REST if self.trouble else None
                claims.give_back(self.engine, self.held(), due=due)
                self._held = {}

    def _claim(self, composer: Composer) -> "Coming":
        """The next rows with all that their letters need, read while the last ones leave."""
        while True:
            rows = claims.claim(self.engine, self.transport_id)
            self._held |= {one.id: one for one in rows}
            if rows or not rows.more or self._ending():
                return Coming(rows, composer.prepare(rows) if rows else None, rows.more)

    def _ending(self) -> bool:
        if self.trouble or self.alarm[0] or self.stopping.is_set():
            return True
        return not threading.main_thread().is_alive()  # the process ends

    def _opened(self) -> bool:
        if not self.way.is_open:
            try:
                self.way.open()
            except KartotekaError as error:
                self.trouble = error
                return False
        return True

    def _send(self, coming: "Coming", turn: Turn, writer: Writer, maker: Writer) -> None:
        """Make, mark, hand over and tell these rows, a few at a time, each step beside the others."""
        batch, todo = coming.batch, deque(coming.rows)
        assert batch is not None
        ready: list[Made] = []
        behind: Results = []
        making = self._next(batch, todo, maker)
        while making or ready or behind:
            made = making.result() if making else []
            if made and self._ending():
                self._return([one.row for one in made])
                made = []
            making = self._next(batch, todo, maker)
            telling = behind
            written = writer.ask(partial(turn, telling, made))
            behind = self._leave(ready)
            ready = self._granted(made, written.result())
            for one, _outcome in telling:
                self._held.pop(one.row.id, None)
            self._watch(telling)

    def _next(self, batch: Batch, todo: "deque[Claimed]", maker: Writer) -> Promise[list[Made]] | None:
        """Have the next few made; nothing where there are no more."""
        if self._ending():
            todo.clear()
        if not todo:
            return None
        rows = [todo.popleft() for _one in range(min(self._size(), len(todo)))]
        return maker.ask(partial(self._make, batch, rows))

    def _size(self) -> int:
        return max(1, min(CHUNK, int(STRETCH / max(self._pace, 1e-6))))

    def _make(self, batch: Batch, rows: Sequence[Claimed]) -> list[Made]:
        made, refused = batch.make(rows)
        claims.skip(self.engine, refused)
        for row, _code, _detail in refused:
            self._held.pop(row.id, None)
        return made

    def _granted(self, made: Sequence[Made], granted: set[UUID]) -> list[Made]:
        """The letters that may leave; the others go back, and the next claim finds out why they may not."""
        refused = [one.row for one in made if one.row.id not in granted]
        self._refused = self._refused or bool(refused)
        self._return(refused)
        return [one for one in made if one.row.id in granted]

    def _return(self, rows: Sequence[Claimed], *, unsent: bool = False) -> None:
        due = now() + REST if unsent else None
        claims.give_back(self.engine, rows, due=due, unsent=unsent)
        for row in rows:
            self._held.pop(row.id, None)

    def _leave(self, ready: Sequence[Made]) -> Results:
        """Hand these over, connecting anew where the server hung up between letters."""
        told: Results = []
        left, said, stuck = list(ready), "", 0
        began = self.leaving_since = monotonic()
        while left and stuck < 2 and not self.trouble and self._opened():
            outcomes = list(self.way.send([_envelope(one) for one in left]))
            pairs = list(zip(left, outcomes, strict=True))
            told += [(one, outcome) for one, outcome in pairs if outcome.state != UNSENT]
            left = [one for one, outcome in pairs if outcome.state == UNSENT]
            stuck = stuck + 1 if len(left) == len(pairs) else 0
            said = next((outcome.reply for _one, outcome in pairs if outcome.state == UNSENT), "")
            if any(outcome.reason == "sign_in" for _one, outcome in pairs):
                self.trouble = Misconfigured(_("The server wants us to sign in: %s") % said, "user")
        if told:
            self._pace = (monotonic() - began) / len(told)
            self.sent += len(told)
        if left:
            self.trouble = self.trouble or Temporary(
                _("The server hangs up before it takes a letter: %s") % said
            )
            self._return([one.row for one in left], unsent=True)
        self.leaving_since = 0.0
        return told

    def _watch(self, told: Results) -> None:
        """After refusals: see whether the transport should stop by itself."""
        if any(
            outcome.state == FAILED and outcome.reason in ("policy", "no_mailbox") for _one, outcome in told
        ):
            with transaction(self.engine) as session:
                self.alarm = results.alarm(session, self.transport_id)


def _envelope(one: Made) -> Envelope:
    return Envelope(str(one.row.id), one.sender, one.recipient, one.data)
