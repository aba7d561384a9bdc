"""What a run fetches of its customers: late, in bulk, and no more than may be asked for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine import facts
from engine.facts import Facts
from engine.log import Log, open_log
from engine.paths import paths_of
from rules.units import MICROS
from tests.factories import Shop, at, event, profile

END = at("2025-02-01")
NAMES = [f"c{number}" for number in range(9)]


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """Nine customers, each with an order of its own and a visit; some with attributes."""
    made = Shop(tmp_path)
    made.events(
        *(event(name, "order", "2025-01-10T10:00", amount=n) for n, name in enumerate(NAMES)),
        *(event(name, "visit", "2025-01-11T10:00") for name in NAMES),
    )
    made.customers(*(profile(name, "2025-01-01", size=n) for n, name in enumerate(NAMES[:4])))
    return made


@pytest.fixture
def log(shop: Shop) -> Iterator[Log]:
    with open_log(paths_of(shop.root).log, writable=False) as opened:
        yield opened


def facts_of(shop: Shop, log: Log, kinds: frozenset[str] | None = None) -> Facts:
    return Facts(log, shop.project.vocabulary, at=END, seq=log.max_seq(), kinds=kinds)


def test_nothing_is_fetched_until_something_hangs_on_it(shop: Shop, log: Log) -> None:
    """Expecting customers and making evaluators costs no question to the log."""
    held = facts_of(shop, log)
    log.close()  # whoever asked would fail
    held.expect(NAMES)
    asked = held.evaluator(shop.project.catalogue, "c1")

    with pytest.raises(Exception, match="closed"):
        asked.measure("orders")


def test_those_expected_come_with_the_first(shop: Shop, log: Log) -> None:
    """One asked for brings the others along: they are there without the log."""
    held = facts_of(shop, log)
    held.expect(NAMES)
    held.history("c5")
    log.close()

    assert [len(held.history(name).events) for name in NAMES] == [2] * 9


@pytest.mark.parametrize(("batch", "keep"), [(1, 1), (2, 4), (3, 5), (100, 100)])
def test_however_few_are_held_the_answers_are_the_same(
    shop: Shop, log: Log, monkeypatch: pytest.MonkeyPatch, batch: int, keep: int
) -> None:
    """Those put away are fetched again; asked thrice, in whatever order, all is as it was."""
    monkeypatch.setattr(facts, "_BATCH", batch)
    monkeypatch.setattr(facts, "_KEEP", keep)
    held, catalogue = facts_of(shop, log), shop.project.catalogue
    held.expect(NAMES)
    found = [
        [
            (held.evaluator(catalogue, name).measure("orders"), held.history(name).customer)
            for name in order
        ]
        for order in (NAMES, NAMES, NAMES[::-1])
    ]
    every = facts_of(shop, log)
    expected = [(every.evaluator(catalogue, name).measure("orders"), name) for name in NAMES]

    assert found == [expected, expected, expected[::-1]]


def test_only_some_kinds_are_read(shop: Shop, log: Log) -> None:
    """Of the events those asked for are there, with their fields; attributes are always there."""
    history = facts_of(shop, log, frozenset({"order"})).history("c3")

    assert [(one.name, one.fields) for one in history.events] == [("order", {"amount": 30_000})]
    known = [one for one in history.attributes if one.value is not None]
    assert [(one.name, one.value) for one in known] == [("size", 30_000)]


def test_what_was_not_read_is_never_taken_for_none(shop: Shop, log: Log) -> None:
    """A measure over events that were not read fails rather than count 0."""
    held = facts_of(shop, log, frozenset({"visit"}))

    with pytest.raises(AssertionError, match="not read"):
        held.evaluator(shop.project.catalogue, "c3").measure("orders")


def test_no_kind_at_all(shop: Shop, log: Log) -> None:
    """Where nothing speaks of events the history is attributes alone."""
    history = facts_of(shop, log, frozenset()).history("c3")

    assert history.events == ()
    assert {one.name: one.value for one in history.attributes}["size"] == 30_000


def test_an_event_by_its_id(shop: Shop, log: Log) -> None:
    """A deferral finds the event it speaks of, also where the playbook reads other events now."""
    held = facts_of(shop, log, frozenset({"order"}))
    found = held.event("c3", "visit", "visit-c3-2025-01-11T10:00")

    assert found is not None
    assert found.at == at("2025-01-11T10:00")
    assert held.event("c3", "order", "order-c3-2025-01-10T10:00") is not None
    assert held.event("c3", "order", "visit-c3-2025-01-11T10:00") is None


def test_an_overlay_is_seen_by_those_who_ask_for_it(shop: Shop, log: Log) -> None:
    """What a `set` wrote is laid over later questions, not over those made before it."""
    held, catalogue = facts_of(shop, log), shop.project.catalogue
    before = held.evaluator(catalogue, "c1", overlaid=True)
    held.overlay("c1", {"size": 70_000}, END - MICROS)
    after = held.evaluator(catalogue, "c1", overlaid=True)
    plain = held.evaluator(catalogue, "c1")

    assert [one.attribute("size") for one in (before, after, plain)] == [10_000, 70_000, 10_000]
