"""The closed words of the ledger: states, reasons, kinds of transition."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["ActionKind", "ActionState", "Done", "JourneyState", "Reason", "Transition", "Verb"]


class JourneyState(StrEnum):
    """Where a journey is; it only moves down this list."""

    RUNNING = "running"
    FINISHED = "finished"  #: every step is closed
    STOPPED = "stopped"  #: a stop, a goal, or a restart ended it


class ActionState(StrEnum):
    """Where an action is. Automatic: planned, due, intent, then sent or failed. Task: planned,
    open, then done or expired. Either may end skipped or cancelled instead.
    """

    PLANNED = "planned"  #: its opening is known and lies ahead
    DUE = "due"  #: decided, not yet handed to its channel
    INTENT = "intent"  #: the channel was asked; the answer is not recorded yet
    SENT = "sent"
    FAILED = "failed"
    OPEN = "open"  #: a task that waits for a person
    DONE = "done"
    EXPIRED = "expired"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"

    @property
    def closed(self) -> bool:
        """True when nothing more will happen; skipped counts as closed, cancelled too."""
        return self not in (self.PLANNED, self.DUE, self.INTENT, self.OPEN)


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
    QUIET = "quiet"  #: the quiet hours of the customer
    CONSENT = "consent"  #: the customer has not allowed the channel, or wants no contact
    CONSENT_WITHDRAWN = "consent_withdrawn"  #: allowed when it was decided, not when it was sent
    NO_CHANNEL = "no_channel"  #: no line of routing gives a channel that reaches the customer
    DEFERRED_TOO_LONG = "deferred_too_long"  #: deferred past the step's due time
    PER_RUN = "per_run"  #: more new journeys than ``limits.per_run``
    RECHECK = "recheck"  #: the step's ``recheck`` was not true when it opened
    STEP_LATE = "step_late"  #: the step's window was over, and ``if_late: skip``
    ANCHOR_CANCELLED = "anchor_cancelled"  #: the step it counts from was cancelled
    STOP_EVENT = "stop_event"  #: an event of ``stop_when``
    STOP_LEAVES = "stop_leaves"  #: the customer left a segment of ``stop_when``
    STOP_CONDITION = "stop_condition"  #: a condition of ``stop_when`` became true
    STOP_STEP = "stop_step"  #: a ``stop:`` step ended the journey
    DONE_WHEN = "done_when"  #: an event of ``done_when`` closed the task
    ANSWERED = "answered"  #: an escalation that the overdue task's own end made needless
    WAIT_ANSWERED = "wait_answered"  #: the awaited event was found to have come in time
    NO_BRANCH = "no_branch"  #: no branch of a ``choose`` matched, and there is no ``else``
    QUEUED = "queued"  #: waits for the running journey, ``overlap: queue``
    CHAIN = "chain"  #: a ``start:`` in a chain that is too long
    MIGRATED = "migrated"  #: the playbook was edited, ``migrate: move | cancel``
    GOAL = "goal"  #: a stop that is the journey's goal
    RESTARTED = "restarted"  #: a newer occurrence took its place, ``overlap: restart``
    CHANNEL_FAILED = "channel_failed"  #: the channel could not take it


class Transition(StrEnum):
    """The kinds of entry in the audit chain."""

    RUN = "run"
    REVISION = "revision"
    LIVE = "live"  #: a trigger took its silent baseline
    MEMBERSHIP = "membership"  #: digest of what a run changed in a watched definition
    DECISION = "decision"
    JOURNEY = "journey"
    ACTION = "action"
    APPROVAL = "approval"
    REQUEST = "request"  #: a person asked for a start


class Done(StrEnum):
    """Which of care's own events a transition becomes in the log."""

    STARTED = "care_started"
    SENT = "care_sent"
    DONE = "care_done"
    EXPIRED = "care_expired"
    STOPPED = "care_stopped"
