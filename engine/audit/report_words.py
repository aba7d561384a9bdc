"""The closed words of the ledger in Chinese, for sheets that people read."""

from __future__ import annotations

from collections.abc import Mapping

from engine.words import ActionKind, ActionState, JourneyState, Reason, Verb

__all__ = ["GATES", "JOURNEYS", "KINDS", "REASONS", "STATES", "VERBS"]

STATES: Mapping[ActionState, str] = {
    ActionState.PLANNED: "已计划",
    ActionState.DUE: "待发送",
    ActionState.INTENT: "发送中",
    ActionState.SENT: "已发送",
    ActionState.HANDED_OVER: "已转交",
    ActionState.FAILED: "发送失败",
    ActionState.UNKNOWN: "结果不明",
    ActionState.OPEN: "待办",
    ActionState.DONE: "已完成",
    ActionState.EXPIRED: "逾期关闭",
    ActionState.SKIPPED: "已跳过",
    ActionState.CANCELLED: "已取消",
}

KINDS: Mapping[ActionKind, str] = {
    ActionKind.TASK: "人工任务",
    ActionKind.MESSAGE: "自动消息",
    ActionKind.WAIT: "等待",
    ActionKind.CHOOSE: "选择",
    ActionKind.SPLIT: "分流",
    ActionKind.SET: "设置属性",
    ActionKind.RECORD: "记录事件",
    ActionKind.START: "启动剧本",
    ActionKind.STOP: "结束",
}

JOURNEYS: Mapping[JourneyState, str] = {
    JourneyState.RUNNING: "进行中",
    JourneyState.FINISHED: "已走完",
    JourneyState.STOPPED: "已终止",
}

GATES: Mapping[str, str] = {
    "start": "启动",
    "release": "放行",
    "deliver": "发送",
    "stop": "终止",
    "hold": "暂停",
    "migrate": "换版",
}

VERBS: Mapping[Verb, str] = {
    Verb.STARTED: "启动",
    Verb.REFUSED: "拒绝",
    Verb.DEFERRED: "推迟",
    Verb.RELEASED: "放行",
    Verb.SKIPPED: "跳过",
    Verb.STOPPED: "终止",
    Verb.MOVED: "换到新版",
    Verb.HELD: "暂停",
    Verb.RESUMED: "恢复",
}

REASONS: Mapping[Reason, str] = {
    Reason.ONLY: "不满足 only 条件",
    Reason.EXCEPT: "满足 except 条件",
    Reason.AGAIN_NEVER: "以前做过，只做一次",
    Reason.AGAIN_EARLY: "距上次太近",
    Reason.OVERLAP: "同一剧本正在进行",
    Reason.HOLDOUT: "剧本对照组",
    Reason.HOLDOUT_PROJECT: "全局对照组",
    Reason.LATE: "事件到得太晚",
    Reason.EXISTING: "上线前已发生",
    Reason.HOUSE_RULE: "总则跳过",
    Reason.HOUSE_HOLD: "总则暂停",
    Reason.HOUSE_DEFER: "总则推迟",
    Reason.CAP: "超过频次上限",
    Reason.LEVELLED: "当天已满,顺延",
    Reason.QUIET: "免打扰时段",
    Reason.CONSENT: "客户未同意",
    Reason.CONSENT_WITHDRAWN: "客户已撤回同意",
    Reason.NO_CHANNEL: "没有可用渠道",
    Reason.DEFERRED_TOO_LONG: "推迟超过期限",
    Reason.PER_RUN: "超过单次启动上限",
    Reason.RECHECK: "放行前复核未通过",
    Reason.UNTIL: "重复条件已满足",
    Reason.STEP_LATE: "步骤已过期",
    Reason.ANCHOR_CANCELLED: "前一步已取消",
    Reason.STOP_EVENT: "发生终止事件",
    Reason.STOP_LEAVES: "客户离开分群",
    Reason.STOP_CONDITION: "满足终止条件",
    Reason.STOP_STEP: "步骤终止",
    Reason.DONE_WHEN: "完成事件已发生",
    Reason.JOINED: "并入同一任务",
    Reason.ANSWERED: "原任务已处理",
    Reason.WAIT_ANSWERED: "等待的事件及时到达",
    Reason.NO_BRANCH: "没有匹配的分支",
    Reason.QUEUED: "排队等待",
    Reason.CHAIN: "连锁启动过长",
    Reason.NOT_ACTIVE: "剧本未启用",
    Reason.MIGRATED: "剧本已修改",
    Reason.GOAL: "目标达成",
    Reason.RESTARTED: "被新的一次取代",
    Reason.CHANNEL_FAILED: "渠道拒收",
    Reason.CHANNEL_DISABLED: "渠道已停用",
    Reason.NO_ADDRESS: "没有地址",
    Reason.TEMPLATE_FAILED: "模板出错",
    Reason.PARKED: "多次发送未成",
    Reason.UNKNOWN_ANSWER: "回执不明",
}
