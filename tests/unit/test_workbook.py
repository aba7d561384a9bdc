"""Tables as workbooks, text, JSON and pages."""

from __future__ import annotations

import datetime as dt
import io
import zipfile
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import load_workbook

from engine.grid import Column, Kind, Table, cell_text, json_rows, share, text_table
from engine.journeys import NEVER
from engine.report_page import report_page
from engine.workbook import write_workbook
from rules.units import from_iso

ZONE = "Asia/Shanghai"
NOON = from_iso("2025-03-03T12:00", ZONE)
COLUMNS = (
    Column(name="text", title="文字"),
    Column(name="at", title="时间", kind=Kind.INSTANT),
    Column(name="day", title="日期", kind=Kind.DAY),
    Column(name="count", title="次数", kind=Kind.COUNT),
    Column(name="number", title="数值", kind=Kind.NUMBER),
    Column(name="share", title="占比", kind=Kind.SHARE),
    Column(name="figure", title="指标", kind=Kind.FIGURE),
    Column(name="word", title="词", words={"open": "待办"}),
)
ROW = {
    "text": "甲", "at": NOON, "day": 20_150, "count": 1_234, "number": 15_000, "share": 125_000,
    "figure": (Kind.SHARE, 500_000), "word": "open",
}  # fmt: skip


def table(*rows: dict[str, Any], title: str = "表", note: str = "") -> Table:
    return Table(name="t", title=title, columns=COLUMNS, rows=rows, note=note)


@pytest.mark.parametrize(("columns", "across", "repeated"), [(8, None, None), (20, 3, "$A:$A")])
def test_a_wide_table_is_printed_on_several_pages(
    columns: int, across: int | None, repeated: str | None
) -> None:
    """What would be too small to read goes on beside it, with the first column on every page.
    What fits stays on one, which is what a sheet without a number means.
    """
    wide = [Column(name=f"c{n}", title=f"列{n}", width=30) for n in range(columns)]
    (sheet,) = written(Table(name="t", title="表", columns=wide, rows=[]))

    assert (sheet.page_setup.fitToWidth, sheet.print_title_cols) == (across, repeated)


def local(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)


def written(*tables: Table) -> Any:
    """Return the workbook of some tables as openpyxl reads it."""
    target = io.BytesIO()
    write_workbook(target, tables, subtitle="公司 & 三月", zone=ZONE, at=NOON)
    return load_workbook(target)


def test_cells_arrive_in_their_types() -> None:
    """Numbers, shares, days and instants are such in the sheet, with their number formats; times are
    local, and closed words are told in Chinese.
    """
    sheet = written(table(ROW))["表"]
    cells = sheet[4]

    assert [cell.value for cell in cells] == [
        "甲", local("2025-03-03T12:00"), local("2025-03-03"), 1_234, 1.5, 0.125, 0.5, "待办",
    ]  # fmt: skip
    assert [cell.number_format for cell in cells] == [
        "@", "yyyy-mm-dd hh:mm", "yyyy-mm-dd", "#,##0", "#,##0.00", "0.0%", "0.0%", "@",
    ]  # fmt: skip


def test_a_sheet_can_be_printed_as_it_is() -> None:
    """A4 across, as wide as a page, headings on each of them and frozen, a filter, page numbers."""
    sheet = written(table(ROW, note="一句说明。"))["表"]

    assert [cell.value for cell in sheet[3]] == [column.title for column in COLUMNS]
    assert (sheet["A1"].value, sheet["A2"].value) == ("表", "公司 & 三月  一句说明。")
    assert sheet.freeze_panes == "B4"
    assert sheet.print_title_rows == "$3:$3"
    assert (sheet.page_setup.orientation, sheet.page_setup.paperSize) == ("landscape", 9)
    assert sheet.sheet_properties.pageSetUpPr.fitToPage
    assert (sheet.page_setup.fitToWidth or 1, sheet.page_setup.fitToHeight) == (1, 0)
    assert sheet.auto_filter.ref == "A3:H4"
    assert sheet.oddFooter.left.text == "公司 && 三月"
    assert "&P" in sheet.oddFooter.right.text


