"""care.yaml and house.yaml."""

from __future__ import annotations

import datetime as dt
from fractions import Fraction

import pytest

from rules.conditions import Bound, Compare, Op, Subject, SubjectKind
from rules.errors import Span
from rules.playbook import HouseRule, HouseRules, Verdict
from rules.units import Duration, Unit
from rules.vocabulary import BUILT_IN_EVENTS, Channel, FieldKind, FieldType, NamedDate, Role
from tests.projects import CARE, PLAYBOOK, checked, project, told

SPAN = Span("", 1, 1)


def test_the_vocabulary_arrives_in_its_types() -> None:
    """Every section of care.yaml gives its types; built-in events are there too."""
    care = CARE + (
        "dates: {发布会: 2026-03-18, 答谢日: every year 02-29}\n"
        "limits: {per_run: 50}\ngive_up: after 30 days\n"
    )
    found = project(care=care).vocabulary

    assert (found.business, found.timezone, found.calendar) == ("云帆科技", "Asia/Shanghai", "CN")
    assert (found.opens, found.closes) == (dt.time(9), dt.time(18))
    assert set(found.events) == {"order", "complaint", "solved", "visit", *BUILT_IN_EVENTS}
    assert found.events["complaint"].fields == {
        "case_id": FieldType(name="case_id", kind=FieldKind.TEXT),
        "severity": FieldType(name="severity", kind=FieldKind.WORD, words=("low", "high")),
        "on": FieldType(name="on", kind=FieldKind.DATE),
    }
    assert found.groups == {"contact": ("care_done", "visit")}
    assert found.attributes["need"] == FieldType(
        name="need", kind=FieldKind.WORDS, words=("price", "service")
    )
    assert found.attributes["name"].pii
    assert found.channels["letter"] == Channel(name="letter", kind="file")
    assert found.roles == {
        "manager": Role(name="manager", attribute=None, otherwise="客服经理"),
        "owner": Role(name="owner", attribute="name", otherwise="客户成功组", capacity=25),
    }
    assert found.dates == {
        "发布会": NamedDate(name="发布会", month=3, day=18, year=2026),
        "答谢日": NamedDate(name="答谢日", month=2, day=29, year=None),
    }
    assert found.per_run == 50
    assert found.give_up == Duration(30, Unit.DAY)


def test_groups_hold_groups() -> None:
    """A group of groups is all their events, once."""
    care = CARE.replace(
        "  contact: [visit, care_done]", "  contact: [visit, talk]\n  talk: [care_done, visit]"
    )

    assert project(care=care).vocabulary.groups["contact"] == ("care_done", "visit")


