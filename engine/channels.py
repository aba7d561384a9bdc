"""The channels: how an action reaches somebody. The registry is the dict at the end."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rules.vocabulary import Channel

__all__ = ["KINDS", "ChannelKind", "SendFailed"]

Message = Mapping[str, Any]


class SendFailed(Exception):  # noqa: N818
    """The channel did not take the message; the words say why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelKind:
    """One kind of channel. ``send`` None: a person acts, nothing is sent."""

    name: str
    send: Callable[[Path, Channel, Message], None] | None

    @property
    def human(self) -> bool:
        """True when its actions are tasks."""
        return self.send is None


def _send_file(root: Path, channel: Channel, message: Message) -> None:
    """Write one JSON file, named by the action: sent twice it is the same file.

    The half is named by the action too, so that the next try finishes what a power cut left.
    """
    folder = root / channel.settings.get("folder", f".care/out/{channel.name}")
    target = folder / f"{message['action']}.json"
    half = target.with_suffix(".half")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with half.open("w", encoding="utf-8") as file:
            json.dump(message, file, ensure_ascii=False, indent=2, sort_keys=True)
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())
        half.replace(target)
    except OSError as error:
        with contextlib.suppress(OSError):
            half.unlink(missing_ok=True)
        raise SendFailed(f"cannot write {target}: {error.strerror or error}") from error


KINDS: Mapping[str, ChannelKind] = {
    kind.name: kind
    for kind in (ChannelKind(name="task", send=None), ChannelKind(name="file", send=_send_file))
}
