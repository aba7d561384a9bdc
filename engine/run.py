"""One run at T: feed, detect, start, advance, write, deliver. The only module with effects."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from functools import cache, partial
from importlib import metadata
from pathlib import Path
from typing import Any

from engine.advance import Moved, advance_journeys, close_journeys
from engine.calendar import WorkingCalendar
from engine.chain import chained
from engine.configs import Configs
from engine.context import RunContext
from engine.deferred import deferred_candidates
from engine.deliver import deliver
from engine.delivery import Delivery
from engine.detect import Candidate, Source, advance_cursors, detect, sources
from engine.facts import Facts
from engine.feed import feed
from engine.gate import Gate, gate_rules
from engine.holding import settle_holds
from engine.holds import Holds, on_hold
from engine.ids import canonical_json
from engine.ingest.taken import Taken
from engine.ledger import Lease, Ledger
from engine.log import Log, open_log
from engine.migrate import migrate_journeys
from engine.outbox import ABOUT_NOW
from engine.paths import paths_of
from engine.revisions import Revisions
from engine.spool import waiting
from engine.start import Starts, start_journeys
from engine.stops import stop_journeys
from engine.store import Store
from engine.waits import Waits
from engine.watch import Compiled, Shift, Watched, apply, measure, watched
from rules.errors import ClockError, InputError
from rules.matcher import Matcher, open_matcher
from rules.mentions import event_names
from rules.playbook import Playbook, Project, Status, TriggerKind
from rules.units import to_iso

__all__ = ["RunResult", "Runner", "open_runner"]

Report = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    """What one run did."""

    at: int
    seq: int
    repeated: bool  #: this very run was done before; only delivery was looked at
    taken: Taken = field(default_factory=Taken)  #: what other programs had sent
    fed: int = 0  #: events that care wrote about its own work
    starts: Mapping[tuple[str, str], int] = field(default_factory=dict)
    moves: Mapping[tuple[str, str], int] = field(default_factory=dict)
    stops: Mapping[tuple[str, str], int] = field(default_factory=dict)
    live: tuple[str, ...] = ()  #: playbooks that took their silent baseline
    held: Mapping[str, int] = field(default_factory=dict)
    waiting: Mapping[str, int] = field(default_factory=dict)
    on_hold: Mapping[str, int] = field(
        default_factory=dict
    )  #: playbook -> journeys, by house rules
    finished: int = 0
    delivery: Delivery = field(default_factory=Delivery)
    matcher: str = ""
    degraded: str | None = None  #: why the rule engine was replaced in the middle
    head: tuple[int, str] = (0, "")  #: number and hash of the last audit entry

    @property
    def started(self) -> int:
        """How many journeys began."""
        return sum(count for (_, what), count in self.starts.items() if what == "started")


class Runner:
    """Runs a project at one instant after another, holding the lease. Close it."""

    def __init__(
        self,
        project: Project,
        ledger: Ledger,
        lease: Lease,
        *,
        clock: Callable[[], int],
        prefer: str = "durable",
        full: bool = False,
        past: bool = False,
        report: Report | None = None,
    ) -> None:
        self.project = project
        self.ledger = ledger
        self.lease = lease
        self.clock = clock
        self.full = full
        self.past = past  #: what runs of the past decide is sent as well
        self.report = report or (lambda _: None)
        self.paths = paths_of(Path(project.root))
        self.store = Store(ledger)
        self.revisions = Revisions(ledger)
        self.calendar = WorkingCalendar.of(project.vocabulary)
        self._compiled: Compiled = {}
        self._events: dict[int, tuple[object, frozenset[str]]] = {}  #: that each speaks of
        self.books = {book.name: book for book in project.playbooks}
        self.matcher: Matcher = open_matcher(gate_rules(project.house), prefer)

    def close(self) -> None:
        """Let the rule engine's process go."""
        self.matcher.close()

    def done_before(self, at: int) -> bool:
        """True when a run at T is in the ledger under this configuration."""
        row = self.ledger.one(
            "SELECT 1 FROM runs WHERE at = ? AND config = ?", at, self.project.config_hash
        )
        return row is not None

    def last(self) -> tuple[int, int] | None:
        """Return (T, S) of the last run, or None."""
        row = self.ledger.one("SELECT at, seq FROM runs ORDER BY n DESC LIMIT 1")
        return (row["at"], row["seq"]) if row else None

    def run(self, at: int) -> RunResult:
        """Evaluate at T and deliver. The same T, S and configuration again only delivers.

        Raises ClockError when T lies before the last run, InputError when there is no log.
        """
        last = self.last()
        if last is not None and at < last[0]:
            zone = self.project.vocabulary.timezone
            raise ClockError(
                f"the last run was at {to_iso(last[0], zone)}; a run at {to_iso(at, zone)} would"
                " decide about a past that is decided already"
            )
        taken = self._take(at)  # before anything is sent: a consent may have been withdrawn
        if not self.paths.log.exists():
            raise InputError("there is no event log yet; `care import` makes it")
        before = self.deliver(at)  # what an earlier run decided and could not send any more
        opened = partial(open_log, self.paths.log, writable=True)
        fed = feed(self.ledger, opened, self.project.vocabulary, at=at)
        with open_log(self.paths.log, writable=False) as log:
            log.ensure_columns(self.project.vocabulary)
            seq = log.max_seq()
            row = self.ledger.one(
                "SELECT 1 FROM runs WHERE at = ? AND seq = ? AND config = ?",
                at, seq, self.project.config_hash,
            )  # fmt: skip
            if row is None:
                decided = self.decide(log, at=at, seq=seq)
        self.report("deliver")
        delivery = self.deliver(at, before)
        if row is not None:
            return RunResult(
                at=at, seq=seq, repeated=True, fed=fed, delivery=delivery, head=self.ledger.head(),
                matcher=self.matcher.name, taken=taken,
            )  # fmt: skip
        return replace(self._result(at, seq, fed, decided, delivery), taken=taken)

    def deliver(self, at: int | None = None, before: Delivery | None = None) -> Delivery:
        """Work the outbox alone, as of T (default that of the last run), and return what this pass
        and the one ``before`` it did; both together take no longer than ``deliver_for``.

        Only what a run of the present decides may wait for room in a channel.
        """
        so_far = before or Delivery()
        waits = before is not None and at is not None and abs(self.clock() - at) <= ABOUT_NOW
        done = deliver(
            self.project, self.ledger, clock=self.clock, at=at, past=self.past,
            seconds=self.project.vocabulary.deliver_for.seconds - so_far.seconds,
            wait_for=(Waits.RATE,) if waits else (),
        )  # fmt: skip
        return so_far.plus(done)

    def _take(self, at: int) -> Taken:
        """Take what other programs sent since the last run."""
        if not waiting(self.paths.spool).files:
            return Taken()
        from engine.ingest.taking import take  # noqa: PLC0415  most runs find nothing

        return take(self.paths, self.project.vocabulary, self.ledger, self.lease, at=at)

    def decide(self, log: Log, *, at: int, seq: int) -> _Decided:
        """Write the decisions of a run at (T, S) in one transaction; DuckDB is only read."""
        last = self.last()
        self.report("measure")
        active = [b for b in self.project.playbooks if b.status is Status.ACTIVE]
        pinned = self._pinned()
        definitions = watched([*active, *pinned])
        shifts = measure(
            self.ledger, log, self.project.vocabulary, definitions, at=at, seq=seq,
            full=self.full, compiled=self._compiled,
        )  # fmt: skip
        ctx = RunContext(
            project=self.project, ledger=self.ledger, store=self.store, revisions=self.revisions,
            facts=Facts(log, self.project.vocabulary, at=at, seq=seq, kinds=self._read(pinned)),
            gate=Gate(self.project.house, self.matcher), calendar=self.calendar,
            at=at, seq=seq, books=self.books, holds=Holds(self.ledger), full=self.full,
        )  # fmt: skip
        self.report("decide")
        with self.ledger.transaction(self.lease):
            return self._write(ctx, log, definitions, shifts, active, last)

    def _pinned(self) -> list[Playbook]:
        rows = self.ledger.rows("SELECT DISTINCT revision FROM journeys WHERE state = 'running'")
        return [self.revisions.get(row["revision"]) for row in list(rows)]

    def _read(self, pinned: Sequence[Playbook]) -> frozenset[str]:
        """Return the events that something in a run may ask for: of the rest nothing is fetched."""
        for one in (self.project, *pinned):
            if id(one) not in self._events:
                self._events[id(one)] = one, _spoken(one)
        return frozenset().union(*(names for _, names in self._events.values()))

    def _asleep(self) -> list[Playbook]:
        """Return what the broken playbooks were while they were sound: they keep their state."""
        found = [
            self.revisions.get(row["id"])
            for file in self.project.broken
            for row in list(self.ledger.rows("SELECT id FROM revisions WHERE file = ?", file))
        ]
        return [book for book in found if book.name not in self.books]

    def _write(
        self,
        ctx: RunContext,
        log: Log,
        definitions: Sequence[Watched],
        shifts: Sequence[Shift],
        active: Sequence[Playbook],
        last: tuple[int, int] | None,
    ) -> _Decided:
        at, seq = ctx.at, ctx.seq
        asleep = self._asleep()
        apply(self.ledger, definitions, shifts, asleep=watched(asleep), at=at, seq=seq)
        Configs(self.ledger).keep(self.project, at=at)
        for book in active:
            self.revisions.keep(book, at=at)
        at0, seq0 = last or (at, seq)
        stopped, heard = stop_journeys(ctx, log, at0=at0, seq0=seq0)
        moved = close_journeys(ctx, heard, migrate_journeys(ctx))
        settle_holds(ctx)
        found = sources(self.ledger, active)
        candidates = detect(
            self.ledger, log, self.project.vocabulary, found, shifts, at=at, seq=seq,
            calendar=ctx.calendar,
        )  # fmt: skip
        firsts = [c for c in candidates if c.trigger.kind is TriggerKind.FIRST]
        ctx.facts.expect(candidate.customer for candidate in firsts)
        wanted = [candidate for candidate in candidates if _meets(ctx, candidate)]
        approved = [row["playbook"] for row in self.ledger.rows("SELECT playbook FROM approvals")]
        starts = start_journeys(ctx, [*deferred_candidates(ctx), *wanted], approved=approved)
        for name in approved:
            self.ledger.drop("approvals", {"playbook": name}, at=at)
        moved, starts = self._advance(ctx, moved, starts)
        broken = frozenset(book.name for book in asleep)
        advance_cursors(self.ledger, found, frozenset(starts.held), broken, at=at, seq=seq)
        decided = _Decided(
            starts=starts, moved=moved, found=tuple(found),
            stops=Counter((journey.playbook, str(halt.reason)) for journey, halt in stopped),
            degraded=self.matcher.degraded,
        )  # fmt: skip
        self._record(ctx, decided)
        return decided

    def _advance(self, ctx: RunContext, moved: Moved, starts: Starts) -> tuple[Moved, Starts]:
        """Advance to a fixpoint; playbooks that ``start:`` steps begin are advanced in turn."""
        requests = list(moved.starts)
        settle_holds(ctx, starts.customers)
        moved = moved.plus(advance_journeys(ctx))
        requests += moved.starts
        while requests:
            more = start_journeys(ctx, chained(ctx, requests), approved=tuple(ctx.books))
            settle_holds(ctx, more.customers)
            moved = moved.plus(advance_journeys(ctx))
            requests = list(moved.starts)
            starts = starts.plus(more)
        return moved, starts

    def _record(self, ctx: RunContext, decided: _Decided) -> None:
        left_out = {"left_out": list(self.project.broken)} if self.project.broken else {}
        summary = canonical_json({**decided.summary(), **left_out})
        versions = _versions()
        last = self.ledger.one("SELECT max(n) AS n FROM runs")
        row = {
            "n": (last["n"] if last and last["n"] else 0) + 1, "at": ctx.at, "seq": ctx.seq, "config": self.project.config_hash,
            "matcher": self.matcher.name, "versions": versions, "summary": summary,
            "wall": self.clock(),
        }  # fmt: skip
        self.ledger.insert("runs", [row], at=ctx.at)

    def _result(
        self, at: int, seq: int, fed: int, decided: _Decided, delivery: Delivery
    ) -> RunResult:
        live = sorted({source.playbook.name for source in decided.found if source.cursor is None})
        return RunResult(
            at=at, seq=seq, repeated=False, fed=fed, starts=decided.starts.counts,
            moves=decided.moved.counts, stops=decided.stops, held=decided.starts.held,
            live=tuple(name for name in live if name not in decided.starts.held),
            waiting=decided.moved.waiting, on_hold=on_hold(self.ledger), finished=decided.moved.finished, delivery=delivery,
            matcher=self.matcher.name, degraded=decided.degraded, head=self.ledger.head(),
        )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class _Decided:
    starts: Starts
    moved: Moved
    found: tuple[Source, ...]
    stops: Mapping[tuple[str, str], int]
    degraded: str | None

    def summary(self) -> dict[str, Any]:
        """Return the counts that stand in the run's row."""
        return {
            "starts": _told(self.starts.counts),
            "moves": _told(self.moved.counts),
            "stops": _told(self.stops),
            "held": dict(self.starts.held),
            "waiting": dict(self.moved.waiting),
            "finished": self.moved.finished,
        }


