"""The tables of the ledger. Uniqueness is here, not in code.

Instants are microseconds UTC. The audit chain, in ``blocks``, is the truth; the columns elsewhere
are its cache, and ``link`` is the number of the last entry about a row. What is asked for seldom
stands in the chain only; the program sees it through the views ``audit`` and ``decisions``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlite_utils.migrations import Migrations

if TYPE_CHECKING:
    from sqlite_utils import Database

__all__ = ["migrations"]

migrations = Migrations("care")

_FIRST = """
CREATE TABLE lease (
    name TEXT PRIMARY KEY, fence INTEGER NOT NULL, holder TEXT NOT NULL, until INTEGER NOT NULL
) STRICT;
CREATE TABLE runs (
    n INTEGER PRIMARY KEY, at INTEGER NOT NULL, seq INTEGER NOT NULL, config TEXT NOT NULL,
    matcher TEXT NOT NULL, versions TEXT NOT NULL, summary TEXT NOT NULL,
    wall INTEGER NOT NULL,   -- when it was made: runs of the past send nothing by themselves
    UNIQUE (at, seq, config)
) STRICT;
CREATE TABLE revisions (
    id TEXT PRIMARY KEY, playbook TEXT NOT NULL, file TEXT NOT NULL, source TEXT NOT NULL,
    model TEXT NOT NULL, at INTEGER NOT NULL
) STRICT;
CREATE TABLE configs (   -- what runs were made with: vocabulary and house rules, packed
    id TEXT PRIMARY KEY, at INTEGER NOT NULL, model BLOB NOT NULL
) STRICT;
CREATE TABLE triggers (   -- what each live trigger has seen so far
    playbook TEXT NOT NULL, trigger TEXT NOT NULL, hash TEXT NOT NULL, live_at INTEGER NOT NULL,
    at INTEGER NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (playbook, trigger)
) STRICT;
CREATE TABLE definitions (   -- segments and classes whose members are watched
    hash TEXT PRIMARY KEY, name TEXT NOT NULL, at INTEGER NOT NULL, seq INTEGER NOT NULL
) STRICT;
CREATE TABLE membership (
    definition TEXT NOT NULL, customer TEXT NOT NULL, since INTEGER NOT NULL, until INTEGER,
    existing INTEGER NOT NULL, value TEXT NOT NULL, PRIMARY KEY (definition, customer, since)
) STRICT, WITHOUT ROWID;
CREATE INDEX membership_since ON membership (definition, since);
CREATE INDEX membership_until ON membership (definition, until);
CREATE TABLE decided (   -- what decisions are looked up by
    id TEXT PRIMARY KEY, run_at INTEGER NOT NULL, gate TEXT NOT NULL, playbook TEXT NOT NULL,
    customer TEXT, trigger TEXT NOT NULL, occurrence TEXT NOT NULL, verb TEXT NOT NULL,
    reason TEXT, until INTEGER, open INTEGER NOT NULL, journey TEXT, action TEXT,
    link INTEGER NOT NULL
) STRICT;
CREATE INDEX decided_customer ON decided (customer, playbook);
CREATE INDEX decided_until ON decided (until) WHERE open = 1;
CREATE TABLE journeys (
    id TEXT PRIMARY KEY, playbook TEXT NOT NULL, revision TEXT NOT NULL, customer TEXT NOT NULL,
    trigger TEXT NOT NULL, occurrence TEXT NOT NULL, entry INTEGER NOT NULL, started_at INTEGER NOT NULL,
    event TEXT NOT NULL, state TEXT NOT NULL, ended_at INTEGER, reason TEXT, goal TEXT,
    next_at INTEGER, link INTEGER NOT NULL,
    UNIQUE (playbook, customer, trigger, occurrence)
) STRICT;
CREATE INDEX journeys_customer ON journeys (customer, playbook);
CREATE INDEX journeys_next ON journeys (next_at) WHERE state = 'running';
CREATE INDEX journeys_running ON journeys (revision, customer, started_at, state)   -- covers
    WHERE state = 'running';
