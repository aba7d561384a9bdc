"""Every code of ``care check`` is explained, and its examples do what they say."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from engine.calendar_check import calendar_findings
from engine.clashes import clashes
from rules.doubts import doubts
from rules.errors import Finding
from rules.explain import Explained, catalogue
from rules.importmap import read_map
from rules.project import check_files
from rules.units import from_iso
from tests.emitted import PUT_TOGETHER, emitted

PAGE = Path(__file__).parents[2] / "docs" / "check.md"

#: A small sound project; an example takes the place of the keys that it names.
BASE = {
    "care.yaml": """\
care: 1
business: 例子
timezone: Asia/Shanghai
calendar: none
hours: 09:00-18:00
events:
  order: {title: 下单, fields: {amount: number, product: text}}
  complaint: {title: 投诉, fields: {case_id: text, severity: [low, high]}}
  solved: {title: 解决, fields: {case_id: text}}
  sent: {title: 发出, fields: {message_id: text}}
  reply: {title: 回复, fields: {message_id: text}}
customer:
  name: {type: text, pii: true}
  tier: [A, B, C]
  size: number
  vip: yes_no
  email_ok: yes_no
  email: {type: text, pii: true}
  contract_end: date
  manager: text
channels:
  call: {kind: task}
  letter: {kind: file}
  email: {kind: smtp, to: customer.email, host: smtp.example.com, sender: care@example.com}
roles:
  manager: {from: customer.manager, else: 客服组}
  boss: 经理
""",
    "shared.yaml": """\
measures:
  orders: {count: order}
  orders_60d: {count: order, last: 60 days}
  last_order: {last_time: order}
  reply_rate: {share: reply, of: sent, same: message_id, last: 60 days}
segments:
  buyers: {title: 买过, orders: above 0}
  lapsed: {title: 沉默, last_order: at least 60 days ago}
classes:
  stage:
    title: 规模
    values:
      - {value: 大, if: {size: at least 100}}
      - {value: 小}
""",
    "playbooks/example.yaml": """\
playbook: example
owner: 客服组
trigger: {event: order}
steps: [{step: letter, do: letter}]
""",
    "imports/orders.yaml": """\
import: 1
source: shop
customer: 客户
time: 时间
id: 单号
events: [{event: order}]
""",
}
AT = from_iso("2026-03-01T09:00", "Asia/Shanghai")
WITH_EXAMPLE = [each for each in catalogue().values() if not each.apart]
#: Codes of `care test`, whose files are no part of the project that is checked.
OF_TESTS = {each.code for each in catalogue().values() if each.chapter == "Files of tests"}
#: Codes that hang on a log.
OF_LOGS = {"window-beyond-log", "text-lacks-value"}
#: Codes whose example is no text in a file of a project: a file that is absent, foreign or huge.
APART = {
    "missing-file", "unreadable-file", "file-too-large", "line-too-long", "not-utf8",
    "control-character", "file-name", "more-findings", "too-deep", "syntax", "unannounced-year",
}  # fmt: skip


def merged(base: str, lines: str) -> str:
    """Return a file in which an example's top-level keys stand for those of the base."""
    if lines.startswith("# the whole file"):
        return lines.partition("\n")[2]
    own = set(re.findall(r"^([^\s#:：\-{\[]+)", lines, re.MULTILINE))
    blocks = re.split(r"^(?=\S)", base, flags=re.MULTILINE)
    return "".join(each for each in blocks if each.partition(":")[0] not in own) + lines


def project_of(each: Explained, example: str, *, right: bool) -> dict[str, str]:
    files = dict(BASE)
    around = each.around_right if right else each.around_wrong
    for name, lines in [*around.items(), (each.file, example)]:
        files[name] = merged(files.get(name, ""), lines)
    return files


def told(files: Mapping[str, str]) -> list[Finding]:
    """Return all that care says of a project: of its files, its calendar, its import map."""
    project, found = check_files(
        {name: text.encode() for name, text in files.items() if "imports" not in name}
    )
    assert project is not None or found
    findings = list(found)
    if project is not None:
        findings += calendar_findings(project.vocabulary, AT)
        findings += [*doubts(project), *clashes(project)]
        name = "imports/orders.yaml"
        findings += read_map(files[name].encode(), name, project.vocabulary)[1]
    return findings


@pytest.mark.parametrize("each", WITH_EXAMPLE, ids=lambda each: each.code)
def test_the_wrong_example_is_wrong(each: Explained) -> None:
    """The wrong example of every code makes care say that code, in the file of the example."""
    found = told(project_of(each, each.wrong, right=False))

    assert (each.code, each.file) in {(one.code, one.span.file) for one in found}, found


@pytest.mark.parametrize("each", WITH_EXAMPLE, ids=lambda each: each.code)
def test_the_right_example_is_right(each: Explained) -> None:
    """The right example of every code makes care say nothing at all."""
    assert [str(one) for one in told(project_of(each, each.right, right=True))] == []


def test_every_code_is_explained() -> None:
    """The codes in the source and those of the catalogue are the same."""
    found = emitted()

    assert found.unread == PUT_TOGETHER.keys()
    assert found.codes == catalogue().keys()


def test_codes_without_an_example_are_few() -> None:
    """Only codes that no lines of a file can show, of a test file, or of a log, go without example."""
    apart = {each.code for each in catalogue().values() if each.apart}

    assert apart == APART | OF_TESTS | OF_LOGS


@pytest.mark.parametrize("each", catalogue().values(), ids=lambda each: each.code)
def test_every_code_is_told_in_both_languages(each: Explained) -> None:
    """A meaning is one sentence, in English and in Chinese, and so is the reason why it matters."""
    assert each.meaning.endswith(".")
    assert each.meaning_zh.endswith("。")
    assert each.why.endswith(".")
    assert re.search("[\u4e00-\u9fff]", each.meaning_zh)
    assert bool(each.apart) is not bool(each.wrong or each.right)


MADE = "do not edit below -->\n"


def test_the_page_lists_all_codes(update_golden: bool) -> None:
    """docs/check.md holds every code as the catalogue has it."""
    head, mark, _ = PAGE.read_text(encoding="utf-8").partition(MADE)
    page = head + mark + "".join(chapters())
    if update_golden:
        PAGE.write_text(page, encoding="utf-8")

    assert PAGE.read_text(encoding="utf-8") == page


def chapters() -> Iterator[str]:
    """Yield the generated part of the page."""
    chapter = ""
    for each in catalogue().values():
        if each.chapter != chapter:
            chapter = each.chapter
            yield f"\n### {chapter} ({each.chapter_zh})\n"
        yield f"\n#### `{each.code}`\n\n{each.meaning} {each.why}\n\n{each.meaning_zh}\n"
        if each.apart:
            yield f"\nIt comes from {each.apart}.\n"
            continue
        yield from shown("Wrong", each, each.wrong, each.around_wrong)
        yield from shown("Right", each, each.right, each.around_right)


def shown(word: str, each: Explained, example: str, around: Mapping[str, str]) -> Iterator[str]:
    """Yield an example, and what stands in other files."""
    for name, lines in ((each.file, example), *around.items()):
        whole = lines.startswith("# the whole file")
        text = lines.partition("\n")[2] if whole else lines
        where = f"all of {name}" if whole else name
        title = f"{word}, in {where}:" if lines is example else f"with, in {where}:"
        yield f"\n{title}\n\n```text\n{text.rstrip() or '(nothing)'}\n```\n"
