"""A letter's editor, read back as what it would send."""

from uuid import UUID

from sqlalchemy import Engine

from email_campaigns.letters import starters, store
from foundation.database import transaction
from tests.console.formed import typed

__all__ = ["made", "typed"]


def made(engine: Engine, key: str = "abandoned_cart", *languages: str) -> str:
    """The address of a letter that was begun with a starter."""
    starter = starters.of(key)
    with transaction(engine) as session:
        letter = store.create(session, starter.name("en"), starter.purpose, actor="olga@example.org")
        texts = {one: starter.written(one, "Bazaar", "1 Main street, Almaty") for one in ("en", *languages)}
        store.new_version(session, letter, "en", texts, "olga@example.org")
        return f"/letters/{letter.id}"


def id_of(path: str) -> UUID:
    """The letter's id of its address."""
    return UUID(path.rpartition("/")[2])
