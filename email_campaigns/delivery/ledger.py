"""The rows of the ledger: planned in one statement, cancelled, given another try, found out about later."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from customers.touched import touch
from email_campaigns.source import source_id
from email_campaigns.tables import Delivery, Sender
from foundation.clock import now
from foundation.database import changed
from foundation.errors import BadInput
from foundation.text import _
from foundation.wake import wake_after_commit

DUTY = "mail.send"
OPEN = ("planned", "deferred", "claimed", "handed_over")  # what may still become a letter, or is one just now
Select = tuple[str, Mapping[str, Any]]

# UUIDv7: time, then the row's number, then chance; made by the server, as the rows are
_NEW_ID = """CAST(lpad(to_hex(CAST(:ms AS bigint) + (n >> 12)), 12, '0') || '7' || lpad(to_hex(n & 4095), 3,
'0')
    || overlay(substr(replace(CAST(gen_random_uuid() AS text), '-', ''), 17) placing '8' from 1 for 1) AS
    uuid)"""
# whose address it is: the profile the card has it from, else any of the card's, else the card itself
_PLAN = f"""
INSERT INTO deliveries (id, step, profile_id, customer_id, address, domain, purpose, topic, sender_id,
  transport_id, letter_version_id, variant, language, state, reason, detail, due_at, attempts, token,
      planned_at,
  finished_at, reply, subject, context)
SELECT {_NEW_ID}, {{step}}, profile_id, customer_id, CASE WHEN shared THEN CAST(customer_id AS text) ELSE
    address END, CASE WHEN shared THEN '' ELSE split_part(address, '@', 2) END, :purpose, :topic, :sender,
  :transport, :version, variant, language,
  CASE WHEN none OR shared THEN 'skipped' WHEN holdout THEN 'holdout' ELSE 'planned' END,
  CASE WHEN none THEN 'no_address' WHEN shared THEN 'shared' WHEN holdout THEN 'holdout' ELSE '' END,
  jsonb_build_object(), due_at, 0, 0, :now,
  CASE WHEN none OR shared OR holdout THEN CAST(:now AS timestamptz) END, '', '', {{context}}
