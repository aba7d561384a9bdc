"""Cut the shipped slice of Online Retail out of the whole file.

``python bench/cut_sample.py online_retail.parquet [slice.parquet]``

The slice keeps every line of every fifth customer (numbers ending in 3 or 8) over the whole period,
so that windows of 60 and 90 days hold what they hold in the whole file, and the lines without a
customer of two days, because real files have those. Columns, types and the order of lines stay.
"""

from __future__ import annotations

import sys
from pathlib import Path

import duckdb

SLICE = (
    Path(__file__).resolve().parent.parent
    / "playbooks/samples/online-retail/data/online-retail-slice.parquet"
)

#: One row a line of the slice, in the order of the whole file.
CUT = """
SELECT * EXCLUDE (file_row_number) FROM read_parquet($source, file_row_number = true)
WHERE CAST(CustomerID AS BIGINT) % 5 = 3
   OR (CustomerID IS NULL
       AND CAST(InvoiceDate AS DATE) IN (DATE '2011-03-15', DATE '2011-09-15'))
ORDER BY file_row_number
"""


def cut(source: Path, target: Path) -> int:
    """Write the slice and return its number of lines."""
    with duckdb.connect() as database:
        database.execute("CREATE TABLE slice AS " + CUT, {"source": str(source)})
        place = str(target).replace("'", "''")
        database.execute(
            f"COPY slice TO '{place}' (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 19)"
        )
        row = database.execute("SELECT count(*) FROM slice").fetchone()
    assert row is not None
    return int(row[0])


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit("usage: python bench/cut_sample.py online_retail.parquet [slice.parquet]")
    written = Path(sys.argv[2]) if len(sys.argv) == 3 else SLICE
    lines = cut(Path(sys.argv[1]), written)
    print(f"{written}: {lines:,} lines, {written.stat().st_size:,} bytes")
