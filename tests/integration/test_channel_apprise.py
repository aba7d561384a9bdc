"""The apprise channel, with the real library and a web server that it posts to."""

from __future__ import annotations

import logging
import sys
import time
from typing import Any

import pytest

from engine.channels.kinds import Answer, Verdict
from tests.receivers import WebServer, send, silent, talker, web_server

SECRET = "t0ken-canary-0123"


def handed(*servers: WebServer, **given: Any) -> Answer:
    """Hand a message to Apprise for these servers."""
    urls = {f"urls/{n}": f"${{env:URL{n}}}" for n in range(len(servers))}
    environ = {f"URL{n}": f"json://user:{SECRET}@127.0.0.1:{server.port}/in" for n, server in enumerate(servers)}  # fmt: skip
    return send("apprise", urls, environ=environ, **given)


def test_what_apprise_takes_is_handed_over() -> None:
    """Never sent: the library does not say whether it arrived. Every address gets it."""
    with web_server() as one, web_server() as two:
        answer = handed(one, two)

    assert answer == Answer(verdict=Verdict.HANDED_OVER, words="Apprise has taken it")
    for server in (one, two):
        assert server.request.json["title"] == "您好，王女士"
        assert server.request.json["message"].strip() == "第一行\n第二行"


def test_a_failure_is_unknown_and_tells_nothing(
    capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """Apprise says only that something failed, and what it logs stays with it."""
    caplog.set_level(logging.DEBUG)
    with web_server(status=500) as server:
        answer = handed(server)
    logging.getLogger("apprise").warning("heard again")

    assert answer == Answer(
        verdict=Verdict.UNKNOWN,
        words="Apprise reports a failure, and does not say whether something arrived",
    )
    assert capfd.readouterr() == ("", "")
    assert [record.message for record in caplog.records if record.name == "apprise"] == [
        "heard again"
    ]


def test_an_address_that_apprise_does_not_understand(capfd: pytest.CaptureFixture[str]) -> None:
    """The words tell which one it is, not what it is; nobody gets anything."""
    urls = {"urls/0": "${env:A}", "urls/1": "${env:B}"}
    with web_server() as server:
        environ = {"A": f"json://127.0.0.1:{server.port}/", "B": f"nosuch://{SECRET}"}
        answer = send("apprise", urls, environ=environ)

    assert server.requests == []
    assert answer == Answer(
        verdict=Verdict.RETRY, words="Apprise does not understand number 2 of `urls`"
    )
    assert capfd.readouterr() == ("", "")


def test_without_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is an extra; the words say how to get it."""
    monkeypatch.setitem(sys.modules, "apprise", None)
    answer = send("apprise", {"urls/0": "${env:A}"}, environ={"A": "json://127.0.0.1/"})

    assert answer == Answer(
        verdict=Verdict.RETRY,
        words="the library apprise is not installed; install care with its extra: care-engine[apprise]",
    )


def test_a_service_that_hangs_is_left_in_time() -> None:
    """Apprise has time-outs of its own; the try ends with ours."""
    with talker(silent) as port:
        began = time.monotonic()
        answer = send("apprise", {"urls/0": "${env:A}"}, environ={"A": f"json://127.0.0.1:{port}/"}, timeout=0.3)  # fmt: skip
        took = time.monotonic() - began

    assert answer.verdict is Verdict.UNKNOWN
    assert took < 3
