"""Texts through the program: a look at them beforehand, what a person is told, what `why` shows."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.factories import CARE, Shop, event, profile
from tests.zygote import Zygote

BOOK = """\
trigger: {event: complaint}
steps:
  - {step: sorry, do: mail, due: now, template: sorry.md}
  - step: ring
    do: call
    due: within 1 working day
    assign: owner
    outcomes: [fine, angry]
    template: script.txt
    brief: "{{ assignee }}：投诉 {{ trigger.case_id }}，{{ action.due_by | date_cn }}前"
  - {step: bye, from: ring, do: letter, due: now, template: {by: ring.outcome, angry: sorry.md, else: bye.md}}
"""
SORRY = """\
Subject: 抱歉，{{ customer.name | default: "客户" }}

# {{ customer.name | default: "客户" }}

编号 {{ trigger.case_id }}
{% render "sign.md" %}
"""
TEXTS = {
    "sorry.md": SORRY,
    "bye.md": "{{ ring.outcome }}，{{ customer.name }}\n",
    "script.txt": "您好，{{ customer.name | default: '客户' }}\n",
    "sign.md": "-- {{ business }}\n",
}
MAILS = CARE.replace(
    "channels:\n",
    "channels:\n  mail: {kind: smtp, host: smtp.example.com, sender: care@example.com, to: customer.address}\n",
)  # fmt: skip


@pytest.fixture
def made(tmp_path: Path, zygote: Zygote) -> Shop:
    """A shop with texts and two customers; the second one is not known well."""
    shop = Shop(tmp_path, through=zygote, care=MAILS, p=BOOK)
    for name, text in TEXTS.items():
        shop.write(f"templates/{name}", text)
    shop.customers(
        profile("c1", "2025-01-01", name="<王>丽", address="wang@example.com", manager="小李"),
        profile("c2", "2025-01-01", size=1),
    )
    shop.events(
        event("c1", "complaint", "2025-03-03T10:00", case_id="A-1"),
        event("c2", "complaint", "2025-03-03T10:00", case_id="A-2"),
    )
    return shop


def test_preview_before_anything_runs(made: Shop) -> None:
    """A text is seen before there is a ledger: address, subject, text, and its HTML in a file."""
    page = made.root / "mail.html"
    said = made.care("preview", "p", "sorry", "c1", "--at", "2025-03-03T12:00", "--html", str(page))

    assert (said.code, said.err) == (0, "")
    assert said.out.splitlines() == [
        "p: sorry, playbooks/p.yaml:5:5",
        "customer c1 as of Mon 2025-03-03 12:00 through mail (smtp), templates/sorry.md",
        "trigger and steps: event complaint complaint-c1-2025-03-03T10:00",
        "",
        "to: wang@example.com",
        "subject: 抱歉，<王>丽",
        "| # <王>丽",
        "|",
        "| 编号 A-1",
        "| -- 测试",
    ]
    assert page.read_text(encoding="utf-8") == (
        "<h1>&lt;王&gt;丽</h1>\n<p>编号 A-1<br />\n-- 测试</p>\n"
    )
    assert not (made.root / ".care" / "ledger.db").exists()


def test_preview_says_what_would_keep_it_back(made: Shop) -> None:
    """What is unknown stands in its place, the reason below, and the program leaves with 3."""
    said = made.care("preview", "p", "bye", "c2", "--at", "2025-03-03T12:00")

    assert said.code == 3
    assert said.out.splitlines()[2:] == [
        "trigger and steps: event complaint complaint-c2-2025-03-03T10:00",
        "ring.outcome is not known yet, and the text has no default for it",
        "",
        "| ⟨ring.outcome⟩，⟨customer.name⟩",
        "",
        "It would not go out:",
        "  customer.name is unknown, and the text has no default for it",
    ]
    mail = made.care("preview", "p", "sorry", "c2", "--at", "2025-03-03T12:00", "--format", "json")
    assert mail.code == 3
    assert mail.json["missing"] == ["no address: address is unknown"]
    assert mail.json["subject"] == "抱歉，客户"
    assert mail.json["at"] == "2025-03-03T12:00:00+08:00"


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (("q", "sorry", "c1"), 'no sound playbook "q"; known here: p'),
        (("p", "sory", "c1"), 'playbook "p" has no step "sory" that says anything; did you mean "sorry"?'),
        (("p", "sorry", "c9"), 'the log knows nothing of a customer "c9"'),
        (("p", "ring", "c1", "--html", "x.html"),
         'no HTML: it is made of a .md or .html text for mails; this goes through "call"'),
    ],
)  # fmt: skip
def test_preview_of_what_is_not_there(made: Shop, words: tuple[str, ...], error: str) -> None:
    """Names that nothing has are told with a near one."""
    said = made.care("preview", *words, "--at", "2025-03-03T12:00")

    assert (said.code, said.err) == (2, f"care: {error}\n")


def test_people_read_their_texts_and_why_shows_what_was_said(made: Shop) -> None:
    """The task list has brief and script, `why` the text as it went out, preview the real journey."""
    made.events(event("c1", "complaint", "2025-03-04T10:00", case_id="A-3"))
    assert made.care("run", "--at", "2025-03-03T11:00").code == 0
    assert made.care("run", "--at", "2025-03-04T11:00").code == 0
    listed = made.care("tasks", "--long", "--at", "2025-03-04T12:00")
    assert listed.out.splitlines()[2:5] == [
        "  | 小李：投诉 A-3，2025年3月5日 18:00前",
        "  to say:",
        "  | 您好，<王>丽",
    ]
    ring = made.action("ring")["id"]
    assert made.care("done", ring, "--outcome", "angry", "--at", "2025-03-04T13:00").code == 0
    assert made.care("run", "--at", "2025-03-04T14:00").code == 0

    why = made.care("why", made.action("bye")["id"])
    shown = why.out.partition("What it says\n")[2].partition("\n\n")[0].splitlines()
    assert shown == [
        "  subject: 抱歉，<王>丽", "  | # <王>丽", "  |", "  | 编号 A-3", "  | -- 测试",
    ]  # fmt: skip
    told = made.care("why", made.action("bye")["id"], "--format", "json").json
    assert told["texts"]["subject"] == "抱歉，<王>丽"
    seen = made.care("preview", "p", "ring", "c1", "--at", "2025-03-05", "--format", "json").json
    assert seen["seen"].startswith("journey j-")
    assert seen["brief"] == "小李：投诉 A-3，2025年3月5日 18:00前"
    assert seen["missing"] == []


def test_check_finds_a_wrong_text(made: Shop) -> None:
    """A mistake in a text is an error at its place in the text, and its playbook is left out."""
    made.write("templates/sign.md", "-- {{ bussiness }}\n")
    said = made.care("check", "--at", "2025-03-03")

    assert said.code == 1
    assert (
        'templates/sign.md:1:7: error[unknown-variable] there is no variable "bussiness"; did you'
        ' mean "business"?'
    ) in said.out
