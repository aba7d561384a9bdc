"""The rule matcher that asks durable-rules, behind a fence: a child process with a time limit.

The library is a C extension of 2020 that can crash or hang. Whatever the child does, the answer is
the right one: a batch that it fails is decided by the reference matcher, and ``degraded`` says why.
"""

from __future__ import annotations

import importlib.util
import json
import struct
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rules.matcher.codebook import Codebook, Coded
from rules.matcher.gates import Case, FactKind, GateRule, Part
from rules.matcher.reference import ReferenceMatcher, part_matches

__all__ = ["Child", "ChildFailedError", "DurableMatcher", "unavailable"]

_BATCH = 1_000  #: cases a message
_LIMIT = 30.0  #: seconds for a batch; an ordinary one takes 0.2
_LONGEST = 64 << 20  #: bytes of an answer; more is garbage
_SCRIPT = Path(__file__).with_name("child.py")


def unavailable() -> str:
    """Return why durable-rules can't be used here; "" where it can."""
    if sys.version_info >= (3, 13):
        return "durable-rules does not run on Python 3.13 and later"
    if not sys.executable:
        return "there is no Python program to run durable-rules in"
    if importlib.util.find_spec("durable_rules_engine") is None:
        return "durable-rules is not installed"
    return ""


class ChildFailedError(Exception):
    """The child process did not give a proper answer in time."""


