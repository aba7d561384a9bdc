"""Schema of a playbook: who, when, how often, what then, and what ends it."""

from __future__ import annotations

from rules.schema_definitions import CONDITION, sections
from rules.schema_shapes import (
    Schema,
    either,
    flag,
    items,
    kinds,
    name,
    named,
    names,
    number,
    open_table,
    ref,
    table,
    text,
    usual,
    value,
    values,
    word,
)

__all__ = ["PLAYBOOK", "PLAYBOOK_DEFINITIONS", "STEP_KINDS", "TRIGGER_KINDS"]

_WHERE = ref("condition", "Only events whose fields pass.", {"severity": "high"})
_SAME = text("The field that tells that two events belong together.", "case_id")
_IN = names("Only members of this segment; the others are no candidates.", "value_tier.A")
_AT = value("At this time of day.", "10:00")
_LATE = text("What happens to events that arrive late.", "accept within 7 days", "ignore")
_HOLDS = text("How long it must have held already.", "2 days")

_PASSING = table(
    "an event",
    "One of these events, if it passes.",
    {"event": names("One of these events.", "complaint_opened"), "where": _WHERE},
    ["event"],
)


def _which(description: str, example: str) -> Schema:
    """An event, a list of them, or {event: ..., where: ...}."""
    return either(
        description, example, scalar=value(""), sequence={"type": "string"}, mapping=_PASSING
    )


#: What may begin a journey, by the key that says it.
TRIGGER_KINDS: dict[str, dict[str, Schema]] = {
    "event": {
        "event": names("Each of these events.", "complaint_opened"),
        "where": _WHERE,
        "late": _LATE,
    },
    "first": {
        "first": names("The first of these in the whole log.", "payment"),
        "where": _WHERE,
        "late": _LATE,
    },
    "enters": {"enters": name("Becomes a member of this segment.", "at_risk"), "holds_for": _HOLDS},
    "leaves": {"leaves": name("Is no longer a member of it.", "at_risk"), "holds_for": _HOLDS},
    "changes": {
        "changes": name("The customer's value in this class changes.", "value_tier"),
        "from": values("From one of these values.", "A"),
        "to": values("To one of these values.", "B"),
        "holds_for": _HOLDS,
    },
    "changed": {
        "changed": name("A customer attribute changes.", "key_contact"),
        "late": _LATE,
    },
    "missing": {
        "missing": _which("None of these events came ...", "first_reply"),
        "after": _which("... after one of these ...", "complaint_opened"),
        "within": text("... in this time.", "24 hours"),
        "same": _SAME,
        "where": _WHERE,
        "late": _LATE,
    },
    "date": {
        "date": name("A date of the customer, or an instant.", "contract_end"),
        "before": text("So long before it.", "90 days"),
        "after": text("So long after it.", "3 days"),
        "yearly": flag("Every year on its day.", "yes"),
        "at": _AT,
        "late": _LATE,
    },
    "holiday": {
        "holiday": names("Public holidays, or days of care.yaml's dates.", ["春节", "中秋节"]),
        "before": text("So long before it.", "3 working days"),
        "after": text("So long after it.", "1 day"),
        "at": _AT,
        "in": _IN,
        "late": _LATE,
    },
    "every": {
        "every": text("A rhythm: day, week, month, quarter, year, a duration or cron.", "month"),
        "day": value("On which day of it.", "first working day", "Monday", 15),
        "at": _AT,
        "since": text("Counted from this instant instead.", "last_time order"),
        "in": _IN,
    },
    "manual": {"manual": flag("Begun by hand.", "yes")},
}
_TRIGGER = kinds(
    "a trigger",
    "What begins a journey.",
    TRIGGER_KINDS,
    {
        "name": text("Its name, seen as trigger.name.", "vip_left"),
    },
    example={"event": "complaint_opened"},
)

