"""Writing files with the program's help: ``care fmt`` and ``care schema``."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.factories import REPOSITORY, Shop
from tests.zygote import Zygote

UGLY = """\
steps:
- {step: ring,   do: call, due: within 1 day, assign: owner} # first
trigger: {event: complaint}
"""
FINE = """\
playbook: p
trigger: {event: complaint}
steps:
  - {step: ring, do: call, due: within 1 day, assign: owner}  # first
"""


@pytest.fixture
def made(tmp_path: Path, zygote: Zygote) -> Shop:
    """A shop with one playbook that nobody laid out."""
    shop = Shop(tmp_path, through=zygote, p="trigger: {event: complaint}\nsteps: []\n")
    shop.write("playbooks/p.yaml", f"playbook: p\n{UGLY}")
    shop.write("tests/p.test.yaml", "tests:\n - {test:   a}\n")
    shop.care("fmt", str(tmp_path / "care.yaml"), str(tmp_path / "shared.yaml"))
    return shop


def test_a_project_is_laid_out(made: Shop, tmp_path: Path) -> None:
    """All files of a project get their layout, modes stay, and a second time finds nothing to do."""
    path = tmp_path / "playbooks" / "p.yaml"
    path.chmod(0o640)

    before = made.care("fmt", "--check")
    assert before.code == 3
    assert "playbooks/p.yaml: would change\n" in before.out
    assert "tests/p.test.yaml: would change\n" in before.out
    assert path.read_text(encoding="utf-8").startswith("playbook: p\nsteps:\n- ")
    first = made.care("fmt")
    again = made.care("fmt", "--check")

    assert first.code == 0
    assert "playbooks/p.yaml: laid out anew\n" in first.out
    assert path.read_text(encoding="utf-8") == FINE
    assert path.stat().st_mode & 0o777 == 0o640
    assert again.code == 0
    assert "0 of " in again.out
    assert [each.name for each in path.parent.iterdir()] == ["p.yaml"]


def test_the_difference_is_shown(made: Shop, tmp_path: Path) -> None:
    """--diff shows lines that would go and come, and writes nothing."""
    said = made.care("fmt", "--diff", str(tmp_path / "playbooks" / "p.yaml"))

    assert said.code == 0
    assert "-- {step: ring,   do: call, due: within 1 day, assign: owner} # first\n" in said.out
    assert "+  - {step: ring, do: call, due: within 1 day, assign: owner}  # first\n" in said.out
    assert "- {step: ring,  " in (tmp_path / "playbooks" / "p.yaml").read_text(encoding="utf-8")


def test_a_broken_file_is_left_and_told(made: Shop, tmp_path: Path) -> None:
    """A file with an error is left byte for byte with the error told; the others are laid out."""
    broken = tmp_path / "playbooks" / "q.yaml"
    broken.write_bytes(b"playbook: q\r\n  steps:\n- x\n")

    said = made.care("fmt", "--format", "json")

    states = {each["file"]: each["state"] for each in said.json}
    assert said.code == 1
    assert (states["playbooks/q.yaml"], states["playbooks/p.yaml"]) == ("left", "changed")
    told = next(each for each in said.json if each["file"] == "playbooks/q.yaml")
    assert told["findings"][0].startswith("playbooks/q.yaml:2:")
    assert broken.read_bytes() == b"playbook: q\r\n  steps:\n- x\n"


def test_a_link_stays_a_link(made: Shop, tmp_path: Path) -> None:
    """A file that is a link is laid out where it stands; the link stays."""
    real = tmp_path / "elsewhere.yaml"
    real.write_text(f"playbook: p\n{UGLY}", encoding="utf-8")
    link = tmp_path / "playbooks" / "p.yaml"
    link.unlink()
    link.symlink_to(real)

    assert made.care("fmt", str(link.parent)).code == 0

    assert link.is_symlink()
    assert real.read_text(encoding="utf-8") == FINE


def test_through_a_pipe() -> None:
    """ "-" reads a text and writes it laid out, whatever project is around."""
    ended = subprocess.run(
        [sys.executable, str(REPOSITORY / "cli.py"), "fmt", "-"],
        input=f"playbook: p\n{UGLY}".encode(), capture_output=True, check=True,
    )  # fmt: skip

    assert ended.stdout.decode() == FINE


def test_places_are_explained(made: Shop) -> None:
    """A place of a file is explained in words and as JSON; a wrong one is a mistake of usage."""
    words = made.care("schema", "playbook", "trigger.missing")
    dotted = made.care("schema", "trigger.missing")
    parts = made.care("schema", "trigger", "missing", "--format", "json").json
    whole = made.care("schema", "playbook", "--format", "json").json
    wrong = made.care("schema", "step", "waite")

    assert "example: missing: first_reply" in words.out
    assert dotted.out == words.out
    assert parts["path"] == "trigger.missing"
    assert whole == json.loads((REPOSITORY / "schemas" / "playbook.schema.json").read_text("utf-8"))
    assert (wrong.code, wrong.err) == (2, 'care: no key "waite" in playbook steps; did you mean "wait"?\n')  # fmt: skip
    assert "playbooks/*.yaml" in made.care("schema").out


def test_editors_are_set_up(made: Shop, tmp_path: Path) -> None:
    """--write puts the schemas into the project and keeps what else an editor's settings say."""
    settings = tmp_path / ".vscode" / "settings.json"
    made.write(
        ".vscode/settings.json", '{"editor.tabSize": 2, "yaml.schemas": {"./x.json": "x/*"}}'
    )

    first = made.care("schema", "--write")
    kept = json.loads(settings.read_text(encoding="utf-8"))
    again = made.care("schema", "--write")

    assert (first.code, again.code) == (0, 0)
    assert kept["editor.tabSize"] == 2
    assert kept["yaml.schemas"]["./x.json"] == "x/*"
    assert kept["yaml.schemas"]["./.schemas/playbook.schema.json"] == "playbooks/*.yaml"
    assert (tmp_path / ".schemas" / "test.schema.json").is_file()
    assert ".vscode/settings.json" in first.out
    assert ".vscode/settings.json" not in again.out


