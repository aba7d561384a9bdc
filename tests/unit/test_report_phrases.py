"""What triggers of the calendar are called in Chinese tables."""

from __future__ import annotations

import pytest

from engine.reports.phrases import attribute_words, trigger_words
from tests.projects import project

BOOK = """\
playbook: p
owner: us
trigger: {TRIGGER}
steps: [{step: ring, do: call, due: now, assign: manager}]
"""


@pytest.mark.parametrize(
    ("trigger", "words"),
    [
        ("date: contract_end, before: 90 days, at: 09:00", "合同到期 前 90 天 09:00"),
        ("date: contract_end, yearly: yes", "合同到期 当天，每年"),
        ("date: last_order, after: 1 month", "last_order 后 1 个月"),
        ("holiday: [春节, 中秋节], before: 3 working days, in: buyers", "春节、中秋节 前 3 个工作日，限已下单"),
        ("every: day, at: 09:00, in: tier.A", "每天 09:00，限tier.A"),
        ("every: week, day: Monday", "每周周一"),
        ("every: month, day: 3rd working day, at: 10:00", "每月第 3 个工作日 10:00"),
        ("every: quarter, day: 15", "每季度 15 日"),
        ("every: month, day: last day", "每月最后一天"),
        ("every: year, day: 03-15", "每年 03-15"),
        ("every: 3 days, in: slipping", "每 3 天，限下滑"),
        ('every: "30 8 * * 1-5"', "cron 30 8 * * 1-5"),
        ("event: order", "event order"),
    ],
)  # fmt: skip
def test_a_trigger_of_the_calendar_in_chinese(trigger: str, words: str) -> None:
    """Every form of `date`, `holiday` and `every` is told in Chinese; other triggers as written."""
    found = project(p=BOOK.replace("TRIGGER", trigger))

    assert trigger_words(found.playbooks[0].triggers[0], found.catalogue) == words


def test_an_unknown_attribute_keeps_its_name() -> None:
    """An attribute that we have no Chinese for is called as care.yaml calls it."""
    assert (attribute_words("size"), attribute_words("fax")) == ("人数", "fax")
