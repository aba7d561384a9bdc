"""The switchboard: which channel sends how, with its secrets put in, and one try through it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from engine.channels.kinds import KINDS, Answer, ChannelKind, Message, Sending, Verdict
from engine.secrets import faults, redact, resolve, secrets_of
from rules.errors import InputError
from rules.vocabulary import Channel, Vocabulary

__all__ = ["FAULT", "Line", "Switchboard", "fault"]

FAULT = "fault"  #: code of an answer that no channel gave


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A channel that can be used."""

    channel: Channel
    kind: ChannelKind
    settings: Mapping[str, str]
    secrets: frozenset[str]


class Switchboard:
    """The channels of a project, each looked at once. ``environ`` holds the secrets."""

    def __init__(self, vocabulary: Vocabulary, root: Path, environ: Mapping[str, str]) -> None:
        self.vocabulary = vocabulary
        self.root = root
        self.environ = environ
        self._lines: dict[str, Line | str] = {}

    def kind(self, channel: str) -> ChannelKind | None:
        """Return the kind of a channel; None where care.yaml has none that sends."""
        declared = self.vocabulary.channels.get(channel)
        kind = KINDS.get(declared.kind) if declared else None
        return kind if kind is not None and kind.send is not None else None

    def line(self, channel: str) -> Line | str:
        """Return a channel ready for use, or what is wrong with its settings, in words."""
        if channel not in self._lines:
            self._lines[channel] = self._look(channel)
        return self._lines[channel]

    def _look(self, channel: str) -> Line | str:
        kind, declared = self.kind(channel), self.vocabulary.channels.get(channel)
        if kind is None or declared is None:
            return f'care.yaml has no channel "{channel}" that sends'
        try:
            settings = resolve(declared.settings, self.root, self.environ, channel=channel)
        except InputError as error:
            return str(error)
        wrong = faults(declared, settings)
        if wrong:
            return f'channel "{channel}": {"; ".join(wrong)}'
        secrets = secrets_of(declared, settings)
        return Line(channel=declared, kind=kind, settings=settings, secrets=secrets)

    def send(self, line: Line, message: Message, *, timeout: float, now: int) -> Answer:
        """Ask a channel once, for at most so many seconds. The one place where anything is sent.

        A fault inside the sender is an answer too: nobody knows whether the message has left.
        """
        assert line.kind.send is not None
        sending = Sending(
            root=self.root, channel=line.channel, settings=line.settings, message=message,
            timeout=timeout, now=now,
        )  # fmt: skip
        try:
            answer = line.kind.send(sending)
        except Exception as error:
            answer = fault(error, Verdict.UNKNOWN)
        return replace(answer, words=redact(answer.words, line.secrets))


def fault(error: Exception, verdict: Verdict) -> Answer:
    """Return the answer that stands for a fault inside care."""
    words = f"an error inside care: {type(error).__name__}: {error}"
    return Answer(verdict=verdict, words=words, code=FAULT)
