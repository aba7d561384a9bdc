# ruff: noqa: S608  (names are ours, values are bound)
"""One import, step by step, inside the transaction of its caller."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from engine.intake import cells
from engine.intake.layers import Check
from engine.intake.merge import Merged, merge_events
from engine.intake.prepare import EntryPlan, plan_event, plan_profile
from engine.intake.profiles import merge_profiles
from engine.intake.query import run_query
from engine.intake.rejects import add_rejects, count_reasons, count_rejects, write_rejects
from engine.intake.staging import Progress, Stage, literal, stage_file
from engine.intake.summary import ImportSummary, Landing
from engine.log import Codes, Log
from rules.columns import attribute_datum, column, datum
from rules.errors import InputError, Span, did_you_mean
from rules.importmap_types import CellMap, Duplicates, EventMap, ImportMap, RowTest, TimeMap
from rules.phrases import read_number
from rules.vocabulary import Vocabulary

__all__ = ["Job"]

_SHOWN = 10  #: landings of a dry run

# The hash does not hang on the order of the columns, nor on empty ones.
_MARKS = """
CREATE OR REPLACE TEMP TABLE marks AS
SELECT line, row_hash, row_number() OVER (PARTITION BY row_hash ORDER BY line) AS row_ordinal
FROM (SELECT line, left(sha256(concat_ws(chr(30), {cells})), 32) AS row_hash FROM {table})
"""

# Whose lines disagree on the customer: all but those of the first line's are turned away.
_MIXED = """
UPDATE {table} SET bad = {bad} FROM (
    SELECT kind, key, arg_min(customer, line) AS owner FROM {table} WHERE bad IS NULL
    GROUP BY kind, key HAVING min(customer) <> max(customer)
) g
WHERE {table}.kind = g.kind AND {table}.key = g.key AND {table}.customer <> g.owner
  AND {table}.bad IS NULL
"""

_NOTE = """
INSERT INTO main.imports
SELECT coalesce(max(id), 0) + 1, $at, $file, $sha256, $source, $rows, $added, $ignored, $rejected,
       $first_seq, $last_seq
