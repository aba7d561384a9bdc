"""Messages: from what they count, which text they take, how often they come, through the program."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.factories import CARE, Shop, event, profile
from tests.reading import actions, journeys, lines, live, run, why
from tests.zygote import Zygote


def complain(made: Shop, when: str = "2025-03-03T10:00", customer: str = "c1") -> None:
    made.events(event(customer, "complaint", when, case_id=when))


ANCHORS = """\
  - {step: ring, do: call, due: within 1 day, assign: boss, ask: {next: date}}
  - {step: behind, do: letter, due: after 1 day}
  - {step: early, from: entry, do: letter, due: after 2 hours}
  - {step: same, from: ring, do: letter, due: after 1 day}
  - {step: asked, from: ring.next, do: letter}
  - {step: before_asked, from: 2 days before ring.next, do: letter}
  - {step: contract, from: 30 days before contract_end, do: letter}
  - {step: bought, from: 1 week after last_order, do: letter}
"""


def test_every_from_counts_from_what_it_says(tmp_path: Path, zygote: Zygote) -> None:
    """Entry, a step's close, an asked date, an attribute and a measure: each letter opens where its
    `from` says, in words too; a date that moves takes its letter along.
    """
    made = live(tmp_path, zygote, ANCHORS)
    made.customers(profile("c1", "2025-01-01", contract_end="2025-05-01"))
    made.events(event("c1", "order", "2025-02-27T09:00", amount=5))
    complain(made)
    run(made, "2025-03-03T11:00")
    ring = actions(made)[0]["id"]
    assert [line.partition(" ")[0] for line in lines(made)] == [
        "ring",
        "early",
        "bought",
        "contract",
    ]

    made.care("done", ring, "--at", "2025-03-03T16:00", "--ask", "next=2025-03-20")
    made.customers(profile("c1", "2025-03-03T17:00", contract_end="2025-06-01"))
    made.events(event("c1", "order", "2025-03-03T18:00", amount=5))
    run(made, "2025-03-03T20:00")

    assert {one["step"]: one["opens_at"][:16] for one in actions(made) if one["step"] != "ring"} == {
        "behind": "2025-03-04T16:00", "early": "2025-03-03T12:00", "same": "2025-03-04T16:00",
        "asked": "2025-03-20T00:00", "before_asked": "2025-03-18T00:00",
        "contract": "2025-05-02T00:00", "bought": "2025-03-10T18:00",
    }  # fmt: skip
    assert 'counted from the close of step "ring"' in why(made, "same")
    assert "counted from 30 days before contract_end" in why(made, "contract")
    assert "counted from 1 week after last_order" in why(made, "bought")
    assert "counted from 2 days before ring.next" in why(made, "before_asked")


def test_steps_around_a_holiday_and_around_a_date_of_the_event(
    tmp_path: Path, zygote: Zygote
) -> None:
    """`from: trigger.date` is the day itself where the trigger came before it; a date among the
    event's fields is counted from too.
    """
    care = CARE.replace("calendar: none", "calendar: CN").replace(
        "visit: {title: 拜访}", "visit: {title: 拜访, fields: {next: date}}"
    )
    feast = (
        "trigger: {holiday: 国庆节, before: 3 days, in: buyers}\nsteps:\n"
        "  - {step: invite, do: letter}\n"
        "  - {step: wish, from: trigger.date, do: letter, due: same day, at: 09:30}\n"
        "  - {step: thanks, from: 2 days after trigger.date, do: letter}\n"
    )
    remind = (
        "trigger: {event: visit}\n"
        "steps: [{step: reminder, from: 1 day before trigger.next, do: letter}]\n"
    )
    made = Shop(tmp_path, care=care, through=zygote, feast=feast, remind=remind)
    made.write(
        "imports/visits.yaml",
        "import: 1\nsource: v\nformat: csv\nknown: at event\ncustomer: customer\ntime: at\nid: id\n"
        "events: [{event: visit, fields: {next: next}}]\n",
    )
    rows = [
        {"id": "v0", "customer": "c0", "at": "2025-09-01", "next": ""},
        {"id": "v1", "customer": "c1", "at": "2025-09-20T10:00", "next": "2025-10-10"},
    ]
    said = made.care("import", str(made.file(rows)), "--map", "imports/visits.yaml")
    assert said.code == 0, said
    made.events(event("c1", "order", "2025-09-10T10:00", amount=1))
    run(made, "2025-09-15T08:00", "2025-09-21T08:00", "2025-09-28T08:00")

    assert {one["step"]: one["opens_at"][:16] for one in actions(made)} == {
        "invite": "2025-09-28T00:00", "wish": "2025-10-01T09:30", "thanks": "2025-10-03T00:00",
        "reminder": "2025-10-09T00:00",
    }  # fmt: skip
    assert "counted from trigger.date" in why(made, "wish")
    assert "counted from 1 day before trigger.next" in why(made, "reminder")


def test_a_letter_comes_again_until_its_condition_holds(tmp_path: Path, zygote: Zygote) -> None:
    """`repeat` sends every three days, at most so often, and no more once the customer has ordered;
    the line goes on then.
    """
    steps = (
        "  - {step: touch, do: letter, repeat: {every: 3 days, times: 4, until: {orders: above 0}}}\n"
        "  - {step: last, do: letter}\n"
    )
    made = live(tmp_path, zygote, steps)
    complain(made)
    complain(made, customer="c2")
    run(made, "2025-03-03T10:00", "2025-03-06T10:00")
    made.events(event("c1", "order", "2025-03-07T10:00", amount=1))
    run(made, "2025-03-09T10:00", "2025-03-12T10:00", "2025-03-15T10:00")

    assert lines(made) == ["touch sent", "touch(2) sent", "touch(3) skipped until", "last sent"]
    assert "+ orders is 1, asked: above 0" in why(made, "touch", turn=3)
    assert journeys(made) == ["p finished"]
    every = ["touch sent", "touch(2) sent", "touch(3) sent", "touch(4) sent", "last sent"]
    assert lines(made, "c2") == every
    assert "counted from turn 3 of touch" in why(made, "touch", "c2", turn=4)


TEXTS = """\
  - {step: news, do: letter, template: [a.md, b.md]}
  - {step: gift, do: letter, template: {by: tier, gold: a.md, else: b.md}}
  - {step: word, do: letter, template: {by: trigger.severity, low: a.md, else: b.md}}
