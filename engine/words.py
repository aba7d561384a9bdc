"""The closed words of the ledger: states, reasons, kinds of transition."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

__all__ = [
    "FOLLOWS",
    "ActionKind",
    "ActionState",
    "Done",
    "JourneyState",
    "Reason",
    "TaskChange",
    "Transition",
    "Verb",
]


class JourneyState(StrEnum):
    """Where a journey is. It only moves down this list, but that a finished one runs again when a
    person reopens one of its tasks.
    """

    RUNNING = "running"
    FINISHED = "finished"  #: every step is closed
    STOPPED = "stopped"  #: a stop, a goal, or a restart ended it


class ActionState(StrEnum):
    """Where an action is. Automatic: planned, due, intent, then sent, handed over, failed or
    unknown. Task: planned, open, then done or expired. Either may end skipped or cancelled instead.
    """

    PLANNED = "planned"  #: its opening is known and lies ahead
    DUE = "due"  #: decided, not yet handed to its channel
    INTENT = "intent"  #: the channel was asked; the answer is not recorded yet
    SENT = "sent"
    HANDED_OVER = "handed_over"  #: given to a library that does not say whether it arrived
    FAILED = "failed"
    UNKNOWN = "unknown"  #: the answer was cut: it may or may not have arrived
    OPEN = "open"  #: a task that waits for a person
    DONE = "done"
    EXPIRED = "expired"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"

    @property
    def closed(self) -> bool:
        """True when nothing more will happen; skipped counts as closed, cancelled too."""
        return self not in (self.PLANNED, self.DUE, self.INTENT, self.OPEN)


def _follows(**after: str) -> Mapping[ActionState, frozenset[ActionState]]:
    return {
        ActionState(state): frozenset(ActionState(word) for word in words.split())
        for state, words in after.items()
    }


#: What may come after each state. From ``intent`` back to ``due`` only where a try surely did not
#: arrive; from ``failed`` and ``unknown`` only where a person settles it.
FOLLOWS: Mapping[ActionState, frozenset[ActionState]] = _follows(
    planned="planned due open done expired skipped cancelled",
    due="intent skipped cancelled failed",
    intent="intent due sent handed_over failed unknown",
    sent="",
    handed_over="",
    failed="due sent",
    unknown="due sent failed",
    open="open done expired skipped cancelled",
    done="",
    expired="",
    skipped="",
    cancelled="",
)


class ActionKind(StrEnum):
    """What a step is."""

    TASK = "task"  #: a person acts
    MESSAGE = "message"  #: a channel acts
    WAIT = "wait"
    CHOOSE = "choose"
    SPLIT = "split"
    SET = "set"
    RECORD = "record"
    START = "start"
    STOP = "stop"


class Verb(StrEnum):
    """What a decision says."""

    STARTED = "started"
    REFUSED = "refused"
    DEFERRED = "deferred"
    RELEASED = "released"
    SKIPPED = "skipped"
    STOPPED = "stopped"
    MOVED = "moved"  #: a journey follows an edited playbook from now on
    HELD = "held"  #: a playbook, over its blast radius; a journey, by a house rule
    RESUMED = "resumed"  #: a journey goes on: the house rule no longer matches


class Reason(StrEnum):
    """Why not. Closed: ``docs/reasons.md`` has a line for each."""

    ONLY = "only"  #: the customer does not meet the playbook's ``only``
    EXCEPT = "except"  #: the customer meets the playbook's ``except``
    AGAIN_NEVER = "again_never"  #: had this playbook before, and ``again: never``
    AGAIN_EARLY = "again_early"  #: had it too recently for ``again: after D``
    OVERLAP = "overlap"  #: a journey of this playbook runs already
    HOLDOUT = "holdout"  #: in the playbook's hold-out
    HOLDOUT_PROJECT = "holdout_project"  #: in the project's hold-out
    LATE = "late"  #: the event arrived later than ``late`` accepts
    EXISTING = "existing"  #: happened before the playbook went live
    HOUSE_RULE = "house_rule"  #: a house rule said skip
    HOUSE_HOLD = "house_hold"  #: a house rule holds it until the rule no longer matches
    HOUSE_DEFER = "house_defer"  #: a house rule said defer
    CAP = "cap"  #: a cap of house.yaml is full
    LEVELLED = "levelled"  #: its role has too much that day; it opens on a later day of its window
    QUIET = "quiet"  #: the quiet hours of the customer
    CONSENT = "consent"  #: the customer has not allowed the channel, or wants no contact
    CONSENT_WITHDRAWN = "consent_withdrawn"  #: allowed when it was decided, not when it was sent
    NO_CHANNEL = "no_channel"  #: no line of routing gives a channel that reaches the customer
    DEFERRED_TOO_LONG = "deferred_too_long"  #: deferred past the step's due time
    PER_RUN = "per_run"  #: more new journeys than ``limits.per_run``
    RECHECK = "recheck"  #: the step's ``recheck`` was not true when it opened
    UNTIL = "until"  #: the ``until`` of a ``repeat`` was true when the next one was to open
    STEP_LATE = "step_late"  #: the step's window was over, and ``if_late: skip``
    ANCHOR_CANCELLED = "anchor_cancelled"  #: the step it counts from was cancelled
    STOP_EVENT = "stop_event"  #: an event of ``stop_when``
    STOP_LEAVES = "stop_leaves"  #: the customer left a segment of ``stop_when``
    STOP_CONDITION = "stop_condition"  #: a condition of ``stop_when`` became true
    STOP_STEP = "stop_step"  #: a ``stop:`` step ended the journey
    DONE_WHEN = "done_when"  #: an event of ``done_when`` closed the task
    JOINED = "joined"  #: closed together with the open task of the same customer and step
    ANSWERED = "answered"  #: an escalation that the overdue task's own end made needless
    WAIT_ANSWERED = "wait_answered"  #: the awaited event was found to have come in time
    NO_BRANCH = "no_branch"  #: no branch of a ``choose`` matched, and there is no ``else``
    QUEUED = "queued"  #: waits for the running journey, ``overlap: queue``
    CHAIN = "chain"  #: a ``start:`` in a chain that is too long
    NOT_ACTIVE = "not_active"  #: a ``start:`` of a playbook that is paused or a draft
    MIGRATED = "migrated"  #: the playbook was edited, ``migrate: move | cancel``
    GOAL = "goal"  #: a stop that is the journey's goal
    RESTARTED = "restarted"  #: a newer occurrence took its place, ``overlap: restart``
    CHANNEL_FAILED = "channel_failed"  #: the channel refused it for good
    CHANNEL_DISABLED = "channel_disabled"  #: the other side said that the address is gone for good
    NO_ADDRESS = "no_address"  #: the attribute that holds the address is empty
    TEMPLATE_FAILED = "template_failed"  #: its text could not be filled in
    PARKED = "parked"  #: tried as often as it may be, and never taken
    UNKNOWN_ANSWER = "unknown_answer"  #: the answer was cut, and it must not go out twice


class Transition(StrEnum):
    """The kinds of entry in the audit chain."""

    RUN = "run"
    REVISION = "revision"
    CONFIG = "config"  #: what a run was made with, beside its playbooks
    LIVE = "live"  #: a trigger took its silent baseline
    MEMBERSHIP = "membership"  #: digest of what a run changed in a watched definition
    DECISION = "decision"
    JOURNEY = "journey"
    ACTION = "action"
    APPROVAL = "approval"
    REQUEST = "request"  #: a person asked for a start
    CHANNEL = "channel"  #: a channel was disabled, or enabled again by a person
    SETTLED = "settled"  #: a person said what became of a message
    TASK = "task"  #: a person did something to a task, or a further occurrence joined it
    OUTCOME = "outcome"  #: what came of a task
    ATTEMPT = "attempt"  #: a try to send
    RETRY = "retry"  #: when the next try is
    HOLD = "hold"  #: a house rule holds a journey, or no longer
    WAKE = "wake"  #: when journeys are to be looked at again
    SLOT = "slot"  #: a rhythm waits for a running journey
    DEFINITION = "definition"  #: a watched segment or class, measured
    CURSOR = "cursor"  #: how far the feed into the log has come
    PRIVATE = "private"  #: a personal value, kept apart where it can be erased


class TaskChange(StrEnum):
    """What may happen to a task beside its opening and its end."""

    SNOOZED = "snoozed"  #: due at another time
    ASSIGNED = "assigned"  #: somebody else's
    REOPENED = "reopened"  #: made anew from one that was closed
    JOINED = "joined"  #: a further occurrence of the same step goes with it


class Done(StrEnum):
    """Which of care's own events a transition becomes in the log."""

    STARTED = "care_started"
    SENT = "care_sent"
    DONE = "care_done"
    EXPIRED = "care_expired"
    STOPPED = "care_stopped"
