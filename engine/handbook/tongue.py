"""The phrases of the language as people say them: English as written, or Chinese."""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import StrEnum

from rules.units import Duration

__all__ = ["LABELS", "Tongue", "filled", "joined", "label", "said", "span"]


class Tongue(StrEnum):
    """In which language the page's own words are."""

    EN = "en"
    ZH = "zh"


_UNITS = {
    "second": "秒", "minute": "分钟", "hour": "小时", "day": "天", "week": "周", "month": "个月",
    "year": "年", "quarter": "个季度", "working day": "个工作日", "working hour": "个工作小时",
}  # fmt: skip
_D = r"(\d+ (?:working )?(?:second|minute|hour|day|week|month|quarter|year)s?)"
_DURATION = re.compile(r"(\d+) ((?:working )?[a-z]+?)s?")
_WORDS = {
    "now": "立即", "same day": "当天", "known": "已知", "unknown": "未知", "up": "上升", "down": "下降",
    "yes": "是", "no": "否", "always": "每次都可以", "never": "只进入一次", "day": "每天", "week": "每周",
    "month": "每月", "quarter": "每季度", "year": "每年", "first day": "第一天", "last day": "最后一天",
    "first working day": "第一个工作日", "last working day": "最后一个工作日",
    "Monday": "星期一", "Tuesday": "星期二", "Wednesday": "星期三", "Thursday": "星期四",
    "Friday": "星期五", "Saturday": "星期六", "Sunday": "星期日",
}  # fmt: skip
#: What is written -> what is said; what stands in the groups is said in turn.
_PHRASES: tuple[tuple[str, str], ...] = (
    (rf"within last {_D}", "最近{0}内"),
    (rf"within next {_D}", "未来{0}内"),
    (rf"within {_D}", "{0}内"),
    (rf"after {_D}", "{0}后"),
    (rf"at least {_D} ago", "至少{0}前"),
    (rf"less than {_D} ago", "不到{0}前"),
    (rf"between (\d+) and {_D} ago", "{0}至{1}前"),
    (rf"between {_D} and {_D} ago", "{0}至{1}前"),
    (rf"between (\d+) and {_D}", "第 {0} 至 {1}"),
    (r"between (.+) and (.+)", "{0}至{1}之间"),
    (r"steady within (.+)", "波动不超过{0}"),
    (r"up more than (.+)", "上升超过{0}"),
    (r"up at least (.+)", "上升至少{0}"),
    (r"down more than (.+)", "下降超过{0}"),
    (r"down at least (.+)", "下降至少{0}"),
    (r"at least (.+)", "至少 {0}"),
    (r"at most (.+)", "至多 {0}"),
    (r"above (.+)", "高于 {0}"),
    (r"below (.+)", "低于 {0}"),
    (r"has any of \[(.+)\]", "含「{0}」之一"),
    (r"has (.+)", "含「{0}」"),
    (r"top (\S+) of (.+)", "在「{1}」中排名前 {0}"),
    (r"not (.+)", "不是{0}"),
    (r"\[(.+)\]", "{0} 之一"),
    (r"(\d+)(?:st|nd|rd|th) working day", "第 {0} 个工作日"),
    (r"add (.+)", "增加 {0}"),
)
_SEVERAL = re.compile(r"(?<!any of )\[([^\[\]]+)\]")
_COMPILED = tuple((re.compile(pattern), form) for pattern, form in _PHRASES)
_WIDE = re.compile("[\u3000-\u9fff\uff00-\uffef]")
_HAN = re.compile("[\u4e00-\u9fff]")
_NARROW = re.compile(r"[A-Za-z0-9_%+\-]")


def said(words: str, tongue: Tongue) -> str:
    """Return a phrase of the language as people say it; what is not known stays as written."""
    words = " ".join(words.split())
    if tongue is Tongue.EN:
        return _SEVERAL.sub(r"one of \1", words)
    words = _SEVERAL.sub(lambda found: f"[{found[1].replace(', ', '、')}]", words)
    if words in _WORDS:
        return _WORDS[words]
    length = _DURATION.fullmatch(words)
    if length and length[2] in _UNITS:
        return f"{length[1]} {_UNITS[length[2]]}"
    for pattern, form in _COMPILED:
        found = pattern.fullmatch(words)
        if found:
            return filled(form, [said(part, tongue) for part in found.groups()])
    return words


