"""Results from outside into the ledger: tasks that are done, and replies to messages.

A reply is no change of its message: it becomes an event of the customer, named by ``replies``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from engine.ingest.meaning import Happened, Result
from engine.ledger import Lease, Ledger
from engine.task_changes import TaskChanges
from engine.words import ActionKind
from rules.errors import StateError, UsageError, did_you_mean
from rules.ingest import Undeclared
from rules.vocabulary import Vocabulary

__all__ = ["Applied", "apply_results"]

REPLIES = "replies"  #: source of replies in the log
_WHO = "ingest"  #: who did it, where the sender does not say


@dataclass(slots=True, kw_only=True)
class Applied:
    """What became of some results."""

    done: int = 0  #: tasks closed
    known: int = 0  #: said before
    replies: list[tuple[int, Happened]] = field(default_factory=list)  #: by place
    refused: dict[int, str] = field(default_factory=dict)  #: place -> why


def apply_results(
    ledger: Ledger,
    vocabulary: Vocabulary,
    results: Sequence[tuple[int, Result]],
    *,
    lease: Lease | None,
) -> Applied:
    """Write the results, each with its place, in one transaction; one that does not fit is told."""
    applied = Applied()
    if not results:
        return applied
    with ledger.transaction(lease):
        changes = TaskChanges(ledger, vocabulary.timezone)
        for place, result in results:
            try:
                _apply(changes, vocabulary, place, result, applied)
            except (StateError, UsageError) as error:
                applied.refused[place] = str(error)
    return applied


def _apply(
    changes: TaskChanges, vocabulary: Vocabulary, place: int, result: Result, applied: Applied
) -> None:
    row = changes.ledger.one("SELECT * FROM actions WHERE id = ?", result.action)
    if row is None:
        raise StateError(f'no action "{result.action}"')
    if row["kind"] == ActionKind.MESSAGE:
        applied.replies.append((place, _reply(result, row, vocabulary)))
        return
    changed = changes.finish(
        result.action, at=result.at, outcome=result.outcome, asked=result.asked, note=result.note,
        who=result.who or _WHO,
    )  # fmt: skip
    if changed.changed:
        applied.done += 1
    else:
        applied.known += 1


def _reply(result: Result, action: Mapping[str, object], vocabulary: Vocabulary) -> Happened:
    """Return the event that a reply to a message is. Raises UsageError."""
    name = vocabulary.ingest.replies
    if not name:
        raise UsageError(
            f"{result.action} is a message that care sent, and care.yaml names no event for replies:"
            " write ingest: {replies: message_reply}"
        )
    declared = vocabulary.events[name].fields
    said = dict(result.asked)
    if result.outcome:
        said["outcome"] = result.outcome
    for key in said:
        if key not in declared and vocabulary.ingest.undeclared is Undeclared.REFUSE:
            hint = did_you_mean(key, declared) or "`undeclared: ignore` leaves such out"
            raise UsageError(f'event "{name}" has no field "{key}"; {hint}')
    known = {
        "action": result.action, "message_id": result.action, "note": result.note,
        "who": result.who, **{key: str(action[key]) for key in ("playbook", "step", "channel")},
    }  # fmt: skip
    cells = {key: value for key, value in {**known, **said}.items() if key in declared and value}
    return Happened(
        source=REPLIES, id=result.id, event=name, customer=str(action["customer"]), at=result.at,
        received=result.received, cells=cells,
    )  # fmt: skip
