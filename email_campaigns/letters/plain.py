"""The plain-text part, made from the blocks: the same words, addresses written out."""

from collections.abc import Sequence

from email_campaigns.letters import goods, marks
from email_campaigns.letters.drawing import Drawing, each, only, value
from email_campaigns.letters.spec import (
    Block,
    Button,
    Cart,
    Columns,
    Coupon,
    Divider,
    Footer,
    Heading,
    Image,
    OrderLines,
    Products,
    Words,
    Written,
)

_TIMES = only("line.quantity", " × {{ line.quantity }}")
_PRODUCT = "- {{ product.name }}" + only("product.price", ", {{ product.price }}") + only(
    "product.url", ": {{ product.url }}"
)  # fmt: skip


def text(written: Written, drawing: Drawing) -> str:
    """The text part of a letter with its placeholders; mistakes are those of the HTML."""
    return drawing.hidden.show("\n\n".join(_all(written.blocks, drawing))).strip() + "\n"


def _all(blocks: Sequence[Block], drawing: Drawing) -> list[str]:
    return [said for block in blocks if (said := _one(block, drawing))]


def _one(block: Block, drawing: Drawing) -> str:
    said = _of(block, drawing)
    before, behind = drawing.condition(block)
    own = drawing.hidden.own
    return said and "".join(f"{own(one)}\n" for one in before) + said + "".join(
        f"\n{own(one)}" for one in behind
    )


def _of(block: Block, drawing: Drawing) -> str:
    hide = drawing.hide
    match block:
        case Heading() | Words():
            return marks.to_text(hide("text", block.text))
        case Button():
            return f"{marks.to_text(hide('label', block.label))}: {hide('url', block.url)}"
        case Image() if block.link.strip():
            return f"{hide('alt', block.alt)}: {hide('link', block.link)}"
        case Divider():
            return "---"
        case Columns():
            return "\n\n".join(said for column in block.columns for said in _all(column, drawing))
        case Coupon():
            note = marks.to_text(hide("note", block.note))
            return f"{drawing.words['code']}: {hide('code', block.code)}\n{note}".strip()
        case Footer():
            return _footer(block, drawing)
        case Products() | Cart() | OrderLines():
            return drawing.hidden.hide(_goods(block, drawing))
    return ""


def _goods(block: Products | Cart | OrderLines, drawing: Drawing) -> str:
    if isinstance(block, Products):
        if block.source == "product":
            return _PRODUCT
        return each("product", f"{goods.source(block)} | limit({block.limit})", f"\n{_PRODUCT}\n")
    if isinstance(block, Cart):
        lines = _lines("cart.lines", block.limit, only("line.price", ", {{ line.price }}"))
        label = block.button or drawing.words["cart"]
        return lines + "\n" + only("cart.url", f"\n{label}: {value('cart.url')}\n")
    said = _lines("order.lines", block.limit, ", {{ line.total }}")
    return "\n".join([said, *_sums(drawing)]) if block.totals else said


def _lines(over: str, limit: int, price: str) -> str:
    return each("line", f"{over} | limit({limit})", "\n- {{ line.name }}" + _TIMES + price + "\n")


def _sums(drawing: Drawing) -> list[str]:
    words = drawing.words
    discount = only("order.discount", f"\n{words['discount']}: −{value('order.discount')}\n")
    shipping = only("order.shipping", f"\n{words['delivery']}: {value('order.shipping')}\n")
    return [discount, shipping, f"{words['total']}: {value('order.total')}"]


def _footer(block: Footer, drawing: Drawing) -> str:
    named = [(name, getattr(block, name).strip()) for name in ("company", "address")]
    who = ", ".join(drawing.hide(name, said) for name, said in named if said)
    ways = [
        f"{drawing.words[name]}: {drawing.hidden.own(value('links.' + name))}"
        for name in ("unsubscribe", "preferences", "view")
        if getattr(block, name)
    ]
    reason = marks.to_text(drawing.hide("reason", block.reason))
    return "\n".join(one for one in ("-- ", reason, who, *ways) if one)
