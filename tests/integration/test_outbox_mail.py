"""E-mail through the outbox and a real mail server: what arrives, and what is never sent twice."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.waits import Waits
from tests.factories import CARE, event, profile
from tests.postroom import DECIDED, PostRoom, minutes
from tests.receivers import MailServer, mail_server

MAIL = (
    "  mail: {kind: smtp, to: customer.address, host: 127.0.0.1, port: PORT, tls: none,"
    " sender: 客服 <care@example.com>}\n"
)
BOOK = (
    "trigger: {event: visit}\nsteps:\n  - {step: hello, do: mail, due: now, template: hello.md}\n"
)


@pytest.fixture
def server() -> Iterator[MailServer]:
    with mail_server() as made:
        yield made


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> PostRoom:
    """Two customers with an address and one without, decided while no mail server was there."""
    root = tmp_path_factory.mktemp("origin") / "shop"
    care = CARE.replace("  letter:", f"{MAIL.replace('PORT', '9')}  letter:")
    made = PostRoom(root, care=care, hello=BOOK)
    made.write(
        "templates/hello.md", "主题：您好，{{ customer.name }}\n\n感谢来访，{{ customer.name }}。\n"
    )
    made.events(event("c0", "solved", "2025-02-01T10:00"))
    made.customers(
        profile("c1", "2025-02-01T10:00", name="王丽", address="wang@example.com"),
        profile("c2", "2025-02-01T10:00", name="李强", address="li@example.com"),
        profile("c3", "2025-02-01T10:00", name="赵敏"),
    )
    made.run("2025-03-01T08:00")
    made.events(*(event(f"c{n}", "visit", "2025-03-03T09:00") for n in (1, 2, 3)))
    made.now = 0
    made.run(DECIDED, clock=lambda: 0)  # of another time than the clock: nothing leaves the house
    return made


def edit(room: PostRoom, old: str, new: str) -> None:
    """Change a word of care.yaml."""
    text = (room.root / "care.yaml").read_text(encoding="utf-8")
    assert old in text
    room.write("care.yaml", text.replace(old, new))


@pytest.fixture
def room(origin: PostRoom, server: MailServer, tmp_path: Path) -> Iterator[PostRoom]:
    shutil.copytree(origin.root, tmp_path / "shop")
    made = PostRoom.__new__(PostRoom)
    made.root, made.through, made.now, made._files = tmp_path / "shop", None, 0, 9
    edit(made, "port: 9", f"port: {server.port}")
    yield made
    assert made.faults() == ()


def test_what_was_written_when_it_opened_arrives(room: PostRoom, server: MailServer) -> None:
    """Address, subject and text are those of the release; who has no address gets nothing."""
    did = room.deliver(past=True)

    assert did.sent == 2
    assert {str(mail["To"]): str(mail["Subject"]) for _, mail in server.taken} == {
        "wang@example.com": "您好，王丽", "li@example.com": "您好，李强",
    }  # fmt: skip
    assert room.actions("c3") == [("hello", "skipped", "no_address")]


@pytest.mark.parametrize(("said", "mails"), [("hold", 2), ("resend", 4)])
def test_cut_after_the_mail_was_handed_over(
    room: PostRoom, server: MailServer, said: str, mails: int
) -> None:
    """The server has the mail, its answer is lost: nobody knows, and it is not sent again unless
    `on_unknown: resend` says so.
    """
    edit(room, "kind: smtp,", f"kind: smtp, on_unknown: {said},")
    server.say["DATA"] = "cut"
    first = room.deliver(past=True)
    assert (first.unknown, len(server.taken)) == (2 if said == "hold" else 0, 2)
    server.say.clear()
    room.now += minutes(60)
    room.deliver(past=True)

    states = {"hold": ["skipped", "unknown", "unknown"], "resend": ["sent", "sent", "skipped"]}
    assert sorted(room.states()) == states[said]
    assert len(server.taken) == mails


def test_busy_and_refused(room: PostRoom, server: MailServer) -> None:
    """450 is tried again and then taken; 550 has failed for good, with the server's words."""
    server.say["RCPT"] = "450 try later"
    did = room.deliver(past=True)
    assert did.waiting == {Waits.RETRY: 2}
    server.say["RCPT"] = "550 no such user"
    room.now += minutes(60)
    assert room.deliver(past=True).failed == 2
    assert room.tries() == [(1, "retry", "450"), (2, "refused", "550")] * 2
    assert server.taken == []
