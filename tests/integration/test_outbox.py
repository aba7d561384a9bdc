"""The outbox against real servers: what is sent, tried again, given up, and never lost or doubled."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from engine.channel_states import enable_channel
from engine.settle import Settled, settle
from engine.waits import Waits
from rules.errors import StateError
from tests.factories import at, event
from tests.postroom import DECIDED, PostRoom, minutes
from tests.receivers import Request, WebServer, web_server

OK = b'{"errcode": 0, "errmsg": "ok"}'


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> PostRoom:
    """Three webhooks, decided and not sent."""
    visits = [event(f"c{n}", "visit", "2025-03-03T09:00") for n in (1, 2, 3)]
    return PostRoom.open(tmp_path_factory.mktemp("three") / "shop", visits)


@pytest.fixture
def server() -> Iterator[WebServer]:
    with web_server(body=OK) as made:
        yield made


@pytest.fixture
def room(three: PostRoom, server: WebServer, tmp_path: Path) -> Iterator[PostRoom]:
    """The three of them; whatever a test does, the audit chain vouches for the ledger after it."""
    made = three.copy(tmp_path / "shop")
    made.at("hook", server.url())
    yield made
    assert made.faults() == ()


def ids(server: WebServer) -> list[str]:
    """Return the ids of the messages that a server got, in their order."""
    return [request.headers["webhook-id"] for request in server.requests]


def test_each_message_is_sent_once(room: PostRoom, server: WebServer) -> None:
    """A delivery sends everything; the next one finds nothing to do."""
    first, second = room.deliver(), room.deliver()

    assert (first.sent, second.sent, len(server.requests)) == (3, 0, 3)
    assert room.states() == ["sent"] * 3
    assert room.tries() == [(1, "sent", "HTTP 200")] * 3
    assert set(ids(server)) == {row["id"] for row in room.rows("SELECT id FROM actions")}
    assert {row["closed_at"] for row in room.rows("SELECT closed_at FROM actions")} == {at(DECIDED)}


def test_the_message_carries_what_was_written_when_it_opened(
    room: PostRoom, server: WebServer
) -> None:
    """Text, customer, times and ids stand in the body."""
    room.deliver()
    body = server.requests[0].json

    assert body["text"] == f"您好 {body['customer']}"
    assert (body["playbook"], body["step"]) == ("on_visit", "hook")
    assert body["opens_at"] == "2025-03-03T09:00:00+08:00"


def test_without_its_setting_a_channel_keeps_its_messages(three: PostRoom, tmp_path: Path) -> None:
    """A missing secret is the channel's trouble: named once, no try is counted, nothing is lost."""
    room = three.copy(tmp_path / "shop")
    did = room.deliver()

    assert did.waiting == {Waits.SETTINGS: 3}
    (words,) = did.troubles.values()
    assert words.startswith('channel "hook": `url` needs the file hook.url, which can\'t be read')
    assert (room.states(), room.tries()) == (["due"] * 3, [])


# -- tries ------------------------------------------------------------------------------------


def test_a_try_that_failed_is_made_again(room: PostRoom, server: WebServer) -> None:
    """A server that is down gets the same messages with the same ids later, not at once; what goes
    out then is stamped with that time.
    """
    server.answer = lambda _: 503 if len(server.requests) <= 2 else 200
    first = room.deliver()
    assert (first.sent, first.retried, room.states().count("due")) == (1, 2, 2)
    assert room.deliver().waiting == {Waits.RETRY: 2}
    room.now += minutes(2)
    second = room.deliver()

    assert (second.sent, len(server.requests)) == (2, 5)
    assert sorted(ids(server)[3:]) == sorted(ids(server)[:2])
    assert room.tries().count((2, "sent", "HTTP 200")) == 2
    stamps = {row["closed_at"] for row in room.rows("SELECT closed_at FROM actions")}
    assert stamps == {at(DECIDED), room.now}


def test_waiting_for_the_next_try(room: PostRoom, server: WebServer) -> None:
    """With time and patience one delivery makes the next tries itself; without it ends at once."""
    server.answer = lambda _: 503 if len(server.requests) <= 2 else 200
    did = room.deliver(seconds=60, wait_for=[Waits.RETRY])

    assert (did.sent, did.retried, did.waiting) == (3, 2, {})
    assert 0 < did.seconds <= 10


def test_retry_after_is_obeyed_for_the_whole_channel(room: PostRoom, server: WebServer) -> None:
    """429 with Retry-After: no further message is tried before, whatever the ladder says."""
    server.status, server.headers["Retry-After"] = 429, "1800"
    did = room.deliver()
    assert (did.retried, did.waiting) == (1, {Waits.RETRY: 1, Waits.PAUSED: 2})
    assert len(server.requests) == 1
    server.status = 200
    room.now += minutes(29)
    assert room.deliver().sent == 0
    room.now += minutes(1.1)

    assert room.deliver().sent == 3


def test_a_message_is_parked_after_its_last_try(room: PostRoom, server: WebServer) -> None:
    """The ladder of webhooks has ten tries; then the message is failed, with the reason."""
    server.status = 500
    for row in room.rows("SELECT id FROM actions WHERE customer <> 'c1'"):
        with room.ledger() as ledger:
            settle(ledger, row["id"], Settled.FAILED, why="不用了", who="甲", at=room.now)
    for _ in range(12):
        room.deliver()
        room.now += minutes(24 * 60)

    assert room.actions("c1") == [("hook", "failed", "parked")]
    assert room.actions("c2") == [("hook", "failed", "")]
    assert [n for n, _, _ in room.tries()] == [*range(1, 11)]


