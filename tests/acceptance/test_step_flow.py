"""Waits, choices, splits and effects, through the program on a simulated clock."""

from __future__ import annotations

from pathlib import Path

from tests.factories import Shop, event, profile
from tests.reading import actions, journeys, lines, live, run, why
from tests.zygote import Zygote


def complain(made: Shop, when: str = "2025-03-03T10:00", customer: str = "c1") -> None:
    made.events(event(customer, "complaint", when, key=f"k{customer}", case_id=f"A{customer}"))


WAITS = """\
  - step: reply
    wait: [{event: visit, up_to: 5 days}, {event: solved, same: case_id}]
    then: [{step: thanks, do: letter, due: after 1 day}]
    else: [{step: ring, do: call, due: after 4 days, assign: boss}]
  - {step: pause, from: entry, wait: 2 days}
  - {step: after_pause, do: letter}
  - {step: ever, from: entry, wait: {event: order}}
"""


def test_waits_for_one_of_several_and_for_time(tmp_path: Path, zygote: Zygote) -> None:
    """A wait for several events ends with the first that is its own, a plain one with its time, one
    without `up_to` only with its event; `care why` tells what each waits for and what it heard.
    """
    made = live(tmp_path, zygote, WAITS)
    complain(made)
    run(made, "2025-03-03T12:00")
    assert lines(made) == ["reply open", "pause open", "ever open"]
    asked = {one["step"]: one["due_by"] for one in actions(made)}
    assert (asked["reply"], asked["ever"]) == ("2025-03-08T10:00:00+08:00", None)
    told = "  waits for: visit or solved with the same case_id, until Sat 2025-03-08 10:00\n"
    assert told in why(made, "reply")
    assert "  waits until Wed 2025-03-05 10:00\n" in why(made, "pause")
    assert "  waits for: order, without an end\n" in why(made, "ever")

    made.events(
        event("c1", "solved", "2025-03-04T09:00", key="other", case_id="B"),
        event("c1", "solved", "2025-03-05T09:00", key="own", case_id="Ac1"),
    )
    run(made, "2025-03-06T08:00", "2025-03-06T12:00")

    assert lines(made) == [
        "reply done", "pause done", "ever open", "after_pause sent", "thanks sent",
    ]  # fmt: skip
    assert "  heard: solved own of Wed 2025-03-05 09:00\n" in why(made, "reply")
    assert 'counted from the end of wait "reply"' in why(made, "thanks")
    assert journeys(made) == ["p running"]


def test_an_answer_in_time_that_arrives_late_wins(tmp_path: Path, zygote: Zygote) -> None:
    """The wait timed out and `else` planned a call; the answer of the third day, imported on the
    ninth, takes that back and `then` counts from the answer. Once the call is open it is too late.
    """
    made = live(tmp_path, zygote, WAITS)
    complain(made)
    complain(made, customer="c2")
    run(made, "2025-03-09T12:00")
    rest = ["pause done", "ever open", "after_pause sent"]
    assert lines(made) == ["reply done", *rest, "ring planned"]
    assert "  heard: no visit or solved with the same case_id until Sat 2025-03-08 10:00\n" in why(
        made, "reply"
    )

    made.events(event("c1", "visit", "2025-03-06T10:00", key="v1"))
    run(made, "2025-03-10T12:00", "2025-03-12T12:00")
    made.events(event("c2", "visit", "2025-03-06T10:00", key="v2"))
    run(made, "2025-03-13T12:00")

    assert lines(made) == ["reply done", *rest, "thanks sent", "ring cancelled wait_answered"]
    assert "opens Fri 7 Mar 2025 10:00" in why(made, "thanks")
    assert lines(made, "c2") == ["reply done", *rest, "ring open"]


CHOICES = """\
  - step: by_size
    choose:
      - {if: {size: at least 1000}, then: [{step: visit, do: call, due: within 1 day, assign: boss}]}
      - {if: {tier: gold, orders: at least 0}, then: [{step: gift, do: letter}]}
      - {else: [{step: card, do: letter}]}
  - step: by_case
    choose:
      - {if: {trigger.severity: high}, then: [{step: sorry, do: letter}]}
  - {step: last, do: letter}
"""


def test_a_choice_takes_the_first_branch_that_holds(tmp_path: Path, zygote: Zygote) -> None:
    """The first branch that holds is taken, else the last; where none fits the line goes on, with a
    row. `care why` shows what each branch was asked and saw.
    """
    made = live(tmp_path, zygote, CHOICES)
    made.customers(
        profile("c1", "2025-01-01", size=1000, tier="gold"),
        profile("c2", "2025-01-01", size=999, tier="gold"), profile("c3", "2025-01-01", tier="gold"),
    )  # fmt: skip
    for customer in ("c1", "c2", "c4"):
        complain(made, customer=customer)
    run(made, "2025-03-03T12:00")

    assert lines(made) == ["by_size open", "visit open"]
    assert lines(made, "c2") == ["by_size done", "gift sent", "by_case done no_branch", "last sent"]
    assert lines(made, "c4") == ["by_size done", "card sent", "by_case done no_branch", "last sent"]
    assert (
        "  branch 1: false\n    - size is 999, asked: at least 1000  (said on 2025-01-01 00:00)\n"
        "  branch 2: true\n    + tier is gold, asked: gold  (said on 2025-01-01 00:00)\n"
        "    + orders is 0, asked: at least 0\n"
        "  took: branch 2\n"
    ) in why(made, "by_size", "c2")
    assert "? size is unknown, asked: at least 1000" in why(made, "by_size", "c4")
    assert "  took: else\n" in why(made, "by_size", "c4")
    assert "  took: none\n" in why(made, "by_case", "c4")
    assert "  now: done (no branch)\n" in why(made, "by_case", "c4")


