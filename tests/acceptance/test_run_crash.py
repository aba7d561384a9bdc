"""Power cuts, two at once, Ctrl-C, a full disk: nothing is lost, nothing is done twice."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.factories import REPOSITORY, Shop, event, kill
from tests.zygote import Zygote

SERIES = ("--from", "2025-03-01T08:00", "--to", "2025-03-04T08:00", "--every", "1 day")
BOOKS = {
    "repair": (
        "trigger: {event: complaint}\nstop_when:\n  - {event: solved, same: case_id, goal: solved}\n"
        "steps:\n  - {step: sorry, do: letter, due: same day}\n"
        "  - {step: sure, do: letter, due: after 2 days}\n"
        "  - {step: ring, from: entry, do: call, due: within 2 days, assign: owner}\n"
    ),
    "gift": (
        "trigger: {enters: active}\nagain: always\nsteps:\n  - {step: gift, do: letter, due: now}\n"
    ),
    "told": (
        "trigger: {event: care_sent}\noverlap: parallel\n"
        "steps:\n  - {step: look, do: review, due: now, assign: boss}\n"
    ),
}


def fresh(root: Path) -> Shop:
    """Return a small project with its events imported and nothing run yet."""
    draw = random.Random(5)
    made = Shop(root, **BOOKS)
    found = [event("c0", "visit", "2025-02-01T10:00")]
    for index in range(40):
        customer, hour = f"c{draw.randrange(8)}", f"T{draw.randrange(9, 20):02}:00"
        when = f"2025-03-{draw.randrange(1, 4):02}{hour}"
        kind = draw.choice(["order", "complaint", "solved"])
        found.append(
            event(customer, kind, when, key=f"e{index}", case_id=f"{draw.randrange(2)}", amount=1)
            if kind != "order"
            else event(customer, kind, when, key=f"e{index}", amount=1)
        )
    made.events(*found)
    return made


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """A project before its first run."""
    return fresh(tmp_path_factory.mktemp("origin") / "shop")


def copy(origin: Shop, root: Path) -> Shop:
    """Return the project again, in another folder."""
    shutil.copytree(origin.root, root)
    again = Shop.__new__(Shop)
    again.root = root
    return again


def told(err: str) -> list[str]:
    """Return the lines of stderr, without the one that names the matcher and the one after ^C."""
    return [line for line in err.splitlines() if line and "reference matcher" not in line]


@pytest.fixture(scope="module")
def undisturbed(origin: Shop, zygote: Zygote, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """The project after a series that nothing disturbed."""
    made = copy(origin, tmp_path_factory.mktemp("undisturbed") / "shop")
    assert zygote.run("-C", str(made.root), "run", *SERIES) == 0
    assert len(made.rows("SELECT * FROM actions WHERE state = 'sent'")) > 5
    return made


@pytest.mark.parametrize(
    "seed", [0, 1, *(pytest.param(seed, marks=pytest.mark.long) for seed in (2, 3, 4))]
)
def test_killed_at_10_moments(
    origin: Shop, undisturbed: Shop, zygote: Zygote, tmp_path: Path, seed: int
) -> None:
    """kill -9 at any moment (50 in all), then one clean run: the ledger and the files sent are as
    if nothing had happened.
    """
    draw = random.Random(seed)
    rehearsal = copy(origin, tmp_path / "rehearsal")
    began = time.monotonic()
    assert zygote.run("-C", str(rehearsal.root), "run", *SERIES) == 0
    took = time.monotonic() - began
    killed = 0
    expected = undisturbed.export(), undisturbed.sent()
    for index in range(10):
        made = copy(origin, tmp_path / str(index))
        moment = took * (index + draw.random()) / 10
        code = zygote.run("-C", str(made.root), "run", *SERIES, kill_after=moment)
        killed += code == -signal.SIGKILL
        assert zygote.run("-C", str(made.root), "run", *SERIES) == 0

        assert (made.export(), made.sent()) == expected
        shutil.rmtree(made.root)
    assert killed >= 5


def test_killed_again_and_again(
    origin: Shop, undisturbed: Shop, zygote: Zygote, tmp_path: Path
) -> None:
    """Ten power cuts in a row on one project, also of the runs that follow them."""
    draw = random.Random(9)
    made = copy(origin, tmp_path / "shop")
    for _ in range(10):
        zygote.run("-C", str(made.root), "run", *SERIES, kill_after=draw.uniform(0.02, 0.3))
    assert zygote.run("-C", str(made.root), "run", *SERIES) == 0

    assert (made.export(), made.sent()) == (undisturbed.export(), undisturbed.sent())
    assert made.care("audit", "verify").code == 0


def test_the_program_itself_killed(origin: Shop, undisturbed: Shop, tmp_path: Path) -> None:
    """The same with the program as cron starts it, rule engine and all."""
    draw = random.Random(3)
    made = copy(origin, tmp_path / "shop")
    for _ in range(4):
        process = made.start("run", *SERIES)
        time.sleep(draw.uniform(0.3, 1.2))
        kill(process)
    said = made.care("run", *SERIES)
    assert (said.code, "Traceback" in said.err) == (0, False)

    assert (made.export(), made.sent()) == (undisturbed.export(), undisturbed.sent())


@pytest.mark.parametrize("pause", [0.0, 0.2, 0.6])
def test_two_at_once(origin: Shop, undisturbed: Shop, tmp_path: Path, pause: float) -> None:
    """Two runs at once: one works, the other waits or leaves with one clear line."""
    made = copy(origin, tmp_path / "shop")
    first = made.start("run", *SERIES)
    time.sleep(pause)
    second = made.start("run", *SERIES)
    said = [process.communicate(timeout=60) for process in (first, second)]
    codes = [first.returncode, second.returncode]

    assert 0 in codes
    for code, (_, err) in zip(codes, said, strict=True):
        talk = told(err)
        if code == 0:
            assert talk in ([], ["care: 4 of 4 instants were run before"])
        else:
            assert code == 1
            assert len(talk) == 1
            assert talk[0].startswith("care: another run is at work (process ")
    assert (made.export(), made.sent()) == (undisturbed.export(), undisturbed.sent())


#: Presses Ctrl-C when the program imports click, long before it listens.
_EARLY = """
import os, signal, sys
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == "click":
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Finder())
import cli
"""


def test_ctrl_c_while_the_program_starts() -> None:
    """It leaves without a word, as any other program; there is no traceback."""
    ended = subprocess.run(
        [sys.executable, "-c", _EARLY], capture_output=True, check=False, cwd=REPOSITORY
    )

    assert (ended.returncode, ended.stdout, ended.stderr) == (130, b"", b"")


@pytest.mark.parametrize("seed", range(6))
def test_ctrl_c(origin: Shop, undisturbed: Shop, tmp_path: Path, seed: int) -> None:
    """Ctrl-C, which the terminal sends to the whole group, leaves all whole and says one line."""
    made = copy(origin, tmp_path / "shop")
    process = made.start("run", *SERIES)
    assert process.stdout is not None
    first = process.stdout.readline()
    time.sleep(random.Random(seed).uniform(0, 0.3))
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=60)
    talk = told(err)

    assert first.startswith("Sat 2025-03-01 08:00")
    if process.returncode != 0:
        assert process.returncode == 130
        assert talk == ["care: stopped; what was finished is kept, nothing is half done"]
    assert made.care("run", *SERIES).code == 0
    assert (made.export(), made.sent()) == (undisturbed.export(), undisturbed.sent())


@pytest.mark.parametrize("room", [0, 20_000, 60_000, 200_000])
def test_a_full_disk(origin: Shop, undisturbed: Shop, tmp_path: Path, room: int) -> None:
    """Where nothing more can be written the run says so in a line, and the next one goes on."""
    made = copy(origin, tmp_path / "shop")
    said = made.care("run", *SERIES, largest_file=room)
    talk = told(said.err)

    assert said.code == 1
    assert len(talk) == 1
    assert "can't be written" in talk[0]
    assert "Is the disk full" in talk[0]
    assert made.care("run", *SERIES).code == 0
    assert (made.export(), made.sent()) == (undisturbed.export(), undisturbed.sent())
    assert made.care("audit", "verify").code == 0
