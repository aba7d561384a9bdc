"""Texts at their step: every variable is one that is known there, and can be put in."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING

from rules.conditions import SubjectKind
from rules.errors import Finding, InputError, Level, Span, did_you_mean
from rules.measures import Aggregate, Fold
from rules.nodes import Scalar
from rules.parse.names import Left, Section, Sort, nearest
from rules.parse.place import Place
from rules.parse.scope import Scope
from rules.templates import BRIEF, Text, TextKind, has_liquid
from rules.templates.values import Lasting, Moment, Share, Value

if TYPE_CHECKING:
    from rules.templates.reader import Source, Wanted

__all__ = ["BUILT_IN", "brief_at", "text_at"]

#: What every text may name, whatever the project declares.
BUILT_IN = {
    "action.due_by": Sort.INSTANT,
    "action.opens_at": Sort.INSTANT,
    "assignee": Sort.TEXT,
    "business": Sort.TEXT,
    "customer.id": Sort.TEXT,
    "today": Sort.DATE,
    "trigger.at": Sort.INSTANT,
}

#: Measures that always have a value.
_CERTAIN = (Fold.COUNT, Fold.SUM, Fold.DISTINCT, Fold.MONTHS_WITH)


def text_at(file: str, source: Source, step: str, place: Place, scope: Scope) -> bool:
    """Take a file's text for a step; report what is wrong with it, True where nothing is."""
    place.findings.extend(source.findings)
    where = f' (step "{step}" of {place.span.file})'
    sound = _sound(source.wanted, where, place.findings, scope)
    if source.text is None or not sound:
        return False
    if not _fills(source.text, Span(f"templates/{file}", 1, 1), "", place, scope):
        return False
    scope.texts[file] = source.text
    return True


def brief_at(step: str, brief: str, place: Place, scope: Scope) -> bool:
    """Take a brief with something to fill in; report what is wrong with it, True where nothing is."""
    if not has_liquid(brief):
        return True
    from rules.templates.reader import wanted_of  # noqa: PLC0415  slow
    from rules.templates.study import study  # noqa: PLC0415  slow

    found = study(brief)
    for fault in found.faults:
        report = place.warn if fault.warning else place.error
        report(fault.code, f"`brief`: {fault.message}", fault.hint)
    for _ in found.renders:
        place.error("bad-text", "`brief` can't render a file", "write a template: for this step")
    wanted = wanted_of(found, lambda _: place.span)
    faulty = found.renders or any(not fault.warning for fault in found.faults)
    if not _sound(wanted, "", place.findings, scope, path=place.path) or faulty:
        return False
    names = tuple(sorted({use.name for use in found.uses}))
    text = Text(file="", kind=TextKind.PLAIN, body=brief, names=names)
    if not _fills(text, place.span, "`brief`: ", place, scope):
        return False
    scope.texts[BRIEF + step] = text
    return True


def _sound(
    wanted: Iterable[Wanted],
    where: str,
    findings: list[Finding],
    scope: Scope,
    *,
    path: str = "",
) -> bool:
    """Report variables that are not known here, and, once each, those that need a fallback."""
    sound = True
    warned: set[str] = set()
    for each in wanted:
        found = _resolve(each.name, scope)
        if isinstance(found, Left) and each.value is not None:
            told = _never(each.name, each.value, each.sign, found)
            if told is not None:
                code, message, hint = told
                findings.append(
                    Finding(code=code, message=message, hint=hint, span=each.span, path=path)
                )
                sound = False
            continue
        if isinstance(found, Left | Sort):
            if each.bare and each.name not in warned and _uncertain(found, scope):
                warned.add(each.name)
                message = f"{each.name} may be unknown, and then this text is not filled in"
                hint = f'write {{{{ {each.name} | default: "..." }}}}'
                findings.append(
                    Finding(
                        level=Level.WARNING, code="no-default", message=message, hint=hint,
                        span=each.span, path=path,
                    )
                )  # fmt: skip
            continue
        sound = False
        for problem in found:
            message = problem.message + (where if problem.local else "")
            findings.append(
                Finding(
                    code="unknown-variable", message=message, hint=problem.hint, span=each.span,
                    path=path,
                )
            )  # fmt: skip
    return sound


def _never(name: str, value: str, sign: str, found: Left) -> tuple[str, str, str] | None:
    """Return what is wrong with a comparison that never holds: code, message, hint."""
    match found.sort:
        case Sort.WORDS if sign != "contains":
            return "bad-text", f"{name} has several values", f'write {name} contains "{value}"'
        case Sort.WORD | Sort.WORDS if found.words and value not in found.words:
            if sign in ("==", "!=") or found.sort is Sort.WORDS:
                hint = did_you_mean(value, found.words)
                return "unknown-value", f'{name} has no value "{value}"', hint
        case Sort.YES_NO:
            return "bad-text", f"{name} is yes or no, not a text", f"write {{% if {name} %}}"
        case Sort.NUMBER | Sort.SHARE:
            number = value.removesuffix("%").strip()
            hint = f"write {number} without quotes" if number.isdecimal() else ""
            return "bad-text", f"{name} is a number, not a text", hint
        case _:
            pass
    return None