EFFECTS = """\
  - {step: mark, set: {tier: gold, size: add 5, contract_end: 2026-01-31, manager: unknown}}
  - {step: note, record: solved, fields: {case_id: trigger.case_id}}
  - step: half
    split: {甲: 30%, b: 70%}
  - step: told
    choose: [{if: {tier: gold, half.outcome: [甲, b]}, then: [{step: gift, do: letter}]}]
  - {step: goodbye, start: farewell}
  - {step: over, stop: lost}
  - {step: never, do: letter}
"""
FAREWELL = "trigger: manual\nsteps: [{step: bye, do: letter, due: now}]\n"
HEARD = "trigger: {event: solved}\nsteps: [{step: heard, do: letter}]\n"


def test_what_a_playbook_writes_begins_and_ends(tmp_path: Path, zygote: Zygote) -> None:
    """`set` and `record` stand in the log with the next run and are told by `care why`, `start` begins
    the other playbook in the same run, `stop` ends the journey with its word.
    """
    made = live(tmp_path, zygote, EFFECTS, farewell=FAREWELL, heard=HEARD)
    made.customers(profile("c1", "2025-01-01", size=200, tier="silver", manager="王芳"))
    complain(made)
    run(made, "2025-03-03T12:00")

    assert sorted(journeys(made)) == ["farewell running", "p stopped lost"]
    told = [line for line in lines(made) if "half" not in line]
    assert sorted(told) == [
        "bye sent", "gift sent", "goodbye done", "mark done", "note done", "over done", "told done",
    ]  # fmt: skip
    wrote = "  wrote: contract_end 2026-01-31, manager unknown, size 205, tier gold\n"
    assert wrote in why(made, "mark")
    assert "  recorded: solved: case_id Ac1\n" in why(made, "note")
    assert "  began: farewell, journey j-" in why(made, "goodbye")
    assert "started by p, step goodbye" in why(made, "bye")
    told_json = made.care("why", made.action("goodbye")["id"], "--format", "json").json
    assert (told_json["kind"], told_json["began"]["verb"]) == ("start", "started")
    assert "  ended the journey: lost\n" in why(made, "over")
    (share,) = [one["outcome"] for one in actions(made) if one["step"] == "half"]
    assert f"  result: {share}\n" in why(made, "half")

    run(made, "2025-03-04T12:00")
    log = made.care("log", "c1", "--format", "json").json
    latest = {one["name"]: one["value"] for one in log["attributes"]}

    assert sorted(journeys(made)) == ["farewell finished", "heard running", "p stopped lost"]
    assert (latest["tier"], latest["size"], latest["contract_end"]) == ("gold", "205", "2026-01-31")
    assert latest["manager"] is None
    assert [one["fields"] for one in log["events"] if one["event"] == "solved"] == [
        {"case_id": "Ac1"}
    ]


def test_shares_are_stable_and_as_large_as_they_say(tmp_path: Path, zygote: Zygote) -> None:
    """A customer is in the same share of a split each time; two hundred of them divide as it says."""
    steps = "  - {step: half, split: {甲: 30%, b: 70%}}\n"
    made = live(tmp_path, zygote, steps, "overlap: parallel\n")
    for day in ("03", "04"):
        made.events(
            *(
                event(f"s{number}", "complaint", f"2025-03-{day}T10:00", case_id=day)
                for number in range(200)
            )
        )
    run(made, "2025-03-05T12:00")
    rows = made.rows("SELECT customer, outcome FROM actions WHERE step = 'half'")
    shares = {(row["customer"], row["outcome"]) for row in rows}

    assert (len(rows), len(shares)) == (400, 200)
    assert (
        40 <= sum(outcome == "甲" for _, outcome in shares) <= 80
    )  # 4 standard deviations: 34..86


def test_a_chain_of_starts_ends(tmp_path: Path, zygote: Zygote) -> None:
    """Playbooks that begin each other stop at the ninth journey, with a reason; `care check` warned.
    One that is paused begins nothing, and `care why` says so.
    """
    steps = (
        "  - step: which\n    choose:\n"
        "      - {if: {orders: 0}, then: [{step: on, start: q}]}\n"
        "      - {else: [{step: off, do: letter}]}\n"
        "  - {step: asleep, start: r}\n"
    )
    back = "trigger: manual\noverlap: parallel\nagain: always\nsteps: [{step: back, start: p}]\n"
    paused = "status: paused\ntrigger: manual\nsteps: [{step: hello, do: letter}]\n"
    made = live(tmp_path, zygote, steps, "overlap: parallel\n", q=back, r=paused)
    assert "warning[start-loop]" in made.care("check").out
    complain(made)
    run(made, "2025-03-03T12:00")
    begun = made.rows("SELECT id FROM journeys WHERE customer = 'c1'")
    (last,) = made.rows("SELECT occurrence FROM decisions WHERE reason = 'chain'")

    assert len(begun) == 9
    told = made.care("why", last["occurrence"]).out
    assert "  did not begin: " in told
    assert ", refused (chain)\n" in told
    assert "  did not begin: r, refused (not active)\n" in why(made, "asleep")
    assert (
        made.rows("SELECT playbook FROM decisions WHERE reason = 'not_active'")[0]["playbook"]
        == "r"
    )
