"""What must hold after every fault, seen from the other side and from the ledger."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.faults.counterpart import Arrived
from tests.faults.scenarios import Scenario

__all__ = ["Ended", "problems_of"]

_ONCE = ("bot", "mail")  #: channels through which nothing must go twice
_MINUTE = 20  #: messages that a bot takes
_STATE = ("state", "reason", "closed_at", "closed_by")
_CLOSED = ("state", "ended_at", "next_at")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How everything stands in the end."""

    crash: str = ""  #: the last run did not come to its end
    said: Sequence[Sequence[Any]] = ()  #: exit code and stderr of the commands after the fault
    heads: Sequence[
        Sequence[Any]
    ] = ()  #: of the audit chain, after the first and the second of them
    lines: Sequence[str] = ()  #: canonical export
    faults: Sequence[str] = ()  #: of ``care audit verify``
    files: Mapping[str, str] = field(default_factory=dict)  #: of the file channels
    table: str = ""
    odd: Sequence[str] = ()  #: what was seen while files were written
    arrived: Sequence[Arrived] = ()


def problems_of(end: Ended, usual: Ended, scenario: Scenario, *, down: bool = False) -> list[str]:
    """Return what is wrong after a fault; ``usual`` is how it ends when nothing disturbs."""
    if end.crash:
        return [end.crash]
    found = [f"care ended with {code}: {err}" for code, err in end.said if code not in (0, 3)]
    found += [f"audit verify: {fault}" for fault in end.faults]
    found += end.odd
    if end.heads[0] != end.heads[1]:
        found.append(f"the same run again added entries: {end.heads}")
    actions = _actions(end.lines)
    found += _arrivals(end.arrived, actions)
    found += _kept(end, actions)
    loose = scenario.loose or down
    unknown = {key for key, row in actions.items() if row["state"] == "unknown"}
    mine, theirs = (_lines(each.lines, loose, unknown) for each in (end, usual))
    found += [f"not in the ledger: {line}" for line in sorted(theirs - mine)]
    found += [f"should not be in the ledger: {line}" for line in sorted(mine - theirs)]
    if end.files != usual.files:
        found.append(f"files differ: {sorted(set(end.files) ^ set(usual.files))}")
    if end.table != usual.table:
        found.append("the table differs")
    return found


def _actions(lines: Sequence[str]) -> dict[str, dict[str, Any]]:
    rows = (json.loads(line) for line in lines)
    return {row["id"]: row for row in rows if row["table"] == "actions"}


def _lines(lines: Sequence[str], loose: bool, unknown: set[str]) -> set[str]:
    """Return the export without what may differ after a fault."""
    found = set()
    for line in lines:
        row = json.loads(line)
        match row["table"]:
            case "actions" if row["kind"] == "message" and (loose or row["id"] in unknown):
                row = {key: value for key, value in row.items() if key not in _STATE}
            case "journeys" if loose:
                row = {key: value for key, value in row.items() if key not in _CLOSED}
            case "runs" if loose:
                del row["summary"]
            case "channels" if loose:
                continue
        found.add(json.dumps(row, ensure_ascii=False, sort_keys=True))
    return found


def _arrivals(arrived: Sequence[Arrived], actions: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return what the other side has to object to."""
    found = []
    known = {(row["customer"], row["step"]): key for key, row in actions.items()}
    for one in arrived:
        key = known.get((one.customer, one.step))
        if key is None:
            found.append(f"what arrived is not in the ledger: {one}")
        elif one.id and one.way != "bot" and one.id != key:
            found.append(f"{key} arrived under another id: {one}")
        if not one.intent:
            found.append(f"arrived without a committed intent: {one}")
    times = Counter((one.way, one.customer, one.step) for one in arrived if one.taken)
    found += [
        f"arrived {count} times: {what}"
        for what, count in times.items()
        if count > 1 and what[0] in _ONCE
    ]
    early = {one.number for one in arrived if one.way == "bot" and one.taken and not one.later}
    if len(early) > _MINUTE:
        found.append(f"{len(early)} messages to a bot in one minute")
    return found


def _kept(end: Ended, actions: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return what the ledger says of messages and the other side does not bear out."""
    taken = Counter((one.customer, one.step) for one in end.arrived if one.taken)
    files = {name.rpartition("/")[2].partition(".")[0] for name in end.files}
    found = []
    for key, row in actions.items():
        if row["kind"] != "message":
            continue
        there = key in files if row["channel"] == "letter" else taken[row["customer"], row["step"]]
        match row["state"]:
            case "sent" if not there:
                found.append(f"{key} is sent, and nobody has it: lost")
            case "unknown" if row["channel"] not in _ONCE:
                found.append(f"{key} is unknown, though it may go out again")
            case "unknown":
                pass
            case "planned" | "due" | "intent" | "failed" | "skipped" | "cancelled" if there:
                found.append(f"{key} is {row['state']}, and arrived")
            case "intent" | "failed":
                found.append(f"{key} is {row['state']} in the end")
    return found