"""


def test_texts_rotate_and_go_by_a_value(tmp_path: Path, zygote: Zygote) -> None:
    """Each time the next text of a rotation; the text of the customer's tier, of the event's word; a
    value without a text of its own has that of `else`.
    """
    made = Shop(
        tmp_path,
        through=zygote,
        p=f"trigger: {{event: complaint}}\noverlap: parallel\nsteps:\n{TEXTS}",
    )
    for name in ("a", "b"):
        made.write(f"templates/{name}.md", f"您好 {name}\n")
    made.events(event("c0", "visit", "2025-02-01T10:00"))
    made.customers(profile("c1", "2025-01-01", tier="gold"))
    run(made, "2025-03-01T08:00")
    words = (("03", "low"), ("04", "high"), ("05", "low"))
    made.events(
        *(
            event("c1", "complaint", f"2025-03-{day}T10:00", case_id=day, severity=word)
            for day, word in words
        ),
        event("c2", "complaint", "2025-03-03T10:00", case_id="x", severity="high"),
    )
    run(made, "2025-03-03T12:00", "2025-03-04T12:00", "2025-03-05T12:00")

    assert texts(made, "c1") == {
        "news": ["a.md", "b.md", "a.md"], "gift": ["a.md"] * 3, "word": ["a.md", "b.md", "a.md"],
    }  # fmt: skip
    assert texts(made, "c2") == {"news": ["a.md"], "gift": ["b.md"], "word": ["b.md"]}


def texts(made: Shop, customer: str) -> dict[str, list[str]]:
    """Return step -> the templates of the messages that went out, the earliest first."""
    found: dict[str, list[tuple[str, str]]] = {}
    for content in made.sent().values():
        message: dict[str, Any] = json.loads(content)
        if message["customer"] == customer:
            entry = (message["opens_at"], message["template"])
            found.setdefault(message["step"], []).append(entry)
    return {step: [name for _, name in sorted(names)] for step, names in found.items()}


def test_a_step_left_out_and_one_asked_again(tmp_path: Path, zygote: Zygote) -> None:
    """What follows a `disabled` step counts from what stands before it; `recheck` is asked as the
    step opens, not as it was planned.
    """
    steps = (
        "  - {step: hello, do: letter}\n"
        "  - {step: gone, do: letter, due: after 9 days, disabled: yes}\n"
        "  - {step: offer, do: letter, due: after 2 days, recheck: {in: buyers}}\n"
        "  - {step: once_more, do: letter, due: after 1 day, recheck: {in: buyers}}\n"
    )
    made = live(tmp_path, zygote, steps)
    complain(made)
    run(made, "2025-03-03T12:00", "2025-03-05T12:00")
    made.events(event("c1", "order", "2025-03-05T13:00", amount=1))
    run(made, "2025-03-06T12:00")

    assert lines(made) == ["hello sent", "offer skipped recheck", "once_more sent"]
    assert "recheck: false" in why(made, "offer")
    assert "recheck: true" in why(made, "once_more")
    assert 'counted from the close of step "hello"' in why(made, "offer")


def test_a_letter_goes_to_the_address_of_its_step(tmp_path: Path, zygote: Zygote) -> None:
    """Without `to` it is the channel's address, with it that of the step; where that is unknown the
    step is left out and says whose attribute is empty.
    """
    care = CARE.replace("letter: {kind: file}", "letter: {kind: file, to: customer.address}")
    steps = "  - {step: one, do: letter}\n  - {step: two, do: letter, to: customer.manager}\n"
    made = live(tmp_path, zygote, steps, care=care)
    made.customers(
        profile("c1", "2025-01-01", address="长安街1号", manager="王芳"),
        profile("c2", "2025-01-01", manager="李雷"),
    )
    complain(made)
    complain(made, customer="c2")
    told = run(made, "2025-03-03T12:00")
    sent = [json.loads(content) for content in made.sent().values()]

    assert {(one["customer"], one["step"]): one["to"] for one in sent} == {
        ("c1", "one"): "长安街1号", ("c1", "two"): "王芳", ("c2", "two"): "李雷",
    }  # fmt: skip
    assert lines(made, "c2") == ["one skipped no_address", "two sent"]
    assert "      address is unknown\n" in why(made, "one", "c2")
    assert "1 no address" in told
