"""Blocks as MJML: sections of columns of what mail programs can show."""

from collections.abc import Callable, Sequence
from typing import Any

from markupsafe import escape

from email_campaigns.letters import goods, marks, markup
from email_campaigns.letters.drawing import Drawing, value
from email_campaigns.letters.spec import (
    SIMPLE,
    Block,
    Button,
    Cart,
    Columns,
    Coupon,
    Divider,
    Footer,
    Heading,
    Image,
    Mjml,
    OrderLines,
    Products,
    Spacer,
    Words,
    Written,
)
from foundation.text import _

_SIZES = {1: 26, 2: 20, 3: 16}
_SECTIONS = ("<mj-section", "<mj-wrapper", "<mj-hero", "<mj-raw")
FONT = "-apple-system, BlinkMacSystemFont, 'Segoe UI', Roboto, Helvetica, Arial, sans-serif"
_DARK = (
    "@media (prefers-color-scheme: dark) {"
    " body, .k-page { background-color: #161817 !important; }"
    " .k-paper, .k-paper > table { background: #212523 !important; background-color: #212523 !important; }"
    " .k-paper div, .k-paper td, .k-paper p, .k-paper li { color: #e6e9e7 !important; }"
    " .k-quiet, .k-quiet > table { background: #161817 !important; background-color: #161817 !important; }"
    " .k-quiet div, .k-quiet a { color: #a3aaa6 !important; }"
    " .k-link, .k-link span { color: #8fd3bf !important; }"
    " }"
)


def mjml(written: Written, drawing: Drawing, language: str) -> str:
    """The whole letter as MJML with hidden placeholders; mistakes are in `drawing.errors`."""
    look = drawing.look
    head = (
        f"<mj-title>{drawing.attribute('subject', written.subject)}</mj-title>"
        f"<mj-preview>{drawing.attribute('preheader', written.preheader)}</mj-preview>"
        f'<mj-attributes><mj-all font-family="{escape(FONT)}" /><mj-text font-size="15px" line-height="1.55"'
        f' color="{look.text}" padding="6px 28px" /><mj-section padding="14px 0" /></mj-attributes>'
        f"<mj-style>.k-link {{ color: {look.accent}; }} p:last-child {{ margin-bottom: 0 !important; }}"
        f' {_DARK}</mj-style><mj-raw><meta name="color-scheme" content="light dark">'
        '<meta name="supported-color-schemes" content="light dark"></mj-raw>'
    )
    body = "".join(_sections(written.blocks, drawing))
    return (
        f'<mjml lang="{escape(language)}" dir="ltr"><mj-head>{head}</mj-head>'
        f'<mj-body css-class="k-page" background-color="{look.background}">{body}</mj-body></mjml>'
    )


def _sections(blocks: Sequence[Block], drawing: Drawing) -> list[str]:
    """Blocks that follow each other share a section; columns and raw MJML have their own."""
    drawn: list[str] = []
    together: list[str] = []

    def close() -> None:
        if together:
            drawn.append(section(f"<mj-column>{''.join(together)}</mj-column>", drawing))
            together.clear()

    for at, block in enumerate(blocks):
        with drawing.at(f"blocks/{at}"):
            before, behind = drawing.condition(block)
            whole = isinstance(block, Columns | Footer) or _is_section(block)
            if whole:
                close()
            said = _of(block, drawing)
            parts = [_raw(one, drawing) for one in before] + [said] + [_raw(one, drawing) for one in behind]
            (drawn if whole else together).extend(parts)
    close()
    return drawn


def _is_section(block: Block) -> bool:
    return isinstance(block, Mjml) and block.source.lstrip().startswith(_SECTIONS)


def _raw(placeholder: str, drawing: Drawing) -> str:
    return f"<mj-raw>{drawing.hidden.own(placeholder)}</mj-raw>"


def section(inside: str, drawing: Drawing, css: str = "k-paper", colour: str = "") -> str:
    """Columns as a stripe of the letter."""
    colour = colour or drawing.look.paper
    return f'<mj-section css-class="{css}" background-color="{colour}">{inside}</mj-section>'


def _of(block: Block, drawing: Drawing) -> str:
    return DRAWN[type(block)](block, drawing)


def _heading(block: Heading, drawing: Drawing) -> str:
    drawing.needed("text", block.text)
    size, said = _SIZES[block.level], drawing.line("text", block.text)
    return (
        f'<mj-text align="{block.align}" font-size="{size}px" font-weight="700" line-height="1.3">'
        f'<h{block.level} style="margin:0;font-size:inherit;line-height:inherit">{said}'
        f"</h{block.level}></mj-text>"
    )


