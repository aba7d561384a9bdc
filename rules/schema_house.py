"""Schema of house.yaml: what binds every playbook."""

from __future__ import annotations

from rules.schema_shapes import (
    either,
    items,
    name,
    number,
    open_table,
    ref,
    table,
    text,
    value,
    values,
    word,
)

__all__ = ["HOUSE"]

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
