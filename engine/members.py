"""Who is in some segments at (T, S): from the watched memberships, else asked of the log at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import reduce

from engine.candidates import Look
from engine.questions import Questions
from engine.watch import hash_of, open_members
from rules.playbook import Playbook

__all__ = ["members"]


def members(
    look: Look, book: Playbook, names: Sequence[str], *, among: Iterable[int] | None = None
) -> list[str]:
    """Return the customers in any of these segments (or ``class.value``), sorted; without names
    the whole population. ``among``: only these customers, by code.
    """
    if among is None and names and all(_measured(look, book, name) for name in names):
        found = [open_members(look.ledger, hash_of(book, name)) for name in names]
        return sorted({customer for each in found for customer in each})
    if look.log.questions is not None:
        return _told(look, look.log.questions, book, names, among)
    codes = list(_asked(look, book, names, among))
    return sorted(look.log.customer_ids(codes).values())


def _told(
    look: Look,
    questions: Questions,
    book: Playbook,
    names: Sequence[str],
    among: Iterable[int] | None,
) -> list[str]:
    """Ask a log that answers without SQL."""
    asked = {"at": look.at, "seq": look.seq}
    found = questions.population(**asked)
    if names:
        each = (questions.members(look.vocabulary, book.catalogue, name, **asked) for name in names)
        found = {customer for inside in each for customer in inside}
    return sorted(found if among is None else found & questions.among(list(among)))


def _measured(look: Look, book: Playbook, name: str) -> bool:
    """Whether the ledger holds the members at this very (T, S)."""
    row = look.ledger.one("SELECT at, seq FROM definitions WHERE hash = ?", hash_of(book, name))
    return row is not None and (row["at"], row["seq"]) == (look.at, look.seq)


def _asked(
    look: Look, book: Playbook, names: Sequence[str], among: Iterable[int] | None
) -> Iterable[int]:
    import pyarrow.compute as pc  # noqa: PLC0415  slow

    from rules.sql import compile_population, edges  # noqa: PLC0415  slow

    wanted = None if among is None else set(among)
    bound = bool(names) and edges(book.catalogue, *names).population_bound
    scoped = wanted is not None and not bound  # a rank can only be told among all
    if scoped:
        look.log.execute_scope(wanted or ())
    asked = compile_population(look.vocabulary, book.catalogue, sorted(names), scoped=scoped)
    binds = asked.binds(look.at, look.seq, look.log.codes())
    table = look.log.table(asked.sql(), binds)
    if names:
        table = table.filter(reduce(pc.or_, [table[f"s_{name}"] for name in names]))
    codes: list[int] = table["customer"].to_pylist()
    return codes if wanted is None else [code for code in codes if code in wanted]
