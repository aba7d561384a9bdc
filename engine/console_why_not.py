"""``care why-not`` in words: the first thing in the way, then all others."""

from __future__ import annotations

from collections.abc import Iterator

from engine.console import moment
from engine.console_trace import trace_lines
from engine.obstacles import Obstacle
from engine.why_not import WhyNot
from engine.words import JourneyState

__all__ = ["render_why_not"]


def render_why_not(found: WhyNot, tz: str) -> str:
    """Return the answer as text."""
    return "\n".join(_lines(found, tz))


def _lines(found: WhyNot, tz: str) -> Iterator[str]:
    titled = f" ({found.title})" if found.title else ""
    yield f"customer {found.customer}, playbook {found.playbook}{titled}, as of {moment(found.at, tz)}"
    for journey in found.journeys:
        told = str(journey.state)
        if journey.state is not JourneyState.RUNNING:
            why = journey.goal or journey.reason
            told += f" at {moment(journey.ended_at, tz)}" if journey.ended_at else ""
            told += f" ({why.replace('_', ' ')})" if why else ""
        yield f"  it did begin: journey {journey.id} at {moment(journey.entry, tz)}, {told}"
    for action in found.left_out:
        reason = f" ({action.reason.replace('_', ' ')})" if action.reason else ""
        yield f"    step {action.step}: {action.state}{reason}; care why {action.id}"
    first = found.first
    yield ""
    if first is None:
        yield _nothing(found)
    else:
        again = " another one" if found.journeys else ""
        yield f"What stands in the way{' of' + again if again else ''}"
        yield from _obstacle(first, tz, detail=True)
    rest = [one for one in found.now if one is not first]
    if rest:
        yield ""
        yield "Also in the way at that time"
        for one in rest:
            yield from _obstacle(one, tz, detail=True)
    told_before = [one for one in found.recorded if one is not first]
    if told_before:
        yield ""
        yield "Written down by earlier runs"
        for one in told_before:
            yield from _obstacle(one, tz, detail=False)


def _nothing(found: WhyNot) -> str:
    if found.last_run is None:
        return "Nothing stands in the way; no run has looked yet: `care run`"
    if found.journeys:
        return "Nothing stands in the way of another one, when its trigger fires again"
    return "Nothing stands in the way: the next run begins it"


def _obstacle(one: Obstacle, tz: str, *, detail: bool) -> Iterator[str]:
    when = f"{moment(one.run_at, tz)}  " if one.run_at is not None else ""
    until = f", until {moment(one.until, tz)}" if one.until is not None else ""
    yield f"  {when}{one.code.replace('_', ' ')}: {one.words}{until}  {one.place}".rstrip()
    if not detail:
        return
    for line in one.needs:
        yield f"      to change it: {line}"
    for name in ("only", "except", "condition", "house"):
        if one.evidence and name in one.evidence:
            for line in trace_lines(name, one.evidence[name]):
                yield f"    {line}"
