"""The tree of steps before it is read: every step, every name, and who waits for whom."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rules.parse.place import Place
from rules.playbook import Anchor, AnchorKind

__all__ = ["Line", "every_step", "names_inside", "step_names", "waits_straight"]


def every_step(place: Place | None) -> Iterator[Place]:
    """Yield every mapping in a list of steps and in the lists inside, in file order."""
    if place is None or not place.is_list():
        return
    for step in place.items():
        if not step.is_mapping():
            continue
        yield step
        for below in _lists_of(step):
            yield from every_step(below)


def _lists_of(step: Place) -> Iterator[Place]:
    if not step.is_mapping():
        return
    for key, value in step.pairs():
        if key in ("then", "else"):
            yield value
        elif key == "choose" and value.is_list():
            for branch in value.items():
                yield from _lists_of(branch)


def step_names(place: Place | None) -> frozenset[str]:
    """Return every step name of a playbook, also inside branches."""
    names = (step.get("step") for step in every_step(place))
    return frozenset(
        name.text() or "" for name in names if name and name.is_scalar() and not name.empty
    )


def names_inside(place: Place) -> frozenset[str]:
    """Return the step names inside a step or a branch, without its own."""
    return frozenset().union(*(step_names(below) for below in _lists_of(place)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What a step waits for, as far as it could be read."""

    name: str
    place: Place
    anchor: Anchor | None  #: None: could not be read
    above: str | None  #: the step above in the same list
    inside: str | None  #: the choose or wait in whose branch it stands
    choose: bool  #: closes with the steps of its branches; a wait closes before them

    @property
    def steps_from(self) -> str | None:
        """The step whose close it counts from."""
        match self.anchor:
            case Anchor(kind=AnchorKind.STEP):
                return self.anchor.name
            case Anchor(kind=AnchorKind.STEP_DATE):
                return self.anchor.name.partition(".")[0]
            case Anchor(kind=AnchorKind.PREVIOUS):
                return self.above
        return None


def waits_straight(lines: list[Line]) -> bool:
    """Report steps that wait for each other, or for one of another branch; True without such."""
    by_name = {line.name: line for line in lines}
    straight = True
    told: set[str] = set()
    for line in lines:
        if line.anchor is None or line.anchor.kind is not AnchorKind.STEP:
            continue
        at = line.place.get("from") or line.place
        target = by_name.get(line.anchor.name)
        if target and _apart(line.place.path, target.place.path):
            message = f'step "{line.name}" counts from "{target.name}", which is in another branch'
            at.error("bad-anchor", message, "only one of them happens: name a step of this branch")
            straight = False
            continue
        ring = _ring(line, by_name)
        if not ring or line.name in told:
            continue
        message = "these steps wait for each other: " + " -> ".join(ring)
        at.error("cycle", message, "let one of them start `from: entry`")
        straight = False
        told |= set(ring)
    return straight


def _apart(one: str, other: str) -> bool:
    """Tell whether two paths stand in different branches of one choose or wait."""
    first, second = one.split("/"), other.split("/")
    for index, (a, b) in enumerate(zip(first, second, strict=False)):
        if a != b:
            return {a, b} == {"then", "else"} or (index > 0 and first[index - 1] == "choose")
    return False


def _ring(start: Line, by_name: dict[str, Line]) -> list[str]:
    """Return the names on the way from a step's opening back to it, "" where there is none."""
    inner: dict[str, list[str]] = {}
    for line in by_name.values():
        if line.inside:
            inner.setdefault(line.inside, []).append(line.name)
    goal = (start.name, "open")
    came: dict[tuple[str, str], tuple[str, str]] = {}
    waiting = [goal]
    while waiting:
        node = waiting.pop(0)
        for need in _needs(node, by_name, inner):
            if need == goal:
                return _names([*_way(node, came, goal), goal])
            if need not in came:
                came[need] = node
                waiting.append(need)
    return []


def _needs(
    node: tuple[str, str], by_name: dict[str, Line], inner: dict[str, list[str]]
) -> list[tuple[str, str]]:
    """Return what has to happen before a step opens or closes."""
    name, what = node
    line = by_name.get(name)
    if line is None:
        return []
    if what == "close":
        below = inner.get(name, []) if line.choose else []
        return [(name, "open"), *((each, "close") for each in below)]
    needs = [(line.steps_from, "close")] if line.steps_from else []
    above = by_name.get(line.inside) if line.inside else None
    if above:
        needs.append((above.name, "open" if above.choose else "close"))
    return needs


def _way(
    node: tuple[str, str], came: dict[tuple[str, str], tuple[str, str]], goal: tuple[str, str]
) -> list[tuple[str, str]]:
    way = [node]
    while way[-1] != goal:
        way.append(came[way[-1]])
    return way[::-1]


def _names(way: list[tuple[str, str]]) -> list[str]:
    names: list[str] = []
    for name, _ in way:
        if not names or names[-1] != name:
            names.append(name)
    return names
