"""Files as they come: delimiters, encodings, compression, workbooks, JSON lines, Parquet, damage."""

from __future__ import annotations

import bz2
import datetime as dt
import gzip
import io
import lzma
import re
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.intake.text import Broken, Row, read_delimited
from rules.errors import InputError
from rules.units import from_iso
from tests.imports import dump, landed, rejects, run, write

ROWS = "编号,客户,时间,金额\n1,安娜,2026-03-01 10:00,5\n2,鲍勃,2026-03-02 10:00,￥６\n"
MAP = """
customer: 客户
time: 时间
id: 编号
events:
  - event: order
    fields: {amount: 金额}
"""
AT = from_iso("2026-03-01T10:00", "UTC")
WANTED = {
    ("安娜", "order", AT, "1", (("amount", 50_000),)),
    ("鲍勃", "order", AT + 86_400_000_000, "2", (("amount", 60_000),)),
}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_encodings_are_found_out(tmp_path: Path, encoding: str) -> None:
    """UTF-8 with or without mark, GB18030 as Excel in China writes it, and UTF-16 are told apart."""
    summary = run(tmp_path, write(tmp_path / "rows.csv", ROWS, encoding), MAP)

    assert dump(tmp_path) == WANTED
    assert summary.encoding == encoding.removesuffix("-sig")


def test_an_encoding_by_name(tmp_path: Path) -> None:
    """The map's ``encoding`` overrides; bytes that are none of it turn their line away."""
    head = "id,who,when\n"
    file = tmp_path / "rows.csv"
    file.write_bytes(f"{head}1,Zoë,2026-03-01\n2,Ann,2026-03-01\n".encode("cp1252"))
    text = "customer: who\ntime: when\nid: id\nevents: [{event: call}]\n"

    cp1252 = run(tmp_path / "cp1252", file, "encoding: cp1252\n" + text)
    utf8 = run(tmp_path / "utf8", file, "encoding: utf-8\n" + text)
    with pytest.raises(InputError) as raised:
        run(tmp_path / "none", file, text)

    assert (cp1252.added, utf8.added) == (2, 1)
    assert rejects(utf8) == ['2,,"1,Zo?,2026-03-01",bytes that are no text in the file\'s encoding']
    assert str(raised.value) == (
        "rows.csv is neither UTF-8 (see line 2) nor GB18030: name its encoding in the map, "
        "like encoding: cp1252"
    )


@pytest.mark.parametrize(
    ("name", "pack"),
    [("a.csv.gz", gzip.compress), ("a.bz2", bz2.compress), ("a.txt", lzma.compress)],
)
def test_compressed_files(tmp_path: Path, name: str, pack: Callable[[bytes], bytes]) -> None:
    """A compressed file is unpacked by what it is, whatever it is called."""
    file = tmp_path / name
    file.write_bytes(pack(ROWS.encode("gb18030")))
    run(tmp_path, file, MAP)

    assert dump(tmp_path) == WANTED


def test_zip(tmp_path: Path) -> None:
    """A ZIP of one file is unpacked; of several it is said how many."""
    file = tmp_path / "rows.zip"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("folder/rows.csv", ROWS)
        archive.writestr("__MACOSX/folder/._rows.csv", "x")
    run(tmp_path, file, MAP)

    assert dump(tmp_path) == WANTED
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr("more.csv", ROWS)
    with pytest.raises(InputError, match=r"rows\.zip holds 2 files"):
        run(tmp_path, file, MAP)


@pytest.mark.parametrize(("delimiter", "line"), [("\t", ""), (";", ""), ("|", ""), ("~", '"~"')])
def test_delimiters(tmp_path: Path, delimiter: str, line: str) -> None:
    """Usual delimiters are found out, any other is named; a comma in a text does not mislead."""
    rows = ROWS.replace(",", delimiter).replace("￥６", '"1,000"')
    text = f"delimiter: {line}\n{MAP}" if line else MAP
    run(tmp_path, write(tmp_path / "rows.csv", rows), text)

    assert {entry[:4] for entry in dump(tmp_path)} == {entry[:4] for entry in WANTED}


