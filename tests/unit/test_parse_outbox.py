"""What care.yaml and steps say about sending: `deliver_for`, `on_unknown`."""

from __future__ import annotations

import pytest

from rules.playbook import Do
from rules.units import Duration, Unit
from tests.projects import CARE, checked, project

BOOK = """\
playbook: p
owner: us
trigger: {event: visit}
steps:
  - {step: held, do: letter, on_unknown: hold}
  - {step: again, do: letter, on_unknown: resend}
  - {step: usual, do: letter}
"""


def care(limits: str = "", letter: str = "") -> str:
    text = CARE.replace("letter: {kind: file", f"letter: {{kind: file{letter}")
    lines = [line for line in text.splitlines() if not line.startswith("limits:")]
    return "\n".join([*lines, limits]) + "\n"


@pytest.mark.parametrize(
    ("limits", "length"),
    [
        ("", Duration(2, Unit.MINUTE)),
        ("limits: {per_run: 5}", Duration(2, Unit.MINUTE)),
        ("limits: {deliver_for: 30 seconds}", Duration(30, Unit.SECOND)),
        ("limits: {deliver_for: 24 hours}", Duration(24, Unit.HOUR)),
    ],
)
def test_how_long_a_run_sends(limits: str, length: Duration) -> None:
    """Two minutes, unless `deliver_for` says otherwise."""
    assert project(care=care(limits)).vocabulary.deliver_for == length


@pytest.mark.parametrize("text", ["2 months", "25 hours", "3 working hours", "soon"])
def test_how_long_a_run_can_not_send(text: str) -> None:
    """Up to a day, in units that are always as long; one finding says what to write."""
    found, findings = checked(care=care(f"limits: {{deliver_for: {text}}}"))

    assert found is None
    (finding,) = findings
    assert (finding.code, "deliver_for" in finding.message) == ("bad-duration", True)
    assert finding.hint


@pytest.mark.parametrize(("letter", "said"), [("", "hold"), (", on_unknown: resend", "resend")])
def test_what_the_channel_says_of_cut_answers(letter: str, said: str) -> None:
    """The channel's word is for steps that say nothing themselves."""
    made = project(care=care(letter=letter), p=BOOK)
    steps = {step.name: step for step in made.playbooks[0].steps if isinstance(step, Do)}

    assert made.vocabulary.channels["letter"].on_unknown == said
    assert [steps[name].on_unknown for name in ("held", "again", "usual")] == [
        "hold", "resend", None,
    ]  # fmt: skip


def test_wrong_words_for_cut_answers() -> None:
    """A word that is none, and a channel whose messages are never sent."""
    _, findings = checked(care=care(letter=", on_unknown: maybe"))
    assert [finding.code for finding in findings] == ["bad-word"]
    _, findings = checked(care=CARE.replace("{kind: task}", "{kind: task, on_unknown: resend}", 1))
    assert [finding.code for finding in findings] == ["needs-message"]
