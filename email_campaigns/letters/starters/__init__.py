"""Letters to begin from, one file each: blocks, and the words of five languages for their places (“@text”)"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from foundation.errors import BadInput
from foundation.text import _

LANGUAGES = ("en", "ru", "tr", "kk", "ko")


@dataclass(frozen=True, slots=True)
class Starter:
    """A letter to begin from; `key` is the trigger it is for."""

    key: str
    purpose: str
    blocks: Sequence[Mapping[str, Any]]
    words: Mapping[
        str, Mapping[str, str]
    ]  # language -> name, about, subject, preheader and the blocks' words

    def name(self, language: str) -> str:
        """What it is called."""
        return self._said(language)["name"]

    def about(self, language: str) -> str:
        """When it is sent."""
        return self._said(language)["about"]

    def written(self, language: str, company: str, address: str) -> dict[str, Any]:
        """The letter in a language, as its author would have written it, with the company in its footer."""
        said = self.words[language]
        blocks = [{name: _filled(value, said) for name, value in block.items()} for block in self.blocks]
        for block in blocks:
            if block["type"] == "footer":
                block |= {"company": company, "address": address}
        return {"subject": said["subject"], "preheader": said["preheader"], "blocks": blocks}

    def _said(self, language: str) -> Mapping[str, str]:
        return self.words.get(language.partition("-")[0], self.words["en"])


def _filled(value: Any, said: Mapping[str, str]) -> Any:
    return said[value[1:]] if isinstance(value, str) and value.startswith("@") else value


@cache
def everything() -> Mapping[str, Starter]:
    """All of them by their keys, in the order a customer meets them."""
    found = []
    for entry in (files(__package__ or __name__)).iterdir():
        if entry.name.endswith(".toml"):
            said = tomllib.loads(entry.read_text(encoding="utf-8"))
            words = {language: said[language] for language in LANGUAGES}
            found.append((said["place"], Starter(entry.name[:-5], said["purpose"], said["blocks"], words)))
    return {one.key: one for _place, one in sorted(found, key=lambda pair: pair[0])}


def of(key: str) -> Starter:
    """The starter of a trigger; BadInput when there is none."""
    found = everything().get(key)
    if found is None:
        raise BadInput(_("There is no letter to begin from called “%s”.") % key[:60], "starter")
    return found