FROM (SELECT *, NOT none AND (row_number() OVER (PARTITION BY {{step}}, address ORDER BY customer_id) > 1
    OR EXISTS (SELECT FROM deliveries e WHERE e.step = {{step}} AND e.address = found.address
      AND e.profile_id <> found.profile_id)) AS shared
FROM (
  SELECT row_number() OVER () AS n, w.variant, w.due_at, w.holdout, c.id AS customer_id, {{given}}
    coalesce(c.language, '') AS language, coalesce(c.email, '') = '' AS none,
    CASE WHEN coalesce(c.email, '') = '' THEN CAST(c.id AS text) ELSE lower(c.email) END AS address,
    coalesce(CAST(c.origins ->> 'email' AS uuid),
      (SELECT p.id FROM profiles p WHERE p.customer_id = c.id ORDER BY p.gone_at NULLS FIRST, p.id LIMIT 1),
          c.id)
      AS profile_id
  FROM ({{wanted}}) w JOIN customers c ON c.id = w.customer_id AND c.live
) found) people
ON CONFLICT DO NOTHING"""


def plan(
    session: Session,
    step: str,
    purpose: str,
    sender_id: UUID,
    letter_version_id: UUID,
    select: Select,
    topic: str = "",
    *,
    with_context: bool = False,
    with_steps: bool = False,
) -> int:
    """One row for everybody whom `select` names; answers how many are new. One statement, safe to repeat.

    `select` is SQL with its parameters and yields (customer_id, variant, due_at, holdout), and with
    `with_context` a JSON `context` for the letter, `with_steps` each row's own `step`. Of two cards with one
    address one gets the letter. Whoever gets none, has no address or is held out gets a row that says so.
    """
    if purpose not in ("marketing", "transactional"):
        raise BadInput(f"a letter's purpose is marketing or transactional, not {purpose!r}", "purpose")
    sender = session.get(Sender, sender_id)
    if sender is None or sender.removed_at is not None:
        raise BadInput(_("The sender is gone; choose another one."), "sender")
    wanted, given = select
    at = now()
    ours = {
        "step": step, "purpose": purpose, "sender": sender_id, "transport": sender.transport_id,
        "version": letter_version_id, "topic": topic, "now": at, "ms": int(at.timestamp() * 1000),
    }  # fmt: skip
    if clash := ours.keys() & given.keys():
        raise ValueError(f"the selection uses parameters of ours: {sorted(clash)}")
    query = _PLAN.format(
        wanted=wanted,
        step="w_step" if with_steps else ":step",
        given=("w.context, " if with_context else "") + ("w.step AS w_step, " if with_steps else ""),
        context="coalesce(CAST(context AS jsonb), jsonb_build_object())"
        if with_context
        else "jsonb_build_object()",
    )
    wake_after_commit(session, DUTY)
    return changed(session, text(query), {**given, **ours})


def cancel(session: Session, step: str, reason: str = "cancelled") -> int:
    """Nobody else gets a letter of this step; answers how many rows that ends. What left stays as it is."""
    query = text(  # locked in the order that they are claimed and told in, so that nobody waits in a circle
        "UPDATE deliveries d SET state = 'cancelled', reason = :reason, finished_at = :now,"
        " lease_until = NULL FROM (SELECT id FROM deliveries WHERE step = :step"
        " AND state IN ('planned', 'deferred', 'claimed') ORDER BY due_at, id FOR UPDATE) f WHERE d.id = f.id"
    )
    return changed(session, query, {"step": step, "reason": reason, "now": now()})


def counts(session: Session, step: str) -> dict[str, int]:
    """How many rows of a step are in each state."""
    query = text("SELECT state, count(*) FROM deliveries WHERE step = :step GROUP BY state")
    return dict(session.execute(query, {"step": step}).all())


# what a person can mend, or what mends itself; a mailbox that doesn't exist stays away
MENDABLE = frozenset(
    {
        "policy",
        "content",
        "refused",
        "too_big",
        "gave_up",
        "needs_utf8",
        "mailbox_full",
        "crashed",
        "inactive",
    }
)


def again(session: Session, step: str, reason: str) -> int:
    """Try failed letters of a step once more after a person mended the cause; answers how many.

    Only what failed is tried: `unknown` may have arrived. The row keeps its Message-ID; a mailing that was
    done
    is under way again. `BadInput` for a reason that nobody can mend.
    """
    if reason not in MENDABLE:
        raise BadInput(_("Letters that failed for this reason can't be tried again."), "reason")
    query = text(
        "UPDATE deliveries SET state = 'planned', reason = '', reply = '', due_at = :now, finished_at = NULL,"
        " attempts = 0, detail = detail - 'tries', token = token + 1, planned_at = :now"
        " WHERE step = :step AND state = 'failed' AND reason = :reason"
    )
    wake_after_commit(session, DUTY)
    count = changed(session, query, {"step": step, "reason": reason, "now": now()})
    if count and step.startswith("mailing:"):
        reopened = (
            "UPDATE mailings SET state = 'sending', finished_at = NULL WHERE id = :id AND state = 'done'"
        )
        session.execute(text(reopened), {"id": UUID(step[8:])})
    return count


def prove(session: Session, delivery_id: UUID, by: str) -> bool:
    """Something shows that a letter of unknown fate arrived (an open, a click, a bounce's text); whether it
    was news."""
    query = text(
        "UPDATE deliveries SET state = 'accepted', reason = 'proved', finished_at = :now,"
        " detail = detail || jsonb_build_object('proof', CAST(:by AS text))"
        " WHERE id = :id AND state = 'unknown' RETURNING id"
    )
    return session.execute(query, {"id": delivery_id, "by": by, "now": now()}).first() is not None


_SENT = text("""
    INSERT INTO timeline (source_id, source_key, profile_id, customer_id, kind, occurred_at, received_at,
        data)
    SELECT :source, 'letter.sent:' || d.id, p.id, p.customer_id, 'letter.sent', coalesce(d.handed_at, :now),
        :now,
        jsonb_strip_nulls(jsonb_build_object('step', d.step, 'delivery', d.id, 'letter', v.letter_id,
            'subject',
        d.subject, 'mailing', CASE WHEN left(d.step, 8) = 'mailing:' THEN substr(d.step, 9) END))
    FROM deliveries d JOIN profiles p ON p.id = d.profile_id JOIN letter_versions v ON v.id =
        d.letter_version_id
    WHERE d.id = :id FOR SHARE OF p ON CONFLICT (source_id, source_key) DO NOTHING RETURNING customer_id""")


def _tell(session: Session, delivery_id: UUID) -> None:
    """That a letter was sent stands on its person's timeline, once."""
    values = {"source": source_id(session), "id": delivery_id, "now": now()}
    card = session.scalar(_SENT, values)
    if card is not None:
        touch(session, {card}, "sent")


def resolve(session: Session, delivery_id: UUID, verdict: str, actor: str) -> None:
    """A person decides about a letter of unknown fate: it `arrived`, or is `lost` for good, or goes `again`.

    `BadInput` when its fate isn't unknown (any more). `again` is the only way such a letter is sent twice.
    """
    state, reason = {
        "arrived": ("accepted", "resolved"), "lost": ("failed", "resolved"), "again": ("planned", "")
    }.get(verdict, ("", ""))  # fmt: skip
    row = session.get(Delivery, delivery_id, with_for_update=True)
    if row is None or row.state != "unknown" or not state:
        raise BadInput(_("Nothing is to be decided about this letter."), "delivery")
    row.state, row.reason = state, reason
    row.detail = {**row.detail, "resolved_by": actor, "verdict": verdict}
    row.finished_at = None if state == "planned" else now()
    row.token += 1  # whoever still believes to send it is fenced off
    if state == "planned":
        row.due_at, row.attempts = now(), 0
        wake_after_commit(session, DUTY)
    session.flush()
    if state == "accepted":
        _tell(session, delivery_id)


def message_id(delivery_id: UUID, sender_address: str) -> str:
    """The Message-ID of a delivery, the same on every try."""
    return f"{delivery_id.hex}@{sender_address.rpartition('@')[2]}"
