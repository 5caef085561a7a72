"""Our own company, as letters and statements name it: one row, said in the settings of mail."""

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from customers.tables import Ours

LONGEST = 500  # characters of each


def read(session: Session) -> Ours:
    """Who we are, as far as somebody has said."""
    return session.get(Ours, 1) or Ours(id=1, name="", tax_number="", address="")


def save(session: Session, name: str, tax_number: str, address: str) -> None:
    """Say who we are from now on: letters and statements made already stay as they are."""
    said = {"name": name, "tax_number": tax_number, "address": address}
    query = insert(Ours).values(id=1, **{key: text[:LONGEST] for key, text in said.items()})
    session.execute(
        query.on_conflict_do_update(index_elements=[Ours.id], set_={key: query.excluded[key] for key in said})
    )
