"""What a person reads about a customer: the lines of ``care journeys``, the words of ``care why``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.factories import CARE, Shop, event
from tests.zygote import Zygote

__all__ = ["actions", "journeys", "lines", "live", "run", "why"]


def live(
    root: Path, zygote: Zygote, steps: str, more: str = "", *, care: str = CARE, **texts: Any
) -> Shop:
    """Return a project whose playbook ``p`` begins with a complaint, live since 1 March 2025."""
    book = f"title: 投诉后\ntrigger: {{event: complaint}}\n{more}steps:\n{steps}"
    made = Shop(root, care=care, through=zygote, p=book, **texts)
    made.events(event("c0", "visit", "2025-02-01T10:00"))
    run(made, "2025-03-01T08:00")
    return made


def run(made: Shop, *moments: str) -> str:
    """Run the program at some instants and return what it printed, without the audit heads."""
    told = []
    for moment in moments:
        said = made.care("run", "--at", moment)
        assert said.code == 0, said
        told += [line for line in said.out.splitlines() if not line.startswith("audit head")]
    return "\n".join(told)


def journeys(made: Shop, customer: str = "c1") -> list[str]:
    """Return ``playbook state goal-or-reason`` of a customer's journeys, the oldest entry first."""
    said = made.care("journeys", customer, "--format", "json")
    assert said.code == 0, said
    return [
        _joined(one["playbook"], one["state"], one["goal"] or one["reason"]) for one in said.json
    ]


def actions(made: Shop, customer: str = "c1") -> list[dict[str, Any]]:
    """Return a customer's actions, journey by journey, the earliest opening first, then as planned."""
    said = made.care("journeys", customer, "--format", "json")
    assert said.code == 0, said
    return [action for journey in said.json for action in journey["actions"]]


def lines(made: Shop, customer: str = "c1") -> list[str]:
    """Return ``step state outcome reason`` of a customer's actions; later turns as ``step(2)``."""
    return [
        _joined(
            action["step"] + (f"({action['turn']})" if action["turn"] > 1 else ""),
            action["state"], action["outcome"], action["reason"],
        )
        for action in actions(made, customer)
    ]  # fmt: skip


def why(made: Shop, step: str, customer: str = "c1", *, turn: int = 1) -> str:
    """Return what ``care why`` says about an action; of several journeys that of the last."""
    rows = made.rows(
        "SELECT a.id FROM actions a JOIN journeys j ON j.id = a.journey"
        " WHERE a.step = ? AND a.customer = ? AND a.turn = ? ORDER BY j.entry",
        step, customer, turn,
    )  # fmt: skip
    said = made.care("why", rows[-1]["id"])
    assert said.code == 0, said
    return said.out


def _joined(*words: str | None) -> str:
    return " ".join(word for word in words if word)
