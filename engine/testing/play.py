"""Plays one test: the runs of a story, one after another, in a ledger and a log in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, nullcontext
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from engine.drafts import Draft, empty_draft, send_all
from engine.feed import feed
from engine.ids import sha
from engine.log import Log
from engine.requests import manual_trigger, request
from engine.run import Runner
from engine.task_changes import TaskChanges
from engine.testing.memory_log import MemoryLog
from engine.testing.pace import Pace
from engine.testing.verdict import Verdict
from rules.errors import CareError, ProjectError, StateError
from rules.history import AttributeVersion, Datum, Event
from rules.playbook import HouseRules, Project, Status
from rules.project import check_files
from rules.testfile import Begins, Case, Finishes, Happening, Occurs, PutsOff, Sets
from rules.units import to_iso

__all__ = ["Played", "play", "run_test", "stage_of"]

_SOURCE = "test"
_WHO = "the test"
_OPEN = """
SELECT id FROM actions WHERE customer = ? AND step = ? AND state = 'open' AND host IS NULL
ORDER BY opens_at, id
"""
_LAST = (
    "SELECT id, state FROM actions WHERE customer = ? AND step = ? ORDER BY opens_at DESC LIMIT 1"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """A story that was played to its end."""

    project: Project  #: what ran: of its playbooks only those of the test
    ledger: Draft
    log: MemoryLog
    until: int  #: T of the last run
    runs: int


def run_test(
    project: Project,
    case: Case,
    *,
    look: Callable[[Played], None] | None = None,
    every_run: bool = False,
) -> Verdict:
    """Play a test and judge it. ``look`` sees the ledger and the log before they are gone.

    ``every_run``: also those runs at which nothing can happen. Whatever goes wrong in the story is
    told in the verdict; nothing is raised.
    """
    from engine.testing.judge import judge  # noqa: PLC0415  only what was played is judged

    try:
        with closing(empty_draft()) as ledger:
            played = play(stage_of(project, case), case, ledger, every_run=every_run)
            failures = judge(played, case)
            if look is not None:
                look(played)
            return Verdict(case=case, failures=tuple(failures), runs=played.runs)
    except _WrongDeed as error:
        return Verdict(case=case, error=f"{error.one.span}: {error}")
    except ProjectError as error:
        words = "; ".join(str(finding) for finding in error.findings[:3])
        return Verdict(case=case, error=words)
    except CareError as error:
        return Verdict(case=case, error=f"{case.span}: {error}")


class _WrongDeed(Exception):  # noqa: N818  a story that can't be told, no error of ours
    """Something in the story is not possible at that time."""

    def __init__(self, one: Happening, words: str) -> None:
        self.one = one
        super().__init__(words)


# -- the stage ---------------------------------------------------------------------------------


def stage_of(project: Project, case: Case) -> Project:
    """Return the project with the playbooks and house rules of a test alone.

    Its configuration has a hash of its own, made of the project's, so that what is kept by hash
    stays apart. Raises ProjectError where the test's house rules are wrong.
    """
    key = (project.config_hash, case.books, case.house)
    found = _STAGES.get(key)
    if found is None or found[0] is not project:
        house = project.house
        if case.house is not None:
            house = HouseRules() if case.house == "none" else _house(project, case.house)
        books = tuple(
            replace(book, status=Status.ACTIVE)
            for book in project.playbooks
            if book.name in case.books
        )
        made = replace(
            project, playbooks=books, broken=(), findings=(), house=house,
            config_hash=sha(project.config_hash, *case.books, case.house or ""),
        )  # fmt: skip
        if len(_STAGES) > 64:
            _STAGES.clear()
        found = _STAGES[key] = (project, made)
    return found[1]


#: (configuration, playbooks, house) -> the project, and what it becomes; the parts are shared.
_STAGES: dict[tuple[object, ...], tuple[Project, Project]] = {}


@lru_cache(maxsize=16)
def _house_of(root: str, name: str, data: bytes) -> HouseRules:
    """Return the house rules of another file than house.yaml."""
    folder = Path(root)
    files = {"house.yaml": data}
    for known in ("care.yaml", "shared.yaml"):
        path = folder / known
        if path.is_file():
            files[known] = path.read_bytes()
    for path in sorted((folder / "playbooks").glob("*.yaml")):
        files[f"playbooks/{path.name}"] = path.read_bytes()
    made, findings = check_files(files, root=root)
    if made is None:
        moved = [
            replace(one, span=replace(one.span, file=name))
            for one in findings
            if one.span.file == "house.yaml"
        ]
        raise ProjectError(moved or findings)
    return made.house


def _house(project: Project, name: str) -> HouseRules:
    path = Path(project.root) / name
    try:
        data = path.read_bytes()
    except OSError as error:
        raise StateError(
            f"the test's `house: {name}` can't be read: {error.strerror}; write none, or a file of the project"
        ) from error
    return _house_of(project.root, name, data)


# -- the story ---------------------------------------------------------------------------------


def play(
    stage: Project, case: Case, ledger: Draft, log: Log | None = None, *, every_run: bool = False
) -> Played:
    """Make the runs of a story, with what happens between them. Without a log, one in memory.

    Runs at which nothing can happen are left out, unless ``every_run`` or the log is another one.
    """
    memory = MemoryLog()
    used = memory if log is None else log
    every_run = every_run or log is not None
    with ledger.lease(lambda: 0) as lease:
        runner = Runner(stage, ledger, lease, clock=lambda: 0, prefer="reference", full=log is None)
        with closing(runner):
            told = _Told(stage, case, ledger, used)
            pace = Pace(stage, case)
            runner.calendar = pace.thresholds.calendar  # it knows its years already
            moments = list(pace.moments())
            runs = 0
            for at in moments:
                new = told.upto(at)
                matters = every_run or pace.matters(memory, ledger, at)
                if not (new or matters or at == moments[-1]):
                    continue
                feed(ledger, lambda: nullcontext(used), stage.vocabulary, at=at)
                runner.decide(used, at=at, seq=used.max_seq())
                send_all(ledger)
                pace.ran(ledger, at)
                runs += 1
            told.rest()
    return Played(project=stage, ledger=ledger, log=memory, until=moments[-1], runs=runs)


class _Told:
    """Puts what happens into the log and the ledger, each thing at its time."""

    def __init__(self, stage: Project, case: Case, ledger: Draft, log: Log) -> None:
        self.stage, self.ledger, self.log = stage, ledger, log
        self.zone = stage.vocabulary.timezone
        self.changes = TaskChanges(ledger, self.zone)
        # What people do at T they do after the run of T, which shows them the task.
        ordered = sorted(
            enumerate(case.happenings),
            key=lambda pair: (_known(pair[1]), not isinstance(pair[1], Occurs | Sets), pair[0]),
        )
        self.waiting: Iterator[tuple[int, Happening]] = iter(ordered)
        self.next = next(self.waiting, None)
        self._people(case.customers)

    def upto(self, at: int) -> bool:
        """Let everything happen that is known by T; tell whether anything did."""
        any_ = False
        while self.next is not None and _known(self.next[1]) <= at:
            if not isinstance(self.next[1], Occurs | Sets) and _known(self.next[1]) == at:
                break
            self._happens(*self.next)
            self.next = next(self.waiting, None)
            any_ = True
        return any_

    def rest(self) -> None:
        """Let happen what comes at the instant of the last run."""
        while self.next is not None:
            self._happens(*self.next)
            self.next = next(self.waiting, None)

    def _people(self, customers: Mapping[str, Mapping[str, Datum | None]]) -> None:
        vocabulary = self.stage.vocabulary
        first = next(iter(vocabulary.attributes), None)
        said = []
        for customer, values in customers.items():
            known: dict[str, Datum | None] = dict(values)
            if not known and first is not None:
                known[first] = None
            said += [
                (
                    customer,
                    AttributeVersion(name=name, at=0, value=value, id=f"0:{customer}:{name}"),
                )
                for name, value in known.items()
            ]
        self.log.append_attributes(said, vocabulary=vocabulary, source=_SOURCE, known_at=0)

    def _happens(self, number: int, one: Happening) -> None:
        vocabulary = self.stage.vocabulary
        match one:
            case Occurs():
                event = Event(id=f"{number:05}", name=one.event, at=one.at, fields=one.fields)
                self.log.append(
                    [(one.customer, event)],
                    vocabulary=vocabulary,
                    source=_SOURCE,
                    known_at=one.arrives,
                )
            case Sets():
                versions = [
                    (
                        one.customer,
                        AttributeVersion(
                            name=name, at=one.at, value=value, id=f"{number:05}:{name}"
                        ),
                    )
                    for name, value in one.values.items()
                ]
                self.log.append_attributes(
                    versions, vocabulary=vocabulary, source=_SOURCE, known_at=one.arrives
                )
            case _:
                self._deed(one)

    def _deed(self, one: Finishes | PutsOff | Begins) -> None:
        try:
            with self.ledger.transaction():
                match one:
                    case Finishes():
                        self.changes.finish(
                            self._task(one), at=one.at, outcome=one.outcome, asked=one.asked,
                            note=one.note, who=_WHO,
                        )  # fmt: skip
                    case PutsOff():
                        self.changes.snooze(
                            self._task(one), until=one.until, at=one.at, why=_WHO, who=_WHO
                        )
                    case Begins():
                        book, trigger = manual_trigger(self.stage, one.playbook, one.trigger)
                        request(
                            self.ledger, self.log, book, trigger, [one.customer], key=None, source="",
                            at=one.at, who=_WHO,
                        )  # fmt: skip
        except CareError as error:
            raise _WrongDeed(one, str(error)) from error

    def _task(self, one: Finishes | PutsOff) -> str:
        row = self.ledger.one(_OPEN, one.customer, one.step)
        if row is not None:
            return str(row["id"])
        when = to_iso(one.at, self.zone)[:16].replace("T", " ")
        last = self.ledger.one(_LAST, one.customer, one.step)
        if last is None:
            words = f'there is no task "{one.step}" of {one.customer} at {when}'
        else:
            words = (
                f'the task "{one.step}" of {one.customer} is {last["state"]}, not open, at {when}'
            )
        raise StateError(f"{words}; a run has to open it first")


def _known(one: Happening) -> int:
    return one.arrives if isinstance(one, Occurs | Sets) else one.at
