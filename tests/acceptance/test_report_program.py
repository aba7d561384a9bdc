"""`care report` through the program: what is printed, what is written, how it leaves."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from openpyxl import load_workbook

from tests.factories import CARE, Shop, event, profile
from tests.zygote import Zygote

CONFIG = (
    CARE
    + "reports:\n  limits:\n    解决: {from: complaint, to: solved, same: case_id, within: 48 hours}\n"
)
BOOK = """\
title: 投诉闭环
trigger: {event: complaint}
steps:
  - {step: ring, do: call, title: =致电(1), due: within 24 hours, assign: owner}
"""
NOW = ("--at", "2025-04-03T12:00")
MONTH = ("--month", "2025-03")
_MARCH = "2025-03-01T00:00:00+08:00"
#: Report -> where its span begins without --month or --from: last month, or today.
FROM = {
    "segments": None, "tags": None, "care": _MARCH, "plan": "2025-04-03T00:00:00+08:00",
    "review": _MARCH, "sla": _MARCH,
}  # fmt: skip


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, zygote: Zygote) -> Iterator[Shop]:
    """A shop with two complaints, one task done and one not."""
    made = Shop(tmp_path_factory.mktemp("report"), through=zygote, care=CONFIG, loop=BOOK)
    made.customers(
        profile("c1", "2025-01-01", name="=cmd()", manager="小李"),
        profile("c2", "2025-01-01", size=1),
    )
    made.run("2025-03-01")
    made.events(
        event("c1", "complaint", "2025-03-03T10:00", case_id="A"),
        event("c1", "solved", "2025-03-04T10:00", case_id="A"),
        event("c2", "complaint", "2025-03-05T10:00", case_id="B"),
    )
    made.run("2025-03-03T11:00", "2025-03-05T11:00")
    made.done("ring", "2025-03-03T15:00", note="好")
    return made


@pytest.mark.parametrize("kind", FROM)
def test_every_report_has_a_workbook_and_json(made: Shop, kind: str, tmp_path: Path) -> None:
    """One call writes a workbook and prints JSON of the same tables; no cell is a formula. Without a
    span it is last month, or the month to come.
    """
    sheet = tmp_path / "表.xlsx"
    said = made.care("report", kind, *NOW, "--xlsx", str(sheet), "--format", "json")

    assert (said.code, said.err) == (0, "care: 表.xlsx is written\n")
    assert said.json["report"] == kind
    assert said.json["as_of"] == "2025-04-03T12:00:00+08:00"
    assert said.json["from"] == FROM[kind]
    book = load_workbook(sheet)
    assert len(book.sheetnames) == len(said.json["tables"])
    assert all(cell.data_type != "f" for one in book for row in one.iter_rows() for cell in row)


def test_a_page_is_written_in_place_of_the_text(made: Shop, tmp_path: Path) -> None:
    """A page has the firm, charts and tables, and needs nothing else; nothing is printed then."""
    page = tmp_path / "表.html"
    said = made.care("report", "review", *MONTH, *NOW, "--html", str(page))
    html = page.read_text(encoding="utf-8")

    assert (said.code, said.out, said.err) == (0, "", "care: 表.html is written\n")
    assert "测试 2025-03" in html
    assert "=致电(1)" in html
    assert "<svg" in html
    assert not re.search(r"<script|<link|src=", html)


def test_what_is_printed(made: Shop) -> None:
    """The text has the firm, the title, the month, Chinese headings, and what a limit came to."""
    said = made.care("report", "sla", *MONTH, *NOW)

    assert said.code == 0
    assert said.out.splitlines()[:7] == [
        "测试 · 服务时效表 · 2025-03",
        "",
        "事件时限",
        "",
        "时限  要求     应完成  按时  迟到  逾期未做  未到期  按时率  用时中位数（小时）  用时 90% 分位（小时）",
        "----  -------  ------  ----  ----  --------  ------  ------  ------------------  ---------------------",
        "解决  48 小时       2     1     0         1       0   50.0%                  24                     24",
    ]


def test_a_span_is_two_days(made: Shop) -> None:
    """--from and --to are local days, the end not included."""
    words = ("--from", "2025-03-03", "--to", "2025-03-04", *NOW, "--format", "json")
    span = made.care("report", "care", *words).json

    assert (span["from"], span["to"]) == ("2025-03-03T00:00:00+08:00", "2025-03-04T00:00:00+08:00")
    assert [row["feedback"] for row in span["tables"]["care"]] == ["好"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("care", *MONTH, "--from", "2025-03-01"), "take --month, or --from and --to, not both"),
        (("care", "--month", "2025-3月"), "write --month 2011-11"),
        (("review", "--to", "2025-03-01"), "--to needs --from: where does the span begin?"),
        (("sla", "--from", "2025-03-02", "--to", "2025-03-01"), "the span ends before it begins: --from comes before --to"),
        (("plan", "--from", "morgen"), "is no time; write 2011-12-09"),
        (("tag",), "No such command 'tag'"),
        (("sla", "--xlsx", "三月.html"), "三月.html does not end with .xlsx: name it 三月.xlsx"),
        (("tags", "--html", "三月"), "三月 does not end with .html: name it 三月.html"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(made: Shop, words: tuple[str, ...], said: str) -> None:
    """A wrong span leaves with 2, one line, and what to write."""
    done = made.care("report", *words)

    assert done.code == 2
    assert said in done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("sla", "--month", "2025-05"), "2025-05 is still to come; `care report plan` tells what is planned"),
        (("review", "--month", "2025-04", "--at", "2025-05-02"), "nothing was decided in 2025-04: the last run was Wed 2025-03-05 11:00"),
        (("care", *MONTH), ""),
        (("plan", "--month", "2025-05"), ""),
    ],
)  # fmt: skip
def test_why_a_span_is_empty_is_said(made: Shop, words: tuple[str, ...], said: str) -> None:
    """A report of a time that is to come, or that no run has reached, says so beside its table."""
    at = () if "--at" in words else NOW
    done = made.care("report", *words, *at)

    assert (done.code, done.err) == (0, f"care: {said}\n" if said else "")


def test_a_file_that_cannot_be_written(made: Shop, tmp_path: Path) -> None:
    """Where the folder is missing nothing is written, and the program says so."""
    said = made.care("report", "segments", *NOW, "--xlsx", str(tmp_path / "no" / "a.xlsx"))

    assert (said.code, said.out) == (1, "")
    assert "can't be written: No such file or directory" in said.err


def test_before_the_first_run(tmp_path: Path, zygote: Zygote) -> None:
    """Without a ledger the reports of what was done say what is missing; those of the log need none."""
    shop = Shop(tmp_path, through=zygote)
    shop.events(event("c1", "order", "2025-01-01", amount=1))
    said = shop.care("report", "care", *NOW)

    assert said.code == 1
    assert "there is no ledger yet" in said.err
    assert shop.care("report", "segments", *NOW).code == 0
