"""Charts as SVG inside a page: no script, no style of their own; the page's stylesheet has the colours."""

import importlib
import sys
from collections.abc import Sequence
from functools import cache
from typing import Any
from xml.etree import ElementTree

from markupsafe import Markup

from foundation.text import _

_SVG = "{http://www.w3.org/2000/svg}"
WIDTH, HEIGHT = 720, 240


@cache
def _library() -> Any:
    """pygal, loaded for the first chart: no process needs it to start."""
    pygal = importlib.import_module("pygal")
    # its hook for plugins is of a kind that Python warns of at every later import, and we have no plugins
    sys.meta_path[:] = [one for one in sys.meta_path if not isinstance(one, pygal.PluginImportFixer)]
    return pygal


def over_time(times: Sequence[str], slots: Sequence[tuple[int, int]]) -> Markup:
    """Bars of those who opened and those who clicked, span by span."""
    opened, clicked = [one[0] for one in slots], [one[1] for one in slots]
    title = _("People who opened and clicked, over time")
    return bars(times, [(_("opened"), opened), (_("clicked"), clicked)], title)


def bars(times: Sequence[str], series: Sequence[tuple[str, Sequence[int]]], title: str) -> Markup:
    """Bars of several numbers beside each other, span by span."""
    chart = _library().Bar(_config(times))
    for name, numbers in series:
        chart.add(name, list(numbers))
    return drawn(chart, title)


def scores(times: Sequence[str], series: Sequence[tuple[str, Sequence[float | None]]], title: str) -> Markup:
    """Bars of points from -100 to 100, one a span: each span is of one of the series."""
    config = _config(times)
    config.range, config.y_labels = (-100, 100), [-100, -50, 0, 50, 100]
    config.y_labels_major_count = 5
    chart = _library().StackedBar(config)
    for name, numbers in series:
        chart.add(name, list(numbers))
    return drawn(chart, title)


def _config(times: Sequence[str]) -> Any:
    config = _library().Config()
    config.width, config.height, config.explicit_size = WIDTH, HEIGHT, False
    config.show_legend, config.js, config.css = False, (), []
    config.x_labels, config.show_minor_x_labels = list(times), False
    config.x_labels_major_every = max(1, len(times) // 8)
    config.margin, config.spacing, config.y_labels_major_count = 8, 6, 4
    config.value_formatter = lambda value: f"{value:,.0f}"
    config.show_minor_y_labels, config.truncate_label = False, -1
    return config


def drawn(chart: Any, title: str) -> Markup:
    """The SVG of a chart without scripts, styles, ids and links, named for those who don't see it."""
    root = ElementTree.fromstring(chart.render(is_unicode=False, disable_xml_declaration=True))  # noqa: S314 - ours
    _strip(root)
    for name in list(root.attrib):
        if name not in ("viewBox", "class"):
            del root.attrib[name]
    root.set("class", "chart")
    root.set("role", "img")
    root.set("aria-label", title)
    ElementTree.register_namespace("", _SVG.strip("{}"))
    return Markup(ElementTree.tostring(root, encoding="unicode"))  # noqa: S704 - serialised, so escaped


def _strip(node: ElementTree.Element) -> None:
    for child in list(node):
        if child.tag.removeprefix(_SVG) in ("defs", "script", "style", "desc", "title"):
            node.remove(child)
            continue
        for name in list(child.attrib):
            if name == "style" or name == "id" or "}" in name or name.startswith("on"):
                del child.attrib[name]
        _strip(child)
