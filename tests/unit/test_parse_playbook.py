"""Playbooks: triggers, who and how often, steps, stops."""

from __future__ import annotations

import datetime as dt
from fractions import Fraction

import pytest

from rules.conditions import Compare, InSegment, OneOf, Subject, SubjectKind
from rules.errors import Level, Span
from rules.measures import Events
from rules.playbook import (
    Anchor,
    AnchorKind,
    Asked,
    AskedKind,
    Do,
    Due,
    DueForm,
    Existing,
    IfLate,
    Late,
    Overlap,
    Status,
    Stop,
    Template,
    Trigger,
    TriggerKind,
)
from rules.units import Duration, Unit
from tests.projects import CARE, PLAYBOOK, SHARED, checked, playbook, told

SPAN = Span("", 1, 1)
STEP = "{step: call, do: call, assign: manager}"


def book(*lines: str, trigger: str = "{event: complaint}", steps: tuple[str, ...] = (STEP,)) -> str:
    head = f"playbook: p\nowner: x\ntrigger: {trigger}\nsteps:\n"
    return head + "".join(f"  - {step}\n" for step in steps) + "".join(f"{x}\n" for x in lines)


def days(amount: int) -> Duration:
    return Duration(amount, Unit.DAY)


def said(text: str) -> list[str]:
    """Return what is said about a playbook, without the file's name."""
    return [line.removeprefix("playbooks/p.yaml:") for line in told(p=text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "{event: complaint}",
            Trigger(
                kind=TriggerKind.EVENT,
                name="event",
                path="trigger",
                span=SPAN,
                words="event complaint",
                events=Events(names=("complaint",)),
            ),
        ),
        (
            "[{first: [order, visit], name: some, late: ignore}]",
            Trigger(
                kind=TriggerKind.FIRST,
                name="some",
                path="trigger/0",
                span=SPAN,
                words="first [order, visit], name some, late ignore",
                events=Events(names=("order", "visit")),
                late=Late(None),
            ),
        ),
        (
            "{event: contact, late: accept within 90 days}",
            Trigger(
                kind=TriggerKind.EVENT,
                name="event",
                path="trigger",
                span=SPAN,
                words="event contact, late accept within 90 days",
                events=Events(names=("care_done", "visit")),
                late=Late(days(90)),
            ),
        ),
        (
            "{enters: slipping, holds_for: 2 days}",
            Trigger(
                kind=TriggerKind.ENTERS,
                name="enters",
                path="trigger",
                span=SPAN,
                words="enters slipping, holds_for 2 days",
                segment="slipping",
                holds_for=days(2),
            ),
        ),
        (
            "{leaves: tier.A}",
            Trigger(
                kind=TriggerKind.LEAVES,
                name="leaves",
                path="trigger",
                span=SPAN,
                words="leaves tier.A",
                segment="tier.A",
            ),
        ),
        (
            "{changes: tier, from: A, to: [其他]}",
            Trigger(
                kind=TriggerKind.CHANGES,
                name="changes",
                path="trigger",
                span=SPAN,
                words="changes tier, from A, to [其他]",
                of_class="tier",
                from_values=("A",),
                to_values=("其他",),
            ),
        ),
    ],
)
def test_triggers(text: str, expected: Trigger) -> None:
    """Each kind of trigger has its fields, and the words that ``why`` shows."""
    assert playbook(book(trigger=text)).triggers == (expected,)


@pytest.mark.parametrize(
    ("trigger", "expected"),
    [
        ("{event: complaint}", (None, True)),
        ("{first: order}", (None, False)),
        ("{enters: slipping}", (None, False)),
        ("{leaves: slipping}", (None, False)),
        ("{changes: tier}", (None, False)),
    ],
)
def test_again_has_a_default_by_trigger(
    trigger: str, expected: tuple[Duration | None, bool]
) -> None:
    """Events may come again, edges and first times not."""
    found = playbook(book(trigger=trigger))

    assert (found.again, found.again_ever) == expected


def test_mixed_triggers_ask_for_a_word_about_again() -> None:
    """Two triggers with different defaults are warned about, and the careful one is taken."""
    text = book(trigger="[{event: complaint}, {enters: slipping}]")

    assert not playbook(text).again_ever
    assert said(text) == [
        (
            "1:1: warning[again-unclear] the triggers differ in how often they may repeat, "
            "so `never` is taken; write again: always, or again: never"
        )
    ]


