"""Conditions that end journeys: asked of those of whom something may have changed, missing nobody."""

from __future__ import annotations

from pathlib import Path

from tests.factories import Shop, event, profile

LATER = "steps:\n  - {step: mail, do: letter, due: after 90 days}\n"
ENDED = ("p", "stopped", "stop_condition")


def shop(root: Path, text: str) -> Shop:
    """Return a project whose playbook ``p`` begins with a complaint, live since 1 March 2025."""
    made = Shop(root, p=f"trigger: {{event: complaint}}\n{text}")
    made.events(event("c0", "visit", "2025-02-01T10:00"))
    made.run("2025-03-01T08:00")
    made.events(
        event("c1", "order", "2025-03-02T09:00", amount=1),
        *(event(name, "complaint", "2025-03-02T10:00", case_id="A") for name in ("c1", "c2")),
    )
    made.run("2025-03-02T12:00")
    return made


def test_by_the_passing_of_time(tmp_path: Path) -> None:
    """Nothing new comes in, and on the day it becomes true the journey ends; that of others goes on."""
    made = shop(tmp_path, f"stop_when: [{{last_order: at least 10 days ago}}]\n{LATER}")
    made.run("2025-03-05T08:00", "2025-03-12T08:00")
    before = made.journeys()
    made.run("2025-03-12T10:00")

    assert before == [("p", "running", "")]
    assert made.journeys() == [ENDED]
    assert made.journeys("c2") == [("p", "running", "")]


def test_by_what_a_step_left_without_an_event(tmp_path: Path) -> None:
    """A share drawn after some days ends the journey at the next run, though no event tells of it."""
    steps = (
        "steps:\n"
        "  - {step: later, wait: 3 days}\n"
        "  - {step: drawn, split: {a: 99%, b: 1%}}\n"
        "  - {step: mail, do: letter, due: after 90 days}\n"
    )
    made = shop(tmp_path, f"stop_when: [{{drawn.outcome: a}}]\n{steps}")
    made.run("2025-03-04T08:00", "2025-03-06T08:00")
    drawn = made.action("drawn")["outcome"]
    made.run("2025-03-07T08:00")

    assert drawn == "a"
    assert made.journeys() == [ENDED]


def test_by_an_attribute(tmp_path: Path) -> None:
    """A new value ends the journey of that customer."""
    made = shop(tmp_path, f"stop_when: [{{size: at least 100}}]\n{LATER}")
    made.customers(profile("c1", "2025-03-03T10:00", size=500))
    made.run("2025-03-04T08:00")

    assert (made.journeys(), made.journeys("c2")) == ([ENDED], [("p", "running", "")])


def test_by_a_stop_that_an_edit_brought(tmp_path: Path) -> None:
    """A journey that follows the edited playbook is asked by it, though nothing else changed."""
    made = shop(tmp_path, f"migrate: move\nstop_when: [{{size: at least 100}}]\n{LATER}")
    text = f"migrate: move\nstop_when: [{{orders: above 0}}]\n{LATER}"
    made.book("p", f"trigger: {{event: complaint}}\n{text}")
    made.run("2025-03-03T08:00", "2025-03-04T08:00", "2025-03-05T08:00")

    assert (made.journeys(), made.journeys("c2")) == ([ENDED], [("p", "running", "")])


def test_by_leaving_before_an_edit_asked_for_it(tmp_path: Path) -> None:
    """Who left a segment since the entry ends with the edit that names it, where it was watched."""
    made = shop(tmp_path, f"migrate: move\nstop_when: [{{event: solved}}]\n{LATER}")
    made.book("q", f"trigger: {{leaves: big}}\n{LATER}")
    made.customers(profile("c1", "2025-01-01", size=500))
    made.run("2025-03-03T08:00")
    made.customers(profile("c1", "2025-03-03T10:00", size=5))
    made.run("2025-03-04T08:00")
    edited = f"migrate: move\nstop_when: [{{leaves: big}}]\n{LATER}"
    made.book("p", f"trigger: {{event: complaint}}\n{edited}")
    made.run("2025-03-05T08:00", "2025-03-06T08:00", "2025-03-07T08:00")

    assert made.journeys("c1")[0] == ("p", "stopped", "stop_leaves")
    assert made.journeys("c2") == [("p", "running", "")]


def test_while_the_playbook_was_broken(tmp_path: Path) -> None:
    """What became true in the meantime is seen by the run after it was mended."""
    text = f"stop_when: [{{last_order: at least 10 days ago}}]\n{LATER}"
    made = shop(tmp_path, text)
    made.book("p", "trigger: {event: nothing}\n")
    made.run("2025-03-12T10:00", "2025-03-13T10:00")
    broken = made.journeys()
    made.book("p", f"trigger: {{event: complaint}}\n{text}")
    made.run("2025-03-14T10:00")

    assert broken == [("p", "running", "")]
    assert made.journeys() == [ENDED]
