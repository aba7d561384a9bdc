"""What an edit changes: two projects tried on one log, one ledger and one instant, thing by thing."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from engine.console import moment
from engine.drafts import Draft
from engine.planning.items import Counted, Item, What, doings
from engine.planning.plan import chosen, known_books, known_customers, names_of
from engine.planning.rehearsal import Rehearsal, rehearsed, staged
from engine.planning.wording import TextChange, changed_texts
from engine.render import Rendered, rendered
from rules.errors import StateError, UsageError
from rules.playbook import Migrate, Project

__all__ = ["Comparison", "Difference", "Inflight", "Sign", "Starts", "compare"]


class Sign(StrEnum):
    """How a thing differs."""

    ADDED = "+"
    GONE = "-"
    CHANGED = "~"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One thing that the edit adds, takes away or changes."""

    sign: Sign
    before: Item | None  #: under the other project
    after: Item | None  #: under this one
    changes: tuple[str, ...] = ()  #: in words: ``due Mon ... → Tue ...``
    texts: tuple[TextChange, ...] = ()  #: personal

    @property
    def item(self) -> Item:
        """The thing as it would be; where it is gone, as it would have been."""
        gone = self.sign is Sign.GONE and self.before is not None
        found = self.before if gone else self.after or self.before
        assert found is not None
        return found

    @property
    def start(self) -> bool:
        """True where it is about whether a journey begins."""
        return self.item.what in _STARTS


@dataclass(frozen=True, slots=True, kw_only=True)
class Inflight:
    """Running journeys of an edited playbook, and what ``migrate`` does to them in the next run."""

    playbook: str
    count: int
    migrate: Migrate


@dataclass(frozen=True, slots=True, kw_only=True)
class Starts:
    """How many journeys of a playbook begin, against its blast radius."""

    playbook: str
    before: int
    after: int  #: also where it would be held
    limit: int  #: ``limits.per_run``; 0 where this project does not have the playbook
    held: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The difference between two projects at (T, S)."""

    against: str
    at: int  #: T
    last: int | None  #: T of the last run
    found: tuple[Difference, ...]
    starts: tuple[Starts, ...]  #: of playbooks in which anything begins
    counted: tuple[tuple[Counted, int], ...]  #: refusals of many, and how many there were before
    inflight: tuple[Inflight, ...]
    levelled: tuple[str, ...]  #: playbooks whose edit the next run itself meets with a baseline
    broken: tuple[str, ...]  #: files of playbooks that are left out
    broken_before: tuple[str, ...]
    names: Mapping[str, str] = field(default_factory=dict)  #: customer -> name; personal

    @property
    def any(self) -> bool:
        """True where the edit changes what the next run does."""
        return bool(
            self.found or self.counted or any(one.before != one.after for one in self.starts)
        )

    def count(self, sign: Sign, *, starts: bool) -> int:
        """Return how many starts, or other things, differ in a way."""
        return sum(one.sign is sign and one.start is starts for one in self.found)


@dataclass(frozen=True, slots=True)
class _Side:
    """One project's items by what they are about, and its texts."""

    items: Mapping[tuple[str, ...], Item]
    texts: Mapping[str, Rendered]  #: action -> what it says
    counted: Mapping[tuple[str, str, str], int]
    held: Mapping[str, int]
    begun: Mapping[str, int]


_STARTS = (What.STARTS, What.REFUSES, What.WAITS)
_ENDS = (What.STOPS, What.FINISHES)
_HOLDS = (What.HELD, What.RESUMES)
_SAYS = (What.SENDS, What.OPENS)


def compare(
    project: Project,
    other: Project,
    *,
    against: str,
    at: int,
    playbooks: Collection[str] = (),
    customers: Collection[str] = (),
    wait: float = 10.0,
) -> Comparison:
    """Return what a project does at T that ``other`` does not, and the other way round.

    Both see the same log, ledger and spool; what the ledger has not seen of either counts as live
    since the last run, so that both tell what changed since. Nothing is written. Raises as
    ``staged`` does, UsageError for an unknown playbook or customer.
    """
    names = {book.name for book in other.playbooks}
    known_books(project, [name for name in playbooks if name not in names])
    with staged(project, at=at, wait=wait) as stage:
        known_customers(stage.log, customers)
        with rehearsed(stage, other, level=True) as found:
            before = _side(found, playbooks, customers)
        with rehearsed(stage, project, level=True) as found:
            after = _side(found, playbooks, customers)
            levelled = found.tried.levelled
        zone = project.vocabulary.timezone
        differences = sorted(_differences(before, after, zone), key=lambda one: one.item.order)
        named = {one.item.customer for one in differences}
        return Comparison(
            against=against, at=at, last=stage.last[0] if stage.last else None,
            found=tuple(differences), starts=_starts(project, before, after),
            counted=_counted(before, after), inflight=_inflight(project, stage.draft, playbooks),
            levelled=tuple(name for name in levelled if not playbooks or name in playbooks),
            broken=project.broken, broken_before=other.broken,
            names=names_of(stage.log, project, named, at=at),
        )  # fmt: skip


