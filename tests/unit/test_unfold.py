"""The walk over the step tree, with a customer that is a list of events."""

import datetime as dt
from dataclasses import dataclass, field
from fractions import Fraction

import pytest

from engine.calendar import WorkingCalendar
from engine.journeys import Journey
from engine.unfold import unfold
from engine.walking import NEVER, Unfolded
from engine.words import ActionKind, ActionState, Reason
from rules.conditions import Always
from rules.errors import Span
from rules.history import Event
from rules.measures import Catalogue, Events
from rules.playbook import (
    Anchor,
    AnchorKind,
    Assignment,
    Awaited,
    Branch,
    Choose,
    Do,
    DoneWhen,
    Due,
    DueForm,
    Overdue,
    Playbook,
    Record,
    Repeat,
    Retry,
    Set,
    Split,
    StartOther,
    StopHere,
    Wait,
)
from rules.units import Duration, Unit, from_iso
from rules.vocabulary import Vocabulary

SPAN = Span("playbooks/x.yaml", 1, 1)
WITHIN = Due(DueForm.WITHIN, high=Duration(2, Unit.DAY))
NOW = Due(DueForm.NOW)
TRUE, FALSE = Always(), "false"
CALENDAR = WorkingCalendar.of(
    Vocabulary(
        business="x", timezone="UTC", calendar="none", opens=dt.time(9), closes=dt.time(18),
        events={}, groups={}, attributes={}, channels={}, roles={}, dates={},
    )
)  # fmt: skip


def t(text: str) -> int:
    return from_iso(text, "UTC")


ENTRY = t("2025-10-01T10:00")


@dataclass
class Customer:
    """A World of events alone; a condition is true when it is TRUE."""

    at: int
    events: tuple = ()
    tasks: frozenset = frozenset({"call"})
    until: dict = field(default_factory=dict)
    give_up: Duration | None = None
    calendar: WorkingCalendar = CALENDAR
    replans: bool = False
    dates: dict = field(default_factory=dict)

    def follow(self, actions):
        """Conditions here do not look at steps."""

    def clock(self, at):
        return at

    def kind(self, channel):
        return ActionKind.TASK if channel in self.tasks else ActionKind.MESSAGE

    def date(self, anchor):
        return self.dates.get(anchor.name)

    def verdict(self, condition, at):
        verdict = self.until.get(at, condition is TRUE)
        return verdict, {"verdict": verdict}

    def passes(self, awaited, event):
        return event.name in awaited.events.names

    def assigned(self, step, at):
        lines = step.values if isinstance(step, Set) else step.fields
        return {line.attribute: line.value for line in lines}

    def expires(self, step, action):
        return action.due_by + self.give_up.seconds * 10**6 if self.give_up else None


def do(name, due=WITHIN, channel="call", **more):
    return Do(name=name, channel=channel, due=due, path=f"steps/{name}", span=SPAN, **more)


def make(kind, name, **more):
    return kind(name=name, path=f"steps/{name}", span=SPAN, **more)


def awaits(*names):
    return (Awaited(events=Events(names=names)),)


def event(name, when):
    return Event(id=f"{name}@{when}", name=name, at=t(when))