def _told(counts: Mapping[tuple[str, str], int]) -> dict[str, int]:
    return {f"{name}/{what}": count for (name, what), count in sorted(counts.items())}


def _meets(ctx: RunContext, candidate: Candidate) -> bool:
    """Whether a candidate is what its trigger speaks of: its ``where``, and first means first."""
    events, event = candidate.trigger.events, candidate.event
    if events is None or event is None or candidate.trigger.kind is TriggerKind.MISSING:
        return True
    if not ctx.facts.passes(events.where, event):
        return False
    if candidate.trigger.kind is not TriggerKind.FIRST:
        return True
    return not any(
        earlier.name in events.names
        and (earlier.at, earlier.id) < (event.at, event.id)
        and ctx.facts.passes(events.where, earlier)
        for earlier in ctx.facts.history(candidate.customer).events
    )


#: What projects and playbooks speak of: tests play one of them in a thousand ledgers.
_SPOKEN: dict[int, tuple[object, frozenset[str]]] = {}
_MOST_SPOKEN = 256


def _spoken(one: object) -> frozenset[str]:
    found = _SPOKEN.get(id(one))
    if found is None or found[0] is not one:
        if len(_SPOKEN) >= _MOST_SPOKEN:
            _SPOKEN.clear()
        found = _SPOKEN[id(one)] = one, event_names(one)
    return found[1]


@cache
def _versions() -> str:
    """Return the versions of what a decision depends on, as JSON; finding them out takes 3 ms."""
    names = ("duckdb", "holidays", "tzdata")
    return canonical_json({name: metadata.version(name) for name in names})


@contextmanager
def open_runner(
    project: Project,
    ledger: Ledger,
    *,
    clock: Callable[[], int],
    prefer: str = "durable",
    full: bool = False,
    past: bool = False,
    report: Report | None = None,
) -> Iterator[Runner]:
    """Yield a runner under the lease, and let both go."""
    with (
        ledger.lease(clock) as lease,
        closing(
            Runner(
                project,
                ledger,
                lease,
                clock=clock,
                prefer=prefer,
                full=full,
                past=past,
                report=report,
            )
        ) as runner,
    ):
        yield runner
