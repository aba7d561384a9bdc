"""What `care replay` makes again, and what it finds that somebody changed."""

from __future__ import annotations

import dataclasses
import json
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from engine.audit.blocks import GENESIS, follow, line_of, pack, unpack
from engine.audit.parts import parts_of
from engine.audit.rerun import Replayed, replay
from engine.audit.verify import verify
from engine.intake import import_file
from engine.ledger import open_ledger
from engine.paths import paths_of
from engine.run import open_runner
from tests.factories import Shop, at, event
from tests.integration.test_incremental import BOOKS, CARE, SHARED, folder, sound, steps
from tests.ledgers import whole

DAY = 24 * 3_600_000_000
LAST = at("2025-03-07T08:00")  #: the last run of the ledger that is spoilt


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """A project whose ledger has something in every table."""
    return whole(tmp_path_factory.mktemp("whole"))


@pytest.fixture
def shop(made: Shop, tmp_path: Path) -> Iterator[Path]:
    """A copy of its log and ledger, to be spoilt."""
    paths = paths_of(made.root)
    (tmp_path / ".care").mkdir()
    for path in (paths.log, paths.ledger):
        shutil.copy(path, tmp_path / ".care" / path.name)
    return tmp_path


def told(found: Replayed) -> set[tuple[int | None, str, str]]:
    """When, in which table and about which row something differs."""
    return {(one.at, one.table, one.row) for one in found.differences}


def spoil(root: Path, sql: str, *values: object) -> None:
    """Change the ledger behind care's back."""
    with closing(sqlite3.connect(paths_of(root).ledger)) as connection:
        connection.execute(sql, values)
        connection.commit()


def forge(root: Path, change: Callable[[list[Any]], list[Any] | None]) -> None:
    """Write the whole chain anew with other entries, its hashes as they have to be."""
    last, number = GENESIS, 0
    with closing(sqlite3.connect(paths_of(root).ledger)) as connection:
        rows = connection.execute("SELECT n, body FROM blocks ORDER BY n").fetchall()
        connection.execute("DELETE FROM blocks")
        for _, body in rows:
            entries = [change(json.loads(line)) for line in unpack(body)]
            lines = [line_of(*entry) for entry in entries if entry is not None]
            for line in lines:
                number += 1
                last = follow(last, number, line)
            connection.execute("INSERT INTO blocks VALUES (?, ?, ?)", (number, last, pack(lines)))
        connection.commit()


def test_a_ledger_is_made_again(shop: Path) -> None:
    """Runs, with what people, channels and requests did between them, give the same ledger again,
    without the project's files and without a change to ledger or log.
    """
    paths = paths_of(shop)
    before = paths.log.read_bytes(), paths.ledger.read_bytes()
    found = replay(shop)

    assert found.differences == ()
    assert (found.runs, found.taken, found.unmade) == (7, 0, ())
    assert (paths.log.read_bytes(), paths.ledger.read_bytes()) == before


@pytest.mark.parametrize("day", [6])
def test_a_part_is_made_again(shop: Path, day: int) -> None:
    """Runs before `start` are taken as recorded; those from there on give the same ledger again."""
    found = replay(shop, start=at(f"2025-03-0{day}T08:00"))

    assert found.differences == ()
    assert (found.taken, found.runs) == (day - 1, 8 - day)


def test_an_end_leaves_the_rest_out(shop: Path) -> None:
    """Runs after `end` are not made again, and rows that tell of later days are not compared."""
    found = replay(shop, end=at("2025-03-03T08:00"))

    assert (found.runs, found.rows, found.differences) == (3, 0, ())


def test_changed_rows_are_named(shop: Path) -> None:
    """A row of what runs decided that somebody changed is found, whatever its table."""
    changes = {
        "actions.assignee": "旁人", "journeys.entry": 1, "decided.verb": "started",
        "membership.value": "x", "runs.summary": "{}", "holds.rule": "x", "triggers.live_at": 1,
        "private.value": '"x"',
    }  # fmt: skip
    for place, value in changes.items():
        table, column = place.split(".")
        spoil(shop, f"UPDATE {table} SET {column} = ?", value)
    tables = {place.split(".")[0] for place in changes} - {"decided"} | {"decisions"}

    assert {one.table for one in replay(shop, start=LAST).differences} == tables


