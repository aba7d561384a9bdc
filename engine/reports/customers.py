"""客户分层与标签管理表: each customer with attributes, classes, segments and the last contact."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from engine.grid import Column, Kind, Table
from engine.reports.phrases import attribute_words
from engine.reports.report import Report, Source
from rules.columns import split_words
from rules.units import to_local
from rules.vocabulary import FieldKind, FieldType

__all__ = ["customers_report"]

TITLE = "客户分层与标签管理表"
_CONTACT = "contact"  #: the group of events that counts as contact, where care.yaml has it
_OWN = ("care_done", "care_sent")
_KINDS = {
    FieldKind.NUMBER: Kind.NUMBER,
    FieldKind.DATE: Kind.DAY,
    FieldKind.INSTANT: Kind.INSTANT,
}

#: The last contact of each customer; which kinds of events count is filled in as integers.
_LAST = """
SELECT c.id, max(e.occurred_at) FROM events e JOIN customers c ON c.code = e.customer
WHERE e.kind IN ({kinds}) AND e.seq <= $seq AND e.occurred_at <= $at
    AND e.seq NOT IN (SELECT seq FROM superseded WHERE by_seq <= $seq)
GROUP BY c.id
"""


def customers_report(source: Source, *, pii: bool = True) -> Report:
    """Return a row a customer as of T; without ``pii`` the attributes marked so are left out."""
    attributes = [
        declared for declared in source.project.vocabulary.attributes.values()
        if pii or not declared.pii
    ]  # fmt: skip
    columns = _columns(source, attributes)
    table = Table(
        name="customers", title=TITLE, columns=columns, rows=list(_rows(source, attributes)),
        note="带 * 的列含个人信息，对外发送前请用 --no-pii 去掉。" if any(c.private for c in columns) else "",
    )  # fmt: skip
    when = f"{to_local(source.at, source.zone):%Y-%m-%d %H:%M}"
    return Report(name="tags", title=TITLE, when=when, tables=[table], at=source.at)


def _columns(source: Source, attributes: Sequence[FieldType]) -> list[Column]:
    classes = source.project.catalogue.classes
    return [
        Column(name="customer", title="客户编号", width=16),
        *(
            Column(
                name=declared.name, private=declared.pii,
                title=attribute_words(declared.name) + ("*" if declared.pii else ""),
                kind=_KINDS.get(declared.kind, Kind.TEXT),
            )
            for declared in attributes
        ),
        *(Column(name=f"class:{name}", title=one.title or name) for name, one in classes.items()),
        Column(name="segments", title="分群标签", width=36),
        Column(name="last_contact", title="最近联系", kind=Kind.INSTANT),
    ]  # fmt: skip


def _rows(source: Source, attributes: Sequence[FieldType]) -> Iterator[dict[str, Any]]:
    from rules.sql import compile_population  # noqa: PLC0415  slow

    log, catalogue = source.log, source.project.catalogue
    seq = log.max_seq()
    population = compile_population(
        source.project.vocabulary, catalogue, list(catalogue.segments), list(catalogue.classes),
        attributes=[declared.name for declared in attributes], scoped=False,
    )  # fmt: skip
    table = log.table(population.sql(), population.binds(source.at, seq, log.codes()))
    contacts = _last_contacts(source, seq)
    names = dict(log.query("SELECT code, id FROM customers"))
    titles = {name: one.title or name for name, one in catalogue.segments.items()}
    rows = []
    for found in table.to_pylist():
        customer = names[found["customer"]]
        inside = [title for name, title in titles.items() if found[f"s_{name}"]]
        rows.append(
            {
                "customer": customer,
                **{each.name: _value(each, found[f"a_{each.name}"]) for each in attributes},
                **{f"class:{name}": found[f"c_{name}"] for name in catalogue.classes},
                "segments": "、".join(inside), "last_contact": contacts.get(customer),
            }
        )  # fmt: skip
    yield from sorted(rows, key=lambda row: str(row["customer"]))


def _value(declared: FieldType, held: Any) -> Any:
    if held is None:
        return None
    match declared.kind:
        case FieldKind.WORDS:
            return "、".join(split_words(held))
        case FieldKind.YES_NO:
            return "是" if held else "否"
        case FieldKind.NUMBER | FieldKind.DATE | FieldKind.INSTANT:
            return int(held)  # DuckDB gives a wider type
        case _:
            return held


def _last_contacts(source: Source, seq: int) -> Mapping[str, int]:
    """Return customer -> the last contact: of the group ``contact``, else what care did."""
    known = source.log.codes().kinds
    names = source.project.vocabulary.groups.get(_CONTACT, _OWN)
    kinds = [str(known[name]) for name in names if name in known]
    if not kinds:
        return {}
    sql = _LAST.format(kinds=", ".join(kinds))
    return dict(source.log.query(sql, {"seq": seq, "at": source.at}))