def test_a_lunar_date() -> None:
    """A date may say that it is counted by the moon."""
    care = CARE.replace("  vip: yes_no", "  vip: yes_no\n  born: {type: date, calendar: lunar}")

    assert project(care=care).vocabulary.attributes["born"].calendar == "lunar"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("Asia/Shanghai", "Asia/Beijing",
         'unknown-timezone] no time zone "Asia/Beijing"; write Asia/Shanghai'),
        ("calendar: CN", "calendar: cn",
         'unknown-calendar] no calendar of public holidays for "cn"; write CN'),
        ("calendar: CN", "calendar: China",
         'unknown-calendar] no calendar of public holidays for "China"; write CN'),
        ("09:00-18:00", "9 to 18",
         ("bad-time] `hours` is a span of the day and can't be \"9 to 18\"; "
         "write hours: 09:00-18:00")),
        ("09:00-18:00", "18:00-09:00",
         ("bad-time] `hours` end before they begin: 18:00-09:00; "
         "working hours over midnight are not supported")),
        ("amount: number", "amount: int",
         'bad-type] "amount" can\'t be of type "int"; write number'),
        ("size: number", "size: nubmer",
         'bad-type] "size" can\'t be of type "nubmer"; did you mean "number"?'),
        ("[low, high]", "[low, low]", 'name-clash] "severity" lists "low" twice'),
        ("contact: [visit, care_done]", "contact: [vist, care_done]",
         'unknown-event] no event "vist"; did you mean "visit"?'),
        ("contact: [visit, care_done]", "contact: [visit, contact]",
         'cycle] group "contact" holds itself; take it out of its own list'),
        ("contact: [visit, care_done]", "visit: [order]",
         'name-clash] "visit" is already the name of an event'),
        ("visit: {title: 拜访}", "care_done: {title: x}\n  visit:",
         ('name-clash] event "care_done" is written by care itself; '
         "take it out, or choose another name")),
        ("{kind: task}", "{kind: tsk}", 'bad-word] `kind` can\'t be "tsk"; did you mean "task"?'),
        ("call: {kind: task}", "message: {kind: task}",
         ("bad-name] `do: message` means the channel that routing chooses; "
         "choose another name for this channel")),
        ("customer.name", "customer.nam",
         'unknown-attribute] no attribute "nam"; did you mean "name"?'),
        ("  vip:", "  title: text\n  vip:",
         ('bad-name] "title" is a word of the language and can\'t be the name of an attribute; '
         "choose another name")),
        ("25 a day", "lots",
         ("bad-number] `capacity` is a number of tasks a day and can't be \"lots\"; "
         "write 25 a day")),
        ("capacity: 25 a day", "capacity: 25",
         ("bad-number] `capacity` is a number of tasks a day and can't be \"25\"; "
         "write 25 a day")),
    ],
)  # fmt: skip
def test_a_wrong_vocabulary_is_told_once(old: str, new: str, said: str) -> None:
    """A wrong entry of care.yaml is one finding; the project is not made."""
    assert old in CARE
    found, findings = checked(care=CARE.replace(old, new))

    assert found is None
    assert [str(finding).split("[", 1)[1] for finding in findings] == [said]
    assert {finding.span.file for finding in findings} == {"care.yaml"}


def test_settings_of_channels_arrive_as_written() -> None:
    """What a kind of channel takes is kept as text: references are not looked into, lists and
    headers get paths of their own.
    """
    care = CARE.replace(
        "  letter:",
        '  email: {kind: smtp, to: customer.name, host: "${env:HOST}", port: 2525,'
        ' sender: 云帆客服 <care@example.com>, unsubscribe: [mailto:a@b.com, "https://b.com/{action}"]}\n'
        "  hook: {kind: webhook, url: https://b.com/in, allow_private: yes, reaches_customer: no,"
        ' headers: {X-Team: 客服, Authorization: "Bearer ${file:secrets/hook}"}}\n'
        "  letter:",
    )
    channels = project(care=care, p=PLAYBOOK).vocabulary.channels

    assert channels["email"] == Channel(
        name="email",
        kind="smtp",
        to="customer.name",
        settings={
            "host": "${env:HOST}",
            "port": "2525",
            "sender": "云帆客服 <care@example.com>",
            "unsubscribe/0": "mailto:a@b.com",
            "unsubscribe/1": "https://b.com/{action}",
        },
    )
    assert channels["hook"] == Channel(
        name="hook",
        kind="webhook",
        reaches_customer=False,
        settings={
            "url": "https://b.com/in",
            "allow_private": "yes",
            "headers/X-Team": "客服",
            "headers/Authorization": "Bearer ${file:secrets/hook}",
        },
    )


def test_a_step_may_take_any_channel() -> None:
    """What a person does not do is sent: such a step takes none of the keys of tasks."""
    care = CARE.replace(
        "  letter:",
        "  email: {kind: smtp, to: customer.name, host: a, sender: a@b.com}\n  letter:",
    )
    text = "playbook: p\nowner: x\ntrigger: {event: order}\nsteps:\n  - {step: a, do: email, template: a.md, outcomes: [x, y]}\n"

    assert told(care=care, p=text, templates={"a.md": "您好"}) == [
        (
            'playbooks/p.yaml:5:42: error[needs-task] step "a": nobody does a message, so `outcomes` '
            "has no meaning; take a channel of kind task"
        )
    ]


