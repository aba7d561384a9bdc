"""What the ledger remembers of a channel: disabled, paused after failures, how much went out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from engine.ledger import Ledger
from engine.words import Reason
from rules.errors import StateError, did_you_mean
from rules.units import MICROS
from rules.vocabulary import Vocabulary

__all__ = ["MINUTE", "ChannelState", "ChannelStates", "enable_channel"]

MINUTE = 60 * MICROS
_FAILURES = 3  #: in a row: the channel is taken to be down, and is left alone for a while
_LONGEST = 60 * MINUTE  #: a pause; it doubles with each further failure


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelState:
    """One channel as the ledger knows it."""

    disabled: int | None = None  #: since when, an instant of the wall clock
    words: str = ""  #: what it said last
    failures: int = 0  #: tries in a row that it did not take
    paused_until: int = 0  #: wall time

    def paused(self, now: int) -> bool:
        """True while it is left alone. A pause that is too long shows a clock that went back."""
        return now < self.paused_until <= now + 24 * _LONGEST


class ChannelStates:
    """Reads and writes the states of channels. Writes need the caller's transaction."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self._known = {
            row["name"]: ChannelState(
                disabled=row["disabled"], words=row["words"], failures=row["failures"],
                paused_until=row["paused_until"] or 0,
            )
            for row in ledger.rows("SELECT * FROM channels")
        }  # fmt: skip

    def of(self, channel: str) -> ChannelState:
        """Return the state of a channel."""
        return self._known.get(channel, ChannelState())

    def disabled(self) -> dict[str, ChannelState]:
        """Return the disabled channels by name."""
        return {
            name: state for name, state in sorted(self._known.items()) if state.disabled is not None
        }

    def took(self, channel: str, *, at: int) -> None:
        """Write that a channel answered: its failures are over. ``at``: the entry's instant."""
        before = self.of(channel)
        if before.failures or before.paused_until:
            self._write(channel, ChannelState(disabled=before.disabled, words=before.words), at=at)

    def failed(
        self, channel: str, words: str, *, now: int, retry_after: int | None, at: int
    ) -> None:
        """Write that a channel did not take a message. After three in a row it is paused, each
        time for longer; at once where it said for how long.
        """
        before = self.of(channel)
        failures = before.failures + 1
        pause = retry_after or 0
        if failures >= _FAILURES:
            doubled = MINUTE * 2 ** min(failures - _FAILURES, 10)
            pause = max(pause, min(doubled, _LONGEST))
        after = ChannelState(
            disabled=before.disabled, words=words, failures=failures,
            paused_until=max(before.paused_until if before.paused(now) else 0, now + pause),
        )  # fmt: skip
        self._write(channel, after, at=at)

    def disable(self, channel: str, words: str, *, at: int) -> None:
        """Write that a channel is gone for good: nothing goes through it until it is enabled."""
        if self.of(channel).disabled is None:
            told = {"reason": str(Reason.CHANNEL_DISABLED)}
            self._write(channel, ChannelState(disabled=at, words=words), at=at, told=told)

    def enable(self, channel: str, *, at: int, who: str) -> None:
        """Write that a person lets a channel send again."""
        state = ChannelState(words=self.of(channel).words)
        self._write(channel, state, at=at, told={"enabled": at, "who": who})

    def _write(
        self,
        channel: str,
        state: ChannelState,
        *,
        at: int,
        told: Mapping[str, object] | None = None,
    ) -> None:
        row = {
            "name": channel, "disabled": state.disabled, "words": state.words,
            "failures": state.failures, "paused_until": state.paused_until or None,
        }  # fmt: skip
        if channel not in self._known:
            self.ledger.insert("channels", [row], at=at)
        self.ledger.change("channels", {"name": channel}, row, at=at, told=told)
        self._known[channel] = state

    # -- so many a minute -----------------------------------------------------------------------

    def room(self, channel: str, per_minute: int, *, now: int) -> tuple[int, int]:
        """Return how many messages a channel takes now, and when it takes the next one after that.

        Counted over the last minute, by all processes. What seems to have gone out later than now
        went out before the clock was set back.
        """
        rows = self.ledger.rows(
            "SELECT min(wall, ?) AS wall FROM buckets WHERE channel = ? AND wall > ?"
            " ORDER BY 1 DESC LIMIT ?",
            now, channel, now - MINUTE, per_minute,
        )  # fmt: skip
        walls = [row["wall"] for row in rows]
        free = per_minute - len(walls)
        return free, now if free else walls[-1] + MINUTE

    def count(self, channel: str, *, now: int) -> None:
        """Write that a message goes out through a channel with a limit."""
        self.ledger.execute(
            "DELETE FROM buckets WHERE channel = ? AND wall <= ?", channel, now - MINUTE
        )
        self.ledger.execute(
            "UPDATE buckets SET wall = ? WHERE channel = ? AND wall > ?", now, channel, now
        )
        self.ledger.insert("buckets", [{"channel": channel, "wall": now}])


def enable_channel(
    ledger: Ledger, vocabulary: Vocabulary, channel: str, *, at: int, who: str
) -> None:
    """Let a disabled or paused channel send again. Raises StateError for an unknown one."""
    states = ChannelStates(ledger)
    if channel not in vocabulary.channels:
        raise StateError(f'no channel "{channel}"; {did_you_mean(channel, vocabulary.channels)}')
    state = states.of(channel)
    if state.disabled is None and not state.failures:
        raise StateError(f'channel "{channel}" is not disabled')
    with ledger.transaction():
        states.enable(channel, at=at, who=who)