FROM imports
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What is imported into what, and how."""

    log: Log
    vocabulary: Vocabulary
    path: Path
    map: ImportMap
    at: int  #: instant of the import
    rejects: Path  #: folder
    progress: Progress | None

    def run(self, *, dry_run: bool) -> ImportSummary:
        """Stage the file, prepare events and profiles, merge them, note the import."""
        connection = self.log.connection
        connection.execute(cells.MACROS)
        with stage_file(connection, self.path, self.map.format, self.progress) as stage:
            if self.map.query is not None:
                stage = run_query(connection, stage, self.map.query)  # noqa: PLW2901
            require_columns(self.map, stage, self.path.name)
            summary = self.merge(stage, dry_run=dry_run)
        if summary.rejected:
            path = write_rejects(
                connection,
                self.rejects,
                self.path.name,
                at=self.at,
                timezone=self.vocabulary.timezone,
            )
            summary = replace(summary, rejects=path, reasons=count_reasons(connection))
        if not dry_run:
            self._note(summary)
        if self.progress is not None:
            size = self.path.stat().st_size
            self.progress(size, size)
        return summary

    def merge(self, stage: Stage, *, dry_run: bool = False) -> ImportSummary:
        """Merge staged rows into the log; what can't be read stands in the table ``rejects``."""
        connection, codes = self.log.connection, self.log.codes()
        broken = count_rejects(connection)
        dropped = self._make_rows(stage)
        plans = self._event_tables(stage, codes)
        tables = [f"entry_{index}" for index in range(len(plans))]
        if self.map.profile is not None:
            tables.append("profiles")
            self._profile_table(stage)
        staged = self._one(f"SELECT count(*) FROM {stage.table}")
        passed = self._passed(stage, tables, staged - dropped)
        first = self.log.max_seq() + 1
        merged = self._merge_events(plans, first - 1)
        versions = unchanged = newcomers = 0
        if self.map.profile is not None:
            versions, unchanged, newcomers = merge_profiles(
                connection,
                "profiles",
                self.map.profile,
                codes=codes.attributes,
                source=self.map.source,
                base=first - 1 + merged.added,
            )
        total = merged.added + versions
        kinds, first_at, last_at = self._span(first, codes)
        return ImportSummary(
            file=self.path.name,
            kind=stage.kind.value,
            encoding=stage.encoding,
            rows=staged + broken,
            added=merged.added,
            corrected=merged.corrected,
            known=merged.known,
            repeated=merged.repeated,
            replaced=merged.replaced,
            dropped=dropped,
            rejected=count_rejects(connection),
            rejects=None,
            reasons={},
            passed=passed,
            events=kinds,
            versions=versions,
            unchanged=unchanged,
            customers=merged.customers + newcomers,
            first_at=first_at,
            last_at=last_at,
            first_seq=first if total else None,
            last_seq=first - 1 + total if total else None,
            dry_run=dry_run,
            landings=self._landings(merged, codes) if dry_run else (),
        )

    def _one(self, sql: str) -> int:
        (row,) = self.log.query(sql)
        return int(row[0])

    def _make_rows(self, stage: Stage) -> int:
        """Make ``staged_rows``, with hashes where ids need them; return the duplicates dropped."""
        connection = self.log.connection
        drop = self.map.duplicates is Duplicates.DROP
        hashed = any(not (entry.id or entry.group) for entry in self.map.events)
        if not drop and not hashed:
            connection.execute(
                f"CREATE OR REPLACE TEMP VIEW staged_rows AS SELECT * FROM {stage.table}"
            )
            return 0
        named = []
        for name, held in sorted(stage.columns.items()):
            cell = f"nullif(CAST({held.sql} AS VARCHAR), '')"
            named.append(f"{literal(name)} || chr(31) || {cell}")
        marks = _MARKS.format(cells=", ".join(named), table=stage.table)
        connection.execute(marks)
        only = "WHERE row_ordinal = 1" if drop else ""
        connection.execute(
            "CREATE OR REPLACE TEMP VIEW staged_rows AS "
            f"SELECT s.*, m.row_hash, m.row_ordinal FROM {stage.table} s JOIN marks m USING (line) {only}"
        )
        return self._one("SELECT count(*) FROM marks WHERE row_ordinal > 1") if drop else 0

    def _event_tables(self, stage: Stage, codes: Codes) -> list[EntryPlan]:
        """Make a table ``entry_N`` of each entry's rows, and note those that can't be read."""
        connection = self.log.connection
        plans = []
        for index, entry in enumerate(self.map.events):
            plan = plan_event(
                entry,
                stage,
                timezone=self.map.timezone,
                at=self.at,
                codes=codes.kinds,
                salt=_salt(self.map.events[:index], entry),
            )
            table = f"entry_{index}"
            connection.execute(f"CREATE OR REPLACE TEMP TABLE {table} AS {plan.rows}")
            checks = plan.checks
            if entry.group:
                connection.execute(_MIXED.format(table=table, bad=len(checks)))
                reason = "another customer than the first line of its group"
                checks += (Check(condition="", name=entry.customer, reason=reason),)
            add_rejects(connection, table, checks, stage)
            plans.append(plan)
        return plans

    def _profile_table(self, stage: Stage) -> None:
        assert self.map.profile is not None
        plan = plan_profile(self.map.profile, stage, timezone=self.map.timezone, at=self.at)
        self.log.connection.execute(f"CREATE OR REPLACE TEMP TABLE profiles AS {plan.rows}")
        add_rejects(self.log.connection, "profiles", plan.checks, stage)

    def _passed(self, stage: Stage, tables: list[str], rows: int) -> dict[str, int]:
        """Return how many lines no entry took, by reason."""
        owners = {entry.customer for entry in self.map.events}
        if self.map.profile is not None:
            owners.add(self.map.profile.customer)
        if len(tables) == 1:
            taken = self._one(f"SELECT count(*) FROM {tables[0]}")
        else:
            lines = " UNION ".join(f"SELECT line FROM {table}" for table in tables)
            taken = self._one(f"SELECT count(*) FROM ({lines})")
        if taken == rows:
            return {}
        nobody = " AND ".join(
            f"({cells.text(stage.columns[name])}) IS NULL" for name in sorted(owners)
        )
        nameless = self._one(f"SELECT count(*) FROM staged_rows WHERE {nobody}")
        found = {"no customer": nameless, "not wanted": rows - nameless - taken}
        return {reason: count for reason, count in found.items() if count}

    def _merge_events(self, plans: list[EntryPlan], base: int) -> Merged:
        connection = self.log.connection
        selects = [plan.events.format(table=f"entry_{i}") for i, plan in enumerate(plans)]
        if not selects:
            return Merged(
                added=0, corrected=0, known=0, repeated=0, replaced=0, customers=0, fresh=""
            )
        # A view where it is cheap to read twice: one entry, a row an event.
        simple = len(plans) == 1 and not self.map.events[0].group
        what = "VIEW" if simple else "TABLE"
        connection.execute(
            f"CREATE OR REPLACE TEMP {what} prepared AS {' UNION ALL BY NAME '.join(selects)}"
        )
        kinds = [kind for entry in self.map.events for kind in entry.kinds]
        hashed = all(not (entry.id or entry.group) for entry in self.map.events)
        unique = all(plan.unique for plan in plans) and (hashed or len(kinds) == len(set(kinds)))
        return merge_events(
            connection, "prepared", source=self.map.source, base=base, unique=unique, placed=simple
        )

    def _span(self, first: int, codes: Codes) -> tuple[dict[str, int], int | None, int | None]:
        """Return what was added: kind -> number, first and last instant."""
        names = {code: name for name, code in codes.kinds.items()}
        rows = self.log.query(
            "SELECT kind, count(*), min(occurred_at), max(occurred_at) FROM events"
            " WHERE seq >= $first GROUP BY kind ORDER BY kind",
            {"first": first},
        )
        if not rows:
            return {}, None, None
        kinds = {names[kind]: count for kind, count, _, _ in rows}
        return kinds, min(row[2] for row in rows), max(row[3] for row in rows)

    def _landings(self, merged: Merged, codes: Codes) -> tuple[Landing, ...]:
        found: list[Landing] = []
        if merged.fresh:
            found.extend(self._event_landings(merged.fresh, codes))
        if self.map.profile is not None and len(found) < _SHOWN:
            found.extend(self._profile_landings(codes))
        return tuple(found[:_SHOWN])

    def _event_landings(self, table: str, codes: Codes) -> Iterator[Landing]:
        names = {code: name for name, code in codes.kinds.items()}
        cursor = self.log.connection.execute(
            f"SELECT * FROM {table} ORDER BY line, kind LIMIT {_SHOWN}"
        )
        titles = [description[0] for description in cursor.description or ()]
        for values in cursor.fetchall():
            row: dict[str, Any] = dict(zip(titles, values, strict=True))
            name = names[row["kind"]]
            declared = self.vocabulary.events[name].fields.values()
            yield Landing(
                line=row["line"],
                event=name,
                customer=row["customer"],
                at=row["occurred_at"],
                id=row["id"],
                values={
                    field.name: datum(field, row[column(field)])
                    for field in declared
                    if row.get(column(field)) is not None
                },
            )

    def _profile_landings(self, codes: Codes) -> Iterator[Landing]:
        names = {code: name for name, code in codes.attributes.items()}
        rows = self.log.query(
            "SELECT line, customer, occurred_at, id, attribute, num, txt FROM changed_attributes"
            " WHERE line IN (SELECT DISTINCT line FROM changed_attributes ORDER BY line"
            f" LIMIT {_SHOWN}) ORDER BY line, attribute"
        )
        values: dict[tuple[int, str, int, str], dict[str, Any]] = {}
        for *key, attribute, num, txt in rows:
            field = self.vocabulary.attributes[names[attribute]]
            shown = values.setdefault((key[0], key[1], key[2], key[3]), {})
            shown[field.name] = attribute_datum(field, num, txt)
        for (line, customer, at, given), shown in values.items():
            yield Landing(line=line, event="", customer=customer, at=at, id=given, values=shown)

    def _note(self, summary: ImportSummary) -> None:
        with self.path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        binds = {
            "at": self.at,
            "file": summary.file,
            "sha256": sha256,
            "source": self.map.source,
            "rows": summary.rows,
            "added": summary.added + summary.versions,
            "ignored": summary.known + summary.repeated + summary.unchanged,
            "rejected": summary.rejected,
            "first_seq": summary.first_seq,
            "last_seq": summary.last_seq,
        }
        self.log.query(_NOTE, binds)


