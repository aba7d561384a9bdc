"""Consent, do-not-contact, quiet hours and routing: through what a customer may be reached now."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from engine.deliver import deliver
from engine.waits import Waits
from tests.factories import CARE, Shop, at, event, profile

HELLO = """\
purpose: marketing
trigger: {event: visit}
again: always
steps:
  - {step: hello, do: letter, due: within 3 days}
"""
OK = "consent: {letter: customer.email_ok, purposes: [marketing]}\n"


def shop(root: Path, house: str, book: str = HELLO, care: str = CARE) -> Shop:
    made = Shop(root, care=care, house=house, sale=book)
    made.events(event("c0", "order", "2025-02-01T10:00", amount=1))
    made.run("2025-03-01T08:00")
    return made


def notes(made: Shop, verb: str = "skipped") -> list[str]:
    (row,) = made.rows("SELECT evidence FROM decisions WHERE verb = ?", verb)
    found: list[str] = json.loads(row["evidence"])["notes"]
    return found


@pytest.mark.parametrize(
    ("said", "state", "told"),
    [
        ("yes", "sent", []),
        ("no", "skipped", ["email_ok is no"]),
        ("", "skipped", ["email_ok is unknown"]),
    ],
)
def test_no_and_unknown_are_no(tmp_path: Path, said: str, state: str, told: list[str]) -> None:
    """A channel that needs consent is used after a yes only; the row names line and value."""
    made = shop(tmp_path, OK)
    made.customers(profile("c1", "2025-02-01T10:00", size=1, email_ok=said or None))
    made.events(event("c1", "visit", "2025-03-02T07:00"))
    made.run("2025-03-02T08:00")

    assert [row[1] for row in made.actions()] == [state]
    rows = made.rows("SELECT * FROM decisions WHERE verb = 'skipped'")
    assert [(row["reason"], row["rule"], row["place"]) for row in rows] == (
        [("consent", "consent/letter", "house.yaml:1:11")] if told else []
    )
    if told:
        assert notes(made) == told


def test_other_purposes_and_channels_need_no_consent(tmp_path: Path) -> None:
    """`purposes` says what the consent is for; only its channel needs it."""
    book = "purpose: repair\ntrigger: {event: visit}\nsteps:\n  - {step: hello, do: letter}\n"
    made = shop(tmp_path, OK, book.replace("do: letter", "do: letter, due: now"))
    made.events(event("c1", "visit", "2025-03-02T07:00"))
    made.run("2025-03-02T08:00")

    assert made.actions() == [("hello", "sent", "")]


def test_do_not_contact_binds_every_channel_that_reaches_the_customer(tmp_path: Path) -> None:
    """The mark's yes forbids all channels; unknown forbids none; reviews are not contact."""
    book = (
        "purpose: marketing\ntrigger: {event: visit}\nsteps:\n"
        "  - {step: hello, do: letter, due: now}\n"
        "  - {step: ring, do: call, due: now, assign: owner}\n"
        "  - {step: look, do: review, due: now, assign: boss}\n"
    )
    house = "consent:\n  - {call: customer.email_ok}\n  - {do_not_contact: customer.no_contact}\n"
    made = shop(tmp_path, house, book)
    made.customers(
        profile("c1", "2025-02-01T10:00", email_ok="yes", no_contact="yes"),
        profile("c2", "2025-02-01T10:00", email_ok="yes"),
    )
    made.events(*(event(f"c{n}", "visit", "2025-03-02T07:00") for n in (1, 2)))
    made.run("2025-03-02T08:00", "2025-03-02T08:01")

    assert {step: state for step, state, _ in made.actions("c1")} == {
        "hello": "skipped", "ring": "skipped", "look": "open",
    }  # fmt: skip
    assert [state for step, state, _ in made.actions("c2") if step == "hello"] == ["sent"]


def decided_but_not_sent(made: Shop) -> None:
    """Leave the ledger as a power cut does between the decision and the delivery."""
    with sqlite3.connect(made.root / ".care" / "ledger.db") as db:
        db.execute("UPDATE actions SET state = 'due', closed_at = NULL WHERE step = 'hello'")


def test_consent_withdrawn_between_decision_and_delivery(tmp_path: Path) -> None:
    """What was decided and could not be sent is asked again: a no that came meanwhile counts, and
    stands in the ledger with its reason.
    """
    made = shop(tmp_path, OK)
    made.customers(
        profile("c1", "2025-02-01T10:00", email_ok="yes"),
        profile("c2", "2025-02-01T10:00", email_ok="yes"),
    )
    made.events(*(event(f"c{n}", "visit", "2025-03-02T07:00") for n in (1, 2)))
    made.run("2025-03-02T08:00")
    decided_but_not_sent(made)
    made.customers(profile("c1", "2025-03-02T09:00", email_ok="no"))
    made.run("2025-03-02T10:00")

    assert made.actions("c1") == [("hello", "skipped", "consent_withdrawn")]
    assert made.actions("c2") == [("hello", "sent", "")]
    (row,) = made.rows("SELECT * FROM decisions WHERE gate = 'deliver'")
    assert (row["customer"], row["reason"]) == ("c1", "consent_withdrawn")
    assert (row["rule"], row["place"]) == ("consent/letter", "house.yaml:1:11")
    assert json.loads(row["evidence"])["notes"] == ["email_ok is no"]
    assert made.journeys("c1") == [("sale", "finished", "")]


