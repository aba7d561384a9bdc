"""The library through the program: a project of it, the list, one playbook added."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.library import books
from tests.zygote import Zygote


@pytest.fixture
def starter(tmp_path: Path, zygote: Zygote) -> str:
    """A project that is not of the library."""
    assert zygote.run("init", str(tmp_path / "p")) == 0
    return str(tmp_path / "p")


@pytest.mark.long
def test_a_library_project_imports_and_runs(tmp_path: Path, zygote: Zygote) -> None:
    """Made, checked, its three examples imported twice without doubles, and its first tasks opened."""
    root = tmp_path / "shop"
    made = zygote.told("init", str(root), "--library", "retail")
    assert (made.code, made.err) == (0, "")
    assert made.out.endswith(f"files in {root}; next: cd {root} && care check\n")
    assert zygote.told("-C", str(root), "check", "--strict", "--at", "2026-05-01").out == (
        "no errors; 25 playbooks are sound\n"
    )
    for turn in (1, 2):
        for name, count in (("contacts", 0), ("orders", 7), ("tickets", 7)):
            data, by = root / f"data/{name}.csv", root / f"imports/{name}.yaml"
            said = zygote.told(
                "-C", str(root), "import", str(data), "--map", str(by), "--at", "2026-01-31"
            )
            assert said.code == 0, said.err
            assert f"  {count if turn == 1 else 0} events added" in said.out

    for at in ("2026-02-02T08:00", "2026-02-04T08:00"):
        ran = zygote.told("-C", str(root), "run", "--at", at)
        assert ran.code == 0, ran.err
    tasks = json.loads(zygote.told("-C", str(root), "tasks", "--format", "json").out)

    assert {(task["customer"], task["playbook"], task["step"]) for task in tasks} == {
        ("K001", "new_activation", "first_call"),
        ("K003", "renewal", "review"),
    }


def test_two_kinds_of_projects_are_one_too_many(tmp_path: Path, zygote: Zygote) -> None:
    """--sample and --library together are refused in words, and nothing is made."""
    said = zygote.told("init", str(tmp_path / "p"), "--library", "saas", "--sample", "starter")

    assert said.code == 2
    assert "--sample and --library are two kinds of projects: choose one" in said.err
    assert not (tmp_path / "p").exists()


def test_the_list_says_what_is_here_and_what_is_missing(starter: str, zygote: Zygote) -> None:
    """In a project: each playbook with its state and what the vocabulary lacks; as text and as JSON."""
    text = zygote.told("-C", starter, "library")
    told = {row["playbook"]: row for row in json.loads(
        zygote.told("-C", starter, "library", "--format", "json").out
    )}  # fmt: skip

    assert text.code == 0
    assert list(told) == [each.name for each in books()]
    assert told["after_complaint"]["here"] == "own"
    assert told["complaint_loop"]["here"] == "absent"
    assert told["complaint_loop"]["missing"]["roles"] == ["director"]
    line = next(line for line in text.out.splitlines() if " after_complaint " in line)
    assert line.split()[:2] == ["2.4", "after_complaint"]
    assert "your own" in line


def test_one_playbook_is_told_in_full(starter: str, zygote: Zygote) -> None:
    """With a name: what for, when not, files, needs, and what is missing here."""
    said = zygote.told("-C", starter, "library", "complaint-loop")

    assert said.code == 0
    assert "  for:       投诉二十四小时内首次回复" in said.out
    assert "    tests/complaint-loop.test.yaml\n" in said.out
    assert said.out.endswith(
        "  missing here:\n    events: complaint_opened.complex, complaint_opened.severity, first_reply, "
        "first_reply.case_id, solution_given, solution_given.case_id\n    roles: director\n"
    )


def test_the_list_needs_no_project(tmp_path: Path, zygote: Zygote) -> None:
    """Outside a project nothing is said about one; a folder that is none is an error."""
    told = json.loads(zygote.told("library", "birthday", "--format", "json").out)

    assert (told["here"], told["missing"]) == (None, None)
    assert zygote.run("-C", str(tmp_path), "library") == 2


def test_add_leaves_with_three_until_nothing_is_left(starter: str, zygote: Zygote) -> None:
    """What is missing is printed to be pasted, and is a finding; with it pasted add is content."""
    first = zygote.told("-C", starter, "add", "complaint_loop")

    assert first.code == 3
    assert "playbooks/complaint-loop.yaml was copied\n" in first.out
    assert "  # the event complaint_opened needs the field {severity: [low, high]}\n" in first.out
    assert "  solution_given: {title: 给出方案, fields: {case_id: text}}\n" in first.out
    care = Path(starter, "care.yaml")
    text = care.read_text("utf-8")
    text = text.replace("complaint_opened: {title: 投诉, fields: {case_id: text}}", (
        "complaint_opened: {title: 投诉, fields: {case_id: text, severity: [low, high], complex: yes_no}}\n"
        "  first_reply: {title: 首次回复, fields: {case_id: text}}\n"
        "  solution_given: {title: 给出方案, fields: {case_id: text}}"
    ))  # fmt: skip
    care.write_text(text.replace("roles:\n", "roles:\n  director: 客户总监\n"), "utf-8")

    second = zygote.told("-C", starter, "add", "complaint_loop")

    assert (second.code, second.err) == (0, "")
    assert second.out.endswith("nothing is missing; next: care check && care test\n")
    tests = str(Path(starter, "tests", "complaint-loop.test.yaml"))
    assert zygote.run("-C", starter, "test", tests, "-j", "1") == 0
