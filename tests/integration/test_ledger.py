"""The ledger: transactions, the chain, the lease."""

import multiprocessing
import sqlite3

import pytest

from engine.audit.blocks import follow, line_of, unpack
from engine.audit.verify import verify
from engine.ledger import GENESIS, MIGRATIONS, Ledger, open_ledger
from engine.words import Transition
from rules.errors import BusyError, InputError, StateError

OLD_BLOCK = "8b8e06c508a21a79be7bedf35dcb20a906aaa73c231fa8e3e99e054f767402f5c40200"


def clock() -> int:
    return 1_000_000


@pytest.fixture
def ledger(tmp_path):
    made = open_ledger(tmp_path / "ledger.db")
    yield made
    made.close()


def fill(ledger: Ledger, *names: str) -> None:
    for number, name in enumerate(names):
        with ledger.transaction():
            ledger.insert("approvals", [{"playbook": name, "at": number, "who": "张三"}])


def test_a_block_that_fails_leaves_nothing(ledger):
    """What stands in a transaction is written whole or not at all, its audit entries included."""
    with pytest.raises(ZeroDivisionError), ledger.transaction():
        ledger.execute("INSERT INTO cursors VALUES ('x', 1)")
        ledger.record(0, Transition.MEMBERSHIP, "x", {})
        1 / 0  # noqa: B018

    assert ledger.one("SELECT * FROM cursors") is None
    assert ledger.head() == (0, GENESIS)


def test_an_entry_outside_a_transaction_is_refused(ledger):
    """An audit entry can't be written by itself."""
    with pytest.raises(StateError, match="outside a transaction"):
        ledger.record(0, Transition.MEMBERSHIP, "x", {})


def test_a_row_outside_a_transaction_is_refused(ledger):
    """A row that the chain vouches for can't be written by itself either."""
    with pytest.raises(StateError, match="outside a transaction"):
        ledger.insert("approvals", [{"playbook": "a", "at": 1, "who": "甲"}])

    assert ledger.one("SELECT * FROM approvals") is None


def test_an_entry_about_a_row_comes_with_the_row(ledger):
    """What has a table is written there; an entry alone would be one without its row."""
    with pytest.raises(StateError, match="without its row"), ledger.transaction():
        ledger.record(0, Transition.APPROVAL, "x", {})


def test_a_sound_chain_verifies(ledger):
    """A chain as it was written is sound, and its head is the last hash."""
    fill(ledger, "a", "b", "c")

    found = verify(ledger)

    assert found.faults == ()
    assert (found.entries, found.head) == ledger.head()


@pytest.mark.parametrize(
    ("sql", "place"),
    [
        ("UPDATE blocks SET body = (SELECT body FROM blocks WHERE n = 2) WHERE n = 3", "entry 3"),
        ("UPDATE blocks SET body = x'00' WHERE n = 2", "entry 2"),
        ("UPDATE blocks SET hash = (SELECT hash FROM blocks WHERE n = 1) WHERE n = 5", "entry 5"),
        ("DELETE FROM blocks WHERE n = 2", "entries 2 to 3"),
        ("DELETE FROM blocks WHERE n = 1", "entries 1 to 2"),
        ("UPDATE blocks SET n = 99 WHERE n = 4", "entries 4 to 5"),
        ("UPDATE blocks SET n = 99 WHERE n = 5", "entries 5 to 99"),
        ("INSERT INTO blocks SELECT 6, hash, body FROM blocks WHERE n = 5", "entry 6"),
    ],
)
def test_every_change_in_the_chain_is_found(ledger, sql, place):
    """An edited, deleted, moved or inserted entry is named by its number."""
    fill(ledger, "a", "b", "c", "d", "e")
    ledger.connection.execute("PRAGMA ignore_check_constraints = 1")
    ledger.connection.execute(sql)

    (fault,) = verify(ledger).faults
    assert f"the audit chain is broken at {place};" in fault


