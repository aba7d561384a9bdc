"""The inside of the yard: scenarios made ready, broken at a point, run again, and judged."""

from __future__ import annotations

import contextlib
import gc
import io
import json
import os
import shutil
import signal
import sqlite3
import sys
import tempfile
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any

from rules.playbook import Project
from rules.project import load
from rules.units import MICROS
from tests.factories import Shop, at
from tests.faults.bugs import BUGS
from tests.faults.counterpart import Counterpart, Desired
from tests.faults.judging import Ended, problems_of
from tests.faults.points import How, Points
from tests.faults.scenarios import SCENARIOS, Scenario, prepare
from tests.faults.yard import Job, Report
from tests.zygote import load_all

_WRONG: set[str] = set()  #: bugs that are in this process
_LATER = 60 * MICROS  #: from T to the wall clock of the run at T


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ready:
    """A scenario that is ready to be broken."""

    name: str
    scenario: Scenario
    folder: Path
    task: str
    project: Project
    points: list[str]
    end: Ended  #: when nothing disturbs it


class _Breaker:
    """Breaks scenarios in forks of this process; ``place`` is a folder for their copies."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.counterpart = Counterpart()
        self.ready: dict[str, _Ready] = {}
        self.copies = 0

    # -- ready ----------------------------------------------------------------------------------

    def scenario(self, name: str) -> _Ready:
        """Return a scenario, made ready once."""
        if name not in self.ready:
            scenario, folder = SCENARIOS[name], self.place / f"ready-{name}"
            told = self.counterpart.web, self.counterpart.mail
            code, task = _forked(lambda: prepare(scenario, str(folder), *told))
            assert code == 0, task
            made = _Ready(
                name=name, scenario=scenario, folder=folder, task=task, project=load(folder),
                points=[], end=Ended(),
            )  # fmt: skip
            with self._copy(made) as root:
                self._begin(made, root)
                points = Points()
                code, said = _forked(
                    lambda: [_work(made, root, points), points.passed, sorted(sys.modules)]
                )
                assert code == 0, said
                end = self._recovered(made, root, Job(scenario=name))
            self.ready[name] = replace(made, points=said[1], end=end)
            _import(said[2])
            gc.collect()
            gc.freeze()  # so that forks don't copy what they only look at
            problems = problems_of(end, end, scenario)
            assert not problems, f"{name}, undisturbed: {problems}"
        return self.ready[name]

    @contextlib.contextmanager
    def _copy(self, made: _Ready) -> Iterator[Path]:
        self.copies += 1
        root = self.place / f"copy{self.copies}"
        shutil.copytree(made.folder, root)
        try:
            yield root
        finally:
            shutil.rmtree(root)

    def _begin(self, made: _Ready, root: Path, kill: int = 0) -> None:
        ledger = str(root / ".care/ledger.db")
        self.counterpart.begin(Desired(ledger=ledger, answer=made.scenario.answer, kill=kill))

    # -- breaking -------------------------------------------------------------------------------

    def do(self, job: Job) -> Report:
        """Inject the faults of a job, one by one."""
        made = self.scenario(job.scenario)
        faults, problems, ends = 0, [], Counter[str]()
        plans: list[Callable[[Path], list[int]]] = [
            *(lambda root, p=points: self._at_points(made, root, job, p) for points in job.points),
            *(lambda root, n=pages: self._without_room(made, root, job, n) for pages in job.pages),
            *(lambda root, n=number: self._in_arrival(made, root, job, n)
              for number in job.arrivals),
            *(lambda root, n=count: self._together(made, root, job, n) for count in job.together),
        ]  # fmt: skip
        names = [*job.points, *job.pages, *job.arrivals, *job.together]
        for name, plan in zip(names, plans, strict=True):
            with self._copy(made) as root:
                self._begin(made, root)
                codes = plan(root)
                if not codes:
                    continue
                end = self._recovered(made, root, job)
            faults += len(codes)
            ends.update(map(str, codes))
            found = problems_of(end, made.end, made.scenario, down=job.down)
            problems += [f"{job.scenario}, {job.how} at {name}: {words}" for words in found]
            if len(problems) >= job.enough:
                break
        return Report(faults=faults, problems=problems, ends=dict(ends))

    def _at_points(self, made: _Ready, root: Path, job: Job, points: Sequence[int]) -> list[int]:
        codes = []
        for number in points:
            wanted = Points(number, How(job.how))
            if job.how == How.STOP:
                codes += self._stopped(made, root, job, wanted)
                continue
            code, said = _forked(
                lambda p=wanted: [_work(made, root, p, bug=job.bug), len(p.passed)]
            )
            if code == -signal.SIGKILL:
                codes.append(code)
            elif code == 0 and job.how != How.KILL and said[1] >= number:
                codes += _one_line(said[0])
            elif code != 0:
                raise AssertionError(f"care ended with {code}: {said}")
        return codes

    def _stopped(self, made: _Ready, root: Path, job: Job, points: Points) -> list[int]:
        """Let a process be stopped, another one go on past its lease, and the first one wake."""
        pid = os.fork()
        if pid == 0:
            with contextlib.suppress(BaseException):
                _silent()
                _work(made, root, points, bug=job.bug)
            os._exit(0)
        _, status = os.waitpid(pid, os.WUNTRACED)
        if not os.WIFSTOPPED(status):
            return []
        with contextlib.closing(sqlite3.connect(root / ".care/ledger.db", timeout=20)) as ledger:
            ledger.execute("UPDATE lease SET until = 1")
            ledger.commit()
        code, said = _forked(lambda: _work(made, root, None, bug=job.bug))
        os.kill(pid, signal.SIGCONT)
        os.waitpid(pid, 0)
        assert code == 0, said
        return [-signal.SIGSTOP]

    def _without_room(self, made: _Ready, root: Path, job: Job, pages: int) -> list[int]:
        points = Points(pages=pages)
        code, said = _forked(lambda: _work(made, root, points, bug=job.bug))
        assert code == 0, said
        return _one_line(said)

    def _in_arrival(self, made: _Ready, root: Path, job: Job, number: int) -> list[int]:
        self._begin(made, root, kill=number)
        code, _ = _forked(lambda: _work(made, root, None, bug=job.bug))
        return [code] if code == -signal.SIGKILL else []

    def _together(self, made: _Ready, root: Path, job: Job, count: int) -> list[int]:
        """Run several at once. Who finds the others at work leaves with one line."""
        started = [_fork(lambda: _work(made, root, None, bug=job.bug)) for _ in range(count)]
        for pid, pipe in started:
            code, said = _ended(pid, pipe)
            assert code == 0, said
            _one_line(said)
        return [0]

    # -- going on -------------------------------------------------------------------------------

    def _recovered(self, made: _Ready, root: Path, job: Job) -> Ended:
        """Run care again, twice at T, then at the next T, and return how everything stands."""
        self.counterpart.change("down" if job.down else made.scenario.answer)
        code, said = _forked(lambda: self._again(made, root, job))
        if code != 0:
            return Ended(crash=f"{code}: {said}")
        return Ended(**{**said, "arrived": self.counterpart.end()})

    def _again(self, made: _Ready, root: Path, job: Job) -> dict[str, Any]:
        shop = Shop.__new__(Shop)
        shop.root = root
        said = []
        if job.back and shop.rows("SELECT 1 FROM runs WHERE at = ?", at(made.scenario.at)):
            said += _work(made, root, None, bug=job.bug, back=job.back)
        said += _work(made, root, None, bug=job.bug)
        first = _head(root)
        said += _work(made, root, None, bug=job.bug, only_run=True)
        second = _head(root)
        if job.down:
            self.counterpart.change("ok")
        self.counterpart.next_day()
        said += _work(made, root, None, bug=job.bug, next_=True)
        table = root / (made.scenario.table or "-")
        odd = root / ".care/odd"
        with shop.ledger() as ledger:
            from engine.audit.verify import verify
            from engine.export import canonical_lines

            return {
                "said": said, "heads": [first, second], "lines": list(canonical_lines(ledger)),
                "faults": list(verify(ledger).faults), "files": shop.sent(),
                "table": table.read_text("utf-8") if table.is_file() else "",
                "odd": odd.read_text("utf-8").splitlines() if odd.exists() else [],
            }  # fmt: skip


# -- in forks ---------------------------------------------------------------------------------------


def _work(
    made: _Ready, root: Path, points: Points | None, *, bug: str = "", back: int = 0,
    only_run: bool = False, next_: bool = False,
) -> list[tuple[int, str]]:  # fmt: skip
    """Be care: do what a scenario does and return how each command ended, with its stderr."""
    import cli
    import rules.project

    scenario = made.scenario
    moment = scenario.next if next_ else scenario.at
    instant = at(moment) + (-back * MICROS if back else _LATER)
    cli.now = lambda: instant  # type: ignore[assignment]
    own = replace(made.project, root=str(root))
    rules.project.load = lambda *_: own  # type: ignore[assignment]
    _one_thread()
    _witness(root)
    if bug and bug not in _WRONG:
        _WRONG.add(bug)
        BUGS[bug]()
    if points is not None:
        points.install()
    words = {"at": moment, "task": made.task, "root": str(root)}
    commands = [[word.format(**words) for word in command] for command in scenario.commands]
    if back:
        commands = [["run", "--matcher", "reference"]]
    elif only_run or next_:
        commands = [command for command in commands if command[0] == "run"]
    return [_care("-C", str(root), *command) for command in commands]


def _care(*words: str) -> tuple[int, str]:
    import cli

    sys.argv = ["care", *words]
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            cli.main()
        except SystemExit as end:
            return int(end.code or 0), err.getvalue()
    return 99, err.getvalue()


def _one_thread() -> None:
    """Let the log work with one thread: starting more takes longer than what they would do here."""
    import duckdb

    connects = duckdb.connect
    if getattr(connects, "alone", False):
        return

    def connect(*given: Any, config: Any = None, **named: Any) -> Any:
        return connects(*given, config={**(config or {}), "threads": 1}, **named)

    connect.alone = True  # type: ignore[attr-defined]
    duckdb.connect = connect


def _witness(root: Path) -> None:
    """Look into the ledger at the moment when a file of an action appears."""
    if hasattr(os.replace, "witness"):
        return
    replaces, out = os.replace, f"{root}/.care/out/"

    def does(source: Any, target: Any, **named: Any) -> None:
        name = os.fspath(target)
        if str(name).startswith(out) and "/collected" not in str(name):
            key = Path(name).stem
            with contextlib.closing(sqlite3.Connection(root / ".care/ledger.db")) as ledger:
                row = ledger.cursor().execute("SELECT state FROM actions WHERE id = ?", (key,))
                if row.fetchone() != ("intent",):
                    with (root / ".care/odd").open("a") as odd:
                        odd.write(f"the file of {key} was written without a committed intent\n")
        replaces(source, target, **named)

    does.witness = True  # type: ignore[attr-defined]
    os.replace = does


def _head(root: Path) -> list[Any]:
    with contextlib.closing(sqlite3.Connection(root / ".care/ledger.db")) as ledger:
        row = ledger.execute("SELECT n, hash FROM blocks ORDER BY n DESC LIMIT 1").fetchone()
        return list(row or ())


def _one_line(said: Sequence[Sequence[Any]]) -> list[int]:
    """Return the exit codes of commands; what they said must be in words for people."""
    for code, err in said:
        lines = [line for line in err.splitlines() if line]
        assert code in (0, 1, 3), said
        assert "Traceback" not in err, err
        assert "inside care" not in err, err
        assert code != 1 or len(lines) == 1, err
    return [max(code for code, _ in said)]


def _import(names: Sequence[str]) -> None:
    """Import what a fork imported, so that no other one has to."""
    for name in names:
        with contextlib.suppress(ImportError):
            import_module(name)


# -- forks --------------------------------------------------------------------------------------------


def _silent() -> None:
    null = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1):
        os.dup2(null, number)


def _fork(act: Callable[[], Any]) -> tuple[int, int]:
    """Do something in a fork; return its number and the pipe through which it tells."""
    reads, writes = os.pipe()
    pid = os.fork()
    if pid:
        os.close(writes)
        return pid, reads
    code = 98
    try:
        gc.disable()
        os.close(reads)
        _silent()
        with os.fdopen(writes, "w", encoding="utf-8") as told:
            try:
                json.dump(act(), told)
                code = 0
            except BaseException:
                json.dump(traceback.format_exc(), told)
    finally:
        os._exit(code)


def _ended(pid: int, pipe: int) -> tuple[int, Any]:
    with os.fdopen(pipe, encoding="utf-8") as told:
        text = told.read()
    _, status = os.waitpid(pid, 0)
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    return os.waitstatus_to_exitcode(status), value


def _forked(act: Callable[[], Any]) -> tuple[int, Any]:
    return _ended(*_fork(act))


def _serve() -> None:
    load_all()
    base = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=base) as folder:
        breaker = _Breaker(Path(folder))
        for line in sys.stdin:
            asked = json.loads(line)
            try:
                if "points" in asked:
                    value: Any = breaker.scenario(asked["points"]).points
                else:
                    value = asdict(breaker.do(Job(**asked["job"])))
                answer = {"value": value}
            except Exception:
                answer = {"error": traceback.format_exc()}
            sys.stdout.write(json.dumps(answer) + "\n")
            sys.stdout.flush()
        breaker.counterpart.close()
    os._exit(0)  # the log's library was never used here, and complains of it at the end


if __name__ == "__main__":
    _serve()
