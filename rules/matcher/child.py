"""The child process in which durable-rules runs. Run as a script; imports nothing of ours.

Messages on stdin and stdout are a 4-byte big-endian length and that much JSON:
``{"rulesets": [{rule: [parts]}]}`` is answered by ``{"ready": n}``, and
``{"cases": [[fact]]}`` by ``{"fired": [[rule]]}``. Anything that goes wrong ends the process with
``{"error": words}`` if it still can; the parent then decides by itself.
"""

from __future__ import annotations

import json
import os
import signal
import struct
import sys
from typing import Any, BinaryIO

Fact = dict[str, Any]
_SID = "case"  #: one live sid at a time


def main() -> int:
    """Serve until stdin ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's; its end closes our stdin
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what the C library prints must not get between the messages
    try:
        from durable import engine  # noqa: PLC0415 - its absence is an answer

        _serve(_Loader(engine), sys.stdin.buffer, out)
    except BrokenPipeError:
        return 1
    except Exception as error:  # the parent must hear of any
        _send(out, {"error": f"{type(error).__name__}: {error}"[:500]})
        return 1
    return 0


def _serve(loader: _Loader, stdin: BinaryIO, out: BinaryIO) -> None:
    while (message := _receive(stdin)) is not None:
        if "rulesets" in message:
            loader.load(message["rulesets"])
            _send(out, {"ready": len(loader.rulesets)})
        else:
            _send(out, {"fired": [loader.decide(facts) for facts in message["cases"]]})


def _receive(stream: BinaryIO) -> Any:
    head = stream.read(4)
    if len(head) < 4:
        return None
    (length,) = struct.unpack(">I", head)
    body = stream.read(length)
    return json.loads(body) if len(body) == length else None


def _send(stream: BinaryIO, message: Any) -> None:
    body = json.dumps(message, separators=(",", ":")).encode()
    stream.write(struct.pack(">I", len(body)) + body)
    stream.flush()


class _Loader:
    """Rulesets of the engine, primed; and the rules that fired of late."""

    def __init__(self, engine: Any) -> None:
        # The engine drops a firing, without a word, that starts more than 10 seconds of wall clock
        # before it is looked at: a clock that steps must not decide anything.
        engine._unix_now = lambda: 0.0  # noqa: SLF001
        fired: list[str] = []

        class Host(engine.Host):  # type: ignore[misc]
            """Dispatches no timers and takes every action for a name to note down."""

            def _run(self) -> None:
                """Start no thread."""

            def get_action(self, action_name: str) -> Any:
                """Return a consequent that can't raise (the engine would swallow it)."""
                return lambda _closure: fired.append(action_name)

        self._engine = engine
        self._host = Host()
        self._fired = fired
        self._made = 0
        self.rulesets: list[tuple[Any, frozenset[str]]] = []

    def load(self, rulesets: list[dict[str, Any]]) -> None:
        """Replace the rulesets. A name registers once a process, so each gets a fresh one."""
        self.rulesets = []
        for ruleset in rulesets:
            name = f"gate{self._made}"
            self._made += 1
            rules = {rule: {"all": parts, "run": rule} for rule, parts in ruleset["rules"].items()}
            rules["prime"] = {"all": [{"m": {"k": "prime"}}], "run": "prime"}
            self._host.register_rulesets({name: rules})
            handle = self._host.get_ruleset(name)
            self.rulesets.append((handle, frozenset([*ruleset["fields"], "k"])))
            # Deleting a sid in which no rule ever fired frees memory that was never set.
            if self._ask(handle, [{"k": "prime"}]) != ["prime"]:
                raise RuntimeError("the priming fact did not fire")

    def decide(self, facts: list[Fact]) -> list[str]:
        """Return the names of the rules that fire on these facts, each once."""
        names: set[str] = set()
        for handle, fields in self.rulesets:
            mine = facts
            if len(self.rulesets) > 1:
                mine = [{key: fact[key] for key in fact if key in fields} for fact in facts]
            names.update(self._ask(handle, mine))
        return sorted(names)

    def _ask(self, handle: Any, facts: list[Fact]) -> list[str]:
        """Assert facts, never events (an event fires one rule only), never batches (lost)."""
        self._fired.clear()
        known = False
        for number, fact in enumerate(facts):
            failed: list[Any] = []
            try:
                state = handle.assert_fact({**fact, "sid": _SID, "id": str(number)})
            except self._engine.MessageNotHandledException:
                continue  # no rule looks at such a fact
            known = True
            handle.do_actions(state, lambda error, _result, failed=failed: failed.append(error))
            if any(failed):
                raise RuntimeError(f"a rule failed: {failed}")
        if known:
            handle.delete_state(_SID)
        return list(self._fired)


if __name__ == "__main__":
    sys.exit(main())