class Course:
    """One journey that is walked at several instants, as runs would."""

    def __init__(self, *steps):
        self.book = Playbook(
            name="x", title="x", file="playbooks/x.yaml", span=SPAN, steps=steps, triggers=(),
            catalogue=Catalogue(measures={}, segments={}, classes={}),
        )  # fmt: skip
        self.journey = Journey(
            id="j-1", playbook="x", revision="r", customer="c", trigger="event", occurrence="o",
            entry=ENTRY, started_at=ENTRY,
        )  # fmt: skip
        self.actions = {}

    def walk(self, when, *events, **more) -> Unfolded:
        found = unfold(
            self.book, self.journey, self.actions, Customer(at=t(when), events=events, **more)
        )
        self.actions |= found.changed
        again = unfold(
            self.book, self.journey, self.actions, Customer(at=t(when), events=events, **more)
        )
        assert again.changed == {}, "a second walk with the same facts moves nothing"
        return found

    def set(self, name, turn=1, **values):
        from dataclasses import replace

        self.actions[name, turn] = replace(self.actions[name, turn], **values)

    def open(self, name, turn=1):
        action = self.actions[name, turn]
        self.set(name, turn, state=ActionState.OPEN, opened_at=action.opens_at)

    def done(self, name, when, outcome=None, turn=1):
        self.set(name, turn, state=ActionState.DONE, closed_at=t(when), outcome=outcome)

    def state(self, name, turn=1):
        return self.actions[name, turn].state


def test_a_step_counts_from_the_close_of_the_one_above():
    """The second step is planned when the first closes, and counts from that instant."""
    course = Course(do("a"), do("b"))
    course.walk("2025-10-01T10:00")
    assert set(course.actions) == {("a", 1)}

    course.done("a", "2025-10-02T15:00")
    course.walk("2025-10-03T00:00")

    assert course.actions["b", 1].opens_at == t("2025-10-02T15:00")


def test_a_disabled_step_is_passed_over():
    """What follows a disabled step counts from what stands before it."""
    course = Course(do("a", disabled=True), do("b"))
    course.walk("2025-10-01T10:00")

    assert set(course.actions) == {("b", 1)}
    assert course.actions["b", 1].opens_at == ENTRY


def test_a_wait_hears_an_event_strictly_after_its_opening():
    """An event of the opening's own instant is not heard; the first later one is, at its time."""
    course = Course(make(Wait, "w", awaited=awaits("reply"), up_to=Duration(2, Unit.DAY)), do("b"))
    course.walk("2025-10-02T00:00", event("reply", "2025-10-01T10:00"))
    assert course.state("w") is ActionState.OPEN

    course.walk("2025-10-02T00:00", event("reply", "2025-10-01T12:00"))

    assert course.actions["w", 1].branch == "then"
    assert course.actions["b", 1].opens_at == t("2025-10-01T12:00")


def test_at_the_last_instant_the_event_wins():
    """An event at the very end of a wait is in time."""
    course = Course(make(Wait, "w", awaited=awaits("reply"), up_to=Duration(2, Unit.DAY)))
    course.walk("2025-10-09T00:00", event("reply", "2025-10-03T10:00"))

    assert course.actions["w", 1].branch == "then"


def test_a_wait_times_out_at_its_time_not_at_the_run():
    """The else branch counts from the end of the wait, however late the run."""
    wait = make(
        Wait, "w", awaited=awaits("reply"), up_to=Duration(2, Unit.DAY), otherwise=(do("b"),)
    )
    course = Course(wait)
    found = course.walk("2025-10-09T00:00")

    assert course.actions["w", 1].branch == "else"
    assert course.actions["b", 1].opens_at == t("2025-10-03T10:00")
    assert found.done_at is None


@pytest.mark.parametrize("acted", [False, True])
def test_a_late_event_takes_a_time_out_back_unless_the_branch_has_acted(acted):
    """An event that came in time but was known late wins while nothing of else went out."""
    wait = make(
        Wait, "w", awaited=awaits("reply"), up_to=Duration(2, Unit.DAY),
        then=(do("thanks"),), otherwise=(do("call"),),
    )  # fmt: skip
    course = Course(wait)
    course.walk("2025-10-04T00:00")
    if acted:
        course.open("call")
    course.walk("2025-10-05T00:00", event("reply", "2025-10-02T10:00"))

    assert course.actions["w", 1].branch == ("else" if acted else "then")
    assert course.state("call") is (ActionState.OPEN if acted else ActionState.CANCELLED)
    assert (("thanks", 1) in course.actions) is not acted


