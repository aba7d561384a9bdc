"""What a step that does not act did, in words: what it waits for, which way it took, what it wrote."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from engine.console import moment
from engine.console_trace import trace_lines
from engine.explain import Why
from engine.journeys import NEVER, Action
from engine.words import ActionState
from rules.playbook import Awaited, Choose, Do, Record, Set, StartOther, Step, StopHere, Wait
from rules.trace import show_field
from rules.values import valued
from rules.vocabulary import FieldType, Vocabulary

__all__ = ["effect"]


def effect(found: Why, step: Step, vocabulary: Vocabulary) -> Iterator[str]:
    """Yield the lines of ``care why`` about what a step did; none for a step that acts."""
    action, tz = found.action, vocabulary.timezone
    match step:
        case Wait():
            yield f"  {_waited(step, action, tz)}"
        case Choose():
            yield from _chosen(step, action)
        case Set() if action.detail:
            told = _values(action.detail.get("values", {}), vocabulary.attributes, tz)
            yield f"  wrote: {told or 'nothing'}"
        case Record() if action.detail:
            fields = vocabulary.events[step.event].fields if step.event in vocabulary.events else {}
            told = _values(action.detail["values"], fields, tz)
            yield f"  recorded: {step.event}{': ' if told else ''}{told}"
        case StartOther() if action.detail:
            yield f"  {_begun(step, found)}"
        case Do() if "until" in action.detail:
            yield from trace_lines("until", action.detail["until"])
        case StopHere() if action.detail:
            yield f"  ended the journey: {step.word}"
        case _:
            return


def _waited(step: Wait, action: Action, tz: str) -> str:
    names = " or ".join(_names(step.awaited))
    end = moment(action.due_by, tz)
    if action.state is ActionState.OPEN:
        until = f"until {end}" if action.due_by < NEVER else "without an end"
        return f"waits for: {names}, {until}" if names else f"waits {until}"
    if action.state is not ActionState.DONE:
        return f"waited for: {names}" if names else "waited"
    if action.branch == "then" and names:
        return f"heard: {action.by} of {moment(action.closed_at, tz)}"
    return f"heard: no {names} until {end}" if names else f"waited until {end}"


def _names(awaited: Iterable[Awaited]) -> Iterator[str]:
    for one in awaited:
        same = f" with the same {one.same}" if one.same else ""
        yield " or ".join(one.events.names) + same


def _chosen(step: Choose, action: Action) -> Iterator[str]:
    for asked in action.detail.get("asked", ()):
        yield from trace_lines(f"branch {asked['branch'] + 1}", asked)
    if action.branch is None:
        if action.state.closed and "asked" in action.detail:
            yield "  took: none"
        return
    taken = step.branches[int(action.branch) : int(action.branch) + 1]
    plain = bool(taken) and taken[0].condition is None
    yield f"  took: {'else' if plain else f'branch {int(action.branch) + 1}'}"


def _values(values: Mapping[str, Any], declared: Mapping[str, FieldType], tz: str) -> str:
    """Return ``size 205, tier gold``; personal values are not shown."""
    told = []
    for name, value in values.items():
        known = declared.get(name)
        if known is not None and known.pii:
            told.append(f"{name} (personal)")
        elif known is not None and value is not None:
            held = tuple(value) if isinstance(value, list) else value
            told.append(f"{name} {show_field(valued(known.kind, held), known.kind, tz)}")
        else:
            told.append(f"{name} {'unknown' if value is None else value}")
    return ", ".join(told)


def _begun(step: StartOther, found: Why) -> str:
    row = found.begun
    if row is None:
        return f"began: nothing; {step.playbook} was not there"
    if row["journey"]:
        return f"began: {step.playbook}, journey {row['journey']}"
    return f"did not begin: {step.playbook}, {row['verb']} ({str(row['reason']).replace('_', ' ')})"
