"""docs/ingest.md: its requests get the answers that it tells, its care.yaml passes check."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import httpx
import pytest

from engine.ingest.guard import Guard
from engine.ingest.reading import CALLS, EVENT_LIMIT
from engine.ingest.receiver import BODY_LIMIT, Receiver, application
from engine.ingest.server import listen, serving
from engine.spool import Spool
from rules.errors import Level
from rules.ingest import Ingest
from rules.units import from_iso
from tests.language_page import checked
from tests.zygote import Zygote

PAGE = (Path(__file__).parents[2] / "docs" / "ingest.md").read_text(encoding="utf-8")
TOKEN = "0123456789abcdef"
CURLS = re.findall(r"^curl .*?(?=^```|^\w)", PAGE, re.MULTILINE | re.DOTALL)
YAML = re.findall(r"^```yaml\n# care\.yaml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def sent(command: str, address: str) -> httpx.Response:
    """Send what a curl command of the page sends."""
    words = iter(shlex.split(command.replace("\\\n", " ").replace("$CARE_INGEST_TOKEN", TOKEN))[1:])
    headers: dict[str, str] = {}
    url = user = body = ""
    for word in words:
        match word:
            case "-u":
                user = next(words)
            case "-H":
                name, _, value = next(words).partition(": ")
                headers[name] = value
            case "-d":
                body = next(words)
            case _:
                url = word.replace("localhost:8377", address)
    name, _, password = user.partition(":")
    return httpx.post(
        url, content=body.encode(), headers=headers, auth=(name, password), trust_env=False
    )


@pytest.mark.parametrize("command", CURLS)
def test_the_requests_of_the_page_are_taken(tmp_path: Path, command: str) -> None:
    """Each curl command of the page gets the answer of the page."""
    receiver = Receiver(
        spool=Spool(tmp_path / "spool", limit=10**7), guard=Guard(token=TOKEN),
        clock=lambda: from_iso("2026-03-18T15:00:00", "UTC"), told=lambda _: None,
    )  # fmt: skip
    bound = listen("127.0.0.1", 0)
    address = f"http://127.0.0.1:{bound.getsockname()[1]}"
    with serving(application(receiver), bound):
        answer = sent(command, address)

    assert (answer.status_code, answer.json()) == (
        200, {"success": True, "taken": 1, "refused": []},
    )  # fmt: skip
    assert '{"success": true, "taken": 1, "refused": []}' in PAGE


@pytest.mark.parametrize("text", YAML)
def test_its_care_yaml_passes_check(text: str) -> None:
    """What the page writes into care.yaml is sound."""
    _, findings = checked("care.yaml", text)

    assert [str(found) for found in findings if found.level is Level.ERROR] == []


def test_nothing_of_the_page_escapes() -> None:
    """Every request and every piece of care.yaml is tried; every call and limit is told."""
    assert (len(CURLS), len(YAML)) == (PAGE.count("\ncurl "), PAGE.count("```yaml"))
    assert len(CURLS) == 3
    assert [call for call in CALLS if f"`{call}`" not in PAGE] == []
    assert f"{BODY_LIMIT >> 10} kB, plain" in PAGE
    assert f"{EVENT_LIMIT >> 10} kB, 20 objects" in PAGE
    assert f"`limit`, {Ingest().limit // 1_000_000} MB" in PAGE


@pytest.mark.parametrize("command", ["ingest", "serve"])
def test_every_option_is_told(zygote: Zygote, command: str) -> None:
    """The options of both commands stand in the page, or explain themselves."""
    options = set(re.findall(r"--[a-z-]+", zygote.told(command, "--help").out))
    spoken = set(re.findall(r"--[a-z-]+", PAGE))

    assert options - spoken <= {"--help", "--format", "--port", "--quiet"}
