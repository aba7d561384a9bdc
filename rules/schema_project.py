"""Schema of care.yaml: the vocabulary and the settings of a project."""

from __future__ import annotations

from rules.schema_channels import CHANNEL
from rules.schema_shapes import (
    Schema,
    either,
    flag,
    name,
    named,
    names,
    number,
    ref,
    table,
    text,
    usual,
    value,
    values,
    word,
)

__all__ = ["CARE", "CARE_DEFINITIONS"]

_TYPES = ["number", "text", "yes_no", "date", "instant"]

#: The two shapes that fields of events and attributes of customers share.
CARE_DEFINITIONS: dict[str, Schema] = {
    "type": either(
        "number, text, yes_no, date, instant, a list of words, or {type: ..., pii: yes}.",
        *_TYPES,
        ["low", "high"],
        {"any_of": ["cost", "service"]},
        scalar={"type": ["string"]},
        sequence={"type": ["string", "number", "boolean"]},
        mapping=ref("long_type"),
    ),
    "long_type": table(
        "a type",
        "A type with its properties.",
        {
            "type": values("number, text, yes_no, date, instant or a list of words.", "date"),
            "any_of": values("Words of which several may hold at once.", ["cost", "service"]),
            "pii": flag("Personal: never in the audit chain.", "yes"),
            "calendar": word(
                "Of a date.",
                {"solar": "the usual calendar", "lunar": "the Chinese lunar calendar"},
                "lunar",
            ),
        },
    ),
}

_EVENT: Schema = {
    **table(
        "an event",
        "One kind of event that may stand in the log.",
        {
            "title": text("What people see.", "下单"),
            "fields": named("What it carries, with types.", ref("type"), {"amount": "number"}),
        },
    ),
    "type": ["object", "null"],
}

_ROLE = either(
    "Who gets tasks: a fixed name, or the one whom an attribute of the customer names.",
    "客服组",
    {"from": "customer.account_manager", "else": "客户成功组"},
    scalar=value(""),
    mapping=table(
        "a role",
        "Who gets tasks.",
        {
            "from": name("The attribute that names the person.", "customer.account_manager"),
            "else": text("Who gets it where the attribute is unknown.", "客户成功组"),
            "capacity": text("Tasks a working day.", "25 a day"),
            "timezone": text("Where these people work.", "Europe/London"),
        },
    ),
)


def _days(description: str, example: str) -> Schema:
    """Dates, or none yet."""
    schema = values(description, [example])
    return {**schema, "type": [*schema["type"], "null"], "minItems": 0}


_TAKING = either(
    "The event that it is, or more: {event: ..., fields: {ours: theirs}}.",
    "order",
    {"event": "order", "fields": {"amount": "total"}},
    scalar=name(""),
    mapping=table(
        "a name of theirs",
        "What one of the senders' names stands for.",
        {
            "event": name("The event that it is.", "order"),
            "profile": flag("It tells attributes of the customer instead.", "yes"),
            "fields": named(
                "Our fields, each with theirs.", text("Their field."), {"amount": "total"}
            ),
            "customer": text("Their field that names the customer.", "client.id"),
        },
    ),
)

_INGEST: Schema = {
    **table(
        "ingest",
        "How events that other programs send are taken.",
        {
            "token": text("What senders show.", "${env:CARE_INGEST_TOKEN}"),
            "secret": text("What senders sign with.", "${env:CARE_INGEST_SECRET}"),
            "events": named(
                "Their names and ours, where they differ.",
                _TAKING,
                {"Order Completed": "order"},
                empty=True,
            ),
            "attributes": named(
                "Our attributes, each with their name for it.",
                text("Their name."),
                {"region": "area"},
                empty=True,
            ),
            "ignore": values("Names of theirs that are passed over.", ["page", "screen"]),
            "undeclared": usual(
                word(
                    "Events with a field that is not declared.",
                    {"refuse": "they go to the rejects", "ignore": "the field is left out"},
                    "ignore",
                ),
                "refuse",
            ),
            "anonymous": usual(
                word(
                    "Calls that name a visitor, no customer.",
                    {
                        "refuse": "they go to the rejects",
                        "ignore": "they are passed over",
                        "take": "the visitor's id is the customer's",
                    },
                    "ignore",
                ),
                "refuse",
            ),
            "replies": name("The event that a reply to a message is.", "message_reply"),
            "limit": usual(text("How much may wait for the next run.", "256 MB"), "256 MB"),
        },
    ),
    "type": ["object", "null"],
}

