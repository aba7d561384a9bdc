"""``care docs``: what people read of a playbook, in Chinese and English, and its drawing."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.handbook.chapter import handbook, tongue_of
from engine.handbook.drawing import svg
from engine.handbook.flow import Box, Lane
from engine.handbook.markdown import markdown, mermaid
from engine.handbook.tongue import LABELS, Tongue, filled, joined, said
from engine.handbook.web import web_page
from rules.playbook import Project, walk
from rules.project import check_files, load
from tests.projects import CARE, SHARED

SAMPLES = Path(__file__).parents[2] / "playbooks" / "samples"
SVG = "{http://www.w3.org/2000/svg}"

RICH = """\
# intent: 把客户找回来
# not for: 没有专人
playbook: rescue
title: 流失挽回
owner: 客户成功
purpose: retention
priority: 80
trigger:
  - {enters: slipping, holds_for: 2 days}
  - {missing: solved, after: complaint, within: 24 hours, same: case_id}
  - {date: contract_end, before: 90 days, at: 10:00}
  - {every: month, day: first working day, at: 09:00, in: tier.A}
only: buyers
except: {all: [{industry: [制造业, 教育]}, {not: {orders: above 3}}]}
again: after 90 days
holdout: 5%
stop_when:
  - {event: order, goal: won_back, within: 30 days}
steps:
  - step: visit
    do: call
    due: within 3 working days
    at: 10:00
    assign: owner
    brief: 了解原因
    outcomes: [price, lost, no_answer]
    retry: {on: no_answer, every: 1 working day, times: 3}
    if_overdue: {escalate: manager, after: 4 working hours}
    ask: {satisfaction: 1 to 5, callback: date}
  - step: by_reason
    choose:
      - if: {visit.outcome: price}
        then: [{step: offer, do: letter, due: between 5 and 7 working days}]
      - if: {visit.outcome: lost}
        then: [{step: over, stop: lost}]
  - step: answer
    wait: {event: order, up_to: 5 days}
    then: [{step: thanks, do: letter, due: now}]
    else: [{step: again, do: call, due: after 2 days, assign: manager, recheck: slipping}]
  - {step: review, from: entry, do: call, due: same day, assign: manager}
  - {step: later, from: visit, set: {vip: yes, size: add 1}}
"""
HOUSE = """\
rules:
  - {rule: repair_first, when: {work: {purpose: retention}, customer: {in: slipping}}, then: defer 2 days}
  - {rule: other, when: {work: {purpose: marketing}, customer: {in: buyers}}, then: skip}
caps:
  - {at_most: 3, per: 7 days, then: defer}
quiet: {hours: 21:00-08:30}
consent: {letter: customer.vip}
"""


def project(**books: str) -> Project:
    files = {"care.yaml": CARE, "shared.yaml": SHARED, "house.yaml": HOUSE}
    files |= {f"playbooks/{name}.yaml": text for name, text in books.items()}
    made, found = check_files({name: text.encode() for name, text in files.items()})
    assert made is not None, found
    assert [str(each) for each in found if each.level == "error"] == []
    return made


def facts(tongue: Tongue) -> list[tuple[str, str]]:
    return list(handbook(project(rescue=RICH), tongue).chapters[0].facts)


def test_facts_in_chinese() -> None:
    """Who, when and how often stand in Chinese sentences with the project's titles."""
    assert facts(Tongue.ZH) == [
        ("用意", "把客户找回来"),
        ("不适用", "没有专人"),
        ("何时开始", "客户进入「下滑」时，并持续 2 天"),
        ("何时开始", "「投诉」之后 24 小时内没有「解决」时（同一 case_id）"),
        ("何时开始", "「contract_end」前 90 天，10:00"),
        ("何时开始", "每月，第一个工作日，09:00，限「tier: A」"),
        ("对象", "属于「已下单」"),
        ("排除", "industry 为制造业、教育之一且不满足（orders 高于 3）"),
        ("频次", "距上次至少 90 天后可再次开始；进行中不重复开始"),
        ("对照组", "5%"),
        ("提前结束", "发生「下单」：达成目标「won_back」（30 天内）"),
        ("负责人", "客户成功"),
        ("状态", "启用"),
        ("目的", "retention"),
        ("优先级", "80"),
    ]  # fmt: skip


def test_facts_in_english() -> None:
    """The same in English words, around the same titles."""
    found = dict(facts(Tongue.EN))

    assert [words for name, words in facts(Tongue.EN) if name == "Begins"] == [
        "when the customer comes into “下滑”, once that has held for 2 days",
        "when no “解决” came within 24 hours of “投诉” of the same case_id",
        "90 days before “contract_end”, at 10:00",
        "every month, on first working day, at 09:00, for “tier: A”",
    ]
    assert found["Not for whom"] == "industry is one of 制造业, 教育 and not (orders is above 3)"
    assert found["Ends early"] == "when “下单” happens: goal won_back reached within 30 days"


