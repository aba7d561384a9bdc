"""Import maps: what is read, and every mistake in the words that its writer sees."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.errors import Span
from rules.importmap import parse_map
from rules.importmap_types import (
    CellMap,
    Duplicates,
    EventMap,
    FieldMap,
    ImportMap,
    Known,
    RowTest,
    Take,
    TestKind,
    TimeMap,
)
from rules.nodes import Mapping, Node, Scalar, Sequence
from rules.source import read_yaml
from tests.imports import ORDER, field, vocabulary

HERE = Span("", 0, 0)


def parse(text: str) -> tuple[ImportMap | None, list[str]]:
    node, findings = read_yaml(text.encode(), "imports/x.yaml")
    assert node is not None, findings
    found, notes = parse_map(node, vocabulary())
    return found, [str(note) for note in notes]


def number_test(kind: TestKind, low: int, **options: object) -> RowTest:
    return RowTest(column="Q", kind=kind, low=Fraction(low), span=HERE, **options)  # type: ignore[arg-type]


def test_a_whole_map() -> None:
    """The example of the documentation is read as it means."""
    found, notes = parse("""\
import: 1
source: shop
timezone: Europe/London
customer: CustomerID
time: {column: InvoiceDate, format: "%d/%m/%Y %H:%M"}
known: at import
duplicates: drop
delimiter: tab
events:
  - event: order
    when: {InvoiceNo: not starts with C, Q: above 0}
    group: InvoiceNo
    fields: {amount: {sum: Q * Price}, lines: {count: rows}, note: Country}
  - event: {from: What, values: {In: call, Out: call}}
    id: [A, B]
    known: Seen
""")

    assert notes == []
    time = TimeMap(column="InvoiceDate", format="%d/%m/%Y %H:%M", span=HERE)
    assert found == ImportMap(
        source="shop",
        timezone="Europe/London",
        format=found.format if found else None,  # type: ignore[arg-type]
        duplicates=Duplicates.DROP,
        file="imports/x.yaml",
        span=HERE,
        events=(
            EventMap(
                event="order",
                customer="CustomerID",
                time=time,
                known=Known.AT_IMPORT,
                when=(
                    (
                        RowTest(
                            column="InvoiceNo",
                            kind=TestKind.STARTS,
                            negated=True,
                            words=("C",),
                            span=HERE,
                        ),
                        number_test(TestKind.ABOVE, 0),
                    ),
                ),
                group=("InvoiceNo",),
                fields=(
                    FieldMap(
                        field=field("amount", ORDER["amount"]),
                        cell=CellMap(take=Take.SUM, factors=("Q", "Price"), span=HERE),
                    ),
                    FieldMap(
                        field=field("lines", ORDER["lines"]),
                        cell=CellMap(take=Take.COUNT, span=HERE),
                    ),
                    FieldMap(
                        field=field("note", ORDER["note"]),
                        cell=CellMap(factors=("Country",), span=HERE),
                    ),
                ),
                span=HERE,
            ),
            EventMap(
                event=None,
                column="What",
                values={"In": "call", "Out": "call"},
                customer="CustomerID",
                time=time,
                known=TimeMap(column="Seen", span=HERE),
                id=("A", "B"),
                span=HERE,
            ),
        ),
    )
    assert found is not None
    assert found.format.delimiter == "\t"


HEAD = "import: 1\nsource: s\ncustomer: c\ntime: t\n"


@pytest.mark.parametrize(
    ("test", "wanted"),
    [
        ("paid", RowTest(column="Q", kind=TestKind.EQUALS, words=("paid",), span=HERE)),
        ("not paid", RowTest(column="Q", kind=TestKind.EQUALS, negated=True, words=("paid",), span=HERE)),
        ("'not paid'", RowTest(column="Q", kind=TestKind.EQUALS, words=("not paid",), span=HERE)),
        ("[a, b c]", RowTest(column="Q", kind=TestKind.EQUALS, words=("a", "b c"), span=HERE)),
        ("ends with 退款", RowTest(column="Q", kind=TestKind.ENDS, words=("退款",), span=HERE)),
        ("not contains x y", RowTest(column="Q", kind=TestKind.CONTAINS, negated=True, words=("x y",), span=HERE)),
        ("at least 50万", number_test(TestKind.AT_LEAST, 500_000)),
        ("not below -3", number_test(TestKind.BELOW, -3, negated=True)),
        ("between 1 and 9", number_test(TestKind.BETWEEN, 1, high=Fraction(9))),
        ("known", RowTest(column="Q", kind=TestKind.KNOWN, span=HERE)),
        ("unknown", RowTest(column="Q", kind=TestKind.KNOWN, negated=True, span=HERE)),
        ("not unknown", RowTest(column="Q", kind=TestKind.KNOWN, span=HERE)),
    ],
)  # fmt: skip
def test_row_tests(test: str, wanted: RowTest) -> None:
    """Each form of a row test is read as it stands in the documentation."""
    found, notes = parse(f"{HEAD}when: {{Q: {test}}}\nevents:\n  - event: call\n")

    assert notes == []
    assert found is not None
    assert found.events[0].when == ((wanted,),)


def test_conditions_of_map_and_entry_are_both_asked() -> None:
    """A list of mappings is any of them, and the map's own condition holds for each entry."""
    found, _ = parse(
        f"{HEAD}when: {{A: x}}\nevents:\n  - event: call\n    when: [{{B: y}}, {{C: z}}]\n"
    )

    def equals(column: str, word: str) -> RowTest:
        return RowTest(column=column, kind=TestKind.EQUALS, words=(word,), span=HERE)

    assert found is not None
    assert found.events[0].when == (
        (equals("A", "x"), equals("B", "y")),
        (equals("A", "x"), equals("C", "z")),
    )


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("events:\n  - event: ordr\n",
         '6:12: error[unknown-event] care.yaml declares no event "ordr"; did you mean "order"?'),
        ("events:\n  - event: care_done\n",
         '6:12: error[built-in-event] "care_done" is written by care itself and can\'t be imported'),
        ("events:\n  - event: order\n    fields: {amonut: x}\n",
         '7:14: error[unknown-field] event order has no field "amonut"; did you mean "amount"?'),
        ("events:\n  - event: order\n    felds: {amount: x}\n",
         '7:5: error[unknown-key] no key "felds" here; did you mean "fields"?'),
        ("events:\n  - event: order\n    when: {A: => 5}\n",
         '7:15: error[symbol-in-test] no test begins with "=>"; write at least 5'),
        ("events:\n  - event: order\n    when: {A: at least x}\n",
         ('7:15: error[bad-number] "x" is no number; in quotes if the text itself is meant; '
         "for dates write a query")),
        ("events:\n  - event: order\n    fields: {note: {sum: x}}\n",
         "7:20: error[wrong-type] sum gives a number, and note is text"),
        ("events:\n  - event: order\n    fields: {channel: {value: wbe}}\n",
         ('7:23: error[unknown-value] "wbe" is not one of the values of channel in care.yaml; '
         'did you mean "web"?')),
        ("events:\n  - event: order\n    fields: {channel: {column: C, values: {W: wbe}}}\n",
         ('7:23: error[unknown-value] "wbe" is not one of the values of channel in care.yaml; '
         'did you mean "web"?')),
        ("events:\n  - event: order\n    fields: {amount: {sum: x, max: y}}\n",
         ("7:31: error[wrong-shape] a cell has one of column, value, first, last, sum, min, max, "
         "count, distinct; write {column: NAME} or {sum: NAME}")),
        ("events:\n  event: order\n",
         "6:3: error[wrong-shape] events is a list; put a dash before each entry"),
        ("timezone: Asia/Bejing\nevents: [{event: call}]\n",
         ('5:11: error[unknown-timezone] no time zone is called "Asia/Bejing"; '
         "write it like Asia/Shanghai, Europe/London or UTC")),
        ("duplicates: dorp\nevents: [{event: call}]\n",
         '5:13: error[bad-word] duplicates can\'t be "dorp"; did you mean "drop"?'),
        ("encoding: gb18031\nevents: [{event: call}]\n",
         '5:11: error[bad-word] no encoding is called "gb18031"; did you mean "gb18030"?'),
        ("delimiter: ab\nevents: [{event: call}]\n",
         ('5:12: error[bad-word] "ab" is no delimiter; write one character in quotes (";"), or '
         "comma, tab, semicolon, pipe, whitespace")),
        ("events:\n  - {event: call, time: {column: a, format: \"%Q\"}}\n",
         ('6:45: error[bad-format] the format has "%Q", which is not known; write it like '
         '"%d/%m/%Y %H:%M", or unix seconds, unix milliseconds')),
        ("profile: {attributes: {naem: N}}\n",
         ('5:24: error[unknown-attribute] care.yaml declares no customer attribute "naem"; '
         'did you mean "name"?')),
        ("profile: {attributes: {size: {sum: N}}}\n",
         "5:30: error[wrong-shape] a profile is one row a customer, so there is nothing to sum"),
        ("", ("1:1: error[missing-key] the map has neither events nor profile: it would import "
             "nothing")),
    ],
)  # fmt: skip
def test_mistakes(text: str, wanted: str) -> None:
    """Each mistake is told at its place, with what to write instead."""
    found, notes = parse(HEAD + text)

    assert notes == [f"imports/x.yaml:{wanted}"]
    assert found is None


