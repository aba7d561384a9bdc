"""Schema of a file of tests: stories of customers, and what is expected."""

from __future__ import annotations

from collections.abc import Mapping

from rules.schema_shapes import (
    Schema,
    either,
    flag,
    items,
    name,
    named,
    names,
    number,
    ref,
    table,
    text,
    value,
    values,
    word,
)

__all__ = ["EXPECTATION_KINDS", "HAPPENING_KINDS", "TESTFILE", "TESTFILE_DEFINITIONS"]

_AT = text("When: an instant of the project's zone.", "2025-03-03 10:00")
_CUSTOMER = name("Of which customer; may be left out where there is one.", "K1")
_SERIES: dict[str, Schema] = {
    "every": text("Again and again, so far apart; with `times`.", "7 days"),
    "times": number("How often in all.", 5),
    "arrives": text("When care learns of it, where that is later.", "2025-03-08 09:00"),
}
_VALUES = named("The attributes and their values.", values("A value.", "B"), {"tier": "B"})

#: Deciding key -> the keys of its kind. An event and a finished task take names of the project too.
HAPPENING_KINDS: dict[str, dict[str, Schema]] = {
    "event": {
        "event": name("An event of care.yaml happens.", "order"),
        "fields": named("Fields whose names are keys here.", values("A value.", 1), {"times": 3}),
        **_SERIES,
    },
    "set": {"set": ref("values", "Attributes of the customer change.", {"tier": "B"}), **_SERIES},
    "done": {
        "done": name("A person finishes the task of this step.", "first_call"),
        "outcome": text("How it ended: an outcome of the step.", "reached"),
        "note": text("What the person wrote.", "想要报价"),
    },
    "snooze": {
        "snooze": name("A person puts the task of this step off.", "first_call"),
        "until": text("Until then.", "2025-03-07 18:00"),
    },
    "start": {
        "start": name("A person starts this playbook by hand.", "vip_visit"),
        "trigger": name("Which of its triggers, where it has several.", "manual"),
    },
}
_OPEN = ("event", "done")

_WHEN = text("An instant, or a day: any time of it.", "2025-03-03 10:00")
_NEVER = flag("That it does not happen.", "yes")
_BECAUSE = name("Why not: a reason code.", "only")
_RULE = text("The house rule that said so, as `care why` names it.", "no marketing while unhappy")
_TIMES = number("How many there are.", 2)
_PLAYBOOK = name("Another playbook than that of the file.", "regular_news")
_SAYS = either(
    "The whole text, or what is in it and what is not.",
    "您好",
    {"has": ["甲公司"], "not": ["None"]},
    scalar=value(""),
    mapping=ref("says"),
)

#: Deciding key -> the keys of its kind.
EXPECTATION_KINDS: dict[str, dict[str, Schema]] = {
    "starts": {
        "starts": flag("A journey of the playbook begins, or none does.", "yes"),
        "at": _WHEN,
        "trigger": name("The name of the trigger.", "late_order"),
        "times": _TIMES,
        "because": _BECAUSE,
        "rule": _RULE,
        "playbook": _PLAYBOOK,
    },
    "step": {
        "step": name("What becomes of this step.", "first_call"),
        "opens": _WHEN,
        "at": _WHEN,
        "due": _WHEN,
        "closes": _WHEN,
        "state": word(
            "Its state at the end of the test.",
            {
                "planned": "its opening lies ahead",
                "open": "waits for a person",
                "due": "held back by a house rule on its way out",
                "sent": "went out",
                "done": "a person finished it, or it took effect",
                "expired": "nobody finished it in time",
                "skipped": "left out, with a reason",
                "cancelled": "called off, with a reason",
                "failed": "the channel refused it",
            },
            "done",
        ),
        "sent": flag("It went out, or it exists and did not.", "yes"),
        "channel": name("Through which channel.", "call"),
        "assign": text("Who has it.", "王芳"),
        "outcome": text("How the task ended, or which branch was taken.", "reached"),
        "turn": number("Which one of several.", 2),
        "times": _TIMES,
        "to": text("The address.", "a@example.com"),
        "subject": _SAYS,
        "text": _SAYS,
        "brief": _SAYS,
        "because": _BECAUSE,
        "rule": _RULE,
        "never": _NEVER,
        "playbook": _PLAYBOOK,
    },
    "journey": {
        "journey": word(
            "The state of the customer's journey at the end of the test.",
            {
                "running": "it goes on",
                "finished": "every step is closed",
                "stopped": "a stop or a goal ended it",
            },
            "stopped",
        ),
        "at": _WHEN,
        "reason": name("Why it ended: a reason code.", "goal"),
        "goal": name("The goal that was reached.", "won_back"),
        "by": name("The event that ended it.", "order"),
        "times": _TIMES,
        "playbook": _PLAYBOOK,
    },
    "event": {
        "event": name("An event that care writes.", "churn_reason"),
        "at": _WHEN,
        "fields": named(
            "Fields and their values.", values("A value.", "price"), {"reason": "price"}
        ),
        "times": _TIMES,
        "never": _NEVER,
    },
}


