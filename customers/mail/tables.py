"""Letters of mailboxes and the threads they form."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Index, LargeBinary, Text
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from foundation.clock import new_id, now
from foundation.database import Base
from foundation.tables import Time


class MailMessage(Base):
    """A letter. One that came hangs on the profile of its writer, or of whom it answers a letter to.

    `external_id` names it in its mailbox; an answer written here has its delivery's id.
    """

    __tablename__ = "mail_messages"
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    source_id: Mapped[UUID]  # the mailbox
    external_id: Mapped[str]
    landed_id: Mapped[int | None] = mapped_column(BigInteger)  # where the letter itself is; None: ours
    thread_id: Mapped[UUID]
    profile_id: Mapped[UUID | None]
    direction: Mapped[str]  # in out
    message_id: Mapped[str] = mapped_column(default="")
    sender: Mapped[str] = mapped_column(default="")
    sender_name: Mapped[str] = mapped_column(default="")
    reply_to: Mapped[str] = mapped_column(default="")
    recipients: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list)
    more_recipients: Mapped[int] = mapped_column(default=0)
    subject: Mapped[str] = mapped_column(default="")
    text: Mapped[str] = mapped_column(Text, default="")
    quoted: Mapped[str] = mapped_column(Text, default="")
    attachments: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, default=list)
    automatic: Mapped[str] = mapped_column(default="")  # reply bulk report
    vouched: Mapped[bool] = mapped_column(default=False)
    cut: Mapped[bool] = mapped_column(default=False)
    size: Mapped[int] = mapped_column(BigInteger, default=0)
    at: Mapped[datetime] = mapped_column(Time)
    received_at: Mapped[datetime] = mapped_column(Time, default=now)
    delivery_id: Mapped[UUID | None]  # ours: the delivery; theirs: the one it answers
    actor: Mapped[str] = mapped_column(default="")  # who wrote it here
    # letters of ours it names that nobody knows to have arrived, until somebody above has looked
    names: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list)
    # of a report: its bytes until somebody above has read them, and what came of it
    report: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True)
    outcome: Mapped[str] = mapped_column(default="")
    __table_args__ = (
        Index("uq_mail_messages_source_id_external_id", "source_id", "external_id", unique=True),
        Index("ix_mail_messages_thread_id", "thread_id", "at", "id"),
        Index("ix_mail_messages_profile_id", "profile_id"),
        Index("ix_mail_messages_message_id", "message_id", postgresql_where=sql("message_id <> ''")),
        Index("ix_mail_messages_report", "id", postgresql_where=sql("report IS NOT NULL")),
        Index("ix_mail_messages_names", "id", postgresql_where=sql("names <> '{}'")),
    )


class MailThread(Base):
    """Letters that belong together; counted anew whenever one joins."""

    __tablename__ = "mail_threads"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    source_id: Mapped[UUID]  # the mailbox of the first letter
    subject: Mapped[str] = mapped_column(default="")
    letters: Mapped[int] = mapped_column(default=0)
    waiting: Mapped[bool] = mapped_column(default=False)  # a person wrote last, not we, and nobody settled it
    asked_at: Mapped[datetime | None] = mapped_column(Time)  # when a person wrote last, they or we
    settled_at: Mapped[datetime | None] = mapped_column(Time)  # so far it needs no answer, somebody says
    automatic: Mapped[bool] = mapped_column(default=False)  # programs wrote all of it
    profile_id: Mapped[UUID | None]  # whose letter came first
    sender: Mapped[str] = mapped_column(default="")  # who that was
    first_at: Mapped[datetime] = mapped_column(Time)
    last_at: Mapped[datetime] = mapped_column(Time)
    __table_args__ = (
        Index("ix_mail_threads_last_at", "last_at", "id"),
        Index("ix_mail_threads_waiting", "last_at", "id", postgresql_where=sql("waiting")),
    )
