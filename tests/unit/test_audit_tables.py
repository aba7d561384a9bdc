"""Rows that the audit chain vouches for are written through the ledger, nowhere else."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from engine.audit.tables import BY_KIND, TABLES, seal

ENGINE = Path(__file__).resolve().parents[2] / "engine"
#: Modules that may: the ledger itself, and the replay, which fills a ledger of its own.
MAY = {"ledger.py", "ledger_schema.py", "audit/recorded.py"}
WRITES = re.compile(
    rf"\b(?:insert\s+(?:or\s+\w+\s+)?into|replace\s+into|update|delete\s+from)\s+({'|'.join(TABLES)})\b",
    re.IGNORECASE,
)


def test_no_statement_goes_past_the_ledger() -> None:
    """A raw statement on such a table would be taken for tampering by `care audit verify`."""
    found = [
        f"{path.name}: {node.value}"
        for path in sorted(ENGINE.rglob("*.py"))
        if path.relative_to(ENGINE).as_posix() not in MAY
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        if WRITES.search(node.value)
    ]

    assert found == []


def test_each_table_has_a_kind_of_its_own() -> None:
    """Entries tell by their kind which table they are about."""
    assert len(BY_KIND) == len(TABLES)


def test_a_seal_depends_on_column_value_and_salt() -> None:
    """The same note about another action, or in another column, has another digest."""
    found = {
        seal("note", "谢谢", "a-1"), seal("note", "谢谢", "a-2"), seal("why", "谢谢", "a-1"),
        seal("note", "谢", "a-1"),
    }  # fmt: skip

    assert len(found) == 4
