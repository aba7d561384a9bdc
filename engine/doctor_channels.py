"""What ``care doctor`` says of a project's channels: settings, secrets, state. No network."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from engine.channel_states import ChannelState
from engine.channels.files import folder_of
from engine.doctor import Examined
from engine.secrets import redact
from engine.switchboard import Line, Switchboard
from rules.channel_kinds import CHANNEL_KINDS
from rules.channel_values import REFERENCE
from rules.playbook import Project
from rules.vocabulary import Channel

__all__ = ["examine_channels"]


def examine_channels(
    project: Project, environ: Mapping[str, str], states: Mapping[str, ChannelState]
) -> Iterator[Examined]:
    """Yield a line for each channel: can it send, where to, and with which secrets by name.

    ``states`` are the ledger's words on channels that are disabled or failing.
    """
    board = Switchboard(project.vocabulary, Path(project.root), environ)
    for name, channel in sorted(project.vocabulary.channels.items()):
        fine, told = _channel(channel, board)
        state = states.get(name)
        if fine and state is not None and state.disabled is not None:
            fine, told = False, f"disabled: {state.words}; care deliver --enable {name}"
        yield Examined(name=f"channel {name}", fine=fine, told=told)


def _channel(channel: Channel, board: Switchboard) -> tuple[bool, str]:
    kind = CHANNEL_KINDS[channel.kind]
    if board.kind(channel.name) is None:
        return True, kind.says
    line = board.line(channel.name)
    if isinstance(line, str):
        return False, line.removeprefix(f'channel "{channel.name}": ')
    if channel.kind == "apprise" and importlib.util.find_spec("apprise") is None:
        return (
            False,
            "the library apprise is missing; install care with its extra: care-engine[apprise]",
        )
    words = [kind.says + _where(line), *_taken(channel)]
    return True, "; ".join(words)


def _where(line: Line) -> str:
    """Return through which server or into which folder messages go."""
    if line.channel.kind == "file":
        return f": {folder_of(Path(), line.channel.name, line.settings)}"
    host = line.settings.get("host") or urlsplit(line.settings.get("url", "")).hostname
    return redact(f" through {host}", line.secrets) if host else ""


def _taken(channel: Channel) -> list[str]:
    """Return which variables and files the settings are taken from."""
    names = sorted(
        {name for text in channel.settings.values() for _, name in REFERENCE.findall(text)}
    )
    return [f"with {', '.join(names)}"] if names else []
