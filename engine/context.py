"""What one run at (T, S) works with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from engine.calendar import WorkingCalendar
from engine.channels.kinds import KINDS
from engine.facts import Facts
from engine.gate import Asked, Gate
from engine.holds import Holds
from engine.journeys import Journey
from engine.ledger import Ledger
from engine.revisions import Revisions
from engine.store import Store
from rules.evaluate import Evaluator
from rules.matcher import Word
from rules.playbook import HouseRule, Playbook, Project
from rules.vocabulary import Vocabulary

__all__ = ["RunContext", "assignee"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunContext:
    """Everything a decision may look at; nothing here reads a clock."""

    project: Project
    ledger: Ledger
    store: Store
    revisions: Revisions
    facts: Facts
    gate: Gate
    calendar: WorkingCalendar
    at: int  #: T
    seq: int  #: S
    books: Mapping[str, Playbook]  #: the project's sound playbooks by name
    holds: Holds  #: journeys that a house rule holds
    full: bool = False  #: everybody is asked, not only those with changes

    @property
    def timezone(self) -> str:
        """The business zone."""
        return self.project.vocabulary.timezone

    def human(self, channel: str) -> bool:
        """True when a person acts in this channel."""
        declared = self.project.vocabulary.channels.get(channel)
        kind = KINDS.get(declared.kind) if declared else None
        return kind is not None and kind.human

    def question(self, customer: str, work: Mapping[str, Word], running: list[Journey]) -> Asked:
        """Return the question that a gate is asked about a piece of work of a customer.

        Work under hold does not count as running.
        """
        facts = [self.fact(journey) for journey in running if not self.holds.held(journey.id)]
        return Asked(work=work, running=facts, house=self.house(customer))

    def house(self, customer: str) -> Callable[[HouseRule], bool | None]:
        """Return what tells whether a house rule's condition holds of a customer at T."""

        def verdict(rule: HouseRule) -> bool | None:
            assert rule.customer is not None
            evaluator = self.facts.evaluator(self.project.catalogue, customer)
            return evaluator.verdict(rule.customer)

        return verdict

    def fact(self, journey: Journey) -> dict[str, Word]:
        """Return what a rule sees of a journey that runs beside the work."""
        purpose = self.revisions.get(journey.revision).purpose
        return {"playbook": journey.playbook, "purpose": purpose}

    def assignee(self, role: str | None, customer: str) -> str | None:
        """Return who a task goes to at T: the person the customer's attribute names, or the team."""
        if role is None:
            return None
        evaluator = self.facts.evaluator(self.project.catalogue, customer)
        return assignee(self.project.vocabulary, role, evaluator)


def assignee(vocabulary: Vocabulary, role: str, evaluator: Evaluator) -> str:
    """Return who a task for a role goes to: the person that an attribute names, or the team."""
    declared = vocabulary.roles.get(role)
    if declared is None:
        return role
    if declared.attribute:
        named = evaluator.attribute(declared.attribute)
        if isinstance(named, str) and named:
            return named
    return declared.otherwise or role
