"""A condition's trace in words: each value seen, what was asked of it, the events behind it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["trace_lines"]


def trace_lines(name: str, trace: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines of one condition: its verdict, then its leaves."""
    verdict = {True: "true", False: "false", None: "unknown"}[trace["verdict"]]
    yield f"  {name}: {verdict}"
    for leaf in trace["leaves"]:
        yield from _leaf(leaf, "    ")


def _leaf(leaf: Mapping[str, Any], indent: str) -> Iterator[str]:
    mark = {True: "+", False: "-", None: "?"}[leaf["verdict"]]
    events = leaf.get("events")
    seen = (
        f"  [{events['count']} events: {', '.join(events['ids'])}]"
        if events and events["count"]
        else ""
    )
    note = f"  ({leaf['note']})" if leaf.get("note") else ""
    yield f"{indent}{mark} {leaf['subject']} is {leaf['value']}, asked: {leaf['words']}{seen}{note}"
    for inner in leaf.get("inside", ()):
        yield from _leaf(inner, indent + "  ")
