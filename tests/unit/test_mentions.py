"""Which events something speaks of."""

from __future__ import annotations

from rules.mentions import event_names
from tests.projects import playbook, project


def named(text: str, **files: str) -> frozenset[str]:
    """Return the events that a playbook itself speaks of, without the definitions it could reach."""
    book = playbook(f"playbook: p\nowner: service\n{text}", **files)
    return event_names(book.triggers, book.stops, book.steps, book.only)


def test_triggers_stops_waits_and_tasks() -> None:
    """Every place of a playbook where events stand is found, inside branches too."""
    act = "{step: a, do: letter, due: now}"
    found = named(
        "trigger: {missing: solved, after: complaint, within: 2 days, same: case_id}\n"
        "stop_when: [{event: order}]\n"
        "steps:\n"
        "  - step: w\n    wait: {event: visit, up_to: 3 days}\n"
        "    then:\n"
        "      - {step: c, do: call, assign: manager, done_when: {event: care_done}}\n"
        f"    else: [{act}]\n"
    )

    assert found == {"solved", "complaint", "order", "visit", "care_done"}


def test_every_kind_of_measure() -> None:
    """Of a measure with two kinds of events both are found; groups stand for their members."""
    made = project(
        shared=(
            "measures:\n"
            "  a: {share: solved, of: complaint, same: case_id, last: 60 days}\n"
            "  b: {count: contact}\n"
            "  c: {change: d}\n"
            "  d: {count: order, last: 60 days}\n"
        )
    )

    assert event_names(made.catalogue) == {"solved", "complaint", "visit", "care_done", "order"}


def test_what_speaks_of_no_events() -> None:
    """A segment over an attribute alone reads no event."""
    made = project(shared="segments:\n  big: {title: 大, size: at least 100}\n")

    assert event_names(made.catalogue) == frozenset()


def test_what_two_share_is_looked_through_once() -> None:
    """Two playbooks of a project hold one catalogue; together they speak of what either does."""
    made = project(
        p="playbook: p\nowner: a\ntrigger: {event: visit}\nsteps: [{step: s, do: letter, due: now}]\n",
        q="playbook: q\nowner: a\ntrigger: {event: order}\nsteps: [{step: s, do: letter, due: now}]\n",
    )
    one, two = made.playbooks

    assert event_names(one, two) == event_names(one) | event_names(two)
    assert {"visit", "order"} <= event_names(made)
