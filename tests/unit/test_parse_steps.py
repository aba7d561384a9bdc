"""Steps of every kind: their types, their names, and who waits for whom."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.conditions import Compare, OneOf, SubjectKind
from rules.measures import Events
from rules.playbook import (
    Anchor,
    AnchorKind,
    Assignment,
    Awaited,
    Branch,
    Choose,
    Do,
    DoneWhen,
    IfLate,
    Migrate,
    Overdue,
    Overlap,
    Record,
    Repeat,
    Retry,
    Set,
    StartOther,
    Step,
    StopHere,
    Template,
    Wait,
    walk,
)
from rules.units import Duration, Unit
from tests.projects import PLAYBOOK, checked, playbook, told

CALL = (
    "{step: call, do: call, assign: manager, outcomes: [ok, bad], ask: {mark: 1 to 5, day: date}}"
)
LETTER = "{step: letter, do: letter}"
TEXTS = {"a.md": "a", "b.md": "b"}
#: ``do: message`` needs it.
ROUTING = "routing: [{use: letter}]\n"


def book(*steps: str, trigger: str = "{event: complaint}", more: str = "") -> str:
    head = f"playbook: q\nowner: x\ntrigger: {trigger}\n{more}steps:\n"
    return head + "".join(f"  - {step}\n" for step in steps)


def steps_of(*steps: str, **texts: Any) -> tuple[Step, ...]:
    return playbook(book(*steps), **texts).steps


def last(*steps: str, **texts: Any) -> Any:
    return steps_of(*steps, **texts)[-1]


def said(*steps: str, trigger: str = "{event: complaint}") -> list[str]:
    """Return what is said about a playbook of these steps, without the places."""
    return [line.split("] ", 1)[1] for line in told(p=PLAYBOOK, q=book(*steps, trigger=trigger))]


def days(amount: int) -> Duration:
    return Duration(amount, Unit.DAY)


# ---------------------------------------------------------------- do


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ("outcomes: [no_answer], retry: {on: no_answer, every: 1 working day, times: 3}",
         {"retry": Retry(on=("no_answer",), every=Duration(1, Unit.WORKING_DAY), times=3),
          "outcomes": ("no_answer",)}),
        ("retry: {on: [expired], every: 2 days, times: 1}",
         {"retry": Retry(on=("expired",), every=days(2), times=1)}),
        ("repeat: {every: 5 working days, times: 12}",
         {"repeat": Repeat(every=Duration(5, Unit.WORKING_DAY), times=12)}),
        ("done_when: {event: solved, same: case_id}",
         {"done_when": DoneWhen(events=Events(names=("solved",)), same="case_id")}),
        ("done_when: {event: contact}",
         {"done_when": DoneWhen(events=Events(names=("care_done", "visit")))}),
        ("if_overdue: {escalate: owner}", {"if_overdue": (Overdue(role="owner"),)}),
        ("if_overdue: {escalate: owner, after: 4 working hours}, if_late: escalate",
         {"if_overdue": (Overdue(role="owner", after=Duration(4, Unit.WORKING_HOUR)),),
          "if_late": IfLate.ESCALATE}),
        ("if_overdue: [{escalate: owner}, {escalate: manager, after: 1 day}]",
         {"if_overdue": (Overdue(role="owner"), Overdue(role="manager", after=days(1)))}),
        ("give_up: after 30 days", {"give_up": days(30)}),
        ("give_up: 5 working days", {"give_up": Duration(5, Unit.WORKING_DAY)}),
        ("disabled: yes", {"disabled": True}),
        ("to: customer.name", {"to": "name"}),
    ],
)  # fmt: skip
def test_keys_of_a_task(keys: str, expected: dict[str, Any]) -> None:
    """Every key of a task has its field."""
    step = last(f"{{step: x, do: call, assign: manager, {keys}}}")

    assert {key: getattr(step, key) for key in expected} == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a.md", Template(files=("a.md",))),
        ("[a.md, b.md, a.md]", Template(files=("a.md", "b.md", "a.md"))),
        ("{by: industry, 制造业: a.md, else: b.md}",
         Template(files=(), by="industry", cases=(("制造业", "a.md"),), otherwise="b.md")),
        ("{by: tier, A: a.md, else: b.md}",
         Template(files=(), by="tier", cases=(("A", "a.md"),), otherwise="b.md")),
        ("{by: trigger.severity, low: a.md, high: b.md, else: b.md}",
         Template(files=(), by="trigger.severity", cases=(("low", "a.md"), ("high", "b.md")),
                  otherwise="b.md")),
        ("{by: call.outcome, ok: a.md, else: b.md}",
         Template(files=(), by="call.outcome", cases=(("ok", "a.md"),), otherwise="b.md")),
        ("{by: vip, yes: a.md, else: b.md}",
         Template(files=(), by="vip", cases=(("yes", "a.md"),), otherwise="b.md")),
    ],
)  # fmt: skip
def test_templates(text: str, expected: Template) -> None:
    """A text is one file, the next of several, or one by a value."""
    step = last(CALL, f"{{step: x, do: letter, template: {text}}}", templates=TEXTS)

    assert step.template == expected


def test_a_holiday_is_always_known() -> None:
    """A text by the holiday needs no ``else`` where every holiday has one."""
    text = "{step: x, do: letter, template: {by: trigger.holiday, 春节: a.md, 中秋节: b.md}}"
    trigger = "{holiday: [春节, 中秋节], before: 3 days}"
    found = playbook(book(text, trigger=trigger), templates=TEXTS).steps[0]

    assert isinstance(found, Do)
    assert found.template == Template(
        files=(), by="trigger.holiday", cases=(("春节", "a.md"), ("中秋节", "b.md"))
    )


def test_a_changed_text_is_a_new_revision() -> None:
    """Every text that a step in a branch may take belongs to the revision."""
    step = (
        "{step: x, wait: {event: order, up_to: 3 days}, then: "
        "[{step: y, do: letter, template: {by: vip, yes: a.md, else: b.md}}]}"
    )
    one = playbook(book(step), templates=TEXTS)
    other = playbook(book(step), templates={**TEXTS, "b.md": "new"})

    assert one.revision != other.revision


def test_a_message_goes_where_routing_says() -> None:
    """``do: message`` needs routing in house.yaml, and takes a role but nothing that only a
    person can answer."""
    step = "{step: x, do: message, assign: manager, due: within 3 days}"

    assert last(step, house=ROUTING).channel == "message"
    assert [line.split("] ")[1] for line in told(q=book(step[:-1] + ", ask: {a: text}}"), house=ROUTING)] == [
        'step "x": nobody does a message, so `ask` has no meaning; take a channel of kind task'
    ]  # fmt: skip


def test_a_step_that_resends() -> None:
    """``on_unknown`` is about messages."""
    assert last("{step: x, do: letter, on_unknown: resend}").on_unknown == "resend"


# ---------------------------------------------------------------- wait, choose


def test_a_wait_for_an_event() -> None:
    """A wait has its events, its end and what follows in either case."""
    found = last(
        "{step: w, wait: {event: solved, same: case_id, up_to: 5 working days}, "
        "then: [{step: a, do: letter}], else: [{step: b, do: letter}], if_late: skip}"
    )

    assert isinstance(found, Wait)
    assert found.awaited == (Awaited(events=Events(names=("solved",)), same="case_id"),)
    assert found.up_to == Duration(5, Unit.WORKING_DAY)
    assert [step.name for step in found.then] == ["a"]
    assert [step.name for step in found.otherwise] == ["b"]
    assert found.if_late is IfLate.SKIP


@pytest.mark.parametrize(
    ("text", "awaited", "up_to"),
    [
        ("3 days", [], days(3)),
        ("2 working hours", [], Duration(2, Unit.WORKING_HOUR)),
        ("{event: order}", [("order",)], None),
        ("{event: [order, visit], up_to: 1 week}", [("order", "visit")], Duration(1, Unit.WEEK)),
        ("[{event: order}, {event: visit, up_to: 3 days}]", [("order",), ("visit",)], days(3)),
        ("[{event: order, up_to: 3 days}, {event: visit, up_to: 3 days}]",
         [("order",), ("visit",)], days(3)),
    ],
)  # fmt: skip
def test_waits(text: str, awaited: list[tuple[str, ...]], up_to: Duration | None) -> None:
    """A wait is for a time, for an event, or for the first of several."""
    found = last(f"{{step: w, wait: {text}}}")

    assert [each.events.names for each in found.awaited] == awaited
    assert found.up_to == up_to


def test_a_choice() -> None:
    """Branches have their condition and steps in the order of the file; ``else`` has none."""
    found = last(
        CALL,
        "{step: c, choose: [{if: {call.outcome: ok, trigger.severity: high}, then: [{step: a, do: letter}]}, "
        "{if: {tier: A}, then: []}, {else: [{step: b, do: letter}]}]}",
    )

    assert isinstance(found, Choose)
    assert [branch.condition is None for branch in found.branches] == [False, False, True]
    assert [[step.name for step in branch.steps] for branch in found.branches] == [["a"], [], ["b"]]
    assert isinstance(found.branches[1], Branch)
    assert isinstance(found.branches[1].condition, Compare)
    assert found.branches[1].condition.path == "steps/1/choose/1/if/tier"


def test_results_of_branches_are_known_below() -> None:
    """What a task in a branch leaves, and which share a customer fell into, may be asked later."""
    found = last(
        "{step: g, split: {a: 60%, b: 40%}}",
        "{step: c, choose: [{if: {g.outcome: a}, then: [{step: call, do: call, assign: manager, ask: {mark: 1 to 5}}]}]}",
        "{step: x, do: letter, recheck: {call.mark: below 3}}",
        "{step: y, do: letter, recheck: {g.outcome: b}}",
    )

    assert isinstance(found.recheck, Compare)
    assert found.recheck.subject.kind is SubjectKind.STEP
    assert found.recheck.subject.name == "g.outcome"
    assert found.recheck.test == OneOf(("b",))


def test_what_a_nested_task_asks_for_is_a_field() -> None:
    """A name asked for inside a branch stands on ``care_done`` like any other."""
    text = book(
        "{step: w, wait: {event: order, up_to: 3 days}, else: [{step: call, do: call, assign: manager, ask: {grade: 1 to 5}}]}"
    )
    project, findings = checked(
        q=text, shared="measures:\n  grade: {last_value: care_done.grade}\n"
    )

    assert findings == ()
    assert project is not None
    assert "grade" in project.asked


# ---------------------------------------------------------------- the short ones


def test_a_split() -> None:
    """Shares are exact and add up to one."""
    assert last("{step: g, split: {a: 33.3%, b: 66.7%}}").shares == (
        ("a", Fraction(333, 1000)),
        ("b", Fraction(667, 1000)),
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("size: 12.5", Assignment(attribute="size", value=125_000)),
        ("size: 50万", Assignment(attribute="size", value=5_000_000_000)),
        ("size: add 100", Assignment(attribute="size", value=1_000_000, add=True)),
        ("size: add -1", Assignment(attribute="size", value=-10_000, add=True)),
        ("size: unknown", Assignment(attribute="size")),
        ("size: call.mark", Assignment(attribute="size", source="call.mark")),
        ("vip: no", Assignment(attribute="vip", value=False)),
        ("industry: 教育", Assignment(attribute="industry", value="教育")),
        ("name: add 3 more", None),
        ('name: "add 3 more"', Assignment(attribute="name", value="add 3 more")),
        ("name: trigger.case_id", Assignment(attribute="name", source="trigger.case_id")),
        ('name: "trigger.case_id"', Assignment(attribute="name", value="trigger.case_id")),
        ("need: [service, price]", Assignment(attribute="need", value=("price", "service"))),
        ("need: price", Assignment(attribute="need", value=("price",))),
        ("contract_end: 1970-01-11", Assignment(attribute="contract_end", value=10)),
        ("contract_end: call.day", Assignment(attribute="contract_end", source="call.day")),
        ("contract_end: trigger.on", Assignment(attribute="contract_end", source="trigger.on")),
        ("joined: trigger.on", None),
        ("joined: 2026-03-18", None),
    ],
)  # fmt: skip
def test_set(text: str, expected: Assignment | None) -> None:
    """A value is a constant as the log holds it, a sum, unknown, or what a name says."""
    step = f"{{step: s, set: {{{text}}}}}"
    if expected is None:
        assert len(said(CALL, step)) == 1
        return

    found = last(CALL, step)

    assert isinstance(found, Set)
    assert found.values == (expected,)


def test_an_attribute_that_only_a_step_names() -> None:
    """``set`` may make a new attribute, with a warning; conditions anywhere may then name it."""
    text = book("{step: s, set: {points: add 100}}", more="only: {points: below 500}\n")
    project, findings = checked(q=text)

    assert project is not None
    assert [each.code for each in findings] == ["undeclared-attribute"]
    assert project.vocabulary.attributes["points"].kind.value == "number"
    assert [each.name for each in project.playbooks] == ["q"]


def test_an_event_is_recorded() -> None:
    """A recorded event takes constants and what the trigger says."""
    step = "{step: r, record: complaint, fields: {case_id: trigger.product, severity: high}}"
    found = playbook(book(step, trigger="{event: order}")).steps[0]

    assert isinstance(found, Record)
    assert found.event == "complaint"
    assert found.fields == (
        Assignment(attribute="case_id", source="trigger.product"),
        Assignment(attribute="severity", value="high"),
    )


def test_another_playbook_and_the_end() -> None:
    """``start`` names a playbook, also one that stands further down; ``stop`` a word."""
    project, findings = checked(a=book("{step: s, start: p}", "{step: t, stop: 流失}"), p=PLAYBOOK)
    assert project is not None
    start, stop = project.playbooks[0].steps

    assert findings == ()
    assert isinstance(start, StartOther)
    assert start.playbook == "p"
    assert isinstance(stop, StopHere)
    assert stop.word == "流失"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("migrate: move", (Migrate.MOVE, Overlap.IGNORE)),
        ("overlap: queue", (Migrate.STAY, Overlap.QUEUE)),
        ("migrate: cancel", (Migrate.CANCEL, Overlap.IGNORE)),
    ],
)
def test_edits_and_queues(line: str, expected: tuple[Migrate, Overlap]) -> None:
    """What an edit does to running journeys, and a second journey that waits for the first."""
    found = playbook(book(LETTER, more=f"{line}\n"))

    assert (found.migrate, found.overlap) == expected


# ---------------------------------------------------------------- from


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("call.day", Anchor(AnchorKind.STEP_DATE, "call.day")),
        ("2 days before call.day", Anchor(AnchorKind.STEP_DATE, "call.day", days(2), back=True)),
        ("trigger.on", Anchor(AnchorKind.TRIGGER_DATE, "on")),
        ("1 week after trigger.on", Anchor(AnchorKind.TRIGGER_DATE, "on", Duration(1, Unit.WEEK))),
    ],
)
def test_dates_that_a_journey_brings(text: str, expected: Anchor) -> None:
    """A step may count from a date that a task asked for or that the trigger has."""
    assert last(CALL, f"{{step: x, do: letter, from: {text}}}").anchor == expected


def test_the_day_of_the_trigger() -> None:
    """``trigger.date`` is the day that a date trigger is about."""
    found = playbook(
        book(
            "{step: c, choose: [{else: [{step: x, do: letter, from: trigger.date}]}]}",
            trigger="{date: contract_end, before: 5 days}",
        )
    )

    assert found.step("x").anchor == Anchor(AnchorKind.TRIGGER_DATE, "date")


# ---------------------------------------------------------------- always

_NAMES = [f"s{number}" for number in range(8)]


@st.composite
def trees(draw: st.DrawFn, *, unique: bool) -> list[dict[str, Any]]:
    """Return a list of steps with branches, each step with a name and perhaps an anchor."""
    left = list(_NAMES)

    def step(depth: int) -> dict[str, Any]:
        name = left.pop(0) if unique else draw(st.sampled_from(_NAMES))
        found: dict[str, Any] = {"step": name}
        kind = draw(st.sampled_from(["do", "do", "choose", "wait"])) if depth < 3 else "do"
        if draw(st.integers(0, 2)) == 0:
            found["from"] = draw(st.sampled_from([*_NAMES, "entry"]))
        match kind:
            case "do":
                found["do"] = "letter"
            case "choose":
                branch = [{"if": {"tier": "A"}, "then": steps(depth + 1)}]
                found["choose"] = [*branch, {"else": steps(depth + 1)}]
            case _:
                found["wait"] = {"event": "order", "up_to": "3 days"}
                found["then"] = steps(depth + 1)
        return found

    def steps(depth: int) -> list[dict[str, Any]]:
        most = min(3, len(left)) if unique else 3
        return [step(depth) for _ in range(draw(st.integers(0, most))) if left]

    return [step(0), *steps(0)]


def flow(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {flow(below)}" for key, below in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(flow, value)) + "]"
    return str(value)


def flat(steps: list[dict[str, Any]], path: str = "steps") -> list[tuple[str, str, dict[str, Any]]]:
    """Return path, the path of the step around, and the step, of all steps in file order."""
    found = []
    for index, step in enumerate(steps):
        here = f"{path}/{index}"
        found.append((here, path, step))
        for number, branch in enumerate(step.get("choose", [])):
            for key in ("then", "else"):
                found += flat(branch.get(key, []), f"{here}/choose/{number}/{key}")
        found += flat(step.get("then", []), f"{here}/then")
    return found


@settings(max_examples=150, deadline=None)
@given(trees(unique=False))
def test_names_are_unique_over_the_whole_tree(steps: list[dict[str, Any]]) -> None:
    """Two steps of one name are an error wherever they stand; others are read in file order, each
    with its path."""
    every = flat(steps)
    names = [step["step"] for _, _, step in every]
    for _, _, step in every:
        step.pop("from", None)
    project, findings = checked(q=book(*map(flow, steps)))

    assert any(each.code == "name-clash" for each in findings) == (len(set(names)) < len(names))
    if project and project.playbooks:
        read = [(step.name, step.path) for step in walk(project.playbooks[0].steps)]
        assert read == [(step["step"], path) for path, _, step in every]


def stuck(steps: list[dict[str, Any]]) -> set[str]:
    """Return the steps that never open when every branch is taken, by trying again and again.

    A choose closes with the steps of its branches, a wait before them.
    """
    every = flat(steps)
    owner = {path: step["step"] for path, _, step in every}
    opened: set[str] = set()
    closed: set[str] = set()
    for _ in range(2 * len(every) + 1):
        above: dict[str, str] = {}
        for _, around, step in every:
            name, before = step["step"], above.get(around)
            above[around] = name
            start = step.get("from")
            ready = start == "entry" or (start or before) in closed or not (start or before)
            parent = owner.get(re.sub(r"(/choose/[0-9]+)?/(then|else)$", "", around))
            if parent:
                chooses = any(s["step"] == parent and "choose" in s for _, _, s in every)
                ready = ready and parent in (opened if chooses else closed)
            if ready:
                opened.add(name)
        for path, _, step in every:
            own = {
                s["step"]
                for _, around, s in every
                if re.fullmatch(f"{path}/choose/[0-9]+/(then|else)", around)
            }
            if step["step"] in opened and ("choose" not in step or own <= closed):
                closed.add(step["step"])
    return {step["step"] for _, _, step in every} - opened


@settings(max_examples=300, deadline=None)
@given(trees(unique=True))
def test_a_circle_is_told_exactly_where_steps_never_open(steps: list[dict[str, Any]]) -> None:
    """Steps that wait for each other, through branches too, are an error; all others open."""
    names = {step["step"] for _, _, step in flat(steps)}
    for _, _, step in flat(steps):
        if step.get("from") not in {*names, "entry"}:
            step.pop("from", None)
    findings = checked(q=book(*map(flow, steps)))[1]
    codes = {each.code for each in findings}

    if "bad-anchor" not in codes:
        assert ("cycle" in codes) == bool(stuck(steps))
