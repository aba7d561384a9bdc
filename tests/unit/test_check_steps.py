"""Warnings about steps are few and true, and a playbook with every kind of step is kept whole."""

from __future__ import annotations

import json

import pytest

from engine.ids import canonical_json
from engine.revisions import decode, encode
from rules.playbook import Playbook
from rules.resolve import playbook_references
from tests.projects import PLAYBOOK, SHARED, checked, project

CALL = "{step: call, do: call, assign: manager, outcomes: [ok, bad, odd]}"
LETTER = "{step: letter, do: letter}"

FULL = """\
playbook: q
owner: x
trigger: {event: complaint}
migrate: move
steps:
  - {step: call, do: call, assign: manager, outcomes: [ok], ask: {day: date}, retry: {on: ok, every: 1 day, times: 2}, done_when: {event: solved, where: {case_id: x}}, if_overdue: {escalate: owner, after: 1 working hour}, if_late: escalate, give_up: after 9 days}
  - step: how
    choose:
      - {if: {tier: A}, then: [{step: group, split: {a: 1%, b: 99%}}, {step: start, start: p}]}
      - {else: [{step: note, set: {need: [price], size: add 2, vip: unknown}}, {step: end, stop: lost}]}
  - {step: reply, wait: {event: solved, up_to: 2 days}, then: [{step: text, do: letter, template: {by: industry, 教育: a.md, else: b.md}}]}
  - {step: more, do: letter, repeat: {every: 3 days, times: 2, until: {in: slipping}}, template: [a.md, b.md], from: 1 day before call.day}
  - {step: log, record: solved, fields: {case_id: trigger.case_id}, disabled: yes}
"""
TEXTS = {"a.md": "a", "b.md": "b"}


def codes(
    *steps: str, trigger: str = "{event: complaint}", head: str = "", **books: str
) -> list[str]:
    """Return the codes of what is said about a playbook q of these steps."""
    text = f"playbook: q\nowner: x\ntrigger: {trigger}\n{head}steps:\n"
    text += "".join(f"  - {step}\n" for step in steps)
    found = checked(q=text, **{"p": PLAYBOOK, **books})[1]
    return [each.code for each in found if each.span.file == "playbooks/q.yaml"]


@pytest.mark.parametrize(
    "steps",
    [
        (CALL, "{step: c, choose: [{if: {call.outcome: ok}, then: []}]}"),
        (CALL, "{step: c, choose: [{if: {call.outcome: ok}, then: []}, {if: {tier: A}, then: []}]}"),
        (CALL, "{step: c, choose: [{if: {call.outcome: ok}, then: []}, {if: {call.outcome: [bad, odd]}, then: []}]}"),
        (CALL, "{step: c, choose: [{if: {call.outcome: ok}, then: []}, {else: []}]}"),
        ("{step: w, wait: {event: order}}",),
        ("{step: w, wait: {event: order}}", "{step: x, do: letter, from: entry}"),
        ("{step: w, wait: {event: order}, disabled: yes}", LETTER),
        ("{step: w, wait: {event: order, up_to: 3 days}}", LETTER),
        ("{step: w, wait: {event: order}, then: [{step: x, do: letter}]}",),
        ("{step: s, stop: done, disabled: yes}", LETTER),
        ("{step: s, stop: done}", "{step: x, do: letter, from: entry}"),
        ("{step: c, choose: [{if: {tier: A}, then: [{step: s, stop: done}]}]}", LETTER),
        ("{step: c, choose: [{if: {tier: A}, then: [{step: s, stop: done}]}, {else: []}]}", LETTER),
        ("{step: s, start: p}",),
        ("{step: r, record: solved, fields: {case_id: x}}",),
        ("{step: s, start: q, disabled: yes}",),
    ],
)  # fmt: skip
def test_sound_steps_are_not_warned_about(steps: tuple[str, ...]) -> None:
    """One branch is an *if*, what is last may wait, an end in one branch is no end."""
    assert codes(*steps) == []


