"""The past as it would have been: what is known when, what people do, what is counted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine.backtest.beside import beside, narrow
from engine.backtest.past import Played, Setting, chosen, play
from engine.backtest.people import Tasks, read_outcomes
from engine.backtest.report import Asked, Report, backtest
from engine.grid import Column, Kind, Table
from engine.ledger import Ledger
from engine.log import open_log
from engine.paths import paths_of
from engine.series import instants
from rules.errors import InputError, UsageError
from rules.history import Event
from rules.project import load
from tests.factories import CARE, ZONE, Shop, at, event

RING = """\
trigger: {event: order}
again: always
steps:
  - {step: ring, do: call, due: within 2 days, assign: boss, outcomes: [fine, bad]}
  - {step: sorry, do: letter, due: now, recheck: {ring.outcome: bad}}
"""
HELLO = """\
status: draft
trigger: {enters: buyers}
steps:
  - {step: hello, do: letter, due: now}
"""


def setting(first: str, last: str, **given: Any) -> Setting:
    """Daily runs at 08:00."""
    return Setting(
        moments=instants(at(f"{first}T08:00"), at(f"{last}T08:00"), "1 day", ZONE), **given
    )


def told(shop: Shop, first: str, last: str, *names: str, **given: Any) -> Report:
    """The report of a backtest."""
    asked = {key: given.pop(key) for key in ("others", "level", "against", "then") if key in given}
    return backtest(
        shop.project, Asked(names=names, setting=setting(first, last, **given), **asked)
    )


def rows(report: Report, table: str) -> list[dict[str, Any]]:
    """One table of a report."""
    found = report.json()[table]
    assert isinstance(found, list)
    return found


def put(shop: Shop, known: str, *events: tuple[str, str, str]) -> None:
    """Add events (customer, id, instant) that became known at an instant."""
    with open_log(paths_of(shop.root).log, writable=True) as log:
        log.append(
            [
                (customer, Event(id=key, name="order", at=at(when), fields={}))
                for customer, key, when in events
            ],
            vocabulary=shop.project.vocabulary, source="shop", known_at=at(known),
        )  # fmt: skip


def test_only_what_was_known_by_then(tmp_path: Path) -> None:
    """An order that became known two days late starts its journey two days late."""
    shop = Shop(tmp_path, ring=RING)
    put(shop, "2025-03-02T10:00", ("c0", "a", "2025-03-02T09:00"))
    put(shop, "2025-03-05T10:00", ("c1", "b", "2025-03-03T09:00"))
    with play(
        chosen(shop.project, ["ring"]), paths_of(tmp_path).log, setting("2025-03-02", "2025-03-08")
    ) as played:
        found = list(played.draft.rows("SELECT customer, entry, started_at FROM journeys"))

    assert found == [
        {
            "customer": "c0", "entry": at("2025-03-02T09:00"),
            "started_at": at("2025-03-03T08:00"),
        },
        {
            "customer": "c1", "entry": at("2025-03-03T09:00"),
            "started_at": at("2025-03-06T08:00"),
        },
    ]  # fmt: skip


def test_as_the_real_runs(tmp_path: Path) -> None:
    """A backtest decides what daily runs with daily imports have decided, with the same ids."""
    shop = Shop(tmp_path, ring=RING, hello=HELLO.replace("draft", "active"))
    shop.events(event("c7", "visit", "2025-03-01T10:00"))
    shop.run("2025-03-02T08:00")
    for day in range(3, 7):
        shop.events(event(f"c{day % 3}", "order", f"2025-03-0{day - 1}T15:00"))
        shop.run(f"2025-03-0{day}T08:00")
    with play(
        chosen(shop.project, []), paths_of(tmp_path).log,
        setting("2025-03-02", "2025-03-06", tasks=Tasks.EXPIRED),
    ) as played, shop.ledger() as real:  # fmt: skip
        tried, truth = decided(played.draft), decided(real)

    assert len(truth) == 25
    assert tried == truth


def decided(ledger: Ledger) -> list[dict[str, Any]]:
    """Journeys, decisions and actions of a ledger; when a message went out is no decision."""
    tables = (
        "SELECT id, playbook, customer, entry, started_at, state FROM journeys ORDER BY id",
        "SELECT id, run_at, verb, reason, journey, action FROM decided ORDER BY id",
        "SELECT id, state, opens_at, due_by, opened_at, assignee FROM actions ORDER BY id",
    )
    return [row for sql in tables for row in ledger.rows(sql)]


def test_a_correction_is_seen_when_it_is_known(tmp_path: Path) -> None:
    """Before a correction is known the first version counts, after it the second."""
    shop = Shop(tmp_path, ring=RING)
    put(shop, "2025-03-02T10:00", ("c0", "a", "2025-03-02T09:00"))
    put(shop, "2025-03-05T10:00", ("c0", "b", "2025-03-02T09:30"))
    with open_log(paths_of(tmp_path).log, writable=True) as log:
        log.connection.execute("INSERT INTO superseded VALUES (1, 2)")
    seen = []
    for last in ("2025-03-04", "2025-03-06"):
        with play(
            chosen(shop.project, ["ring"]), paths_of(tmp_path).log, setting("2025-03-02", last)
        ) as played:
            log, moment = played.sandbox.log, played.setting.moments[-1]
            history = log.histories(
                ["c0"], at=moment, seq=log.max_seq(), vocabulary=shop.project.vocabulary
            )["c0"]
            seen.append([one.id for one in history.events if one.name == "order"])

    assert seen == [["a"], ["b"]]


def test_what_was_corrected_before_it_came(tmp_path: Path) -> None:
    """Of a version that arrived after its own correction nothing is ever seen."""
    shop = Shop(tmp_path, ring=RING)
    put(shop, "2025-03-06T10:00", ("c0", "old", "2025-03-02T09:00"))
    put(shop, "2025-03-03T10:00", ("c0", "new", "2025-03-02T09:30"))
    with open_log(paths_of(tmp_path).log, writable=True) as log:
        log.connection.execute("INSERT INTO superseded VALUES (1, 2)")
    with play(
        chosen(shop.project, ["ring"]), paths_of(tmp_path).log, setting("2025-03-02", "2025-03-09")
    ) as played:
        found = [row["occurrence"] for row in played.draft.rows("SELECT occurrence FROM journeys")]

    assert found == ["order:shop:new"]


def test_nothing_of_the_project_is_written(tmp_path: Path) -> None:
    """Every file is as it was, to the byte and the minute."""
    shop = Shop(tmp_path, ring=RING)
    shop.events(event("c1", "order", "2025-03-02T10:00"))
    shop.run("2025-03-03T08:00")

    def files() -> dict[str, tuple[bytes, int]]:
        return {
            path.relative_to(tmp_path).as_posix(): (path.read_bytes(), path.stat().st_mtime_ns)
            for path in tmp_path.rglob("*")
            if path.is_file() and not path.name.endswith(("-shm", "-wal"))
        }

    before = files()
    told(shop, "2025-03-01", "2025-03-09", "ring")

    assert files() == before


def test_what_real_runs_wrote_is_left_out(tmp_path: Path) -> None:
    """Events of care itself in the real log play no part: a backtest writes its own."""
    shop = Shop(tmp_path, ring=RING)
    shop.events(event("c1", "order", "2025-03-02T10:00"))
    fresh = told(shop, "2025-03-01", "2025-03-09", "ring").json()
    shop.run("2025-03-02T09:00", "2025-03-03T08:00", "2025-03-04T08:00")

    assert told(shop, "2025-03-01", "2025-03-09", "ring", others=True).json() == fresh


@pytest.mark.parametrize(
    ("tasks", "done", "sent"),
    [(Tasks.DONE, "2025-03-04T10:00", 1), (Tasks.AT_OPEN, "2025-03-03T08:00", 1)],
)
def test_people_do_their_tasks(tmp_path: Path, tasks: Tasks, done: str, sent: int) -> None:
    """Tasks are done when they are due, or as they open, with the outcome that was asked for."""
    shop = Shop(tmp_path, ring=RING)
    shop.events(event("c1", "order", "2025-03-02T10:00"))
    project = shop.project
    given = setting(
        "2025-03-01", "2025-03-09", tasks=tasks, outcomes=read_outcomes(project, ("ring=bad",))
    )
    with play(chosen(project, []), paths_of(tmp_path).log, given) as played:
        ring = played.draft.one("SELECT * FROM actions WHERE step = 'ring'")
        letters = played.draft.one("SELECT count(*) AS n FROM actions WHERE state = 'sent'")

    assert ring is not None
    assert (ring["state"], ring["outcome"], ring["closed_at"]) == ("done", "bad", at(done))
    assert letters == {"n": sent}


def test_nobody_does_anything(tmp_path: Path) -> None:
    """With ``expired`` no task is done; ``give_up`` closes it."""
    shop = Shop(tmp_path, ring=RING.replace("outcomes:", "give_up: after 1 day, outcomes:"))
    shop.events(event("c1", "order", "2025-03-02T10:00"))
    report = told(shop, "2025-03-01", "2025-03-09", "ring", tasks=Tasks.EXPIRED)

    assert rows(report, "playbooks")[0] | {"tasks": 1, "expired": 1} == rows(report, "playbooks")[0]


def test_the_figures(tmp_path: Path) -> None:
    """Starts, customers, load by day, peaks, noes and overlap are those of a little past."""
    shop = Shop(tmp_path, ring=RING.replace("again: always", "again: after 30 days"), hello=HELLO)
    shop.events(
        event("c1", "order", "2025-03-03T10:00"), event("c2", "order", "2025-03-03T11:00"),
        event("c2", "order", "2025-03-04T11:00"), event("c3", "visit", "2025-03-01T10:00"),
    )  # fmt: skip
    report = told(shop, "2025-03-02", "2025-03-09", "ring", "hello")

    assert {row["playbook"]: (row["started"], row["tasks"], row["messages"], row["customers"]) for row in rows(report, "playbooks")} == {
        "hello": (2, 0, 2, 2), "ring": (2, 2, 0, 2),
    }  # fmt: skip
    assert {(row["what"], row["name"]): (row["total"], row["peak"], row["peak_day"]) for row in rows(report, "load")} == {
        ("role", "boss"): (2, 2, "2025-03-04"), ("channel", "call"): (2, 2, "2025-03-04"),
        ("channel", "letter"): (2, 2, "2025-03-04"),
    }  # fmt: skip
    assert [(row["playbook"], row["gate"], row["reason"], row["count"]) for row in rows(report, "suppressed")] == [
        ("ring", "release", "recheck", 2), ("ring", "start", "overlap", 1),
    ]  # fmt: skip
    assert rows(report, "overlap") == [
        {"playbook": "hello", "other": "ring", "real": "backtest", "customers": 2, "times": 2}
    ]
    assert sum(row["count"] for row in rows(report, "days") if row["what"] == "role") == 2


def test_overlap_with_the_real_ledger(tmp_path: Path) -> None:
    """Without the others running, what they really did counts."""
    shop = Shop(tmp_path, ring=RING)
    shop.events(event("c1", "order", "2025-03-03T10:00"))
    shop.run("2025-03-03T08:00", "2025-03-04T08:00")
    shop.book("hello", HELLO)
    report = told(shop, "2025-03-02", "2025-03-09", "hello")

    assert rows(report, "overlap") == [
        {"playbook": "hello", "other": "ring", "real": "ledger", "customers": 1, "times": 1}
    ]


def test_how_customers_went_on(tmp_path: Path) -> None:
    """Shares are of the entries that the log follows so long; the hold-out stands beside them."""
    book = RING.replace("again: always", "again: never\nholdout: 50%")
    shop = Shop(tmp_path, ring=book.replace("event: order", "event: signup"))
    names = [f"c{number}" for number in range(8)]
    shop.events(*(event(name, "signup", "2025-03-03T10:00") for name in names))
    shop.events(
        event("c0", "order", "2025-03-20T10:00"), event("c1", "order", "2025-05-20T10:00"),
        event("c9", "visit", "2025-05-25T10:00"),
    )  # fmt: skip
    report = told(shop, "2025-03-02", "2025-03-09", "ring")
    found = rows(report, "followed")

    assert {row["group"] for row in found} == {"care", "holdout"}
    assert sum(row["entries"] for row in found) == 8
    assert sum(round(row["share_30"] * row["seen_30"]) for row in found) == 1
    assert sum(round(row["share_60"] * row["seen_60"]) for row in found) == 1
    assert {row["seen_90"] for row in found} == {0}
    assert {row["share_90"] for row in found} == {None}


def test_levelling_before_and_after(tmp_path: Path) -> None:
    """With ``level`` the same past is played twice; only the second keeps the capacity."""
    care = "  boss: {else: 经理, capacity: 2 a day}\n"
    book = RING.replace("within 2 days", "within 3 working days")
    shop = Shop(tmp_path, care=CARE.replace("  boss: 经理\n", care), ring=book)
    shop.events(*(event(f"c{n}", "order", "2025-03-03T10:00") for n in range(6)))
    report = told(shop, "2025-03-02", "2025-03-09", "ring", level=True)
    (row,) = rows(report, "levelling")

    assert (row["capacity"], row["peak"], row["over"], row["level_peak"], row["level_over"]) == (
        2, 6, 1, 2, 0,
    )  # fmt: skip


def test_levelling_is_of_this_project_alone(tmp_path: Path) -> None:
    """Beside a variant the table of levelling stays as it is: the variant was played without."""
    care = "  boss: {else: 经理, capacity: 2 a day}\n"
    book = RING.replace("within 2 days", "within 3 working days")
    shop = Shop(tmp_path, care=CARE.replace("  boss: 经理\n", care), ring=book)
    shop.events(*(event(f"c{n}", "order", "2025-03-03T10:00") for n in range(6)))
    alone = told(shop, "2025-03-02", "2025-03-09", "ring", level=True)
    beside_it = told(shop, "2025-03-02", "2025-03-09", "ring", level=True, against=shop.project)
    assert rows(beside_it, "levelling") == rows(alone, "levelling")
    assert "other_started" in rows(beside_it, "playbooks")[0]


def test_two_variants(tmp_path: Path) -> None:
    """The other variant's figures stand beside the own, row by row."""
    shop = Shop(tmp_path / "one", ring=RING)
    other = Shop(tmp_path / "two", ring=RING.replace("event: order", "event: visit"))
    shop.events(
        event("c1", "order", "2025-03-03T10:00"), event("c2", "visit", "2025-03-03T10:00"),
        event("c3", "visit", "2025-03-03T10:00"),
    )  # fmt: skip
    report = told(shop, "2025-03-02", "2025-03-09", "ring", against=other.project)
    (row,) = rows(report, "playbooks")

    assert (row["started"], row["other_started"]) == (1, 2)


