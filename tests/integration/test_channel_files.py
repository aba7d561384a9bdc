"""The file channel: one file an action, whole or not at all; and the files gathered into a table."""

from __future__ import annotations

import csv
import errno
import io
import json
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook

from engine.channels.files import Collected, collect
from engine.channels.kinds import Answer, Verdict
from engine.channels.tables import SUFFIXES, read_rows, render, shielded, unshielded
from rules.errors import BusyError, InputError, UsageError
from tests.receivers import send


def written(root: Path, number: int = 1, form: str = "json", **given: Any) -> Answer:
    """Write the file of an action."""
    return send("file", {"folder": "out", "format": form}, root, action=f"a-{number}", **given)


def names(folder: Path) -> list[str]:
    """Return the files below a folder, by path."""
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


def table(path: Path) -> list[dict[str, Any]]:
    """Return a table's rows as another program reads them."""
    if path.suffix == ".json":
        rows: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
        return rows
    if path.suffix == ".csv":
        return [*csv.DictReader(io.StringIO(path.read_bytes().decode("utf-8-sig"), newline=""))]
    head, *lines = load_workbook(path).worksheets[0].iter_rows(values_only=True)
    return [dict(zip(map(str, head), line, strict=True)) for line in lines]


# ---------------------------------------------------------------- one file an action


def test_json_is_the_usual_form(tmp_path: Path) -> None:
    """Without ``format`` and ``folder`` a file is JSON, below ``.care/out``; texts that the
    message does not have are left out.
    """
    answer = send("file", {}, tmp_path, to="", subject="", text="", data={"brief": "请回电"})

    assert answer == Answer(verdict=Verdict.SENT, words="written to a-0123456789abcdef.json")
    assert names(tmp_path) == [".care/out/out/a-0123456789abcdef.json"]
    assert (tmp_path / names(tmp_path)[0]).read_text(encoding="utf-8") == (
        '{\n  "action": "a-0123456789abcdef",\n  "brief": "请回电",\n  "channel": "out",\n'
        '  "customer": "c1",\n  "playbook": "p",\n  "step": "offer",\n  "title": "回访"\n}\n'
    )


@pytest.mark.parametrize("form", SUFFIXES)
def test_each_form_says_the_same(form: str, tmp_path: Path) -> None:
    """JSON, CSV and Excel hold the message, in an order that people read."""
    written(tmp_path, form=form, attachments=("a.pdf", "b.pdf"))
    rows = read_rows(tmp_path / "out" / f"a-1.{form}")

    assert len(rows) == 1
    found = {key: "; ".join(value) if isinstance(value, list) else value for key, value in rows[0].items()}  # fmt: skip
    assert found == {
        "action": "a-1", "customer": "c1", "playbook": "p", "step": "offer", "title": "回访",
        "channel": "out", "to": "wang@example.com", "subject": "您好，王女士",
        "text": "第一行\n第二行\n", "attachments": "a.pdf; b.pdf", "journey": "j-1",
        "due_by": "2026-05-12T18:00:00+08:00",
    }  # fmt: skip
    if form != "json":
        assert list(found)[:4] == ["action", "customer", "playbook", "step"]


@pytest.mark.parametrize("form", SUFFIXES)
def test_sent_twice_is_one_file(form: str, tmp_path: Path) -> None:
    """A repetition writes the same bytes to the same name."""
    written(tmp_path, form=form)
    first = {name: (tmp_path / name).read_bytes() for name in names(tmp_path)}
    written(tmp_path, form=form, attempt=2, now=0)

    assert {name: (tmp_path / name).read_bytes() for name in names(tmp_path)} == first


def test_what_can_not_be_written_is_tried_again(tmp_path: Path) -> None:
    """A file in the place of the folder is told; nothing half is left."""
    (tmp_path / "out").touch()
    answer = written(tmp_path)

    assert answer.verdict is Verdict.RETRY
    assert answer.words == f"cannot write {tmp_path}/out/a-1.json: File exists"
    assert names(tmp_path) == ["out"]


