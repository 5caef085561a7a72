"""Any script in lower-case Latin letters, as a search would be typed."""

from anyascii import anyascii


def words(text: str) -> frozenset[str]:
    """The words of a table written as text."""
    return frozenset(text.split())


def latin(text: str) -> str:
    """The text in lower-case Latin letters, words kept apart."""
    return " ".join(anyascii(text).lower().split())
