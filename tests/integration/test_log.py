"""The log in a real DuckDB file: what a run sees, what is new, what is added once."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.log import Arrival, Log, open_log
from rules.errors import BusyError, InputError, StateError
from rules.history import AttributeVersion, Event, History
from rules.vocabulary import EventType, FieldKind, FieldType, Vocabulary


def vocabulary(**fields: FieldKind) -> Vocabulary:
    """Return a vocabulary with events ``order`` (the given fields) and ``call``."""
    kinds = fields or {"amount": FieldKind.NUMBER}
    order = {name: FieldType(name=name, kind=kind) for name, kind in kinds.items()}
    attributes = {
        name: FieldType(name=name, kind=kind)
        for name, kind in {
            "city": FieldKind.TEXT,
            "email_ok": FieldKind.YES_NO,
            "tags": FieldKind.WORDS,
        }.items()
    }
    return Vocabulary(
        business="test",
        timezone="UTC",
        calendar="none",
        opens=dt.time(9),
        closes=dt.time(18),
        events={
            "order": EventType(name="order", title="", fields=order),
            "call": EventType(name="call", title="", fields={}),
        },
        groups={},
        attributes=attributes,
        channels={},
        roles={},
        dates={},
    )


def event(name: str = "order", at: int = 100, *, id: str = "e1", **fields: object) -> Event:  # noqa: A002
    return Event(id=id, name=name, at=at, fields=fields)  # type: ignore[arg-type]


@pytest.fixture
def log(tmp_path: Path) -> Log:
    with open_log(tmp_path / "log.duckdb", writable=True) as opened:
        opened.ensure_columns(vocabulary())
        yield opened


def add(log: Log, *events: tuple[str, Event], source: str = "shop") -> int:
    return log.append(events, vocabulary=vocabulary(), source=source, known_at=0)


def supersede(log: Log, old: int, new: int) -> None:
    log.query("INSERT INTO superseded VALUES ($old, $new)", {"old": old, "new": new})


def add_version(log: Log, seq: int, at: int, attribute: str, **cell: object) -> None:
    code = log.customer_codes(["ann"])["ann"]
    number = log.codes().attributes[attribute]
    log.query(
        "INSERT INTO attributes VALUES ($seq, $code, $number, $at, $at, 'crm', '', $num, $txt)",
        {"seq": seq, "code": code, "number": number, "at": at, "num": None, "txt": None} | cell,
    )


def test_append_is_idempotent(log: Log) -> None:
    """A (source, id) is added once, whether it comes twice in a batch, in two, or in part."""
    batch = [("ann", event(id="a")), ("bob", event(id="b")), ("ann", event(id="a", at=999))]

    assert add(log, *batch) == 2
    assert add(log, *batch, ("cid", event(id="c"))) == 1
    assert add(log, ("ann", event(id="a")), source="till") == 1
    assert log.max_seq() == 4
    assert log.customer_codes(["ann", "bob", "cid", "dan"]) == {"ann": 1, "bob": 2, "cid": 3}
    assert log.customer_ids([3, 1, 9]) == {1: "ann", 3: "cid"}
    table = log.table("SELECT id FROM customers WHERE code > $low ORDER BY code", {"low": 1})
    assert table.to_pydict() == {"id": ["bob", "cid"]}


def test_fields_of_every_kind_come_back(tmp_path: Path) -> None:
    """What was appended is what the history holds, for every kind of field, Chinese names too."""
    kinds = {
        "金额": FieldKind.NUMBER,
        "note": FieldKind.TEXT,
        "kind": FieldKind.WORD,
        "tags": FieldKind.WORDS,
        "paid": FieldKind.YES_NO,
        "due": FieldKind.DATE,
        "seen": FieldKind.INSTANT,
    }
    declared = vocabulary(**kinds)
    full = event(
        金额=-125_000, note='a "b"', kind="x", tags=("p", "q"), paid=False, due=-3, seen=2**52
    )
    with open_log(tmp_path / "log.duckdb", writable=True) as log:
        log.append(
            [("安娜", full), ("安娜", event(id="e2", tags=()))],
            vocabulary=declared,
            source="s",
            known_at=1,
        )
        found = log.histories(["安娜", "nobody"], at=100, seq=2, vocabulary=declared)

    assert found == {
        "安娜": History(customer="安娜", events=(full, event(id="e2", tags=()))),
        "nobody": History(customer="nobody"),
    }


def test_undeclared_fields_stand_in_rest(log: Log) -> None:
    """A field that care.yaml does not declare is kept as JSON and is in no history."""
    add(log, ("ann", event(mood="好", amount=10_000)))

    assert log.query("SELECT rest FROM events") == [('{"mood": "好"}',)]
    history = log.histories(["ann"], at=100, seq=1, vocabulary=vocabulary())["ann"]
    assert history.events == (event(amount=10_000),)


def test_only_what_t_and_s_see(log: Log) -> None:
    """A history ends at T and at S, and shows the version of an event that S knows."""
    add(log, ("ann", event(id="a", at=50)), ("ann", event(id="b", at=60)))
    add(log, ("ann", event(id="a2", at=55)))
    supersede(log, 1, 3)

    def ids(at: int, seq: int) -> list[str]:
        history = log.histories(["ann"], at=at, seq=seq, vocabulary=vocabulary())["ann"]
        return [entry.id for entry in history.events]

    assert ids(100, 2) == ["a", "b"]
    assert ids(100, 3) == ["a2", "b"]
    assert ids(55, 3) == ["a2"]
    assert ids(52, 3) == []
    assert ids(52, 2) == ["a"]
    assert log.population_count(52, 3) == 0
    assert log.population_count(52, 2) == 1


def test_attribute_versions(log: Log) -> None:
    """Versions up to T and S are there, and the first one even when it lies after T."""
    add(log, ("ann", event(at=10)))
    add_version(log, 2, 50, "city", txt="Bath")
    add_version(log, 3, 70, "city", txt="York")
    add_version(log, 4, 90, "city")
    add_version(log, 5, 60, "email_ok", num=1)
    add_version(log, 6, 60, "tags", txt="\x1fa\x1fb\x1f")

    def versions(at: int, seq: int) -> tuple[AttributeVersion, ...]:
        return log.histories(["ann"], at=at, seq=seq, vocabulary=vocabulary())["ann"].attributes

    bath = AttributeVersion(name="city", at=50, value="Bath")
    york = AttributeVersion(name="city", at=70, value="York")
    gone = AttributeVersion(name="city", at=90, value=None)
    yes = AttributeVersion(name="email_ok", at=60, value=True)
    tags = AttributeVersion(name="tags", at=60, value=("a", "b"))
    assert versions(0, 2) == (bath,)
    assert versions(75, 2) == (bath,)
    assert versions(75, 5) == (bath, york, yes)
    assert versions(99, 6) == (bath, york, gone, yes, tags)


def test_arrivals_are_new_late_or_corrected(log: Log) -> None:
    """Between two runs come: events of the time between, late ones, and new versions."""
    add(log, ("ann", event(id="seen", at=10)), ("ann", event(id="later", at=30)))
    add(log, ("bob", event(id="late", at=5)), ("bob", event("call", id="call", at=25)))
    add(log, ("ann", event(id="fixed", at=11)), ("ann", event(id="fixed again", at=12)))
    add(log, ("ann", event(id="beyond", at=99)))
    supersede(log, 1, 5)
    supersede(log, 5, 6)
    declared = vocabulary()

    found = list(
        log.events_between(
            ["order", "nothing"], vocabulary=declared, at0=20, seq0=2, at1=40, seq1=7
        )
    )

    def arrival(customer: str, entry: Event, *, late: bool, corrects: bool = False) -> Arrival:
        return Arrival(customer=customer, event=entry, source="shop", late=late, corrects=corrects)

    assert found == [
        arrival("bob", event(id="late", at=5), late=True),
        arrival("ann", event(id="fixed again", at=12), late=True, corrects=True),
        arrival("ann", event(id="later", at=30), late=False),
    ]


@settings(max_examples=30, deadline=None)
@given(
    batches=st.lists(
        st.lists(st.tuples(st.integers(0, 20), st.sampled_from("abc")), max_size=5),
        min_size=1,
        max_size=4,
    ),
    data=st.data(),
)
def test_arrivals_are_the_difference_of_two_views(
    batches: list[list[tuple[int, str]]], data: st.DataObject
) -> None:
    """Always: the arrivals are exactly the events that (T1, S1) sees and (T0, S0) does not."""
    import duckdb

    from engine.log_schema import create_tables

    connection = duckdb.connect()
    create_tables(connection)
    log = Log(connection, Path("memory"), writable=True)
    log.ensure_columns(vocabulary())
    number = 0
    for batch in batches:
        pairs = []
        for at, customer in batch:
            number += 1
            pairs.append((customer, event(id=f"{number}", at=at)))
        add(log, *pairs)
    for new in range(2, log.max_seq() + 1):
        if data.draw(st.booleans(), label=f"{new} supersedes"):
            supersede(log, data.draw(st.integers(1, new - 1)), new)
    seq0, seq1 = sorted(data.draw(st.tuples(*[st.integers(0, number)] * 2)))
    at0, at1 = sorted(data.draw(st.tuples(*[st.integers(0, 20)] * 2)))

    def seen(at: int, seq: int) -> set[str]:
        views = log.histories("abc", at=at, seq=seq, vocabulary=vocabulary())
        return {entry.id for view in views.values() for entry in view.events}

    before, after = seen(at0, seq0), seen(at1, seq1)
    arrivals = list(
        log.events_between(
            ["order"], vocabulary=vocabulary(), at0=at0, seq0=seq0, at1=at1, seq1=seq1
        )
    )
    log.close()

    assert sorted(arrival.event.id for arrival in arrivals) == sorted(after - before)


def test_columns_grow_with_the_vocabulary(tmp_path: Path) -> None:
    """A field declared later is unknown on older events, for a reader before anyone wrote it too."""
    path = tmp_path / "log.duckdb"
    with open_log(path, writable=True) as log:
        add(log, ("ann", event(amount=1)))
    wider = vocabulary(amount=FieldKind.NUMBER, Note=FieldKind.TEXT)

    with open_log(path, writable=False) as log:
        log.ensure_columns(wider)
        assert log.query('SELECT "n_amount", "t_Note" FROM events') == [(1, None)]
        found = log.histories(["ann"], at=100, seq=1, vocabulary=wider)
        log.execute_scope([2, 1, 2])
        assert log.query("SELECT customer FROM scope") == [(1,), (2,)]
    assert found["ann"].events == (event(amount=1),)

    with open_log(path, writable=True) as log:
        log.append([("ann", event(id="n", Note="x"))], vocabulary=wider, source="s", known_at=0)
        assert log.query('SELECT id, "t_Note" FROM events ORDER BY id') == [
            ("e1", None),
            ("n", "x"),
        ]


def test_a_failed_transaction_leaves_nothing(log: Log) -> None:
    """What fails half way adds nothing, not even the seq."""

    class Interrupted(BaseException):
        pass

    def half() -> None:
        with log.transaction():
            log.query("INSERT INTO customers VALUES (1, 'ann')")
            raise Interrupted

    with pytest.raises(Interrupted):
        half()

    assert log.query("SELECT * FROM customers") == []
    assert log.max_seq() == 0


def holder(path: Path) -> subprocess.Popen[str]:
    script = textwrap.dedent(f"""
        import duckdb, sys
        connection = duckdb.connect({str(path)!r})
        print("open", flush=True)
        sys.stdin.readline()
    """)
    child = subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "open\n"
    return child


def test_busy_names_the_process(tmp_path: Path) -> None:
    """Who can't open the log is told in one line which process has it; when it ends all is well."""
    path = tmp_path / "log.duckdb"
    open_log(path, writable=True).close()
    with holder(path) as child:
        with pytest.raises(BusyError) as raised:
            open_log(path, writable=False, wait=0.2)
        child.communicate("\n")

    assert f"(process {child.pid})" in str(raised.value)
    assert len(str(raised.value).splitlines()) == 1
    with open_log(path, writable=False, wait=0.2) as log:
        assert log.max_seq() == 0


def test_waits_for_the_holder(tmp_path: Path) -> None:
    """Opening succeeds when the holder leaves within the wait."""
    path = tmp_path / "log.duckdb"
    open_log(path, writable=True).close()
    with holder(path) as child:
        assert child.stdin is not None
        child.stdin.write("\n")
        child.stdin.flush()
        with open_log(path, writable=True, wait=20) as log:
            assert log.max_seq() == 0


def test_a_missing_or_foreign_file(tmp_path: Path) -> None:
    """A missing log, one that is no database and one of a later care give one plain line each."""
    path = tmp_path / "log.duckdb"
    with pytest.raises(InputError, match="import some first"):
        open_log(path, writable=False)
    path.write_text("hello" * 1000)
    with pytest.raises(InputError, match="not a DuckDB file"):
        open_log(path, writable=True)
    path.unlink()
    with open_log(path, writable=True) as log:
        log.query("UPDATE log_version SET version = 99")
    with pytest.raises(StateError, match="update care"):
        open_log(path, writable=True)
