"""Approvals: a person lets a held playbook pass its limit, once."""

from __future__ import annotations

from engine.ledger import Ledger
from rules.errors import StateError, did_you_mean
from rules.playbook import Project

__all__ = ["approve"]


def approve(ledger: Ledger, project: Project, playbook: str, *, at: int, who: str) -> None:
    """Write the approval. Raises StateError for an unknown playbook."""
    names = [book.name for book in project.playbooks]
    if playbook not in names:
        raise StateError(f'no playbook "{playbook}"; {did_you_mean(playbook, names)}')
    with ledger.transaction():
        ledger.insert("approvals", [{"playbook": playbook, "at": at, "who": who}], replace=True)
