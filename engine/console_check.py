"""What ``care check`` found, in the forms that other programs read."""

from __future__ import annotations

import json
from collections.abc import Sequence

from rules.errors import Finding, Level

__all__ = ["as_github", "as_sarif", "findings_json"]

_SARIF = "https://json.schemastore.org/sarif-2.1.0.json"


def findings_json(findings: Sequence[Finding]) -> list[dict[str, object]]:
    """Return findings as plain values, one mapping each."""
    return [
        {
            "file": f.span.file, "line": f.span.line, "col": f.span.col, "level": str(f.level),
            "code": f.code, "message": f.message, "hint": f.hint, "path": f.path,
        }
        for f in findings
    ]  # fmt: skip


def as_github(findings: Sequence[Finding]) -> str:
    """Return one workflow command a line: GitHub shows them beside the lines of a pull request."""
    return "\n".join(
        f"::{finding.level} file={_property(finding.span.file)},line={finding.span.line},"
        f"col={finding.span.col},title={_property(finding.code)}::{_data(_told(finding))}"
        for finding in findings
    )


def as_sarif(findings: Sequence[Finding]) -> str:
    """Return a SARIF 2.1.0 log, which code hosts and editors take."""
    rules = sorted({finding.code for finding in findings})
    results = [
        {
            "ruleId": finding.code,
            "ruleIndex": rules.index(finding.code),
            "level": "error" if finding.level is Level.ERROR else "warning",
            "message": {"text": _told(finding)},
            "locations": [
                {
                    "physicalLocation": {
                        "artifactLocation": {"uri": _uri(finding.span.file)},
                        "region": {
                            "startLine": finding.span.line,
                            "startColumn": finding.span.col,
                        },
                    }
                }
            ],
        }
        for finding in findings
    ]
    driver = {"name": "care", "rules": [_rule(code) for code in rules]}
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": results,
    }
    log = {"$schema": _SARIF, "version": "2.1.0", "runs": [run]}
    return json.dumps(log, ensure_ascii=False, indent=2)


def _rule(code: str) -> dict[str, object]:
    """Return a code with what it means, which code hosts show beside the finding."""
    from rules.explain import catalogue  # noqa: PLC0415  only here

    each = catalogue().get(code)
    if each is None:
        return {"id": code}
    return {
        "id": code,
        "shortDescription": {"text": each.meaning},
        "help": {"text": f"{each.why}\n{each.meaning_zh}"},
    }


def _told(finding: Finding) -> str:
    return f"{finding.message}; {finding.hint}" if finding.hint else finding.message


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _uri(path: str) -> str:
    from urllib.parse import quote  # noqa: PLC0415  only here

    return quote(path)
