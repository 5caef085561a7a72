"""Forms and pop-ups of sites: what each is, its versions, what devices did with it, its coupons."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from foundation.clock import new_id, now
from foundation.database import Base
from foundation.tables import Time


class Form(Base):
    """A form as staff see it. What it looks like and asks is in its versions."""

    __tablename__ = "forms"
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("sites.id"))
    key: Mapped[str] = mapped_column(unique=True)  # in the shop's page and in events
    name: Mapped[str]
    kind: Mapped[str]  # embedded popup slide bar
    state: Mapped[str] = mapped_column(default="draft")  # draft live paused ended
    version: Mapped[int] = mapped_column(default=1)  # the newest
    live_version: Mapped[int | None]  # what visitors get while it is live
    created_at: Mapped[datetime] = mapped_column(Time, default=now)
    changed_at: Mapped[datetime] = mapped_column(Time, default=now)
    __table_args__ = (Index("ix_forms_site_id", "site_id"),)


class FormVersion(Base):
    """What a form was at one time; never changed once it was published, so a consent's text can be shown."""

    __tablename__ = "form_versions"
    form_id: Mapped[UUID] = mapped_column(ForeignKey("forms.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    spec: Mapped[dict[str, Any]] = mapped_column(JSONB)  # see form_spec.py
    actor: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(Time, default=now)
    published_at: Mapped[datetime | None] = mapped_column(Time)


class FormDevice(Base):
    """A device on which a version of a form was shown or filled in; computed from captured events."""

    __tablename__ = "form_devices"
    form_id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    variant: Mapped[str] = mapped_column(primary_key=True)  # A B …
    device: Mapped[str] = mapped_column(primary_key=True)  # empty: whatever named none
    viewed: Mapped[bool]
    submitted: Mapped[bool]


class FormCoupon(Base):
    """One code of a form's list; a person gets one (`form_leads` holds who asks at the same time)."""

    __tablename__ = "form_coupons"
    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    form_id: Mapped[UUID] = mapped_column(ForeignKey("forms.id"))
    code: Mapped[str]
    person: Mapped[str | None]  # the e-mails and phones it was given under, blanks between
    message_id: Mapped[str | None]  # the submission it answered
    device: Mapped[str | None]  # that it was shown on, so that the shop's page can show it again
    given_at: Mapped[datetime | None] = mapped_column(Time)
    __table_args__ = (
        Index("uq_form_coupons_form_id_code", "form_id", "code", unique=True),
        Index("uq_form_coupons_form_id_person", "form_id", "person", unique=True),
        Index("uq_form_coupons_form_id_message_id", "form_id", "message_id", unique=True),
        Index("ix_form_coupons_device", "device", postgresql_where=text("device IS NOT NULL")),
        Index(
            "ix_form_coupons_keys",
            text("string_to_array(person::text, ' '::text)"),
            postgresql_using="gin",
            postgresql_with={"fastupdate": "off"},  # one code at a time is given, and looked for each time
            postgresql_where=text("person IS NOT NULL"),
        ),
        Index("ix_form_coupons_free", "form_id", "id", postgresql_where=text("person IS NULL")),
    )
