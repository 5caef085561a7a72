"""Blocks of goods: products, the cart, the lines of an order. Each is a table with a loop inside."""

from markupsafe import escape

from email_campaigns.letters.drawing import Drawing, each, only, value
from email_campaigns.letters.spec import Cart, OrderLines, Products
from foundation.text import _

_ROW = (
    '<tr><td style="padding:8px 12px 8px 0;width:72px;vertical-align:top">'
    '{% if ITEM.image %}<img src="{{ ITEM.image }}" alt="{{ ITEM.name }}" width="72"'
    ' style="width:72px;height:auto;border-radius:4px" />{% endif %}</td>'
    '<td style="padding:8px 0;vertical-align:top">{% if ITEM.url %}<a class="k-link" href="{{ ITEM.url }}"'
    ' style="font-weight:600">{{ ITEM.name }}</a>{% else %}<b>{{ ITEM.name }}</b>{% endif %}BELOW</td>'
    '<td style="padding:8px 0;vertical-align:top;text-align:right;white-space:nowrap">PRICE</td></tr>'
)
_TIMES = "{% if line.quantity %}<br />× {{ line.quantity }}{% endif %}"
_SUM = (
    '<tr><td colspan="2" style="padding:6px 0;STYLE">LABEL</td>'
    '<td style="padding:6px 0;text-align:right;white-space:nowrap;STYLE">SIGN{{ order.NAME }}</td></tr>'
)


def products(block: Products, drawing: Drawing) -> str:
    """A row for each product: picture, name, price and where to see it."""
    if block.source == "chosen" and not skus(block):
        drawing.wrong("skus", _("Name the SKUs of the products, one a line."))
    label = drawing.attribute("button", block.button) or str(escape(drawing.words["buy"]))
    look = only("product.url", f'<br /><a class="k-link" href="{value("product.url")}">{label}</a>')
    row = _row("product", only("product.price", value("product.price")), look)
    if block.source == "product":
        return _table(drawing, row)
    return _table(drawing, each("product", f"{source(block)} | limit({block.limit})", row))


def source(block: Products) -> str:
    """The list of a products block, as an expression."""
    if block.source == "viewed":
        return "viewed"
    return "[" + ", ".join(f'"{one}"' for one in skus(block)) + "] | products"


def skus(block: Products) -> list[str]:
    """The SKUs of a products block, fit for quotes."""
    said = [one.strip().replace("\\", "").replace('"', "") for one in block.skus]
    return [one for one in said if one]


def cart(block: Cart, drawing: Drawing) -> str:
    """The lines of the cart and a button back to it."""
    label = drawing.attribute("button", block.button) or str(escape(drawing.words["cart"]))
    row = _row("line", only("line.price", value("line.price")), _TIMES)
    raw = [f"<mj-raw>{drawing.hidden.own(one)}</mj-raw>" for one in ("{% if cart.url %}", "{% endif %}")]
    return (
        _table(drawing, each("line", f"cart.lines | limit({block.limit})", row))
        + raw[0]
        + button(label, drawing.hidden.own(value("cart.url")), drawing)
        + raw[1]
    )


def order(block: OrderLines, drawing: Drawing) -> str:
    """The lines of the order and, below them, its sums."""
    rows = each("line", f"order.lines | limit({block.limit})", _row("line", value("line.total"), _TIMES))
    if block.totals:
        rows += "".join(_sum(drawing, name) for name in ("discount", "shipping", "total"))
    return _table(drawing, rows)


def button(label: str, url: str, drawing: Drawing, align: str = "left") -> str:
    """A button of words and an address that are escaped already."""
    return (
        f'<mj-button href="{url}" align="{align}" background-color="{drawing.look.accent}" color="#ffffff"'
        f' border-radius="6px" font-size="15px" font-weight="600" inner-padding="12px 22px"'
        f' padding="10px 28px">{label}</mj-button>'
    )


def _row(item: str, price: str, below: str) -> str:
    return _ROW.replace("ITEM", item).replace("BELOW", below).replace("PRICE", price)


def _sum(drawing: Drawing, name: str) -> str:
    label = str(escape(drawing.words["delivery" if name == "shipping" else name]))
    row = _SUM.replace("LABEL", label).replace("SIGN", "−" if name == "discount" else "")
    style = "font-weight:700;border-top:1px solid #d5d9d6" if name == "total" else ""
    row = row.replace("STYLE", style).replace("NAME", name)
    return row if name == "total" else only(f"order.{name}", row)


def _table(drawing: Drawing, rows: str) -> str:
    """A table of rows whose placeholders are still to be hidden."""
    inside = drawing.hidden.hide(rows)
    return f'<mj-table padding="6px 28px" font-size="15px" line-height="1.5">{inside}</mj-table>'