def _uncertain(found: Left | Sort, scope: Scope) -> bool:
    """Tell whether a value may be unknown when the text is filled in."""
    if isinstance(found, Sort):
        return False
    if found.subject.kind is SubjectKind.MEASURE:
        measure = scope.names.measures[found.subject.name].measure
        return not (isinstance(measure, Aggregate) and measure.fold in _CERTAIN)
    return found.label not in ("trigger.name", "trigger.date", "trigger.holiday")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Problem:
    message: str
    hint: str = ""
    local: bool = False  #: it is one for this step only


def _resolve(name: str, scope: Scope) -> Left | Sort | list[_Problem]:
    """Return what a variable is; else what is wrong with it, [] for somebody else's error."""
    subjects, names = scope.here(), scope.names
    head, dot, tail = name.partition(".")
    own = head == "trigger" and (subjects.trigger or {}).get(tail)
    if name in BUILT_IN and not own:
        return BUILT_IN[name]
    if "." in tail:
        inner = f"{head}.{tail.partition('.')[0]}"
        return [_Problem(message=f"{inner} has no parts, so {name} is nothing")]
    if head == "customer":
        return _of_customer(tail, scope)
    if head == "action":
        hint = did_you_mean(name, [each for each in BUILT_IN if each.startswith("action.")])
        return [
            _Problem(message=f"an action has no {tail}" if dot else "action is no value", hint=hint)
        ]
    known = names.left(name)
    if known is not None and known.subject.kind is not SubjectKind.ATTRIBUTE:
        return known
    if (dot and head == "trigger") or head in subjects.step_names:
        return _of_journey(name, scope)
    if names.silent(name, Section.MEASURES, Section.CLASSES):
        return []
    message = f'there is no variable "{name}"'
    if known is not None:
        return [_Problem(message=message, hint=f"write {{{{ customer.{name} }}}}")]
    if dot and head in names.classes:
        return [_Problem(message=message, hint=f"write {{{{ {head} }}}}: it gives the value")]
    if name in names.segments:
        return [_Problem(message=f'"{name}" is a segment, and a text shows values')]
    return [_Problem(message=message, hint=did_you_mean(name, _all(scope)))]


def _of_customer(attribute: str, scope: Scope) -> Left | list[_Problem]:
    names = scope.names
    known = names.left(attribute)
    if known is not None and known.subject.kind is SubjectKind.ATTRIBUTE:
        return known
    if names.silent(attribute, Section.ATTRIBUTES):
        return []
    if not attribute:
        return [_Problem(message="customer is no value", hint="write {{ customer.id }}")]
    message = f'a customer has no attribute "{attribute}"'
    if known is not None:
        return [
            _Problem(message=message, hint=f"write {{{{ {attribute} }}}}: it is a measure or class")
        ]
    hint = nearest(attribute, [*names.vocabulary.attributes, "id"], Section.ATTRIBUTES)
    return [_Problem(message=message, hint=hint)]


def _of_journey(name: str, scope: Scope) -> Left | list[_Problem]:
    """Return what the trigger or a step above gives, in the words of a condition."""
    found: list[Finding] = []
    nowhere = Span("", 1, 1)
    node = Scalar(text=name, quoted=False, span=nowhere)
    left = scope.here().find(name, Place(node=node, path="", findings=found, name=nowhere))
    if left is not None:
        return left
    return [_Problem(message=each.message, hint=each.hint, local=True) for each in found]


def _all(scope: Scope) -> Iterator[str]:
    """Yield every name that a text may use at this step."""
    subjects, names = scope.here(), scope.names
    yield from BUILT_IN
    yield from (f"customer.{each}" for each in names.vocabulary.attributes)
    yield from (f"trigger.{each}" for each in subjects.trigger or ())
    yield from (*names.measures, *names.classes, *(subjects.steps or ()))


def _fills(text: Text, span: Span, prefix: str, place: Place, scope: Scope) -> bool:
    """Fill a text in with values of the right types; report what can never work."""
    from rules.templates.fill import fill  # noqa: PLC0415  slow

    values: dict[str, Value] = {}
    for name in text.names:
        found = _resolve(name, scope)
        assert isinstance(found, Left | Sort), name
        values[name] = _example(found if isinstance(found, Sort) else found.sort, found)
    try:
        fill(text, values, html=False)
    except InputError as error:
        told = Finding(code="bad-text", message=f"{prefix}{error}", span=span)
        place.findings.append(told if text.file else replace(told, path=place.path))
        return False
    return True


def _example(sort: Sort, found: Left | Sort) -> Value:
    words = list(found.words) if isinstance(found, Left) else []
    match sort:
        case Sort.NUMBER:
            return 12
        case Sort.SHARE:
            return Share("45%", Fraction(45, 100))
        case Sort.TIME:
            return Lasting("3.5 hours", Fraction(12_600_000_000))
        case Sort.INSTANT:
            return Moment("2025-03-03 14:30", dt.datetime(2025, 3, 3, 14, 30, tzinfo=dt.UTC))
        case Sort.DATE:
            return Moment("2025-03-03", dt.date(2025, 3, 3))
        case Sort.TEXT:
            return "1"
        case Sort.WORD:
            return words[0] if words else "1"
        case Sort.WORDS:
            return words or ["1"]
        case Sort.YES_NO:
            return True