@pytest.mark.parametrize(
    ("minutes", "state"), [(20, "skipped"), (90, "sent")], ids=["about-now", "run-of-the-past"]
)
def test_delivery_asks_as_of_now(tmp_path: Path, minutes: int, state: str) -> None:
    """A no that was said after T and before the sending counts, unless T is long past: then a run
    must not look ahead.
    """
    made = shop(tmp_path, OK)
    made.customers(profile("c1", "2025-02-01T10:00", email_ok="yes"))
    made.events(event("c1", "visit", "2025-03-02T07:00"))
    made.run("2025-03-02T08:00")
    decided_but_not_sent(made)
    made.customers(profile("c1", "2025-03-02T08:10", email_ok="no"))
    now = at("2025-03-02T08:00") + minutes * 60_000_000
    with made.ledger() as ledger:
        deliver(made.project, ledger, clock=lambda: now)

    assert [row[1] for row in made.actions()] == [state]


def test_the_same_yes_is_asked_in_the_same_way(tmp_path: Path) -> None:
    """What counts at the gate counts at delivery: a first word about a customer holds from the
    beginning of time at both.
    """
    made = shop(tmp_path, OK)
    made.events(event("c1", "visit", "2025-03-02T07:00"))
    made.customers(profile("c1", "2025-06-01T10:00", email_ok="yes"))
    made.run("2025-03-02T08:00")

    assert made.actions() == [("hello", "sent", "")]


#: A program that keeps the log to itself.
_HOLDER = """
import sys, time, duckdb
held = duckdb.connect(sys.argv[1])
print("held", flush=True)
time.sleep(60)
"""


