"""What is legal and comes too late: steps whose window is over before they can open, caps too small.

Lengths in calendar or working time have a shortest and a longest reading; a warning is given only
where both agree. All in seconds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rules.errors import Finding, Level
from rules.playbook import (
    AnchorKind,
    Choose,
    Do,
    DueForm,
    Playbook,
    Step,
    Trigger,
    TriggerKind,
    Wait,
)
from rules.units import Duration, Unit

__all__ = ["least", "most", "time_warnings", "usual"]

_DAY = 86_400
_FOREVER = 10**12


def least(duration: Duration | None) -> int:
    """Return the fewest seconds that a length of time can take."""
    if duration is None:
        return 0
    match duration.unit:
        case Unit.MONTH:
            return 28 * _DAY * duration.amount
        case Unit.YEAR:
            return 365 * _DAY * duration.amount
        case Unit.WORKING_DAY:
            return _DAY * max(0, duration.amount - 1)
        case Unit.WORKING_HOUR:
            return 3600 * duration.amount
        case _:
            return duration.seconds


def most(duration: Duration | None) -> int:
    """Return the most seconds that a length of time can take, long holidays included."""
    if duration is None:
        return _FOREVER
    match duration.unit:
        case Unit.MONTH:
            return 31 * _DAY * duration.amount
        case Unit.YEAR:
            return 366 * _DAY * duration.amount
        case Unit.WORKING_DAY:
            return (3 * duration.amount + 14) * _DAY
        case Unit.WORKING_HOUR:
            return (duration.amount + 14) * _DAY
        case _:
            return duration.seconds


def usual(duration: Duration | None) -> int:
    """Return the seconds that a length of time takes in weeks without holidays, rounded up."""
    if duration is None:
        return 0
    match duration.unit:
        case Unit.WORKING_DAY:
            return _DAY * -(-7 * duration.amount // 5)
        case Unit.WORKING_HOUR:
            return _DAY * -(-duration.amount // 8)
        case _:
            return most(duration)


def time_warnings(book: Playbook) -> Iterator[Finding]:
    """Yield a warning for every step whose window is over before it can open."""
    yield from _late(book, book.steps, begun=0, closed={})


def _late(
    book: Playbook, steps: Sequence[Step], *, begun: int, closed: dict[str, int]
) -> Iterator[Finding]:
    """Yield the warnings of a list that is reached ``begun`` seconds after the entry at the earliest.

    ``closed`` holds the earliest close of every step above, by name.
    """
    above = begun
    for step in steps:
        if step.disabled:
            continue
        from_step = step.anchor.kind is AnchorKind.STEP
        start = closed.get(step.anchor.name, 0) if from_step else above
        if step.anchor.kind not in (AnchorKind.PREVIOUS, AnchorKind.STEP):
            start = begun
        if isinstance(step, Do):
            late = _over(book, step, begun)
            if late:
                yield _too_late(step, late)
            start += least(step.due.low) if step.anchor.kind is not AnchorKind.DATE else 0
        if isinstance(step, Wait):
            then = step.then if step.awaited else ()
            yield from _late(book, then, begun=start, closed=dict(closed))
            over = start + least(step.up_to)
            yield from _late(book, step.otherwise, begun=over, closed=dict(closed))
            start = start if step.awaited else over
        if isinstance(step, Choose):
            for branch in step.branches:
                yield from _late(book, branch.steps, begun=start, closed=dict(closed))
        closed[step.name] = above = start


def _too_late(step: Do, why: str) -> Finding:
    return Finding(
        level=Level.WARNING,
        code="due-before-open",
        message=f'step "{step.name}" is late before it can open: {why}',
        hint="give it a longer `due`, or count `from` something later",
        span=step.span,
        path=step.path,
    )


def _over(book: Playbook, step: Do, begun: int) -> str:
    """Return why a step's window is over when its list is reached; "" where it need not be."""
    end = _length(step)
    if end is None:
        return ""
    if step.anchor.kind is AnchorKind.ENTRY and end < begun:
        return f"it counts from entry, and is reached {begun // _DAY or 'less than 1'} days later"
    if step.anchor.kind is AnchorKind.DATE and book.triggers:
        gaps = [_gap(trigger, step, end) for trigger in book.triggers]
        if all(gap is not None and gap > 0 for gap in gaps):
            return f"the playbook begins only after that day and its `due` ({step.anchor.name})"
    return ""


def _length(step: Do) -> int | None:
    """Return how long a step's window lasts from its anchor at the most; None: nobody can say."""
    due = step.due
    match due.form:
        case DueForm.NOW | DueForm.SAME_DAY:
            return _DAY
        case DueForm.WITHIN | DueForm.BETWEEN:
            return most(due.high) + _DAY
        case DueForm.AFTER:
            return most(due.low) + 15 * _DAY


def _gap(trigger: Trigger, step: Do, end: int) -> int | None:
    """Return how long after the window's end a trigger of the same date fires at the earliest."""
    anchor = step.anchor
    if trigger.kind is not TriggerKind.DATE or trigger.date != anchor.name or trigger.yearly:
        return None
    fires = -most(trigger.offset) if trigger.back else least(trigger.offset)
    if trigger.offset is None:
        fires = 0
    if anchor.offset is None:
        opens = 0
    else:
        opens = -least(anchor.offset) if anchor.back else most(anchor.offset)
    return fires - (opens + end)
