"""What waits in the spool goes into the log and the ledger, once."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.ingest.reading import receipt, several
from engine.ingest.taken import Taken
from engine.ingest.taking import refused, retry_refused, spool_of, take
from engine.log import open_log
from engine.paths import Paths, paths_of
from engine.spool import Receipt, Shape
from rules.errors import BusyError, InputError
from tests.factories import CARE, Shop, at

NOW = at("2025-03-05T18:00")
RULES = "ingest:\n  events: {Order Completed: {event: order, fields: {amount: total}}}\n"


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path, care=CARE + RULES)


def paths(shop: Shop) -> Paths:
    return paths_of(shop.root)


def put(shop: Shop, *bodies: dict[str, Any], when: int = NOW) -> Path:
    """Put calls into the spool as one batch."""
    receipts, _ = several(list(bodies), at=when, shape=Shape.SEGMENT)
    return spool_of(paths(shop), shop.project.vocabulary).put(receipts, at=when)


def taken(shop: Shop) -> Taken:
    with shop.ledger() as ledger, ledger.lease(lambda: NOW) as lease:
        return take(paths(shop), shop.project.vocabulary, ledger, lease, at=NOW)


def track(key: str, customer: str = "c1", event: str = "order", **fields: Any) -> dict[str, Any]:
    return {
        "type": "track", "event": event, "userId": customer, "messageId": key,
        "timestamp": "2025-03-03T10:00:00Z", "properties": fields,
    }  # fmt: skip


def identify(key: str, when: str, **traits: Any) -> dict[str, Any]:
    return {
        "type": "identify",
        "userId": "c1",
        "messageId": key,
        "timestamp": when,
        "traits": traits,
    }


def orders(shop: Shop) -> list[tuple[str, str, Any]]:
    """Return (customer, id, amount) of every order in the log, by id."""
    with open_log(paths(shop).log, writable=False) as log:
        return log.query(
            "SELECT c.id, e.id, e.n_amount FROM events e JOIN customers c ON c.code = e.customer"
            " ORDER BY e.id"
        )


def versions(shop: Shop) -> list[tuple[str, Any, Any]]:
    """Return (attribute, number, text) of every version in the log, by time."""
    with open_log(paths(shop).log, writable=False) as log:
        return log.query(
            "SELECT n.name, a.num, a.txt FROM attributes a"
            " JOIN attribute_names n ON n.code = a.attribute ORDER BY a.occurred_at, n.name"
        )


def test_an_event_arrives_with_all_it_has(shop: Shop) -> None:
    """Customer, kind, time, typed fields and the arrival as the time of knowing it."""
    put(shop, track("m1", "王", "Order Completed", total="12.50", product="茶"))
    found = taken(shop)
    with open_log(paths(shop).log, writable=False) as log:
        rows = log.query(
            "SELECT c.id, k.name, e.occurred_at, e.known_at, e.source, e.id, e.n_amount, e.t_product"
            " FROM events e JOIN customers c ON c.code = e.customer JOIN kinds k ON k.code = e.kind"
        )

    assert rows == [("王", "order", at("2025-03-03T18:00"), NOW, "segment", "m1", 125_000, "茶")]
    assert (found.events, found.customers, found.rows) == ({"order": 1}, 1, 1)
    assert list(paths(shop).spool.iterdir()) == []


def test_what_comes_again_stays_as_it_was(shop: Shop) -> None:
    """The first of a message counts: in one batch, in later ones, and with another time or value."""
    put(shop, track("m1", amount="1"), track("m1", amount="2"))
    first = taken(shop)
    put(shop, {**track("m1", amount="3"), "timestamp": "2025-03-03T10:00:01Z"}, track("m2"))
    second = taken(shop)

    assert orders(shop) == [("c1", "m1", 10_000), ("c1", "m2", None)]
    assert (first.events.total(), first.known) == (1, 1)
    assert (second.events.total(), second.known) == (1, 1)


def test_equal_ids_of_different_senders_are_two(shop: Shop) -> None:
    """A CloudEvent is known by its source and its id; Segment's ids are a world of their own."""
    cloud = {"specversion": "1.0", "id": "m1", "type": "order", "subject": "c1"}
    spool_of(paths(shop), shop.project.vocabulary).put(
        [
            receipt({**cloud, "source": "/a"}, at=NOW),
            receipt({**cloud, "source": "/b"}, at=NOW),
            receipt({**cloud, "source": "/a"}, at=NOW),
            receipt(track("m1"), at=NOW),
        ],
        at=NOW,
    )
    found = taken(shop)

    assert [row[1] for row in orders(shop)] == ["/a m1", "/b m1", "m1"]
    assert (found.events.total(), found.known) == (3, 1)


