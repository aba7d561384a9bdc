"""A delivery that is killed, stopped, doubled or out of room: nothing lost, nothing sent twice."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.factories import Said, event
from tests.postroom import PostRoom
from tests.receivers import Request, WebServer, web_server
from tests.zygote import Ended, Zygote

OK = b'{"errcode": 0, "errmsg": "ok"}'


@pytest.fixture(scope="module")
def hooks(tmp_path_factory: pytest.TempPathFactory) -> PostRoom:
    """Four messages to a webhook, which may go out twice, decided and not sent."""
    rows = [event(f"c{n}", "visit", "2025-03-03T09:00") for n in range(4)]
    return PostRoom.open(tmp_path_factory.mktemp("hooks") / "shop", rows)


@pytest.fixture(scope="module")
def bots(tmp_path_factory: pytest.TempPathFactory) -> PostRoom:
    """Four messages to a bot, which must not go out twice, decided and not sent."""
    rows = [event(f"c{n}", "order", "2025-03-03T09:00", amount=1) for n in range(4)]
    return PostRoom.open(tmp_path_factory.mktemp("bots") / "shop", rows)


@pytest.fixture
def server() -> Iterator[WebServer]:
    with web_server(body=OK) as made:
        yield made


def kind(
    request: pytest.FixtureRequest, name: str, server: WebServer, root: Path, zygote: Zygote
) -> PostRoom:
    origin: PostRoom = request.getfixturevalue(f"{name}s")
    made = origin.copy(root / "shop", through=zygote)
    made.at(name, server.url())
    return made


@pytest.fixture
def hook(
    request: pytest.FixtureRequest, server: WebServer, tmp_path: Path, zygote: Zygote
) -> PostRoom:
    return kind(request, "hook", server, tmp_path, zygote)


@pytest.fixture
def bot(
    request: pytest.FixtureRequest, server: WebServer, tmp_path: Path, zygote: Zygote
) -> PostRoom:
    return kind(request, "bot", server, tmp_path, zygote)


def at_work(room: PostRoom) -> int:
    """Return the process that delivers now, as the lease names it."""
    (row,) = room.rows("SELECT holder FROM lease WHERE name = 'deliver'")
    return int(row["holder"].split("\t")[1])


def on_request(server: WebServer, number: int, act: Callable[[], None]) -> None:
    """Let something happen while a request is being answered; that request gets no answer."""

    def answer(_: Request) -> int:
        if len(server.requests) == number:
            act()
            return 0
        return 200

    server.answer = answer


def told(said: Said) -> list[str]:
    return said.out.splitlines()


# -- processes that die -----------------------------------------------------------------------


def killed(room: PostRoom, server: WebServer, number: int) -> None:
    """Deliver, and kill the process while its request of this number is being answered."""
    on_request(server, number, lambda: os.kill(at_work(room), signal.SIGKILL))
    assert room.care("deliver").code == -signal.SIGKILL
    server.answer = None


@pytest.mark.parametrize("number", [1, 4])
def test_killed_between_sending_and_writing_the_answer(
    hook: PostRoom, server: WebServer, number: int
) -> None:
    """A webhook that may have arrived is sent again with the same id, until all are sent."""
    killed(hook, server, number)
    assert "intent" in hook.states()
    said = hook.care("deliver")

    assert (said.code, told(said)) == (0, ["4 sent"])
    assert hook.states() == ["sent"] * 4
    assert len({request.headers["webhook-id"] for request in server.requests}) == 4
    assert len(server.requests) == 4 + number
    assert hook.faults() == ()


@pytest.mark.parametrize("number", [2])
def test_killed_while_a_bot_answers(bot: PostRoom, server: WebServer, number: int) -> None:
    """A chat message that may have arrived is not sent again: a person is told that nobody knows."""
    killed(bot, server, number)
    said = bot.care("deliver")

    assert said.code == 3
    assert told(said)[1].startswith("  UNKNOWN: nobody knows whether 1 message arrived")
    assert len(server.requests) == 4
    assert sorted(bot.states()) == ["sent", "sent", "sent", "unknown"]
    (row,) = bot.care("outbox", "--format", "json").json
    assert (row["why"], row["said"]) == (
        "unknown_answer", "care was stopped before the answer could be recorded",
    )  # fmt: skip
    assert bot.faults() == ()


def test_a_message_that_kills_care_is_parked(hook: PostRoom, server: WebServer) -> None:
    """After five deaths over it a message is left alone, and the others go out."""
    first: list[str] = []

    def answer(request: Request) -> int:
        key = request.headers["webhook-id"]
        first[:] = first or [key]
        if key == first[0]:
            os.kill(at_work(hook), signal.SIGKILL)
            return 0
        return 200

    server.answer = answer
    codes = [hook.care("deliver").code for _ in range(6)]

    assert codes == [-signal.SIGKILL] * 5 + [3]
    assert sorted(hook.states()) == ["sent", "sent", "sent", "unknown"]
    (row,) = hook.rows("SELECT id, reason FROM actions WHERE state = 'unknown'")
    assert (row["id"], row["reason"]) == (first[0], "parked")


def test_ctrl_c_in_the_middle(bot: PostRoom, server: WebServer) -> None:
    """What was answered is written, what was not begun stays due, one is in doubt."""
    on_request(server, 2, lambda: (os.kill(at_work(bot), signal.SIGINT), time.sleep(0.2))[0])
    said = bot.care("deliver")

    assert said.code == 130
    assert sorted(bot.states()) == ["due", "due", "intent", "sent"]
    server.answer = None
    bot.care("deliver")
    assert sorted(bot.states()) == ["sent", "sent", "sent", "unknown"]
    assert len(server.requests) == 4


def delivering(room: PostRoom, zygote: Zygote) -> tuple[threading.Thread, list[Ended]]:
    """Start a delivery in a process of its own; how it ended stands in the list after that."""
    ended: list[Ended] = []
    thread = threading.Thread(
        target=lambda: ended.append(zygote.told("-C", str(room.root), "deliver"))
    )
    thread.start()
    return thread, ended


@pytest.fixture(scope="module")
def other() -> Iterator[Zygote]:
    """A second process that forks care, so that two work at once."""
    with closing(Zygote()) as made:
        yield made


def test_two_at_once(hook: PostRoom, server: WebServer, other: Zygote) -> None:
    """While one process delivers another one leaves it alone, and says so."""
    begun, go_on = threading.Event(), threading.Event()

    def answer(_: Request) -> int:
        begun.set()
        go_on.wait(10)
        return 200

    server.answer = answer
    thread, ended = delivering(hook, other)
    assert begun.wait(10)
    said = hook.care("deliver")
    go_on.set()
    thread.join()

    assert (said.code, said.out) == (0, "")
    assert said.err.startswith("care: another delivery is at work (process ")
    assert ended == [Ended(0, "4 sent\n", "")]
    assert len(server.requests) == 4


def test_stopped_past_its_lease_and_woken(bot: PostRoom, server: WebServer, other: Zygote) -> None:
    """A process that was stopped for longer than its lease writes and sends nothing any more when
    it wakes up: another one has taken over, and calls what was in its hands unknown.
    """
    stopped = threading.Event()
    pids: list[int] = []

    def stop() -> None:
        pids.append(at_work(bot))
        os.kill(pids[0], signal.SIGSTOP)
        stopped.set()

    on_request(server, 2, stop)
    thread, ended = delivering(bot, other)
    assert stopped.wait(10)
    busy = bot.care("deliver")
    assert busy.err.startswith("care: another delivery is at work")
    with bot.ledger() as ledger:
        ledger.execute("UPDATE lease SET until = 1 WHERE name = 'deliver'")
    server.answer = None
    said = bot.care("deliver")
    os.kill(pids[0], signal.SIGCONT)
    thread.join()

    assert (said.code, sorted(bot.states())) == (3, ["sent", "sent", "sent", "unknown"])
    assert ended[0].code == 1
    assert "another delivery took over while this one was away" in ended[0].err
    assert len(server.requests) == 4
    assert bot.faults() == ()
