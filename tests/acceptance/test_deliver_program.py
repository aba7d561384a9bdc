"""`care deliver`, `care outbox`, `care settle` as people type them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.factories import Said, event
from tests.postroom import PostRoom
from tests.receivers import WebServer, web_server
from tests.zygote import Zygote

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


def told(said: Said) -> list[str]:
    return said.out.splitlines()


# -- as people type them ----------------------------------------------------------------------


def test_from_failure_to_settled(bot: PostRoom, server: WebServer) -> None:
    """What is on its way and what needs a person is shown, and settled by one."""
    server.status = 404
    said = bot.care("deliver")
    assert (said.code, told(said)) == (
        0,
        ["1 waiting for a channel that fails just now, 3 waiting for another try"],
    )
    said = bot.care("outbox")
    assert [line.split()[1] for line in told(said)[2:]] == ["due"] * 4
    assert "channel paused" in said.out
    assert "HTTP 404: there is no such bot; look at `url`" in said.out
    waiting = bot.care("outbox", "--format", "json").json
    assert {one["why"] for one in waiting} == {"retry", "channel_paused"}
    said = bot.care("settle", *(one["id"] for one in waiting[:2]), "--failed", "--why", "不用了")
    assert told(said) == [f"{one['id']} failed" for one in waiting[:2]]
    said = bot.care("settle", waiting[0]["id"], "--failed", "--why", "不用了")
    assert told(said) == [f"{waiting[0]['id']} failed, as before"]
    assert len(bot.care("outbox", "--format", "json").json) == 2
    said = bot.care("settle", waiting[0]["id"], "--resend", "--why", "又要了")
    assert told(said) == [f"{waiting[0]['id']} goes out again with the next delivery"]
    why = bot.care("why", waiting[0]["id"]).out
    assert "settled as failed by " in why
    assert "settled as resend by " in why
    assert "又要了" in why


def test_a_disabled_channel(hook: PostRoom, server: WebServer) -> None:
    """410 is told by the delivery (exit 3), by the outbox and by doctor; one word enables it."""
    server.status = 410
    said = hook.care("deliver")
    assert said.code == 3
    assert told(said)[0] == "4 waiting for a disabled channel"
    assert "`care deliver --enable hook`" in told(said)[1]
    assert "channel hook is disabled since" in hook.care("outbox").out
    assert "disabled" in hook.care("doctor").out
    server.status = 200
    said = hook.care("deliver", "--enable", "hook", "--quiet")
    assert (said.code, said.out) == (0, "")
    assert hook.states() == ["sent"] * 4
    assert hook.care("outbox").out == "the outbox is empty\n"
    said = hook.care("deliver", "--enable", "hook")
    assert (said.code, said.err) == (1, 'care: channel "hook" is not disabled\n')


def test_wrong_words(hook: PostRoom) -> None:
    """What makes no sense is said in a line, with what to write instead."""
    lines = {
        ("deliver", "--for", "soon"): '--for takes a time like "10 minutes", not "soon"',
        ("deliver", "--channel", "hok"): 'no channel "hok"; did you mean "hook"?',
        ("deliver", "--enable", "hok"): 'no channel "hok"; did you mean "hook"?',
        ("settle", "a-1234"): "say what became of it: --sent, --failed or --resend",
        (
            "settle",
            "a-1234",
            "--sent",
        ): 'say why, in a few words: --why "the customer has it, I called"',
    }
    for words, line in lines.items():
        said = hook.care(*words)
        assert (said.code in (1, 2), said.err) == (True, f"care: {line}\n")


def test_collected_into_a_table(hook: PostRoom, server: WebServer, tmp_path: Path) -> None:
    """What file channels wrote is gathered after the delivery; with several of them, one is named."""
    hook.events(*(event(f"c{n}", "signup", "2025-03-03T10:00") for n in range(3)))
    hook.run("2025-03-03T10:30", clock=lambda: hook.now)
    table = tmp_path / "today.csv"
    said = hook.care("deliver", "--collect", str(table))
    assert (said.code, told(said)[-1]) == (0, f"3 files gathered, 3 rows in {table}")
    assert len(table.read_text(encoding="utf-8-sig").splitlines()) == 4
    assert told(hook.care("deliver", "--collect", str(table)))[-1] == "no new files to gather"
    care = (hook.root / "care.yaml").read_text(encoding="utf-8")
    hook.write("care.yaml", care.replace("  letter:", "  parcel: {kind: file}\n  letter:"))
    said = hook.care("deliver", "--collect", str(table))
    assert said.code == 2
    assert "each table takes one file channel: add --channel with one of parcel, letter" in said.err
