"""``changed``: an attribute of the customer has another value. The first value is no change."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from engine.candidates import Candidate, Cursor, Look, Source
from engine.store import PERSONAL
from rules.columns import attribute_datum
from rules.units import to_iso
from rules.vocabulary import FieldType

__all__ = ["from_changes"]

#: Known versions with another value than the known one before, of the customers with new versions;
#: of these the ones that the earlier run did not see.
_CHANGES = """
WITH fresh AS (
    SELECT DISTINCT customer FROM attributes
    WHERE attribute = $attribute AND seq <= $seq AND occurred_at <= $at
      AND (seq > $seq0 OR occurred_at > $at0)
), versions AS (
    SELECT a.customer, a.occurred_at, a.seq, a.id, a.num, a.txt,
           lag(a.num) OVER told AS num0, lag(a.txt) OVER told AS txt0
    FROM attributes a JOIN fresh f ON f.customer = a.customer
    WHERE a.attribute = $attribute AND a.seq <= $seq AND a.occurred_at <= $at
      AND (a.num IS NOT NULL OR a.txt IS NOT NULL)
    WINDOW told AS (PARTITION BY a.customer ORDER BY a.occurred_at, a.id, a.seq)
)
SELECT c.id, v.occurred_at, v.num, v.txt, v.num0, v.txt0, v.occurred_at <= $at0
FROM versions v JOIN customers c ON c.code = v.customer
WHERE (v.seq > $seq0 OR v.occurred_at > $at0) AND (v.num0 <> v.num OR v.txt0 <> v.txt)
ORDER BY v.customer, v.occurred_at, v.id, v.seq
"""


def from_changes(look: Look, source: Source) -> Iterator[Candidate]:
    """Yield the candidates of a trigger ``changed``; two changes at one instant are one."""
    trigger, cursor = source.trigger, source.cursor
    assert trigger.attribute is not None
    field = look.vocabulary.attributes.get(trigger.attribute)
    if cursor is None or field is None:
        return
    rows = _rows(look, field.name, cursor)
    last = {(row[0], row[1]): row for row in rows}
    for customer, at, num, txt, num0, txt0, late in last.values():
        before, after = (_told(field, *each, look.timezone) for each in ((num0, txt0), (num, txt)))
        yield Candidate(
            playbook=source.playbook, trigger=trigger, customer=customer,
            occurrence=f"{field.name}:{to_iso(at, look.timezone)}", entry=at, late=late,
            moment={"words": f"{field.name} changed from {before} to {after}"},
        )  # fmt: skip


def _rows(look: Look, attribute: str, cursor: Cursor) -> Sequence[tuple[Any, ...]]:
    binds = {"at": look.at, "seq": look.seq, "at0": cursor.at, "seq0": cursor.seq}
    if look.log.questions is not None:
        return look.log.questions.changes(look.vocabulary, attribute, **binds)
    code = look.log.codes().attributes.get(attribute, -1)
    return look.log.query(_CHANGES, {"attribute": code, **binds})


def _told(field: FieldType, num: Any, txt: Any, tz: str) -> str:
    """Return a value in words; a personal one is not told."""
    if field.pii:
        return PERSONAL
    from rules.trace import show_field  # noqa: PLC0415  only where something changed

    return show_field(attribute_datum(field, num, txt), field.kind, tz)