def test_settings_that_care_cannot_read_are_left(made: Shop, tmp_path: Path) -> None:
    """Settings with comments are left as they are, and what to put there is told."""
    text = '{\n  // ours\n  "a": 1,\n}\n'
    made.write(".vscode/settings.json", text)

    said = made.care("schema", "--write")

    assert said.code == 1
    assert '"./.schemas/care.schema.json": "care.yaml"' in said.err
    assert (tmp_path / ".vscode" / "settings.json").read_text(encoding="utf-8") == text


def test_a_handbook_is_written(made: Shop, tmp_path: Path) -> None:
    """`care docs` prints Markdown or writes a page of HTML, of all playbooks or those named."""
    page = tmp_path / "handbook.html"

    words = made.care("docs", "p")
    wrote = made.care("docs", "--out", str(page))
    english = made.care("docs", "--language", "en", "--format", "html")
    wrong = made.care("docs", "pp")

    assert words.out.startswith("# 测试的客户关怀手册\n")
    assert "```mermaid\nflowchart TD\n" in words.out
    assert wrote.out == f"{page}: 1 playbook\n"
    assert page.read_text(encoding="utf-8").count("<svg ") == 1
    assert "<h1>Playbooks of 测试</h1>" in english.out
    assert (wrong.code, wrong.err) == (2, 'care: no playbook "pp"; did you mean "p"?\n')


def test_what_is_left_out_is_named(made: Shop) -> None:
    """A playbook with an error is not in the handbook, and the handbook says so."""
    made.write("playbooks/q.yaml", "playbook: q\ntrigger: {event: orde}\nsteps: []\n")

    said = made.care("docs")

    assert said.code == 0
    assert "> 未列入：playbooks/q.yaml 有错误" in said.out
