"""`care audit`: verify, entries, export, as an auditor uses them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from openpyxl import load_workbook

from tests.factories import Shop, event
from tests.zygote import Zygote

BOOK = "trigger: {event: complaint}\nsteps:\n  - {step: ring, do: call, due: within 1 day}\n"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, zygote: Zygote) -> Shop:
    """A project with one task for each of two customers."""
    made = Shop(tmp_path_factory.mktemp("audit"), through=zygote, p=BOOK)
    made.events(event("c0", "visit", "2025-02-01T10:00"))
    made.run("2025-03-01T08:00")
    made.events(
        *(event(name, "complaint", "2025-03-03T10:00", case_id="A") for name in ("c1", "王"))
    )
    made.run("2025-03-03T12:00")
    return made


def head(made: Shop) -> tuple[int, str]:
    with made.ledger() as ledger:
        return ledger.head()


def test_a_sound_ledger_is_told_with_what_was_looked_at(made: Shop) -> None:
    """Verification says how much it looked at, and what it decided again."""
    number, _ = head(made)
    said = made.care("audit", "verify", "--head", "{}:{}".format(*head(made)))
    value = made.care("audit", "verify", "--format", "json").json

    assert (said.code, said.err) == (0, "")
    assert re.match(rf"{number} entries and \d+ rows are sound, head [0-9a-f]{{64}}\n", said.out)
    assert "2 answers of gates" in said.out or "4 answers of gates" in said.out
    assert (value["sound"], value["entries"], value["faults"]) == (True, number, [])
    assert value["rows"]["actions"] == 2


def test_a_head_of_another_chain_is_told(made: Shop) -> None:
    """A head that was kept elsewhere and does not fit is an error, also one that lies ahead."""
    number, digest = head(made)
    other = made.care("audit", "verify", "--head", f"{number}:{'0' * 64}")
    ahead = made.care("audit", "verify", "--head", f"{number + 5} {digest}")

    assert (other.code, ahead.code) == (1, 1)
    assert f"entry {number} is not the one of the head that was kept" in other.out
    assert "its tail was cut" in ahead.out
    assert "Traceback" not in other.err + ahead.err


@pytest.mark.parametrize("text", ["12", "x:abc", ":abc", "12:"])
def test_a_head_that_is_none_is_a_usage_error(made: Shop, text: str) -> None:
    """What is not NUMBER:HASH is told in one line."""
    said = made.care("audit", "verify", "--head", text)

    assert said.code == 2
    assert "--head takes NUMBER:HASH" in said.err


def test_entries_are_json_lines_about_all_or_one(made: Shop) -> None:
    """The chain can be printed: all of it, a part, or what is about one action."""
    key = made.action("ring", "王")["id"]
    whole = [json.loads(line) for line in made.care("audit", "entries").out.splitlines()]
    about = [json.loads(line) for line in made.care("audit", "entries", key).out.splitlines()]
    part = made.care("audit", "entries", "--from", "3", "--to", "4").out.splitlines()

    assert [entry["n"] for entry in whole] == list(range(1, head(made)[0] + 1))
    assert [entry["body"]["state"] for entry in about] == ["planned", "open"]
    assert about[0]["body"]["customer"] == "王"
    assert [json.loads(line)["n"] for line in part] == [3, 4]


def test_a_workbook_for_an_auditor(made: Shop) -> None:
    """One sheet of what was done, one of what was decided; an existing file is not overwritten."""
    first = made.care("audit", "export", str(made.root / "all.xlsx"), "--from", "2025-03-01")
    again = made.care("audit", "export", str(made.root / "all.xlsx"))
    forced = made.care("audit", "export", str(made.root / "all.xlsx"), "--force")
    book = load_workbook(made.root / "all.xlsx")

    assert (first.code, again.code, forced.code) == (0, 2, 0)
    assert "is there already" in again.err
    assert book.sheetnames == ["动作", "决定"]
    assert [cell.value for cell in book["动作"][1]][:2] == ["动作编号", "客户"]
    assert {row[1].value for row in book["动作"].iter_rows(min_row=2)} == {"c1", "王"}
    assert [path.name for path in made.root.glob(".*half*")] == []


def test_a_table_goes_to_a_file_or_to_stdout(made: Shop) -> None:
    """CSV for Excel in a file, JSON for a program on stdout, narrowed by customer and time."""
    path = made.root / "王.csv"
    csv = made.care("audit", "export", str(path), "--customer", "王")
    rows = made.care("audit", "export", "--format", "json", "--customer", "王").json
    none = made.care("audit", "export", "--format", "json", "--to", "2025-03-01")

    assert (csv.code, csv.out) == (0, "")
    text = path.read_bytes()
    assert text.startswith(b"\xef\xbb\xbf")
    assert text.decode("utf-8-sig").count("\r\n") == 2
    assert [row["customer"] for row in rows] == ["王"]
    assert (none.code, none.json) == (0, [])
    assert "no actions match" in none.err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("all.txt",), "write .csv, .json, .xlsx or .jsonl"),
        (("--format", "xlsx"), "a workbook needs a file"),
        (("--customer", "c1"), "the canonical form is of the whole ledger"),
        (("--format", "csv", "--from", "soon"), "is no time"),
    ],
)
def test_what_can_not_be_exported_is_told(made: Shop, words: tuple[str, ...], told: str) -> None:
    """Wrong options are one line with what to write instead, and leave no file."""
    before = sorted(path.name for path in made.root.iterdir())
    said = made.care("audit", "export", *words)

    assert said.code == 2
    assert told in said.err
    assert sorted(path.name for path in made.root.iterdir()) == before


def test_a_file_that_can_not_be_written_is_told(made: Shop, tmp_path: Path) -> None:
    """A folder that is not there is an error in one line."""
    for name in ("a.csv", "a.xlsx"):
        said = made.care("audit", "export", str(tmp_path / "no" / name))

        assert said.code == 1
        assert "can't be written" in said.err
        assert "Traceback" not in said.err
