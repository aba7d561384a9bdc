"""What attributes, spans of time and triggers of the calendar are called in Chinese tables."""

from __future__ import annotations

import re
from collections.abc import Mapping

from rules.measures import Catalogue
from rules.playbook import Every, Period, Trigger, TriggerKind
from rules.units import Duration, Unit

__all__ = ["attribute_words", "duration_words", "trigger_words"]

#: Names that many projects give to attributes, as people read them.
_ATTRIBUTES = {
    "name": "名称", "contact_name": "联系人", "key_contact": "关键联系人", "email": "邮箱",
    "phone": "电话", "wecom_id": "企业微信号", "email_ok": "同意邮件", "wecom_ok": "同意消息",
    "do_not_contact": "请勿打扰", "preferred_channel": "偏好渠道", "kind": "类型", "tier": "级别",
    "industry": "行业", "size": "人数", "region": "地区", "role": "联系人角色", "budget": "年预算",
    "buying_cycle": "采购周期", "need": "需求", "pain_point": "痛点", "last_topic": "上次话题",
    "account_manager": "客户经理", "birth_year": "出生年份", "birthday": "生日",
    "founded_on": "成立日", "contract_end": "合同到期", "points": "积分",
}  # fmt: skip
_UNITS = {
    Unit.SECOND: "秒", Unit.MINUTE: "分钟", Unit.HOUR: "小时", Unit.DAY: "天", Unit.WEEK: "周",
    Unit.MONTH: "个月", Unit.YEAR: "年", Unit.WORKING_DAY: "个工作日", Unit.WORKING_HOUR: "个工作小时",
}  # fmt: skip
_PERIODS: Mapping[Period | None, str] = {
    Period.DAY: "每天", Period.WEEK: "每周", Period.MONTH: "每月", Period.QUARTER: "每季度",
    Period.YEAR: "每年",
}  # fmt: skip
_DAYS = {
    "first day": "首日", "last day": "最后一天", "first working day": "首个工作日",
    "last working day": "最后一个工作日", "monday": "周一", "tuesday": "周二", "wednesday": "周三",
    "thursday": "周四", "friday": "周五", "saturday": "周六", "sunday": "周日",
}  # fmt: skip


def attribute_words(name: str) -> str:
    """Return what people call an attribute; its name where we know of nothing better."""
    return _ATTRIBUTES.get(name, name)


def duration_words(length: Duration) -> str:
    """Return a span of time, ``3 个工作日``."""
    return f"{length.amount} {_UNITS[length.unit]}"


def trigger_words(trigger: Trigger, catalogue: Catalogue) -> str:
    """Return when a trigger of the calendar begins, ``成立日 前 3 天 09:00，每年``; as written for others."""
    match trigger.kind:
        case TriggerKind.DATE:
            told = [attribute_words(trigger.date or ""), _offset(trigger)]
        case TriggerKind.HOLIDAY:
            told = ["、".join(trigger.days), _offset(trigger)]
        case TriggerKind.EVERY if trigger.every is not None:
            told = [_rhythm(trigger.every)]
        case _:
            return trigger.words
    at = trigger.every.at if trigger.every else trigger.at
    told.append(f"{at:%H:%M}" if at else "")
    yearly = "，每年" if trigger.yearly else ""
    inside = "、".join(_segment(name, catalogue) for name in trigger.members)
    return " ".join(part for part in told if part) + yearly + (f"，限{inside}" if inside else "")


def _offset(trigger: Trigger) -> str:
    if trigger.offset is None or not trigger.offset.amount:
        return "当天"
    return f"{'前' if trigger.back else '后'} {duration_words(trigger.offset)}"


def _rhythm(every: Every) -> str:
    if every.span is not None:
        since = f"，自 {every.since} 起" if every.since else ""
        return f"每 {duration_words(every.span)}{since}"
    if every.cron is not None:
        return f"cron {every.cron}"
    return f"{_PERIODS[every.period]}{_day(every.day)}"


def _day(day: str) -> str:
    if day.isdigit():
        return f" {day} 日"
    if nth := re.match(r"(\d+)\w* working day$", day):
        return f"第 {nth[1]} 个工作日"
    return _DAYS.get(day.casefold(), f" {day}" if day else "")


def _segment(name: str, catalogue: Catalogue) -> str:
    known = catalogue.segments.get(name)
    return known.title if known and known.title else name
