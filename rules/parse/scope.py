"""What the readers of steps know: names in scope, triggers, results of the steps above."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeVar

from rules.conditions import Subject, SubjectKind
from rules.parse.names import Left, Names, Sort, Subjects
from rules.parse.place import Place
from rules.playbook import Anchor, AskedKind, Do, Split, Step, Trigger, walk
from rules.templates import Text

if TYPE_CHECKING:
    from rules.templates.reader import Source

__all__ = ["Around", "Head", "Parts", "Scope", "step_lefts"]

_SORTS = {
    AskedKind.SCALE: Sort.NUMBER,
    AskedKind.NUMBER: Sort.NUMBER,
    AskedKind.CHOICE: Sort.WORD,
    AskedKind.TEXT: Sort.TEXT,
    AskedKind.DATE: Sort.DATE,
    AskedKind.YES_NO: Sort.YES_NO,
}

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What a playbook's steps need of the rest of the project."""

    template: Callable[[str], str | None]  #: None: it is there; else what to write instead
    text: Callable[[str], Source | None]  #: what a file says; None: the project has no texts yet
    routing: bool  #: house.yaml says through which channel ``do: message`` goes
    playbooks: frozenset[str]  #: names of all playbooks, broken ones too


@dataclass(slots=True, kw_only=True)
class Scope:
    """The names that a step may use, which grow from step to step."""

    names: Names
    subjects: Subjects  #: the customer, the trigger and the playbook's step names
    triggers: tuple[Trigger, ...] | None  #: None: could not be read
    around: Around
    done: dict[str, Left] = field(default_factory=dict)  #: results of the steps read so far
    texts: dict[str, Text] = field(default_factory=dict)  #: by file, or BRIEF and the step's name
    seen: set[str] = field(default_factory=set)  #: names of the steps read so far
    apart: frozenset[str] = frozenset()  #: steps of other branches: they don't happen with this one

    def here(self) -> Subjects:
        """Return what a condition may name at this step."""
        done = {name: left for name, left in self.done.items() if _head(name) not in self.apart}
        later = (self.subjects.step_names - self.seen) | self.apart
        return replace(self.subjects, steps=done, later=later)


def _head(name: str) -> str:
    return name.partition(".")[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What every kind of step has, as far as it could be read."""

    name: str  #: "" where it is wrong
    place: Place
    anchor: Anchor
    disabled: bool
    sound: bool  #: False where ``from`` or ``disabled`` is wrong

    def under(self, key: str) -> Place:
        """Return the value of the key that says the kind. Raises KeyError."""
        found = self.place.get(key)
        if found is None:
            raise KeyError(key)
        return found


@dataclass(slots=True)
class Parts:
    """The parts of one thing; sound while every part that is there could be read."""

    sound: bool = True

    def read(self, place: Place | None, reader: Callable[[Place], _T | None]) -> _T | None:
        """Return what a reader makes of a place; None without one, or where it is wrong."""
        if place is None:
            return None
        found = reader(place)
        if found is None:
            self.sound = False
        return found


def step_lefts(steps: tuple[Step, ...]) -> dict[str, Left]:
    """Return ``<step>.outcome`` and ``<step>.<asked>`` of all steps, with their types."""
    found: dict[str, Left] = {}
    for step in walk(steps):
        if isinstance(step, Split):
            words = tuple(share for share, _ in step.shares)
            found |= _left(f"{step.name}.outcome", Sort.WORD, words)
        elif isinstance(step, Do):
            found |= _left(f"{step.name}.outcome", Sort.WORD, (*step.outcomes, "expired"))
            for asked in step.ask:
                found |= _left(f"{step.name}.{asked.name}", _SORTS[asked.kind], asked.choices)
    return found


def _left(name: str, sort: Sort, words: tuple[str, ...]) -> dict[str, Left]:
    subject = Subject(SubjectKind.STEP, name)
    return {name: Left(subject=subject, label=name, sort=sort, words=words)}
