"""What each code of ``care check`` means: the catalogue in ``rules/explained``, as types."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

__all__ = ["Explained", "catalogue"]

_FOLDER = Path(__file__).parent / "explained"
_EXAMPLE = "playbooks/example.yaml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """One code in words, with an example.

    An example is the lines that matter of ``file``; what begins with ``# the whole file`` is all of
    it. Around them stand, by path, other files of the project.
    """

    code: str
    chapter: str  #: ``Names``
    chapter_zh: str
    meaning: str  #: one English sentence
    meaning_zh: str
    why: str  #: what would happen
    file: str  #: where the example stands
    wrong: str = ""
    right: str = ""
    apart: str = ""  #: instead of an example: what makes the code, and what to do
    around_wrong: Mapping[str, str] = field(default_factory=dict)
    around_right: Mapping[str, str] = field(default_factory=dict)


@lru_cache(maxsize=1)
def catalogue() -> Mapping[str, Explained]:
    """Return every code, in the order of the chapters."""
    found: dict[str, Explained] = {}
    for file in sorted(_FOLDER.glob("*.yaml")):
        # our own file; BaseLoader leaves every value the text that it is
        chapter = yaml.load(file.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)  # noqa: S506
        for code, entry in chapter["codes"].items():
            found[code] = _explained(code, chapter["title"], chapter["zh"], entry)
    return found


def _explained(code: str, chapter: str, chapter_zh: str, entry: Mapping[str, Any]) -> Explained:
    both = entry.get("with", {})
    return Explained(
        code=code,
        chapter=chapter,
        chapter_zh=chapter_zh,
        meaning=entry["en"],
        meaning_zh=entry["zh"],
        why=entry["why"],
        file=entry.get("in", _EXAMPLE),
        wrong=entry.get("wrong", ""),
        right=entry.get("right", ""),
        apart=entry.get("apart", ""),
        around_wrong={**both, **entry.get("wrong_with", {})},
        around_right={**both, **entry.get("right_with", {})},
    )