def test_what_is_held_is_approved(tmp_path: Path) -> None:
    """A playbook over its limit begins a run later, and the report says so."""
    shop = Shop(tmp_path, ring=RING.replace("again:", "limits: {per_run: 2}\nagain:"))
    shop.events(*(event(f"c{n}", "order", "2025-03-03T10:00") for n in range(3)))
    report = told(shop, "2025-03-02", "2025-03-09", "ring")
    (row,) = rows(report, "playbooks")

    assert (row["started"], row["held"]) == (3, 1)
    assert any("2025-03-04 ring 3" in line for line in report.assumed)


def test_late_knowledge_is_told(tmp_path: Path) -> None:
    """What came after the last run is counted in the report: the backtest could not see it."""
    shop = Shop(tmp_path, ring=RING)
    put(shop, "2025-03-03T10:00", ("c0", "a", "2025-03-03T09:00"))
    put(shop, "2025-06-01T10:00", ("c1", "b", "2025-03-03T09:00"))
    report = told(shop, "2025-03-02", "2025-03-09", "ring")

    assert any("2 个事件中 1 个" in line for line in report.assumed)


def test_files(tmp_path: Path) -> None:
    """The workbook has a sheet a table, the page all tables and no script; nothing is fetched."""
    from openpyxl import load_workbook

    shop = Shop(tmp_path, ring=RING)
    shop.events(event("c1", "order", "2025-03-03T10:00"))
    report = told(shop, "2025-03-02", "2025-03-09", "ring")
    report.write_xlsx(tmp_path / "a.xlsx", at=0)
    page = report.html()

    assert load_workbook(tmp_path / "a.xlsx").sheetnames == [
        *(table.title for table in report.tables), "前提",
    ]  # fmt: skip
    assert ("<svg" in page, "<script" in page, "http" in page.replace("http://www.w3.org", "")) == (
        True, False, False,
    )  # fmt: skip
    assert all(table.title in page for table in report.tables if table.name != "days")


