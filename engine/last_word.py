"""The last word before a message is sent: consent and quiet hours, as of now."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from engine.consent import AllowedNow
from engine.messages import Messages
from engine.outbox import No, Waiting
from engine.paths import paths_of
from engine.waits import Waits
from engine.words import Reason
from rules.errors import BusyError
from rules.playbook import Project, Verdict
from rules.units import to_iso

__all__ = ["LastWord"]


class LastWord:
    """Asks what stands against messages at the moment of sending them, ``at`` an instant.

    ``wait`` is how long to wait, in seconds, for whoever holds the log.
    """

    def __init__(
        self,
        project: Project,
        messages: Messages,
        items: Iterable[Waiting],
        *,
        at: int,
        wait: float,
    ) -> None:
        self.house = project.house
        self.zone = project.vocabulary.timezone
        self.messages = messages
        self.allowed = AllowedNow(
            project.house, project.vocabulary, paths_of(Path(project.root)).log,
            (item.action.customer for item in items), at=at, wait=wait,
        )  # fmt: skip

    def on(self, item: Waiting) -> No | Waits | None:
        """Return why a message is not sent after all, or what it waits for; None: it may go."""
        action, purpose = item.action, self.messages.purpose(item)
        try:
            refusal = self.allowed.refusal(action.customer, action.channel, purpose)
            until = self.allowed.quiet_until(action.customer, action.channel, purpose)
        except BusyError:
            return Waits.LOG
        if refusal is not None:
            line = refusal.consent
            return No(
                reason=Reason.CONSENT_WITHDRAWN, rule=line.path, place=str(line.span),
                words=refusal.words,
            )  # fmt: skip
        quiet = self.house.quiet
        if until is None or quiet is None:
            return None
        if quiet.verdict is Verdict.SKIP:
            words = f"the customer's night, until {to_iso(until, self.zone)}"
            return No(reason=Reason.QUIET, rule=quiet.path, place=str(quiet.span), words=words)
        return Waits.QUIET
