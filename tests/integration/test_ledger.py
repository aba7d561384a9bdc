"""The ledger: transactions, the chain, the lease."""

import multiprocessing
import sqlite3

import pytest

from engine.audit import verify_chain
from engine.ledger import GENESIS, Ledger, open_ledger
from engine.words import Transition
from rules.errors import BusyError, InputError, StateError


def clock() -> int:
    return 1_000_000


@pytest.fixture
def ledger(tmp_path):
    made = open_ledger(tmp_path / "ledger.db")
    yield made
    made.close()


def fill(ledger: Ledger, count: int) -> None:
    for number in range(count):
        with ledger.transaction():
            ledger.record(number, Transition.APPROVAL, f"book{number}", {"who": "张三"})


def test_a_block_that_fails_leaves_nothing(ledger):
    """What stands in a transaction is written whole or not at all, its audit entries included."""
    with pytest.raises(ZeroDivisionError), ledger.transaction():
        ledger.execute("INSERT INTO cursors VALUES ('x', 1)")
        ledger.record(0, Transition.APPROVAL, "x", {})
        1 / 0  # noqa: B018

    assert ledger.one("SELECT * FROM cursors") is None
    assert ledger.head() == (0, GENESIS)


def test_an_entry_outside_a_transaction_is_refused(ledger):
    """An audit entry can't be written by itself."""
    with pytest.raises(StateError):
        ledger.record(0, Transition.APPROVAL, "x", {})


def test_a_sound_chain_verifies(ledger):
    """A chain as it was written is sound, and its head is the last hash."""
    fill(ledger, 5)

    found = verify_chain(ledger)

    assert found.broken_at is None
    assert (found.entries, found.head) == ledger.head()


@pytest.mark.parametrize(
    ("sql", "broken"),
    [
        ('UPDATE audit SET body = \'{"who":"李四"}\' WHERE n = 3', 3),
        ("UPDATE audit SET at = at + 1 WHERE n = 2", 2),
        ("UPDATE audit SET subject = 'other' WHERE n = 5", 5),
        ("DELETE FROM audit WHERE n = 2", 2),
        ("DELETE FROM audit WHERE n = 1", 1),
        ("UPDATE audit SET n = 99 WHERE n = 4", 4),
        ("INSERT INTO audit SELECT 6, at, kind, subject, body, hash FROM audit WHERE n = 5", 6),
    ],
)
def test_every_change_in_the_chain_is_found(ledger, sql, broken):
    """An edited, deleted, moved or inserted entry is named by its number."""
    fill(ledger, 5)
    ledger.db.conn.execute(sql)

    assert verify_chain(ledger).broken_at == broken


def test_a_cut_tail_is_found_with_an_outside_head(ledger):
    """The chain alone can't show that its end is missing; a head kept elsewhere does."""
    fill(ledger, 5)
    number, head = ledger.head()
    ledger.db.conn.execute("DELETE FROM audit WHERE n > 3")

    assert verify_chain(ledger).broken_at is None
    assert verify_chain(ledger, number=number, head=head).broken_at == 4


def test_a_rewritten_tail_is_found_with_an_outside_head(ledger):
    """A tail that was written again in good order differs from the head kept elsewhere."""
    fill(ledger, 5)
    number, head = ledger.head()
    ledger.db.conn.execute("DELETE FROM audit WHERE n > 3")
    fill(ledger, 2)

    assert verify_chain(ledger).broken_at is None
    assert verify_chain(ledger, number=number, head=head).broken_at == 5


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
        ledger.db.conn.execute("UPDATE lease SET fence = fence + 1")
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
    ledger.db.conn.execute("PRAGMA busy_timeout = 50")

    with pytest.raises(BusyError, match="is locked"), ledger.transaction():
        pytest.fail("never gets here")
    other.close()
