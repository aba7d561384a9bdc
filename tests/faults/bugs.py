"""Seeded bugs: each makes care wrong in one way, to prove that the harness would see it.

What is wrong replaces what is right in this process, which is a fork and ends soon.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from secrets import token_hex
from typing import Any

from engine import feed, log_write
from engine.batches import Batch
from engine.channel_states import ChannelStates
from engine.deliver import _Pass
from engine.ingest import taking
from engine.last_word import LastWord
from engine.ledger import Lease, Ledger
from engine.outbox import Begun, Outbox, Waiting

__all__ = ["BUGS"]


def _intent_after_send() -> None:
    """The message goes out first, and then its intent is written with the answer."""

    def send(self: _Pass, batch: Batch, word: LastWord) -> None:
        going = [item for item in batch.items if word.on(item) is None]
        answers = [self._ask(Begun(waiting=item, n=item.tried + 1)) for item in going]
        with self.ledger.transaction(self.lease):
            begun = self.outbox.begin(going, now=self.clock(), moment=self.moment)
        self._record(list(zip(begun, answers, strict=True)), ())

    _Pass._send = send  # type: ignore[method-assign]


def _doubt_forgotten() -> None:
    """A message whose process died in the middle is taken for one that was never tried."""

    def recover(self: _Pass) -> None:
        with self.ledger.transaction(self.lease):
            for item in self.outbox.interrupted():
                self.outbox.put_back([Begun(waiting=item, n=item.tried)], moment=self.moment)

    _Pass._recover = recover  # type: ignore[method-assign]


def _no_unique_key() -> None:
    """What care did gets another id each time that it is written to the log."""
    feed.sha = lambda *_: token_hex(32)  # type: ignore[attr-defined]
    log_write._NEW_EVENTS = log_write._NEW_EVENTS.replace("AND id NOT IN", "OR id IN")


def _cursor_first() -> None:
    """The cursor of the feed moves before the log has what was fed."""
    from engine import run

    feeds = feed.feed

    def wrong(ledger: Ledger, opened: Any, *given: Any, **named: Any) -> int:
        def too_late() -> Any:
            last, _ = ledger.chain.head()
            with ledger.transaction():
                row = {"name": "feed", "value": last}
                ledger.insert("cursors", [row], replace=True, at=0)
            return opened()

        return feeds(ledger, too_late, *given, **named)

    run.feed = wrong  # type: ignore[attr-defined]


def _spool_first() -> None:
    """A file leaves the spool before its rows are in the log."""
    right = taking._Chunk.land

    def land(self: taking._Chunk, *given: Any) -> None:
        for file, _ in self.receipts:
            file.unlink(missing_ok=True)
        right(self, *given)

    taking._Chunk.land = land  # type: ignore[method-assign]


def _no_fence() -> None:
    """A process that lost its lease goes on writing."""
    right = Ledger.transaction

    @contextlib.contextmanager
    def transaction(
        self: Ledger, lease: Lease | None = None, *, patience: float = 0
    ) -> Iterator[None]:
        with right(self, None, patience=patience):
            if lease is not None:
                self.one("SELECT fence FROM lease WHERE name = ?", lease.name)
            yield

    Ledger.transaction = transaction  # type: ignore[method-assign]


def _bucket_outside() -> None:
    """What a bot has had is counted in a transaction of its own, when it has it."""
    counts, records = ChannelStates.count, _Pass._record

    def record(
        self: _Pass, answers: Sequence[tuple[Begun, Any]], *given: Any, **named: Any
    ) -> None:
        records(self, answers, *given, **named)
        with self.ledger.transaction(self.lease):
            for one, _ in answers[:1]:
                counts(self.states, one.waiting.action.channel, now=self.clock())

    ChannelStates.count = lambda *_, **__: None  # type: ignore[method-assign,assignment]
    _Pass._record = record  # type: ignore[method-assign]


def _answer_not_kept() -> None:
    """A message counts as sent as soon as its intent is written."""
    begins = Outbox.begin

    def begin(self: Outbox, items: Sequence[Waiting], *, now: int, moment: int) -> list[Begun]:
        begun = begins(self, items, now=now, moment=moment)
        for one in begun:
            key = one.waiting.action.id
            heard = {"verdict": "sent", "words": "", "code": ""}
            self.ledger.change("attempts", {"action": key, "n": one.n}, heard, at=moment)
        return begun

    Outbox.begin = begin  # type: ignore[method-assign,assignment]


def _two_transactions() -> None:
    """A run commits in the middle of its decisions."""
    from engine import run

    right = run.start_journeys  # type: ignore[attr-defined]

    def start(ctx: Any, *given: Any, **named: Any) -> Any:
        done = right(ctx, *given, **named)
        ctx.ledger._flush()
        ctx.ledger.connection.execute("COMMIT")
        ctx.ledger.connection.execute("BEGIN IMMEDIATE")
        ctx.ledger._forget()
        return done

    run.start_journeys = start  # type: ignore[attr-defined]


BUGS: Mapping[str, Callable[[], None]] = {
    "intent_after_send": _intent_after_send,
    "doubt_forgotten": _doubt_forgotten,
    "no_unique_key": _no_unique_key,
    "cursor_first": _cursor_first,
    "spool_first": _spool_first,
    "no_fence": _no_fence,
    "bucket_outside": _bucket_outside,
    "answer_not_kept": _answer_not_kept,
    "two_transactions": _two_transactions,
}
