"""``care check --explain``: what a code means, on the screen and as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from rules.errors import UsageError, did_you_mean
from rules.explain import Explained

__all__ = ["code_named", "explained_json", "render_code", "render_codes"]


def code_named(codes: Mapping[str, Explained], name: str) -> Explained:
    """Return a code by its name, also with the brackets or level that a finding shows around it.

    Raises UsageError for one that there is not.
    """
    bare = name.strip().rpartition("[")[2].rstrip("]")
    if bare not in codes:
        hint = did_you_mean(bare, codes) or "`care check --explain` lists all codes"
        raise UsageError(f'care check has no code "{bare}"; {hint}')
    return codes[bare]


def explained_json(each: Explained) -> dict[str, object]:
    """Return a code as plain values."""
    return {
        "code": each.code, "chapter": each.chapter, "meaning": each.meaning,
        "meaning_zh": each.meaning_zh, "why": each.why, "file": each.file,
        "wrong": each.wrong, "right": each.right, "instead_of_an_example": each.apart,
        "around_wrong": dict(each.around_wrong), "around_right": dict(each.around_right),
    }  # fmt: skip


def render_codes(codes: Iterable[Explained]) -> str:
    """Return all codes, a line each, by chapter."""
    lines: list[str] = []
    chapter = ""
    for each in codes:
        if each.chapter != chapter:
            lines += [*([""] if lines else []), f"{each.chapter} ({each.chapter_zh})"]
            chapter = each.chapter
        lines.append(f"  {each.code:<22} {each.meaning}")
    return "\n".join([*lines, "", "care check --explain CODE tells more, with an example"])


def render_code(each: Explained) -> str:
    """Return one code with its examples."""
    return "\n".join(_code(each))


def _code(each: Explained) -> Iterator[str]:
    yield f"{each.code}: {each.meaning}"
    yield each.meaning_zh
    yield f"why it matters: {each.why}"
    if each.apart:
        yield f"it comes from {each.apart}"
        return
    yield from _example("wrong", each, each.wrong, each.around_wrong)
    yield from _example("right", each, each.right, each.around_right)


def _example(word: str, each: Explained, lines: str, around: Mapping[str, str]) -> Iterator[str]:
    yield ""
    yield f"{word}, in {each.file}:"
    yield from (f"    {line}".rstrip() for line in lines.rstrip("\n").split("\n"))
    for file, text in around.items():
        yield f"  with, in {file}:"
        yield from (f"    {line}".rstrip() for line in text.rstrip("\n").split("\n"))
