"""What ``care test`` says: every failure with what came instead, then one line."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from engine.testing.suite import Suite
from engine.testing.verdict import Difference, Failure, Verdict

__all__ = ["as_junit", "report_json", "report_text", "summary"]

#: What XML 1.0 can't hold.
_NO_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def summary(found: Sequence[Verdict], broken: int, seconds: float) -> str:
    """Return ``128 tests, 127 passed, 1 failed in 1.9 s``."""
    passed = sum(one.passed for one in found)
    total = len(found) + broken
    parts = [f"{total} test{'' if total == 1 else 's'}", f"{passed} passed"]
    if len(found) > passed:
        parts.append(f"{len(found) - passed} failed")
    if broken:
        parts.append(f"{broken} broken")
    return f"{', '.join(parts)} in {seconds:.1f} s"


def report_text(suite: Suite, found: Sequence[Verdict], seconds: float) -> str:
    """Return what is wrong with the files, the failures, and the summary, as text."""
    lines = [str(finding) for finding in suite.findings]
    for verdict in found:
        lines += _told(verdict)
    return "\n".join([*lines, summary(found, suite.broken, seconds)])


def _told(verdict: Verdict) -> Iterator[str]:
    name = verdict.case.name
    if verdict.error:
        yield f"{verdict.error}"
        yield f"    in the test: {name}"
    for failure in verdict.failures:
        yield f"{failure.span}: failed: {name}"
        yield from (f"    {line}" for line in _lines(failure))


def _lines(failure: Failure) -> Iterator[str]:
    yield failure.shown
    for one in failure.differences:
        yield from _difference(one)
    for text in failure.instead:
        yield f"what came instead: {text}"


def _difference(one: Difference) -> Iterator[str]:
    for sign, text in (("-", one.expected), ("+", one.got)):
        first, *rest = text.splitlines() or [""]
        yield f"{sign} {one.key}: {first}"
        yield from (f"{sign}   {line}" for line in rest)


def report_json(suite: Suite, found: Sequence[Verdict], seconds: float) -> dict[str, Any]:
    """Return the same as plain values."""
    passed = sum(one.passed for one in found)
    return {
        "tests": len(found) + suite.broken, "passed": passed, "failed": len(found) - passed,
        "broken": suite.broken, "seconds": round(seconds, 3),
        "findings": [
            {
                "place": str(one.span), "level": str(one.level), "code": one.code,
                "message": one.message, "hint": one.hint,
            }
            for one in suite.findings
        ],
        "results": [one.to_json() for one in found],
    }  # fmt: skip


def as_junit(suite: Suite, found: Sequence[Verdict], seconds: float) -> str:
    """Return the results as JUnit XML, as build servers read it: a suite a file, a case a test."""
    from xml.etree import ElementTree as Xml  # noqa: PLC0415  only with --junit

    failed = sum(bool(one.failures) and not one.error for one in found)
    errors = sum(bool(one.error) for one in found) + suite.broken
    root = Xml.Element(
        "testsuites", name="care test", tests=str(len(found) + suite.broken),
        failures=str(failed), errors=str(errors), time=f"{seconds:.3f}",
    )  # fmt: skip
    for file in suite.files:
        mine = [one for one in found if one.case.file == file.file]
        wrong = [str(one) for one in suite.findings if one.span.file == file.file]
        if not mine and not file.broken:
            continue
        part = Xml.SubElement(
            root, "testsuite", name=file.file, tests=str(len(mine) + file.broken),
            failures=str(sum(bool(one.failures) and not one.error for one in mine)),
            errors=str(sum(bool(one.error) for one in mine) + file.broken),
        )  # fmt: skip
        for verdict in mine:
            case = Xml.SubElement(
                part, "testcase", name=_clean(verdict.case.name), classname=file.file,
                file=file.file, line=str(verdict.case.span.line),
            )  # fmt: skip
            if not verdict.passed:
                kind = "error" if verdict.error else "failure"
                told = "\n".join(_told(verdict))
                Xml.SubElement(case, kind, message=_clean(told.split("\n")[0])).text = _clean(told)
        for number in range(file.broken):
            name = f"broken test {number + 1}"
            case = Xml.SubElement(part, "testcase", name=name, classname=file.file, file=file.file)
            told = "\n".join(wrong)
            Xml.SubElement(case, "error", message=_clean(wrong[0])).text = _clean(told)
    Xml.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{Xml.tostring(root, encoding="unicode")}\n'


def _clean(text: str) -> str:
    return _NO_XML.sub("\ufffd", text)