def test_who_and_how_often() -> None:
    """All keys of a playbook's head arrive in their types."""
    found = playbook(
        book(
            "title: 投诉",
            "status: paused",
            "purpose: repair",
            "priority: 80",
            "only: [slipping, tier.A]",
            "except: {vip: yes}",
            "again: after 90 days",
            "overlap: restart",
            "existing: enrol",
            "holdout: 5%",
            "limits: {per_run: 20}",
            trigger="{enters: slipping}",
        )
    )

    assert (found.name, found.title, found.file) == ("p", "投诉", "playbooks/p.yaml")
    assert (found.status, found.purpose, found.priority) == (Status.PAUSED, "repair", 80)
    assert found.only == InSegment(names=("slipping", "tier.A"), path="only")
    assert found.excepted == Compare(
        subject=Subject(SubjectKind.ATTRIBUTE, "vip"),
        test=OneOf((True,)),
        path="except/vip",
        words="yes",
    )
    assert (found.again, found.again_ever) == (days(90), False)
    assert (found.overlap, found.existing) == (Overlap.RESTART, Existing.ENROL)
    assert (found.holdout, found.per_run) == (Fraction(1, 20), 20)


def test_overlap_is_parallel_where_cases_are_told_apart() -> None:
    """A stop with ``same`` gives every case its own journey."""
    stop = "stop_when: [{event: solved, same: case_id}]"

    assert playbook(book(stop)).overlap is Overlap.PARALLEL
    assert playbook(book()).overlap is Overlap.IGNORE


def test_stops() -> None:
    """``stop_when`` takes events, a segment to leave, conditions; goals may have a time."""
    found = playbook(
        book(
            "stop_when:",
            "  - {event: solved, same: case_id, goal: solved, within: 30 days}",
            "  - {leaves: buyers}",
            "  - {call.mark: 5, goal: happy}",
            "  - {trigger.severity: low}",
            steps=("{step: call, do: call, assign: manager, ask: {mark: 1 to 5}}",),
        )
    )

    assert found.stops == (
        Stop(
            path="stop_when/0",
            span=SPAN,
            words="event: solved, same: case_id, goal: solved, within: 30 days",
            events=Events(names=("solved",)),
            same="case_id",
            goal="solved",
            within=days(30),
        ),
        Stop(path="stop_when/1", span=SPAN, words="leaves: buyers", leaves="buyers"),
        Stop(
            path="stop_when/2",
            span=SPAN,
            words="call.mark: 5, goal: happy",
            condition=Compare(
                subject=Subject(SubjectKind.STEP, "call.mark"),
                test=OneOf((Fraction(5),)),
                path="stop_when/2/call.mark",
                words="5",
            ),
            goal="happy",
        ),
        Stop(
            path="stop_when/3",
            span=SPAN,
            words="trigger.severity: low",
            condition=Compare(
                subject=Subject(SubjectKind.TRIGGER, "severity"),
                test=OneOf(("low",)),
                path="stop_when/3/trigger.severity",
                words="low",
            ),
        ),
    )


