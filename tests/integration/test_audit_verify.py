"""What `care audit verify` finds: whatever somebody changes behind care's back."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from engine.audit.tables import APART, TABLES
from engine.audit.verify import verify
from engine.ledger import Ledger
from engine.paths import paths_of
from tests.factories import Shop
from tests.ledgers import Tampering, in_memory, whole


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


@pytest.mark.parametrize(
    "part", [0, 1, *(pytest.param(part, marks=pytest.mark.long) for part in (2, 3, 4))]
)
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
