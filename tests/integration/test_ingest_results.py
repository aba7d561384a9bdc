"""Results from outside close tasks and become replies."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from engine.ingest.reading import receipt
from engine.ingest.taken import Taken
from engine.ingest.taking import refused, spool_of, take
from engine.log import open_log
from engine.paths import paths_of
from engine.spool import Shape
from rules.history import Event
from tests.factories import CARE, Shop, at, event

NOW = at("2025-03-05T18:00")
REPLY = "  answer: {title: 回复, fields: {message_id: text, note: text, mood: [good, bad]}}\nevent_groups:"
BOOK = """\
trigger: {event: complaint}
again: always
steps:
  - {step: call, do: call, assign: boss, outcomes: [ok, bad], ask: {mark: 1 to 5, again: yes_no}}
"""
LETTER = """\
trigger: {event: order}
steps:
  - {step: letter, do: letter}
"""


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """A shop whose customer has an open task, opened on 3 March, and a letter."""
    care = CARE.replace("event_groups:", REPLY) + "ingest: {replies: answer}\n"
    shop = Shop(tmp_path, care=care, care_for=BOOK, write=LETTER)
    shop.events(event("c0", "visit", "2025-03-01"))
    shop.run("2025-03-02")
    shop.events(
        event("c1", "complaint", "2025-03-03T09:00"), event("c1", "order", "2025-03-03T09:00")
    )
    shop.run("2025-03-03T10:00")
    return shop


def taken(shop: Shop, *results: dict[str, Any]) -> Taken:
    """Take results that arrived on 5 March."""
    vocabulary, paths = shop.project.vocabulary, paths_of(shop.root)
    receipts = [receipt(result, at=NOW, shape=Shape.RESULT) for result in results]
    spool_of(paths, vocabulary).put(receipts, at=NOW)
    with shop.ledger() as ledger, ledger.lease(lambda: NOW) as lease:
        return take(paths, vocabulary, ledger, lease, at=NOW)


def logged(shop: Shop, name: str) -> list[Event]:
    """Return the events of a kind that the log holds of the customer."""
    with open_log(paths_of(shop.root).log, writable=False) as log:
        history = log.histories(
            ["c1"], at=at("2030-01-01"), seq=log.max_seq(), vocabulary=shop.project.vocabulary
        )["c1"]
    return [each for each in history.events if each.name == name]


def whys(shop: Shop) -> list[str]:
    return [each.why for each in refused(paths_of(shop.root))]


def test_a_result_closes_its_task(shop: Shop) -> None:
    """Outcome, answers, note, who and when stand on the task, and in the log after the next run."""
    key = shop.action("call")["id"]
    found = taken(
        shop,
        {"action": key, "outcome": "ok", "ask": {"mark": "4", "again": True}, "note": "好",
         "at": "2025-03-04T10:00:00+08:00", "who": "甲"},
    )  # fmt: skip
    row = shop.action("call")
    shop.run("2025-03-06")

    assert (row["state"], row["outcome"], row["note"]) == ("done", "ok", "好")
    assert row["asked"] == '{"again":true,"mark":40000}'
    assert row["closed_at"] == at("2025-03-04T10:00")
    assert [each["who"] for each in shop.rows("SELECT who FROM outcomes")] == ["甲"]
    assert (found.done, found.refused.total()) == (1, 0)
    assert [each.at for each in logged(shop, "care_done")] == [at("2025-03-04T10:00")]


def test_a_result_says_when_it_came_and_who_where_nobody_says_so(shop: Shop) -> None:
    """Without `at` a result is of its arrival, without `who` of `ingest`."""
    taken(shop, {"action": shop.action("call")["id"], "outcome": "bad"})

    assert shop.action("call")["closed_at"] == NOW
    assert [each["who"] for each in shop.rows("SELECT who FROM outcomes")] == ["ingest"]


def test_the_same_result_again_changes_nothing(shop: Shop) -> None:
    """A sender that tries again is answered as before; another outcome comes too late."""
    key = shop.action("call")["id"]
    first = taken(shop, {"action": key, "outcome": "ok"}, {"action": key, "outcome": "ok"})
    entries = shop.counts()
    second = taken(shop, {"action": key, "outcome": "ok"})
    third = taken(shop, {"action": key, "outcome": "bad"})

    assert (first.done, first.known, second.done, second.known) == (1, 1, 0, 1)
    assert (
        shop.counts() == entries | {"lease": 1} if "lease" in entries else shop.counts() == entries
    )
    assert (third.refused.total(), shop.action("call")["outcome"]) == (1, "ok")
    assert whys(shop)[0].startswith(f"{key} is done since 2025-03-05T18:00:00+08:00")


WRONG: tuple[tuple[dict[str, Any], str], ...] = (
    ({"action": "a-nowhere"}, 'no action "a-nowhere"'),
    ({"outcome": "okay"}, 'no outcome "okay" in step "call"; did you mean "ok"?'),
    ({"outcome": ""}, "this task asks for an outcome: ok, bad"),
    ({"ask": {"mrk": "4"}}, 'step "call" does not ask for "mrk"; did you mean "mark"?'),
    ({"ask": {"mark": "9"}}, "mark: from 1 to 5, not 9"),
    ({"at": "2025-03-01T10:00:00Z"}, "opened at 2025-03-03T10:00:00+08:00"),
    ({"at": "2025-03-07T10:00:00Z"}, "more than a day after it arrived"),
    ({"result": "ok"}, 'a result has no "result"'),
)


def test_a_result_that_does_not_fit_is_kept(shop: Shop) -> None:
    """An unknown action, outcome or answer, an impossible time: refused each, the others are taken."""
    usual = {"action": shop.action("call")["id"], "outcome": "ok"}
    found = taken(
        shop,
        *({**usual, **change} for change, _ in WRONG),
        {"action": shop.action("letter")["id"], "id": "r1"},
    )

    assert [said in why for (_, said), why in zip(WRONG, whys(shop), strict=True)] == [True] * 8
    assert (found.done, found.refused.total(), found.events) == (0, 8, {"answer": 1})
    assert shop.action("call")["state"] == "open"


def test_part_of_an_id_is_no_id(shop: Shop) -> None:
    """People may write the beginning of an id, programs may not: the whole one is meant."""
    key = shop.action("call")["id"]
    taken(shop, {"action": key[:-1], "outcome": "ok"})

    assert whys(shop) == [f'no action "{key[:-1]}"']


def test_a_reply_to_a_message_is_an_event(shop: Shop) -> None:
    """What a customer answers to a message stands in the log, once, with the message's id."""
    key = shop.action("letter")["id"]
    reply = {"action": key, "note": "谢谢", "ask": {"mood": "good"}, "id": "r1"}
    first, second = taken(shop, reply), taken(shop, {**reply, "note": "again"})

    assert logged(shop, "answer") == [
        Event(id="r1", name="answer", at=NOW,
              fields={"message_id": key, "mood": "good", "note": "谢谢"})
    ]  # fmt: skip
    assert (first.replies, first.events, second.known) == (1, {"answer": 1}, 1)


def test_a_reply_needs_an_event_for_it(tmp_path: Path) -> None:
    """Where care.yaml names no event for replies, they wait in the rejects."""
    shop = Shop(tmp_path, write=LETTER)
    shop.events(event("c0", "visit", "2025-03-01"))
    shop.run("2025-03-02")
    shop.events(event("c1", "order", "2025-03-03"))
    shop.run("2025-03-03T10:00")
    taken(shop, {"action": shop.action("letter")["id"], "note": "x"})

    assert "care.yaml names no event for replies: write ingest: {replies:" in whys(shop)[0]


def test_what_a_reply_event_does_not_declare_is_refused(shop: Shop) -> None:
    """The vocabulary is closed for replies too; only a note may be dropped."""
    key = shop.action("letter")["id"]
    taken(shop, {"action": key, "outcome": "sold"}, {"action": key, "ask": {"mod": "good"}})

    assert whys(shop) == [
        'event "answer" has no field "outcome"; known here: message_id, mood, note',
        'event "answer" has no field "mod"; did you mean "mood"?',
    ]
