"""A run that is tried: decided in a copy of the ledger, over a log with drafted rows, as ``care run``
would decide it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from engine.console import moment
from engine.detect import sources
from engine.drafts import Draft, copy_of, draft_of, empty_draft, send_all
from engine.feed import feed
from engine.holds import on_hold
from engine.ingest.taken import Taken
from engine.ledger import Lease
from engine.log import Log
from engine.paths import paths_of
from engine.planning.overlay import draft_log
from engine.run import Runner
from engine.spool import waiting
from engine.watch import Watched, apply, measure, watched
from rules.errors import ClockError, InputError
from rules.measures import Catalogue
from rules.playbook import Existing, Project, Status

__all__ = ["Rehearsal", "Stage", "Tried", "rehearsed", "staged"]

_LEASE = Lease(fence=1, holder="")  #: nobody else has a draft


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """What a run at T finds before it decides: taken, sent and fed what waited."""

    draft: Draft
    log: Log
    at: int  #: T
    seq: int  #: S
    last: tuple[int, int] | None  #: (T, S) of the last run
    taken: Taken = field(default_factory=Taken)  #: from the spool
    sent: int = 0  #: messages of earlier runs on their way; here they count as sent


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What a run decided, beside what its ledger tells."""

    repeated: bool = False  #: this very run was done before
    head: int = 0  #: number of the last audit entry before it
    held: Mapping[str, int] = field(default_factory=dict)  #: over ``limits.per_run`` -> how many
    live: tuple[str, ...] = ()  #: playbooks of which a trigger takes its silent baseline
    waiting: Mapping[str, int] = field(default_factory=dict)
    on_hold: Mapping[str, int] = field(default_factory=dict)
    levelled: tuple[str, ...] = ()  #: playbooks that count as live since the last run


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """One tried run: what it found, its project, its ledger as it would be after, and the counts."""

    stage: Stage
    project: Project
    draft: Draft
    tried: Tried


@contextmanager
def staged(project: Project, *, at: int, wait: float = 10.0) -> Iterator[Stage]:
    """Yield what a run at T would find, all in memory.

    Raises ClockError where T lies before the last run, InputError where there is no log.
    """
    paths = paths_of(Path(project.root))
    spooled = bool(waiting(paths.spool).files)
    if not paths.log.exists() and not spooled:
        raise InputError("there is no event log yet; `care import` makes it")
    vocabulary = project.vocabulary
    with closing(draft_of(paths.ledger) if paths.ledger.exists() else empty_draft()) as draft:
        row = draft.one("SELECT at, seq FROM runs ORDER BY n DESC LIMIT 1")
        last = (row["at"], row["seq"]) if row else None
        if last is not None and at < last[0]:
            zone = vocabulary.timezone
            raise ClockError(
                f"the last run was at {moment(last[0], zone)}; a plan for {moment(at, zone)} would be"
                " of a past that is decided already: give a later --at, or see `care journeys`"
            )
        _hold_lease(draft)
        with draft_log(paths.log, vocabulary, wait=wait) as log:
            taken = Taken()
            if spooled:
                from engine.ingest.taking import try_taking  # noqa: PLC0415  rarely needed

                taken = try_taking(paths, vocabulary, draft, log, at=at)
            sent = send_all(draft)
            feed(draft, lambda: nullcontext(log), vocabulary, at=at)
            yield Stage(
                draft=draft, log=log, at=at, seq=log.max_seq(), last=last,
                taken=taken, sent=sent,
            )  # fmt: skip


@contextmanager
def rehearsed(stage: Stage, project: Project, *, level: bool = False) -> Iterator[Rehearsal]:
    """Yield the run of a project on a stage, decided in a copy of the stage's ledger.

    With ``level`` what the ledger has not seen counts as live since the last run: see ``_level``.
    """
    with closing(copy_of(stage.draft)) as draft:
        stage.log.ensure_columns(project.vocabulary)
        at, seq, log = stage.at, stage.seq, stage.log
        row = draft.one(
            "SELECT 1 FROM runs WHERE at = ? AND seq = ? AND config = ?",
            at, seq, project.config_hash,
        )  # fmt: skip
        if row is not None:
            tried = Tried(repeated=True, head=draft.head()[0], on_hold=on_hold(draft))
            yield Rehearsal(stage=stage, project=project, draft=draft, tried=tried)
            return
        levelled = _level(stage, draft, project) if level else ()
        head = draft.head()[0]
        with closing(
            Runner(project, draft, _LEASE, clock=lambda: at, prefer="reference")
        ) as runner:
            decided = runner.decide(log, at=at, seq=seq)
        held = decided.starts.held
        live = {source.playbook.name for source in decided.found if source.cursor is None}
        tried = Tried(
            head=head, held=held, levelled=levelled,
            live=tuple(sorted(live - held.keys())), waiting=decided.moved.waiting,
            on_hold=on_hold(draft),
        )  # fmt: skip
        yield Rehearsal(stage=stage, project=project, draft=draft, tried=tried)


def _hold_lease(draft: Draft) -> None:
    """Take the right to run in a draft, whoever has it in the ledger."""
    with draft.transaction():
        draft.execute(
            "INSERT OR REPLACE INTO lease (name, fence, holder, until) VALUES (?, ?, ?, ?)",
            _LEASE.name, _LEASE.fence, _LEASE.holder, 0,
        )  # fmt: skip


def _level(stage: Stage, draft: Draft, project: Project) -> tuple[str, ...]:
    """Let what the ledger has not seen count as live since the last run, and return the playbooks.

    A run takes an edited segment or trigger as it finds it: its members, and what happened before,
    are existing ones. So that two projects can be compared, both take that silent baseline where
    the last run stood, and what changed since is an edge in both. A playbook that is new and lets
    those inside begin (``existing: enrol``) is left alone: it does so in the next run.
    """
    if stage.last is None:
        return ()
    at, seq = stage.last
    log, vocabulary = stage.log, project.vocabulary
    active = [book for book in project.playbooks if book.status is Status.ACTIVE]
    nothing = Catalogue(measures={}, segments={}, classes={})
    known = {
        row["hash"]: Watched(hash=row["hash"], name=row["name"], catalogue=nothing)
        for row in draft.rows("SELECT hash, name FROM definitions")
    }
    fresh = [item for item in watched(active) if item.hash not in known]
    unseen = [
        source
        for source in sources(draft, active)
        if source.cursor is None
        and (source.edited or source.playbook.existing is not Existing.ENROL)
    ]
    if not fresh and not unseen:
        return ()
    shifts = measure(draft, log, vocabulary, fresh, at=at, seq=seq)
    with draft.transaction():
        apply(draft, fresh, shifts, asleep=known.values(), at=at, seq=seq)
        for source in unseen:
            row = {
                "playbook": source.playbook.name, "trigger": source.trigger.path,
                "hash": source.hash, "live_at": at, "at": at, "seq": seq,
            }  # fmt: skip
            draft.insert("triggers", [row], replace=True)
    return tuple(sorted({source.playbook.name for source in unseen}))
