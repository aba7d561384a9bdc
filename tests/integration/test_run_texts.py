"""Texts through real runs: filled in when an action opens, kept apart, what goes wrong with them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from engine.audit.verify import verify
from engine.render import Rendered, rendered
from rules.errors import StateError
from tests.factories import CARE, Shop, at, event, profile
from tests.receivers import mail_server

STEPS = "trigger: {event: complaint}\nsteps:\n"
MAIL = (
    'Subject: 抱歉，{{ customer.name | default: "客户" }}\n\n'
    '{{ customer.name | default: "您好" }}：\n'
    '{% if trigger.severity == "high" %}我们马上处理。{% else %}我们尽快处理。{% endif %}\n'
    "订单 {{ orders }} 笔，{{ today | date_cn }}，{{ business }}\n"
)


def shop(folder: Path, steps: str, *, care: str = CARE, **texts: str) -> Shop:
    """Return a project with one playbook about complaints and some texts."""
    made = Shop(folder, care=care, p=STEPS + steps)
    for name, text in texts.items():
        made.write(f"templates/{name.replace('_', '.')}", text)
    made.events(event("c0", "visit", "2025-02-01T10:00"))
    made.run("2025-03-01T08:00")
    return made


def complain(made: Shop, customer: str = "c1", **fields: Any) -> None:
    """Import a complaint of 3 March at ten."""
    given = {"case_id": "k1", "severity": "high", **fields}
    made.events(event(customer, "complaint", "2025-03-03T10:00", **given))


def texts_of(made: Shop, step: str, customer: str = "c1") -> Rendered | None:
    """Return what the one action of a step says."""
    with made.ledger() as ledger:
        return rendered(ledger, made.action(step, customer)["id"])


def body(made: Shop) -> dict[str, Any]:
    """Return the one file that was sent."""
    (text,) = made.sent().values()
    found: dict[str, Any] = json.loads(text)
    return found


def test_a_message_says_what_was_true_when_it_opened(tmp_path: Path) -> None:
    """Attributes, measures, the trigger's fields and the day are those of T, in the business zone."""
    made = shop(
        tmp_path, "  - {step: sorry, do: letter, due: now, template: mail.md}\n", mail_md=MAIL
    )
    made.customers(profile("c1", "2025-01-01", name="王丽"))
    made.events(
        event("c1", "order", "2025-02-01", amount=5), event("c1", "order", "2025-02-02", amount=5)
    )
    complain(made)
    made.run("2025-03-03T12:00")

    assert body(made)["text"] == "王丽：\n我们马上处理。\n订单 2 笔，2025年3月3日，测试\n"
    assert body(made)["subject"] == "抱歉，王丽"
    assert body(made)["template"] == "mail.md"


def test_a_later_change_of_the_customer_changes_no_text(tmp_path: Path) -> None:
    """The text is kept with the action: it does not follow what is known afterwards."""
    made = shop(
        tmp_path,
        "  - {step: sorry, do: call, due: within 9 days, assign: boss, template: mail.md}\n",
        mail_md=MAIL,
    )
    made.customers(profile("c1", "2025-01-01", name="王丽"))
    complain(made)
    made.run("2025-03-03T12:00")
    made.customers(profile("c1", "2025-03-04", name="李雷"))
    made.run("2025-03-05T12:00")

    found = texts_of(made, "sorry")
    assert found is not None
    assert found.text.startswith("王丽：")


def test_an_edited_text_does_not_reach_a_journey_that_runs(tmp_path: Path) -> None:
    """A journey is pinned to the text that it began with; the next one takes the new text."""
    steps = (
        "  - {step: ring, do: call, due: now, assign: boss, outcomes: [ok]}\n"
        "  - {step: bye, do: letter, due: now, template: bye.txt}\n"
    )
    made = shop(tmp_path, steps, bye_txt='第一版 {% render "sign.txt" %}\n', sign_txt="署名一\n")
    complain(made)
    made.run("2025-03-03T12:00")
    made.write("templates/sign.txt", "署名二\n")
    complain(made, "c2", case_id="k2")
    made.run("2025-03-03T13:00")
    for customer in ("c1", "c2"):
        made.done("ring", "2025-03-03T14:00", customer, outcome="ok")
    made.run("2025-03-03T15:00")

    first, second = texts_of(made, "bye", "c1"), texts_of(made, "bye", "c2")
    assert first is not None
    assert second is not None
    assert (first.text, second.text) == ("第一版 署名一\n", "第一版 署名二\n")


