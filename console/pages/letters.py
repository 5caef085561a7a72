"""Letters: the list, a new one, the editor of blocks, the text part and the versions."""

from typing import Any
from uuid import UUID

from starlette.exceptions import HTTPException
from starlette.responses import Response

from console.pages import letter_input, letter_people, letter_words
from console.templating import link
from console.web import Call, as_id
from customers import ours
from email_campaigns.letters import catalogue, spec, starters, store
from email_campaigns.letters.spec import BadLetter
from email_campaigns.tables import Letter, LetterVersion
from foundation.errors import BadInput
from foundation.text import _

PAGE = 50


def listing(call: Call) -> Response:
    """Every letter, the newest first."""
    after, archived = call.query("after"), call.query("show") == "archived"
    rows, older = store.page(call.db, as_id(after) if after else None, PAGE, archived)
    shown = link("/letters", show="archived" if archived else "", after=older) if older else ""
    return call.page(
        "letters.html", rows=rows, older=shown, newer=bool(after), archived=archived,
        names=letter_words.languages(call.me.locale),
    )  # fmt: skip


def ask(call: Call) -> Response:
    """Letters to begin from."""
    return _ask(call)


def _ask(call: Call, wrong: dict[str, str] | None = None) -> Response:
    begun = [
        (one.key, one.name(call.me.locale), one.about(call.me.locale))
        for one in starters.everything().values()
    ]
    typed = call.fields()
    company, address = company_of(call)
    chosen = typed.get("starter") or call.query("starter", 60)
    return call.page(
        "letter_new.html", 422 if wrong else 200, starters=begun, typed=typed, wrong=wrong or {},
        chosen=chosen,
        company=typed.get("company", company), address=typed.get("address", address),
        language=typed.get("language") or usual(call), names=letter_words.languages(call.me.locale),
        written=starters.LANGUAGES, purposes=letter_words.purposes(),
    )  # fmt: skip


def usual(call: Call) -> str:
    """The language somebody's letters usually begin in: their own where we have words in it."""
    return call.me.locale if call.me.locale in starters.LANGUAGES else "en"


def company_of(call: Call) -> tuple[str, str]:
    """Company and postal address as the settings say, else as the letter made last has them."""
    said = ours.read(call.db)
    if said.name or said.address:
        return said.name, said.address
    row = store.latest(call.db)
    for block in reversed(row.texts[row.language]["blocks"] if row else []):
        if block["type"] == "footer":
            return block["company"], block["address"]
    return "", ""


def create(call: Call) -> Response:
    """Make it, in the languages that were chosen, and go to its editor."""
    language, company, address = (
        call.text("language", 20),
        call.text("company", 500),
        call.text("address", 500),
    )
    key = call.text("starter")
    try:
        if not address:
            raise BadInput(_("A postal address is missing: mail without one is against the law."), "address")
        starter = starters.of(key) if key else None
        purpose = starter.purpose if starter else call.text("purpose")
        name = call.text("name") or (starter.name(call.me.locale) if starter else "")
        letter = store.create(call.db, name, purpose, call.text("topic"), call.actor)
        chosen = dict.fromkeys((language, *call.texts("languages")))
        texts = {one: _begin(starter, one, company, address) for one in chosen}
        store.new_version(call.db, letter, language, texts, call.actor)
    except BadInput as error:
        call.db.rollback()
        return _ask(call, {error.at.rpartition("/")[2]: error.message})
    return call.go(f"/letters/{letter.id}")


def _begin(starter: starters.Starter | None, language: str, company: str, address: str) -> dict[str, Any]:
    if starter is not None and language in starter.words:
        return starter.written(language, company, address)
    footer = {"type": "footer", "company": company, "address": address}
    return {"blocks": [{"type": "text", "text": _("Your text stands here.")}, footer]}


def find(call: Call) -> Letter:
    """The letter of the address; 404 when there is none."""
    letter = call.db.get(Letter, call.id())
    if letter is None:
        raise HTTPException(404)
    return letter


def newest(call: Call, letter: Letter) -> LetterVersion:
    """Its newest version; 404 when it has none."""
    row = store.newest(call.db, letter.id)
    if row is None:
        raise HTTPException(404)
    return row


def language_of(call: Call, letter: Letter) -> str:
    """The language that is asked for."""
    return call.text("language", 20) or call.query("language", 20)


def show(call: Call) -> Response:
    """The editor with the newest version, or with an older one to begin from."""
    letter = find(call)
    last = newest(call, letter)
    asked = call.query("version", 6)
    row = store.numbered(call.db, letter.id, int(asked)) if asked.isascii() and asked.isdigit() else last
    if row is None:
        raise HTTPException(404)
    language = call.query("language", 20)
    language = language if language in row.texts else row.language
    return editor(call, letter, row, language, store.written(row.texts[language]), last=last.number)


