"""The page about channels is true: its examples pass ``check``, its kinds and codes are those of the code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from engine.channels.bots import BOTS
from engine.channels.kinds import KINDS
from rules.channel_kinds import CHANNEL_KINDS
from tests.language_page import BLOCK, checked

PAGE = (Path(__file__).parents[2] / "docs" / "channels.md").read_text(encoding="utf-8")


def test_both_registries_have_the_same_kinds() -> None:
    """What care.yaml may declare is what can be sent through."""
    assert set(CHANNEL_KINDS) == set(KINDS)


@pytest.mark.parametrize(("file", "text"), BLOCK.findall(PAGE))
def test_examples_pass_check(file: str, text: str) -> None:
    """``check`` has nothing to say about the channels of any example."""
    project, findings = checked(file, text)

    assert [str(finding) for finding in findings if finding.span.file == "care.yaml"] == []
    assert project is not None


def test_every_kind_that_sends_has_an_example() -> None:
    """No kind is left to be guessed."""
    shown = "".join(text for _, text in BLOCK.findall(PAGE))
    sending = {name for name, kind in KINDS.items() if not kind.human}

    assert {name for name in sending if not re.search(rf"kind: {name}\b", shown)} == set()
    assert PAGE.count("```yaml") == len(BLOCK.findall(PAGE))


def test_every_code_of_the_bots_is_one_of_ours() -> None:
    """The codes that the page explains are the ones that the code tells apart."""
    rows = re.findall(r"^\| (?:too fast|the bot is wrong): again \|(.+)\|$", PAGE, re.MULTILINE)
    told = {int(code) for row in rows for code in re.findall(r"\b\d{4,6}\b", row)}
    known = {code for bot in BOTS.values() for code in (*bot.busy, *bot.channel)}
    assert len(told) > 10

    assert told - known == set()


@pytest.mark.parametrize("name", sorted(BOTS))
def test_lengths_are_those_of_the_code(name: str) -> None:
    """What the page says is the longest is what is kept to."""
    (row,) = re.findall(r"^\| longest text \|(.+)\|$", PAGE, re.MULTILINE)
    cells = dict(zip(("wecom_bot", "dingtalk_bot", "feishu_bot"), row.split("|"), strict=True))
    told = int(re.findall(r"[\d,]+", cells[name])[0].replace(",", ""))

    assert 0 <= told - BOTS[name].longest["markdown"] < 10
