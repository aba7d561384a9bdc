"""Many at once: what a run decides in parts is what it decides at one go, and a held playbook counts."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine import advance, feed, holding, start
from tests.factories import Shop, event

#: Two that want the same customers, one that holds the other, one that begins another.
BOOKS = {
    "hello": (
        "trigger: {event: visit}\nagain: always\npriority: 10\nonly: {orders: above 0}\n"
        "steps:\n  - {step: hello, do: letter, due: now}\n"
        "  - {step: ring, do: call, due: after 2 days, assign: owner}\n"
        "  - {step: on, start: more}\n"
    ),
    "series": (
        "trigger: {enters: buyers}\npurpose: marketing\nagain: always\n"
        "steps:\n  - {step: mail, do: letter, due: now, repeat: {every: 2 days, times: 3}}\n"
    ),
    "repair": (
        "trigger: {event: complaint}\npurpose: repair\n"
        "stop_when: [{event: solved, same: case_id}]\n"
        "steps:\n  - {step: fix, do: review, due: within 5 days, assign: boss}\n"
    ),
    "more": "trigger: manual\nsteps:\n  - {step: gift, do: letter, due: now}\n",
}
HOUSE = """\
rules:
  - {rule: first, when: {work: {purpose: marketing}, running: {purpose: repair}}, then: hold}
caps: [{at_most: 2, per: 3 days, then: defer}]
"""
NAMES = [f"c{number}" for number in range(7)]


def played(root: Path) -> list[str]:
    """Return the export of some days in which much happens at once."""
    made = Shop(root, house=HOUSE, **BOOKS)
    made.events(event("c0", "visit", "2025-01-01T10:00"))
    made.run("2025-01-01T12:00")
    made.events(
        *(event(name, "order", "2025-01-02T08:00", amount=1) for name in NAMES[1:]),
        *(event(name, "visit", "2025-01-02T09:00") for name in NAMES),
        *(event(name, "visit", "2025-01-02T10:00") for name in NAMES[::2]),
    )
    made.run("2025-01-02T12:00")
    made.events(*(event(name, "complaint", "2025-01-03T11:00", case_id="A") for name in NAMES[:3]))
    made.run("2025-01-03T12:00", "2025-01-04T12:00")
    made.events(event("c1", "solved", "2025-01-05T08:00", case_id="A"))
    made.run("2025-01-05T12:00", "2025-01-06T12:00", "2025-01-08T12:00")
    return made.export()


def test_parts_of_any_size_decide_alike(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A few customers after another, or all at once: the ledgers are equal."""
    exports = []
    for size in (2, 5_000):
        monkeypatch.setattr(start, "_CHUNK", size)
        monkeypatch.setattr(advance, "_PART", size)
        monkeypatch.setattr(holding, "_PART", size)
        exports.append(played(tmp_path / str(size)))

    assert exports[0] == exports[1]
    assert any('"gate":"hold"' in line for line in exports[1])
    assert any('"playbook":"more"' in line for line in exports[1])
    assert any('"reason":"cap"' in line for line in exports[1])


@pytest.mark.parametrize("size", [1, 2, 5_000])
def test_a_held_playbook_counts_over_all_parts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    """Five would begin and three may: nothing of it is written but the count; others go on."""
    monkeypatch.setattr(start, "_CHUNK", size)
    made = Shop(
        tmp_path,
        big=(
            "trigger: {event: visit}\nagain: never\nlimits: {per_run: 3}\n"
            "steps:\n  - {step: s, do: letter, due: now}\n"
        ),
        small="trigger: {event: order}\nsteps:\n  - {step: s, do: letter, due: now}\n",
    )
    made.events(event("c0", "visit", "2025-01-01T10:00"))
    made.run("2025-01-01T12:00")
    made.events(
        *(event(name, "visit", "2025-01-02T09:00") for name in NAMES[1:6]),
        *(event(name, "visit", "2025-01-02T10:00", key=f"v2-{name}") for name in NAMES[1:3]),
        event("c1", "order", "2025-01-02T11:00", amount=1),
    )
    held = made.run("2025-01-02T12:00")
    rows = made.rows("SELECT DISTINCT playbook FROM journeys")
    again = made.run("2025-01-03T12:00")

    assert held.held == {"big": 5}  # the second visit of two comes while the first would run
    assert rows == [{"playbook": "small"}]
    assert again.held == {"big": 5}


def test_as_many_as_may_begin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Candidates over the limit of which enough are refused hold nothing."""
    monkeypatch.setattr(start, "_CHUNK", 2)
    made = Shop(
        tmp_path,
        p=(
            "trigger: {event: visit}\nonly: {orders: above 0}\nlimits: {per_run: 2}\n"
            "steps:\n  - {step: s, do: letter, due: now}\n"
        ),
    )
    made.events(event("c0", "visit", "2025-01-01T10:00"))
    made.run("2025-01-01T12:00")
    made.events(
        *(event(name, "visit", "2025-01-02T09:00") for name in NAMES[1:6]),
        event("c1", "order", "2025-01-02T08:00", amount=1),
        event("c4", "order", "2025-01-02T08:00", amount=1),
    )
    done = made.run("2025-01-02T12:00")

    assert (done.held, done.started) == ({}, 2)
    assert made.decisions(customer=None) == [("refused", "only")]


def test_what_care_did_reaches_the_log_in_batches_of_any_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fed one by one or all at once: the same events are in the log, each once."""
    monkeypatch.setattr(feed, "_BATCH", 1)
    made = Shop(
        tmp_path,
        p=(
            "trigger: {event: visit}\nsteps:\n  - {step: s, do: letter, due: now}\n"
            "  - {step: size, set: {size: 7}}\n"
        ),
    )
    made.events(event("c0", "visit", "2025-01-01T10:00"))
    made.run("2025-01-01T12:00")
    made.events(*(event(name, "visit", "2025-01-02T09:00") for name in NAMES))
    fed = [made.run(f"2025-01-{day:02}T12:00").fed for day in (2, 3, 4)]

    assert fed == [0, 3 * len(NAMES), 0]  # started, sent, and the attribute of each