def test_while_the_log_is_in_use_what_needs_consent_waits(tmp_path: Path) -> None:
    """No consent can be asked while somebody imports: the message stays due, nothing is guessed."""
    made = shop(tmp_path, OK)
    made.customers(profile("c1", "2025-02-01T10:00", email_ok="yes"))
    made.events(event("c1", "visit", "2025-03-02T07:00"))
    made.run("2025-03-02T08:00")
    decided_but_not_sent(made)
    held = subprocess.Popen(
        [sys.executable, "-c", _HOLDER, str(made.root / ".care" / "log.duckdb")],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert held.stdout is not None
        assert held.stdout.readline() == "held\n"
        with made.ledger() as ledger:
            busy = deliver(made.project, ledger, clock=lambda: 0, wait=0.2)
    finally:
        held.kill()
        held.communicate()

    assert (busy.sent, busy.waiting) == (0, {Waits.LOG: 1})
    assert made.actions() == [("hello", "due", "")]
    with made.ledger() as ledger:
        assert deliver(made.project, ledger, clock=lambda: 0).sent == 1


# -- quiet hours -------------------------------------------------------------------------------

QUIET = "quiet: {hours: 21:00-08:30, then: wait}\n"


def test_quiet_hours_over_midnight_in_the_customers_zone(tmp_path: Path) -> None:
    """At 22:00 in Shanghai a customer there waits for the morning; one in London is awake."""
    made = shop(tmp_path, QUIET, care=f"{CARE}customer_timezone: customer.tz\n")
    made.customers(
        profile("c2", "2025-02-01T10:00", tz="Europe/London"),
        profile("c3", "2025-02-01T10:00", tz="Nowhere/Town"),
    )
    made.events(*(event(f"c{n}", "visit", "2025-03-02T21:30") for n in (1, 2, 3)))
    made.run("2025-03-02T22:00")

    assert made.actions("c2") == [("hello", "sent", "")]
    rows = made.rows("SELECT * FROM decisions WHERE reason = 'quiet' ORDER BY customer")
    assert [(row["customer"], row["verb"], row["until"]) for row in rows] == [
        ("c1", "deferred", at("2025-03-03T08:30")), ("c3", "deferred", at("2025-03-03T08:30")),
    ]  # fmt: skip
    assert {(row["rule"], row["place"]) for row in rows} == {("quiet", "house.yaml:1:1")}
    (note,) = json.loads(rows[0]["evidence"])["notes"]
    assert note == (
        "2025-03-02T22:00:00+08:00 in Asia/Shanghai, the business zone: tz is unknown,"
        " quiet until 2025-03-03T08:30:00+08:00"
    )
    assert "tz is no time zone" in json.loads(rows[1]["evidence"])["notes"][0]
    made.run("2025-03-03T08:29")
    assert made.actions("c1") == [("hello", "planned", "")]
    made.run("2025-03-03T08:30")
    assert made.actions("c1") == [("hello", "sent", "")]
    made.events(event("c2", "visit", "2025-03-03T13:00"))  # 05:00 in London
    made.run("2025-03-03T13:30")
    assert made.actions("c2")[-1] == ("hello", "planned", "")


@pytest.mark.parametrize(
    ("more", "state"),
    [("then: skip", "skipped"), ("exempt: [marketing]", "sent"), ("channels: [call]", "sent")],
)
def test_what_quiet_hours_bind(tmp_path: Path, more: str, state: str) -> None:
    """`skip` leaves out what would go out at night; exempt purposes and other channels are free."""
    made = shop(tmp_path, f"quiet: {{hours: 21:00-08:30, {more}}}\n")
    made.events(event("c1", "visit", "2025-03-02T21:30"))
    made.run("2025-03-02T22:00")

    assert [row[1] for row in made.actions()] == [state]


# -- routing -----------------------------------------------------------------------------------

MESSAGE = HELLO.replace("do: letter", "do: message")
MAIL = "  mail: {kind: file, to: customer.address}\n"
ROUTING = """\
routing:
  - {use: preferred}
  - {if: {size: at least 100}, use: mail}
  - {if: {tier: gold}, use: call}
  - {use: letter}
"""


@pytest.mark.parametrize(
    ("attributes", "channel", "trail"),
    [
        ({"preferred": "call"}, "call", ["routing/0 (preferred): taken, call"]),
        (
            {"preferred": "mail", "tier": "gold"},
            "call",
            [
                "routing/0 (preferred): address is unknown",
                "routing/1 (mail): `if` can't be told",
                "routing/2 (call): taken",
            ],
        ),
        (
            {"size": 200, "address": "x"},
            "mail",
            ["routing/0 (preferred): unknown", "routing/1 (mail): taken"],
        ),
        (
            {"size": 5, "tier": "silver"},
            "letter",
            [
                "routing/0 (preferred): unknown",
                "routing/1 (mail): `if` is not met",
                "routing/2 (call): `if` is not met",
                "routing/3 (letter): taken",
            ],
        ),
    ],
)
def test_the_first_line_whose_channel_reaches(
    tmp_path: Path, attributes: dict[str, object], channel: str, trail: list[str]
) -> None:
    """Routing goes down its lines: known, met, with an address; the evidence tells each."""
    care = CARE.replace("  letter: {kind: file}\n", f"  letter: {{kind: file}}\n{MAIL}")
    made = shop(tmp_path, ROUTING, MESSAGE, care=care)
    made.customers(profile("c1", "2025-02-01T10:00", **attributes))
    made.events(event("c1", "visit", "2025-03-02T07:00"))
    made.run("2025-03-02T08:00")

    action = made.action("hello")
    human = channel == "call"
    assert (action["channel"], action["kind"]) == (channel, "task" if human else "message")
    assert action["state"] == ("open" if human else "sent")
    (row,) = made.rows("SELECT evidence FROM decisions WHERE gate = 'release'")
    assert json.loads(row["evidence"])["routing"] == trail


def test_routing_takes_no_channel_without_consent(tmp_path: Path) -> None:
    """A line whose channel is not allowed is passed over; with none left the step is skipped."""
    routing = "routing: [{use: letter}]\n"
    made = shop(tmp_path, OK + routing, MESSAGE)
    made.customers(profile("c1", "2025-02-01T10:00", email_ok="no"))
    made.events(event("c1", "visit", "2025-03-02T07:00"))
    made.run("2025-03-02T08:00")

    assert made.actions() == [("hello", "skipped", "no_channel")]
    (row,) = made.rows("SELECT * FROM decisions WHERE gate = 'release'")
    assert row["rule"] == "routing"
    assert json.loads(row["evidence"])["routing"] == [
        "routing/0 (letter): no consent, email_ok is no"
    ]


# -- assign and use ----------------------------------------------------------------------------


def test_a_rule_assigns_and_another_chooses_the_channel(tmp_path: Path) -> None:
    """`use` sends through another channel, `assign` gives the task to another role; rules and
    limits then speak of the channel that is used.
    """
    house = (
        "rules:\n"
        "  - {rule: 大客户打电话, when: {work: {channel: letter}, customer: {in: big}},"
        " then: use call}\n"
        "  - {rule: 老板, when: {work: {channel: call}, customer: {in: big}}, then: assign boss}\n"
    )
    made = shop(tmp_path, house)
    made.customers(profile("c1", "2025-02-01T10:00", size=200), profile("c2", "2025-02-01T10:00"))
    made.events(*(event(f"c{n}", "visit", "2025-03-02T07:00") for n in (1, 2)))
    made.run("2025-03-02T08:00")

    action = made.action("hello", "c1")
    assert (action["channel"], action["kind"], action["state"]) == ("call", "task", "open")
    assert action["assignee"] == "经理"
    assert made.action("hello", "c2")["channel"] == "letter"
    (row,) = made.rows("SELECT evidence FROM decisions WHERE gate = 'release' AND customer = 'c1'")
    evidence = json.loads(row["evidence"])
    assert evidence["matched"] == ["house 大客户打电话", "house 老板"]
    (note,) = evidence["notes"]
    assert note == (
        "through call by house rule 大客户打电话 at house.yaml:2:5;"
        " to boss by house rule 老板 at house.yaml:3:5"
    )