def test_a_plain_delay_ends_with_then():
    """`wait: 3 days` closes three days on and the line goes on."""
    course = Course(make(Wait, "w", awaited=(), up_to=Duration(3, Unit.DAY)), do("b"))
    course.walk("2025-10-03T00:00")
    assert ("b", 1) not in course.actions

    course.walk("2025-10-05T00:00")

    assert course.actions["b", 1].opens_at == t("2025-10-04T10:00")


def test_an_endless_wait_keeps_the_journey_open():
    """Without `up_to` only the event ends a wait."""
    course = Course(make(Wait, "w", awaited=awaits("reply"), up_to=None))
    found = course.walk("2035-01-01T00:00")

    assert course.actions["w", 1].due_by == NEVER
    assert found.done_at is None


def test_a_choice_is_asked_once_and_closes_with_its_branch():
    """The first true branch is taken for good; the line goes on when its steps are closed."""
    first = Branch(condition=FALSE, steps=(do("a"),))
    second = Branch(condition=TRUE, steps=(do("b"),))
    course = Course(make(Choose, "c", branches=(first, second)), do("after"))
    course.walk("2025-10-01T10:00")
    assert set(course.actions) == {("c", 1), ("b", 1)}

    course.done("b", "2025-10-02T10:00")
    course.walk("2025-10-02T12:00")

    assert course.state("c") is ActionState.DONE
    assert course.actions["after", 1].opens_at == t("2025-10-02T10:00")


def test_a_choice_without_a_match_closes_with_a_reason():
    """No branch and no else: the choice closes at once, and says so."""
    course = Course(
        make(Choose, "c", branches=(Branch(condition=FALSE, steps=(do("a"),)),)), do("after")
    )
    course.walk("2025-10-01T10:00")

    assert course.actions["c", 1].reason == Reason.NO_BRANCH
    assert course.actions["after", 1].opens_at == ENTRY


def test_a_split_is_stable_and_about_fair():
    """The same customer is always in the same share; shares are as large as written."""
    split = make(Split, "s", shares=(("a", Fraction(3, 10)), ("b", Fraction(7, 10))))

    def share(customer):
        from dataclasses import replace

        course = Course(split)
        course.journey = replace(course.journey, customer=customer)
        course.walk("2025-10-01T10:00")
        return course.actions["s", 1].outcome

    shares = [share(f"c{n}") for n in range(500)]

    assert shares == [share(f"c{n}") for n in range(500)]
    assert 110 <= shares.count("a") <= 190


def test_a_retry_follows_its_outcome_until_its_tries_are_used_up():
    """no_answer tries again after the pause, at most so many times."""
    retry = Retry(on=("no_answer",), every=Duration(1, Unit.DAY), times=1)
    course = Course(do("a", retry=retry), do("b"))
    course.walk("2025-10-01T10:00")
    course.done("a", "2025-10-01T11:00", "no_answer")
    course.walk("2025-10-01T12:00")
    assert course.actions["a", 2].opens_at == t("2025-10-02T11:00")
    assert ("b", 1) not in course.actions

    course.done("a", "2025-10-02T12:00", "no_answer", turn=2)
    course.walk("2025-10-03T12:00")

    assert ("a", 3) not in course.actions
    assert course.actions["b", 1].opens_at == t("2025-10-02T12:00")


def test_a_repeat_counts_from_the_previous_close_and_ends_by_until():
    """Each turn counts from the close of the one before; until is asked at that close."""
    repeat = Repeat(every=Duration(3, Unit.DAY), times=10, until=FALSE)
    course = Course(do("a", repeat=repeat))
    course.walk("2025-10-01T10:00")
    course.done("a", "2025-10-02T10:00")
    course.walk("2025-10-02T10:00")
    assert course.actions["a", 2].opens_at == t("2025-10-05T10:00")

    course.done("a", "2025-10-06T10:00", turn=2)
    found = course.walk("2025-10-06T12:00", until={t("2025-10-06T10:00"): True})

    assert ("a", 3) not in course.actions
    assert found.done_at == t("2025-10-06T10:00")


