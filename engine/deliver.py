"""Delivery: each message on its way goes to its channel, its intent committed before it is sent."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from engine.batches import Batch, plan
from engine.channel_states import MINUTE, ChannelStates
from engine.channels.kinds import Answer, Message, Verdict
from engine.delivery import Delivery, Stopwatch
from engine.ids import name_id
from engine.last_word import LastWord
from engine.ledger import Lease, Ledger
from engine.messages import Messages
from engine.outbox import ABOUT_NOW, NO_ANSWER, Begun, No, Outbox, Waiting
from engine.switchboard import FAULT, Line, Switchboard, fault
from engine.tries import POISON, after_answer, ladder, next_try
from engine.waits import Obstacles, Waits
from engine.words import ActionState, Reason
from rules.errors import BusyError
from rules.playbook import Project
from rules.units import MICROS

__all__ = ["deliver"]

_POLL = 5.0  #: seconds; so often a delivery that waits looks for what a run has decided meanwhile
_SEND = 30.0  #: seconds that one try may take at most
_RECORD = (
    300.0  #: seconds for which an answer waits for whoever writes the ledger: it must not be lost
)


def deliver(
    project: Project,
    ledger: Ledger,
    *,
    clock: Callable[[], int],
    at: int | None = None,
    wait: float = 10.0,
    seconds: float | None = None,
    wait_for: Collection[Waits] = (),
    past: bool = False,
    only: Collection[str] = (),
    environ: Mapping[str, str] | None = None,
    watch: Stopwatch | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Delivery:
    """Send what is due, for at most so many ``seconds`` (default: ``deliver_for`` of care.yaml).

    Consent and quiet hours are asked again before each intent, as of now; as of T (``at``, default
    that of the last run) where T is not about now, so that a run of the past does not look ahead.
    ``wait`` is how long to wait, in seconds, for whoever holds the log; what needs it stays due.
    ``wait_for`` are obstacles that are waited for while there is time, ``past`` lets out what runs
    of the past decided, ``only`` are the channels that are worked (default: all).

    One process delivers at a time, under a lease of its own; where another one does, its words
    stand in the result. Raises BusyError when the lease was lost in the middle.
    """
    if Outbox(ledger).empty():
        return Delivery()
    if seconds is None:
        seconds = project.vocabulary.deliver_for.seconds
    watch = watch or Stopwatch()
    with ExitStack() as stack:
        try:
            lease = stack.enter_context(ledger.lease(clock, "deliver"))
        except BusyError as error:
            return Delivery(busy=str(error))
        return _Pass(
            project, ledger, lease, clock=clock, at=at, wait=wait, seconds=seconds,
            wait_for=frozenset(wait_for), past=past, only=frozenset(only),
            environ=os.environ if environ is None else environ, watch=watch, progress=progress,
        ).work()  # fmt: skip


class _Pass:
    """One pass over the outbox, under the lease of the delivery."""

    def __init__(
        self,
        project: Project,
        ledger: Ledger,
        lease: Lease,
        *,
        clock: Callable[[], int],
        at: int | None,
        wait: float,
        seconds: float,
        wait_for: frozenset[Waits],
        past: bool,
        only: frozenset[str],
        environ: Mapping[str, str],
        watch: Stopwatch,
        progress: Callable[[int, int], None] | None,
    ) -> None:
        self.project, self.ledger, self.lease = project, ledger, lease
        self.clock, self.at, self.wait = clock, at, wait
        self.wait_for, self.past, self.only = wait_for, past, only
        self.watch, self.progress = watch, progress
        self.began = watch.read()
        self.seconds = seconds
        self.outbox = Outbox(ledger)
        self.messages = Messages(project, ledger)
        self.states = ChannelStates(ledger)
        self.board = Switchboard(project.vocabulary, Path(project.root), environ)
        self.counts: Counter[str] = Counter()
        self.waiting: Counter[Waits] = Counter()
        self.soonest: list[int] = []  #: wall times at which something that is waited for is over
        self.disabled: dict[str, str] = {}
        self.troubles: dict[str, str] = {}
        self.moment = 0
        self.renewed = clock()  #: wall time at which the lease was taken or renewed

    def work(self) -> Delivery:
        """Send what can be sent, and what can be sent later while there is time."""
        self.moment = self._horizon()
        self._recover()
        while True:
            soonest = self._sweep()
            if soonest is None or not self._time():
                break
            left = (soonest - self.clock()) / MICROS
            if left > self._left():
                break
            self.watch.sleep(max(0.1, min(left, _POLL, self._left())))
        if self.waiting[Waits.DISABLED] or self.waiting[Waits.SETTINGS]:
            self._tell_troubles()
        counts: dict[str, Any] = dict(self.counts)
        return Delivery(
            **counts,
            waiting=dict(+self.waiting), disabled=self.disabled, troubles=self.troubles,
            seconds=self.watch.read() - self.began,
        )  # fmt: skip

    def _left(self) -> float:
        return self.seconds - (self.watch.read() - self.began)

    def _time(self) -> bool:
        return self._left() > 0

    def _horizon(self) -> int:
        """Return the instant as of which consent and quiet hours are asked."""
        at, now = self.at, self.clock()
        if at is None:
            row = self.ledger.one("SELECT max(at) AS at FROM runs")
            at = row["at"] if row and row["at"] is not None else now
        return now if self.past or 0 <= now - at <= ABOUT_NOW else at

    def _renew(self, now: int) -> None:
        """Let the lease last while a delivery waits."""
        if not self.renewed <= now <= self.renewed + MINUTE:
            with self.ledger.transaction(self.lease):
                self.ledger.renew(self.lease, now)
            self.renewed = now

    # -- what a crash left ------------------------------------------------------------------------

    def _recover(self) -> None:
        """Give those an answer whose process died before it could write theirs."""
        found = self.outbox.interrupted()
        if not found:
            return
        with self.ledger.transaction(self.lease):
            for item in found:
                one = Begun(waiting=item, n=item.tried)
                self._settle(one, NO_ANSWER, most=POISON, later=None)

    # -- one sweep --------------------------------------------------------------------------------

    def _sweep(self) -> int | None:
        """Send what is ready; return when the next message may be, None where nothing is awaited."""
        now = self.clock()
        self._renew(now)
        self.moment = self._horizon()
        self.states = ChannelStates(self.ledger)
        self.waiting = Counter()
        obstacles = Obstacles(self.project, self.states, self.board, now=now, past=self.past)
        ready: list[Waiting] = []
        self.soonest = []
        for item in self.outbox.waiting():
            if self.only and item.action.channel not in self.only:
                continue
            why = obstacles.of(item)
            if why is Waits.READY:
                ready.append(item)
                continue
            self._waits(why, item.action.channel, item.next_try or now)
        word = LastWord(self.project, self.messages, ready, at=self.moment, wait=self.wait)
        patience = self._left() if Waits.RATE in self.wait_for else None
        planned = plan(ready, self.board, self.states, now=now, patience=patience)
        self.waiting[Waits.RATE] += planned.waiting
        self.soonest += planned.soonest if patience is not None else []
        done = 0
        for batch in planned.batches:
            if self._time():
                self._send(batch, word)
            else:
                self.waiting[Waits.READY] += len(batch.items)
            done += len(batch.items)
            if self.progress:
                self.progress(done, len(ready))
        return min(self.soonest, default=None)

    def _waits(self, why: Waits, channel: str, when: int) -> None:
        """Count a message that waits, at least until ``when``."""
        self.waiting[why] += 1
        if why in self.wait_for:
            paused = self.states.of(channel).paused_until
            self.soonest.append(max(when, paused) if why is Waits.PAUSED else when)

    # -- one batch --------------------------------------------------------------------------------

    def _send(self, batch: Batch, word: LastWord) -> None:
        """Commit the intents of a batch, ask the channels, commit the answers."""
        now = self.clock()
        going: list[Waiting] = []
        against: list[tuple[Waiting, No]] = []
        for item in batch.items:
            found = self._shut(item.action.channel, now) or word.on(item)
            if isinstance(found, No):
                against.append((item, found))
            elif found is not None:
                self._waits(found, item.action.channel, now)
            else:
                going.append(item)
        if not going and not against:
            return
        with self.ledger.transaction(self.lease, patience=self._left()):
            self.ledger.renew(self.lease, now)
            for item, no in against:
                self.outbox.withdraw(item, no, moment=self.moment)
                self.counts["refused" if no.reason is Reason.CONSENT_WITHDRAWN else "skipped"] += 1
            begun = self.outbox.begin(going, now=now, moment=self.moment)
            self._count(begun, now, once=batch.digest)
        if batch.digest and begun:
            self._ask_once(begun)
        else:
            self._ask_each(begun)

    def _shut(self, channel: str, now: int) -> Waits | None:
        """Return why nothing more goes through a channel, by what it said in this very sweep."""
        state = self.states.of(channel)
        if state.disabled is not None:
            return Waits.DISABLED
        return Waits.PAUSED if state.paused(now) else None

    def _count(self, begun: Sequence[Begun], now: int, *, once: bool) -> None:
        """Write what goes out through channels that take only so many a minute."""
        for one in begun[:1] if once else begun:
            kind = self.board.kind(one.waiting.action.channel)
            if kind is not None and kind.per_minute is not None:
                self.states.count(one.waiting.action.channel, now=now)

    def _ask_each(self, begun: Sequence[Begun]) -> None:
        answers: list[tuple[Begun, Answer]] = []
        try:
            for one in begun:
                if not self._time() or self._gave_up(answers, one.waiting.action.channel):
                    break
                answers.append((one, self._ask(one)))
        except BaseException:
            # Ctrl-C in the middle of a try: its answer is lost, the others are not
            self._record(answers, begun[len(answers) + 1 :])
            raise
        self._record(answers, begun[len(answers) :])

    def _gave_up(self, answers: Sequence[tuple[Begun, Answer]], channel: str) -> bool:
        """True when a channel of this batch is gone, or has just failed several times in a row."""
        if not answers or answers[-1][1].verdict in (Verdict.SENT, Verdict.HANDED_OVER):
            return False
        last = [answer for one, answer in answers if one.waiting.action.channel == channel][-3:]
        return any(answer.disable or answer.retry_after for answer in last) or (
            len(last) == 3
            and all(answer.verdict in (Verdict.RETRY, Verdict.UNKNOWN) for answer in last)
        )

    def _ask(self, one: Begun) -> Answer:
        line = self.board.line(one.waiting.action.channel)
        if isinstance(line, str):
            return Answer(verdict=Verdict.REFUSED, words=line)
        try:
            message = self.messages.make(one.waiting, one.n)
        except Exception as error:
            return fault(error, Verdict.RETRY)
        return self._through(line, message)

    def _through(self, line: Line, message: Message) -> Answer:
        timeout = max(1.0, min(_SEND, self._left()))
        return self.board.send(line, message, timeout=timeout, now=self.clock())

    def _ask_once(self, begun: Sequence[Begun]) -> None:
        """Send several messages as one; those that can't be made don't stop the others."""
        line = self.board.line(begun[0].waiting.action.channel)
        assert isinstance(line, Line)
        assert line.kind.digest is not None
        made: list[tuple[Begun, Message]] = []
        faults: list[tuple[Begun, Answer]] = []
        for one in begun:
            try:
                made.append((one, self.messages.make(one.waiting, one.n)))
            except Exception as error:
                faults.append((one, fault(error, Verdict.RETRY)))
        self._record(faults, ())
        if not made:
            return
        key = name_id("g", *(f"{one.waiting.action.id} {one.n}" for one, _ in made))
        try:
            digest = line.kind.digest([message for _, message in made])
        except Exception as error:
            answer = fault(error, Verdict.RETRY)
        else:
            answer = self._through(line, replace(digest, action=key))
        self._record([(one, answer) for one, _ in made], (), digest=key)
        self.counts["digests"] += answer.verdict in (Verdict.SENT, Verdict.HANDED_OVER)

    # -- answers ----------------------------------------------------------------------------------

    def _record(
        self, answers: Sequence[tuple[Begun, Answer]], rest: Sequence[Begun], digest: str = ""
    ) -> None:
        """Commit what channels said, and that the rest were not asked after all."""
        if not answers and not rest:
            return
        now = self.clock()
        with self.ledger.transaction(self.lease, patience=_RECORD):
            for index, (one, answer) in enumerate(answers):
                if not digest or index == 0:  # it was asked once
                    self._channel_said(one.waiting.action.channel, answer, now)
                self._settle(one, answer, most=None, later=now, digest=digest)
            self.outbox.put_back(rest, moment=self.moment)
        for one in rest:
            channel = one.waiting.action.channel
            self._waits(self._shut(channel, now) or Waits.READY, channel, now)

    def _channel_said(self, channel: str, answer: Answer, now: int) -> None:
        if answer.code == FAULT:
            return
        if answer.disable:
            self.states.disable(channel, answer.words, at=self.moment)
        elif answer.verdict in (Verdict.RETRY, Verdict.UNKNOWN):
            self.states.failed(
                channel, answer.words, now=now, retry_after=answer.retry_after, at=self.moment
            )
        else:
            self.states.took(channel, at=self.moment)

    def _settle(
        self, one: Begun, answer: Answer, *, most: int | None, later: int | None, digest: str = ""
    ) -> None:
        """Write what an answer makes of a message; ``later``: another try has its time after it."""
        item, action = one.waiting, one.waiting.action
        kind = self.board.kind(action.channel)
        name = kind.name if kind is not None else ""
        if most is None:
            most = POISON if answer.code == FAULT else len(ladder(name)) + 1
        tries = one.n - item.since
        resend = (kind is not None and kind.idempotent) or self.messages.resend(item)
        after = after_answer(answer, tries=tries, most=most, doubt=item.doubt, resend=resend)
        when = None
        if after.waits and later is not None:
            when = later
            if not answer.disable:
                when = next_try(name, action.id, tries, now=later, retry_after=answer.retry_after)
            self.counts["retried"] += not answer.disable
            self._waits(Waits.DISABLED if answer.disable else Waits.RETRY, action.channel, when)
        self.outbox.answered(
            one, answer, after, next_try=when, moment=self.moment, digest=digest,
        )  # fmt: skip
        if not after.waits:
            self._tell(after.state, after.reason)

    def _tell(self, state: ActionState, reason: Reason | None) -> None:
        if reason is Reason.PARKED:
            self.counts["parked"] += 1
        else:
            self.counts[str(state)] += 1

    def _tell_troubles(self) -> None:
        """Say of each channel that people have to look after what is wrong with it."""
        for item in self.outbox.waiting():
            channel = item.action.channel
            state, line = self.states.of(channel), self.board.line(channel)
            if state.disabled is not None:
                self.disabled[channel] = state.words
            elif isinstance(line, str):
                self.troubles[channel] = line
