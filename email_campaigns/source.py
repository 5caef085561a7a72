"""The source that timeline rows of letters come from; its row is made on demand."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from customers.tables import Source
from email_campaigns.tables import MAIL_SOURCE
from foundation.clock import new_id, now

NAME = "Letters"


def source_id(session: Session) -> UUID:
    """The id of the one source of this kind."""
    query = select(Source.id).where(Source.kind == MAIL_SOURCE, Source.removed_at.is_(None))
    found = session.scalar(query.order_by(Source.created_at).limit(1))
    if found is not None:
        return found
    name = NAME
    while True:  # a person may have named a connection so
        row = {"id": new_id(), "name": name, "kind": MAIL_SOURCE, "role": MAIL_SOURCE, "created_at": now()}
        session.execute(insert(Source).values(row).on_conflict_do_nothing(index_elements=[Source.name]))
        if found := session.scalar(query):
            return found
        name += "*"
