"""What a message waits for: its run, its playbook, the night, a hold, the time there is."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.delivery import Stopwatch
from engine.waits import Waits
from tests.factories import at, event
from tests.postroom import DECIDED, PostRoom, minutes
from tests.receivers import Request, WebServer, web_server

OK = b'{"errcode": 0, "errmsg": "ok"}'


@pytest.fixture
def server() -> Iterator[WebServer]:
    with web_server(body=OK) as made:
        yield made


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> PostRoom:
    """Three webhooks, decided and not sent."""
    visits = [event(f"c{n}", "visit", "2025-03-03T09:00") for n in (1, 2, 3)]
    return PostRoom.open(tmp_path_factory.mktemp("three") / "shop", visits)


@pytest.fixture
def room(three: PostRoom, server: WebServer, tmp_path: Path) -> Iterator[PostRoom]:
    """The three of them; whatever a test does, the audit chain vouches for the ledger after it."""
    made = three.copy(tmp_path / "shop")
    made.at("hook", server.url())
    yield made
    assert made.faults() == ()


# -- what stands in the way -------------------------------------------------------------------


def test_what_runs_of_the_past_decide_stays_in_the_house(room: PostRoom, server: WebServer) -> None:
    """A run an hour behind the clock, or ahead of it, sends nothing but files, until a person says
    so; the next run of the present does not send it either.
    """
    room.deliver()
    for day, hour in ((4, -1), (5, 1)):
        room.events(event(f"d{day}", "visit", f"2025-03-0{day}T09:00"),
                      event(f"d{day}", "signup", f"2025-03-0{day}T09:00"))  # fmt: skip
        room.now = at(f"2025-03-0{day}T10:00") - hour * minutes(61)
        room.run(f"2025-03-0{day}T10:00", clock=lambda: room.now)
    assert len(server.requests) == 3
    assert len(room.sent()) == 2
    room.now = at("2025-03-06T10:00")
    did = room.run("2025-03-06T10:00", clock=lambda: room.now).delivery
    assert (did.sent, did.waiting) == (0, {Waits.PAST: 2})

    assert room.deliver(past=True).sent == 2


def test_with_deliver_a_run_of_the_past_sends(room: PostRoom, server: WebServer) -> None:
    """`care run --deliver` means it."""
    room.events(event("d4", "visit", "2025-03-04T09:00"))
    room.run("2025-03-04T10:00", clock=lambda: at("2026-01-01"), past=True)

    assert len(server.requests) == 4


@pytest.mark.parametrize("status", ["paused", "gone"])
def test_a_paused_playbook_sends_nothing_more(
    room: PostRoom, server: WebServer, status: str
) -> None:
    """Who pauses a playbook in a hurry stops its messages too; they go out when it is back."""
    path = room.root / "playbooks/on_visit.yaml"
    text = path.read_text(encoding="utf-8")
    if status == "gone":
        path.unlink()
    else:
        room.write(
            "playbooks/on_visit.yaml", text.replace("owner: us", "owner: us\nstatus: paused")
        )
    assert room.deliver().waiting == {Waits.PLAYBOOK: 3}
    room.write("playbooks/on_visit.yaml", text)

    assert room.deliver().sent == 3


def test_quiet_hours_bind_what_is_tried_again(
    three: PostRoom, server: WebServer, tmp_path: Path
) -> None:
    """A message that failed in the evening is not sent at night, but in the morning."""
    room = three.copy(tmp_path / "shop")
    room.write("house.yaml", "quiet: {hours: 21:00-08:30}\n")
    room.at("hook", server.url())
    server.status = 503
    room.deliver(at=room.now)
    server.status = 200
    room.now = at("2025-03-03T23:00")
    assert room.deliver(at=room.now).waiting == {Waits.QUIET: 3}
    room.now = at("2025-03-04T08:30")

    assert room.deliver(at=room.now).sent == 3


def test_where_quiet_hours_skip_a_late_message_is_skipped(
    three: PostRoom, server: WebServer, tmp_path: Path
) -> None:
    """`then: skip` leaves out what could not go out before the night, with its reason."""
    room = three.copy(tmp_path / "shop")
    room.write("house.yaml", "quiet: {hours: 21:00-08:30, then: skip}\n")
    room.at("hook", server.url())
    room.now = at("2025-03-03T23:00")
    did = room.deliver(at=room.now)

    assert (did.skipped, len(server.requests)) == (3, 0)
    assert room.actions("c1") == [("hook", "skipped", "quiet")]
    assert room.decisions("deliver") == [("skipped", "quiet")]


def test_a_held_journey_sends_nothing(room: PostRoom, server: WebServer) -> None:
    """While a house rule holds a journey its messages wait in the outbox as well."""
    room.write(
        "house.yaml",
        "rules:\n  - {rule: 投诉中, when: {work: {playbook: on_visit}, customer: {in: unhappy}},"
        " then: hold}\n",
    )
    (room.root / "hook.url").unlink()
    room.events(event("c1", "complaint", "2025-03-03T10:30", case_id="A"))
    room.now = at("2025-03-03T11:00")
    room.run("2025-03-03T11:00", clock=lambda: room.now)
    room.at("hook", server.url())
    did = room.deliver()
    assert (did.sent, did.waiting, room.states()) == (2, {Waits.HOLD: 1}, ["due", "sent", "sent"])
    room.events(event("c1", "solved", "2025-03-03T11:30", case_id="A"))
    room.now = at("2025-03-03T12:00")

    assert room.run("2025-03-03T12:00", clock=lambda: room.now).delivery.sent == 1


def test_time_is_up(room: PostRoom, server: WebServer) -> None:
    """Without time nothing is begun; what is left stays due, and no try is counted."""
    did = room.deliver(seconds=0)
    assert (did.waiting, room.tries()) == ({Waits.READY: 3}, [])
    spent = iter([0.0, 0.0, 0.0, 0.0, 0.0, 0.5, *[61.0] * 20])
    some = room.deliver(seconds=60, watch=Stopwatch(read=lambda: next(spent), sleep=lambda _: None))

    assert some.sent + some.waiting[Waits.READY] == 3
    assert room.states().count("sent") == len(server.requests) == some.sent
    assert len(room.tries()) == some.sent
    assert room.deliver().sent == 3 - some.sent


def test_a_run_sends_no_longer_than_deliver_for(three: PostRoom, tmp_path: Path) -> None:
    """`limits: {deliver_for: 1 second}`: a server that never answers does not hold the run up."""
    room = three.copy(tmp_path / "shop")
    care = (room.root / "care.yaml").read_text(encoding="utf-8")
    room.write("care.yaml", care.replace("deliver_for: 1 minute", "deliver_for: 1 second"))
    hangs: list[Request] = []
    with web_server() as server:
        room.at("hook", server.url("/hang"))
        server.answer = lambda request: (hangs.append(request), time.sleep(1.6), 200)[-1]
        began = time.monotonic()
        did = room.run(DECIDED, clock=lambda: room.now).delivery
        took = time.monotonic() - began

    assert did.sent == 0
    assert did.waiting[Waits.READY] == 2
    assert len(hangs) == 1
    assert took < 5