def _salt(earlier: tuple[EventMap, ...], entry: EventMap) -> str:
    """Return what keeps the row hash of an entry apart from earlier entries of the same event."""
    if entry.id or entry.group:
        return ""
    same = sum(
        1
        for other in earlier
        if not (other.id or other.group) and set(other.kinds) & set(entry.kinds)
    )
    return f"#{same + 1}" if same else ""


def require_columns(import_map: ImportMap, stage: Stage, file: str) -> None:
    """Raise InputError with every column that the map names and the file does not have."""
    missing = {
        name: span
        for name, span in _columns(import_map, stage.columns)
        if name not in stage.columns
    }
    if not missing:
        return
    lines = []
    for name, span in missing.items():
        hint = did_you_mean(name, stage.columns) or "see its first line"
        lines.append(f'{span}: {file} has no column "{name}"; {hint}')
    raise InputError("\n".join(lines))


def _columns(import_map: ImportMap, header: Mapping[str, object]) -> Iterator[tuple[str, Span]]:
    """Yield every column that the map names, with its place."""
    for entry in import_map.events:
        yield from ((name, entry.span) for name in (entry.customer, *entry.id, *entry.group))
        if entry.column is not None:
            yield entry.column, entry.span
        yield from _tested(entry.when)
        yield from _timed(entry.time, entry.known)
        for mapped in entry.fields:
            yield from _factors(mapped.cell, header)
    profile = import_map.profile
    if profile is not None:
        yield from ((name, profile.span) for name in (profile.customer, *profile.id))
        yield from _tested(profile.when)
        yield from _timed(profile.time, profile.known)
        for attribute in profile.attributes:
            yield from _factors(attribute.cell, header)


def _tested(when: tuple[tuple[RowTest, ...], ...]) -> Iterator[tuple[str, Span]]:
    return ((test.column, test.span) for tests in when for test in tests)


def _timed(*times: object) -> Iterator[tuple[str, Span]]:
    return ((time.column, time.span) for time in times if isinstance(time, TimeMap))


def _factors(cell: CellMap, header: Mapping[str, object]) -> Iterator[tuple[str, Span]]:
    """Yield the columns of a cell; a number among several factors is none."""
    if " * ".join(cell.factors) in header:
        return
    for factor in cell.factors:
        if factor in header or len(cell.factors) == 1 or read_number(factor) is None:
            yield factor, cell.span