def test_done_when_closes_a_task_that_was_never_opened():
    """An event between the opening and a late run closes the task by event time."""
    done_when = DoneWhen(events=Events(names=("first_reply",)))
    course = Course(do("a", done_when=done_when), do("b"))
    course.walk("2025-10-02T00:00", event("first_reply", "2025-10-01T11:00"))

    assert course.state("a") is ActionState.DONE
    assert course.actions["a", 1].by == "first_reply first_reply@2025-10-01T11:00"
    assert course.actions["b", 1].opens_at == t("2025-10-01T11:00")


def test_give_up_closes_a_task_as_expired_at_its_time():
    """A task that nobody does ends with the outcome expired when its time is over."""
    course = Course(do("a"), do("b"))
    course.walk("2025-10-01T10:00")
    course.open("a")
    course.walk("2025-10-09T00:00", give_up=Duration(1, Unit.DAY))

    assert course.state("a") is ActionState.EXPIRED
    assert course.actions["a", 1].outcome == "expired"
    assert course.actions["b", 1].opens_at == t("2025-10-04T10:00")


def test_an_overdue_task_makes_one_of_its_own_that_its_end_takes_back():
    """Escalation is a task beside the first; it does not hold up the line."""
    course = Course(do("a", if_overdue=(Overdue(role="boss"),)), do("b"))
    course.walk("2025-10-01T10:00")
    course.open("a")
    course.walk("2025-10-03T09:00")
    assert ("a.overdue", 1) not in course.actions

    course.walk("2025-10-03T11:00")
    assert course.state("a.overdue") is ActionState.PLANNED

    course.open("a.overdue")
    course.done("a", "2025-10-03T12:00")
    course.walk("2025-10-03T13:00")

    assert course.actions["a.overdue", 1].reason == Reason.ANSWERED
    assert course.actions["b", 1].opens_at == t("2025-10-03T12:00")


def test_effects_happen_once_in_their_place():
    """set, record and start are done when the line reaches them, and not again."""
    points = make(Set, "points", values=(Assignment(attribute="points", value=10),))
    note = make(Record, "note", event="talk", fields=(Assignment(attribute="x", value="y"),))
    other = make(StartOther, "other", playbook="farewell")
    course = Course(do("a"), points, note, other)
    course.walk("2025-10-01T10:00")
    course.done("a", "2025-10-01T12:00")
    found = course.walk("2025-10-01T13:00")

    assert course.actions["points", 1].detail == {"values": {"points": 10}}
    assert course.actions["note", 1].detail == {"event": "talk", "values": {"x": "y"}}
    assert [step.playbook for step, _ in found.starts] == ["farewell"]
    assert found.done_at == t("2025-10-01T12:00")
    assert course.walk("2025-10-02T13:00").starts == []


def test_a_stop_step_ends_the_walk():
    """Nothing behind a stop is planned."""
    course = Course(make(StopHere, "over", word="lost"), do("a"))
    found = course.walk("2025-10-01T10:00")

    assert found.stopped is not None
    assert found.stopped[0].word == "lost"
    assert ("a", 1) not in course.actions


def test_what_hangs_on_a_cancelled_step_is_cancelled():
    """Cancelled cancels what is anchored on it; skipped counts as closed."""
    course = Course(do("a"), do("b"), do("c", anchor=Anchor(AnchorKind.ENTRY)))
    course.walk("2025-10-01T10:00")
    course.set("a", state=ActionState.CANCELLED, closed_at=ENTRY)
    course.walk("2025-10-01T11:00")

    assert course.actions["b", 1].reason == Reason.ANCHOR_CANCELLED
    assert course.state("c") is ActionState.PLANNED


