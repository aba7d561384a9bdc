"""The message of an action: what its channel gets, from the ledger alone."""

from __future__ import annotations

from engine.channels.kinds import Message
from engine.ledger import Ledger
from engine.outbox import Waiting
from engine.render import Rendered, rendered
from engine.revisions import Revisions
from rules.playbook import Do, Project
from rules.units import to_iso

__all__ = ["Messages"]


class Messages:
    """Makes the messages of one project's outbox."""

    def __init__(self, project: Project, ledger: Ledger) -> None:
        self.project = project
        self.ledger = ledger
        self.revisions = Revisions(ledger)

    def step(self, item: Waiting) -> Do:
        """Return the step of a message, as it was when its journey began."""
        book = self.revisions.with_step(item.revision, item.action.step)
        return book.act(item.action.step)

    def purpose(self, item: Waiting) -> str:
        """Return the purpose of the playbook."""
        return self.revisions.get(item.revision).purpose

    def resend(self, item: Waiting) -> bool:
        """Whether a message may go out again although it may have arrived: the step's word, else
        the channel's.
        """
        said = self.step(item).on_unknown
        if said is None:
            channel = self.project.vocabulary.channels.get(item.action.channel)
            said = channel.on_unknown if channel is not None else "hold"
        return said == "resend"

    def make(self, item: Waiting, n: int) -> Message:
        """Return the message of try number ``n``. Raises StateError where its texts were erased."""
        action = item.action
        book = self.revisions.with_step(item.revision, action.step)
        step = book.act(action.step)
        zone = self.project.vocabulary.timezone
        says = rendered(self.ledger, action.id) or Rendered()
        brief = says.brief or step.brief
        return Message(
            action=action.id, attempt=n, customer=action.customer, playbook=action.playbook,
            step=action.step, channel=action.channel, title=step.title or book.title or book.name,
            to=says.to, subject=says.subject, text=says.text, html=says.html,
            attachments=says.attachments,
            data={
                "assignee": action.assignee, "opens_at": to_iso(action.opens_at, zone),
                "due_by": to_iso(action.due_by, zone), "brief": brief,
                "template": action.detail.get("template"), "journey": action.journey,
            },
        )  # fmt: skip