def test_steps_and_house_rules() -> None:
    """Every step stands in the table with its way, its time, its person; rules that bear on it below."""
    chapter = handbook(project(rescue=RICH), Tongue.ZH).chapters[0]

    rows = [(row.number, row.name, row.what, row.when, row.who) for row in chapter.rows]
    assert rows == [
        ("1", "visit", "call", "3 个工作日内，10:00", "客户的「name」，否则客户成功组"),
        ("2", "by_reason", "按情况选择", "", ""),
        ("2a", "visit.outcome 为 price", "", "", ""),
        ("2a.1", "offer", "letter", "第 5 至 7 个工作日", ""),
        ("2b", "visit.outcome 为 lost", "", "", ""),
        ("2b.1", "over", "结束：lost", "", ""),
        ("3", "answer", "等待「下单」，最多 5 天", "", ""),
        ("3a", "已发生", "", "", ""),
        ("3a.1", "thanks", "letter", "立即", ""),
        ("3b", "到期未发生", "", "", ""),
        ("3b.1", "again", "call", "2 天后", "客服经理"),
        ("4", "review", "call", "自开始起，当天", "客服经理"),
        ("5", "later", "记录属性：vip = 是，size + 1", "在「visit」之后", ""),
    ]
    assert chapter.rows[0].details == (
        "了解原因",
        "结果：price、lost 或 no_answer",
        "询问：satisfaction（1—5 分）且 callback",
        "结果为 no_answer 时：隔 1 个工作日再试，最多 3 次",
        "逾期 4 个工作小时：转给客服经理",
    )
    assert chapter.house == (
        "repair_first：客户属于「下滑」时，推迟 2 天",
        "7 天内至多 3 次；超出的顺延",
        "21:00 至 08:30 不打扰：顺延",
        "letter：须有「vip」的同意",
    )
    assert dict(chapter.definitions)["下滑 (slipping)"] == "orders_change 下降超过 30%"
    assert (
        dict(chapter.definitions)["orders_change"]
        == "与前一期相比的变化率：「下单」的次数，最近 60 天"
    )


def test_mermaid() -> None:
    """The chart has a box a step, a stop leads nowhere, a clock of its own is a dashed arrow."""
    chapter = handbook(project(rescue=RICH), Tongue.EN).chapters[0]
    chart = mermaid(chapter.flow, ("start",), "end")

    boxes = dict(re.findall(r"^  (n\d+)[\[({/]+\"([^\"<]+)", chart, re.MULTILINE))
    names = {value: key for key, value in boxes.items()}
    arrows = re.findall(r"^  (n\d+) (-->|-\.->)(?:\|\"(.*?)\"\|)? (n\d+)$", chart, re.MULTILINE)
    into = {to for _, _, _, to in arrows}
    assert set(boxes) - into == {names["start"]}
    assert [arrow for arrow in arrows if arrow[0] == names["over"]] == []
    assert (names["by_reason"], "-->", "visit.outcome is price", names["offer"]) in arrows
    assert (names["by_reason"], "-->", "else", names["answer"]) in arrows
    assert (names["start"], "-.->", "counted from the beginning", names["review"]) in arrows
    assert (names["visit"], "-.->", "after “visit”", names["later"]) in arrows


def test_definitions_come_by_kind_and_name() -> None:
    """Segments first, then classes, then measures, each by name: the page is the same every time."""
    names = [name for name, _ in handbook(project(rescue=RICH), Tongue.EN).chapters[0].definitions]

    assert names == ["已下单 (buyers)", "下滑 (slipping)", "tier", "orders", "orders_change"]


def test_a_first_step_with_a_clock_of_its_own_says_so() -> None:
    """In a branch, where no other lane tells it, the box says from where its time counts."""
    text = RICH.replace("{step: offer, do: letter,", "{step: offer, from: 3 days before contract_end, do: letter,")  # fmt: skip
    chapter = handbook(project(rescue=text), Tongue.EN).chapters[0]

    branch = chapter.flow[0].boxes[1].forks[0][0]
    assert branch.boxes[0].lines[-1] == "3 days before “contract_end”"


def drawing(page: str) -> ElementTree.Element:
    found = re.search(r"<svg.*?</svg>", page, re.DOTALL)
    assert found
    return ElementTree.fromstring(found[0])


def apart(picture: ElementTree.Element) -> int:
    """Assert that no box lies on another and all lie inside; return how many there are."""
    width, height = (float(picture.attrib[key]) for key in ("width", "height"))
    boxes = [
        (
            *map(float, rect.attrib["transform"][10:-1].split()),
            float(rect.attrib["width"]),
            float(rect.attrib["height"]),
        )
        for rect in picture.iter(f"{SVG}rect")
    ]
    for number, (x, y, w, h) in enumerate(boxes):
        assert min(x, y) >= -2
        assert x + w <= width
        assert y + h <= height
        for x2, y2, w2, h2 in boxes[:number]:
            assert x >= x2 + w2 or x2 >= x + w or y >= y2 + h2 or y2 >= y + h
    return len(boxes)