def test_a_message_closes_for_the_line_when_it_is_released():
    """Steps behind a message count from its release, whatever its channel says later."""
    course = Course(do("mail", NOW, "email"), do("b"))
    course.walk("2025-10-01T10:00")
    course.set("mail", state=ActionState.DUE, opened_at=t("2025-10-01T20:00"))
    course.walk("2025-10-01T20:00")

    assert course.actions["b", 1].opens_at == t("2025-10-01T20:00")


def test_what_counts_from_the_entry_is_known_at_once():
    """Steps above which nothing stands, and `from: entry`, are planned at once; the rest is not."""
    course = Course(do("a", NOW), do("b", NOW), do("c", NOW, anchor=Anchor(AnchorKind.ENTRY)))
    course.walk("2025-10-01T09:00")

    assert {key: one.opens_at for key, one in course.actions.items()} == {
        ("a", 1): ENTRY, ("c", 1): ENTRY,
    }  # fmt: skip
    assert {one.state for one in course.actions.values()} == {ActionState.PLANNED}


@pytest.mark.parametrize("state", [ActionState.SKIPPED, ActionState.EXPIRED, ActionState.DONE])
def test_closed_is_closed(state):
    """Done, expired or skipped: the line goes on from there."""
    course = Course(do("a"), do("b", NOW))
    course.walk("2025-10-01T10:00")
    course.set("a", state=state, closed_at=t("2025-10-01T11:00"))
    course.walk("2025-10-01T12:00")

    assert course.actions["b", 1].opens_at == t("2025-10-01T11:00")


def test_cancelled_goes_down_the_line():
    """A cancelled step takes those behind it along, one after the other, at its own instant."""
    course = Course(do("a"), do("b"), do("c"))
    course.walk("2025-10-01T10:00")
    course.set("a", state=ActionState.CANCELLED, closed_at=t("2025-10-01T11:00"))
    course.walk("2025-10-01T12:00")

    assert {
        name: (one.state, one.reason, one.closed_at)
        for (name, _), one in course.actions.items()
        if name != "a"
    } == dict.fromkeys(
        "bc", (ActionState.CANCELLED, Reason.ANCHOR_CANCELLED, t("2025-10-01T11:00"))
    )


def test_a_date_anchor_waits_until_the_date_is_known():
    """Without the date there is no plan; with it the plan says what it counts from."""
    anchor = Anchor(AnchorKind.DATE, "contract_end", offset=Duration(60, Unit.DAY), back=True)
    course = Course(do("a", NOW, anchor=anchor))
    found = course.walk("2025-10-01T10:00")
    assert (course.actions, found.done_at) == ({}, None)

    course.walk("2025-10-01T10:00", dates={"contract_end": ENTRY})
    action = course.actions["a", 1]

    assert (action.opens_at, action.anchor) == (ENTRY, "60 days before contract_end")


def test_ids_are_made_of_journey_and_step():
    """The same step of the same journey has the same id always, of another journey another."""
    from dataclasses import replace

    ids = []
    for key in ("j-1", "j-1", "j-2"):
        course = Course(do("a"), do("b", anchor=Anchor(AnchorKind.ENTRY)))
        course.journey = replace(course.journey, id=key)
        course.walk("2025-10-01T10:00")
        ids.append([one.id for one in course.actions.values()])

    assert ids[0] == ids[1]
    assert len({*ids[0], *ids[2]}) == 4


def test_a_journey_is_over_with_its_last_close():
    """What closed last counts, wherever it stands; what is open keeps the journey open."""
    course = Course(do("a"), do("b", anchor=Anchor(AnchorKind.ENTRY)))
    course.walk("2025-10-01T10:00")
    course.done("a", "2025-10-01T19:00")
    assert course.walk("2025-10-02T10:00").done_at is None

    course.done("b", "2025-10-01T12:00")

    assert course.walk("2025-10-02T10:00").done_at == t("2025-10-01T19:00")
