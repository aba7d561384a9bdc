"""What `care audit verify` finds: whatever somebody changes behind care's back."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from engine.audit.tables import APART, TABLES
from engine.audit.verify import verify
from engine.ledger import Ledger, open_ledger
from engine.paths import paths_of
from tests.factories import Shop
from tests.ledgers import Tampering, in_memory, rewrite, whole


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """A project whose ledger has something in every table."""
    return whole(tmp_path_factory.mktemp("whole"))


@pytest.fixture
def ledger(made: Shop) -> Iterator[Ledger]:
    """A copy of its ledger."""
    copy = in_memory(paths_of(made.root).ledger)
    yield copy
    copy.close()


def test_every_table_is_vouched_for_or_says_nothing(ledger: Ledger) -> None:
    """A table of the ledger that is neither in the chain nor known to say nothing is an oversight."""
    names = {
        row["name"] for row in ledger.rows("SELECT name FROM sqlite_master WHERE type = 'table'")
    }

    assert names == {*TABLES, *APART}


def test_the_tampered_ledger_has_something_in_every_table(ledger: Ledger) -> None:
    """Tampering reaches every table."""
    empty = [
        name
        for name in (*TABLES, "membership", "blocks")
        if ledger.one(f"SELECT 1 FROM {name}") is None
    ]

    assert empty == []


def test_an_untouched_ledger_is_sound(ledger: Ledger) -> None:
    """Runs, deliveries and people write nothing that verification takes for tampering."""
    number, head = ledger.head()
    found = verify(ledger, number=number, head=head)

    assert found.faults == ()
    assert (found.entries, found.head) == (number, head)
    assert found.rows["actions"] == ledger.one("SELECT count(*) AS n FROM actions")["n"]  # type: ignore[index]


@pytest.mark.parametrize("part", range(5))
def test_a_thousand_changes_are_found(made: Shop, part: int) -> None:
    """Every edit, deletion, swap, insertion and cut in any table is found, with the head at hand."""
    draw = random.Random(part)
    missed = []
    for _ in range(200):
        copy = in_memory(paths_of(made.root).ledger)
        number, head = copy.head()
        tampering = Tampering(copy, draw)
        tampering.once()
        if not verify(copy, number=number, head=head).faults:
            missed.append(tampering.did)
        copy.close()

    assert missed == []


def test_a_ledger_larger_than_memory_is_verified_alike(
    made: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where rows have to go to a temporary file, the same is found."""
    monkeypatch.setattr("engine.audit.replay._IN_MEMORY", 7)
    whole_copy = in_memory(paths_of(made.root).ledger)
    sound = verify(whole_copy)
    draw, missed = random.Random(9), []
    for _ in range(40):
        copy = in_memory(paths_of(made.root).ledger)
        number, head = copy.head()
        tampering = Tampering(copy, draw)
        tampering.once()
        if not verify(copy, number=number, head=head).faults:
            missed.append(tampering.did)
        copy.close()
    whole_copy.close()

    assert sound.faults == ()
    assert missed == []


def test_a_run_may_write_while_a_ledger_is_verified(made: Shop, tmp_path: Path) -> None:
    """What is written meanwhile is not taken for tampering: all is read as of one moment."""
    written: list[str] = []
    with made.ledger() as ledger:
        ledger.execute("VACUUM INTO ?", str(tmp_path / "ledger.db"))

    def write(what: str) -> None:
        with closing(open_ledger(tmp_path / "ledger.db")) as other, other.transaction():
            other.insert("approvals", [{"playbook": what, "at": 1, "who": "甲"}])
            other.insert("cursors", [{"name": what, "value": 1}], at=1)
        written.append(what)

    with closing(open_ledger(tmp_path / "ledger.db")) as ledger:
        found = verify(ledger, report=write)
        after = verify(ledger)

    assert found.faults == ()
    assert len(written) >= len(TABLES)
    assert after.faults == ()
    assert after.entries == found.entries + 2 * len(written)


def test_a_damaged_file_is_told_in_words(ledger: Ledger) -> None:
    """A table that is gone is a fault like others, not a traceback."""
    ledger.connection.execute("DROP TABLE actions")

    (fault,) = verify(ledger).faults
    assert fault.startswith("the file can't be read: no such table")


