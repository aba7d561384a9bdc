"""What ``care check`` found, for other programs."""

from __future__ import annotations

import json

from engine.console_check import as_github, as_sarif, findings_json
from rules.errors import Finding, Level, Span

FOUND = (
    Finding(
        code="unknown-channel", message='step "挽回": no channel "emial", 100%',
        span=Span("playbooks/流失.yaml", 13, 44), path="steps/1/do", hint='did you mean "email"?',
    ),
    Finding(
        level=Level.WARNING, code="comment-cut", message="the rest is a comment",
        span=Span("care.yaml", 2, 1),
    ),
)  # fmt: skip


def test_github_takes_each_finding_as_one_line_at_its_place() -> None:
    """Signs that GitHub's commands use are written in their codes, Chinese stays as it is."""
    assert as_github(FOUND).splitlines() == [
        (
            "::error file=playbooks/流失.yaml,line=13,col=44,title=unknown-channel::"
            'step "挽回": no channel "emial", 100%25; did you mean "email"?'
        ),
        "::warning file=care.yaml,line=2,col=1,title=comment-cut::the rest is a comment",
    ]


def test_github_keeps_a_file_name_with_signs_whole() -> None:
    """A comma, a colon or a line end in a file's name does not end the name."""
    odd = Finding(code="x", message="a\nb", span=Span("a,b:c.yaml", 1, 1))

    assert as_github([odd]) == "::error file=a%2Cb%3Ac.yaml,line=1,col=1,title=x::a%0Ab"


def test_sarif_has_rules_levels_and_places() -> None:
    """Every result names its rule by number, its level, and a line and column from 1."""
    run = json.loads(as_sarif(FOUND))["runs"][0]
    ids = [rule["id"] for rule in run["tool"]["driver"]["rules"]]

    assert ids == ["comment-cut", "unknown-channel"]
    assert [(ids[each["ruleIndex"]], each["level"]) for each in run["results"]] == [
        ("unknown-channel", "error"),
        ("comment-cut", "warning"),
    ]
    place = run["results"][0]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"] == {"uri": "playbooks/%E6%B5%81%E5%A4%B1.yaml"}
    assert place["region"] == {"startLine": 13, "startColumn": 44}


def test_sarif_of_nothing_is_a_log_without_results() -> None:
    """A code host clears old findings when it gets an empty log."""
    assert json.loads(as_sarif(()))["runs"][0]["results"] == []


def test_json_has_every_part() -> None:
    """Scripts get the parts of a finding, not a line to take apart."""
    assert findings_json(FOUND)[1] == {
        "file": "care.yaml", "line": 2, "col": 1, "level": "warning", "code": "comment-cut",
        "message": "the rest is a comment", "hint": "", "path": "",
    }  # fmt: skip


def test_sarif_says_what_a_code_means() -> None:
    """A rule carries the sentence of ``care check --explain``, in both languages; unknown ones none."""
    known, unknown = (
        Finding(code=code, message="m", span=Span("care.yaml", 1, 1))
        for code in ("unknown-channel", "a-code-of-tomorrow")
    )
    log = json.loads(as_sarif([known, unknown]))
    other, rule = log["runs"][0]["tool"]["driver"]["rules"]

    assert rule["shortDescription"]["text"] == "care.yaml declares no such channel."
    assert rule["help"]["text"].endswith("care.yaml 的 channels 下没有这个渠道。")
    assert other == {"id": "a-code-of-tomorrow"}
