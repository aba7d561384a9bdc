"""Membership of those with changes: read as rows or as columns, looked up among many others."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine import watch
from engine.watch import open_members
from tests.factories import Shop, event, profile

BOOKS = {
    "rich": "trigger: {enters: big}\nagain: always\nsteps: [{step: s, do: letter, due: now}]\n",
    "staged": "trigger: {changes: stage}\nagain: always\nsteps: [{step: s, do: letter, due: now}]\n",
    "silent": "trigger: {leaves: stage.active}\nsteps: [{step: s, do: letter, due: now}]\n",
}
NAMES = [f"客户{number}" for number in range(6)]


def played(root: Path) -> Shop:
    """Return a shop in which customers come, change and go, with runs between."""
    made = Shop(root, **BOOKS)
    made.events(event("c0", "visit", "2025-01-01T10:00"))
    made.run("2025-01-01T12:00")
    made.events(*(event(name, "order", "2025-01-02T10:00", amount=1) for name in NAMES))
    made.customers(*(profile(name, "2025-01-02", size=200) for name in NAMES[:3]))
    made.run("2025-01-02T12:00")
    made.customers(
        profile(NAMES[0], "2025-01-03", size=2), profile(NAMES[5], "2025-01-03", size=300)
    )
    made.run("2025-01-03T12:00", "2025-02-05T12:00")
    return made


def test_rows_and_columns_tell_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many have changes, who entered and left is the same."""
    few = played(tmp_path / "few").export()
    monkeypatch.setattr(watch, "_FEW", 0)
    many = played(tmp_path / "many").export()

    assert few == many
    assert sum('"table":"journeys"' in line for line in few) >= 15


def test_some_among_all(tmp_path: Path) -> None:
    """Of the members those asked for are told; strangers and those who left are not."""
    made = played(tmp_path)
    with made.ledger() as ledger:
        row = ledger.one("SELECT hash FROM definitions WHERE name = 'big'")
        assert row is not None
        inside = open_members(ledger, row["hash"])
        asked = open_members(ledger, row["hash"], among=[NAMES[0], NAMES[2], "O'Neil", ""])

    assert sorted(inside) == [NAMES[1], NAMES[2], NAMES[5]]
    assert asked == {NAMES[2]: ""}