def test_a_full_disk_leaves_no_half(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the disk takes no more, the next try begins anew."""

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        answer = written(tmp_path)
    left = names(tmp_path)
    again = written(tmp_path)

    assert (answer.verdict, left) == (Verdict.RETRY, [])
    assert answer.words.endswith("No space left on device")
    assert (again.verdict, names(tmp_path)) == (Verdict.SENT, ["out/a-1.json"])


# ---------------------------------------------------------------- nothing is a formula

DANGEROUS = [
    "=1+1",
    "+86 10",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "'=1",
    "''=1",
    "=cmd|' /C calc'!A0",
]


@pytest.mark.parametrize("form", ["csv", "xlsx"])
@pytest.mark.parametrize("text", DANGEROUS)
def test_no_cell_is_a_formula(form: str, text: str, tmp_path: Path) -> None:
    """What a sheet program would compute is text, and care reads it back as it was."""
    path = tmp_path / f"t.{form}"
    path.write_bytes(render([{"action": "a-1", "text": text}], form))
    shown = table(path)[0]["text"]

    assert read_rows(path)[0]["text"] == text
    if form == "csv":
        assert shown == f"'{text}"
    else:
        book = load_workbook(path)
        assert book.worksheets[0]["B2"].data_type == "s"


@given(text=st.text(max_size=20))
def test_shields_come_off(text: str) -> None:
    """Any text survives, and no cell begins as a formula does."""
    assert unshielded(shielded(text)) == text
    assert not shielded(text).startswith(("=", "+", "-", "@", "\t", "\r"))


@settings(max_examples=100, deadline=None)
@given(
    form=st.sampled_from(SUFFIXES),
    texts=st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=30), min_size=1, max_size=4),
)  # fmt: skip
def test_tables_hold_any_text(
    form: str, texts: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """What is written is read again, in any script."""
    path = tmp_path_factory.mktemp("t") / f"t.{form}"
    path.write_bytes(render([{"action": "a", "text": text} for text in texts], form))

    assert [row["text"] for row in read_rows(path)] == texts


# ---------------------------------------------------------------- gathered


@pytest.mark.parametrize("form", SUFFIXES)
@pytest.mark.parametrize("out", SUFFIXES)
def test_files_of_any_form_get_into_a_table_of_any(form: str, out: str, tmp_path: Path) -> None:
    """The table has a row an action, by due date; the files stand aside."""
    for number in (2, 1, 3):
        written(tmp_path, number, form, data={"opens_at": f"2026-05-1{4 - number}T09:00:00+08:00"})
    target = tmp_path / "today" / f"today.{out}"
    done = collect(tmp_path / "out", target)

    assert done == Collected(out=target, added=3, rows=3)
    assert [row["action"] for row in table(target)] == ["a-3", "a-2", "a-1"]
    assert [row["text"] for row in table(target)] == ["第一行\n第二行\n"] * 3
    assert names(tmp_path / "out") == [
        "collected/.lock", *(f"collected/today.{out}/a-{n}.{form}" for n in (1, 2, 3)),
    ]  # fmt: skip


def test_gathering_twice_changes_nothing(tmp_path: Path) -> None:
    """Nothing new leaves the table alone, also one that a person has edited."""
    written(tmp_path)
    target = tmp_path / "today.csv"
    collect(tmp_path / "out", target)
    target.write_text("mine", encoding="utf-8")
    done = collect(tmp_path / "out", target)

    assert done == Collected(out=target, added=0, rows=0)
    assert target.read_text(encoding="utf-8") == "mine"


def test_new_files_join_the_table_of_the_same_name(tmp_path: Path) -> None:
    """A second gathering adds; another name begins a table of its own."""
    target, other = tmp_path / "today.csv", tmp_path / "evening.csv"
    written(tmp_path, 1)
    collect(tmp_path / "out", target)
    written(tmp_path, 2)
    done = collect(tmp_path / "out", target)
    written(tmp_path, 3)
    collect(tmp_path / "out", other)

    assert done == Collected(out=target, added=1, rows=2)
    assert [row["action"] for row in table(target)] == ["a-1", "a-2"]
    assert [row["action"] for row in table(other)] == ["a-3"]


def test_what_was_gathered_is_not_written_again(tmp_path: Path) -> None:
    """A delivery that repeats itself after a crash does not get an action into two tables."""
    written(tmp_path)
    collect(tmp_path / "out", tmp_path / "one.csv")
    answer = written(tmp_path, attempt=2)
    done = collect(tmp_path / "out", tmp_path / "two.csv")

    assert answer == Answer(verdict=Verdict.SENT, words="a-1.json was collected already")
    assert done.added == 0
    assert not (tmp_path / "two.csv").exists()


def test_what_is_no_action_stays_where_it_is(tmp_path: Path) -> None:
    """A cut or strange file is told and left; halves and other files are not looked at."""
    written(tmp_path)
    folder = tmp_path / "out"
    for name, data in {
        "cut.json": b'{"action": "a', "list.json": b"[1]", "none.json": b"[]", "odd.csv": b"a,b\r\n1,2\r\n",
        "bad.csv": b"action\r\n\xff\r\n", "bad.xlsx": b"PK", "a-9.half": b"{", "notes.txt": b"x",
    }.items():  # fmt: skip
        (folder / name).write_bytes(data)
    done = collect(folder, tmp_path / "t.json")

    assert done.rows == done.added == 1
    assert done.broken == (
        "bad.csv can't be read: it is cut or was changed",
        "bad.xlsx can't be read: it is cut or was changed",
        "cut.json can't be read: it is cut or was changed",
        "list.json holds no action",
        "none.json holds no action",
        "odd.csv holds no action",
    )
    assert {"cut.json", "list.json", "a-9.half", "notes.txt"} <= set(names(folder))


def test_only_tables(tmp_path: Path) -> None:
    """The name says the form; the table does not stand among what it gathers."""
    with pytest.raises(UsageError, match=r"write a name that ends in \.xlsx, \.csv or \.json"):
        collect(tmp_path, tmp_path / "today.xls")
    with pytest.raises(UsageError, match="write another folder"):
        collect(tmp_path, tmp_path / "today.csv")


def test_a_file_of_somebody_else_is_not_overwritten(tmp_path: Path) -> None:
    """A table that was not gathered from this folder stays, and so do the files."""
    written(tmp_path)
    target = tmp_path / "t.csv"
    target.write_text("mine", encoding="utf-8")
    with pytest.raises(InputError, match="is there already, and not gathered from"):
        collect(tmp_path / "out", target)

    assert target.read_text(encoding="utf-8") == "mine"
    assert (tmp_path / "out" / "a-1.json").exists()


def test_no_folder_yet(tmp_path: Path) -> None:
    """A channel that has sent nothing has nothing to gather."""
    target = tmp_path / "t.csv"

    assert collect(tmp_path / "out", target) == Collected(out=target, added=0, rows=0)


def test_two_do_not_gather_at_once(tmp_path: Path) -> None:
    """The second one is told, and takes nothing."""
    import fcntl

    written(tmp_path)
    (tmp_path / "out" / "collected").mkdir()
    with (tmp_path / "out" / "collected" / ".lock").open("a") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(BusyError, match="somebody else gathers"):
            collect(tmp_path / "out", tmp_path / "t.csv")

    assert collect(tmp_path / "out", tmp_path / "t.csv").added == 1


class Crash(BaseException):
    """Stands for a power cut."""


def crashing(monkeypatch: pytest.MonkeyPatch, at: int) -> Callable[[], int]:
    """Cut the power just before, or just after, the effect number ``at`` on the disk; returns what
    counts the effects.
    """
    count = 0

    def counted(real: Callable[..., Any]) -> Callable[..., Any]:
        def effect(*given: Any, **named: Any) -> Any:
            nonlocal count
            count += 2
            if count - 1 == at:
                raise Crash
            found = real(*given, **named)
            if count == at:
                raise Crash
            return found

        return effect

    for name in ("rename", "replace", "unlink", "mkdir"):
        monkeypatch.setattr(Path, name, counted(getattr(Path, name)))
    monkeypatch.setattr(os, "fsync", counted(os.fsync))
    return lambda: count


@pytest.mark.parametrize("later", ["same.csv", "other.csv"])
def test_cut_at_any_point_each_file_gets_into_one_table(
    later: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed before or after any effect, and again in the gathering after it: nothing is lost, and
    nothing stands in two tables.
    """
    ends = 0
    for at in range(1, 200):
        root = tmp_path / f"{later}{at}"
        for number in (1, 2, 3):
            written(root, number)
        with monkeypatch.context() as patched:
            crashing(patched, at)
            try:
                collect(root / "out", root / "same.csv")
                ends += 1
            except Crash:
                pass
        with monkeypatch.context() as patched:
            crashing(patched, at % 7 + 1)
            with suppress(Crash):
                collect(root / "out", root / later)
        collect(root / "out", root / later)

        tables = [path for path in (root / "same.csv", root / "other.csv") if path.exists()]
        assert sorted(row["action"] for path in tables for row in table(path)) == [
            "a-1",
            "a-2",
            "a-3",
        ]
        if ends == 2:
            break
    assert ends == 2  # the count of effects was gone through to its end


def test_a_table_that_can_not_be_written_is_finished_later(tmp_path: Path) -> None:
    """Where the place of the table is not there, the files wait, and the next gathering has them."""
    written(tmp_path)
    (tmp_path / "usb").touch()
    with pytest.raises(InputError, match=r"cannot gather .* File exists"):
        collect(tmp_path / "out", tmp_path / "usb" / "t.csv")
    (tmp_path / "usb").unlink()
    done = collect(tmp_path / "out", tmp_path / "other.csv")

    assert done.resumed == (tmp_path / "usb" / "t.csv",)
    assert [row["action"] for row in table(tmp_path / "usb" / "t.csv")] == ["a-1"]