# -- decisions made again: what a chain that was written anew as a whole can't hide ---------------

Body = dict[str, Any]


def _first(body: Body, kind: str, gate: str, **wanted: object) -> Body | None:
    """Return the evidence of a decision of a gate with certain values; None for other entries."""
    if kind != "decision" or body.get("gate") != gate:
        return None
    return body["evidence"] if all(body.get(k) == v for k, v in wanted.items()) else None


def _gate_word(body: Body, kind: str) -> None:
    if found := _first(body, kind, "start", verb="started"):
        found["gate"]["late"] = "yes"


def _again(body: Body, kind: str) -> None:
    if (found := _first(body, kind, "start", verb="started")) and body["playbook"] == "series":
        found["gate"]["again"] = "early"
        found.setdefault("matched", []).append("again_early")


def _holdout(body: Body, kind: str) -> None:
    if (found := _first(body, kind, "start")) and body["playbook"] == "win":
        same = found["gate"]["holdout"] == "no"
        found["gate"]["holdout"] = "playbook" if same else "no"


def _silent_rule(body: Body, kind: str) -> None:
    if found := _first(body, kind, "start", reason="house_defer"):
        found["matched"] = []


def _leaf(body: Body, kind: str) -> None:
    if (found := _first(body, kind, "start")) and "condition" in found:
        found["condition"]["leaves"][0]["value"] = "0"


def _trace(body: Body, kind: str) -> None:
    if (found := _first(body, kind, "start")) and "condition" in found:
        found["condition"]["verdict"] = not found["condition"]["verdict"]


def _cap_count(body: Body, kind: str) -> None:
    if (found := _first(body, kind, "release")) and "cap" in found:
        found["cap"]["count"] += 1


def _cap_newest(body: Body, kind: str) -> None:
    if (found := _first(body, kind, "release")) and "cap" in found:
        found["cap"]["newest"] = ["a-aaaaaaaaaaaa"]


def _words(body: Body, kind: str) -> None:
    if kind == "action" and body.get("anchor") == "the entry" and "words" in body:
        body["words"] = body["words"].replace("opens", "begins")


def _config(body: Body, kind: str) -> None:
    if found := _first(body, kind, "start", verb="started"):
        del found["trigger"], found["gate"]["again"]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (_gate_word, "the facts of the gate give another answer"),
        (_again, "the gate says again_early, the decision go"),
        (_holdout, "the facts of the gate give another answer"),
        (_silent_rule, "the gate says go, the decision house_defer"),
        (_leaf, "the trace of `condition` is not sound"),
        (_trace, "the trace of `condition` is not sound: its leaves make it true"),
        (_cap_count, "counted again, 1 reached the customer in 7 days, 1 may; it says 2"),
        (_cap_newest, "counted again, 1 reached the customer"),
        (_config, "its evidence can't be understood"),
    ],
)
def test_a_decision_that_does_not_follow_is_told(
    ledger: Ledger, change: Callable[[Body, str], None], told: str
) -> None:
    """Where chain and rows agree with each other, the decision still has to follow from its facts."""
    rewrite(ledger, change)

    faults = verify(ledger).faults
    assert faults != ()
    assert all(told in fault for fault in faults), faults


def test_a_window_that_the_calendar_does_not_give_is_told(ledger: Ledger) -> None:
    """The arithmetic of a step is made again from its playbook, its entry and the calendar."""
    rewrite(ledger, _words)
    ledger.connection.execute(
        "UPDATE actions SET words = replace(words, 'opens', 'begins') WHERE anchor = 'the entry'"
    )

    faults = verify(ledger).faults
    assert faults != ()
    assert all("counted again, its window is: opens" in fault for fault in faults), faults


def test_what_was_made_again_is_counted(ledger: Ledger) -> None:
    """The counts show that verification did make decisions again, of every kind."""
    again = verify(ledger).again

    assert set(again) == {"gates", "starts", "conditions", "caps", "windows"}
    assert min(again.values()) >= 4
