"""What ``care doctor`` says of channels: settings and secrets by name, nothing asked of a network."""

from __future__ import annotations

import sys
from dataclasses import replace
from importlib.machinery import PathFinder
from pathlib import Path

import pytest

from engine.channel_states import ChannelState
from engine.doctor_channels import examine_channels
from rules.playbook import Project
from tests.projects import CARE, project

CHANNELS = """\
  email: {kind: smtp, to: customer.name, host: "${env:HOST}", sender: a@b.com, user: u, password: "${file:pw}"}
  hook: {kind: webhook, url: "https://crm.example.com/x?key=${env:KEY}"}
  bot: {kind: wecom_bot, url: "${env:BOT}"}
  other: {kind: apprise, urls: "${env:OTHER}"}
  sheet: {kind: file, folder: out/sheets, format: csv}
"""
ENVIRON = {
    "HOST": "smtp.example.com",
    "KEY": "s3cret-k",
    "BOT": "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=s3cret-b",
    "OTHER": "json://s3cret-o@example.com",
}


@pytest.fixture
def made(tmp_path: Path) -> Project:
    (tmp_path / "pw").write_text("s3cret-p")
    care = CARE.replace("  letter: {kind: file}\n", CHANNELS)
    return replace(project(care=care), root=str(tmp_path))


def told(made: Project, **more: str) -> dict[str, tuple[bool, str]]:
    """Return what is said of each channel, variables changed or ("") taken away."""
    environ = {key: value for key, value in {**ENVIRON, **more}.items() if value}
    found = examine_channels(made, environ, {})
    return {each.name.removeprefix("channel "): (each.fine, each.told) for each in found}


def test_a_line_for_each_channel(made: Project) -> None:
    """Where messages go and what secrets are called, never what they are."""
    found = told(made)

    assert found == {
        "bot": (True, "a message of a bot in a WeCom group through qyapi.weixin.qq.com; with BOT"),
        "call": (True, "a task for a person"),
        "email": (True, "an e-mail through smtp.example.com; with HOST, pw"),
        "hook": (True, "a signed request to an address through crm.example.com; with KEY"),
        "other": (True, "any other service that Apprise knows; with OTHER"),
        "sheet": (True, "a file an action, in a folder: out/sheets"),
    }
    assert "s3cret" not in str(found)


def test_what_is_missing_or_wrong_is_told(made: Project) -> None:
    """By the name of the variable or file, without its value."""
    (Path(made.root) / "pw").unlink()
    found = told(made, KEY="", BOT="ftp://s3cret-b")

    assert {name: words for name, (fine, words) in found.items() if not fine} == {
        "bot": "`url`, which comes from BOT, is no http or https address; write https://example.com/path",
        "email": "`password` needs the file pw, which can't be read: No such file or directory",
        "hook": "`url` needs the environment variable KEY, which is not set",
    }


def test_a_missing_library_is_told(made: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Apprise is an extra: a project that uses it needs it."""
    found = PathFinder.find_spec
    monkeypatch.setattr(
        PathFinder,
        "find_spec",
        lambda name, *more: None if name == "apprise" else found(name, *more),
    )
    monkeypatch.delitem(sys.modules, "apprise", raising=False)

    assert told(made)["other"] == (
        False, "the library apprise is missing; install care with its extra: care-engine[apprise]",
    )  # fmt: skip


def test_a_disabled_channel_is_told(made: Project) -> None:
    """What the ledger knows of it, and how it is enabled again."""
    states = {"hook": ChannelState(disabled=1, words="the receiver is gone for good")}
    (found,) = [each for each in examine_channels(made, ENVIRON, states) if not each.fine]

    assert str(found) == (
        "BAD  channel hook: disabled: the receiver is gone for good; care deliver --enable hook"
    )
