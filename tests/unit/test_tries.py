"""What an answer makes of a message, and when it is tried again."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from engine.channels.kinds import KINDS, Answer, Verdict
from engine.tries import LONGEST, POISON, After, after_answer, ladder, next_try
from engine.words import FOLLOWS, ActionState, Reason
from rules.units import MICROS

HOUR = 3600 * MICROS


def after(
    verdict: Verdict,
    *,
    tries: int = 1,
    doubt: bool = False,
    resend: bool = False,
    gone: bool = False,
) -> After:
    answer = Answer(verdict=verdict, words="x", disable=gone)
    return after_answer(answer, tries=tries, most=POISON, doubt=doubt, resend=resend)


def test_what_each_answer_makes_of_the_first_try() -> None:
    """Taken, handed over, refused, tried again, and unknown where it must not go out twice."""
    assert after(Verdict.SENT) == After(state=ActionState.SENT)
    assert after(Verdict.HANDED_OVER) == After(state=ActionState.HANDED_OVER)
    assert after(Verdict.REFUSED) == After(state=ActionState.FAILED, reason=Reason.CHANNEL_FAILED)
    assert after(Verdict.REFUSED, gone=True) == After(state=ActionState.DUE)
    assert after(Verdict.RETRY) == After(state=ActionState.DUE)
    assert after(Verdict.UNKNOWN) == After(state=ActionState.UNKNOWN, reason=Reason.UNKNOWN_ANSWER)
    assert after(Verdict.UNKNOWN, resend=True) == After(state=ActionState.INTENT)


def test_the_last_try_parks() -> None:
    """After the fifth try a message is parked: failed, or unknown where one may have arrived."""
    assert after(Verdict.RETRY, tries=4).waits
    assert after(Verdict.RETRY, tries=5) == After(state=ActionState.FAILED, reason=Reason.PARKED)
    assert after(Verdict.UNKNOWN, tries=5, resend=True) == After(
        state=ActionState.UNKNOWN, reason=Reason.PARKED
    )


@given(
    verdict=st.sampled_from(Verdict), tries=st.integers(1, 12), resend=st.booleans(),
    gone=st.booleans(),
)  # fmt: skip
def test_what_may_have_arrived_is_never_called_failed(
    verdict: Verdict, tries: int, resend: bool, gone: bool
) -> None:
    """Once a try may have arrived the message ends as sent or unknown, and while it waits nothing
    can cancel it: it is an intent, not due.
    """
    found = after(verdict, tries=tries, doubt=True, resend=resend, gone=gone)

    assert found.state not in (ActionState.FAILED, ActionState.DUE)


@given(
    verdict=st.sampled_from(Verdict), tries=st.integers(1, 12), doubt=st.booleans(),
    resend=st.booleans(), gone=st.booleans(),
)  # fmt: skip
def test_states_only_move_as_the_ledger_allows(
    verdict: Verdict, tries: int, doubt: bool, resend: bool, gone: bool
) -> None:
    """Every answer leads to a state that may follow an intent."""
    found = after(verdict, tries=tries, doubt=doubt, resend=resend, gone=gone)

    assert found.state in FOLLOWS[ActionState.INTENT]


@given(
    kind=st.sampled_from(sorted(KINDS)), action=st.text(min_size=1), tries=st.integers(1, 12),
    asked=st.none() | st.integers(0, 3 * 24 * HOUR),
)  # fmt: skip
def test_the_next_try_lies_on_the_ladder(
    kind: str, action: str, tries: int, asked: int | None
) -> None:
    """It comes within the wait of its rung, never before the other side allows, never more than a
    day later, and always at the same moment for one message.
    """
    rungs = ladder(kind)
    found = next_try(kind, action, tries, now=7, retry_after=asked)

    assert found == next_try(kind, action, tries, now=7, retry_after=asked)
    assert 7 <= found <= 7 + LONGEST
    if asked is None:
        assert found <= 7 + rungs[min(tries, len(rungs)) - 1]
    else:
        assert found >= 7 + min(asked, LONGEST)


def test_messages_of_one_channel_are_spread() -> None:
    """Full jitter: a hundred messages that fail together do not come back together."""
    found = {next_try("smtp", f"a-{n}", 1, now=0, retry_after=None) for n in range(100)}

    assert len(found) == 100


def test_the_webhook_ladder_is_that_of_the_standard() -> None:
    """Standard Webhooks: 5 seconds, 5 and 30 minutes, 2, 5, 10, 14, 20 and 24 hours."""
    seconds = [wait // MICROS for wait in ladder("webhook")]

    assert seconds == [5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400]