def test_a_cut_tail_is_found_with_an_outside_head(ledger):
    """Rows and chain cut together look sound; a head kept elsewhere shows what is missing."""
    fill(ledger, "a", "b", "c", "d", "e")
    number, head = ledger.head()
    ledger.connection.execute("DELETE FROM blocks WHERE n > 3")
    ledger.connection.execute("DELETE FROM approvals WHERE at > 2")

    assert verify(ledger).faults == ()
    (fault,) = verify(ledger, number=number, head=head).faults
    assert fault == "the chain ends at entry 3, before the head at 5: its tail was cut"


def test_a_rewritten_tail_is_found_with_an_outside_head(ledger):
    """A tail that was written again in good order differs from the head kept elsewhere."""
    fill(ledger, "a", "b", "c", "d", "e")
    number, head = ledger.head()
    ledger.connection.execute("DELETE FROM blocks WHERE n > 3")
    ledger.connection.execute("DELETE FROM approvals WHERE at > 2")
    fill(ledger, "f", "g")

    assert verify(ledger).faults == ()
    (fault,) = verify(ledger, number=number, head=head[:16]).faults
    assert "entry 5 is not the one of the head that was kept" in fault


def test_an_earlier_head_stands_in_the_middle_of_a_block(ledger):
    """Each entry has a hash of its own, not only the last of a transaction."""
    with ledger.transaction():
        for name in ("a", "b", "c"):
            ledger.insert("approvals", [{"playbook": name, "at": 0, "who": "张三"}])
    (body,) = ledger.connection.execute("SELECT body FROM blocks").fetchone()
    last = follow(follow(GENESIS, 1, unpack(body)[0]), 2, unpack(body)[1])

    assert verify(ledger, number=2, head=last).faults == ()
    assert len(verify(ledger, number=2, head="0" * 64).faults) == 1


def test_a_lease_keeps_a_second_run_out(tmp_path, ledger):
    """While a live process holds the lease, another one gets a line that names it."""
    with ledger.lease(clock):
        second = open_ledger(tmp_path / "ledger.db")
        with pytest.raises(BusyError, match="another run is at work"), second.lease(clock):
            pytest.fail("two leases at once")
        second.close()


def test_a_lease_given_back_is_free_with_a_higher_fence(ledger):
    """Each lease has a higher fencing number than the one before."""
    with ledger.lease(clock) as first:
        pass
    with ledger.lease(clock) as second:
        pass

    assert second.fence == first.fence + 1


def _take_and_die(path: str) -> None:
    import os

    ledger = open_ledger(path)
    held = ledger.lease(clock)
    held.__enter__()
    os._exit(9)


def test_the_lease_of_a_dead_process_is_taken_over(tmp_path, ledger):
    """A process that was killed does not keep the next run out."""
    worker = multiprocessing.get_context("spawn").Process(
        target=_take_and_die, args=(tmp_path / "ledger.db",)
    )
    worker.start()
    worker.join()
    assert ledger.one("SELECT holder FROM lease")["holder"] != ""

    with ledger.lease(clock) as lease:
        assert lease.fence == 2


def test_a_fenced_out_run_writes_nothing(ledger):
    """A run whose lease another one took over can't commit."""
    with ledger.lease(clock) as lease:
        ledger.connection.execute("UPDATE lease SET fence = fence + 1")
        with pytest.raises(BusyError, match="took over"), ledger.transaction(lease):
            ledger.execute("INSERT INTO cursors VALUES ('x', 1)")

    assert ledger.one("SELECT * FROM cursors") is None


def test_a_file_that_is_no_ledger_is_refused_in_words(tmp_path):
    """Garbage in place of the ledger is an error in one line; the file stays as it is."""
    path = tmp_path / "ledger.db"
    path.write_bytes(b"not a database, but long enough to look like one" * 100)

    with pytest.raises(InputError, match="cannot be used as a ledger"):
        open_ledger(path)
    assert path.read_bytes().startswith(b"not a database")


def test_a_missing_ledger_is_not_made_by_readers(tmp_path):
    """Readers say that there is none; they leave no empty file behind."""
    with pytest.raises(InputError, match="no ledger yet"):
        open_ledger(tmp_path / "ledger.db", create=False)
    assert not (tmp_path / "ledger.db").exists()


