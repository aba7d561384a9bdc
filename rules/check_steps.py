"""What is legal and doubtful in steps, and playbooks that begin each other for ever."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rules.conditions import Always, Compare, OneOf, SubjectKind
from rules.errors import Finding, Level
from rules.playbook import (
    AnchorKind,
    Choose,
    Do,
    Playbook,
    Record,
    Split,
    StartOther,
    Status,
    Step,
    StopHere,
    TriggerKind,
    Wait,
    walk,
)
from rules.resolve import template_files

__all__ = ["start_findings", "step_warnings"]


def step_warnings(playbook: Playbook, *, templates: bool) -> Iterator[Finding]:
    """Yield the warnings about a playbook's steps; ``templates``: the project has any text."""
    if not templates:
        yield from _no_templates(playbook)
    yield from _after_the_end(playbook.steps)
    yield from _on_disabled(playbook)
    yield from _endless(playbook.steps, playbook, follows="")
    for step in walk(playbook.steps):
        if isinstance(step, Choose) and not step.disabled:
            yield from _unhandled(step, playbook)


def _warning(code: str, step: Step, message: str, hint: str) -> Finding:
    return Finding(
        level=Level.WARNING, code=code, message=message, hint=hint, span=step.span, path=step.path
    )


def _no_templates(playbook: Playbook) -> Iterator[Finding]:
    steps = [step for step in walk(playbook.steps) if isinstance(step, Do) and step.template]
    if steps:
        files = dict.fromkeys(file for step in steps for file in template_files(step.template))
        shown = ", ".join(list(files)[:3]) + (", ..." if len(files) > 3 else "")
        message = f"the project has no folder templates/ yet, so these texts are missing: {shown}"
        yield _warning("no-templates", steps[0], message, "write them there before it runs")


# Steps that never come


def _after_the_end(steps: Sequence[Step]) -> Iterator[Finding]:
    """Yield a warning for the first step of each list that stands behind the journey's end."""
    ended: Step | None = None
    for step in steps:
        if ended and not step.disabled and _counts_from(step, ended.name):
            message = f'step "{step.name}" never comes: "{ended.name}" ends the journey before it'
            yield _warning("unreachable", step, message, "take it out, or put it above")
            break
        ended = step if _ends(step) else ended
    for step in steps:
        for below in _branches(step):
            yield from _after_the_end(below)


def _on_disabled(playbook: Playbook) -> Iterator[Finding]:
    """Yield a warning for every step that counts from one that is left out."""
    acting = [step for step, _ in _acting(playbook.steps, straight=True)]
    known = {step.name for step in acting}
    for step in acting:
        start = step.anchor.name.partition(".")[0]
        kinds = (AnchorKind.STEP, AnchorKind.STEP_DATE)
        if step.anchor.kind in kinds and start not in known:
            message = (
                f'step "{step.name}" never comes: "{start}", from which it counts, is left out'
            )
            yield _warning("unreachable", step, message, "take `disabled` out, or change `from`")


def _counts_from(step: Step, name: str) -> bool:
    anchor = step.anchor
    return anchor.kind is AnchorKind.PREVIOUS or (
        anchor.kind is AnchorKind.STEP and anchor.name == name
    )


def _ends(step: Step) -> bool:
    """Tell whether the journey is over in any case when a step closes."""
    if step.disabled:
        return False
    if isinstance(step, Choose):
        has_else = any(branch.condition is None for branch in step.branches)
        return has_else and all(any(map(_ends, branch.steps)) for branch in step.branches)
    return isinstance(step, StopHere)


def _branches(step: Step) -> tuple[tuple[Step, ...], ...]:
    if isinstance(step, Wait):
        return (step.then, step.otherwise)
    if isinstance(step, Choose):
        return tuple(branch.steps for branch in step.branches)
    return ()


def _endless(steps: Sequence[Step], playbook: Playbook, *, follows: str) -> Iterator[Finding]:
    """Yield a warning for every wait without an end that something waits for.

    ``follows`` is what comes when the list is closed, "" for nothing.
    """
    for index, step in enumerate(steps):
        below = next((each for each in steps[index + 1 :] if not each.disabled), None)
        after = follows if below is None else ""
        if below and below.anchor.kind is AnchorKind.PREVIOUS:
            after = below.name
        if isinstance(step, Wait):
            named = [each.name for each in walk(playbook.steps) if _on(each, step.name)]
            after = after or (named[0] if named else "")
            if step.awaited and step.up_to is None and after and not step.disabled:
                message = f'step "{step.name}" may wait for ever, and "{after}" comes after it'
                yield _warning("endless-wait", step, message, "add up_to: 5 working days")
        inner = after if isinstance(step, Choose) else ""
        for branch in _branches(step):
            yield from _endless(branch, playbook, follows=inner)


def _on(step: Step, name: str) -> bool:
    return step.anchor.kind is AnchorKind.STEP and step.anchor.name == name


# Outcomes that nobody handles


