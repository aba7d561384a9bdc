"""Coverage: what of the playbooks no test reached.

What happened is read from the ledgers of the tests; which way conditions went, from the evaluator.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from enum import StrEnum
from functools import lru_cache

from engine.ledger import Ledger
from engine.testing.play import run_test
from engine.testing.workers import spread
from rules.conditions import Compare, InSegment, SubjectKind
from rules.errors import Span
from rules.nodes import Mapping as YamlMapping
from rules.nodes import Node
from rules.nodes import Sequence as YamlSequence
from rules.playbook import Choose, Do, Playbook, Project, Split, Step, Wait, overdue_steps
from rules.resolve import closure, playbook_references
from rules.source import read_yaml
from rules.testfile import Case
from rules.trace import watched

__all__ = ["Coverage", "Part", "Point", "Share", "Tick", "covered", "percent_of", "points_of"]


def percent_of(part: int, whole: int) -> int:
    """Return whole per cent, rounded down; 100 of nothing."""
    return part * 100 // whole if whole else 100


class Part(StrEnum):
    """What may be reached."""

    TRIGGER = "trigger"
    STEP = "step"
    ESCALATION = "escalation"
    AGAIN = "again"  #: a retried or repeated step comes a second time
    BRANCH = "branch"
    CONDITION = "condition"  #: each test was true once, and false once
    STOP = "stop"
    GOAL = "goal"
    OUTCOME = "outcome"


#: Is told how many are done, of how many.
Tick = Callable[[int, int | None], None]
#: What tells a point from all others.
Key = tuple[object, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One thing that a test may reach."""

    key: Key
    part: Part
    words: str  #: what no test did: ``step second_call never opens``
    span: Span = field(compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """How much of one file the tests reached."""

    name: str  #: the playbook, or ``shared.yaml``
    file: str
    tests: int  #: that are about it
    points: tuple[Point, ...]  #: in the order of the file
    missed: tuple[Point, ...]

    @property
    def percent(self) -> int:
        """Whole per cent, rounded down; 100 where there is nothing to reach."""
        return percent_of(len(self.points) - len(self.missed), len(self.points))

    def parts(self) -> dict[Part, tuple[int, int]]:
        """Return (reached, all) by part, of those that it has."""
        every, missed = (
            Counter(point.part for point in each) for each in (self.points, self.missed)
        )
        return {part: (every[part] - missed[part], every[part]) for part in Part if every[part]}


def covered(
    project: Project, cases: Sequence[Case], *, jobs: int = 1, tick: Tick | None = None
) -> tuple[Coverage, list[Case]]:
    """Play tests and return what they reached, and those among them that fail."""

    def play(number: int) -> tuple[set[Key], bool]:
        one = Coverage()
        with watched(one.answered):
            verdict = run_test(project, cases[number], look=lambda played: one.add(played.ledger))
        return one.reached, verdict.passed

    found = Coverage()
    failing = []
    answers = spread(play, len(cases), jobs=jobs)
    for done, (case, (reached, passed)) in enumerate(zip(cases, answers, strict=True), start=1):
        found.reached |= reached
        if not passed:
            failing.append(case)
        if tick is not None:
            tick(done, len(cases))
    return found, failing


class Coverage:
    """What tests reached so far."""

    def __init__(self) -> None:
        self.reached: set[Key] = set()

    def answered(self, span: Span, verdict: bool | None) -> None:  # noqa: FBT001
        """Take in which way a condition went."""
        self.reached.add(("leaf", span, verdict))

    def add(self, ledger: Ledger) -> None:
        """Take in the ledger of a test that was played."""
        reached = self.reached
        for row in ledger.rows("SELECT playbook, trigger, goal FROM journeys"):
            reached.add(("trigger", row["playbook"], row["trigger"]))
            reached.add(("goal", row["playbook"], row["goal"]))
        for row in ledger.rows(_ACTIONS):
            book, step = row["playbook"], row["step"]
            reached.add(("step", book, step))
            reached.add(("branch", book, step, row["branch"]))
            reached.add(("outcome", book, step, row["outcome"]))
            if row["turn"] > 1:
                reached.add(("again", book, step))
        for row in ledger.rows("SELECT place FROM decisions WHERE gate = 'stop'"):
            reached.add(("stop", row["place"]))

    def shares(self, books: Sequence[Playbook], tests: Mapping[str, int]) -> list[Share]:
        """Return what was reached of some playbooks and of the shared definitions they use.

        ``tests``: playbook -> how many tests are about it.
        """
        found, shared = [], dict[Key, Point]()
        for book in books:
            own = []
            for point in points_of(book):
                if point.span.file == book.file:
                    own.append(point)
                else:
                    shared[point.key] = point
            found.append(self._share(book.name, book.file, tests.get(book.name, 0), own))
        if shared:
            file = next(iter(shared.values())).span.file
            found.append(self._share(file, file, sum(tests.values()), shared.values()))
        return found

    def _share(self, name: str, file: str, tests: int, points: Iterable[Point]) -> Share:
        ordered = sorted(points, key=lambda point: (point.span, point.part, point.words))
        missed = tuple(point for point in ordered if point.key not in self.reached)
        return Share(name=name, file=file, tests=tests, points=tuple(ordered), missed=missed)


#: What opened or came to its end; what was planned, skipped or called off before was not reached.
_ACTIONS = """
SELECT DISTINCT playbook, step, branch, outcome, turn FROM actions
WHERE state NOT IN ('planned', 'skipped', 'cancelled')
   OR (state = 'cancelled' AND opened_at IS NOT NULL)
"""


def points_of(book: Playbook) -> list[Point]:
    """Return all that a test may reach in a playbook and the definitions that it uses."""
    root, _ = read_yaml(book.source.encode(), book.file)
    found = _Points(book, root)
    found.triggers()
    found.stops()
    for step in _live(book.steps):
        found.step(step)
        found.leaves([value for value in _values(step) if not _holds_steps(value)])
    found.leaves([book.triggers, book.only, book.excepted, book.stops])
    found.leaves(list(closure(book.catalogue, playbook_references(book)).values()))
    return list({point.key: point for point in found.points}.values())


class _Points:
    def __init__(self, book: Playbook, root: Node | None) -> None:
        self.book = book
        self.root = root
        self.points: list[Point] = []

    def add(self, part: Part, key: Key, words: str, path: str, span: Span | None = None) -> None:
        place = span or _place(self.root, path) or self.book.span
        self.points.append(Point(key=key, part=part, words=words, span=place))

    def triggers(self) -> None:
        for trigger in self.book.triggers:
            words = f"trigger {trigger.words or trigger.name} never begins a journey"
            self.add(Part.TRIGGER, ("trigger", self.book.name, trigger.name), words, trigger.path)

    def stops(self) -> None:
        for stop in self.book.stops:
            words = stop.words or stop.leaves or "its condition"
            self.add(Part.STOP, ("stop", str(stop.span)), f"never stopped by {words}", stop.path)
            if stop.goal:
                key = ("goal", self.book.name, stop.goal)
                self.add(Part.GOAL, key, f"goal {stop.goal} is never reached", f"{stop.path}/goal")

    def step(self, step: Step) -> None:
        book, name, path = self.book.name, step.name, step.path
        self.add(Part.STEP, ("step", book, name), f"step {name} never opens", path)
        match step:
            case Do():
                self.act(step)
            case Wait() if step.awaited:
                said = {"then": "the event never comes", "else": "the time never runs out"}
                ways = ["then", "else"] if step.up_to else ["then"]
                for way in ways:
                    words = f"step {name}: {said[way]}"
                    self.add(Part.BRANCH, ("branch", book, name, way), words, f"{path}/{way}")
            case Choose():
                for n, branch in enumerate(step.branches):
                    which = "else" if branch.condition is None else f"branch {n + 1}"
                    words = f"step {name}: {which} is never taken"
                    self.add(
                        Part.BRANCH, ("branch", book, name, str(n)), words, f"{path}/choose/{n}"
                    )
            case Split():
                for share, _ in step.shares:
                    words = f"step {name}: {share} is never taken"
                    self.add(
                        Part.BRANCH, ("outcome", book, name, share), words, f"{path}/split/{share}"
                    )

    def act(self, step: Do) -> None:
        book, name, path = self.book.name, step.name, step.path
        for word in step.outcomes:
            words = f"step {name} never ends with {word}"
            self.add(Part.OUTCOME, ("outcome", book, name, word), words, f"{path}/outcomes")
        for rung in overdue_steps(step):
            words = f"step {name} is never overdue for {rung.assign}"
            self.add(Part.ESCALATION, ("step", book, rung.name), words, f"{path}/if_overdue")
        for key in ("retry", "repeat"):
            if getattr(step, key) is not None:
                words = f"step {name} never comes again"
                self.add(Part.AGAIN, ("again", book, name), words, f"{path}/{key}")

    def leaves(self, value: object) -> None:
        for leaf in _leaves(value):
            if leaf.span is None:
                continue
            said = _said(leaf)
            for verdict in (True, False):
                words = f"{said} is never {'true' if verdict else 'false'}"
                self.add(Part.CONDITION, ("leaf", leaf.span, verdict), words, "", leaf.span)


def _said(leaf: Compare | InSegment) -> str:
    if isinstance(leaf, InSegment):
        return f"in: {', '.join(leaf.names)}"
    name = leaf.subject.name
    return f"{'trigger.' if leaf.subject.kind is SubjectKind.TRIGGER else ''}{name}: {leaf.words}"


def _live(steps: Iterable[Step]) -> Iterator[Step]:
    """Yield the steps that are not disabled, with those inside."""
    for step in steps:
        if step.disabled:
            continue
        yield step
        if isinstance(step, Wait):
            yield from _live((*step.then, *step.otherwise))
        elif isinstance(step, Choose):
            for branch in step.branches:
                yield from _live(branch.steps)


def _holds_steps(value: object) -> bool:
    return isinstance(value, tuple) and any(isinstance(each, Step) for each in value)


def _values(step: Step) -> Iterator[object]:
    """Yield the parts of a step; of the branches of a choose only the conditions."""
    for each in fields(step):
        part = getattr(step, each.name)
        if isinstance(step, Choose) and each.name == "branches":
            yield [branch.condition for branch in step.branches]
        else:
            yield part


def _leaves(value: object) -> Iterator[Compare | InSegment]:
    """Yield the leaves of every condition somewhere in a value."""
    if isinstance(value, Compare | InSegment):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _leaves(item)
    elif isinstance(value, tuple | list):
        for item in value:
            yield from _leaves(item)
    elif is_dataclass(value) and not isinstance(value, type):
        for name in _names(type(value)):
            yield from _leaves(getattr(value, name))


@lru_cache(maxsize=256)
def _names(kind: type) -> tuple[str, ...]:
    return tuple(each.name for each in fields(kind))


def _place(root: Node | None, path: str) -> Span | None:
    """Return where a YAML path begins: at its key, or as near above as there is something."""
    node, found = root, None
    for word in path.split("/"):
        if isinstance(node, YamlMapping):
            key, node = node.key(word), node.get(word)
            found = key.span if key else found
        elif isinstance(node, YamlSequence) and word.isdigit() and int(word) < len(node.items):
            node = node.items[int(word)]
            found = node.span
        else:
            break
    return found