def test_a_step_with_everything() -> None:
    """All keys of a step arrive in their types."""
    text = book(
        steps=(
            (
                "{step: call, do: call, title: 回访, brief: 先道歉, due: within 3 working days, "
                "at: 10:00, assign: owner, outcomes: [yes, no], if_late: skip, template: a/b.md, "
                "ask: {mark: 1 to 5, why: [price, 服务], note: text, n: number, on: date, ok: yes_no}}"
            ),
            "{step: letter, do: letter, from: call, recheck: {call.outcome: no, in: buyers}}",
        )
    )
    found = playbook(text, templates={"a/b.md": "hello"})

    assert found.steps[0] == Do(
        name="call",
        channel="call",
        due=Due(DueForm.WITHIN, high=Duration(3, Unit.WORKING_DAY)),
        path="steps/0",
        span=SPAN,
        title="回访",
        at=dt.time(10),
        assign="owner",
        brief="先道歉",
        template=Template(files=("a/b.md",)),
        outcomes=("yes", "no"),
        ask=(
            Asked(name="mark", kind=AskedKind.SCALE, low=1, high=5),
            Asked(name="why", kind=AskedKind.CHOICE, choices=("price", "服务")),
            Asked(name="note", kind=AskedKind.TEXT),
            Asked(name="n", kind=AskedKind.NUMBER),
            Asked(name="on", kind=AskedKind.DATE),
            Asked(name="ok", kind=AskedKind.YES_NO),
        ),
        if_late=IfLate.SKIP,
    )
    assert found.steps[1].due == Due(DueForm.NOW)
    assert found.steps[1].anchor == Anchor(AnchorKind.STEP, "call")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("now", Due(DueForm.NOW)),
        ("same day", Due(DueForm.SAME_DAY)),
        ("within 24 hours", Due(DueForm.WITHIN, high=Duration(24, Unit.HOUR))),
        ("after ７ days", Due(DueForm.AFTER, low=days(7))),
        (
            "between 5 and 7 working days",
            Due(
                DueForm.BETWEEN,
                low=Duration(5, Unit.WORKING_DAY),
                high=Duration(7, Unit.WORKING_DAY),
            ),
        ),
        (
            "between 3 hours and 2 days",
            Due(DueForm.BETWEEN, low=Duration(3, Unit.HOUR), high=days(2)),
        ),
    ],
)
def test_due(text: str, expected: Due) -> None:
    """Every form of ``due``."""
    step = f"{{step: call, do: call, assign: manager, due: {text}}}"

    assert playbook(book(steps=(step,))).steps[0].due == expected


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("3 days", "write within 3 days"),
        ("in 3 days", "write within 3 days"),
        ("within 3天", "write within 3 days"),
        ("3个工作日", "write within 3 working days"),
        ("5-7 days", "write between 5 and 7 days"),
        ("between 5 and 7", "write between 5 and 7 days"),
        ("between 7 and 5 days", "write between 5 and 7 days"),
        ("between 2 days and 3 hours", "write between 3 hours and 2 days"),
        ("within 24h", "write within 24 hours"),
        ("today", "write same day"),
        ("immediately", "write now"),
        ("within 1.5 hours", "write within 90 minutes"),
        ("same day 10:00", "write due: same day, at: 10:00"),
        ("within 3 days after entry", "write due: within 3 days, from: entry"),
        (
            "soon",
            "write now, same day, within 3 working days, after 2 days, or between 5 and 7 days",
        ),
    ],
)
def test_other_dues_get_the_exact_replacement(text: str, hint: str) -> None:
    """What people write for ``due`` instead is refused with what to write."""
    found = said(book(steps=(f"{{step: call, do: call, assign: manager, due: {text}}}",)))

    assert [line.split("; ")[1] for line in found] == [hint]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("entry", Anchor(AnchorKind.ENTRY)),
        ("second", Anchor(AnchorKind.STEP, "second")),
        ("contract_end", Anchor(AnchorKind.DATE, "contract_end")),
        ("60 days before contract_end", Anchor(AnchorKind.DATE, "contract_end", days(60), True)),
        ("3 days after last_order", Anchor(AnchorKind.DATE, "last_order", days(3))),
        ("1 hours after joined", Anchor(AnchorKind.DATE, "joined", Duration(1, Unit.HOUR))),
    ],
)
def test_anchors(text: str, expected: Anchor) -> None:
    """Every form of ``from``."""
    step = f"{{step: call, do: call, assign: manager, from: {text}}}"
    second = "{step: second, do: letter, from: entry}"

    assert playbook(book(steps=(step, second))).steps[0].anchor == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("call", 'step "call" waits for itself; name another step, or entry'),
        ("trigger.date", ("`trigger.date` is the day of a trigger `date`, `holiday` or `every`; "
         "name a step, entry, or a date")),
        ("second.on", ('step "second" is not done before this one; '
         "name a date that a step above asks for")),
        ("secnd", 'no step or date "secnd" to count from; did you mean "second"?'),
        ("size", '"size" is no date; name a step, entry, or a date'),
        ("60 days before size", '"size" is no date; name a step, entry, or a date'),
        ("60天 before contract_end", ('"60天" is no length of time; '
         "write 60 days before contract_end")),
        ("3 hours before contract_end", ("contract_end is a date, which has no hours; "
         "write days, weeks, months or years")),
        ("3 working days before contract_end", ("`from` can't be counted in working time: "
         "3 working days before contract_end; "
         "write days or weeks here; `due` takes working days")),
        ("3 days after second", ('`from: second` takes no "3 days"; '
         "write from: second and due: after 3 days")),
    ],
)  # fmt: skip
def test_wrong_anchors(text: str, message: str) -> None:
    """A moment that can't be counted from is one finding."""
    step = f"{{step: call, do: call, assign: manager, from: {text}}}"
    second = "{step: second, do: letter, from: entry}"

    assert [line.split("] ", 1)[1] for line in said(book(steps=(step, second)))] == [message]


