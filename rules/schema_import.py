"""Schema of an import map: how the rows of a file become events and profiles."""

from __future__ import annotations

from rules.schema_shapes import (
    Schema,
    either,
    items,
    kinds,
    named,
    open_table,
    ref,
    table,
    text,
    value,
    values,
    word,
)

__all__ = ["CELL_KINDS", "IMPORT", "IMPORT_DEFINITIONS"]

_FORMAT = text("How a time is written, or unix seconds.", "%d/%m/%Y %H:%M", "unix seconds")
_ZONE = text("The zone of times without one.", "Europe/London")
_MAP = named("The file's words and ours.", value("Our word.", "yes"), {"Y": "yes", "N": "no"})

_TAKES = {
    "sum": "The sum of a column, or of a product of columns.",
    "min": "The smallest value of a column.",
    "max": "The largest value of a column.",
    "first": "The first known value of a column, in the order of the file.",
    "last": "The last known value of a column, in the order of the file.",
    "count": "How many rows (count: rows), or known values of a column.",
    "distinct": "How many different values of a column.",
}
CELL_KINDS: dict[str, dict[str, Schema]] = {
    "column": {"column": text("The column.", "Mail")},
    "value": {"value": value("A fixed value instead of a column.", "shop")},
    **{key: {key: text(description, "Quantity")} for key, description in _TAKES.items()},
}

IMPORT_DEFINITIONS: dict[str, Schema] = {
    "time": either(
        "The column that holds the time, or {column: ..., format: ...}.",
        "InvoiceDate",
        {"column": "Date", "format": "%Y%m%d"},
        scalar=value(""),
        mapping=table(
            "time",
            "The column that holds the time.",
            {"column": text("The column.", "Date"), "format": _FORMAT, "timezone": _ZONE},
            ["column"],
        ),
    ),
    "cell": either(
        "A column, a product `A * B`, or {sum: Quantity * UnitPrice}.",
        "Country",
        {"sum": "Quantity * UnitPrice"},
        scalar=value(""),
        mapping=kinds(
            "a cell",
            "Where a value comes from.",
            CELL_KINDS,
            {"values": _MAP, "format": _FORMAT, "timezone": _ZONE},
            example={"column": "Mail", "values": {"Y": "yes", "N": "no"}},
        ),
    ),
    "tests": open_table(
        "a row condition",
        "Columns and tests; all of them hold.",
        {},
        values(
            "A text, a list (one of), not X, starts with X, ends with X, contains X, above 0, "
            "between 1 and 5, known, unknown.",
            "not starts with C",
            "above 0",
        ),
    ),
    "when": either(
        "Which rows are meant: columns and tests; of a list, any of them.",
        {"Status": "paid", "Quantity": "above 0"},
        sequence=ref("tests"),
        mapping=ref("tests"),
    ),
}

_OWN: dict[str, Schema] = {
    "customer": text("The column that names the customer.", "CustomerID"),
    "time": ref("time", "The column that holds the time.", "InvoiceDate"),
    "known": ref("time", "When the firm knew: at event, at import, or a column.", "at event"),
    "id": values("The column that names the event, or several.", "InvoiceNo"),
    "when": ref("when", "Which rows are meant.", {"Quantity": "above 0"}),
}

_EVENT = table(
    "an entry of events",
    "One kind of event in the rows.",
    {
        "event": either(
            "The event of care.yaml, or {from: column, values: {...}}.",
            "order",
            {"from": "Activity", "values": {"Wait": "ticket_wait"}},
            scalar=value(""),
            mapping=table(
                "event",
                "Which event a row is, by a column.",
                {"from": text("The column.", "Activity"), "values": _MAP},
                ["from", "values"],
            ),
        ),
        **_OWN,
        "group": values("Rows with equal values here become one event.", "InvoiceNo"),
        "fields": named(
            "The event's fields and where they come from.",
            ref("cell"),
            {"amount": {"sum": "Quantity * UnitPrice"}, "country": "Country"},
        ),
    },
    ["event"],
)

IMPORT = table(
    "an import map",
    "How the rows of a file become events and profiles.",
    {
        "import": {
            "description": "The version of the map.",
            "oneOf": [{"const": 1, "description": "the first"}],
            "examples": [1],
        },
        "source": text("Where the rows come from; with the id it makes a row known again.", "shop"),
        "format": word(
            "What the file holds; else found out.",
            {
                "csv": "text with a delimiter",
                "jsonl": "one JSON object a line",
                "parquet": "Parquet",
                "xlsx": "a workbook of Excel",
            },
            "csv",
        ),
        "delimiter": value("One character, or comma, tab, semicolon, pipe, whitespace.", ";"),
        "encoding": text("How the text is written; else found out.", "gb18030"),
        "sheet": value("The sheet of a workbook; else its first.", "Orders"),
        "columns": values("Names, for a file without a header line.", ["customer", "date"]),
        "timezone": _ZONE,
        "query": text("SQL over the table rows, for anything harder.", "SELECT * FROM rows"),
        "duplicates": word(
            "Lines that are exactly equal.",
            {"keep": "each is an event", "drop": "only the first is one"},
            "drop",
        ),
        **_OWN,
        "events": items("The kinds of events in the rows.", _EVENT, [{"event": "order"}]),
        "profile": table(
            "profile",
            "Attributes of the customer in the rows.",
            {
                **_OWN,
                "attributes": named(
                    "The customer's attributes and where they come from.",
                    ref("cell"),
                    {"name": "Name", "email_ok": {"column": "Mail", "values": {"Y": "yes"}}},
                ),
            },
            ["attributes"],
        ),
    },
    ["import", "source"],
)
