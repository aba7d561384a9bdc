"""Schemas of care.yaml (vocabulary and settings) and house.yaml (house rules)."""

from __future__ import annotations

from rules.schema_channels import CHANNEL
from rules.schema_shapes import (
    Schema,
    either,
    flag,
    items,
    name,
    named,
    number,
    open_table,
    ref,
    table,
    text,
    value,
    values,
    word,
)

__all__ = ["CARE", "CARE_DEFINITIONS", "HOUSE"]

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
            "undeclared": word(
                "Events with a field that is not declared.",
                {"refuse": "they go to the rejects", "ignore": "the field is left out"},
                "ignore",
            ),
            "anonymous": word(
                "Calls that name a visitor, no customer.",
                {
                    "refuse": "they go to the rejects",
                    "ignore": "they are passed over",
                    "take": "the visitor's id is the customer's",
                },
                "ignore",
            ),
            "replies": name("The event that a reply to a message is.", "message_reply"),
            "limit": text("How much may wait for the next run.", "256 MB"),
        },
    ),
    "type": ["object", "null"],
}

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
        "timezone": text("The business zone.", "Asia/Shanghai"),
        "calendar": text("Public holidays of this country, or none.", "CN", "none"),
        "hours": values(
            "Working hours; a break stands between two spans.",
            "09:00-18:00",
            ["09:00-12:00", "13:30-18:00"],
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
                "per_run": number("New journeys of one playbook a run.", 500),
                "deliver_for": text("How long a run sends at most.", "2 minutes"),
            },
        ),
        "give_up": text("Closes tasks that nobody finishes.", "after 30 days"),
        "ingest": _INGEST,
    },
    ["care"],
)

_PURPOSES = values("Purposes of playbooks.", ["marketing", "value"])
_WORK = {
    "purpose": values("Its purpose, or one of these.", "marketing"),
    "playbook": values("Its playbook, or one of these.", "churn_rescue"),
}
_RULE = table(
    "a rule",
    "One rule: judges each piece of work that starts or runs.",
    {
        "rule": text("Its name.", "no_marketing_while_complaining"),
        "when": table(
            "when",
            "When the rule applies.",
            {
                "work": open_table(
                    "work",
                    "The piece of work that is judged.",
                    {**_WORK, "channel": values("Its channel, or one of these.", "email")},
                    values("A property of the work."),
                ),
                "customer": ref("who", "What holds of the customer.", {"open_complaints": "above 0"}),
                "running": open_table(
                    "running",
                    "Other work of the same customer.",
                    _WORK,
                    values("A property of that work."),
                ),
            },
            example={"work": {"purpose": "marketing"}, "customer": {"open_complaints": "above 0"}},
        ),
        "then": value(
            "hold, skip, defer D, assign a role or use a channel.",
            "skip",
            "defer 2 days",
            "assign manager",
        ),
    },
    ["rule", "when", "then"],
)  # fmt: skip

_CONSENT = open_table(
    "consent",
    "Channels, each with the attribute that allows it.",
    {
        "purposes": _PURPOSES,
        "all": name("The attribute that allows every channel.", "customer.contact_ok"),
        "do_not_contact": name("The mark that forbids every channel.", "customer.no_contact"),
    },
    name("The attribute that allows this channel.", "customer.email_ok"),
    example={"email": "customer.email_ok", "purposes": ["marketing"]},
)

HOUSE = table(
    "house.yaml",
    "What binds every playbook: rules, routing, caps, quiet hours, consent.",
    {
        "rules": {
            **items(
                "Rules that judge each piece of work.",
                _RULE,
                [{"rule": "a", "when": {"work": {"purpose": "marketing"}}, "then": "skip"}],
                least=0,
            ),
            "type": ["array", "null"],
        },
        "routing": items(
            "Which channel `do: message` takes: the first line that fits.",
            table(
                "a line of routing",
                "A channel, and when it is taken.",
                {
                    "use": name("A channel, or an attribute that names one.", "email"),
                    "if": ref("who", "When it is taken.", {"birth_year": "at least 1990"}),
                },
                ["use"],
            ),
            [{"use": "preferred_channel"}, {"use": "email"}],
        ),
        "caps": items(
            "How much may reach one customer.",
            table(
                "a cap",
                "At most so many in a rolling window.",
                {
                    "at_most": number("So many.", 3),
                    "per": text("In this time.", "7 days"),
                    "purposes": _PURPOSES,
                    "channels": values("Channels that count.", ["email"]),
                    "exempt": values("Purposes that are always let through.", ["repair"]),
                    "then": word(
                        "What happens to more.",
                        {"defer": "it waits until there is room", "skip": "it is left out"},
                        "defer",
                    ),
                },
                ["at_most", "per"],
            ),
            [{"at_most": 3, "per": "7 days", "then": "defer"}],
        ),
        "quiet": table(
            "quiet",
            "When nothing reaches a customer.",
            {
                "hours": text("From and to, in the customer's zone.", "21:00-08:30"),
                "channels": values("Channels that are bound.", ["wecom"]),
                "exempt": values("Purposes that are always let through.", ["repair"]),
                "then": word(
                    "What happens to what would go out then.",
                    {"wait": "it waits for the end", "skip": "it is left out"},
                    "wait",
                ),
            },
            ["hours"],
        ),
        "consent": either(
            "Which attribute of the customer allows which channel.",
            {"email": "customer.email_ok", "purposes": ["marketing"]},
            [{"email": "customer.email_ok"}, {"do_not_contact": "customer.no_contact"}],
            sequence=_CONSENT,
            mapping=_CONSENT,
        ),
        "holdout": value("The share of customers that no playbook touches.", "5%"),
    },
)
