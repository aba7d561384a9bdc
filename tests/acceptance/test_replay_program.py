"""``care replay`` as people and cron call it."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from engine.paths import paths_of
from tests.factories import Shop, event
from tests.zygote import Zygote

DATA = Path(os.environ.get("CARE_DATA", Path(__file__).parents[2].parent / "shared" / "data"))


@pytest.fixture
def shop(tmp_path: Path, zygote: Zygote) -> Shop:
    """Two runs with a task that a person did between them."""
    made = Shop(
        tmp_path, through=zygote,
        care_call="title: 回访\ntrigger: {event: visit}\n"
        "steps:\n  - {step: ring, do: call, due: within 2 days, assign: boss}\n",
    )  # fmt: skip
    made.events(event("甲", "order", "2025-03-01T07:00", amount=1))
    made.run("2025-03-01T08:00")
    made.events(event("甲", "visit", "2025-03-01T09:00"))
    made.run("2025-03-02T08:00")
    made.done("ring", "2025-03-02T10:00", "甲", note="很好")
    made.run("2025-03-03T08:00")
    return made


def test_replay_says_that_all_is_the_same(shop: Shop) -> None:
    """A ledger that nobody touched is made again; quietly, nothing is printed."""
    told = shop.care("replay")
    quiet = shop.care("replay", "-q")

    assert told.code == 0
    assert told.out.startswith("made again: 3 runs, ")
    assert told.out.rstrip().endswith("all the same")
    assert (quiet.code, quiet.out, quiet.err) == (0, "", "")


def test_replay_names_what_differs(shop: Shop) -> None:
    """A row that was changed is named with both values, as text and as JSON, and the exit code is 1."""
    key = shop.action("ring", "甲")["id"]
    with closing(sqlite3.connect(paths_of(shop.root).ledger)) as connection:
        connection.execute("UPDATE actions SET assignee = '乙'")
        connection.commit()
    told = shop.care("replay")
    words = 'assignee is "乙" in the ledger, made again it is "经理"'

    assert told.code == 1
    assert f"the rows at the end\n  actions {key}: {words}\n" in told.out
    assert "1 thing is not as the ledger says" in told.err
    assert shop.care("replay", "--format", "json").json["differences"] == [
        {"at": None, "table": "actions", "row": key, "words": words}
    ]


def test_replay_of_a_part(shop: Shop) -> None:
    """`--from` and `--to` bound the runs that are made again; the wrong way round they are refused."""
    part = shop.care(
        "replay", "--from", "2025-03-02", "--to", "2025-03-02T23:59", "--format", "json"
    )
    wrong = shop.care("replay", "--from", "2025-03-03", "--to", "2025-03-02")

    assert (part.code, part.json["runs"], part.json["taken"]) == (0, 1, 1)
    assert (wrong.code, wrong.out) == (2, "")
    assert "--to lies before --from" in wrong.err


def test_replay_before_the_first_run(tmp_path: Path, zygote: Zygote) -> None:
    """Without a ledger there is nothing to make again, and that is said."""
    told = Shop(tmp_path, through=zygote).care("replay")

    assert (told.code, told.out) == (1, "")
    assert "there is no ledger yet" in told.err


@pytest.mark.long
def test_forty_days_of_a_real_shop_are_made_again(tmp_path: Path) -> None:
    """Forty days of Online Retail, with ten playbooks and people at work, give the same ledger again."""
    from bench import year
    from engine.audit.rerun import replay
    from engine.series import instants
    from rules.units import from_iso

    data = DATA / year.FILE
    if not data.exists():
        pytest.skip(f"the real log {year.FILE} is not here: set CARE_DATA to its folder")
    year.build(tmp_path, data)
    first, last = (from_iso(text, year.ZONE) for text in (year.FIRST, year.LAST))
    moments = list(instants(first, last, year.EVERY, year.ZONE))[:40]
    year.run_days(tmp_path, moments, "reference")
    found = replay(tmp_path)

    assert (found.runs, found.differences) == (40, ())
    assert found.rows > 10_000