def test_what_is_unknown_keeps_the_message_back_and_stops_nothing_else(tmp_path: Path) -> None:
    """Without a default there is no text: the message is skipped with its reason, the line goes on,
    other customers get theirs.
    """
    steps = (
        "  - {step: sorry, do: letter, due: now, template: bare.txt}\n"
        "  - {step: ring, do: call, due: now, assign: boss}\n"
    )
    made = shop(tmp_path, steps, bare_txt="{{ customer.name }}，您好\n")
    made.customers(profile("c2", "2025-01-01", name="王丽"))
    complain(made)
    complain(made, "c2", case_id="k2")
    made.run("2025-03-03T12:00")

    assert made.actions("c1") == [("sorry", "skipped", "template_failed"), ("ring", "open", "")]
    assert made.actions("c2") == [("sorry", "sent", ""), ("ring", "open", "")]
    (row,) = made.rows("SELECT evidence FROM decisions WHERE reason = 'template_failed'")
    assert json.loads(row["evidence"])["notes"] == [
        "templates/bare.txt: customer.name is unknown, and the text has no default for it"
    ]
    assert texts_of(made, "sorry") is None


def test_a_text_of_which_nothing_is_left_is_not_sent(tmp_path: Path) -> None:
    """Where every part of a text is for others, an empty message does not go out."""
    text = "{% if customer.name %}您好，{{ customer.name }}{% endif %}\n"
    made = shop(tmp_path, "  - {step: sorry, do: letter, due: now, template: a.txt}\n", a_txt=text)
    complain(made)
    made.run("2025-03-03T12:00")

    assert made.actions() == [("sorry", "skipped", "template_failed")]


def test_a_text_that_was_never_written_is_not_sent(tmp_path: Path) -> None:
    """A project without any texts is warned about, and its messages do not go out empty."""
    made = shop(tmp_path, "  - {step: sorry, do: letter, due: now, template: none.md}\n")
    complain(made)
    made.run("2025-03-03T12:00")

    assert [finding.code for finding in made.project.findings] == ["no-templates"]
    assert made.actions() == [("sorry", "skipped", "template_failed")]


def test_a_task_opens_without_its_text(tmp_path: Path) -> None:
    """A call is made even if the text for it could not be filled in; the reason is noted."""
    steps = (
        '  - {step: ring, do: call, due: now, assign: boss, brief: "打给 {{ customer.name }}"}\n'
    )
    made = shop(tmp_path, steps)
    complain(made)
    made.run("2025-03-03T12:00")

    assert made.actions() == [("ring", "open", "")]
    (row,) = made.rows("SELECT evidence FROM decisions WHERE gate = 'release'")
    assert json.loads(row["evidence"])["notes"] == [
        "brief: customer.name is unknown, and the text has no default for it"
    ]


def test_a_brief_and_a_script_are_filled_in_for_the_person(tmp_path: Path) -> None:
    """Tasks have a brief with values and a template as what to say, also with earlier results."""
    steps = (
        "  - {step: ring, do: call, due: now, assign: owner, outcomes: [angry, fine], ask: {mark: 1 to 5, day: date}}\n"
        "  - step: again\n    do: call\n    due: within 2 days\n    assign: owner\n"
        "    template: script.txt\n"
        '    brief: "{{ assignee }}：上次 {{ ring.outcome }}，{{ ring.mark }} 分，截止 {{ action.due_by }}"\n'
    )
    made = shop(
        tmp_path,
        steps,
        script_txt='约在 {{ ring.day | date: "%m月%d日" }}，编号 {{ customer.id }}\n',
    )
    made.customers(profile("c1", "2025-01-01", manager="小王"))
    complain(made)
    made.run("2025-03-03T12:00")
    made.done("ring", "2025-03-03T13:00", outcome="angry", asked={"mark": "2", "day": "2025-03-09"})
    made.run("2025-03-03T14:00")

    found = texts_of(made, "again")
    assert found is not None
    assert found.brief == "小王：上次 angry，2 分，截止 2025-03-05 13:00"
    assert found.text == "约在 03月09日，编号 c1\n"


def test_a_message_without_a_template_says_its_brief(tmp_path: Path) -> None:
    """A brief of a message is its text."""
    made = shop(
        tmp_path, '  - {step: hello, do: letter, due: now, brief: "订单 {{ orders }} 笔"}\n'
    )
    complain(made)
    made.run("2025-03-03T12:00")

    assert body(made)["text"] == "订单 0 笔"
    assert body(made)["brief"] == "订单 0 笔"


ADDRESSED = CARE.replace("letter: {kind: file}", "letter: {kind: file, to: customer.address}")


def test_the_address_is_taken_when_the_action_opens(tmp_path: Path) -> None:
    """The channel's attribute gives the address; an unknown one skips the message, with its reason."""
    made = shop(tmp_path, "  - {step: sorry, do: letter, due: now}\n", care=ADDRESSED)
    made.customers(profile("c1", "2025-01-01", address=" 南京路\n1号 "))
    complain(made)
    complain(made, "c2", case_id="k2")
    made.run("2025-03-03T12:00")

    assert body(made)["to"] == "南京路 1号"
    assert made.actions("c2") == [("sorry", "skipped", "no_address")]


def test_a_step_may_name_another_address(tmp_path: Path) -> None:
    """`to` of the step goes before the channel's."""
    made = shop(
        tmp_path, "  - {step: sorry, do: letter, due: now, to: customer.manager}\n", care=ADDRESSED
    )
    made.customers(profile("c1", "2025-01-01", manager="小王"))
    complain(made)
    made.run("2025-03-03T12:00")

    assert body(made)["to"] == "小王"


