"""The codes that the source makes findings with, read from its syntax trees.

A function or class that takes a ``code`` and a ``message`` is one that makes findings; so is one that
hands its ``code`` on. A code that is put together is looked up in ``PUT_TOGETHER``.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

#: Codes that are no plain word in the source: the expression -> what it may give.
PUT_TOGETHER = {
    "f'unknown-{section.value}'": {"unknown-role", "unknown-channel"},
    "f'unknown-{key}'": {"unknown-playbook", "unknown-channel"},
}


@dataclass(frozen=True)
class Emitted:
    """Every code, and the expressions that are codes and can't be read."""

    codes: frozenset[str]
    unread: frozenset[str]


def emitted() -> Emitted:
    """Return what rules/ and the checks in engine/ emit."""
    trees = [ast.parse(file.read_text(encoding="utf-8")) for file in _files()]
    reporters: dict[str, set[int]] = {}
    for tree in trees:
        for name, place in _reporters(tree):
            reporters.setdefault(name, set()).add(place)
    codes: set[str] = set()
    unread: set[str] = set()
    for tree in trees:
        for argument in _arguments(tree, reporters):
            known, unknown = _read(argument)
            codes |= known
            unread |= unknown
    for expression in unread & PUT_TOGETHER.keys():
        codes |= PUT_TOGETHER[expression]
    return Emitted(codes=frozenset(codes), unread=frozenset(unread))


def _files() -> Iterator[Path]:
    for file in sorted((ROOT / "rules").rglob("*.py")):
        if "sql" not in file.parts:  # makes queries, and no findings
            yield file
    for file in sorted((ROOT / "engine").rglob("*.py")):
        if "Finding(" in file.read_text(encoding="utf-8"):
            yield file


def _reporters(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Yield (name, place of the code among the arguments; -1: by keyword alone)."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            fields = [
                each.target.id
                for each in node.body
                if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name)
            ]
            if {"code", "message"} <= set(fields):
                yield node.name, fields.index("code") if node.name != "Finding" else -1
            for each in node.body:
                if isinstance(each, ast.FunctionDef) and each.name == "__init__":
                    yield from ((node.name, place) for place in _place(each))
        elif isinstance(node, ast.FunctionDef) and node.name != "__init__":
            yield from ((node.name, place) for place in _place(node))


def _place(function: ast.FunctionDef) -> Iterator[int]:
    names = [each.arg for each in function.args.args]
    by_name = [each.arg for each in function.args.kwonlyargs]
    if "code" in names and "message" in names:
        yield names.index("code") - (names[0] == "self")
    elif "code" in by_name and "message" not in names:
        yield -1  # hands it on


def _arguments(tree: ast.AST, reporters: dict[str, set[int]]) -> Iterator[ast.expr]:
    for call in ast.walk(tree):
        if not isinstance(call, ast.Call):
            continue
        name = call.func.attr if isinstance(call.func, ast.Attribute) else ""
        name = call.func.id if isinstance(call.func, ast.Name) else name
        if name not in reporters or len(call.args) + len(call.keywords) < 2:
            continue
        yield from (word.value for word in call.keywords if word.arg == "code")
        for place in reporters[name] - {-1}:
            yield from call.args[place : place + 1]


def _read(argument: ast.expr) -> tuple[set[str], set[str]]:
    """Return the codes that an expression gives, and what of it can't be read."""
    match argument:
        case ast.Constant(value=str(word)):
            return {word}, set()
        case ast.IfExp():
            one, other = _read(argument.body), _read(argument.orelse)
            return one[0] | other[0], one[1] | other[1]
        case ast.Name(id="code") | ast.Attribute(attr="code"):
            return set(), set()  # handed on: it is read where it comes from
        case _:
            return set(), {ast.unparse(argument)}