def test_names_that_do_not_exist(tmp_path: Path) -> None:
    """Wrong names are answered with what there is."""
    shop = Shop(tmp_path, ring=RING)
    project = shop.project
    with pytest.raises(UsageError, match="did you mean"):
        chosen(project, ["rign"])
    with pytest.raises(InputError, match="no playbook is active"):
        chosen(replace(project, playbooks=()), [])
    with pytest.raises(UsageError, match="STEP=WORD"):
        read_outcomes(project, ("ring",))
    with pytest.raises(UsageError, match="no step"):
        read_outcomes(project, ("rung=fine",))
    with pytest.raises(UsageError, match='no outcome "god"'):
        read_outcomes(project, ("ring=god",))
    with pytest.raises(InputError, match="no events yet"):
        told(shop, "2025-03-02", "2025-03-09", "ring")


def test_nothing_stays_in_the_temporary_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C in the middle of a run leaves no file behind."""
    shop = Shop(tmp_path / "shop", ring=RING)
    shop.events(event("c1", "order", "2025-03-03T10:00"))
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    seen: list[int] = []

    def pressed(done: int, _total: int | None) -> None:
        seen.append(len(list(folder.iterdir())))
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), play(
        chosen(load(shop.root), []), paths_of(shop.root).log, setting("2025-03-02", "2025-03-09"),
        pressed,
    ) as played:  # fmt: skip
        assert isinstance(played, Played)

    assert (seen, list(folder.iterdir())) == ([1, 1, 1], [])


def test_two_variants_fit_a_screen() -> None:
    """Where two pasts differ a cell holds both, where they don't the one value; the columns stay."""
    columns = (
        Column(name="playbook", title="剧本"),
        Column(name="n", title="启动", kind=Kind.COUNT),
    )
    here = Table(
        name="playbooks",
        title="剧本",
        columns=columns,
        rows=[{"playbook": "a", "n": 12}, {"playbook": "b", "n": 3}],
    )
    there = Table(
        name="playbooks",
        title="剧本",
        columns=columns,
        rows=[{"playbook": "a", "n": 1000}, {"playbook": "b", "n": 3}, {"playbook": "c", "n": 7}],
    )
    (both,) = beside([here], [there], "../before")

    found = narrow(both, "UTC")
    assert [column.title for column in found.columns] == ["剧本", "启动"]
    assert [row["n"] for row in found.rows] == ["1,000 → 12", "3", "7 → -"]