@pytest.mark.parametrize(
    ("step", "message"),
    [
        ("{step: x, do: emial}", 'step "x": no channel "emial"; known here: call, letter'),
        ("{step: x, do: cal}", 'step "x": no channel "cal"; did you mean "call"?'),
        ("{step: x, do: call, assign: manger}", 'no role "manger"; did you mean "manager"?'),
        ("{step: x, do: call, assign: manager, at: 10am}",
         '`at` is a time of day and can\'t be "10am"; write at: 10:00'),
        ("{step: x, do: call, assign: manager, ask: {mark: 1-5}}",
         '"mark" can\'t ask for "1-5"; write 1 to 5'),
        ("{step: x, do: call, assign: manager, ask: {outcome: text}}",
         "`outcome` is what `outcomes:` gives already; choose another name"),
        ("{step: x, do: call, assign: manager, outcomes: [a, a]}", '`outcomes` lists "a" twice'),
        ("{step: x, do: letter, outcomes: [a]}",
         ('step "x": nobody does a file, so `outcomes` has no meaning; '
         "take a channel of kind task")),
        ("{step: x, do: letter, template: none.md}",
         ("the project has no folder templates/ yet, so these texts are missing: none.md; "
          "write them there before it runs")),
        ("{step: x, do: letter, template: ../none.md}",
         'template "../none.md" is not a file below templates/; write the name alone: welcome.md'),
        ("{step: x, do: message}",
         ('step "x": `do: message` needs `routing` in house.yaml, which chooses the channel; '
         "or name a channel: call, letter")),
        ("{step: x, do: letter, recheck: {trigger.severty: low}}",
         ('no field "severty" in every event that starts this playbook; '
         'did you mean "severity"?')),
        ("{step: x, do: letter, recheck: {x.outcome: low}}",
         'step "x" has no result yet when this is asked; name a step above'),
        ("{step: x, do: letter, recheck: {y.outcome: low}}",
         'no step "y"; known here: call, x'),
    ],
)  # fmt: skip
def test_wrong_steps(step: str, message: str) -> None:
    """A wrong step is one finding at its place."""
    found = said(book(steps=(STEP, step)))

    assert [line.split("] ", 1)[1] for line in found] == [message]


def test_steps_that_wait_for_each_other() -> None:
    """A circle of ``from`` is told once, with its steps."""
    steps = (
        "{step: a, do: letter, from: c}",
        "{step: b, do: letter}",
        "{step: c, do: letter}",
    )

    assert said(book(steps=steps)) == [
        (
            "5:33: error[cycle] these steps wait for each other: a -> c -> b -> a; "
            "let one of them start `from: entry`"
        )
    ]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (("only: buyers, slipping",),
         '"buyers, slipping" is one text: a list needs [ ]; write [buyers, slipping]'),
        (("only: buyrs",), 'no segment "buyrs"; did you mean "buyers"?'),
        (("only: {trigger.severity: low}",),
         "`trigger.` has a meaning in recheck and stop_when only"),
        (("again: 90 days",),
         '`again` is a length of time and can\'t be "90 days"; write after 90 days'),
        (("again: once",), '`again` can\'t be "once"; write never'),
        (("holdout: 5",), "`holdout` is a share; write 5%"),
        (("existing: enrol",), ("`existing: enrol` needs a trigger `enters`, `changes` or `date` "
         "with `before`; write existing: skip")),
        (("stop_when: [{event: solved, same: caseid}]",),
         'event "complaint" has no field "caseid"; did you mean "case_id"?'),
        (("stop_when: [{event: solved, leaves: buyers}]",),
         "one line of `stop_when` has `event` and `leaves`; make a line of each, with its dash"),
        (("stop_when: [{event: solved, within: 3 days}]",),
         "`within` is the time in which a goal counts; add goal: <word>"),
        (("segments:", "  buyers: {size: 3}"),
         '"buyers" is already the name of a segment of shared.yaml; choose another name'),
    ],
)  # fmt: skip
def test_wrong_heads(lines: tuple[str, ...], message: str) -> None:
    """A wrong key of the playbook is one finding."""
    assert [line.split("] ", 1)[1] for line in said(book(*lines))] == [message]


