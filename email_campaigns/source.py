"""The source that timeline rows of letters come from; its row is made on demand."""

from uuid import UUID

from sqlalchemy.orm import Session

from customers import own
from email_campaigns.tables import MAIL_SOURCE

NAME = "Letters"


def source_id(session: Session) -> UUID:
    """The id of the one source of this kind."""
    return own.source_id(session, MAIL_SOURCE, NAME)
