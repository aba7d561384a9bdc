"""The review of the sample shop against the shop's own file, counted by SQL that knows nothing of care."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import duckdb
import pytest

from engine.grid import json_rows
from engine.intake import import_file
from engine.ledger import open_ledger
from engine.log import open_log
from engine.paths import paths_of
from engine.reports.figures import figures_table
from engine.reports.report import Source, month_of
from engine.run import open_runner
from engine.scaffold import init
from rules.importmap import read_map
from rules.project import load
from rules.units import from_iso

NOW = from_iso("2011-12-09T13:00", "UTC")
FILE = "data/online-retail-slice.parquet"

#: Invoices of a month: their number, buyers, mean, and the buyers who had bought before.
_MONTH = """
WITH o AS (
    SELECT InvoiceNo, any_value(CustomerID) AS c, min(InvoiceDate) AS t, sum(Quantity * UnitPrice) AS a
    FROM read_parquet($file)
    WHERE CustomerID IS NOT NULL AND NOT starts_with(InvoiceNo, 'C') AND Quantity > 0 GROUP BY 1
), m AS (SELECT * FROM o WHERE t >= $since AND t < $until)
SELECT (SELECT count(*) FROM m), (SELECT count(DISTINCT c) FROM m), (SELECT avg(a) FROM m), (
    SELECT count(*) FROM (
        SELECT c FROM o WHERE t < $until GROUP BY c HAVING count(*) > 1 AND max(t) >= $since::TIMESTAMP
    )
)
"""


@pytest.mark.long
def test_the_sample_agrees_with_its_file(tmp_path: Path) -> None:
    """Orders, buyers, mean order and repurchase of November and October are those of the file."""
    root = tmp_path / "shop"
    init(root, "online-retail")
    project = load(root)
    text = (root / "imports" / "online-retail.yaml").read_bytes()
    found, _ = read_map(text, "imports/online-retail.yaml", project.vocabulary)
    assert found is not None
    import_file(root, project.vocabulary, root / FILE, found, at=NOW)
    with closing(open_ledger(paths_of(root).ledger)) as ledger:
        with open_runner(project, ledger, clock=lambda: 0) as runner:
            runner.run(NOW)
        with open_log(paths_of(root).log, writable=False) as log:
            source = Source(project=project, at=NOW, opened_ledger=ledger, opened_log=log)
            table = figures_table(source, month_of("2011-11", "UTC"))
    figures = {row["figure"]: row for row in json_rows(table, "UTC")}

    for key, count, since, until in (
        ("value", "n", "2011-11-01", "2011-12-01"), ("before", "before_n", "2011-10-01", "2011-11-01"),
    ):  # fmt: skip
        binds = {"file": str(root / FILE), "since": since, "until": until}
        ((orders, buyers, mean, again),) = duckdb.execute(_MONTH, binds).fetchall()
        assert figures["平均订单金额"][count] == orders
        assert figures["平均订单金额"][key] == pytest.approx(mean, abs=0.005)
        assert figures["下单客户数"][key] == buyers
        assert figures["复购率"][key] == round(again / buyers, 6)
