"""Events that a journey records itself, and those that others do."""

from __future__ import annotations

from pathlib import Path

from tests.factories import event
from tests.integration.test_run_steps import shop

STEPS = (
    "  - {step: pause, wait: 1 hour}\n"
    "  - {step: reopen, record: complaint, fields: {case_id: trigger.case_id, severity: high}}\n"
    "  - {step: tell, do: call, due: within 5 days, assign: boss}\n"
)
STOPS = "stop_when: [{event: complaint, same: case_id}]\nagain: never\n"


def test_what_a_journey_records_does_not_stop_it(tmp_path: Path) -> None:
    """The complaint that the journey reopens itself leaves it running, and is in the log."""
    made = shop(tmp_path, STEPS, STOPS)
    made.events(event("c1", "complaint", "2025-03-03T10:00", case_id="7"))
    made.run("2025-03-03T12:00", "2025-03-04T12:00", "2025-03-05T12:00")
    said = made.care("log", "c1", "--format", "json").json["events"]

    assert [one["event"] for one in said].count("complaint") == 2
    assert made.journeys() == [("p", "running", "")]
    assert made.action("tell")["state"] == "open"


def test_what_somebody_else_records_does(tmp_path: Path) -> None:
    """The same complaint again, from outside, stops the journey."""
    made = shop(tmp_path, STEPS, STOPS)
    made.events(event("c1", "complaint", "2025-03-03T10:00", case_id="7"))
    made.run("2025-03-03T12:00", "2025-03-04T12:00")
    made.events(event("c1", "complaint", "2025-03-04T15:00", case_id="7"))
    made.run("2025-03-05T12:00")

    assert made.journeys() == [("p", "stopped", "stop_event")]
