"""Elements of a file as text without the namespaces it declares, and gone when they are done with."""

import re
from typing import Any

from lxml import etree

from connectors.accounting.commerceml.values import flag

Element = Any  # lxml names its element type privately

_DECLARATIONS = re.compile(r'(?: xmlns(?::[\w.-]+)?="[^"]*")+')
_FIRST_ID = "><Ид>"
_MARK, _STATUS, _DELETED = "<ПометкаУдаления>", "<Статус>", "Удален"
_EARLY = 400  # characters in which the object's own mark stands, if it has one


def local(element: Element) -> str:
    """The name of an element without its namespace; empty for what is no element."""
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def said(element: Element, *names: str) -> str:
    """The text of the first direct child so named, or the attribute (1.x); empty where there is neither."""
    for name in names:
        child = next(element.iterchildren(f"{{*}}{name}"), None)
        text = (child.text if child is not None else element.get(name)) or ""
        if text.strip():
            return str(text.strip())
    return ""


def drop(element: Element) -> None:
    """Give back the memory of an element that is done with, and of all before it beside it.

    The element itself stays, empty: the parser may still be adding text behind it.
    """
    element.clear()
    if element.getprevious() is not None:
        parent = element.getparent()
        while element.getprevious() is not None:
            del parent[0]


def written(element: Element) -> str:
    """An element as XML that needs no declarations."""
    if element.prefix is not None:
        for one in element.iter(etree.Element):
            one.tag = local(one)
    text: str = etree.tostring(element, encoding="unicode", with_tail=False)
    # the namespaces of the root are gone before the parser sees it; this is for those declared further down
    if text.find(" xmlns", 0, text.find(">")) < 0:
        return text
    return _DECLARATIONS.sub("", text, count=1)


def identifier(element: Element, text: str) -> str:
    """The id of an object: nearly always its first child."""
    at = text.find(_FIRST_ID, 0, 60)
    if at > 0 and "<" not in text[1:at]:
        own = text[at + len(_FIRST_ID) : text.find("<", at + len(_FIRST_ID))].strip()
        if own and "&" not in own:
            return own
    return said(element, "Ид", "Идентификатор", "ИдентификаторВКаталоге")


def is_gone(element: Element, text: str | None = None) -> bool:
    """Whether an object is marked as deleted: by its status, where no mark beside it says otherwise.

    With its text at hand most need no look at their children.
    """
    if element.get("Статус") == _DELETED:
        return True
    at = 0 if text is None else text.find(_MARK)
    if text and 0 <= at < _EARLY and text.startswith("false<", at + len(_MARK)):
        return False
    if at >= 0 and (told := flag(said(element, "ПометкаУдаления"))) is not None:
        return told
    return (text is None or _STATUS in text) and said(element, "Статус") == _DELETED