def _side(found: Rehearsal, playbooks: Collection[str], customers: Collection[str]) -> _Side:
    if found.tried.repeated:
        raise UsageError(
            "the last run was at this very instant, on this very log: there is nothing to compare;"
            " give a later --at"
        )
    every, many = doings(found)
    items = chosen(every, playbooks, customers)
    begun: dict[str, int] = {}
    for item in items:
        if item.what is What.STARTS:
            begun[item.playbook] = begun.get(item.playbook, 0) + 1
    return _Side(
        items={(_about(item), *item.key): item for item in items},
        texts={item.action: _texts(found.draft, item) for item in items if item.what in _SAYS},
        counted={
            (one.playbook, one.trigger, one.reason): one.count
            for one in many
            if not customers and (not playbooks or one.playbook in playbooks)
        },
        held={
            name: n for name, n in found.tried.held.items() if not playbooks or name in playbooks
        },
        begun=begun,
    )


def _about(item: Item) -> str:
    """Return what an item is about: of each there is one in a journey, or step."""
    if item.step:
        return "step"
    if item.what in _STARTS:
        return "start"
    if item.what in _ENDS:
        return "end"
    return "hold" if item.what in _HOLDS else str(item.what)


def _texts(draft: Draft, item: Item) -> Rendered:
    try:
        return rendered(draft, item.action) or Rendered()
    except StateError:  # erased since
        return Rendered()


def _differences(before: _Side, after: _Side, zone: str) -> list[Difference]:
    found = []
    for key in before.items.keys() | after.items.keys():
        old, new = before.items.get(key), after.items.get(key)
        one = _difference(old, new, before, after, zone)
        if one is not None:
            found.append(one)
    return found


def _difference(
    old: Item | None, new: Item | None, before: _Side, after: _Side, zone: str
) -> Difference | None:
    if old is None or new is None:
        only = new or old
        assert only is not None
        if only.what is What.REFUSES:  # what did not begin does not begin either
            return None
        return Difference(sign=Sign.GONE if new is None else Sign.ADDED, before=old, after=new)
    changes = tuple(_changes(old, new, zone))
    texts: tuple[TextChange, ...] = ()
    if old.what in _SAYS and new.what in _SAYS:
        texts = changed_texts(before.texts[old.action], after.texts[new.action])
    if not changes and not texts:
        return None
    sign = Sign.CHANGED
    if old.what is What.STARTS and new.what is not What.STARTS:
        sign = Sign.GONE
    elif new.what is What.STARTS and old.what is not What.STARTS:
        sign = Sign.ADDED
    return Difference(sign=sign, before=old, after=new, changes=changes, texts=texts)


def _changes(old: Item, new: Item, zone: str) -> list[str]:
    """Return in words what differs between one thing under two projects."""
    shown = [
        ("", _outcome(old), _outcome(new)),
        ("channel", old.channel, new.channel),
        ("opens", *_when(old.opens_at, new.opens_at, zone)),
        ("due", *_when(old.due_by, new.due_by, zone)),
        ("until", *_when(old.until, new.until, zone)),
        ("who", old.assignee, new.assignee),
        ("rule", old.rule, new.rule),
    ]
    return [
        f"{name} {one or 'none'} → {two or 'none'}".lstrip()
        for name, one, two in shown
        if one != two
    ]


def _outcome(item: Item) -> str:
    return f"{item.what} ({item.reason})" if item.reason else str(item.what)


def _when(old: int | None, new: int | None, zone: str) -> tuple[str, str]:
    return moment(old, zone), moment(new, zone)


def _starts(project: Project, before: _Side, after: _Side) -> tuple[Starts, ...]:
    limits = {book.name: book.per_run for book in project.playbooks}
    names = before.begun.keys() | after.begun.keys() | before.held.keys() | after.held.keys()
    return tuple(
        Starts(
            playbook=name, before=before.held.get(name, before.begun.get(name, 0)),
            after=after.held.get(name, after.begun.get(name, 0)), limit=limits.get(name, 0),
            held=name in after.held,
        )
        for name in sorted(names)
    )  # fmt: skip


def _counted(before: _Side, after: _Side) -> tuple[tuple[Counted, int], ...]:
    return tuple(
        (
            Counted(
                playbook=key[0], trigger=key[1], reason=key[2], count=after.counted.get(key, 0)
            ),
            before.counted.get(key, 0),
        )
        for key in sorted(before.counted.keys() | after.counted.keys())
        if before.counted.get(key) != after.counted.get(key)
    )


def _inflight(project: Project, draft: Draft, playbooks: Collection[str]) -> tuple[Inflight, ...]:
    rows = draft.rows(
        "SELECT playbook, revision, count(*) AS n FROM journeys WHERE state = 'running'"
        " GROUP BY playbook, revision"
    )
    books = {book.name: book for book in project.playbooks}
    counts: dict[str, int] = {}
    for row in rows:
        book = books.get(row["playbook"])
        if book is not None and book.revision != row["revision"]:
            counts[book.name] = counts.get(book.name, 0) + row["n"]
    return tuple(
        Inflight(playbook=name, count=count, migrate=books[name].migrate)
        for name, count in sorted(counts.items())
        if not playbooks or name in playbooks
    )
