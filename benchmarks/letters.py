"""How long a letter takes to be made for one person, against making it from scratch for each.

    python -m benchmarks.letters --letters 3000

Two letters, an order confirmation with three lines and a mailing of words, a button and a footer, are filled
in for invented people: by our templates (compiled once), and by the naive chain that runs MJML and compiles a
template from its text for every message. Bars: well under 300 us a letter, at least 15 times the naive chain.
No database: what the variables cost is asked for many people at once (`variables.contexts`).
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import jinja2
import mrml

from email_campaigns.letters import blocks, catalogue, marks, plain, spec, starters, store
from email_campaigns.letters.drawing import Drawing
from email_campaigns.letters.render import render
from email_campaigns.letters.values import Amount

BAR, RATIO, RUNS = 300.0, 15.0, 5


def people(count: int, lines: int) -> list[dict[str, Any]]:
    """Variables of so many different people."""
    made = []
    for number in range(count):
        one = catalogue.example()
        price = Amount(1000 + number * one["order"]["total"].amount / 100, "KZT")
        line = one["order"]["lines"][0] | {"total": price}
        one["customer"] = one["customer"] | {"given_name": f"Anna {number}"}
        one["order"] = one["order"] | {"number": f"B-{number}", "lines": [line] * lines, "total": price}
        one["links"] = {name: f"https://k.example/m/{name}/{number}" for name in one["links"]}
        made.append(one)
    return made


def naive(written: dict[str, Any], language: str) -> Callable[[dict[str, Any]], tuple[str, str]]:
    """MJML and Jinja2 from the text each time; filters do what ours do without keeping anything."""
    hidden = marks.Hidden([])
    letter = spec.read(written)
    drawing = Drawing(hidden, language, letter.look)
    source = blocks.mjml(letter, drawing, language)
    text = plain.text(letter, Drawing(hidden, language, letter.look))
    shown = {"limit": lambda value, most: value[:most], "date": str, "money": str}

    def make(context: dict[str, Any]) -> tuple[str, str]:
        env = jinja2.Environment(autoescape=True)
        env.filters.update(shown)
        html = mrml.to_html(source, render_options=mrml.RenderOptions(fonts={})).content
        found = env.from_string(hidden.show(html)).render(context)
        bare = jinja2.Environment()
        bare.filters.update(shown)
        bare.from_string(written["subject"]).render(context)
        return found, bare.from_string(text).render(context)

    return make


def timed(make: Callable[[dict[str, Any]], Any], contexts: list[dict[str, Any]]) -> float:
    """Microseconds of processor time a letter: neighbours on the machine count less so."""
    begun = time.process_time()
    for context in contexts:
        make(context)
    return (time.process_time() - begun) / len(contexts) * 1e6


def main() -> int:
    """Run it; 1 when a bar is missed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--letters", type=int, default=3000)
    count = parser.parse_args().letters
    missed = False
    for key in ("order_confirmation", "welcome"):
        written = starters.of(key).written("ru", "Bazaar", "1 Main street, Almaty")
        version = store.draft("ru", {"ru": written})
        chain = naive(written, "ru")
        ours, theirs = [], []
        for run in range(RUNS):  # in turns, so that both meet the same neighbours on the machine
            contexts = people(count // RUNS, 3)
            fewer = contexts[: max(20, count // RUNS // 10)]
            ours.append(timed(partial(render, version, "ru"), contexts))
            theirs.append(timed(chain, fewer))
            print(f"{key} run {run + 1}: ours {ours[-1]:.0f} us, naive chain {theirs[-1]:.0f} us", flush=True)
        mine, other = statistics.median(ours), statistics.median(theirs)
        size = len(render(version, "ru", people(1, 3)[0]).html)
        print(f"{key}: {mine:.0f} us a letter of {size / 1024:.0f} KB, {other / mine:.0f}x the naive chain")
        missed = missed or mine > BAR or other / mine < RATIO
    print(f"bars: at most {BAR:.0f} us, at least {RATIO:.0f}x: {'MISSED' if missed else 'held'}")
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
