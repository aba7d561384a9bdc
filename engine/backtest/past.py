"""Playing the past: one run after another, with what was known at each, in a ledger in memory."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from engine.backtest.people import People, Tasks
from engine.backtest.sandbox import Copied, Sandbox, open_sandbox
from engine.drafts import Draft, empty_draft, send_all
from engine.feed import feed
from engine.run import Runner
from rules.errors import InputError, UsageError, did_you_mean
from rules.playbook import Playbook, Project, Status

__all__ = ["Played", "Setting", "chosen", "play"]

_PERSON = "backtest"  #: who approves what is held, in the ledger in memory

Progress = Callable[[int, int | None], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What is assumed of the past that is played."""

    moments: Sequence[int]  #: instants of the runs, ascending
    tasks: Tasks = Tasks.DONE
    outcomes: Mapping[str, str] = field(default_factory=dict)  #: step -> word
    matcher: str = "reference"


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """A past that was played; ledger and log are there until ``play`` ends."""

    project: Project  #: with the chosen playbooks active and no other
    draft: Draft
    sandbox: Sandbox
    setting: Setting
    copied: Copied
    held: Mapping[int, Mapping[str, int]]  #: T -> playbook -> journeys over its ``per_run``


def chosen(project: Project, names: Sequence[str], *, others: bool = False) -> Project:
    """Return a project in which the named playbooks are active, and of the others those that were
    so, with ``others``, else none. Without names every active one is chosen.

    Raises UsageError for an unknown name, InputError where nothing is left to try.
    """
    known = {book.name: book for book in project.playbooks}
    for name in names:
        if name in project.broken or f"playbooks/{name}.yaml" in project.broken:
            raise InputError(f'the playbook "{name}" has errors: `care check` names them')
        if name not in known:
            hint = did_you_mean(name, known) or "`care check` names what there is"
            raise UsageError(f'no playbook "{name}"; {hint}')

    def status(book: Playbook) -> Status:
        if book.name in names:
            return Status.ACTIVE
        return book.status if others or not names else Status.PAUSED

    books = tuple(replace(book, status=status(book)) for book in project.playbooks)
    if not any(book.status is Status.ACTIVE for book in books):
        raise InputError("no playbook is active: name those to try, care backtest PLAYBOOK")
    return replace(project, playbooks=books)


@contextmanager
def play(
    project: Project, log: Path, setting: Setting, progress: Progress | None = None
) -> Iterator[Played]:
    """Yield the past as it would have been, then forget it. The project's own files are only read.

    A playbook that is held by ``limits.per_run`` is approved for the run after it.
    """
    with open_sandbox(log, project.vocabulary) as sandbox, closing(empty_draft()) as draft:
        held = _runs(project, draft, sandbox, setting, progress or (lambda _done, _total: None))
        first, last = setting.moments[0], setting.moments[-1]
        yield Played(
            project=project, draft=draft, sandbox=sandbox, setting=setting, held=held,
            copied=sandbox.copied(first, last),
        )  # fmt: skip


def _runs(
    project: Project, draft: Draft, sandbox: Sandbox, setting: Setting, progress: Progress
) -> dict[int, Mapping[str, int]]:
    """Make all runs; return what was held when."""
    held: dict[int, Mapping[str, int]] = {}
    people = People(draft, setting.tasks, setting.outcomes, project.vocabulary.timezone)
    with (
        _few_collections(),
        draft.lease(lambda: 0) as lease,
        closing(
            Runner(project, draft, lease, clock=lambda: 0, prefer=setting.matcher)
        ) as runner,
    ):  # fmt: skip
        for index, at in enumerate(setting.moments):
            people.work(at)
            sandbox.advance(at)
            feed(draft, sandbox.opened, project.vocabulary, at=at)
            over = runner.decide(sandbox.log, at=at, seq=sandbox.log.max_seq()).starts.held
            send_all(draft)
            if over:
                held[at] = dict(over)
                _approve(draft, over, at)
            progress(index + 1, len(setting.moments))
    return held


def _approve(draft: Draft, over: Mapping[str, int], at: int) -> None:
    with draft.transaction():
        rows = [{"playbook": name, "at": at, "who": _PERSON} for name in sorted(over)]
        draft.insert("approvals", rows, replace=True, at=at)


@contextmanager
def _few_collections() -> Iterator[None]:
    """Let Python look for garbage in circles seldom: a year makes millions of objects, and none."""
    before = gc.get_threshold()
    gc.set_threshold(200_000, 50, 50)
    try:
        yield
    finally:
        gc.set_threshold(*before)