_REPORTS: Schema = {
    **table(
        "reports",
        "Which events tell how well the firm does: what `care report` counts.",
        {
            "orders": names("The number that an order is worth.", "order.amount"),
            "satisfaction": names("A mark from 1 to 5, beside what tasks ask for.", "survey.satisfaction"),
            "nps": names("A mark from 0 to 10 for whether one would recommend us.", "survey.nps"),
            "replies": table(
                "replies",
                "Which events are answers to which.",
                {
                    "of": names("What may be answered.", "message_sent"),
                    "by": names("The answer.", "message_reply"),
                    "same": name("The field that ties both together.", "message_id"),
                },
                ["of", "by"],
            ),
            "churned": name("The segment of customers who are lost.", "lapsed"),
            "limits": named(
                "What has to follow in time, by the name that reports give it.",
                table(
                    "a limit",
                    "How soon one event has to follow another.",
                    {
                        "from": names("What it counts from.", "complaint_opened"),
                        "to": names("What has to follow.", "first_reply"),
                        "same": name("The field that ties both together.", "case_id"),
                        "within": text("How soon.", "24 hours", "3 working days"),
                    },
                    ["from", "to", "within"],
                ),
                {"首次回复": {"from": "complaint", "to": "reply", "within": "24 hours"}},
                empty=True,
            ),
        },
    ),
    "type": ["object", "null"],
}  # fmt: skip

CARE = table(
    "care.yaml",
    "The vocabulary that playbooks may use, and the settings of the project.",
    {
        "care": {
            "description": "The version of the language.",
            "oneOf": [{"const": 1, "description": "the first"}],
            "examples": [1],
        },
        "business": text("The firm's name.", "云帆科技"),
        "timezone": usual(text("The business zone.", "Asia/Shanghai"), "UTC"),
        "calendar": text("Public holidays of this country, or none.", "CN", "none"),
        "hours": usual(
            values(
                "Working hours; a break stands between two spans.",
                "09:00-18:00",
                ["09:00-12:00", "13:30-18:00"],
            ),
            "09:00-18:00",
        ),
        "days_off": _days("Own days off, beside the calendar's.", "2026-02-13"),
        "days_on": _days("Own working days that the calendar has off.", "2026-12-26"),
        "half_days": named(
            "Days with hours of their own.",
            values("The hours of that day.", "09:00-12:00"),
            {"2026-12-31": "09:00-12:00"},
            empty=True,
        ),
        "customer_timezone": name("The attribute with a customer's time zone.", "customer.tz"),
        "events": named(
            "The kinds of events that may stand in the log.",
            _EVENT,
            {"order": {"title": "下单", "fields": {"amount": "number"}}},
            empty=True,
        ),
        "event_groups": named(
            "Names for several events, usable wherever one is.",
            values("The events.", ["call", "visit"]),
            {"contact": ["call", "visit"]},
            empty=True,
        ),
        "customer": named(
            "The attributes of a customer, with types.",
            ref("type"),
            {"region": ["华东", "华南"]},
            empty=True,
        ),
        "channels": named(
            "The ways in which actions reach somebody.",
            CHANNEL,
            {"call": {"kind": "task"}},
            empty=True,
        ),
        "roles": named("Who gets tasks.", _ROLE, {"support": "客服组"}, empty=True),
        "dates": named(
            "The firm's own named days.",
            value("A date, or every year MM-DD.", "2026-03-18", "every year 11-20"),
            {"周年庆": "every year 11-20"},
            empty=True,
        ),
        "limits": table(
            "limits",
            "How much may happen in one run before it asks.",
            {
                "per_run": usual(number("New journeys of one playbook a run.", 500), 500),
                "deliver_for": usual(
                    text("How long a run sends at most.", "2 minutes"), "2 minutes"
                ),
                "levelling": usual(
                    flag("Tasks open where their role has room, within their time.", "yes"), "no"
                ),
            },
        ),
        "give_up": text("Closes tasks that nobody finishes.", "after 30 days"),
        "ingest": _INGEST,
        "reports": _REPORTS,
    },
    ["care"],
)