def test_all_mistakes_at_once() -> None:
    """A map without its head is told everything that is missing."""
    found, notes = parse("events:\n  - event: order\n")

    assert found is None
    assert notes == [
        "imports/x.yaml:1:1: error[bad-word] an import map begins with import: 1",
        (
            "imports/x.yaml:1:1: error[missing-key] source is missing; "
            "write source: a word for where the rows come from"
        ),
        "imports/x.yaml:2:5: error[missing-key] no column is named for customer",
    ]


SPAN = Span("x", 1, 1)
KEYS = [
    "import",
    "source",
    "format",
    "delimiter",
    "encoding",
    "sheet",
    "columns",
    "timezone",
    "query",
    "duplicates",
    "known",
    "customer",
    "time",
    "id",
    "when",
    "events",
    "profile",
    "event",
    "group",
    "fields",
    "values",
    "from",
    "column",
    "value",
    "sum",
    "count",
    "attributes",
    "order",
    "amount",
]
scalars = st.builds(
    Scalar,
    text=st.sampled_from([*KEYS, "", "1", "rows", "not", "above", "between 1 and", "%Y", "* *"]),
    quoted=st.booleans(),
    span=st.just(SPAN),
)
nodes: st.SearchStrategy[Node] = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.builds(Sequence, items=st.lists(inner, max_size=3).map(tuple), span=st.just(SPAN)),
        st.builds(
            Mapping,
            pairs=st.lists(st.tuples(scalars, inner), max_size=4).map(tuple),
            span=st.just(SPAN),
        ),
    ),
    max_leaves=25,
)


@settings(max_examples=300, deadline=None)
@given(nodes)
def test_any_node_gives_a_map_or_findings(node: Node) -> None:
    """Always: no shape of a file raises, and no map means that something was said."""
    found, notes = parse_map(node, vocabulary())

    assert (found is None) == bool(notes)