@given(st.text(min_size=1, max_size=40).map(lambda text: "=" + text))
def test_no_text_is_a_formula(text: str) -> None:
    """Whatever a text looks like, its cell is a text."""
    target = io.BytesIO()
    write_workbook(target, [table({**ROW, "text": text})], subtitle=text, zone=ZONE, at=NOON)

    assert b"<f" not in zipfile.ZipFile(target).read("xl/worksheets/sheet1.xml")


def test_names_of_sheets_are_made_fit() -> None:
    """Forbidden characters, long and equal titles give names that Excel takes, each one once."""
    book = written(*(table(title=title) for title in ("a/b:c", "长" * 50, "长" * 50, "'", "A B C")))

    assert book.sheetnames == ["a b c", "长" * 31, "长" * 29 + " 2", "表", "A B C 2"]


def test_empty_cells_are_empty_everywhere() -> None:
    """None, a missing key and a time that never comes show nothing, and are null in JSON."""
    row = {"text": None, "at": NEVER}

    assert [cell.value for cell in written(table(row))["表"][4]] == [None] * 8
    assert [cell_text(column, row.get(column.name), ZONE) for column in COLUMNS] == [""] * 8
    assert json_rows(table(row), ZONE) == [dict.fromkeys(column.name for column in COLUMNS)]


def test_json_has_plain_values() -> None:
    """Times are ISO text, numbers and shares are numbers, closed words are the ledger's own."""
    assert json_rows(table(ROW), ZONE) == [
        {
            "text": "甲", "at": "2025-03-03T12:00:00+08:00", "day": "2025-03-03", "count": 1_234,
            "number": 1.5, "share": 0.125, "figure": 0.5, "word": "open",
        }
    ]  # fmt: skip


def test_text_lines_up_and_is_cut() -> None:
    """On the screen Chinese characters count two, long texts and long tables are cut, and say so."""
    rows = [{**ROW, "text": "长" * 40}, ROW, ROW]
    lines = text_table(table(*rows, note="说明。"), ZONE, most=2).splitlines()

    assert lines == [
        "表",
        "",
        "文字                                         时间              日期         次数  数值   占比   指标  词",
        "-------------------------------------------  ----------------  ----------  -----  ----  -----  -----  ----",
        f"{'长' * 21}…  2025-03-03 12:00  2025-03-03  1,234   1.5  12.5%  50.0%  待办",
        f"甲{' ' * 41}  2025-03-03 12:00  2025-03-03  1,234   1.5  12.5%  50.0%  待办",
        "",
        "… 还有 1 行：--xlsx、--html 和 --format json 里是全部",
        "说明。",
    ]


@pytest.mark.parametrize(
    ("millionths", "shown"),
    [(0, "0.0%"), (1_000_000, "100.0%"), (333_333, "33.3%"), (-110_500, "-11.0%"), (500, "0.0%"), (1_500, "0.2%")],
)  # fmt: skip
def test_shares_are_rounded_half_even(millionths: int, shown: str) -> None:
    """A share has one decimal; a half goes to the even one, losses have a sign."""
    assert cell_text(COLUMNS[5], millionths, ZONE) == shown


def test_of_nothing_there_is_no_share() -> None:
    """A part of nothing is unknown, not 0 and no error."""
    assert (share(0, 0), share(1, 3), share(2, 2)) == (None, 333_333, 1_000_000)


def test_a_page_needs_nothing_else_and_takes_nothing_for_html() -> None:
    """Texts of the data are shown as they are; no address and no script stand in a page."""
    nasty = "<img src=x onerror=alert(1)>&"
    page = report_page(
        nasty,
        nasty,
        [table({**ROW, "text": nasty}, title=nasty, note=nasty)],
        zone=ZONE,
        foot=nasty,
    )

    assert "<img" not in page
    assert page.count("&lt;img src=x onerror=alert(1)&gt;&amp;") == 6
    assert "http" not in page
    assert "<script" not in page
