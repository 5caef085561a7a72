"""What blocks a letter is made of, and what each may say: read from JSON, refused in words with the place."""

import re
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from email_campaigns.letters import limits
from foundation.errors import BadInput
from foundation.text import _

Text = Annotated[str, Meta(max_length=limits.FIELD)]
Line = Annotated[str, Meta(max_length=500)]
Url = Annotated[str, Meta(max_length=2_000)]
Align = Literal["left", "center", "right"]
_COLOUR = re.compile(r"#[0-9a-f]{6}", re.I)


class Block(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, tag_field="type"):
    """What all blocks have: a condition under which they stand, and a list they stand for each of."""

    when: Line = ""  # "order.total > 100"
    each: Line = ""  # "line in order.lines"


class Heading(Block, tag="heading"):
    """A heading."""

    text: Line = ""
    level: Literal[1, 2, 3] = 1
    align: Align = "left"


class Words(Block, tag="text"):
    """Paragraphs, with marks."""

    text: Text = ""
    align: Align = "left"


class Button(Block, tag="button"):
    """A button that leads somewhere."""

    label: Line = ""
    url: Url = ""
    align: Align = "left"


class Image(Block, tag="image"):
    """A picture; `width` in pixels, 0 as wide as there is room."""

    url: Url = ""
    alt: Line = ""
    link: Url = ""
    width: Annotated[int, Meta(ge=0, le=600)] = 0


class Divider(Block, tag="divider"):
    """A line across."""


class Spacer(Block, tag="spacer"):
    """Room."""

    height: Annotated[int, Meta(ge=1, le=200)] = 20


Simple = Heading | Words | Button | Image | Divider | Spacer
SIMPLE: tuple[type[Block], ...] = (Heading, Words, Button, Image, Divider, Spacer)


class Columns(Block, tag="columns"):
    """Blocks beside each other; below each other on a phone."""

    columns: Annotated[list[list[Simple]], Meta(min_length=1, max_length=4)] = msgspec.field(
        default_factory=lambda: [[], []]
    )


class Products(Block, tag="products"):
    """Products: those of some SKUs, those the customer looked at, or the one that the letter is about."""

    source: Literal["chosen", "viewed", "product"] = "chosen"
    skus: Annotated[list[Line], Meta(max_length=20)] = msgspec.field(default_factory=list)
    button: Line = ""
    limit: Annotated[int, Meta(ge=1, le=20)] = 6


class Cart(Block, tag="cart"):
    """What lies in the customer's cart."""

    button: Line = ""
    limit: Annotated[int, Meta(ge=1, le=50)] = 10


class OrderLines(Block, tag="order"):
    """What was ordered, with its sums."""

    totals: bool = True
    limit: Annotated[int, Meta(ge=1, le=100)] = 50


class Coupon(Block, tag="coupon"):
    """A code in a frame."""

    code: Line = ""
    note: Line = ""


class Footer(Block, tag="footer"):
    """Who writes and from where, why, and the ways out."""

    company: Line = ""
    address: Line = ""
    reason: Line = ""
    unsubscribe: bool = True
    preferences: bool = True
    view: bool = True


class Mjml(Block, tag="mjml"):
    """MJML as its author writes it."""

    source: Annotated[str, Meta(max_length=50_000)] = ""


AnyBlock = (
    Heading | Words | Button | Image | Divider | Spacer | Columns | Products | Cart | OrderLines | Coupon
    | Footer | Mjml
)  # fmt: skip
KINDS: dict[str, type[Block]] = {
    "heading": Heading, "text": Words, "button": Button, "image": Image, "divider": Divider, "spacer": Spacer,
    "columns": Columns, "products": Products, "cart": Cart, "order": OrderLines, "coupon": Coupon,
    "footer": Footer, "mjml": Mjml,
}  # fmt: skip


class Look(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Colours of a letter."""

    accent: str = "#1f6f5c"
    background: str = "#f3f4f2"
    paper: str = "#ffffff"
    text: str = "#1d2220"


class Written(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A letter in one language, as its author writes it. An empty `text` is made from the blocks."""

    subject: Annotated[str, Meta(max_length=1_000)] = ""
    preheader: Annotated[str, Meta(max_length=1_000)] = ""
    blocks: Annotated[list[AnyBlock], Meta(max_length=limits.BLOCKS)] = msgspec.field(default_factory=list)
    text: Annotated[str, Meta(max_length=100_000)] = ""
    look: Look = msgspec.field(default_factory=Look)


class BadLetter(BadInput):
    """What can't be saved of a letter: `errors` by place ("blocks/2/url")."""

    def __init__(self, errors: dict[str, str]) -> None:
        at, message = next(iter(errors.items()))
        super().__init__(message, at)
        self.errors = errors


def read(raw: Any) -> Written:
    """The letter that JSON or a form means. BadLetter says what of it can't be."""
    try:
        msgspec.json.encode(raw)
    except (UnicodeError, RecursionError, TypeError):
        raise BadLetter({"blocks": _("This holds characters that no text has.")}) from None
    try:
        found = msgspec.convert(raw, Written, strict=False)
    except msgspec.ValidationError as error:
        said, _at, place = str(error).partition(" - at `$")
        path = re.sub(r"[.\[\]`]+", "/", place).strip("/")
        raise BadLetter({path: _("This can't be: %s.") % said}) from None
    wrong = {f"look/{name}": _("A colour is # and six digits, such as #1f6f5c.")
             for name in Look.__struct_fields__ if not _COLOUR.fullmatch(getattr(found.look,
                 name))}  # fmt: skip
    if wrong:
        raise BadLetter(wrong)
    return found


def plain(block: Any) -> Any:
    """JSON of blocks or of a whole letter."""
    return msgspec.to_builtins(block)
