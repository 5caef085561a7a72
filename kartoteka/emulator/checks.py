"""What a site owes to 1C, tried out: each promise with how it was kept."""

from collections.abc import Callable, Iterator, Sequence
from typing import Literal

import msgspec

from connectors.accounting.commerceml.client import Answer
from foundation.errors import KartotekaError
from kartoteka.emulator.goods import Packet
from kartoteka.emulator.line import Step
from kartoteka.emulator.papers import Paper
from kartoteka.emulator.play import Player

PATIENCE = 30.0  # seconds after which usual settings of 1C give a request up

State = Literal["ok", "bad", "note", "skipped"]


class Check(msgspec.Struct, frozen=True):
    """One promise, how it was kept, and what was seen."""

    promise: str
    state: State
    seen: str = ""


class Judge:
    """Plays all runs of a player and gathers what they show."""

    def __init__(self, player: Player) -> None:
        self._player = player
        self.checks: list[Check] = []

    def play(self, packets: Callable[[], Iterator[Packet]] | None, sale: bool) -> list[Check]:
        """Every check there is something for; goes on after a failed one as far as it makes sense."""
        with self._player.line.sound():
            open_ = self._try("Name and password open the exchange", self._opens)
            if open_:
                self._try("A wrong password is refused", self._refuses_strangers)
                self._try("Nothing is taken from who has not signed in", self._refuses_unsigned)
        if open_ and packets is not None:
            self._try("The whole catalogue is taken and read", lambda: self._catalogue(packets))
        if open_ and sale:
            with self._player.line.sound():
                self._try("Orders that were not acknowledged come again", self._comes_again)
            if self._try("Orders are fetched, acknowledged and taken back", self._sale):
                self._judge_buyers()
                with self._player.line.sound():
                    self._try("Acknowledged orders do not come again", self._stays_away)
                    self._try("mode=info lists the states of orders", self._lists, bad="note")
        self._judge_steps(self._player.line.steps)
        return self.checks

    def _try(self, promise: str, look: Callable[[], str | Check], bad: State = "bad") -> bool:
        """Keep what a look answers; an error of the site is an answer too."""
        try:
            seen = look()
        except KartotekaError as error:
            seen = Check(promise, bad, str(error))
        check = seen if isinstance(seen, Check) else Check(promise, "ok", seen)
        self.checks.append(check)
        return check.state != "bad"

    def _opens(self) -> str | Check:
        client = self._player.begin("catalog")
        if not client.cookie:
            return Check(
                "Name and password open the exchange", "bad", "no cookie in lines 2 and 3 of the answer"
            )
        return f"archives {'taken' if client.zip else 'not taken'}, {client.limit} bytes at once"

    def _refuses_strangers(self) -> str | Check:
        try:
            self._player.client("catalog", password="not the password").sign_in()  # noqa: S106 - a wrong one
        except KartotekaError:
            return ""
        return Check("A wrong password is refused", "bad", "a wrong password was let in")

    def _refuses_unsigned(self) -> str | Check:
        answer = self._player.line.send("POST", "type=catalog&mode=file&filename=x.xml", b"<x/>", {})
        if answer.verdict == "success":
            return Check("Nothing is taken from who has not signed in", "bad", "a stranger's file was taken")
        return ""

    def _catalogue(self, packets: Callable[[], Iterator[Packet]]) -> str:
        self._player.catalogue(packets)
        return f"{len(self._player.files)} files"

    def _sale(self) -> str:
        self._player.sale()
        if self._player.line.breaks:
            with self._player.line.sound():
                self._player.sale()  # the next run: what came too late for this one has its turn
        return f"{len(self._player.orders)} orders"

    def _comes_again(self) -> str | Check:
        first = self._fetch()
        again = {paper.number for paper in self._fetch()}
        promise = "Orders that were not acknowledged come again"
        if not first:
            return Check(promise, "skipped", "the site has no orders for 1C: place one or two")
        if lost := [paper.number for paper in first if paper.number not in again]:
            return Check(promise, "bad", f"{len(lost)} of {len(first)} are lost: {_some(lost)}")
        return f"{len(first)} orders"

    def _stays_away(self) -> str | Check:
        promise = "Acknowledged orders do not come again"
        if not self._player.orders:
            return Check(promise, "skipped", "no orders")
        if came := [paper.number for paper in self._fetch() if self._is_known(paper)]:
            return Check(promise, "bad", f"came again: {_some(came)}")
        return ""

    def _lists(self) -> str | Check:
        body = self._player.begin("sale").info()
        text = Answer(200, body).text
        if "<Cтатусы>" in text:
            return ""
        seen = (
            "<Статусы> begins with a Cyrillic letter, 1C looks for the Latin one"
            if "<Статусы>" in text
            else ""
        )
        return Check("mode=info lists the states of orders", "note", seen or "no list")

    def _fetch(self) -> list[Paper]:
        return self._player.fetch(self._player.begin("sale"))

    def _is_known(self, paper: Paper) -> bool:
        known = self._player.orders.get(paper.number)
        return known is not None and known.text == paper.text

    def _judge_buyers(self) -> None:
        """One id for different people makes one counterparty of them all."""
        promise = "Different buyers have different ids"
        buyers: dict[str, list[Paper]] = {}
        for paper in self._player.orders.values():
            buyers.setdefault(paper.buyer, []).append(paper)
        mixed = [who or "(empty)" for who, theirs in buyers.items() if _are_different(theirs)]
        if not self._player.orders:
            self.checks.append(Check(promise, "skipped", "no orders"))
        elif mixed:
            self.checks.append(Check(promise, "bad", f"one id for several people: {_some(mixed)}"))
        else:
            self.checks.append(Check(promise, "ok", f"{len(buyers)} buyers"))
        if self._player.same_page:
            seen = "a second query gave the first one's orders again; newer modules ask until there are none"
            self.checks.append(Check("A second query gives the next orders", "note", seen))

    def _judge_steps(self, steps: Sequence[Step]) -> None:
        slowest = max(steps, key=lambda step: step.seconds, default=None)
        if slowest is not None:
            seen = f"slowest: {slowest.kind} {slowest.mode}, {slowest.seconds:.1f} s"
            state: State = "ok" if slowest.seconds <= PATIENCE else "bad"
            self.checks.append(Check(f"Each request is answered within {PATIENCE:.0f} s", state, seen))
        away = [step for step in steps if step.verdict == "redirect"]
        if away:
            seen = f"{len(away)} answers send elsewhere ({away[0].status}): files get lost on the way"
            self.checks.append(Check("No answer redirects", "bad", seen))
        odd = {step.remark: None for step in steps if step.verdict == "document" and step.remark}
        if odd:
            self.checks.append(Check("Header and XML name one encoding", "bad", "; ".join(odd)))


def _are_different(papers: Sequence[Paper]) -> bool:
    """Several names, and not one contact that two of them share."""
    people = {(paper.name, paper.contacts): set(paper.contacts) for paper in papers}
    names = {name for name, _ in people}
    contacts = list(people.values())
    apart = any(
        not one & other for at, one in enumerate(contacts) for other in contacts[at + 1 :] if one and other
    )
    return len(names) > 1 and apart


def _some(things: Sequence[str]) -> str:
    return ", ".join(things[:5]) + (" …" if len(things) > 5 else "")
