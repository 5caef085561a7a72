"""Letters as mailboxes hold them: read, judged and cut down to what a card needs. Pure, and for any mailbox.

Whoever writes us mail is a stranger. Nesting, parts and headers are counted before anything is parsed,
nothing of theirs is ever interpreted as HTML, and whatever breaks a parser is still kept and shown as text.
"""

from connectors.letters.reading import records

__all__ = ["records"]
