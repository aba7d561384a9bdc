"""Conditions and measures as SQL over the log's tables: the same meaning as ``rules.evaluate``."""

from __future__ import annotations

from rules.edges import Edges, edges
from rules.sql.changed import changed_customers
from rules.sql.missing import Unanswered, compile_unanswered
from rules.sql.population import Population, RankQuery, compile_population, compile_ranks

__all__ = [
    "Edges",
    "Population",
    "RankQuery",
    "Unanswered",
    "changed_customers",
    "compile_population",
    "compile_ranks",
    "compile_unanswered",
    "edges",
]
