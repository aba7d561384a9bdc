"""Which text a message takes: one, the next of a rotation, or one by a value."""

from __future__ import annotations

from engine.context import RunContext
from engine.journeys import Action
from engine.world import CustomerWorld
from rules.playbook import Do, Template

__all__ = ["template_file"]


def template_file(ctx: RunContext, world: CustomerWorld, step: Do, action: Action) -> str | None:
    """Return the file of an action's text, None for a step without one or no fitting case.

    A rotation gives a customer the next text each time that this step of this playbook goes out.
    """
    template = step.template
    if template is None:
        return None
    if template.by is not None:
        return _by(template, world.word(template.by))
    earlier = ctx.ledger.one(
        "SELECT count(*) AS n FROM actions WHERE customer = ? AND playbook = ? AND step = ?"
        " AND opened_at IS NOT NULL AND id <> ?",
        action.customer, action.playbook, action.step, action.id,
    )  # fmt: skip
    assert earlier is not None
    return template.files[earlier["n"] % len(template.files)] if template.files else None


def _by(template: Template, found: str | None) -> str | None:
    for case, file in template.cases:
        if case == found:
            return file
    return template.otherwise