def span(duration: Duration | None, tongue: Tongue) -> str:
    """Return ``3 working days`` as people say it; "" for none."""
    return said(str(duration), tongue) if duration is not None else ""


def joined(parts: Iterable[str], tongue: Tongue, *, either: bool = False) -> str:
    """Return ``a, b or c``: all of some names or sentences, or any of them."""
    found = list(parts)
    if len(found) < 2:
        return "".join(found)
    if tongue is Tongue.EN:
        return ", ".join(found[:-1]) + (" or " if either else " and ") + found[-1]
    short = all(len(part) < 16 for part in found)
    words = ("、" if short else "，").join(found[:-1])
    return glued([words, "或" if either else "且", found[-1]])


def filled(form: str, parts: Iterable[object]) -> str:
    """Return a Chinese form with its { } filled in, with spaces only between Latin and Chinese.

    What is filled in stays as it is.
    """
    given = [str(part) for part in parts]
    pieces = re.split(r"\{(\d)\}", form)
    pieces[1::2] = [given[int(number)] for number in pieces[1::2]]
    return glued(pieces)


def glued(pieces: Iterable[str]) -> str:
    """Return pieces of Chinese as one, a space where Latin and Chinese meet, none between Chinese."""
    words = ""
    for piece in filter(None, pieces):
        left, right = words.rstrip(" "), piece.lstrip(" ")
        if not left or not right:
            words += piece
            continue
        ends = (left[-1], right[0])
        wide = [bool(_WIDE.match(char)) for char in ends]
        mixed = any(_HAN.match(one) and _NARROW.match(other) for one, other in (ends, ends[::-1]))
        apart = left != words or right != piece
        words = f"{left} {right}" if mixed or (apart and not all(wide)) else left + right
    return words


Labels = tuple[str, str]