def test_white_space(tmp_path: Path) -> None:
    """Columns divided by runs of blanks are read when asked for."""
    text = "delimiter: whitespace\ncustomer: who\ntime: when\nevents: [{event: call}]\n"
    rows = "  who   when\n\n ann\t 20260301 \n bob 20260302\n x\n"
    summary = run(tmp_path, write(tmp_path / "a.txt", rows), text)

    assert (summary.rows, summary.added) == (3, 2)
    assert rejects(summary) == ['5,,x,"the line has 1 column, the header 2"']


def test_names_for_a_file_without_header(tmp_path: Path) -> None:
    """``columns`` names the columns of a file that does not."""
    text = "columns: [编号, 客户, 时间, 金额]\n" + MAP
    run(tmp_path, write(tmp_path / "a.csv", ROWS.split("\n", 1)[1]), text)

    assert dump(tmp_path) == WANTED


def test_columns_without_name_and_twice(tmp_path: Path) -> None:
    """A column's second namesake and a nameless one can be addressed."""
    text = "customer: a\ntime: a (2)\nid: column 3\nevents: [{event: call}]\n"
    run(tmp_path, write(tmp_path / "a.csv", "a,a,,\nann,2026-03-01,7,\n"), text)

    assert [event.id for event in landed(tmp_path, "ann")[0].events] == ["7"]


def test_parquet_keeps_types(tmp_path: Path) -> None:
    """Times, numbers, floats as ids, empties and odd names of a Parquet file come out right."""
    import duckdb

    file = tmp_path / "a [1].parquet"
    plain = tmp_path / "plain.parquet"
    duckdb.execute(
        "COPY (SELECT * FROM (VALUES"
        " (1::BIGINT, 17850.0::DOUBLE, TIMESTAMP '2026-03-01 10:00', 0.1::DOUBLE, ' x ', true),"
        " (2, 17850.0, NULL, 2.5, NULL, NULL), (3, 'nan'::DOUBLE, TIMESTAMP '2026-03-01', 1, '', false),"
        " (4, 17851.5, TIMESTAMP '290000-01-01', 1, '', false),"
        " (5, 7.0, 'infinity'::TIMESTAMP, 1, '', false)"
        f') t(id, "客户 ""1""", 时间, v, note, paid)) TO \'{plain}\''
    )
    plain.rename(file)
    text = """
customer: 客户 "1"
time: 时间
id: id
events:
  - {event: order, fields: {amount: v, note: note, paid: paid}}
"""
    summary = run(tmp_path, file, text)

    assert dump(tmp_path) == {
        ("17850", "order", AT, "1", (("amount", 1_000), ("note", "x"), ("paid", True)))
    }
    assert summary.passed == {"no customer": 1}
    assert [line.split(",")[:3] for line in rejects(summary)] == [
        ["2", "时间", ""],
        ["4", "时间", "290000-01-01 00:00:00"],
        ["5", "时间", "infinity"],
    ]


def test_parquet_with_instants(tmp_path: Path) -> None:
    """A column with time zone is an instant; its day is that of the map's zone."""
    import duckdb

    file = tmp_path / "a.parquet"
    duckdb.execute(
        "COPY (SELECT 'ann' AS who, make_timestamptz(1772359200000000) AS t,"
        f" DATE '2026-03-05' AS d) TO '{file}'"
    )
    text = """
timezone: Asia/Shanghai
customer: who
time: t
events:
  - {event: order, fields: {due: d}}
  - {event: cancellation, fields: {due: t}}
"""
    run(tmp_path, file, text)

    (ann,) = landed(tmp_path, "ann")
    assert [(event.at, event.fields["due"]) for event in ann.events] == [
        (1_772_359_200_000_000, 20_517),
        (1_772_359_200_000_000, 20_513),
    ]