_ASK = named(
    "What the person is asked for when the task is done.",
    values("1 to 5, a list of words, text, number, date or yes_no.", "1 to 5", ["price", "other"]),
    {"satisfaction": "1 to 5", "note": "text"},
)
_RETRY = table(
    "retry",
    "Again after an outcome.",
    {
        "on": values("After this outcome, or one of these.", "no_answer"),
        "every": text("So long after the last one.", "1 working day"),
        "times": number("At most so often.", 3),
    },
    ["on", "every", "times"],
)
_REPEAT = table(
    "repeat",
    "The step several times.",
    {
        "every": text("So long after the previous one's close.", "3 days"),
        "times": number("So often.", 10),
        "until": ref("condition", "Until this holds.", {"in": "active"}),
    },
    ["every", "times"],
)
_RUNG = table(
    "if_overdue",
    "Who gets a task of its own when this one is not done in time.",
    {
        "escalate": text("The role that gets it then.", "manager"),
        "after": text("So long after it was due.", "4 working hours"),
    },
    ["escalate"],
)
_OVERDUE = either(
    "What happens when the task is not done in time: one escalation, or several in turn.",
    {"escalate": "manager"},
    [{"escalate": "manager"}, {"escalate": "director", "after": "1 working day"}],
    sequence=_RUNG,
    mapping=_RUNG,
)
_TEMPLATE = either(
    "The text: one file, a list in turn, or {by: attribute, value: file, else: file}.",
    "welcome.md",
    ["t1.md", "t2.md"],
    scalar=value(""),
    sequence={"type": "string"},
    mapping=open_table(
        "template",
        "A text by the value of something.",
        {"by": text("Whose value chooses.", "industry"), "else": text("For all others.", "a.md")},
        {"type": "string", "description": "The text for this value."},
    ),
)
_DONE_WHEN = table(
    "done_when",
    "The event that closes the task.",
    {
        "event": names("One of these events.", "first_reply"),
        "same": _SAME,
        "where": _WHERE,
    },
    ["event"],
)
_WAIT_FOR = table(
    "wait",
    "The event that is waited for.",
    {
        "event": names("One of these events.", "message_reply"),
        "same": _SAME,
        "where": _WHERE,
        "up_to": text("At most so long.", "5 working days"),
    },
    ["event"],
)
_BRANCH = kinds(
    "a branch",
    "One branch of a choice.",
    {
        "if": {
            "if": ref("condition", "Taken when this holds.", {"visit.outcome": "price"}),
            "then": ref("steps", "The steps of the branch.", [{"step": "call", "do": "call"}]),
        },
        "else": {"else": ref("steps", "The steps when no branch above fits.", [{"step": "call", "do": "call"}])},
    },
    {},
    example={"if": {"kind": "company"}, "then": [{"step": "call", "do": "call"}]},
)  # fmt: skip

_IF_LATE = "When its time was over before it could open."
_LATE_WORDS = {"do": "do it all the same", "skip": "skip it"}
_ESCALATE = {"escalate": "give it to the first role of if_overdue"}

#: What a step may do, by the key that says it.
STEP_KINDS: dict[str, dict[str, Schema]] = {
    "do": {
        "do": name("The channel; `message` lets routing choose.", "call"),
        "due": text(
            "When: now, same day, within D, after D, between A and B.", "within 3 working days"
        ),
        "at": value("At this time of day, inside the window.", "10:00"),
        "to": text("Another address than the channel's.", "customer.email"),
        "assign": name("The role that gets the task.", "account_manager"),
        "template": _TEMPLATE,
        "brief": text("What to tell the person who does it.", "Ask what went wrong"),
        "outcomes": values("What may come of it; the person chooses one.", ["fine", "no_answer"]),
        "ask": _ASK,
        "done_when": _DONE_WHEN,
        "retry": _RETRY,
        "repeat": _REPEAT,
        "if_overdue": _OVERDUE,
        "recheck": ref("who", "Asked when the step opens; skipped unless it holds.", {"in": "at_risk"}),
        "on_unknown": word(
            "When it is not known whether a message went out.",
            {"hold": "wait for a person", "resend": "send it again"},
        ),
        "give_up": text("Closes an unfinished task.", "after 30 days"),
        "if_late": word(_IF_LATE, {**_LATE_WORDS, **_ESCALATE}, "skip"),
    },
    "wait": {
        "wait": either(
            "An event, a list of them, or a duration.",
            "3 days",
            {"event": "message_reply", "up_to": "5 days"},
            scalar=value(""),
            sequence=_WAIT_FOR,
            mapping=_WAIT_FOR,
        ),
        "then": ref("steps", "When it came.", [{"step": "thanks", "do": "message"}]),
        "else": ref("steps", "When the time was over.", [{"step": "call", "do": "call"}]),
        "if_late": word(_IF_LATE, _LATE_WORDS, "skip"),
    },
    "choose": {
        "choose": items("The first branch that fits.", _BRANCH, [{"if": {"kind": "company"}, "then": [{"step": "call", "do": "call"}]}]),
        "if_late": word(_IF_LATE, _LATE_WORDS, "skip"),
    },
    "split": {"split": named("Branches at random, with their shares.", value("A share.", "50%"), {"a": "50%", "b": "50%"})},
    "set": {"set": named("Sets attributes of the customer.", values("The new value.", "add 100"), {"points": "add 100"})},
    "record": {
        "record": name("Writes this event into the log.", "complaint_opened"),
        "fields": named("Its fields.", value("A value, or trigger.field.", "high"), {"severity": "high"}),
    },
    "start": {"start": name("Starts another playbook.", "farewell")},
    "stop": {"stop": name("Ends the journey with this word.", "lost")},
}  # fmt: skip

