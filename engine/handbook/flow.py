"""The way through a playbook as a chart: boxes in lanes, lanes in forks. Drawn elsewhere."""

from __future__ import annotations

from dataclasses import dataclass, replace

from engine.handbook.deeds import Deeds
from rules.playbook import AnchorKind, Choose, Do, Split, Step, StopHere, Wait

__all__ = ["Box", "Lane", "flow_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """Boxes one below the other; several lanes run side by side."""

    boxes: tuple[Box, ...]
    words: str = ""  #: why one gets here: a condition, or from where the clock counts
    aside: bool = False  #: its clock does not count from what stands above
    after: str = ""  #: the step whose end it counts from, where it is one


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """One thing that is done or asked."""

    shape: (
        str  #: ``act``, ``ask`` (a wait or choice), ``note`` (nothing that a person sees), ``stop``
    )
    lines: tuple[str, ...]  #: the first is what people call it
    step: str = ""  #: its name in the playbook
    forks: tuple[tuple[Lane, ...], ...] = ()  #: ways on, each with its lanes


def flow_of(steps: tuple[Step, ...], deeds: Deeds) -> tuple[Lane, ...]:
    """Return the lanes of a list of steps: a step with a clock of its own begins a lane."""
    lanes = [Lane(boxes=())]
    for number, step in enumerate(steps):
        anchor = step.anchor
        if number and anchor.kind is not AnchorKind.PREVIOUS:
            after = anchor.name if anchor.kind is AnchorKind.STEP else ""
            lanes.append(Lane(boxes=(), words=deeds.anchor(anchor), aside=True, after=after))
        box = replace(_box(step, deeds), step=step.name)
        if not number and anchor.kind not in (AnchorKind.PREVIOUS, AnchorKind.ENTRY):
            box = replace(box, lines=(*box.lines, deeds.anchor(anchor)))
        lanes[-1] = replace(lanes[-1], boxes=(*lanes[-1].boxes, box))
    return tuple(lanes)


def _box(step: Step, deeds: Deeds) -> Box:
    name = deeds.steps.get(step.name) or step.name
    lines = (name, deeds.what(step))
    match step:
        case Do():
            more = (deeds.due(step), deeds.who(step))
            return Box(shape="act", lines=(*lines, *filter(None, more)))
        case Wait():
            forks = _wait_forks(step, deeds) if step.then or step.otherwise else ()
            return Box(shape="ask", lines=lines, forks=forks)
        case Choose():
            return Box(shape="ask", lines=(name,), forks=_choices(step, deeds))
        case Split():
            shares = (f"{name}: {float(share * 100):g}%" for name, share in step.shares)
            return Box(shape="note", lines=(*lines, *shares))
        case StopHere():
            return Box(shape="stop", lines=lines)
        case _:
            return Box(shape="note", lines=lines)


def _choices(step: Choose, deeds: Deeds) -> tuple[tuple[Lane, ...], ...]:
    say = deeds.say
    forks = [
        _fork(
            branch.steps,
            say.condition(branch.condition) if branch.condition is not None else say.label("else"),
            deeds,
        )
        for branch in step.branches
    ]
    if all(branch.condition is not None for branch in step.branches):
        forks.append(_fork((), say.label("else"), deeds))
    return tuple(forks)


def _wait_forks(step: Wait, deeds: Deeds) -> tuple[tuple[Lane, ...], ...]:
    say = deeds.say
    return (
        _fork(step.then, say.label("came"), deeds),
        _fork(step.otherwise, say.label("timeout"), deeds),
    )


def _fork(steps: tuple[Step, ...], words: str, deeds: Deeds) -> tuple[Lane, ...]:
    first, *others = flow_of(steps, deeds)
    return (Lane(boxes=first.boxes, words=words), *others)
