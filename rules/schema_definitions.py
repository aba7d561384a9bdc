"""Schemas of what shared.yaml and playbooks both define: measures, segments, classes, conditions."""

from __future__ import annotations

from rules.schema_shapes import (
    Schema,
    either,
    items,
    kinds,
    named,
    names,
    number,
    open_table,
    ref,
    table,
    text,
    values,
    word,
)

__all__ = ["CONDITION", "DEFINITIONS", "MEASURE_KINDS", "SHARED", "sections"]

_LABELS: dict[str, Schema] = {
    "title": text("What people see.", "流失风险"),
    "strategy": text("What the firm does with these customers, in words.", "专人回访"),
    "marks": text("How people recognise these customers, in words.", "三个月无联系"),
}

CONDITION: dict[str, Schema] = {
    "all": items(
        "Every one of these conditions holds.", ref("condition"), [{"in": "a"}, {"in": "b"}]
    ),
    "any": items(
        "At least one of these conditions holds.",
        ref("condition"),
        [{"orders": "above 3"}, {"in": "vip"}],
    ),
    "not": ref("condition", "The condition does not hold; of an unknown, unknown.", {"in": "vip"}),
    "in": names("Member of this segment or class value, or of any in a list.", "at_risk", ["a", "b"]),
}  # fmt: skip

_TEST: Schema = {
    "description": (
        "A test: a value, a list (one of), or a phrase: at least 3, between 1 and 5, not A, known, "
        "within last 30 days, at least 3 months ago, down more than 30%, top 20% of dealt."
    ),
    "type": ["string", "number", "boolean", "array"],
    "items": {"type": ["string", "number", "boolean"]},
    "minItems": 1,
    "examples": ["above 3", "within last 30 days", "down more than 30%", ["A", "B"]],
}

_WINDOW: dict[str, Schema] = {
    "last": text("The length of the window that ends now.", "60 days", "3 months"),
    "ending": text("Moves the window into the past.", "60 days ago"),
    "where": ref("condition", "Only events whose fields pass.", {"amount": "at least 100"}),
    "per": word("Divides the result by the months of the window.", {"month": "a month"}, "month"),
    "needs": number("With fewer events than this the measure is unknown.", 4),
}

_FIELD = "The field of an event, or a list of them."
_SAME = text("The field that tells which two events belong together.", "case_id")


def _counted(description: str, example: str) -> Schema:
    return ref("events", description, example)


#: What a measure may be, by its first key.
MEASURE_KINDS: dict[str, dict[str, Schema]] = {
    "count": {"count": _counted("How many of these events; 0 where none.", "order")},
    "sum": {"sum": values(f"{_FIELD} Their sum; 0 of nothing.", "order.amount")},
    "mean": {"mean": values(f"{_FIELD} Their mean; unknown of nothing.", "order.amount")},
    "min": {"min": values(f"{_FIELD} The smallest; unknown of nothing.", "order.amount")},
    "max": {"max": values(f"{_FIELD} The largest; unknown of nothing.", "order.amount")},
    "distinct": {"distinct": values(f"{_FIELD} How many different values.", "order.product")},
    "first_time": {"first_time": _counted("When the first of these events was.", "order")},
    "last_time": {"last_time": _counted("When the last of these events was.", "order")},
    "first_value": {"first_value": values(f"{_FIELD} The first value.", "survey.nps")},
    "last_value": {"last_value": values(f"{_FIELD} The last value.", "survey.nps")},
    "share": {
        "share": _counted("The part of the `of` events that one of these matches.", "message_reply"),
        "of": _counted("The events that are the whole.", "message_sent"),
        "same": _SAME,
    },
    "change": {"change": text("A measure against its window before, relative.", "orders_60d")},
    "difference": {"difference": text("A measure minus its window before.", "orders_60d")},
    "time": {
        "time": _counted("Mean time from each of these events ...", "message_sent"),
        "to": _counted("... to the first of these after it.", "message_reply"),
        "same": _SAME,
    },
    "open": {
        "open": _counted("How many of these are open ...", "complaint_opened"),
        "closed_by": _counted("... that is, with none of these after it.", "complaint_resolved"),
        "same": _SAME,
    },
    "months_with": {"months_with": _counted("Calendar months that have one of these.", "order")},
    "changed": {"changed": text("When a customer attribute last changed.", "key_contact")},
}  # fmt: skip

_CLASS_VALUE = table(
    "a value of a class",
    "One value of the class and who gets it.",
    {
        "value": text("The value; closed, so that typing mistakes are found.", "A"),
        "if": ref("condition", "Who gets it; without it, everybody who is left.", {"size": "above 9"}),
        **_LABELS,
    },
    ["value"],
)  # fmt: skip

#: Shapes that refer to each other by name.
DEFINITIONS: dict[str, Schema] = {
    "condition": open_table(
        "a condition",
        "All of these hold: tests of attributes, measures and classes, and all, any, not, in.",
        CONDITION,
        ref("test"),
        example={"orders_60d": "above 3"},
    ),
    "test": _TEST,
    "who": either(
        "Segments (any of them) or a condition.",
        scalar=names(""),
        sequence=names("")["items"],
        mapping=ref("condition"),
    ),
    "events": either(
        "An event, a list or group of them, or {event: ..., where: {...}}.",
        "order",
        ["call", "visit"],
        scalar=names(""),
        sequence=either("", scalar=names(""), mapping=ref("some_events")),
        mapping=ref("some_events"),
    ),
    "some_events": table(
        "an event",
        "Events that pass a condition on their fields.",
        {
            "event": names("An event, a group, or a list of them.", "order"),
            "where": ref("condition", "Only events whose fields pass.", {"amount": "above 100"}),
        },
        ["event"],
    ),
    "measure": kinds(
        "a measure",
        "One figure of each customer.",
        MEASURE_KINDS,
        _WINDOW,
        example={"count": "order", "last": "60 days"},
    ),
    "segment": open_table(
        "a segment",
        "A named condition on customers.",
        {**_LABELS, **CONDITION},
        ref("test"),
        example={"title": "忠诚", "orders_60d": "at least 4"},
    ),
    "class": table(
        "a class",
        "One value a customer, the first that matches.",
        {
            **_LABELS,
            "of": text("Only members of this segment have a value.", "dealt"),
            "values": items("The values, the first that matches wins.", _CLASS_VALUE, [{"value": "A"}]),
        },
        ["values"],
    ),
}  # fmt: skip


def sections(*, empty: bool) -> dict[str, Schema]:
    """Return the three keys under which things are defined; ``empty``: may stand there bare."""
    return {
        "measures": named(
            "Figures of each customer, computed from events.",
            ref("measure"),
            {"orders_60d": {"count": "order", "last": "60 days"}},
            empty=empty,
        ),
        "segments": named(
            "Named groups of customers.",
            ref("segment"),
            {"loyal": {"title": "忠诚", "orders_60d": "at least 4"}},
            empty=empty,
        ),
        "classes": named(
            "Classifications: each customer has one value.",
            ref("class"),
            {"tier": {"values": [{"value": "A", "if": {"amount_1y": "above 50000"}}, {"value": "B"}]}},
            empty=empty,
        ),
    }  # fmt: skip


SHARED = table(
    "shared.yaml", "Measures, segments and classes that several playbooks use.", sections(empty=True)
)  # fmt: skip