#: Name -> English, Chinese. What stands in { } is filled in.
LABELS: dict[str, Labels] = {
    # headings
    "page": ("Playbooks of {0}", "{0} 的客户关怀手册"),
    "owner": ("Owner", "负责人"),
    "status": ("Status", "状态"),
    "active": ("active", "启用"),
    "paused": ("paused: starts nothing, what runs waits", "暂停：不再开始，进行中的等待"),
    "draft": ("draft: checked, never run", "草稿：只检查，不运行"),
    "purpose": ("Purpose", "目的"),
    "priority": ("Priority", "优先级"),
    "handbook": ("Source", "出处"),
    "intent": ("Intent", "用意"),
    "not for": ("Not for", "不适用"),
    "note": ("Note", "说明"),
    "begins": ("Begins", "何时开始"),
    "whom": ("For whom", "对象"),
    "except": ("Not for whom", "排除"),
    "often": ("How often", "频次"),
    "ends": ("Ends early", "提前结束"),
    "holdout": ("Left out to compare", "对照组"),
    "flow": ("Flow", "流程"),
    "steps": ("Steps", "步骤"),
    "number": ("No.", "序号"),
    "step": ("Step", "步骤"),
    "what": ("What", "做什么"),
    "when": ("When", "何时"),
    "who": ("Who", "谁"),
    "details": ("What it says, what comes of it", "内容与结果"),
    "definitions": ("Customers and figures in it", "用到的客群与指标"),
    "name": ("Name", "名称"),
    "meaning": ("Meaning", "含义"),
    "house": ("House rules that bear on it", "相关的总则"),
    "left_out": ("Left out: {0} has errors; care check shows them", "未列入：{0} 有错误，请运行 care check"),
    "made": ("Made by care docs from the project's files", "由 care docs 根据项目文件生成"),
    # triggers
    "t_event": ("when {0} happens", "发生{0}时"),
    "t_first": ("at the first {0} ever", "首次发生{0}时"),
    "t_enters": ("when the customer comes into {0}", "客户进入{0}时"),
    "t_leaves": ("when the customer leaves {0}", "客户离开{0}时"),
    "t_holds": (", once that has held for {0}", "，并持续 {0}"),
    "t_changes": ("when {0} changes{1}{2}", "{0}改变时{1}{2}"),
    "t_from": (" from {0}", "，原为{0}"),
    "t_to": (" to {0}", "，变为{0}"),
    "t_changed": ("when the attribute {0} changes", "属性{0}改变时"),
    "t_missing": ("when no {0} came within {2} of {1}", "{1}之后 {2}内没有{0}时"),
    "t_date": ("on {0}", "{0}当天"),
    "t_before": ("{1} before {0}", "{0}前 {1}"),
    "t_after": ("{1} after {0}", "{0}后 {1}"),
    "t_yearly": (", every year", "，每年"),
    "t_at": (", at {0}", "，{0}"),
    "t_every": ("every {0}", "每隔 {0}"),
    "t_period": ("every {0}", "{0}"),
    "t_day": (", on {0}", "，{0}"),
    "t_cron": ("by the clock {0}", "按时刻表 {0}"),
    "t_since": (", counted from {0}", "，从{0}算起"),
    "t_in": (", for {0}", "，限{0}"),
    "t_manual": ("when a person starts it", "由人工启动"),
    # how often, how it ends
    "again_never": ("once a customer", "每位客户一次"),
    "again_always": ("every time", "每次都开始"),
    "again_after": ("again {0} after the last time at the earliest", "距上次至少 {0} 后可再次开始"),
    "o_ignore": ("not while one is running", "进行中不重复开始"),
    "o_parallel": ("several may run at once", "可同时进行多个"),
    "o_restart": ("a new one ends the running one", "新的开始时结束旧的"),
    "o_queue": ("a new one waits for the running one", "新的排在进行中的之后"),
    "enrol": ("those already inside take part", "上线时已符合的也参加"),
    "s_event": ("when {0} happens", "发生{0}"),
    "s_leaves": ("when the customer leaves {0}", "客户离开{0}"),
    "s_if": ("when {0}", "{0}"),
    "s_goal": (": goal {0} reached", "：达成目标「{0}」"),
    "s_within": (" within {0}", "（{0}内）"),
    "same": (" of the same {0}", "（同一 {0}）"),
    # conditions and events
    "of_trigger": ("{0} of what began it", "触发事件的 {0}"),
    "in": ("in {0}", "属于{0}"),
    "not": ("not ({0})", "不满足（{0}）"),
    "everybody": ("everybody", "所有客户"),
    "is": ("{0} is {1}", "{0} {1}"),
    "is_one": ("{0} is {1}", "{0}为{1}"),
    "where": (" with {0}", "（{0}）"),
    "else": ("else", "其他情况"),
    "rest": ("whoever is left", "其余"),
    # measures
    "m_count": ("number of {0}", "{0}的次数"),
    "m_sum": ("sum of {1}", "{1}合计"),
    "m_mean": ("mean of {1}", "{1}平均"),
    "m_min": ("smallest {1}", "最小{1}"),
    "m_max": ("largest {1}", "最大{1}"),
    "m_distinct": ("number of different {1}", "{1}的种类数"),
    "m_first_time": ("time of the first {0}", "首次{0}的时间"),
    "m_last_time": ("time of the last {0}", "最近一次{0}的时间"),
    "m_first_value": ("first {1}", "最早的{1}"),
    "m_last_value": ("last {1}", "最近的{1}"),
    "m_months_with": ("months with {0}", "有{0}的月数"),
    "m_share": ("share of {1} followed by {0}", "{1}中有{0}的比例"),
    "m_time": ("mean time from {0} to {1}", "从{0}到{1}的平均时间"),
    "m_open": ("{0} without {1} since", "尚无{1}的{0}"),
    "m_changed": ("last change of {0}", "{0}最近一次改变的时间"),
    "m_change": ("change against the time before (in %): {0}", "与前一期相比的变化率：{0}"),
    "m_difference": ("change against the time before: {0}", "与前一期相比的差：{0}"),
    "m_last": (", last {0}", "，最近 {0}"),
    "m_ending": (", ending {0} ago", "，截至 {0}前"),
    "m_per": (", a month", "，按月平均"),
    "of": ("{1}, of {0}", "{1}（限{0}）"),
    # steps
    "message": ("message (the channel is chosen by routing)", "消息（渠道由路由决定）"),
    "wait": ("wait for {0}", "等待{0}"),
    "wait_plain": ("wait {0}", "等待 {0}"),
    "up_to": (", at most {0}", "，最多 {0}"),
    "choose": ("choose by what holds", "按情况选择"),
    "split": ("split by chance", "随机分组"),
    "set": ("write {0}", "记录属性：{0}"),
    "unknown": ("unknown", "清空"),
    "record": ("record {0}", "记录事件{0}"),
    "start": ("start {0}", "启动剧本{0}"),
    "stop": ("end the journey: {0}", "结束：{0}"),
    "came": ("it came", "已发生"),
    "timeout": ("it did not come", "到期未发生"),
    "end_node": ("End", "结束"),
    "after_entry": ("counted from the beginning", "自开始起"),
    "after_step": ("after {0}", "在{0}之后"),
    "a_date": ("on {0}", "{0}当天"),
    "a_before": ("{1} before {0}", "{0}前 {1}"),
    "a_after": ("{1} after {0}", "{0}后 {1}"),
    "trigger_date": ("the date that began it", "触发日期"),
    "disabled": ("disabled", "已停用"),
    "attribute_of": ("as {0} of the customer says", "客户的「{0}」"),
    "or_else": (", else {0}", "，否则 {0}"),
    "text": ("text: {0}", "文本：{0}"),
    "text_in_turn": ("texts in turn: {0}", "轮流使用：{0}"),
    "text_by": ("text by {0}: {1}", "按{0}选文本：{1}"),
    "outcomes": ("outcomes: {0}", "结果：{0}"),
    "ask": ("to ask: {0}", "询问：{0}"),
    "ask_scale": ("{0} ({1} to {2})", "{0}（{1}—{2} 分）"),
    "ask_choice": ("{0} ({1})", "{0}（{1}）"),
    "retry": ("after {0}: again in {1}, {2} times at most", "结果为{0}时：隔 {1}再试，最多 {2} 次"),
    "repeat": ("{1} times, every {0}{2}", "每隔 {0}一次，共 {1} 次{2}"),
    "until": (", until {0}", "，直到{0}"),
    "overdue": ("not done in time: to {0}", "逾期未完成：转给{0}"),
    "overdue_after": ("{1} overdue: to {0}", "逾期 {1}：转给{0}"),
    "done_when": ("done when {0} happens", "发生{0}即算完成"),
    "recheck": ("only if still: {0}", "届时仍需满足：{0}"),
    "give_up": ("given up {0} after it was due", "到期后 {0}仍未完成则放弃"),
    "late_skip": ("skipped if its time is over", "错过时间则跳过"),
    "late_escalate": ("handed up if its time is over", "错过时间则升级"),
    # house
    "h_hold": ("waits", "暂停，等待"),
    "h_skip": ("is dropped", "不做"),
    "h_defer": ("is put off by {0}", "推迟 {0}"),
    "h_assign": ("goes to {0}", "交给{0}"),
    "h_use": ("goes through {0}", "改用{0}"),
    "h_rule": ("{0}: {1}, it {2}", "{0}：{1}，{2}"),
    "h_if": ("where the customer is: {0}", "客户{0}时"),
    "h_running": ("while {0} is running", "正在进行{0}时"),
    "h_through": ("where it goes through {0}", "渠道为 {0} 时"),
    "h_all": ("always", "一律"),
    "h_cap": ("at most {0} in {1}{2}; more {3}", "{1}内至多 {0} 次{2}；超出的{3}"),
    "h_channels": (" through {0}", "（{0}）"),
    "h_quiet": ("nothing from {0} to {1}: it {2}", "{0} 至 {1} 不打扰：{2}"),
    "h_wait": ("waits", "顺延"),
    "h_deferred": ("waits until there is room", "顺延"),
    "h_consent": ("{0}: only with a yes in {1}", "{0}：须有「{1}」的同意"),
    "h_refuses": ("{0}: nothing where {1} says so", "{0}：标有「{1}」的一律不联系"),
    "every_channel": ("every channel", "所有渠道"),
}  # fmt: skip


def label(name: str, tongue: Tongue, *parts: object) -> str:
    """Return one of ``LABELS`` filled in."""
    form = LABELS[name][tongue is Tongue.ZH]
    return filled(form, parts) if tongue is Tongue.ZH else form.format(*parts)
