"""Known answers on real logs. They lie beside the repository, or where CARE_DATA says."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from engine.log import open_log
from tests.imports import FAR, dump, landed, run

DATA = Path(os.environ.get("CARE_DATA", Path(__file__).parents[2].parent / "shared" / "data"))


def data(name: str) -> Path:
    path = DATA / name
    if not path.exists():
        pytest.skip(f"the real log {name} is not here: set CARE_DATA to its folder")
    return path


RETAIL = """
timezone: UTC
customer: CustomerID
time: InvoiceDate
events:
  - event: order
    when: {InvoiceNo: not starts with C, Quantity: above 0}
    id: InvoiceNo
    group: InvoiceNo
    fields: {amount: {sum: Quantity * UnitPrice}, lines: {count: rows}, note: Country}
  - event: cancellation
    when: {InvoiceNo: starts with C}
    id: InvoiceNo
    group: InvoiceNo
"""


def test_online_retail(tmp_path: Path) -> None:
    """Online Retail holds 18,536 orders of 4,339 customers, 3,654 cancellations of 1,589."""
    path = data("online_retail.parquet")
    summary = run(tmp_path, path, RETAIL)
    again = run(tmp_path, path, RETAIL)

    assert (summary.rows, summary.rejected) == (541_909, 0)
    assert summary.passed == {"no customer": 135_080}
    assert summary.events == {"order": 18_536, "cancellation": 3_654}
    assert (again.added, again.known) == (0, 22_190)
    with open_log(tmp_path / ".care" / "log.duckdb", writable=False) as log:
        found = log.query(
            "SELECT k.name, count(DISTINCT e.customer), sum(e.n_amount) FROM events e"
            " JOIN kinds k ON k.code = e.kind GROUP BY k.name ORDER BY k.name"
        )
        population = log.population_count(FAR, log.max_seq())
    # The sum was counted with DuckDB over the file: 8,911,407.904 pounds.
    assert found == [("cancellation", 1_589, None), ("order", 4_339, 89_114_079_040)]
    assert population == 4_372


CDNOW = """
delimiter: whitespace
timezone: America/New_York
customer: customer_id
time: {column: date, format: "%Y%m%d"}
events:
  - event: order
    fields: {lines: number_of_cds, amount: dollar_value}
"""


def test_cdnow(tmp_path: Path) -> None:
    """CDNOW has 69,659 purchases of 23,570 customers, 255 of them exact duplicates."""
    path = data("CDNOW_master.txt")
    kept = run(tmp_path / "kept", path, CDNOW)
    again = run(tmp_path / "kept", path, CDNOW)
    dropped = run(tmp_path / "dropped", path, "duplicates: drop\n" + CDNOW)

    assert (kept.rows, kept.added, kept.customers) == (69_659, 69_659, 23_570)
    assert (again.added, again.known) == (0, 69_659)
    assert (dropped.added, dropped.dropped) == (69_404, 255)


def test_helpdesk(tmp_path: Path) -> None:
    """The help desk has 21,348 events of 4,580 tickets; its second column Variant is Variant (2)."""
    text = """
timezone: Europe/Rome
customer: customer
time: Complete Timestamp
events:
  - {event: call, fields: {}}
  - {event: order, group: Case ID, customer: Case ID, fields: {lines: {count: rows}, note: Variant (2)}}
"""
    summary = run(tmp_path, data("helpdesk.csv"), text)

    assert (summary.rows, summary.rejected, summary.passed) == (21_348, 0, {})
    assert summary.events == {"order": 4_580, "call": 21_348}
    (case,) = landed(tmp_path, "Case 1")
    assert case.events[0].fields["note"] == "Variant 12"


def test_telco(tmp_path: Path) -> None:
    """Telco has 7,043 profiles; the 11 blank totals are unknown, not mistakes."""
    text = """
customer: customerID
profile:
  attributes: {size: TotalCharges, email_ok: Partner}
"""
    path = data("Telco-Customer-Churn.csv")
    summary = run(tmp_path, path, text)
    again = run(tmp_path, path, text)

    assert (summary.rows, summary.customers, summary.rejected) == (7_043, 7_043, 0)
    assert (summary.versions, again.versions, again.unchanged) == (14_086, 0, 14_086)
    with open_log(tmp_path / ".care" / "log.duckdb", writable=False) as log:
        size = log.codes().attributes["size"]
        blank = log.query(
            "SELECT count(*) FROM attributes WHERE attribute = $size AND num IS NULL",
            {"size": size},
        )
    assert blank == [(11,)]


def test_batches_of_a_real_log(tmp_path: Path) -> None:
    """Online Retail in two files, whole and cut between invoices, is the same set of events."""
    import duckdb

    path = data("online_retail.parquet")
    for index, condition in enumerate(
        ("left(InvoiceNo, 4) >= '5600'", "left(InvoiceNo, 4) < '5600'")
    ):
        duckdb.execute(
            f"COPY (SELECT * FROM read_parquet('{path}', file_row_number = true) "
            f"WHERE {condition} ORDER BY file_row_number) "
            f"TO '{tmp_path}/part{index}.csv' (HEADER)"
        )
    run(tmp_path / "whole", path, RETAIL)
    for index in (0, 1):
        run(tmp_path / "parts", tmp_path / f"part{index}.csv", RETAIL)

    assert dump(tmp_path / "parts") == dump(tmp_path / "whole")
