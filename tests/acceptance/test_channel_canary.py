"""A canary for a secret: whatever goes wrong with each kind of channel, the program shows it nowhere."""

from __future__ import annotations

import json
from pathlib import Path

from tests.factories import CARE, Shop, event
from tests.receivers import mail_server, web_server
from tests.zygote import Zygote

CANARY = "c4n4ry-0123456789"

BOOK = """\
title: 投诉后
trigger: {event: complaint}
steps:
  - {step: mail, do: mail, due: now, template: hello.md}
  - {step: hook, do: hook, from: entry, due: now, template: hello.md}
  - {step: team, do: team, from: entry, due: now, template: hello.md}
  - {step: ding, do: ding, from: entry, due: now, template: hello.md}
  - {step: ops, do: ops, from: entry, due: now, template: hello.md}
  - {step: gone, do: gone, from: entry, due: now, template: hello.md}
  - {step: other, do: other, from: entry, due: now, template: hello.md}
"""


def channels(mail: int, web: int) -> str:
    """Return channels of every kind, with the canary in every place that takes a secret."""
    bot = f'url: "http://127.0.0.1:{web}/bot?key=${{file:canary}}", allow_private: yes'
    return f"""\
  mail: {{kind: smtp, to: boss@example.com, host: 127.0.0.1, port: {mail}, tls: none, sender: a@example.com, user: care, password: "${{file:canary}}"}}
  hook: {{kind: webhook, url: "http://127.0.0.1:{web}/${{file:canary}}", secret: "${{file:canary}}", headers: {{Authorization: "Bearer ${{file:canary}}"}}, allow_private: yes}}
  team: {{kind: wecom_bot, {bot}}}
  ding: {{kind: dingtalk_bot, {bot}, secret: "${{file:canary}}"}}
  ops: {{kind: feishu_bot, {bot}, secret: "${{file:canary}}"}}
  gone: {{kind: wecom_bot, url: "http://${{file:canary}}:1/"}}
  other: {{kind: apprise, urls: "json://user:${{file:canary}}@127.0.0.1:{web}/"}}
"""


def test_the_canary_is_seen_by_receivers_only(tmp_path: Path, zygote: Zygote) -> None:
    """Servers that repeat the secret in every answer, refuse, or are not there: with --debug too,
    it stands in no file and on no screen.
    """
    said = {"errcode": 7, "code": 7, "errmsg": f"no {CANARY}", "msg": f"no {CANARY}"}
    body = json.dumps(said).encode()
    with mail_server(login=True) as mail, web_server(body=body) as web:
        care = CARE.replace("  letter: {kind: file}\n", channels(mail.port, web.port))
        made = Shop(tmp_path, care=care, through=zygote, p=BOOK)
        made.write("templates/hello.md", "您好")
        made.write("canary", f"{CANARY}\n")
        made.events(event("c0", "visit", "2025-02-01T10:00"))
        words = [made.care("--debug", "run", "--at", "2025-03-01T08:00")]
        made.events(event("c1", "complaint", "2025-03-02T10:00"))
        words.append(made.care("--debug", "run", "--at", "2025-03-02T11:00"))
        words += [
            made.care("--debug", *command)
            for command in (
                ("deliver", "--past"), ("outbox", "--format", "json"), ("doctor",),
                ("audit", "export"),
            )
        ]  # fmt: skip
    seen = "\n".join(
        f"{request.path} {request.headers} {request.body!r}" for request in web.requests
    )

    assert set(mail.logins) == {("care", CANARY)}
    assert seen.count(CANARY) >= 4
    assert len(made.rows("SELECT * FROM attempts WHERE verdict IS NOT NULL")) == 7
    assert "Traceback" not in "".join(each.out + each.err for each in words)
    assert CANARY not in "".join(each.out + each.err for each in words)
    holding = [
        path.relative_to(tmp_path).as_posix()
        for path in tmp_path.rglob("*")
        if path.is_file() and CANARY.encode() in path.read_bytes()
    ]
    assert holding == ["canary"]