@pytest.mark.parametrize(
    ("steps", "code"),
    [
        ((CALL, "{step: c, choose: [{if: {call.outcome: ok}, then: []}, {if: {call.outcome: bad}, then: []}]}"), "unhandled-outcome"),
        (("{step: w, wait: {event: order}}", LETTER), "endless-wait"),
        (("{step: c, choose: [{if: {tier: A}, then: [{step: w, wait: {event: order}}]}]}", LETTER), "endless-wait"),
        (("{step: w, wait: {event: order}}", "{step: x, do: letter, from: entry}", "{step: y, do: letter, from: w}"), "endless-wait"),
        (("{step: s, stop: done}", LETTER), "unreachable"),
        (("{step: s, stop: done}", "{step: x, do: letter, from: entry}", "{step: y, do: letter, from: s}"), "unreachable"),
        (("{step: c, choose: [{if: {tier: A}, then: [{step: s, stop: a}]}, {else: [{step: t, stop: b}]}]}", LETTER), "unreachable"),
        (("{step: w, wait: 3 days, disabled: yes}", "{step: y, do: letter, from: w}"), "unreachable"),
        (("{step: c, disabled: yes, choose: [{else: [{step: w, do: letter}]}]}", "{step: y, do: letter, from: w}"), "unreachable"),
        (("{step: c, choose: [{if: {tier: A}, then: [{step: s, start: q}]}]}",), "start-loop"),
    ],
)  # fmt: skip
def test_doubtful_steps_are(steps: tuple[str, ...], code: str) -> None:
    """What is left out, never comes, may never end or goes round is told once."""
    assert codes(*steps) == [code]


@pytest.mark.parametrize(
    ("head", "other", "error"),
    [
        ("", "", True),
        ("only: {tier: A}\n", "", False),
        ("again: never\n", "", False),
        ("", "again: after 30 days\n", False),
    ],
)
def test_playbooks_that_begin_each_other(head: str, other: str, *, error: bool) -> None:
    """A circle is an error where nothing on it can refuse, else a warning; both name the way."""
    back = (
        f"playbook: o\nowner: x\ntrigger: {{event: order}}\n{other}steps: [{{step: s, start: q}}]\n"
    )
    project, findings = checked(
        q=f"playbook: q\nowner: x\ntrigger: {{event: order}}\n{head}steps: [{{step: s, start: o}}]\n",
        o=back,
    )
    assert project is not None

    assert {each.code for each in findings} == {"start-loop"}
    assert [each.level.value for each in findings] == (["error"] * 2 if error else ["warning"])
    assert [each.name for each in project.playbooks] == ([] if error else ["o", "q"])


def test_what_begins_itself_is_wrong_even_where_it_would_be_refused() -> None:
    """A playbook that always starts itself is an error, whatever `again` says."""
    assert codes("{step: s, start: q}", head="again: never\n") == ["start-loop"]
    assert codes("{step: r, record: complaint}", head="again: always\n") == ["start-loop"]


def test_a_draft_never_begins() -> None:
    """Starting a playbook that is only a draft is warned about."""
    draft = PLAYBOOK.replace("owner: service", "owner: service\nstatus: draft")

    assert codes("{step: s, start: p}", p=draft) == ["starts-draft"]


def test_a_project_without_texts() -> None:
    """Texts that can't be there yet are one warning a playbook; a folder with texts is strict."""
    step = "{step: x, do: letter, template: [a.md, b.md]}"
    strict = checked(
        q=f"playbook: q\nowner: x\ntrigger: {{event: order}}\nsteps: [{step}]\n",
        templates={"a.md": "a"},
    )[1]

    assert codes(step, "{step: y, do: letter, template: c.md}") == ["no-templates"]
    assert [(each.code, each.level.value) for each in strict] == [("unknown-template", "error")]


def test_every_kind_of_step_comes_back_from_the_ledger() -> None:
    """What a revision keeps is the playbook itself, branches and all."""
    found = project(q=FULL, p=PLAYBOOK, templates=TEXTS).playbooks[1]
    kept: Playbook = decode(json.loads(canonical_json(encode(found))))

    assert kept == found


def test_names_in_branches_belong_to_the_playbook() -> None:
    """What conditions and texts in branches use is part of the revision."""
    found = project(q=FULL, p=PLAYBOOK, templates=TEXTS).playbooks[1]
    used = playbook_references(found)

    assert {"tier", "slipping"} <= used.groups
    assert "industry" in used.attributes
    changed = SHARED.replace("orders: at least 10", "orders: at least 11")
    other = project(q=FULL, p=PLAYBOOK, templates=TEXTS, shared=changed).playbooks[1]
    assert other.revision != found.revision