def _kinds(
    title: str,
    of: Mapping[str, Mapping[str, Schema]],
    common: Mapping[str, Schema],
    example: object,
) -> Schema:
    """A table that differs by which of its keys is there; some kinds take names of the project."""
    union = {key: shape for keys in reversed(list(of.values())) for key, shape in keys.items()}
    schema = table(title, f"{title.capitalize()}.", {**union, **common}, [next(iter(of))])
    for key, keys in reversed(list(of.items())):
        kind = table(title, f"{title.capitalize()}.", {**keys, **common}, [key])
        if title == "a happening":
            kind["required"] = [key, "at"]
            if key in _OPEN:
                kind["additionalProperties"] = values("A field or an answer.", 100)
        schema = {"if": {"required": [key]}, "then": kind, "else": schema}
    head: Schema = {"title": title, "description": f"{title.capitalize()}.", "type": "object"}
    return {**head, "examples": [example], **schema}


TESTFILE_DEFINITIONS: dict[str, Schema] = {
    "values": _VALUES,
    "says": table(
        "a text",
        "What is in a text, and what is not.",
        {
            "has": values("What is in it.", ["甲公司"]),
            "not": values("What is not in it.", ["None"]),
        },
    ),
    "happening": _kinds(
        "a happening",
        HAPPENING_KINDS,
        {"at": _AT, "customer": _CUSTOMER},
        {"at": "2025-03-03 10:00", "event": "order", "amount": 100},
    ),
    "expectation": _kinds(
        "an expectation",
        EXPECTATION_KINDS,
        {"customer": _CUSTOMER},
        {"step": "first_call", "opens": "2025-03-03 10:00", "state": "open"},
    ),
}

_STORY: dict[str, Schema] = {
    "customers": named(
        "Who there is, with the attributes that they have from the beginning.",
        named("Attributes.", values("A value.", "A"), {"tier": "A"}, empty=True),
        {"K1": {"tier": "A"}},
    ),
    "events": items(
        "What happens, in any order.", ref("happening"), [{"at": "2025-03-03", "event": "order"}]
    ),
    "house": name("none: without house rules; or a file with others.", "none"),
    "live": text("When the playbooks go live; what happens before is history.", "2025-03-01"),
    "runs": values("When cron runs: a rhythm, or instants.", "every day at 08:00"),
    "with": names("Further playbooks that run beside it.", ["regular_news"]),
}

TESTFILE = table(
    "a file of tests",
    "Tests of one playbook.",
    {
        "playbook": name("The playbook that the file is about.", "after_complaint"),
        "with": _STORY["with"],
        "given": table(
            "given",
            "What every test of the file begins with.",
            {key: shape for key, shape in _STORY.items() if key != "with"},
        ),
        "tests": items(
            "The tests.",
            table(
                "a test",
                "One story, and what is expected of it.",
                {
                    "test": text("What should be true, in a sentence.", "投诉解决后致歉"),
                    **_STORY,
                    "until": text("Up to when it is played.", "2025-04-01"),
                    "expect": items(
                        "What has to come of it.", ref("expectation"), [{"starts": "yes"}]
                    ),
                },
                ["test", "expect"],
            ),
            [{"test": "投诉解决后致歉", "expect": [{"starts": "yes"}]}],
        ),
    },
    ["playbook", "tests"],
)