def test_attributes_become_versions_where_they_change(shop: Shop) -> None:
    """Traits said again add nothing, null makes unknown, what is not spoken of stays."""
    put(
        shop,
        identify("i1", "2025-03-01T10:00:00Z", size="5", tier="gold"),
        identify("i2", "2025-03-02T10:00:00Z", size="5"),
        identify("i3", "2025-03-03T10:00:00Z", size=None, contract_end="2026-01-31"),
    )
    found = taken(shop)

    assert versions(shop) == [
        ("size", 50_000, None), ("tier", None, "gold"),
        ("contract_end", 20_484, None), ("size", None, None),
    ]  # fmt: skip
    assert (found.values, found.customers) == (4, 1)


def test_an_old_identify_that_comes_again_does_not_undo_a_newer_one(shop: Shop) -> None:
    """A retry whose clock gave it a later time changes nothing."""
    put(shop, identify("i1", "2025-03-01T10:00:00Z", size="5"))
    put(shop, identify("i2", "2025-03-02T10:00:00Z", size="6"))
    taken(shop)
    put(shop, identify("i1", "2025-03-03T10:00:00Z", size="5"))
    found = taken(shop)

    assert [row[1] for row in versions(shop)] == [50_000, 60_000]
    assert (found.values, found.known) == (0, 1)


def test_a_bad_row_never_stops_the_others(shop: Shop) -> None:
    """Each row that can't go in is kept with its reason; all others go in."""
    put(
        shop,
        track("m1", amount="1"),
        track("m2", amount="much"),
        track("m3", event="ordr"),
        track("m4", event="complaint", severity="mid"),
        {**track("m5"), "userId": ""},
        identify("m6", "2025-03-01T10:00:00Z", size="5", tier="bronze"),
        track("m7", amount="7"),
    )
    found = taken(shop)

    assert [row[1] for row in orders(shop)] == ["m1", "m7"]
    told = (
        "amount: not a number care can read: write it like 1234.5",
        'no event "ordr"; did you mean "order"?',
        "severity: not one of the values of severity in care.yaml: low, high",
        "`userId`, the customer, is missing",
        "tier: not one of the values of tier in care.yaml: gold, silver",
    )
    assert found.refused == dict.fromkeys(told, 1)
    assert [each.why for each in refused(paths(shop))] == list(told)
    assert versions(shop) == [("size", 50_000, None)]


def test_the_first_sound_one_of_a_message_counts(shop: Shop) -> None:
    """Sent again, mended, before any run took it: what was refused does not stand in the way."""
    put(
        shop,
        track("m1", amount="much"), track("m1", amount="2"), track("m1", amount="3"),
        identify("i1", "2025-03-01T10:00:00Z", size="big", tier="brass", email_ok="yes"),
        identify("i1", "2025-03-01T10:00:00Z", size="5", tier="tin", email_ok="no"),
        identify("i1", "2025-03-01T10:00:00Z", size="6", tier="gold", email_ok="no"),
    )  # fmt: skip
    found = taken(shop)

    assert orders(shop) == [("c1", "m1", 20_000)]
    assert versions(shop) == [("email_ok", 1, None), ("size", 50_000, None), ("tier", None, "gold")]
    assert (found.known, found.refused.total()) == (1, 3)