def test_a_note_of_a_person_that_was_changed_is_named(shop: Path) -> None:
    """What people wrote comes from the ledger, but not where the chain has the digest of other words."""
    with closing(sqlite3.connect(paths_of(shop).ledger)) as connection:
        ((key,),) = connection.execute("SELECT id FROM outcomes").fetchall()
    spoil(shop, "UPDATE outcomes SET note = '没说'")
    found = replay(shop, start=LAST)

    assert told(found) == {(None, "outcomes", key)}


def test_members_that_were_changed_before_the_first_run_are_named(shop: Path) -> None:
    """Membership that is taken as recorded has to be what the chain has digests of."""
    spoil(shop, "UPDATE membership SET existing = 1 - existing")
    found = replay(shop, start=LAST)

    assert {one.table for one in found.differences} == {"membership"}


def test_a_deleted_row_is_named(shop: Path) -> None:
    """A journey that was deleted from the ledger's tables is made again, and found to be missing."""
    with closing(sqlite3.connect(paths_of(shop).ledger)) as connection:
        (key,) = connection.execute("SELECT id FROM journeys ORDER BY id LIMIT 1").fetchone()
    spoil(shop, "DELETE FROM journeys WHERE id = ?", key)

    assert told(replay(shop, start=LAST)) == {(None, "journeys", key)}


def test_a_ledger_that_was_forged_as_a_whole_is_found_out(shop: Path) -> None:
    """Another decision, written with its rows, chain and hashes as they have to be, is not what the
    log gives: it is named with its run, and the runs after it are the same as ever.
    """
    subject = ""

    def another(entry: list[Any]) -> list[Any]:
        nonlocal subject
        if entry[1] == "action" and entry[4].get("assignee") and not subject:
            subject = entry[2]
            return [*entry[:4], {**entry[4], "assignee": "旁人"}]
        return entry

    forge(shop, another)
    spoil(shop, "UPDATE actions SET assignee = '旁人' WHERE id = ?", subject)
    with closing(open_ledger(paths_of(shop).ledger)) as ledger:
        sound_ = verify(ledger).faults
        run = next(
            part.run.at for part in parts_of(ledger)
            if part.run is not None and any(one.subject == subject for one in part.entries)
        )  # fmt: skip
    found = replay(shop, start=run, end=run + DAY)

    assert sound_ == ()
    assert told(found) == {(run, "actions", subject)}
    assert found.differences[0].words.startswith('assignee is "旁人" in the ledger, made again')


def test_a_change_of_the_log_is_found(made: Shop, shop: Path) -> None:
    """An event that was changed in the log shows in the run that had decided by it."""
    import duckdb

    with closing(duckdb.connect(str(shop / ".care" / "log.duckdb"))) as log:
        log.execute(
            "UPDATE events SET occurred_at = occurred_at - 3600000000 WHERE id = ?",
            [event("c4", "complaint", "2025-03-02T10:00")["id"]],
        )
    found = replay(shop, start=at("2025-03-03T08:00"), end=at("2025-03-03T08:00"))
    (key,) = made.rows("SELECT id FROM journeys WHERE playbook = 'repair' AND customer = 'c4'")

    assert (at("2025-03-03T08:00"), "journeys", key["id"]) in told(found)
    assert found.differences[0].at == at("2025-03-03T08:00")


def test_a_run_without_its_configuration_is_left_out(shop: Path) -> None:
    """Where the ledger does not hold what a run was made with, that is said; the rest is compared."""
    spoil(shop, "DELETE FROM configs")
    found = replay(shop)

    assert [one.at for one in found.unmade] == [at(f"2025-03-0{day}T08:00") for day in range(1, 8)]
    assert "does not hold the configuration" in found.unmade[0].why
    assert {one.table for one in found.differences} == {"configs"}


def test_playbooks_that_came_went_and_broke(tmp_path: Path) -> None:
    """Each run is made again with the playbooks that it had: edited ones, paused and broken ones, and
    an old one that came back.
    """
    text = "trigger: {event: visit}\nagain: always\noverlap: parallel\nsteps:\n  - {step: hello, do: letter, due: %s}\n"
    early, later = text % "now", text % "after 1 day"
    shop = Shop(
        tmp_path, one=early, other="trigger: {enters: active}\nagain: always\nsteps:\n  - {step: hi, do: letter, due: now}\n",
    )  # fmt: skip
    shop.events(event("c1", "order", "2025-03-01T07:00", amount=1))
    shop.run("2025-03-01T08:00")
    for day, change in enumerate(
        (later, "status: paused\n" + later, early, None, "# 改\n" + early), 2
    ):
        shop.events(
            event("c1", "visit", f"2025-03-0{day}T07:00"),
            event(f"c{day}", "order", f"2025-03-0{day}T07:00", amount=1),
        )
        if change is None:
            shop.write("playbooks/other.yaml", "playbook: other\nsteps: nonsense\n")
        else:
            shop.book("one", change)
        shop.run(f"2025-03-0{day}T08:00")
    found = replay(tmp_path)
    begun = shop.rows("SELECT DISTINCT revision FROM journeys WHERE playbook = 'one'")

    assert len(begun) == 2
    assert "left_out" in shop.rows("SELECT summary FROM runs WHERE n = 5")[0]["summary"]
    assert (found.runs, found.unmade, found.differences) == (6, (), ())


