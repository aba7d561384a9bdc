"""What the ledger remembers of channels: how much went out in the last minute, failures, pauses."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.channel_states import MINUTE, ChannelStates
from engine.ledger import Ledger, open_ledger
from rules.units import MICROS

SECOND = MICROS
_names = count()


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    made = open_ledger(tmp_path_factory.mktemp("states") / "ledger.db")
    made.execute("PRAGMA synchronous = OFF")
    yield made
    made.close()


shared = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


@shared
@given(
    limit=st.integers(1, 5),
    wishes=st.lists(st.tuples(st.integers(0, 90), st.integers(1, 7)), min_size=1, max_size=12),
)
def test_no_minute_has_more_than_the_limit(
    ledger: Ledger, limit: int, wishes: list[tuple[int, int]]
) -> None:
    """However messages and processes come, within any sixty seconds no more than so many go out; and
    at the moment that was named for the next one there is room for it.
    """
    channel, now, sent = f"bot{next(_names)}", 1_000 * MINUTE, list[int]()
    for seconds, wanted in wishes:
        now += seconds * SECOND
        states = ChannelStates(ledger)
        free, next_at = states.room(channel, limit, now=now)
        assert now <= next_at <= now + MINUTE
        assert states.room(channel, limit, now=next_at)[0] > 0
        with ledger.transaction():
            for _ in range(min(free, wanted)):
                states.count(channel, now=now)
                sent.append(now)

    assert all(sum(at - MINUTE < other <= at for other in sent) <= limit for at in sent)


@shared
@given(
    limit=st.integers(1, 4),
    jumps=st.lists(st.integers(-10_000, 90), min_size=1, max_size=12),
)
def test_a_clock_that_jumps_blocks_nobody_for_long(
    ledger: Ledger, limit: int, jumps: list[int]
) -> None:
    """Whatever the clock does, there is room again within a minute."""
    channel, now = f"bot{next(_names)}", 1_000_000 * MINUTE
    for seconds in jumps:
        now += seconds * SECOND
        states = ChannelStates(ledger)
        free, next_at = states.room(channel, limit, now=now)
        assert next_at <= now + MINUTE
        with ledger.transaction():
            for _ in range(free):
                states.count(channel, now=now)


def test_three_failures_pause_and_one_answer_ends_it(ledger: Ledger) -> None:
    """Two failures change nothing; from the third on each pause is twice as long, up to an hour; a
    message that is taken ends it.
    """
    now, pauses = 500 * MINUTE, list[int]()
    for _ in range(11):
        states = ChannelStates(ledger)
        with ledger.transaction():
            states.failed("mail", "no connection", now=now, retry_after=None, at=now)
        state = ChannelStates(ledger).of("mail")
        pauses.append((state.paused_until - now) // MINUTE if state.paused(now) else 0)
        now = max(now, state.paused_until)
    assert pauses == [0, 0, 1, 2, 4, 8, 16, 32, 60, 60, 60]
    states = ChannelStates(ledger)
    with ledger.transaction():
        states.took("mail", at=now)

    assert not ChannelStates(ledger).of("mail").paused(now)
    assert ChannelStates(ledger).of("mail").failures == 0


def test_the_other_side_says_when(ledger: Ledger) -> None:
    """Retry-After pauses at the first failure, for as long as it says."""
    states = ChannelStates(ledger)
    with ledger.transaction():
        states.failed("hook", "slow down", now=0, retry_after=7 * MINUTE, at=0)

    assert ChannelStates(ledger).of("hook").paused_until == 7 * MINUTE
    assert ChannelStates(ledger).of("hook").paused(7 * MINUTE - 1)
    assert not ChannelStates(ledger).of("hook").paused(7 * MINUTE)