_STEP = kinds(
    "a step",
    "One step of a playbook.",
    STEP_KINDS,
    {
        "step": text("Its name.", "first_call"),
        "title": text("What people see.", "首次电话"),
        "from": text(
            "Where its clock starts: entry, a step, trigger.date, 60 days before contract_end.",
            "entry",
        ),
        "disabled": flag("Leaves the step out.", "yes"),
    },
    ["step"],
    example={"step": "first_call", "do": "call", "due": "within 3 days"},
)  # fmt: skip

_STOP = open_table(
    "a line of stop_when",
    "An event, leaving a segment, or a condition that ends the journey.",
    {
        "event": names("One of these events.", "order"),
        "where": _WHERE,
        "same": _SAME,
        "leaves": name("No longer a member of this segment.", "at_risk"),
        "goal": name("The goal that is reached with it.", "won_back"),
        "within": text("The goal counts only so long after entry.", "30 days"),
        **CONDITION,
    },
    ref("test"),
    example={"event": "order", "goal": "won_back"},
)

PLAYBOOK_DEFINITIONS: dict[str, Schema] = {
    "steps": items("Steps, top to bottom.", ref("step"), [{"step": "call", "do": "call"}], least=0),
    "step": _STEP,
    "stop": _STOP,
    "trigger": _TRIGGER,
}

PLAYBOOK = table(
    "a playbook",
    "One playbook: who, when, what then.",
    {
        "playbook": text("Its name, as the ledger keeps it.", "churn_rescue"),
        "title": text("What people see.", "流失预警与挽回"),
        "owner": text("The team or person who answers for it.", "customer-success"),
        "status": usual(word(
            "Whether it acts.",
            {
                "active": "starts and continues journeys",
                "paused": "starts nothing, its journeys wait",
                "draft": "checked, never run",
            },
            "active",
        ), "active"),
        "purpose": text("What it is for; house rules judge by it.", "retention"),
        "priority": usual(number("Higher is served first.", 80), 0),
        **sections(empty=False),
        "trigger": either(
            "What begins a journey; of a list, any of them.",
            {"enters": "at_risk"},
            [{"event": "signup"}, "manual"],
            scalar={"type": ["string"]},
            sequence=either("", scalar={"type": ["string"]}, mapping=ref("trigger")),
            mapping=ref("trigger"),
        ),
        "only": ref("who", "Only these customers, asked once, as of entry.", "mature", ["mature", "tier.A"]),
        "except": ref("who", "Not these customers, asked once, as of entry.", "vip"),
        "again": text("Whether a customer may enter again.", "never", "always", "after 90 days"),
        "overlap": usual(word(
            "When a journey of this customer runs already.",
            {
                "ignore": "the new one does not begin",
                "parallel": "both run",
                "restart": "the old one ends",
                "queue": "the new one waits for the old one's end",
            },
            "parallel",
        ), "ignore"),
        "existing": usual(word(
            "Those already inside when the playbook goes live.",
            {"skip": "they do not enter", "enrol": "they enter"},
            "skip",
        ), "skip"),
        "holdout": value("The share of customers that is left out, to compare with.", "5%"),
        "limits": table(
            "limits",
            "How many journeys may begin in one run before it asks.",
            {"per_run": number("New journeys a run.", 500)},
        ),
        "migrate": usual(word(
            "What an edit does to running journeys.",
            {
                "stay": "they go on as they began",
                "move": "they go over to the new steps",
                "cancel": "they end",
            },
        ), "stay"),
        "stop_when": either(
            "What ends a journey early.",
            [{"event": "order", "goal": "won_back"}],
            sequence=ref("stop"),
            mapping=ref("stop"),
        ),
        "steps": items("What is done, top to bottom.", ref("step"), [{"step": "call", "do": "call", "due": "within 3 days"}]),
    },
    ["playbook", "trigger", "steps"],
)  # fmt: skip