class Child:
    """The process in which durable-rules runs; it lives until ``close`` or its first failure."""

    def __init__(self, *, env: Mapping[str, str] | None = None, script: Path = _SCRIPT) -> None:
        """Start it, in an environment of its own or in ours. Raises ChildFailedError."""
        # -P and a path rather than -m: a user's own folder "rules" is not to be taken for ours.
        command = [sys.executable, "-P", str(script)]
        try:
            self._process = subprocess.Popen(  # noqa: S603
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=env,
            )
        except OSError as error:
            raise ChildFailedError(f"durable-rules did not start: {error.strerror}") from error

    @property
    def pid(self) -> int:
        """Return the process id."""
        return self._process.pid

    def ask(self, message: Mapping[str, Any], limit: float) -> dict[str, Any]:
        """Return the answer to a message, waiting ``limit`` seconds. Raises ChildFailedError."""
        hung = threading.Event()

        def stop() -> None:
            hung.set()
            self._process.kill()

        # A timer that kills, rather than clocks and polling: writes and reads then end at once.
        timer = threading.Timer(limit, stop)
        timer.daemon = True
        timer.start()
        try:
            return self._exchange(json.dumps(message, separators=(",", ":")).encode())
        except (OSError, EOFError, ValueError, RecursionError) as error:
            if hung.is_set():
                raise ChildFailedError(f"durable-rules hung for {limit:g} seconds") from error
            if isinstance(error, (OSError, EOFError)):
                raise ChildFailedError("durable-rules died") from error
            raise ChildFailedError("durable-rules answered garbage") from error
        finally:
            timer.cancel()

    def close(self) -> None:
        """End the process: politely where it listens, else by force."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except OSError:  # what it had not read yet is lost with it, as it should be
                    continue
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def kill(self) -> None:
        """End the process at once."""
        self._process.kill()
        self.close()

    def _exchange(self, body: bytes) -> dict[str, Any]:
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(struct.pack(">I", len(body)) + body)
        stdin.flush()
        head = stdout.read(4)
        if len(head) < 4:
            raise EOFError
        (length,) = struct.unpack(">I", head)
        if length > _LONGEST:
            raise ValueError("too long")
        answer = stdout.read(length)
        if len(answer) < length:
            raise EOFError
        decoded = json.loads(answer)
        if not isinstance(decoded, dict):
            raise ValueError("no object")  # noqa: TRY004 - garbage, like any other
        if "error" in decoded:
            raise ChildFailedError(f"durable-rules failed: {decoded['error']}")
        return decoded


class DurableMatcher:
    """Decides through durable-rules where it can, and by the reference matcher where it can't."""

    name = "durable-rules"
    reason = ""

    def __init__(
        self, rules: Sequence[GateRule], *, limit: float = _LIMIT, child: Child | None = None
    ) -> None:
        """Take the rules; the child starts with the first batch that needs it.

        ``limit`` is the seconds that a batch may take. A ``child`` given here is used, and closed.
        Raises CompileProblem, the first, where ``problems`` finds any.
        """
        self._reference = ReferenceMatcher(rules)
        self._codebook = Codebook(rules)
        self._always = frozenset(
            rule.name
            for rule, pieces in zip(rules, self._codebook.pieces, strict=True)
            if not pieces
        )
        self._pieces = {
            rule.name: frozenset(pieces)
            for rule, pieces in zip(rules, self._codebook.pieces, strict=True)
            if pieces
        }
        self._known = frozenset(name for names in self._pieces.values() for name in names)
        self._own = [
            tuple(part for part in rule.parts if part.kind is FactKind.WORK)
            for rule in rules
            if rule.parts
        ]
        self._limit = limit
        self._child = child
        self._loaded = False
        self.degraded: str | None = None

    @property
    def pid(self) -> int | None:
        """Return the child's process id, None while there is none."""
        return self._child.pid if self._child else None

    def match(self, cases: Sequence[Case]) -> list[frozenset[str]]:
        """Return the names of the rules that match, case by case."""
        if self.degraded is None:
            try:
                return self._match(cases)
            except ChildFailedError as failure:
                self.degraded = str(failure)
                if self._child:
                    self._child.kill()
                    self._child = None
        return self._reference.match(cases)

    def close(self) -> None:
        """End the child process."""
        if self._child:
            self._child.close()
            self._child = None
            self._loaded = False

    def _match(self, cases: Sequence[Case]) -> list[frozenset[str]]:
        coded = [self._codebook.code(case) for case in cases]
        held: dict[Any, bool] = {}
        decided: dict[Coded, frozenset[str]] = {}
        waiting: dict[Coded, None] = {}
        for case, code in zip(cases, coded, strict=True):
            if code in decided or code in waiting:
                continue
            if code.work not in held:
                held[code.work] = any(_can_hold(parts, case) for parts in self._own)
            if held[code.work]:
                waiting[code] = None
            else:
                decided[code] = self._always
        if waiting:
            self._ask(list(waiting), decided)
        return [decided[code] for code in coded]

    def _ask(self, codes: Sequence[Coded], decided: dict[Coded, frozenset[str]]) -> None:
        child = self._ready()
        for start in range(0, len(codes), _BATCH):
            batch = codes[start : start + _BATCH]
            answer = child.ask({"cases": [code.facts() for code in batch]}, self._limit)
            fired = answer.get("fired")
            if not isinstance(fired, list) or len(fired) != len(batch):
                raise ChildFailedError("durable-rules answered garbage")
            for code, names in zip(batch, fired, strict=True):
                decided[code] = self._names(names)

    def _names(self, fired: object) -> frozenset[str]:
        """Return the rules all of whose pieces fired."""
        if not isinstance(fired, list) or not all(isinstance(name, str) for name in fired):
            raise ChildFailedError("durable-rules answered garbage")
        pieces = frozenset(fired)
        if not pieces <= self._known:
            raise ChildFailedError("durable-rules answered garbage")
        return self._always | {name for name, needed in self._pieces.items() if needed <= pieces}

    def _ready(self) -> Child:
        if self._child is None:
            self._child = Child()
        if not self._loaded:
            rulesets = [
                {"rules": each.rules, "fields": sorted(each.fields)}
                for each in self._codebook.rulesets
            ]
            answer = self._child.ask({"rulesets": rulesets}, self._limit)
            if answer != {"ready": len(rulesets)}:
                raise ChildFailedError("durable-rules answered garbage")
            self._loaded = True
        return self._child


def _can_hold(parts: Sequence[Part], case: Case) -> bool:
    """Return whether a rule's own part, the one about the work, holds."""
    return all(part_matches(part, case.work) for part in parts)