def editor(
    call: Call, letter: Letter, row: LetterVersion, language: str, written: dict[str, Any], status: int = 200,
    **shown: Any,
) -> Response:  # fmt: skip
    """The page of blocks with what was saved or typed."""
    chosen = as_somebody(call.text("as") or call.query("as"))
    written = written | {"blocks": [letter_input.whole(one) for one in written["blocks"]]}
    extra = {
        "wrong": {},
        "last": row.number,
        "name": letter.name,
        "purpose": letter.purpose,
        "topic": letter.topic,
    }
    return call.page(
        "letter.html", status, letter=letter, row=row, language=language, written=written, tab="blocks",
        kinds=letter_words.kinds(), asked=letter_words.asked(), purposes=letter_words.purposes(),
        names=letter_words.languages(call.me.locale, tuple(row.texts)), people=letter_people.offered(
            call.db, call.text("who"), chosen), chosen=chosen, who=call.text("who"),
        simple=[one.__struct_config__.tag for one in spec.SIMPLE], look=call.text("look") or "desktop",
        variables=catalogue.VARIABLES, sources=catalogue.sources(), **(extra | shown),
    )  # fmt: skip


def as_somebody(said: str) -> UUID | None:
    """The customer or sender that was chosen; None for nobody."""
    try:
        return UUID(said)
    except ValueError:
        return None


def save(call: Call) -> Response:
    """Do what the pressed button says: save, or change the blocks and show them again, saving nothing."""
    letter = find(call)
    row = newest(call, letter)
    language = call.text("language", 20)
    if language not in row.texts:
        raise HTTPException(404)
    do = call.text("do", 60)
    written = letter_input.read(call.form, store.written(row.texts[language])["text"])
    said: dict[str, Any] = {name: call.text(name) for name in ("name", "purpose", "topic")}
    if do and do != "save":
        letter_input.act(written, do)
        return editor(call, letter, row, language, written, unsaved=True, **said)
    texts = {tag: store.written(kept) for tag, kept in row.texts.items()} | {language: written}
    try:
        store.change(call.db, letter, said["name"], said["purpose"], said["topic"])
        saved = store.new_version(call.db, letter, row.language, texts, call.actor)
    except BadInput as error:
        call.db.rollback()
        errors = error.errors if isinstance(error, BadLetter) else {error.at: error.message}
        wrong = letter_input.named(errors)
        return editor(call, find(call), row, language, written, 422, wrong=wrong, unsaved=True, **said)
    notice = _("Saved as version %d.") % saved.number if saved.number > row.number else _("Saved.")
    return call.go(link(f"/letters/{letter.id}", language=language, **{"as": call.text("as")}), notice)


def text_part(call: Call) -> Response:
    """The plain-text part, made from the blocks or its author's own."""
    letter = find(call)
    row = newest(call, letter)
    asked = call.query("language", 20)
    return _text_page(call, letter, row, asked if asked in row.texts else row.language)


def _text_page(call: Call, letter: Letter, row: LetterVersion, language: str, **shown: Any) -> Response:
    kept = row.texts[language]
    extra = {"said": kept["text"], "own": bool(kept.get("own_text")), "wrong": {}}
    return call.page(
        "letter_text.html", 422 if shown.get("wrong") else 200, letter=letter, row=row, language=language,
        names=letter_words.languages(call.me.locale, tuple(row.texts)), tab="text", chosen=None,
        **(extra | shown),
    )  # fmt: skip


def save_text(call: Call) -> Response:
    """Keep the author's own text part, or make it from the blocks again."""
    letter = find(call)
    row = newest(call, letter)
    language = call.text("language", 20)
    if language not in row.texts:
        raise HTTPException(404)
    said = "" if call.text("do") == "made" else call.text("said", letter_input.LONGEST)
    texts = {tag: store.written(kept) for tag, kept in row.texts.items()}
    texts[language]["text"] = said
    try:
        store.new_version(call.db, letter, row.language, texts, call.actor)
    except BadInput as error:
        call.db.rollback()
        return _text_page(call, find(call), row, language, said=said, own=True, wrong={"said": error.message})
    return call.go(link(f"/letters/{letter.id}/text", language=language), _("Saved."))


def versions(call: Call) -> Response:
    """What was saved when, and by whom."""
    letter = find(call)
    row = newest(call, letter)
    return call.page(
        "letter_versions.html", letter=letter, row=row, rows=store.versions(call.db, letter.id),
        tab="versions",
        names=letter_words.languages(call.me.locale, tuple(row.texts)), language=row.language, chosen=None,
    )  # fmt: skip


def languages(call: Call) -> Response:
    """Add a language, drop one, or make one the letter's own; a new version each time."""
    letter = find(call)
    row = newest(call, letter)
    do, language = call.text("do"), call.text("tag", 20)
    texts = {tag: store.written(kept) for tag, kept in row.texts.items()}
    main = row.language
    if do == "add" and language not in texts:
        texts[language] = texts[main] | {"text": ""}
    elif do == "drop" and language in texts and language != main:
        del texts[language]
    elif do == "main" and language in texts:
        main = language
    store.new_version(call.db, letter, main, texts, call.actor)
    return call.go(link(f"/letters/{letter.id}", language=language if language in texts else ""))


def archive(call: Call) -> Response:
    """Put it away, or take it out again."""
    letter = find(call)
    store.archive(call.db, letter, letter.archived_at is None)
    said = _("Put away. Versions that were sent stay readable.") if letter.archived_at else _("It is back.")
    return call.go("/letters", said)
