"""A project whose messages wait in the outbox, for tests of their way out."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from engine.audit.verify import verify
from engine.deliver import deliver
from engine.delivery import Delivery, Stopwatch
from rules.units import MICROS
from tests.factories import CARE, Shop, at, event
from tests.zygote import Zygote

__all__ = ["DECIDED", "PostRoom", "minutes"]

DECIDED = "2025-03-03T10:00"  #: T of the run that decided them

_CHANNELS = """\
  hook: {kind: webhook, url: "${file:hook.url}", allow_private: yes}
  bot: {kind: wecom_bot, url: "${file:bot.url}", allow_private: yes, reaches_customer: no}
"""
_BOOK = """\
trigger: {event: EVENT}
steps:
  - {step: CHANNEL, do: CHANNEL, due: now, brief: "您好 {{ customer.id }}"}
"""
#: event -> the channel that tells of it
_WAYS = {"visit": "hook", "order": "bot", "signup": "letter"}
_LIMITS = "limits: {deliver_for: 1 minute}\n"


def minutes(count: float) -> int:
    """Return so many minutes in microseconds."""
    return int(count * 60 * MICROS)


class PostRoom(Shop):
    """A shop with a clock of its own and channels whose addresses stand in files.

    Every visit is told by a webhook, every order by a bot, every signup by a file.
    """

    now: int

    @classmethod
    def open(cls, root: Path, events: Iterable[dict[str, Any]]) -> PostRoom:
        """Return a project that has decided and sent nothing: no channel has an address."""
        books = {
            f"on_{name}": _BOOK.replace("EVENT", name).replace("CHANNEL", channel)
            for name, channel in _WAYS.items()
        }
        care = CARE.replace("  letter: {kind: file}\n", f"  letter: {{kind: file}}\n{_CHANNELS}")
        made = cls(root, care=f"{care}{_LIMITS}", **books)
        made.now = at(DECIDED)
        made.events(event("c0", "solved", "2025-02-01T10:00"))
        made.run("2025-03-01T08:00")
        made.events(*events)
        made.run(DECIDED, clock=lambda: made.now)
        return made

    def copy(self, root: Path, through: Zygote | None = None) -> PostRoom:
        """Return the project again, in another folder."""
        shutil.copytree(self.root, root)
        again = PostRoom.__new__(PostRoom)
        again.root, again.through, again.now, again._files = root, through, self.now, 9
        return again

    def at(self, channel: str, url: str) -> None:
        """Give a channel its address."""
        self.write(f"{channel}.url", url)

    def deliver(self, *, pages: int | None = None, **given: Any) -> Delivery:
        """Work the outbox once; waiting moves the clock and takes no time. The ledger has room for so
        many ``pages`` more.
        """
        waited = 0.0

        def sleep(seconds: float) -> None:
            nonlocal waited
            waited += seconds
            self.now += int(seconds * MICROS)

        watch = Stopwatch(read=lambda: waited, sleep=sleep)
        with self.ledger() as ledger:
            if pages is not None:
                (count,) = ledger.rows("PRAGMA page_count")
                ledger.execute(f"PRAGMA max_page_count = {count['page_count'] + pages}")
            return deliver(
                self.project, ledger, clock=lambda: self.now, **{"watch": watch, **given}
            )

    def faults(self) -> tuple[str, ...]:
        """Return what the audit chain has against the ledger."""
        with self.ledger() as ledger:
            return verify(ledger).faults

    def states(self) -> list[str]:
        """Return the states of all messages, by customer and step."""
        sql = "SELECT state FROM actions WHERE kind = 'message' ORDER BY customer, step"
        return [row["state"] for row in self.rows(sql)]

    def tries(self) -> list[tuple[int, str | None, str]]:
        """Return number, verdict and code of all tries, by action."""
        rows = self.rows("SELECT n, verdict, code FROM attempts ORDER BY action, n")
        return [(row["n"], row["verdict"], row["code"]) for row in rows]