def test_json_lines(tmp_path: Path) -> None:
    """Objects are flattened, numbers keep their digits, keys may come late, bad lines are told."""
    file = write(
        tmp_path / "a.jsonl",
        '{"id": 12345678901234567890, "who": {"id": "安娜"}, "t": "2026-03-01T10:00Z", "v": 0.1}\n'
        "\n"
        "[1, 2]\n"
        '{"id": 1, "who": {"id": "安娜"}, "t": "2026-03-01T10:00Z", "tags": ["b", "a"], "p": true}\n'
        '{"id": 2, "who": {"id": "\\ud800"}, "t": "2026-03-01T10:00Z"}\n'
        '{"id": 3\n' + "[" * 100_000 + "\n",
    )
    text = """
customer: who.id
time: t
id: id
events:
  - {event: order, fields: {amount: v, tags: tags, paid: p}}
"""
    summary = run(tmp_path, file, text)

    assert (summary.kind, summary.rows, summary.rejected) == ("jsonl", 6, 4)
    assert [line.split(",")[0] for line in rejects(summary)] == ["3", "5", "6", "7"]
    assert dump(tmp_path) == {
        ("安娜", "order", AT, "12345678901234567890", (("amount", 1_000),)),
        ("安娜", "order", AT, "1", (("paid", True), ("tags", ("a", "b")))),
    }


def test_a_key_that_is_null_in_every_row_is_a_column(tmp_path: Path) -> None:
    """A map may name it: null is an empty cell, not a column that is missing."""
    file = write(
        tmp_path / "a.jsonl", '{"who": "ann", "when": "2026-03-01", "id": 1, "amount": null}\n'
    )
    summary = run(tmp_path, file)

    assert (summary.added, summary.rejected) == (1, 0)
    assert {(row[1], row[4]) for row in dump(tmp_path)} == {("order", ())}


def test_excel(tmp_path: Path) -> None:
    """A workbook's dates, whole floats and Chinese headers come out right, of the sheet named."""
    from openpyxl import Workbook

    book = Workbook()
    first = book.active
    assert first is not None
    first.append(["x"])
    page = book.create_sheet("订单")
    page.append([])
    page.append(["编号", "客户", "时间", "金额", None])
    page.append([1.0, "安娜", dt.datetime(2026, 3, 1, 10), 5])  # noqa: DTZ001
    page.append([None, None, None, None])
    page.append([2, "鲍勃", 46083.4166666667, 6.0])
    page.append([3, "鲍勃", "soon", 6.0])
    file = tmp_path / "a.xlsx"
    book.save(file)

    summary = run(tmp_path, file, "sheet: 订单\n" + MAP)
    assert dump(tmp_path) == WANTED
    assert (summary.kind, summary.rows) == ("xlsx", 3)
    assert rejects(summary)[0].startswith('6,时间,soon,"not a time')
    with pytest.raises(InputError, match='has no sheet "订章"; known here: Sheet, 订单'):
        run(tmp_path, file, "sheet: 订章\n" + MAP)