def test_texts_can_be_erased_and_the_chain_stays_whole(tmp_path: Path) -> None:
    """The chain holds digests only: without the rows of `private` no personal word is left, and a
    text that is gone is told as such.
    """
    made = shop(
        tmp_path, "  - {step: sorry, do: letter, due: now, template: mail.md}\n", mail_md=MAIL,
        care=ADDRESSED,
    )  # fmt: skip
    made.customers(profile("c1", "2025-01-01", name="王丽丽", address="南京路1号"))
    complain(made)
    made.run("2025-03-03T12:00")
    key = made.action("sorry")["id"]
    with made.ledger() as ledger:
        kept = list(ledger.rows("SELECT * FROM private WHERE owner = ?", key))
        with ledger.transaction():
            for row in kept:
                ledger.drop("private", {"owner": key, "name": row["name"]})

        assert verify(ledger).faults == ()
        with pytest.raises(StateError, match="were erased: subject, text, to"):
            rendered(ledger, key)
        chain = "\n".join(str(row) for row in ledger.rows("SELECT * FROM audit"))
        tables = "\n".join(ledger.connection.iterdump())
    assert sorted(row["name"] for row in kept) == ["subject", "text", "to"]
    for word in ("王丽丽", "南京路1号", *(row["salt"] for row in kept)):
        assert word not in chain
        assert word not in tables


def test_rotation_and_value_still_choose_the_text(tmp_path: Path) -> None:
    """The file that a rotation or a value chooses is the one that is filled in."""
    steps = (
        "  - {step: tips, do: letter, due: now, template: [a.txt, b.txt], repeat: {every: 1 day, times: 2}}\n"
        "  - {step: by, do: letter, due: now, template: {by: trigger.severity, high: a.txt, else: b.txt}}\n"
    )
    made = shop(tmp_path, steps, a_txt="甲 {{ customer.id }}\n", b_txt="乙 {{ customer.id }}\n")
    complain(made)
    made.run("2025-03-03T12:00", "2025-03-04T12:00", "2025-03-05T12:00")

    said = {(data["step"], data["text"]) for data in map(json.loads, made.sent().values())}
    assert said == {("tips", "甲 c1\n"), ("tips", "乙 c1\n"), ("by", "甲 c1\n")}


def test_a_text_that_grows_too_long_is_a_reason_and_no_crash(tmp_path: Path) -> None:
    """Limits hold at run time: a text that values make too long is not sent."""
    text = "{% assign x = customer.name %}" + "{% assign x = x | append: x %}" * 16 + "{{ x }}\n"
    made = shop(
        tmp_path, "  - {step: sorry, do: letter, due: now, template: long.txt}\n", long_txt=text
    )
    made.customers(profile("c1", "2025-01-01", name="王" * 40))
    complain(made)
    made.run("2025-03-03T12:00")

    assert made.actions() == [("sorry", "skipped", "template_failed")]


def test_a_mail_carries_both_parts_and_its_attachment(tmp_path: Path) -> None:
    """From the template to the mail server: subject, plain text, HTML in which a name is a name."""
    text = (
        'Subject: 您好，{{ customer.name | default: "客户" }}\nAttachments: files/价目.txt\n\n'
        "# {{ customer.name }}\n\n[看看](https://x.cn/?id={{ customer.id }})\n"
    )
    with mail_server() as server:
        mail = (
            f"  mail: {{kind: smtp, host: 127.0.0.1, port: {server.port}, tls: none, "
            "sender: care@example.com, to: customer.address}\n"
        )
        made = shop(
            tmp_path, "  - {step: sorry, do: letter, due: now}\n",
            care=CARE.replace("channels:\n", f"channels:\n{mail}"),
        )  # fmt: skip
        made.book("p", STEPS + "  - {step: hello, do: mail, due: now, template: a.md}\n")
        made.write("templates/a.md", text)
        made.write("files/价目.txt", "一元")
        made.customers(
            profile("c1", "2025-01-01", name="[王](http://e) <b>", address="wang@example.com")
        )
        complain(made)
        made.run("2025-03-03T12:00", clock=lambda: at("2025-03-03T12:00"))

        taken = server.mail()
    parts = {
        part.get_content_type(): part.get_content()
        for part in taken.walk()
        if not part.is_multipart()
    }
    assert made.actions() == [("hello", "sent", "")]
    assert (taken["To"], taken["Subject"]) == ("wang@example.com", "您好，[王](http://e) <b>")
    plain = next(part for part in taken.walk() if part.get_content_type() == "text/plain")
    assert plain.get_content().splitlines()[0] == "# [王](http://e) <b>"
    assert parts["text/html"].splitlines() == [
        "<h1>[王](http://e) &lt;b&gt;</h1>", '<p><a href="https://x.cn/?id=c1">看看</a></p>',
    ]  # fmt: skip
    assert [part.get_filename() for part in taken.iter_attachments()] == ["价目.txt"]
