"""Letters made by hand for tests."""

from typing import Any

from email_campaigns.letters import catalogue, store
from email_campaigns.letters.render import Rendered, Version, render

FOOTER = {
    "type": "footer",
    "company": "Bazaar",
    "address": "1 Main street, Almaty",
    "reason": "You asked for it.",
}


def version(*blocks: dict[str, Any], language: str = "en", **said: Any) -> Version:
    """A version that isn't saved, of these blocks."""
    text = {"subject": "Hello", "blocks": list(blocks)} | said
    return store.draft(language, {language: text})


def made(
    *blocks: dict[str, Any], context: dict[str, Any] | None = None, language: str = "en", **said: Any
) -> Rendered:
    """These blocks as a person gets them, with variables of the invented customer unless others are given."""
    return render(
        version(*blocks, language=language, **said),
        language,
        catalogue.example() if context is None else context,
    )


def words(source: str) -> dict[str, Any]:
    """A text block."""
    return {"type": "text", "text": source}