def test_a_poison_item_stops_nobody(room: PostRoom, server: WebServer) -> None:
    """A message that can't be made is tried five times and parked; the others went out."""
    (poison,) = room.rows("SELECT id FROM actions WHERE customer = 'c2'")
    with room.ledger() as ledger, ledger.transaction():
        ledger.drop("private", {"owner": poison["id"], "name": "text"})
    for _ in range(8):
        room.deliver()
        room.now += minutes(24 * 60)

    assert room.states() == ["sent", "failed", "sent"]
    rows = room.rows("SELECT words, code FROM attempts WHERE action = ?", poison["id"])
    assert len(rows) == 5
    assert {row["code"] for row in rows} == {"fault"}
    assert "were erased: text" in rows[0]["words"]


def test_a_channel_that_is_down_is_left_alone(three: PostRoom, tmp_path: Path) -> None:
    """After three failures in a row the rest is not tried: it keeps its tries for later."""
    room = three.copy(tmp_path / "shop")
    room.events(*(event(f"d{n}", "visit", "2025-03-03T10:00") for n in range(20)))
    room.now = at("2025-03-03T11:00")
    room.at("hook", "http://127.0.0.1:9/")
    did = room.run("2025-03-03T11:00", clock=lambda: room.now).delivery

    assert len(room.tries()) == 3
    assert did.waiting == {Waits.RETRY: 3, Waits.PAUSED: 20}
    with web_server() as server:
        room.at("hook", server.url())
        assert room.deliver().sent == 0
        room.now += minutes(1)
        assert room.deliver().sent == 23


def test_a_channel_that_is_gone_is_disabled(room: PostRoom, server: WebServer) -> None:
    """410 disables the channel: its messages stay due until a person enables it again."""
    server.status = 410
    did = room.deliver()
    assert (len(server.requests), room.states()) == (1, ["due"] * 3)
    assert (set(did.disabled), did.waiting) == ({"hook"}, {Waits.DISABLED: 3})
    room.now += minutes(60)
    later = room.deliver()
    assert (later.waiting, len(server.requests)) == ({Waits.DISABLED: 3}, 1)
    server.status = 200
    with room.ledger() as ledger:
        enable_channel(ledger, room.project.vocabulary, "hook", at=room.now, who="甲")

    assert room.deliver().sent == 3
    with room.ledger() as ledger, pytest.raises(StateError, match="is not disabled"):
        enable_channel(ledger, room.project.vocabulary, "hook", at=room.now, who="甲")


def test_the_clock_goes_back(room: PostRoom, server: WebServer) -> None:
    """Waits that were counted by a clock which was then set back a day do not last for ever."""
    server.status = 503
    room.deliver()
    server.status = 200
    room.now -= minutes(3 * 24 * 60)

    assert room.deliver().sent == 3


# -- answers that were cut --------------------------------------------------------------------


def test_a_cut_answer_of_a_webhook_is_asked_for_again(room: PostRoom, server: WebServer) -> None:
    """A webhook may arrive twice with the same id, so it is sent again; meanwhile it is an intent,
    which no stop can cancel.
    """
    server.answer = lambda _: 0 if len(server.requests) <= 1 else 200
    room.deliver()
    assert sorted(room.states()) == ["intent", "sent", "sent"]
    room.now += minutes(1)
    room.deliver()

    assert room.states() == ["sent"] * 3
    assert len(ids(server)) == 4
    assert len(set(ids(server))) == 3


@pytest.mark.skipif(find_spec("apprise") is None, reason="Apprise is an extra")
@pytest.mark.parametrize(("status", "state", "fed"), [(200, "handed_over", 6), (500, "unknown", 3)])
def test_what_may_have_arrived_counts_for_caps(
    room: PostRoom, server: WebServer, status: int, state: str, fed: int
) -> None:
    """What Apprise has taken is handed over, never sent; where it reports a failure nobody knows. Both
    may have reached the customer, so a cap counts them; only the first is a contact in the log.
    """
    server.status = status
    care = (room.root / "care.yaml").read_text(encoding="utf-8")
    hook = next(line for line in care.splitlines() if line.startswith("  hook:"))
    other = '  hook: {kind: apprise, urls: "${file:hook.url}"}'
    room.write("care.yaml", care.replace(hook, other))
    room.write("house.yaml", "caps: [{at_most: 1, per: 7 days, then: skip}]\n")
    room.at("hook", server.url("", scheme="json"))
    did = room.deliver()
    assert (did.sent, did.handed_over + did.unknown, room.states()) == (0, 3, [state] * 3)
    room.events(event("c1", "visit", "2025-03-04T09:00"))
    room.now = at("2025-03-04T10:00")
    result = room.run("2025-03-04T10:00", clock=lambda: room.now)

    assert result.fed == fed  # three began; three went out
    assert [row[1:] for row in room.actions("c1")][1] == ("skipped", "cap")


# -- the ledger ---------------------------------------------------------------------------------


def test_another_writer_delays_the_answer_and_loses_nothing(
    room: PostRoom, server: WebServer
) -> None:
    """An answer waits for whoever writes the ledger: what was sent is not called unknown."""
    other = sqlite3.connect(
        room.root / ".care/ledger.db", isolation_level=None, check_same_thread=False
    )

    def answer(_: Request) -> int:
        if len(server.requests) == 1:
            other.execute("BEGIN IMMEDIATE")
        if len(server.requests) == 3:
            threading.Timer(0.5, lambda: other.execute("ROLLBACK")).start()
        return 200

    server.answer = answer
    did = room.deliver()
    other.close()

    assert did.sent == 3
    assert room.states() == ["sent"] * 3
