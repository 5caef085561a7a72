"""Texts speak the reader's language, and English where nobody has translated them."""

import subprocess
import sys
import threading

import pytest

from foundation import text
from foundation.text import _


def test_untranslated_text_is_english() -> None:
    with text.language("kk"):
        assert _("A text that nobody has translated") == "A text that nobody has translated"
        assert text.ngettext("{n} row", "{n} rows", 2) == "{n} rows"
        assert text.ngettext("{n} row", "{n} rows", 1) == "{n} row"


def test_translated_text_is_said() -> None:
    said = []
    for tag in ("en", "ru", "tr", "kk", "ko"):
        with text.language(tag):
            said.append(_("Save"))
    assert said == ["Save", "Сохранить", "Kaydet", "Сақтау", "저장"]


@pytest.mark.parametrize(
    "tag", ["", "de", "x" * 500, "../ru", "ru/../kk", "{{", "\0", "ру", "-ru", "e", "rus"]
)
def test_language_that_we_lack_is_english(tag: str) -> None:
    with text.language(tag):
        assert (text.spoken(), _("Save")) == ("en", "Save")
    assert text.nearest(tag) == ""


@pytest.mark.parametrize(
    ("tag", "near"), [("ru-KZ", "ru"), ("tr_TR", "tr"), ("KO", "ko"), ("kk-Cyrl-KZ", "kk")]
)
def test_tag_is_served_by_its_language(tag: str, near: str) -> None:
    with text.language(tag):
        assert text.spoken() == text.nearest(tag) == near


def test_catalogues_are_read_when_they_are_first_spoken() -> None:
    code = (
        "import sys; from foundation.text import _, language; _('Save'); print('babel' in sys.modules)\n"
        "with language('ru'): _('Save'); print('babel' in sys.modules)"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.split() == ["False", "True"]


def test_no_text_is_no_text() -> None:
    with text.language("ru"):
        assert _("") == "", "and not what gettext keeps there"


RUSSIAN = """
msgid ""
msgstr ""
"Content-Type: text/plain; charset=utf-8\\n"
"Plural-Forms: nplurals=3; plural=(n%10==1 && n%100!=11 ? 0 : n%10>=2 && n%10<=4 && (n%100<10 || n%100>=20)"
" ? 1 : 2);\\n"

msgid "one letter"
msgid_plural "letters"
msgstr[0] "письмо"
msgstr[1] "письма"
msgstr[2] "писем"
"""


def test_counts_have_their_forms(tmp_path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(text, "LOCALES", tmp_path)
    text.catalogue("ru").parent.mkdir(parents=True)
    text.catalogue("ru").write_text(RUSSIAN, encoding="utf-8")
    text._translations.cache_clear()
    try:
        with text.language("ru"):
            said = [text.ngettext("one letter", "letters", count) for count in (1, 2, 5, 11, 21, 104)]
    finally:
        text._translations.cache_clear()
    assert said == ["письмо", "письма", "писем", "писем", "письмо", "письма"]


@pytest.mark.parametrize(("header", "language"), [
    ("ru", "ru"), ("kk-KZ,kk;q=0.9,ru;q=0.8,en;q=0.7", "kk"), ("de, ru;q=0.5, ko;q=0.7", "ko"),
    ("en-US,en;q=0.9,ru;q=0.8", "en"), ("tr ; q=1.000 , ru", "tr"), ("ru;q=0, tr;q=0.1", "tr"),
    ("RU;Q=0.3", "ru"),
])  # fmt: skip
def test_browser_says_what_it_likes_best(header: str, language: str) -> None:
    assert text.accepted(header) == language


@pytest.mark.parametrize("header", [
    "", "*", "de", "ru;q=0", "ru;q=nan", "ru;q=-1", "ru;q=1e9", "ru;q=٣", "ru;q=0.1234", "ру", "ru\0",
    "ru/../en",
    ",;=,;,", "r" * 10**6, "-" * 10**6, "ru-" * 9, "de," * 10**5 + "ru", "<script>", "ru kk", "q=1;ru",
])  # fmt: skip
def test_hostile_header_names_nothing(header: str) -> None:
    assert text.accepted(header) == ""


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
