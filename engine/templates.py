"""Which text an action takes: one, the next of a rotation, or one by a value."""

from __future__ import annotations

from engine.journeys import Action
from engine.ledger import Ledger
from rules.evaluate import Evaluator
from rules.measures import Catalogue
from rules.playbook import Do

__all__ = ["earlier_turns", "template_file"]


def template_file(step: Do, catalogue: Catalogue, evaluator: Evaluator, turns: int) -> str | None:
    """Return the file of an action's text, None for a step without one or no fitting case.

    A rotation gives a customer the next text each time that this step of this playbook goes out;
    ``turns`` is how often it went out before.
    """
    template = step.template
    if template is None:
        return None
    if template.by is None:
        return template.files[turns % len(template.files)] if template.files else None
    found = _word(template.by, catalogue, evaluator)
    for case, file in template.cases:
        if case == found:
            return file
    return template.otherwise


def earlier_turns(ledger: Ledger, step: Do, action: Action) -> int:
    """Return how often a step with a rotation opened for the customer before this action."""
    if step.template is None or len(step.template.files) < 2:
        return 0
    earlier = ledger.one(
        "SELECT count(*) AS n FROM actions WHERE customer = ? AND playbook = ? AND step = ?"
        " AND opened_at IS NOT NULL AND id <> ?",
        action.customer, action.playbook, action.step, action.id,
    )  # fmt: skip
    assert earlier is not None
    return int(earlier["n"])


def _word(name: str, catalogue: Catalogue, evaluator: Evaluator) -> str | None:
    """Return the word behind the name that decides; yes and no for a yes_no."""
    head, _, tail = name.partition(".")
    value: object = None
    if head == "trigger":
        value = evaluator.trigger.get(tail)
    elif tail:
        value = evaluator.steps.get(name)
    elif name in catalogue.classes:
        value = evaluator.class_value(name)
    elif name in catalogue.measures:
        value = evaluator.measure(name)
    else:
        value = evaluator.attribute(name)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value if isinstance(value, str) else None