@pytest.mark.parametrize(
    ("trigger", "message"),
    [
        ("{event: complain}", 'no event "complain"; did you mean "complaint"?'),
        ("{enters: buyrs}", 'no segment "buyrs"; did you mean "buyers"?'),
        ("{enters: tier}", '"tier" is a class, not a segment; write tier.A, or {tier: A}'),
        ("{changes: buyers}", ('no class "buyers"; '
         "a segment is entered or left: write {enters: buyers}")),
        ("{changes: tier, to: B}", 'class "tier" has no value "B"; known here: A, 其他'),
        ("{enters: buyers, where: {amount: 3}}",
         'a trigger has no key "where"; it goes with event, first, missing'),
        ("{enters: buyers, event: order}", ('a trigger has no key "enters"; '
         "event and enters are two of them: keep one here")),
        ("{enters: buyers, holds_for: 2天}",
         '`holds_for` is a length of time and can\'t be "2天"; write 2 days'),
        ("{event: order, late: 30 days}", ('`late` can\'t be "30 days"; '
         "write accept within 30 days, or ignore")),
        ("{date: contract_end, before: 90 days, after: 3 days}",
         ("one trigger has `before` and `after`; make two of it, each with its dash")),
        ("{missing: solved, after: complaint}", "`missing` needs `within`; write within: 24 hours"),
        ("holiday", 'trigger "holiday" does not say what it is; write {holiday: ...}'),
        ("buyers", 'trigger "buyers" does not say what it is; write {enters: buyers}'),
        ("complaint", 'trigger "complaint" does not say what it is; write {event: complaint}'),
    ],
)  # fmt: skip
def test_wrong_triggers(trigger: str, message: str) -> None:
    """A wrong trigger is one finding."""
    assert [line.split("] ", 1)[1] for line in said(book(trigger=trigger))] == [message]


def test_a_broken_playbook_is_left_out_and_the_others_stay() -> None:
    """Playbooks fail open: the project stands, the broken file is named."""
    found, findings = checked(p=PLAYBOOK, q=PLAYBOOK.replace("complaint", "complain"))

    assert found is not None
    assert [each.name for each in found.playbooks] == ["p"]
    assert found.broken == ("playbooks/q.yaml",)
    assert found.findings == findings
    assert [finding.level for finding in findings] == [Level.ERROR]


def test_two_playbooks_of_one_name() -> None:
    """The second file with a name is left out."""
    found, findings = checked(p=PLAYBOOK, q=PLAYBOOK)

    assert found is not None
    assert [each.file for each in found.playbooks] == ["playbooks/p.yaml"]
    assert [str(finding) for finding in findings] == [
        (
            'playbooks/q.yaml:1:11: error[name-clash] the playbook "p" stands in playbooks/p.yaml '
            "already; give one of them another name"
        )
    ]


def test_one_name_asked_for_in_two_types() -> None:
    """A name that tasks ask for has one type in the whole project."""
    other = PLAYBOOK.replace("playbook: p", "playbook: q").replace("1 to 5", "text")

    assert told(p=PLAYBOOK, q=other) == [
        (
            'playbooks/q.yaml:5:72: error[name-clash] "mark" is asked for as something else in '
            "playbooks/p.yaml; ask alike, or choose another name"
        )
    ]


def test_a_playbook_without_owner_or_assignee_is_warned_about() -> None:
    """Nobody to ask and nobody to do it are legal and doubtful."""
    text = "playbook: p\ntrigger: {event: order}\nsteps:\n  - {step: a, do: call}\n"

    assert said(text) == [
        "1:1: warning[no-owner] the playbook has no owner; add owner: with a team or person",
        (
            '4:5: warning[no-assignee] step "a" is a task that nobody gets; '
            "add assign: with a role of care.yaml"
        ),
    ]


def test_local_definitions_stand_on_the_shared_ones() -> None:
    """A playbook's own measures and segments are in its catalogue, not in the project's."""
    text = book(
        "measures:",
        "  visits: {count: visit, last: 30 days}",
        "segments:",
        "  quiet: {in: buyers, visits: 0}",
        trigger="{enters: quiet}",
    )
    found, findings = checked(p=text)

    assert findings == ()
    assert found is not None
    assert set(found.playbooks[0].catalogue.segments) == {"buyers", "slipping", "quiet"}
    assert set(found.catalogue.segments) == {"buyers", "slipping"}
    assert "visits" not in found.catalogue.measures


def test_unreadable_shared_definitions_do_not_cascade() -> None:
    """Where shared.yaml can't be read, playbooks are not blamed for its names."""
    found, findings = checked(shared="segments:\n\t- x", p=book("only: whoever"))

    assert found is None
    assert {finding.span.file for finding in findings} == {"shared.yaml"}


def test_a_missing_care_yaml() -> None:
    """Without care.yaml there is no project."""
    found, findings = checked(care="")

    assert found is None
    assert {finding.span.file for finding in findings} == {"care.yaml"}


def test_shared_and_house_may_be_absent_or_empty() -> None:
    """A project can do without shared definitions and house rules."""
    text = book(trigger="{event: order}")

    assert told(shared="", p=text) == []
    assert told(shared="# nothing yet\n", house="# nothing yet\n", p=text) == []
    assert CARE != SHARED