CREATE TABLE actions (
    id TEXT PRIMARY KEY, journey TEXT NOT NULL, playbook TEXT NOT NULL, customer TEXT NOT NULL,
    step TEXT NOT NULL, turn INTEGER NOT NULL, channel TEXT NOT NULL, kind TEXT NOT NULL,
    state TEXT NOT NULL, branch TEXT, priority INTEGER NOT NULL, opens_at INTEGER, due_by INTEGER, opened_at INTEGER,
    closed_at INTEGER, assignee TEXT, outcome TEXT, asked TEXT, note TEXT, reason TEXT,
    host TEXT, words TEXT, anchor TEXT, closed_by TEXT, detail TEXT, link INTEGER NOT NULL,
    UNIQUE (journey, step, turn)
) STRICT;
CREATE INDEX actions_state ON actions (state, due_by);
CREATE INDEX actions_customer ON actions (customer);
CREATE TABLE attempts (   -- tries to send; verdict NULL: the answer is not recorded
    action TEXT NOT NULL, n INTEGER NOT NULL, wall INTEGER NOT NULL, verdict TEXT,
    words TEXT NOT NULL, code TEXT NOT NULL, PRIMARY KEY (action, n)
) STRICT, WITHOUT ROWID;
CREATE TABLE retries (   -- messages that wait for another try
    action TEXT PRIMARY KEY, next_try INTEGER NOT NULL,
    since INTEGER NOT NULL   -- tries before a person let it begin anew
) STRICT, WITHOUT ROWID;
CREATE TABLE settlements (   -- what people said became of messages
    action TEXT NOT NULL, n INTEGER NOT NULL, at INTEGER NOT NULL, verdict TEXT NOT NULL,
    why TEXT NOT NULL, who TEXT NOT NULL, PRIMARY KEY (action, n)
) STRICT, WITHOUT ROWID;
CREATE TABLE channels (   -- what happened to channels: disabled, or paused after failures
    name TEXT PRIMARY KEY, disabled INTEGER, words TEXT NOT NULL, failures INTEGER NOT NULL,
    paused_until INTEGER
) STRICT, WITHOUT ROWID;
CREATE TABLE buckets (   -- what went out through channels with a limit, in the last minute
    id INTEGER PRIMARY KEY, channel TEXT NOT NULL, wall INTEGER NOT NULL
) STRICT;
CREATE TABLE outcomes (
    id TEXT PRIMARY KEY, action TEXT NOT NULL, at INTEGER NOT NULL, outcome TEXT,
    asked TEXT NOT NULL, note TEXT NOT NULL, who TEXT NOT NULL
) STRICT;
CREATE TABLE task_changes (   -- what else happened to tasks: snoozed, assigned, reopened, joined
    id TEXT PRIMARY KEY, action TEXT NOT NULL, at INTEGER NOT NULL, change TEXT NOT NULL,
    before TEXT NOT NULL, after TEXT NOT NULL, why TEXT NOT NULL, who TEXT NOT NULL
) STRICT;
CREATE INDEX task_changes_action ON task_changes (action);
CREATE TABLE holds (   -- journeys that a house rule holds, and held
    journey TEXT NOT NULL, since INTEGER NOT NULL, until INTEGER, rule TEXT NOT NULL,
    place TEXT NOT NULL, PRIMARY KEY (journey, since, rule)
) STRICT, WITHOUT ROWID;
CREATE INDEX holds_open ON holds (journey) WHERE until IS NULL;
CREATE TABLE approvals (playbook TEXT PRIMARY KEY, at INTEGER NOT NULL, who TEXT NOT NULL) STRICT;
CREATE TABLE requests (   -- what people asked for with `care start`; taken: T of the run that met it
    playbook TEXT NOT NULL, trigger TEXT NOT NULL, customer TEXT NOT NULL, occurrence TEXT NOT NULL,
    at INTEGER NOT NULL, who TEXT NOT NULL, source TEXT NOT NULL, taken INTEGER,
    PRIMARY KEY (playbook, trigger, customer, occurrence)
) STRICT, WITHOUT ROWID;
CREATE INDEX requests_open ON requests (playbook, at) WHERE taken IS NULL;
CREATE TABLE waiting_slots (   -- whose `every ... since` came while a journey of the playbook ran
    playbook TEXT NOT NULL, trigger TEXT NOT NULL, customer TEXT NOT NULL,
    PRIMARY KEY (playbook, trigger, customer)
) STRICT, WITHOUT ROWID;
CREATE TABLE private (
    owner TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, salt TEXT NOT NULL,
    PRIMARY KEY (owner, name)
) STRICT;
CREATE TABLE cursors (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT;
CREATE TABLE blocks (   -- the audit chain; n and hash: of the last entry in the block
    n INTEGER PRIMARY KEY, hash TEXT NOT NULL, body BLOB NOT NULL
) STRICT;
"""


@migrations()
def first(db: Database) -> None:
    """The ledger of the first version."""
    for statement in _FIRST.split(";\n"):
        if statement.strip():
            db.execute(statement)