def test_house_rules_arrive_in_their_types() -> None:
    """A rule has its verdict, and what it asks of work, customer and running."""
    house = (
        "holdout: 2%\nrules:\n"
        "  - rule: one\n"
        "    when: {work: {purpose: [repair, x], channel: call}, customer: {size: above 3}}\n"
        "    then: skip\n"
        "  - rule: two\n"
        "    when: {work: {playbook: p}, running: {purpose: x, playbook: [p]}}\n"
        "    then: defer 3 days\n"
    )

    assert project(house=house, p=PLAYBOOK).house == HouseRules(
        rules=(
            HouseRule(
                name="one",
                span=SPAN,
                path="rules/0",
                verdict=Verdict.SKIP,
                purposes=("repair", "x"),
                channels=("call",),
                customer=Compare(
                    subject=Subject(SubjectKind.ATTRIBUTE, "size"),
                    test=Bound(Op.ABOVE, Fraction(3)),
                    path="rules/0/when/customer/size",
                    words="above 3",
                ),
            ),
            HouseRule(
                name="two",
                span=SPAN,
                path="rules/1",
                verdict=Verdict.DEFER,
                delay=Duration(3, Unit.DAY),
                playbooks=("p",),
                running_purposes=("x",),
                running_playbooks=("p",),
            ),
        ),
        holdout=Fraction(1, 50),
    )


@pytest.mark.parametrize(
    ("house", "said"),
    [
        ("rules: [{rule: a, when: {work: {channel: cal}}, then: skip}]",
         'unknown-channel] no channel "cal"; did you mean "call"?'),
        ("rules: [{rule: a, when: {work: {playbook: q}}, then: skip}]",
         'unknown-playbook] no playbook "q"; known here: p'),
        ("rules: [{rule: a, when: {customer: {sizes: 3}}, then: skip}]",
         'unknown-name] no measure, attribute or class "sizes"; did you mean "size"?'),
        ("rules: [{rule: a, when: {work: {playbook: p}}, then: defer 3天}]",
         "bad-duration] `defer` needs a length of time; write defer 3 days"),
        ("rules: [{rule: a, when: {work: {playbook: p}}, then: defer}]",
         "bad-phrase] `defer` needs a time; write defer 1 day"),
        ("rules: [{rule: a, when: {work: {playbook: p}}, then: skp}]",
         'bad-word] `then` can\'t be "skp"; did you mean "skip"?'),
    ],
)  # fmt: skip
def test_a_wrong_house_rule_is_told_once(house: str, said: str) -> None:
    """A wrong house rule stops the project: one finding, with what to write."""
    found, findings = checked(house=house, p=PLAYBOOK)

    assert found is None
    assert [str(finding).split("[", 1)[1] for finding in findings] == [said]


def test_a_purpose_that_no_playbook_has_is_a_warning() -> None:
    """A house rule may come before its playbooks; a typo would make it silent."""
    house = "rules: [{rule: a, when: {work: {purpose: repiar}}, then: skip}]"
    text = PLAYBOOK.replace("owner: service", "owner: service\npurpose: repair")

    assert told(house=house, p=text) == [
        (
            'house.yaml:1:9: warning[unknown-purpose] rule "a": no playbook has the purpose '
            '"repiar"; did you mean "repair"?'
        )
    ]


def test_a_project_without_a_time_zone_is_warned_about() -> None:
    """Days begin somewhere: without `timezone` in UTC, and nobody should have to guess that."""
    assert told(care=CARE.replace("timezone: Asia/Shanghai\n", "")) == [
        (
            "care.yaml:1:1: warning[no-timezone] care.yaml has no `timezone`, so days begin and end "
            "in UTC; add timezone: Asia/Shanghai"
        )
    ]