def test_a_locked_ledger_is_a_clear_error(tmp_path, ledger):
    """A writer that finds the file locked for too long says so, without a traceback."""
    other = sqlite3.connect(tmp_path / "ledger.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    ledger.connection.execute("PRAGMA busy_timeout = 50")

    with pytest.raises(BusyError, match="is locked"), ledger.transaction():
        pytest.fail("never gets here")
    other.close()


def test_readers_do_not_wait_for_a_writer(tmp_path, ledger):
    """While a run writes, others open the ledger and read it as it was before."""
    fill(ledger, "a")
    with ledger.transaction():
        ledger.insert("approvals", [{"playbook": "b", "at": 2, "who": "李四"}])
        reader = open_ledger(tmp_path / "ledger.db", create=False)
        reader.connection.execute("PRAGMA busy_timeout = 0")
        names = [row["playbook"] for row in reader.rows("SELECT playbook FROM approvals")]
        entries = [entry.subject for entry in reader.chain.entries()]
        reader.close()

    assert (names, entries) == (["a"], ["a"])


def test_the_tables_are_known_without_the_library_that_makes_them():
    """Opening a ledger that has its tables imports no sqlite-utils: the names are kept by hand."""
    from sqlite_utils import Database

    from engine.ledger_schema import migrations

    waiting = migrations.pending(Database(memory=True))
    assert [migration.name for migration in waiting] == list(MIGRATIONS)


def test_a_database_without_the_chain_is_refused_in_words(tmp_path, ledger):
    """A ledger of another make is an error in one line, not a traceback from its first query."""
    ledger.connection.execute("DROP TABLE blocks")

    with pytest.raises(InputError, match="cannot be used as a ledger"):
        open_ledger(tmp_path / "ledger.db")


def test_an_entry_tells_what_changed(ledger):
    """A row that is written again leaves an entry with what differs; the same again leaves none."""
    row = {"playbook": "a", "at": 1, "who": "甲"}
    with ledger.transaction():
        ledger.insert("approvals", [row], replace=True)
        ledger.insert("approvals", [{**row, "who": "乙"}], replace=True)
        ledger.insert("approvals", [{**row, "who": "乙"}], replace=True)
        ledger.drop("approvals", {"playbook": "a"}, at=5)

    told = [(entry.at, entry.body) for entry in ledger.chain.entries()]
    assert told == [(1, {"at": 1, "who": "甲"}), (1, {"who": "乙"}), (5, {"gone": True})]


def test_a_row_that_is_refused_leaves_no_entry(ledger):
    """Who goes on after a row that the table does not take has no entry about it in the chain."""
    row = {"playbook": "a", "at": 1, "who": "甲"}
    with ledger.transaction():
        ledger.insert("approvals", [row])
        with pytest.raises(sqlite3.IntegrityError):
            ledger.insert("approvals", [row])
        ledger.insert("approvals", [{**row, "playbook": "b"}])

    assert [entry.subject for entry in ledger.chain.entries()] == ["a", "b"]
    assert verify(ledger).faults == ()


def test_a_long_transaction_is_several_blocks_and_one_chain(ledger):
    """Entries are read back one by one, across blocks and before the transaction is over."""
    names = [f"{n:04} {'x' * 60}" for n in range(2_000)]
    with ledger.transaction():
        for name in names:
            ledger.insert("approvals", [{"playbook": name, "at": 1, "who": "甲"}])
        early = ledger.chain.entry(3).subject, ledger.chain.entry(2_000).subject

    blocks = list(ledger.rows("SELECT n FROM blocks"))
    assert early == (names[2], names[1_999])
    assert 1 < len(blocks) < 10
    assert [entry.subject for entry in ledger.chain.entries()] == names
    assert [entry.n for entry in ledger.chain.entries(after=1_990)] == list(range(1_991, 2_001))
    assert verify(ledger).faults == ()


def test_an_old_block_can_still_be_read():
    """The dictionary of blocks never changes: a block of the first version is read as it was."""
    block = bytes.fromhex(OLD_BLOCK)

    assert unpack(block) == [line_of(1, "approval", "续约", 0, {"at": 1, "who": "张三"})]