def _words(block: Words, drawing: Drawing) -> str:
    said = marks.to_html(drawing.needed("text", block.text), lambda url: drawing.checked("text", url))
    return f'<mj-text align="{block.align}">{said}</mj-text>'


def _button(block: Button, drawing: Drawing) -> str:
    drawing.needed("label", block.label)
    return goods.button(
        drawing.attribute("label", block.label), drawing.url("url", block.url), drawing, block.align
    )


def _image(block: Image, drawing: Drawing) -> str:
    link = f' href="{drawing.url("link", block.link)}"' if block.link.strip() else ""
    width = f' width="{block.width}px"' if block.width else ""
    alt = drawing.attribute("alt", block.alt)
    src = drawing.url("url", block.url, picture=True)
    return f'<mj-image src="{src}" alt="{alt}"{link}{width} padding="8px 28px" />'


def _divider(_block: Divider, _drawing: Drawing) -> str:
    return '<mj-divider border-width="1px" border-color="#d5d9d6" padding="12px 28px" />'


def _spacer(block: Spacer, _drawing: Drawing) -> str:
    return f'<mj-spacer height="{block.height}px" />'


def _columns(block: Columns, drawing: Drawing) -> str:
    drawn, here = "", drawing.path
    for number, inside in enumerate(block.columns):
        said = ""
        for at, one in enumerate(inside):
            with drawing.at(f"{here}/columns/{number}/{at}"):
                before, behind = drawing.condition(one)
                said += "".join(_raw(part, drawing) for part in before) + _of(one, drawing)
                said += "".join(_raw(part, drawing) for part in behind)
        drawn += f"<mj-column>{said}</mj-column>"
    return section(drawn, drawing)


def _coupon(block: Coupon, drawing: Drawing) -> str:
    drawing.needed("code", block.code)
    note = (
        f'<br /><span style="font-size:13px">{drawing.line("note", block.note)}</span>' if block.note else ""
    )
    return (
        f'<mj-text align="center" padding="12px 28px"><div style="border:2px dashed {drawing.look.accent};'
        f'border-radius:6px;padding:14px"><span style="font-size:13px">{escape(drawing.words["code"])}</span>'
        f'<br /><b style="font-size:22px;letter-spacing:2px">{drawing.line("code", block.code)}</b>{note}'
        "</div></mj-text>"
    )


def _footer(block: Footer, drawing: Drawing) -> str:
    lines = [drawing.line("reason", block.reason)] if block.reason.strip() else []
    who = [
        drawing.line(name, getattr(block, name))
        for name in ("company", "address")
        if getattr(block, name).strip()
    ]
    if not block.address.strip():
        drawing.wrong("address", _("A postal address is missing: mail without one is against the law."))
    lines.append(", ".join(who))
    ways = [
        f'<a class="k-link" href="{drawing.hidden.own(value("links." + name))}" style="white-space:nowrap">'
        f"{escape(drawing.words[name])}</a>"
        for name in ("unsubscribe", "preferences", "view")
        if getattr(block, name)
    ]
    lines.append(" &nbsp;·&nbsp; ".join(ways))
    said = "<br />".join(line for line in lines if line)
    text = f'<mj-text align="center" font-size="12px" line-height="1.6" color="#6b726e">{said}</mj-text>'
    return section(f"<mj-column>{text}</mj-column>", drawing, "k-quiet", drawing.look.background)


def _mjml(block: Mjml, drawing: Drawing) -> str:
    said = drawing.needed("source", block.source)
    if "<mj-include" in said.lower() or "<mj-head" in said.lower() or "<mj-body" in said.lower():
        drawing.wrong("source", _("Here stands what goes into the letter's body, without mj-include."))
        return ""
    if problem := markup.problem(said):
        drawing.wrong("source", problem)
        return ""
    return said


DRAWN: dict[type[Block], Callable[[Any, Drawing], str]] = {
    Heading: _heading, Words: _words, Button: _button, Image: _image, Divider: _divider, Spacer: _spacer,
    Columns: _columns, Coupon: _coupon, Footer: _footer, Mjml: _mjml, Products: goods.products,
    Cart: goods.cart, OrderLines: goods.order,
}  # fmt: skip
assert set(SIMPLE) <= set(DRAWN)
