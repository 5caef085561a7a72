"""Texts speak the reader's language, and English where nobody has translated them."""

import threading

from foundation import text
from foundation.text import _


def test_untranslated_text_is_english() -> None:
    with text.language("kk"):
        assert _("A text that nobody has translated") == "A text that nobody has translated"
        assert text.ngettext("{n} row", "{n} rows", 2) == "{n} rows"
        assert text.ngettext("{n} row", "{n} rows", 1) == "{n} row"


def test_language_ends_with_its_block() -> None:
    with text.language("tr"):
        with text.language("ko"):
            assert text._language.get() == "ko"
        assert text._language.get() == "tr"
    assert text._language.get() == "en"


def test_threads_speak_for_themselves() -> None:
    heard: list[str] = []
    with text.language("ru"):
        thread = threading.Thread(target=lambda: heard.append(text._language.get()))
        thread.start()
        thread.join()
    assert heard == ["en"]