def test_what_was_refused_goes_in_when_care_yaml_is_mended(shop: Shop) -> None:
    """Retried, mended rows go in, the others stay refused, and what was in stays in once."""
    put(shop, track("m1"), track("m2", event="ordered"), track("m3", event="lost"))
    put(shop, identify("m4", "2025-03-01T10:00:00Z", size="5", tier="bronze"))
    taken(shop)
    shop.write("care.yaml", (CARE + RULES.replace("{Order", "{ordered: order, Order")).replace(
        "[gold, silver]", "[gold, silver, bronze]"
    ))  # fmt: skip
    files = retry_refused(paths(shop))
    found = taken(shop)

    assert files == 2
    assert [row[1] for row in orders(shop)] == ["m1", "m2"]
    assert versions(shop) == [("size", 50_000, None), ("tier", None, "bronze")]
    assert [each.body["messageId"] for each in refused(paths(shop))] == ["m3"]
    assert found.refused.total() == 1


def test_nothing_is_taken_twice_when_it_dies_in_between(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Dying after the log has committed, before the file is gone: taken again, all stands once."""
    put(shop, track("m1", amount="1"), track("m2", event="ordr"))
    put(shop, identify("i1", "2025-03-01T10:00:00Z", size="5"))

    class PowerCutError(BaseException):
        pass

    def cut(*_: object, **__: object) -> None:
        raise PowerCutError

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", cut)
        with pytest.raises(PowerCutError):
            taken(shop)
    assert len(orders(shop)) == 1
    found = taken(shop)

    assert orders(shop) == [("c1", "m1", 10_000)]
    assert versions(shop) == [("size", 50_000, None)]
    assert (found.known, found.events.total(), found.values) == (2, 0, 0)
    assert [each.body["messageId"] for each in refused(paths(shop))] == ["m2"]
    assert list(paths(shop).spool.iterdir()) == []


def test_while_the_log_is_held_the_spool_keeps_all(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program that holds the log makes the run say so, and nothing leaves the spool."""
    put(shop, track("m1"))
    taken(shop)
    put(shop, track("m2"))
    monkeypatch.setattr("engine.log._PAUSE", 0)
    with open_log(paths(shop).log, writable=False):
        moments = iter(range(0, 1000, 6))
        monkeypatch.setattr("engine.log.time.monotonic", lambda: next(moments))
        with pytest.raises(BusyError):
            taken(shop)

    assert len(list(paths(shop).spool.iterdir())) == 1


def test_a_run_takes_what_waits_before_it_decides(tmp_path: Path) -> None:
    """An order that came over HTTP begins a journey in the very next run, which counts it."""
    shop = Shop(
        tmp_path,
        thanks="trigger: {first: order}\nsteps:\n  - {step: call, do: call, assign: boss}\n",
    )
    with pytest.raises(InputError, match="there is no event log yet"):
        shop.run("2025-03-01")
    put(shop, track("m0", "c0", event="visit"))
    first = shop.run("2025-03-02")
    put(shop, track("m1"))
    second = shop.run("2025-03-06")
    third = shop.run("2025-03-07")

    assert (first.taken.rows, second.taken.events, third.taken) == (1, {"order": 1}, Taken())
    assert shop.journeys() == [("thanks", "running", "")]


def test_an_empty_spool_opens_no_log(shop: Shop) -> None:
    """Taking nothing makes no log, no rejects, no spool."""
    assert taken(shop) == Taken()
    assert not paths(shop).log.exists()
    assert not paths(shop).refused.exists()


def test_a_spool_written_by_hand_stops_nothing(shop: Shop) -> None:
    """Lines that are no receipts, or that no receiver would have taken, are refused one by one."""
    folder = paths(shop).spool
    folder.mkdir(parents=True)
    good = receipt(track("m1", amount="1"), at=NOW).line()
    lines = [
        "", "{}", "[1]", good,
        '{"at": 1, "shape": "segment", "body": {"type": "track", "event": "order", "userId": 5}}',
        '{"at": "x", "shape": "segment", "body": {}}',
        '{"at": 1, "shape": "cloudevent", "body": {"specversion": "1.0"}}',
    ]  # fmt: skip
    (folder / "by-hand.jsonl").write_text("\n".join(lines))
    found = taken(shop)

    assert orders(shop) == [("c1", "m1", 10_000)]
    assert found.refused == {
        "the line of the spool is damaged": 4,
        "`userId`, the customer, is missing": 1,
        "`id` is missing; CloudEvents 1.0 requires it": 1,
    }


JSON = st.recursive(
    st.none() | st.booleans() | st.text(max_size=8) | st.sampled_from(
        ["1", "-0.00005", "1e400", "9" * 40, "2025-02-30", "2025-03-03T10:00:00Z", "NaN", "１,２３４",
         "gold", "yes", "'; DROP TABLE events; --", "\u3000", "a.b", "=1+1"]
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip
NAMES = st.sampled_from(
    ["amount", "product", "severity", "case_id", "size", "tier", "contract_end"]
)
BODIES = st.fixed_dictionaries(
    {
        "type": st.sampled_from(["track", "identify", "page"]),
        "event": st.sampled_from(["order", "complaint", "Order Completed", "x"])
        | st.text(max_size=3),
        "userId": st.sampled_from(["c1", "c2", "", "王"]) | st.text(max_size=3),
    },
    optional={
        "messageId": st.sampled_from(["m1", "m2", "m3"]) | st.text(max_size=3),
        "timestamp": st.sampled_from(["2025-03-03T10:00:00Z", "0001-01-01", "9999-12-31", "x"]),
        "properties": st.dictionaries(NAMES | st.text(max_size=3), JSON, max_size=3),
        "traits": st.dictionaries(NAMES | st.text(max_size=3), JSON, max_size=3),
    },
)


@pytest.fixture(scope="module")
def any_shop() -> Iterator[Shop]:
    """A project that takes whatever the examples below bring, one after another."""
    with tempfile.TemporaryDirectory() as folder:
        shop = Shop(Path(folder), care=CARE + RULES + "  undeclared: ignore\n  anonymous: take\n")
        yield shop


@settings(max_examples=8, deadline=None)
@given(st.lists(BODIES, min_size=1, max_size=40))
def test_whatever_comes_is_in_the_log_or_in_the_rejects(
    any_shop: Shop, bodies: list[dict[str, Any]]
) -> None:
    """No row of a batch is lost, none stops the others, none is kept twice."""
    _all_is_accounted_for(any_shop, bodies)


@pytest.mark.long
@settings(max_examples=400, deadline=None)
@given(st.lists(BODIES, min_size=1, max_size=12))
def test_many_more_batches_are_in_the_log_or_in_the_rejects(
    any_shop: Shop, bodies: list[dict[str, Any]]
) -> None:
    """The same, at length."""
    _all_is_accounted_for(any_shop, bodies)


def _all_is_accounted_for(shop: Shop, bodies: list[dict[str, Any]]) -> None:
    for file in paths(shop).refused.glob("*"):
        file.unlink()
    put(shop, *bodies)
    found = taken(shop)
    kept = refused(paths(shop))
    places = [each.origin for each in kept]

    assert found.rows == len(bodies)
    assert [each.why for each in kept if not each.why] == []
    assert len(places) == len(set(places)) == found.refused.total()
    assert list(shop.root.glob(".care/spool/*")) == []


def test_refused_rows_keep_what_came(shop: Shop) -> None:
    """A row in the rejects is the receipt as it came, with its reason in front."""
    body = track("m2", event="ordr")
    put(shop, body)
    taken(shop)
    (file,) = paths(shop).refused.iterdir()

    assert file.read_text().startswith('{"why": "no event \\"ordr\\"; did you mean')
    assert refused(paths(shop)) == [
        Receipt(
            at=NOW, shape=Shape.SEGMENT, body=body, origin="number 1 of its batch",
            why='no event "ordr"; did you mean "order"?',
        )
    ]  # fmt: skip
