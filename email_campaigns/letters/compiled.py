"""A letter's text from blocks to templates: MJML runs once, when a version is saved, never when it is sent.

Placeholders go through MJML as words of ours and come back where HTML can hold them: in a text or in a quoted
attribute. Where an address stands they come back inside a check that lets only http,
https and mailto through.
"""

import re
from typing import Any

import mrml
import msgspec

from email_campaigns.letters import blocks, grammar, limits, markup, plain, spec
from email_campaigns.letters.drawing import Drawing, wrong_address
from email_campaigns.letters.grammar import BadTemplate
from email_campaigns.letters.marks import Hidden
from email_campaigns.letters.spec import BadLetter, Written
from foundation.text import _

_COMMENT = re.compile(r"<!--\[if [^\]]*\]>(?:<!-->)?|(?:<!--)?<!\[endif\]-->|<!doctype html>", re.I)
_TAG = re.compile(r"<(/?)([a-zA-Z][\w:-]*)((?:[^<>\"']|\"[^\"]*\"|'[^']*')*)>")
_ATTRIBUTE = re.compile(r"([^\s=\"'<>/]+)\s*=\s*(\"[^\"]*\"|'[^']*'|[^\s\"'<>]+)")
_STYLE = re.compile(r"<style[^>]*>(.*?)</style", re.I | re.S)
_ADDRESSES = frozenset(
    {"href", "src", "background", "srcset", "action", "formaction", "poster", "xlink:href"}
)
_ACTIVE = frozenset({"script", "iframe", "object", "embed", "form", "input", "button", "textarea", "select",
                     "base", "link", "svg", "math", "frame", "frameset", "applet"})  # fmt: skip
_OPTIONS = mrml.RenderOptions(fonts={})  # by itself it would have letters load fonts from elsewhere


class Compiled(msgspec.Struct, frozen=True):
    """The templates of a letter in one language; what is stored."""

    subject: str
    preheader: str
    html: str
    text: str


def compile_letter(raw: Any, language: str) -> tuple[Written, Compiled]:
    """What was written, checked, and the templates it becomes. BadLetter names every mistake it finds."""
    written = spec.read(raw)
    hidden = Hidden([msgspec.json.encode(written).decode()])
    drawing = Drawing(hidden, language, written.look)
    subject, preheader = (
        _header(drawing, "subject", written.subject),
        _header(drawing, "preheader", written.preheader),
    )
    source = blocks.mjml(written, drawing, language)
    if drawing.errors:
        raise BadLetter(drawing.errors)
    html = _whole(hidden, source, to_html(source), "blocks")
    text = written.text.replace("\r\n", "\n").replace("\r", "\n") or made_text(written, language)
    try:
        grammar.read(text)
        grammar.compiled(text, html=False)
    except BadTemplate as error:
        raise BadLetter({"text": str(error)}) from None
    return written, Compiled(subject, preheader, html, text)


def made_text(written: Written, language: str) -> str:
    """The plain-text part that the blocks make."""
    hidden = Hidden([msgspec.json.encode(written).decode()])
    return plain.text(written, Drawing(hidden, language, written.look))


def to_html(source: str) -> str:
    """MJML as HTML. BadLetter when it can't be read."""
    if wrong := markup.problem(source):
        raise BadLetter({"blocks": wrong})
    try:
        return str(mrml.to_html(source, render_options=_OPTIONS).content)
    except Exception as error:  # noqa: BLE001 - whatever a parser of strangers' text raises
        raise BadLetter({"blocks": _("MJML can't read this: %s.") % str(error)[:300]}) from None


def _header(drawing: Drawing, field: str, source: str) -> str:
    """A subject or preheader: one line, whatever was typed."""
    drawing.hide(field, source)
    return " ".join(source.split())


def _whole(hidden: Hidden, source: str, html: str, at: str) -> str:
    """The HTML with its placeholders back. BadLetter where one stands in a place that can't hold it."""
    lost = set(hidden.any.findall(source)) - set(hidden.any.findall(html))
    for _kind, number in sorted(lost):
        raise BadLetter({at: _("“%s” stands where MJML leaves it out.") % hidden.kept[int(number)][:100]})
    for style in _STYLE.findall(html):
        _refuse(hidden, style, _("“%s” can't stand in a style."), at)
    template = hidden.show(_TAG.sub(lambda tag: _tag(tag, hidden, at), html))
    if len(template) > limits.TEMPLATE:
        raise BadLetter({at: _("The letter is too long: %d characters of HTML.") % len(template)})
    try:
        grammar.compiled(template, html=True)
    except BadTemplate as error:
        raise BadLetter({at: str(error)}) from None
    return template


def _refuse(hidden: Hidden, text: str, message: str, at: str) -> None:
    if inside := hidden.in_it(text):
        raise BadLetter({at: message % inside[0][:100]})


def _tag(tag: re.Match[str], hidden: Hidden, at: str) -> str:
    """A tag whose attributes are looked at one by one."""
    closing, name, rest = tag.groups()
    if name.lower() in _ACTIVE:
        raise BadLetter(
            {at: _("<%s> can't stand in a letter: mail programs remove it or warn of it.") % name.lower()}
        )
    if not rest.strip(" /"):
        return tag[0]
    _refuse(hidden, name + _ATTRIBUTE.sub("", rest), _("“%s” can stand in a text or inside quotes only."), at)
    return f"<{closing}{name}{_ATTRIBUTE.sub(lambda found: _attribute(found, hidden, at), rest)}>"


def _attribute(found: re.Match[str], hidden: Hidden, at: str) -> str:
    name, quoted = found[1].lower(), found[2]
    _refuse(hidden, name, _("“%s” can stand in a text or inside quotes only."), at)
    if name.startswith("on"):
        raise BadLetter({at: _("“%s” can't stand in a letter: mail programs run no scripts.") % name})
    placeholders = hidden.in_it(quoted)
    if quoted[0] not in "\"'":
        _refuse(hidden, quoted, _("“%s” can stand in a text or inside quotes only."), at)
        quoted = f'"{quoted}"'
    value = quoted[1:-1]
    if name == "style":
        _refuse(hidden, value, _("“%s” can't stand in a style."), at)
    if name in _ADDRESSES and not value.startswith("#"):
        if message := wrong_address(value.replace("&amp;", "&"), hidden):
            raise BadLetter({at: message})
        if name != "href" and value.lower().startswith("mailto:"):
            raise BadLetter({at: _("A picture's address begins with https:// or http://")})
        if any(one.lstrip("{%-+ ").startswith("for ") for one in placeholders):
            raise BadLetter({at: _("A loop can't stand in an address.")})
        if placeholders:
            return f'{found[1]}="{_linked(hidden, value, placeholders)}"'
    return f"{found[1]}={quoted[0]}{value}{quoted[0]}"


def _linked(hidden: Hidden, value: str, placeholders: list[str]) -> str:
    """An address with placeholders, behind the check that it leads somewhere."""
    if len(placeholders) == 1 and placeholders[0].startswith("{{") and hidden.any.fullmatch(value):
        inside = placeholders[0][2:-2].removeprefix("-").removesuffix("-")
        return hidden.own("{{ (" + inside + ") | _link }}")
    return f"{{% filter _link %}}{value}{{% endfilter %}}"