def test_a_large_run_in_many_blocks_is_one_part(tmp_path: Path) -> None:
    """What a run wrote is found whole also where it fills many blocks, and what people did between
    two runs is not taken for a run's.
    """
    shop = Shop(
        tmp_path,
        one="trigger: {event: visit}\nlimits: {per_run: 1000}\nsteps:\n  - {step: ring, do: call, due: within 2 days, assign: boss}\n",
    )  # fmt: skip
    shop.events(event("c0", "visit", "2025-03-01T07:00"))
    shop.run("2025-03-01T08:00")
    shop.events(*(event(f"c{n}", "visit", "2025-03-02T07:00") for n in range(1, 120)))
    shop.run("2025-03-02T08:00")
    for n in range(1, 12):
        shop.done("ring", "2025-03-02T10:00", f"c{n}")
    shop.run("2025-03-03T08:00")
    with shop.ledger() as ledger:
        parts = list(parts_of(ledger))
        large = parts[
            [part.run.at if part.run else 0 for part in parts].index(at("2025-03-02T08:00"))
        ]
        (blocks,) = ledger.rows(
            "SELECT count(*) AS n FROM blocks WHERE n BETWEEN ? AND ?",
            large.entries[0].n, large.entries[-1].n,
        )  # fmt: skip
        everything = [entry.n for part in parts for entry in part.entries]
        runs = [part.run.at for part in parts if part.run is not None]
    found = replay(tmp_path)

    assert everything == list(range(1, everything[-1] + 1))
    assert runs == [at(f"2025-03-0{day}T08:00") for day in (1, 2, 3)]
    assert blocks["n"] > 2
    assert (found.runs, found.differences) == (3, ())


@settings(
    max_examples=3,
    deadline=None,
    phases=(Phase.reuse, Phase.generate),
    suppress_health_check=list(HealthCheck),
)
@given(
    steps,
    st.frozensets(st.sampled_from(sorted(BOOKS)), min_size=2, max_size=3),
    st.sampled_from((0, 0, 1, 8, 31)),
)
def test_any_history_is_made_again(history: list[Any], books: frozenset[str], begin: int) -> None:
    """Whatever came in, late, doubled or corrected, and whichever playbooks ran: made again, from the
    first run or from any day on, the ledger is the same.
    """
    _check(history, books, begin)


@pytest.mark.long
@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    steps,
    st.frozensets(st.sampled_from(sorted(BOOKS)), min_size=3, max_size=8),
    st.sampled_from((0, 0, 1, 8, 31)),
)
def test_any_history_is_made_again_at_length(
    history: list[Any], books: frozenset[str], begin: int
) -> None:
    """The same, with many more histories."""
    _check(history, books, begin)


def _check(history: list[Any], books: frozenset[str], begin: int) -> None:
    project, of_events, of_customers = sound(books)
    first = at("2025-01-30T08:00")
    with folder() as path:
        shop = Shop(path / "shop", care=CARE, shared=SHARED)
        root = str(shop.root)
        moment, instants = first, set()
        with closing(open_ledger(paths_of(shop.root).ledger)) as ledger:
            mine = dataclasses.replace(project, root=root)
            with open_runner(mine, ledger, clock=lambda: 0, prefer="reference") as runner:
                opening = ([event("c0", "visit", "2025-01-01T10:00", key="first")], (), 0)
                for rows, versions, hours in [opening, *history]:
                    if rows:
                        import_file(shop.root, project.vocabulary, shop.file(rows), of_events, at=0)
                    for version in versions:
                        import_file(
                            shop.root, project.vocabulary, shop.file([version]), of_customers, at=0
                        )
                    moment += hours * 3_600_000_000
                    instants.add(moment)
                    runner.run(moment)
        found = replay(shop.root, start=first + begin * DAY)

    assert found.differences == ()
    assert found.runs + found.taken >= len(instants)
