"""Routing: which channel a ``do: message`` takes, and why not the others."""

from __future__ import annotations

from dataclasses import dataclass

from engine.address import address_of
from engine.channels.kinds import KINDS
from engine.consent import binding, refusal
from rules.evaluate import Evaluator
from rules.playbook import HouseRules, Route
from rules.vocabulary import Vocabulary

__all__ = ["MESSAGE", "Routed", "route"]

MESSAGE = "message"  #: the word that stands for a channel in ``do: message``


@dataclass(frozen=True, slots=True, kw_only=True)
class Routed:
    """The channel that routing chose; None where no line gives one."""

    channel: str | None
    line: Route | None
    notes: tuple[str, ...]  #: what became of each line that was looked at


def route(
    house: HouseRules, vocabulary: Vocabulary, evaluator: Evaluator, purpose: str, to: str | None
) -> Routed:
    """Return the first line whose channel reaches the customer and is allowed.

    ``to`` is the attribute with the address, where the step names one instead of the channel's.
    """
    notes: list[str] = []
    for line in house.routing:
        place = f"{line.path} ({line.use})"
        channel, why = _channel(line, vocabulary, evaluator)
        if channel is not None:
            why = _obstacle(house, vocabulary, evaluator, channel, purpose, to)
        if why:
            notes.append(f"{place}: {why}")
            continue
        notes.append(f"{place}: taken" if channel == line.use else f"{place}: taken, {channel}")
        return Routed(channel=channel, line=line, notes=tuple(notes))
    return Routed(channel=None, line=None, notes=tuple(notes))


def _channel(line: Route, vocabulary: Vocabulary, evaluator: Evaluator) -> tuple[str | None, str]:
    """Return the channel of a line, or None and why it gives none."""
    if line.condition is not None:
        verdict = evaluator.verdict(line.condition)
        if verdict is not True:
            return None, "`if` is not met" if verdict is False else "`if` can't be told"
    if not line.of_attribute:
        return line.use, ""
    said = evaluator.attribute(line.use)
    if not isinstance(said, str) or not said:
        return None, "unknown"
    if said not in vocabulary.channels:
        return None, "not the name of a channel"
    return said, ""


def _obstacle(
    house: HouseRules,
    vocabulary: Vocabulary,
    evaluator: Evaluator,
    channel: str,
    purpose: str,
    to: str | None,
) -> str:
    """Return what keeps a channel from reaching the customer; "" for nothing."""
    declared = vocabulary.channels.get(channel)
    if declared is None:
        return "care.yaml has no such channel"
    if declared.kind not in KINDS:
        return f"kind {declared.kind} is not supported yet"
    missing = address_of(declared, to, evaluator.attribute).missing
    if missing:
        return missing
    no = refusal(binding(house.consent, vocabulary, channel, purpose), evaluator.attribute)
    return f"no consent, {no.words}" if no else ""