@pytest.mark.parametrize("name", [*sorted(path.name for path in SAMPLES.iterdir()), "rich"])
def test_drawings(name: str) -> None:
    """In the drawing of a playbook every step has a box with its name, and begin and end have one."""
    made = project(rescue=RICH) if name == "rich" else load(SAMPLES / name)

    for book in made.playbooks:
        picture = drawing(web_page(handbook(made, Tongue.ZH, (book.name,))))
        assert apart(picture) == len(list(walk(book.steps))) + 2
        told = {text.text for text in picture.iter(f"{SVG}text")}
        assert {step.name for step in walk(book.steps)} <= told


_TEXTS = st.text(st.sampled_from("ab <&客户，。（「 "), min_size=1, max_size=60)


def _lanes(boxes: st.SearchStrategy[Box]) -> st.SearchStrategy[tuple[Lane, ...]]:
    lane = st.builds(
        Lane,
        boxes=st.lists(boxes, max_size=3).map(tuple),
        words=st.just("") | _TEXTS,
        aside=st.booleans(),
    )
    return st.lists(lane, min_size=1, max_size=3).map(tuple)


_BOXES = st.recursive(
    st.builds(
        Box, shape=st.sampled_from(["act", "note", "stop"]), lines=st.lists(_TEXTS, min_size=1, max_size=4).map(tuple)
    ),
    lambda below: st.builds(
        Box,
        shape=st.just("ask"),
        lines=st.tuples(_TEXTS),
        forks=st.lists(_lanes(below), min_size=1, max_size=4).map(tuple),
    ),
    max_leaves=15,
)  # fmt: skip


def _count(lanes: tuple[Lane, ...]) -> int:
    return sum(1 + sum(map(_count, box.forks)) for lane in lanes for box in lane.boxes)


@given(_lanes(_BOXES))
@settings(max_examples=100, deadline=None)
def test_any_drawing(lanes: tuple[Lane, ...]) -> None:
    """Whatever the flow, no box lies on another, all lie inside, and none is left out."""
    assert apart(drawing(svg(lanes, ("begin",), "end", "t"))) == _count(lanes) + 2


def test_nothing_is_taken_for_markup() -> None:
    """Names and texts with marks of HTML and Markdown are shown as they are; nothing is fetched."""
    title = "<b>A</b> & *流失* | [x](http://x.example)"
    text = RICH.replace("流失挽回", f"'{title}'").replace("了解原因", "'<script>1</script> \"q\"'")
    book = handbook(project(rescue=text), Tongue.ZH)

    page = web_page(book)
    words = markdown(book)

    assert "<script>" not in page
    assert "&lt;b&gt;A&lt;/b&gt; &amp; *流失* | [x](http://x.example)" in page
    assert re.findall(r"(?:src|href)=\"(?!#)", page) == []
    assert "\\<b\\>A\\</b\\> & \\*流失\\* \\| \\[x\\](http://x.example)" in words
    assert "<script>" not in words
    drawing(page)


def test_the_language_is_the_projects() -> None:
    """A project with Chinese titles gets Chinese words, one with English ones English words."""
    care = b"care: 1\nbusiness: Shop\ntimezone: UTC\nevents:\n  order: {title: Order}\n"
    english, _ = check_files({"care.yaml": care})

    assert english is not None
    assert tongue_of(load(SAMPLES / "starter")) is Tongue.ZH
    assert tongue_of(english) is Tongue.EN


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("within last 30 days", "最近 30 天内"),
        ("between 3 and 6 months ago", "3 至 6 个月前"),
        ("not [A, B]", "不是 A、B 之一"),
        ("top 20% of dealt", "在「dealt」中排名前 20%"),
        ("up at least 2", "上升至少 2"),
        ("steady within 20%", "波动不超过 20%"),
        ("3rd working day", "第 3 个工作日"),
        ("known", "已知"),
        ("制造业", "制造业"),
        ("something new", "something new"),
    ],
)
def test_phrases(written: str, told: str) -> None:
    """A phrase is said in Chinese; what is none stays as written, and English is what is written."""
    assert said(written, Tongue.ZH) == told
    assert said(written, Tongue.EN) == written.replace("[A, B]", "one of A, B")


def test_both_languages_say_the_same() -> None:
    """Every label takes as much in Chinese as in English."""
    wrong = [
        name
        for name, forms in LABELS.items()
        if set(re.findall(r"\{\d\}", forms[0])) != set(re.findall(r"\{\d\}", forms[1]))
    ]

    assert wrong == []


def test_texts_of_the_project_stay_as_they_are() -> None:
    """Spaces come only where the page's own words meet a name; what is filled in is not touched."""
    assert filled("至少 {0}", ["50万"]) == "至少 50万"
    assert filled("至少 {0}", ["一半"]) == "至少一半"
    assert filled("{0}的次数", ["count3天"]) == "count3天的次数"
    assert (
        filled("结果为{0}时：隔{1}再试", ["no_answer", "2 天"])
        == "结果为 no_answer 时：隔 2 天再试"
    )
    assert joined(["近60天a", "vip"], Tongue.ZH, either=True) == "近60天a 或 vip"
