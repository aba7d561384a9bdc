"""Chat bots in the outbox: twenty a minute, digests, answers that were cut, and who settles them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.log import open_log
from engine.paths import paths_of
from engine.settle import Settled, settle
from engine.store import Store
from engine.waits import Waits
from rules.errors import InputError, StateError, UsageError
from tests.factories import at, event
from tests.postroom import DECIDED, PostRoom, minutes
from tests.receivers import WebServer, web_server

OK = b'{"errcode": 0, "errmsg": "ok"}'


@pytest.fixture
def server() -> Iterator[WebServer]:
    with web_server(body=OK) as made:
        yield made


@pytest.fixture(scope="module")
def orders(tmp_path_factory: pytest.TempPathFactory) -> PostRoom:
    """Twenty-five messages for a bot, which takes twenty a minute."""
    rows = [event(f"c{n:02}", "order", "2025-03-03T09:00", amount=1) for n in range(25)]
    return PostRoom.open(tmp_path_factory.mktemp("orders") / "shop", rows)


@pytest.fixture
def room(orders: PostRoom, server: WebServer, tmp_path: Path) -> Iterator[PostRoom]:
    """The twenty-five of them; the audit chain vouches for the ledger after each test."""
    made = orders.copy(tmp_path / "shop")
    made.at("bot", server.url())
    yield made
    assert made.faults() == ()


@pytest.mark.parametrize("said", ["hold", "resend"])
def test_a_cut_answer_of_a_bot(room: PostRoom, server: WebServer, said: str) -> None:
    """A chat message is not sent twice: its state is unknown, unless `on_unknown: resend`."""
    care = (room.root / "care.yaml").read_text(encoding="utf-8")
    room.write(
        "care.yaml", care.replace("kind: wecom_bot,", f"kind: wecom_bot, on_unknown: {said},")
    )
    server.answer = lambda _: 0 if len(server.requests) == 1 else 200
    did = room.deliver(seconds=120, wait_for=[Waits.RATE, Waits.RETRY])

    held = said == "hold"
    assert (did.unknown, did.needs_a_person) == (int(held), held)
    assert sorted(room.states()) == ["sent"] * (24 if held else 25) + ["unknown"] * held
    assert len(server.requests) == (25 if held else 26)


@pytest.mark.parametrize("pages", [0, 1, 2])
def test_a_full_disk(room: PostRoom, server: WebServer, pages: int) -> None:
    """Where no intent can be written nothing is sent; where no answer can be, one is unknown: nothing
    is lost and nothing doubled, however many pages of the ledger had room.
    """
    told = ""
    try:
        room.deliver(pages=pages, seconds=180, wait_for=[Waits.RATE])
    except InputError as error:
        told = str(error)
    full = bool(told)
    assert not full or "can't be written" in told
    assert len(server.requests) <= room.states().count("sent") + full
    room.deliver(seconds=180, wait_for=[Waits.RATE])

    states = room.states()
    assert states.count("sent") + states.count("unknown") == len(server.requests) == 25
    assert states.count("unknown") <= full


# -- so many a minute -------------------------------------------------------------------------


def test_more_than_the_bot_takes_goes_into_a_digest(room: PostRoom, server: WebServer) -> None:
    """Nineteen messages, and a twentieth that tells of the other six; each of them is sent, and its
    evidence names the digest.
    """
    did = room.deliver()

    assert (did.sent, did.digests, len(server.requests)) == (25, 1, 20)
    rows = room.rows("SELECT customer, closed_by FROM actions WHERE closed_by IS NOT NULL")
    assert len(rows) == 6
    assert len({row["closed_by"] for row in rows}) == 1
    assert rows[0]["closed_by"].startswith("digest g-")
    text = server.requests[-1].body.decode()
    assert all(row["customer"] in text for row in rows)


def test_with_time_the_rest_waits_for_room(room: PostRoom, server: WebServer) -> None:
    """Where the minute may pass, every message goes out by itself, and no minute has more than 20."""
    times: list[int] = []
    server.answer = lambda _: times.append(room.now) or 200
    did = room.deliver(seconds=120, wait_for=[Waits.RATE])

    assert (did.sent, did.digests, len(times)) == (25, 0, 25)
    assert all(sum(first <= other < first + minutes(1) for other in times) <= 20 for first in times)


def test_the_next_process_knows_what_went_out(room: PostRoom, server: WebServer) -> None:
    """The bucket is in the ledger: a delivery within the same minute has no room left."""
    room.deliver()
    room.events(*(event(f"d{n}", "order", "2025-03-03T10:00", amount=1) for n in range(3)))
    room.now += minutes(0.5)
    (room.root / "bot.url").unlink()
    room.run("2025-03-03T10:00:30", clock=lambda: room.now)
    room.at("bot", server.url())
    did = room.deliver()
    assert (did.sent, did.waiting) == (0, {Waits.RATE: 3})
    room.now += minutes(0.5)

    assert room.deliver().sent == 3
    assert len(server.requests) == 23


def test_a_digest_that_fails_is_made_again(room: PostRoom, server: WebServer) -> None:
    """All its messages come back, and none is lost or told twice."""
    server.answer = lambda _: 503 if len(server.requests) == 20 else 200
    did = room.deliver()
    assert (did.sent, did.retried) == (19, 6)
    room.now += minutes(2)
    again = room.deliver()

    assert (again.sent, len(server.requests)) == (6, 26)
    assert room.states() == ["sent"] * 25


# -- a person settles -------------------------------------------------------------------------


@pytest.fixture
def unknown(room: PostRoom, server: WebServer) -> PostRoom:
    """An outbox of which one message may or may not have arrived."""
    server.answer = lambda _: 0 if len(server.requests) == 1 else 200
    room.deliver()
    server.answer = None
    return room


def settled(room: PostRoom, verdict: Settled, state: str = "unknown", why: str = "看过群") -> bool:
    """Settle the first message in a state; tell whether that changed anything."""
    row = room.rows("SELECT id FROM actions WHERE state = ? ORDER BY id", state)[0]
    with room.ledger() as ledger:
        action, changed = settle(
            ledger, row["id"], verdict, why=why, who="甲", at=room.now + minutes(60)
        )
        assert action == Store(ledger).action(row["id"])
    return changed


def doubtful(room: PostRoom) -> dict[str, object]:
    """Return the action of which nobody knew whether it arrived."""
    (row,) = room.rows(
        "SELECT a.* FROM actions a JOIN attempts t ON t.action = a.id WHERE t.verdict = 'unknown'"
    )
    return row


def test_settled_as_sent(unknown: PostRoom) -> None:
    """It counts as sent when it was tried, the journey ends, and the ledger says who said so."""
    assert settled(unknown, Settled.SENT)
    row = doubtful(unknown)
    assert (row["state"], row["reason"], row["closed_at"]) == ("sent", None, at(DECIDED))
    with unknown.ledger() as ledger:
        again = settle(ledger, str(row["id"]), Settled.SENT, why="x", who="乙", at=unknown.now)
    assert not again[1]
    (said,) = unknown.rows("SELECT * FROM settlements")
    assert (said["verdict"], said["why"], said["who"]) == ("sent", "看过群", "甲")
    unknown.now = at("2025-03-04T10:00")
    unknown.run("2025-03-04T10:00", clock=lambda: unknown.now)
    assert unknown.journeys(str(row["customer"])) == [("on_order", "finished", "")]


def test_settled_as_failed_or_sent_again(unknown: PostRoom, server: WebServer) -> None:
    """Sent again it has a fresh set of tries; a person may change their mind."""
    assert settled(unknown, Settled.FAILED)
    assert settled(unknown, Settled.RESEND, "failed")
    assert doubtful(unknown)["state"] == "due"
    unknown.now += minutes(120)
    assert unknown.deliver().sent == 1
    assert len(server.requests) == 21


def test_what_can_not_be_settled(unknown: PostRoom) -> None:
    """What was sent is sent; and a reason is needed."""
    with pytest.raises(StateError, match="is sent"):
        settled(unknown, Settled.FAILED, "sent")
    with pytest.raises(UsageError, match="say why"):
        settled(unknown, Settled.SENT, why=" ")


def test_unknown_is_no_care_sent_until_settled(unknown: PostRoom) -> None:
    """Nobody counts a contact of which nobody knows."""

    def counted() -> int:
        with open_log(paths_of(unknown.root).log, writable=False) as log:
            ((count,),) = log.query(
                "SELECT count(*) FROM events e JOIN kinds k ON k.code = e.kind"
                " WHERE k.name = 'care_sent'"
            )
        return int(count)

    unknown.run("2025-03-04T10:00", clock=lambda: at("2025-03-04T10:00"))
    assert counted() == 24
    settled(unknown, Settled.SENT)
    unknown.run("2025-03-05T10:00", clock=lambda: at("2025-03-05T10:00"))
    assert counted() == 25
