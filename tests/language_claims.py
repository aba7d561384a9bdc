"""What each example of the language page has to show when it runs, and which reasons are shown elsewhere.

An example's name is its section and number; each line is one that ``Story.facts`` gives.
"""

from __future__ import annotations

__all__ = ["CLAIMS", "ELSEWHERE", "HOUSE", "IDLE_BOOKS"]

#: Examples of playbooks that begin nothing, since they are paused or drafts.
IDLE_BOOKS = ("a_playbook_1", "a_playbook_2")

CLAIMS: dict[str, tuple[str, ...]] = {
    "a_whole_project_1": (
        "apology done settled", "apology expired expired", "apology for 客服组", "gift sent",
        "refused overlap", "refused existing", "refused late", "journey finished",
    ),
    "a_whole_project_2": ("visit_call for 王芳", "visit_call for 客户成功组", "refused again_never"),
    "values_1": ("receipt sent", "apology done"),
    "shared_yaml_1": ("refused only", "visit_call done"),
    "a_playbook_1": (),
    "a_playbook_2": (),
    "a_playbook_3": ("apology cancelled migrated", "journey stopped migrated"),
    "triggers_1": ("began by severe", "began by event", "refused late", "refused existing"),
    "triggers_2": ("began by first at 2025-09-20 11:00",),  # the first over 100, not the first
    "triggers_3": ("began by missing at 2025-09-03 18:00",),  # Monday 09:00 and 2 working days
    "triggers_4": ("began by enters", "began by leaves", "began by down_a_tier"),
    "triggers_5": ("began by changed at 2025-09-07 10:00", "began by by_hand at 2025-09-05 18:00"),
    "triggers_of_time_1": (
        "began by date at once",  # enrolled: the end is less than 90 days off
        "began by date at 2025-10-11 09:00", "began by date-2 at 2025-09-26 11:02",
    ),
    "triggers_of_time_2": (
        "began by date at 2025-11-05 00:00",  # 3 working days before 10 November
        "began by holiday at 2025-09-28 00:00",  # 中秋 on 6 October: 30, 29 and Sunday 28 September
        "began by holiday at 2025-11-17 00:00",  # 周年庆 on the 20th
        "began by holiday at 2026-02-11 00:00",  # 春节, off from Sunday 15 February
        "began by holiday-2 at 2025-10-02 10:00",
    ),
    "triggers_of_time_3": (
        "began by daily", "began by weekly", "began by mornings at 2025-10-03 08:30",
        "began by monthly at 2025-10-09 10:00",  # 1 to 8 October are off
        "began by quarterly at 2025-10-15 00:00", "began by yearly at 2026-03-15 00:00",
    ),
    "triggers_of_time_4": (
        "began by from_joining", "began by from_each_order at 2025-09-29 11:00",
    ),
    "triggers_of_time_5": (
        "began by holiday at 2025-10-03 00:00", "visit_call skipped recheck",
        "began by holiday at 2026-02-14 00:00", "visit_call done",
    ),
    "who_and_how_often_1": (
        "began by enters at once", "refused except", "refused again_early", "refused holdout",
    ),
    "who_and_how_often_2": ("apology done settled", "apology done settled joined"),
    "who_and_how_often_3": ("gift cancelled restarted", "journey stopped restarted"),
    "who_and_how_often_4": ("deferred queued",),
    "who_and_how_often_5": ("refused again_never", "refused overlap"),
    "steps_1": (
        "letter sent", "letter skipped no_address", "letter skipped step_late", "second_call done",
        "second_call skipped recheck",
    ),
    "due_1": ("a sent", "b sent", "c done", "d sent", "e done", "f sent"),
    "from_1": ("second_call done", "second_call cancelled anchor_cancelled", "renewal sent"),
    "from_2": ("invitation sent", "wish sent", "thanks sent"),
    "from_3": ("reminder sent",),
    "tasks_for_people_1": (
        "satisfaction done reached", "manager_call done", "manager_call skipped recheck",
    ),
    "tasks_for_people_2": (
        "answer done done_when", "answer for 客服经理", "answer.overdue cancelled answered",
        "answer expired expired", "meeting done done_when",
    ),
    "tasks_for_people_3": (
        "answer.overdue for 客服经理", "answer.overdue2 for 王芳",
        "answer.overdue cancelled answered", "answer expired expired",
    ),
    "again_1": (
        "reach done no_answer", "reach(2) done reached", "reach expired expired", "reach(2) open",
        "touch(2) sent", "touch(2) skipped until",
    ),
    "texts_1": ("sorry sent", "tips sent", "news sent"),
    "waiting_and_choosing_1": (
        "thanks sent", "boss done", "missed sent", "answer done", "last_call done",
        "last_call cancelled wait_answered", "pause skipped step_late",
    ),
    "waiting_and_choosing_2": (
        "pack done with_gift", "pack done without", "maybe done no_branch", "gift sent",
    ),
    "writing_and_beginning_1": ("mark done", "note done", "goodbye done", "journey stopped stop_step lost"),
    "stop_when_1": (
        "journey stopped goal solved", "journey stopped stop_event", "journey stopped stop_leaves",
        "journey stopped stop_condition", "gift cancelled goal",
    ),
}  # fmt: skip

#: The same of each example of house.yaml, by its number: what its playbooks show together.
HOUSE: dict[int, tuple[str, ...]] = {
    1: (
        "hold held house_hold repair_first", "hold resumed house_hold repair_first",
        "hello sent",  # `do: message` goes out as a letter
    ),
    2: (
        "refused holdout_project", "hold held house_hold repair_before_retention",
        "deferred house_defer", "release skipped house_rule no_calls_to_vip", "refused house_rule",
        "apology for 客服经理", "apology sent",
    ),
    3: (
        "release deferred cap caps/0", "release skipped cap caps/1", "release deferred quiet quiet",
        "offer skipped consent", "offer sent",
    ),
    4: (
        "release skipped quiet quiet", "offer skipped consent", "hello skipped no_channel",
        "release deferred cap caps/0",
    ),
    5: ("hello done", "hello sent"),
}  # fmt: skip

#: Reasons that no example of the page makes -> the tests that do, and how they call them: endless
#: chains, broken channels, and what takes more than a small log.
ELSEWHERE: dict[str, tuple[str, str]] = {
    "chain": ("acceptance/test_step_flow.py", "chain"),
    "channel_disabled": ("integration/test_outbox.py", "Waits.DISABLED"),
    "channel_failed": ("integration/test_run_steps.py", "channel_failed"),
    "consent_withdrawn": ("integration/test_run_consent.py", "consent_withdrawn"),
    "deferred_too_long": ("integration/test_run_house.py", "deferred_too_long"),
    "levelled": ("integration/test_levelled.py", "levelled"),
    "not_active": ("acceptance/test_step_flow.py", "not_active"),
    "parked": ("integration/test_outbox.py", "parked"),
    "per_run": ("acceptance/test_run_program.py", "per_run"),
    "template_failed": ("integration/test_run_texts.py", "template_failed"),
    "unknown_answer": ("acceptance/test_deliver_crash.py", "unknown_answer"),
}
