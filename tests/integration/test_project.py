"""Project folders on disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from rules.errors import ProjectError
from rules.project import check, load
from tests.projects import CARE, PLAYBOOK, SHARED


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "playbooks").mkdir()
    (tmp_path / "templates" / "mail").mkdir(parents=True)
    (tmp_path / "care.yaml").write_text(CARE, encoding="utf-8")
    (tmp_path / "shared.yaml").write_text(SHARED, encoding="utf-8")
    (tmp_path / "playbooks" / "p.yaml").write_text(PLAYBOOK, encoding="utf-8")
    return tmp_path


def test_a_folder_is_loaded(folder: Path) -> None:
    """A project is its files; its root is absolute, its hashes are the same each time."""
    first, second = load(folder), load(folder)

    assert first == second
    assert first.root == str(folder.resolve())
    assert [each.file for each in first.playbooks] == ["playbooks/p.yaml"]
    assert first.playbooks[0].source == PLAYBOOK
    assert first.playbooks[0].revision == second.playbooks[0].revision != ""


def test_templates_are_looked_up_below_their_folder(folder: Path) -> None:
    """A template may stand in a folder of templates/, and a misspelt one is pointed out."""
    (folder / "templates" / "mail" / "hello.md").write_text("hi", encoding="utf-8")
    book = folder / "playbooks" / "p.yaml"
    book.write_text(PLAYBOOK.replace("assign:", "template: mail/hello.md, assign:"))
    before = load(folder).playbooks[0].revision
    (folder / "templates" / "mail" / "hello.md").write_text("hello", encoding="utf-8")
    after = load(folder).playbooks[0].revision
    book.write_text(PLAYBOOK.replace("assign:", "template: mail/helo.md, assign:"))
    _, findings = check(folder)

    assert before != after
    assert [str(finding) for finding in findings] == [
        (
            "playbooks/p.yaml:5:38: error[unknown-template] there is no file templates/mail/helo.md; "
            'did you mean "mail/hello.md"?'
        )
    ]


def test_a_folder_without_care_yaml(tmp_path: Path) -> None:
    """It is no project, and the error says where it looked."""
    with pytest.raises(ProjectError) as caught:
        load(tmp_path)

    assert [finding.code for finding in caught.value.findings] == ["missing-file"]
    assert str(tmp_path) in str(caught.value)


def test_a_wrong_shared_file_stops_the_project(folder: Path) -> None:
    """Shared files fail closed: everything wrong, in one exception."""
    (folder / "shared.yaml").write_text(SHARED.replace("60 days", "60 dyas"), encoding="utf-8")
    (folder / "house.yaml").write_text("caps: []\n", encoding="utf-8")
    with pytest.raises(ProjectError) as caught:
        load(folder)

    assert {finding.span.file for finding in caught.value.findings} == {
        "shared.yaml",
        "house.yaml",
    }


def test_odd_things_in_the_folder(folder: Path) -> None:
    """Folders, hidden files and other endings among the playbooks are no playbooks."""
    (folder / "playbooks" / "old").mkdir()
    (folder / "playbooks" / "old" / "x.yaml").write_text("?", encoding="utf-8")
    (folder / "playbooks" / ".p.yaml").write_text("?", encoding="utf-8")
    (folder / "playbooks" / "notes.md").write_text("?", encoding="utf-8")
    (folder / "playbooks" / "late.yml").write_text(PLAYBOOK, encoding="utf-8")
    _, findings = check(folder)

    assert [str(finding) for finding in findings] == [
        (
            "playbooks/late.yml:1:1: warning[file-name] this file is not read; "
            "name it playbooks/late.yaml"
        )
    ]


def test_a_file_that_cannot_be_read(folder: Path) -> None:
    """A shared file that is there and can't be read stops the project."""
    (folder / "house.yaml").mkdir()
    project, findings = check(folder)

    assert project is None
    assert [str(finding) for finding in findings] == [
        "house.yaml:1:1: error[unreadable-file] the file can't be read: Is a directory"
    ]


def test_a_file_that_is_not_text(folder: Path) -> None:
    """Bytes of another kind are one clear line, and the other playbooks stay."""
    (folder / "playbooks" / "q.yaml").write_bytes(bytes(range(256)))
    project, findings = check(folder)

    assert project is not None
    assert project.broken == ("playbooks/q.yaml",)
    assert {finding.span.file for finding in findings} == {"playbooks/q.yaml"}