def _unhandled(choose: Choose, playbook: Playbook) -> Iterator[Finding]:
    """Yield a warning where a choice between outcomes leaves some out.

    One branch alone is an *if*; two or more tell the outcomes apart.
    """
    if len(choose.branches) < 2:
        return
    handled: set[str] = set()
    subjects: set[str] = set()
    for branch in choose.branches:
        match branch.condition:
            case Compare(test=OneOf(values)) if branch.condition.subject.kind is SubjectKind.STEP:
                subjects.add(branch.condition.subject.name)
                handled |= {str(value) for value in values}
            case _:
                return
    if len(subjects) != 1:
        return
    subject = subjects.pop()
    left = [word for word in _words(subject, playbook) if word not in handled]
    if left:
        which = "branch" if len(left) == 1 else "branches"
        message = f'step "{choose.name}" has no {which} for {subject}: {", ".join(left)}'
        yield _warning("unhandled-outcome", choose, message, "add one, or an else:")


def _words(subject: str, playbook: Playbook) -> tuple[str, ...]:
    """Return what ``<step>.outcome`` or ``<step>.<asked>`` may be, as the playbook gives it."""
    name, _, asked = subject.partition(".")
    try:
        step = playbook.step(name)
    except KeyError:
        return ()
    if isinstance(step, Split):
        return tuple(share for share, _ in step.shares)
    if isinstance(step, Do):
        choices = (each.choices for each in step.ask if each.name == asked)
        return step.outcomes if asked == "outcome" else next(choices, ())
    return ()


# Playbooks that begin each other


@dataclass(frozen=True, slots=True, kw_only=True)
class _Link:
    """A step that makes another journey begin."""

    start: str
    target: str
    step: StartOther | Record
    straight: bool  #: on the main line, in no branch
    always: bool  #: that, and the target never refuses


def start_findings(playbooks: Sequence[Playbook]) -> Iterator[Finding]:
    """Yield an error for every step on a circle of starts with no way out, and warnings.

    A way out is a branch that need not be taken, ``only`` or ``except``, or ``again`` that refuses;
    what may stop a journey meanwhile is none. A playbook that always starts itself is wrong also
    where ``again`` would refuse it.
    """
    books = {book.name: book for book in playbooks}
    links = [link for book in playbooks for link in _links(book, playbooks)]
    told: set[frozenset[str]] = set()
    for link in links:
        if isinstance(link.step, StartOther) and books[link.target].status is Status.DRAFT:
            message = f'"{link.target}" is a draft, so it never begins'
            yield _warning("starts-draft", link.step, message, "write status: active there")
        sure = _way([each for each in links if each.always], link) if link.always else None
        if link.straight and link.target == link.start:
            sure = [link.start, link.start]
        way = sure or _way(links, link)
        if way is None:
            continue
        shown = " -> ".join(way)
        if sure:
            yield Finding(
                code="start-loop",
                message=f"these playbooks begin each other for ever: {shown}"
                if len(sure) > 2
                else f"this playbook begins itself: {shown}",
                hint="put it into a branch of a `choose`, or take it out",
                span=link.step.span,
                path=link.step.path,
            )
        elif frozenset(way) not in told:
            told.add(frozenset(way))
            message = f"this begins a circle: {shown}"
            hint = "make sure that the branch is not taken every time"
            yield _warning("start-loop", link.step, message, hint)


def _links(book: Playbook, playbooks: Sequence[Playbook]) -> Iterator[_Link]:
    for step, straight in _acting(book.steps, straight=True):
        for other in playbooks:
            starts = isinstance(step, StartOther) and step.playbook == other.name
            records = isinstance(step, Record) and _begun_by(other, step.event)
            if (starts or records) and isinstance(step, StartOther | Record):
                yield _Link(
                    start=book.name,
                    target=other.name,
                    step=step,
                    straight=straight,
                    always=straight and _open(other),
                )


def _open(book: Playbook) -> bool:
    """Tell whether a playbook never refuses a customer."""
    return book.again_ever and book.only is None and book.excepted is None


def _acting(steps: Sequence[Step], *, straight: bool) -> Iterator[tuple[Step, bool]]:
    """Yield every step that is not disabled, and whether no branch leads to it."""
    for step in steps:
        if not step.disabled:
            yield step, straight
            for branch in _branches(step):
                yield from _acting(branch, straight=False)


def _begun_by(book: Playbook, event: str) -> bool:
    """Tell whether every such event begins the playbook again."""
    return book.again_ever and any(
        trigger.kind is TriggerKind.EVENT
        and trigger.events is not None
        and event in trigger.events.names
        and isinstance(trigger.events.where, Always)
        for trigger in book.triggers
    )


def _way(links: Sequence[_Link], link: _Link) -> list[str] | None:
    """Return the shortest way from a link's playbook over its target back to it."""
    came: dict[str, str] = {}
    waiting = [link.target]
    while waiting:
        name = waiting.pop(0)
        if name == link.start:
            way = [name]
            while way[-1] != link.target:
                way.append(came[way[-1]])
            return [link.start, *way[::-1]]
        for each in links:
            if each.start == name and each.target not in came and each.target != link.target:
                came[each.target] = name
                waiting.append(each.target)
    return None