def test_a_query(tmp_path: Path) -> None:
    """A query joins, splits and renames the rows before the map sees them."""
    text = """
query: |
  WITH big AS (SELECT * FROM rows WHERE "金额" <> '')
  SELECT 编号 AS id, 客户 AS who, 时间 AS t, count(*) OVER () AS n FROM big ORDER BY 编号
customer: who
time: t
id: id
events: [{event: order, fields: {lines: n}}]
"""
    run(tmp_path, write(tmp_path / "a.csv", ROWS), text)

    assert {entry[4] for entry in dump(tmp_path)} == {(("lines", 20_000),)}


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("SELECT * FROM read_csv('/etc/passwd')", "may only read the table rows"),
        ("SELECT * FROM '/etc/passwd'", "may only read the table rows"),
        ("SELECT * FROM rows, information_schema.tables", "may only read the table rows"),
        ("DROP TABLE rows", "must be one SELECT"),
        ("SELECT 1; SELECT 2", "must be one SELECT"),
        ("ATTACH 'x.db'", "must be one SELECT"),
        ("SELECT FROM WHERE", "the map's query"),
        ("SELECT nothing FROM rows", "the map's query fails: Binder Error"),
        ("SELECT content FROM (SELECT * FROM glob('*'))", "may only read the table rows"),
    ],
)
def test_queries_are_closed_in(tmp_path: Path, query: str, message: str) -> None:
    """A query is one SELECT over the rows; files, settings and other tables are out of reach."""
    text = f"query: |\n  {query}\ncustomer: who\ntime: t\nevents: [{{event: call}}]\n"
    with pytest.raises(InputError) as raised:
        run(tmp_path, write(tmp_path / "a.csv", ROWS), text)

    assert message in str(raised.value)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", b"", "a.csv is empty"),
        ("a.csv", b"\n\n", "a.csv is empty"),
        ("a.gz", gzip.compress(ROWS.encode() * 1000)[:-200], "a.gz is damaged or cut off"),
        ("a.zip", b"PK\x03\x04 nonsense", "a.zip is damaged"),
        ("a.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "save it as .xlsx"),
        ("a.parquet", b"PAR1 nonsense PAR1", "a.parquet is damaged, or no Parquet file"),
        ("a.json", b'[{"a": 1}]', "care reads one object a line"),
        ("a.pdf", b"%PDF-1.7", "not a table"),
        ("a.csv", bytes(range(256)) * 40, "neither UTF-8"),
    ],
)
def test_damaged_files(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    """A file that is damaged or of another kind gives one plain line."""
    file = tmp_path / name
    file.write_bytes(content)
    with pytest.raises(InputError) as raised:
        run(tmp_path, file, MAP)

    assert message in str(raised.value)
    assert len(str(raised.value).splitlines()) == 1


def read(text: str, delimiter: str | None = ",") -> list[Row | Broken]:
    return list(read_delimited(text.splitlines(keepends=True), delimiter))


def test_a_quote_left_open_costs_one_line() -> None:
    """An unclosed quote turns its own line away, not the lines after it."""
    found = read('a,b\n1,"x\n2,y\n3,"p\nq"\n4,"z\n')

    reason = "a quote is opened and not closed"
    assert found == [
        Row(1, ["a", "b"]),
        Broken(2, '1,"x\n', 'a quote inside a quoted text; two are needed: ""'),
        Row(3, ["2", "y"]),
        Row(4, ["3", "p\nq"]),
        Broken(6, '4,"z\n', reason),
    ]


cells = st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\0"), max_size=5)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.lists(cells, min_size=2, max_size=2), max_size=6))
def test_what_csv_wrote_is_read_back(rows: list[list[str]]) -> None:
    """Always: rows that are properly quoted come back as they were, on the line they begin on."""
    lines, wanted, number = [], [], 1
    for row in [["a", "b"], *rows]:
        text = ",".join('"' + cell.replace('"', '""') + '"' for cell in row) + "\n"
        wanted.append(Row(number, row))
        number += len(re.findall("\r\n|\r|\n", text))
        lines.append(text)
    stream = io.TextIOWrapper(io.BytesIO("".join(lines).encode()), "utf-8", newline="")

    assert list(read_delimited(stream, ",")) == wanted


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.binary(max_size=300) | st.text('ab",\n\r\t\0;é客1 ', max_size=200).map(str.encode))
def test_any_bytes_give_a_summary_or_one_line(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    """Always: whatever a file holds, an import counts it or says in plain words why not."""
    root = tmp_path_factory.mktemp("bytes")
    file = root / "rows.csv"
    file.write_bytes(b"who,when,x\n" + content)
    text = "customer: who\ntime: when\nevents: [{event: call}]\n"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            summary = run(root, file, text, dry_run=True)
        except InputError as error:
            refused = str(error).splitlines()
        else:
            refused = []

    if refused:
        assert len(refused) == 1
        return
    passed = sum(summary.passed.values())
    assert summary.rows == summary.added + summary.rejected + passed
