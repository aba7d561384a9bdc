"""Which messages go out together: nothing is forgotten, nothing that must be alone is in company."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.batches import plan
from engine.channel_states import MINUTE, ChannelStates
from engine.journeys import Action
from engine.ledger import Ledger, open_ledger
from engine.outbox import Waiting
from engine.switchboard import Switchboard
from engine.words import ActionKind, ActionState
from tests.projects import CARE, project

CHANNELS = """\
channels:
  letter: {kind: file}
  hook: {kind: webhook, url: "https://example.com/in"}
  mail: {kind: smtp, to: customer.name, host: mx.example.com, sender: a@example.com}
  bot: {kind: wecom_bot, url: "${env:BOT}", reaches_customer: no}
"""


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    made = open_ledger(tmp_path_factory.mktemp("batches") / "ledger.db")
    yield made
    made.close()


@pytest.fixture(scope="module")
def board() -> Switchboard:
    head, _, rest = CARE.partition("channels:\n")
    tail = rest[rest.index("roles:") :]
    return Switchboard(project(care=f"{head}{CHANNELS}{tail}").vocabulary, Path("/nowhere"), {})


def item(number: int, channel: str, tried: int) -> Waiting:
    action = Action(
        id=f"a-{number}", journey="j", playbook="p", customer="c", step="s",
        kind=ActionKind.MESSAGE, channel=channel, state=ActionState.DUE, priority=0, opens_at=0,
        due_by=0,
    )  # fmt: skip
    return Waiting(
        action=action, revision="r", trigger="t", occurrence="o", entry=0, tried=tried
    )  # fmt: skip


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    kinds=st.lists(
        st.tuples(
            st.sampled_from(["letter", "hook", "mail", "bot"]), st.sampled_from([0, 0, 0, 2])
        ),
        max_size=60,
    ),
    many=st.integers(1, 8),
    patience=st.sampled_from([None, 0.0, 59.0, 60.0, 3600.0]),
)
def test_every_message_is_in_one_batch_or_waits(
    ledger: Ledger, board: Switchboard, kinds: list[tuple[str, int]], many: int,
    patience: float | None,
) -> None:  # fmt: skip
    """All that is ready is sent once, in its order, or counted as waiting for room in the bot's
    minute, which is never exceeded; only files and webhooks that were never tried share a commit.
    """
    ready = [item(number, channel, tried) for number, (channel, tried) in enumerate(kinds * many)]
    found = plan(ready, board, ChannelStates(ledger), now=5 * MINUTE, patience=patience)
    sent = [one for batch in found.batches for one in batch.items]
    alone = [one.action.id for batch in found.batches if not batch.digest for one in batch.items]
    numbers = [int(key[2:]) for key in alone]
    bots = [one for one in ready if one.action.channel == "bot"]
    digests = [batch for batch in found.batches if batch.digest]

    assert len({one.action.id for one in sent}) == len(sent)
    assert len(sent) + found.waiting == len(ready)
    assert all(first < second for first, second in pairwise(numbers))
    requests = sum(key in alone for key in (one.action.id for one in bots)) + len(digests)
    assert requests == min(len(bots), 20)
    if patience is None and len(bots) > 20:
        assert (len(digests), len(digests[0].items)) == (1, len(bots) - 19)
    if patience == 3600.0:
        assert digests == []
    for batch in found.batches:
        channels = {one.action.channel for one in batch.items}
        assert len(channels) == 1
        if len(batch.items) > 1 and not batch.digest:
            assert channels <= {"letter", "hook"}
            assert not any(one.tried for one in batch.items)
            assert len(batch.items) <= (100 if channels == {"letter"} else 10)
