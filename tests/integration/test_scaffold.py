"""``care init``: what a new project holds, and what it never touches."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import duckdb
import pytest

from engine.scaffold import DEFAULT_SAMPLE, SCHEMA_FOLDER, init, samples
from engine.tidying import State, tidy
from rules.errors import InputError, UsageError
from rules.project import check

ROOT = Path(__file__).resolve().parents[2]
SHELF = ROOT / "playbooks" / "samples"
DATA = Path(os.environ.get("CARE_DATA", ROOT.parent / "shared" / "data"))
WHOLE = DATA / "online_retail.parquet"

MODELINE = re.compile(r"# yaml-language-server: \$schema=(\S+)")


def tree(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, by its relative path."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_the_default_sample_is_shipped() -> None:
    """``care init`` without a name finds its sample among those shipped."""
    assert DEFAULT_SAMPLE in samples()


@pytest.mark.parametrize("sample", samples())
def test_a_new_project_holds_the_whole_sample(sample: str, tmp_path: Path) -> None:
    """Every file of the sample arrives, the schemas beside it, and the list returned is complete."""
    target = tmp_path / "new" / "my project"

    written = init(target, sample)

    expected = set(tree(SHELF / sample))
    expected |= {f"{SCHEMA_FOLDER}/{path.name}" for path in (ROOT / "schemas").glob("*.json")}
    expected |= {".gitignore"}
    actual = tree(target)
    assert set(actual) == expected
    assert sorted(target / name for name in actual) == sorted(written)


@pytest.mark.parametrize("sample", samples())
def test_only_the_modeline_changes(sample: str, tmp_path: Path) -> None:
    """Files arrive byte for byte, but for the first line of YAML files."""
    init(tmp_path, sample)

    for name, shipped in tree(SHELF / sample).items():
        skipped = shipped.index(b"\n") if name.endswith(".yaml") else 0
        copied = (tmp_path / name).read_bytes()
        if skipped:
            copied = copied[copied.index(b"\n") :]
        assert copied == shipped[skipped:], name


@pytest.mark.parametrize("sample", samples())
def test_modelines_find_the_projects_own_schemas(sample: str, tmp_path: Path) -> None:
    """An editor finds the schema of every YAML file inside the project, without a network."""
    init(tmp_path, sample)

    for path in sorted(tmp_path.rglob("*.yaml")):
        modeline = MODELINE.fullmatch(path.read_text(encoding="utf-8").split("\n", 1)[0])
        assert modeline is not None, path
        assert (path.parent / modeline[1]).resolve().parent == (tmp_path / SCHEMA_FOLDER).resolve()
        assert (path.parent / modeline[1]).is_file(), path


@pytest.mark.parametrize("sample", samples())
def test_a_new_project_passes_check(sample: str, tmp_path: Path) -> None:
    """A fresh project has no error and no warning, and all its playbooks are sound."""
    init(tmp_path, sample)

    project, findings = check(tmp_path)

    assert [str(finding) for finding in findings] == []
    assert project is not None
    assert {book.file for book in project.playbooks} == {
        f"playbooks/{path.name}" for path in (SHELF / sample / "playbooks").glob("*.yaml")
    }


def test_personal_data_stay_out_of_git(tmp_path: Path) -> None:
    """The log and the ledger of a new project are ignored by git."""
    init(tmp_path)

    assert (tmp_path / ".gitignore").read_text() == ".care/\n"


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    """Where a file stands in the way, it is named, it stays as it was, and nothing is written."""
    (tmp_path / "playbooks").mkdir()
    (tmp_path / "care.yaml").write_text("mine")
    (tmp_path / "playbooks" / "activity-drop.yaml").write_text("mine too")
    before = tree(tmp_path)

    with pytest.raises(InputError) as raised:
        init(tmp_path)

    assert "care.yaml, playbooks/activity-drop.yaml" in str(raised.value)
    assert tree(tmp_path) == before


def test_of_many_files_in_the_way_the_first_are_named(tmp_path: Path) -> None:
    """``care init`` into a project says in a line what stands there, not in a page."""
    count = len(init(tmp_path))

    with pytest.raises(InputError, match=rf"already holds \.gitignore, .+ and {count - 6} more;"):
        init(tmp_path)


def test_a_file_where_a_folder_must_go_is_named(tmp_path: Path) -> None:
    """A file called ``playbooks`` stops init with its name, not with a traceback."""
    (tmp_path / "playbooks").write_text("a file")

    with pytest.raises(InputError, match="already holds playbooks;"):
        init(tmp_path)

    assert list(tree(tmp_path)) == ["playbooks"]


def test_a_dangling_link_is_not_written_through(tmp_path: Path) -> None:
    """A link that leads out of the folder is in the way like any file."""
    outside = tmp_path / "outside.yaml"
    target = tmp_path / "project"
    target.mkdir()
    (target / "care.yaml").symlink_to(outside)

    with pytest.raises(InputError, match=r"already holds care\.yaml;"):
        init(target)

    assert not outside.exists()


def test_other_files_do_not_matter(tmp_path: Path) -> None:
    """A folder with files of other names is fine, and they stay."""
    (tmp_path / "notes.txt").write_text("mine")

    init(tmp_path)

    assert (tmp_path / "notes.txt").read_text() == "mine"
    assert (tmp_path / "care.yaml").is_file()


def test_a_target_that_is_a_file(tmp_path: Path) -> None:
    """A file as target is refused in words."""
    target = tmp_path / "file"
    target.write_text("x")

    with pytest.raises(InputError, match="is a file; name a folder"):
        init(target)


def test_an_unknown_sample_is_answered_with_the_nearest(tmp_path: Path) -> None:
    """A mistyped sample name gets a did-you-mean, and no folder is made."""
    with pytest.raises(UsageError, match='no sample "online-retial"; did you mean "online-retail"'):
        init(tmp_path / "new", "online-retial")

    assert not (tmp_path / "new").exists()


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    """What the file system refuses is a sentence that names the file."""
    (tmp_path / "file").write_text("x")

    with pytest.raises(InputError, match=r"can't write .*gitignore: Not a directory"):
        init(tmp_path / "file" / "project")


@pytest.mark.skipif(not WHOLE.is_file(), reason=f"the whole Online Retail file is not at {WHOLE}")
def test_the_slice_is_cut_from_the_whole_file(tmp_path: Path) -> None:
    """The shipped slice holds exactly the lines that the committed script cuts, in order."""
    again = tmp_path / "slice.parquet"
    subprocess.run(
        [sys.executable, ROOT / "bench" / "cut_sample.py", WHOLE, again],
        check=True,
        capture_output=True,
    )
    shipped = SHELF / "online-retail" / "data" / "online-retail-slice.parquet"

    with duckdb.connect() as database:
        expected, actual = (
            database.execute("SELECT * FROM read_parquet(?)", [str(path)]).fetchall()
            for path in (again, shipped)
        )
    assert actual == expected


@pytest.mark.long
def test_the_wheel_carries_samples_and_schemas(tmp_path: Path) -> None:
    """A project made from the built wheel, outside the source tree, is the same as from here."""
    source = tmp_path / "source"
    left_out = ("build", "*.egg-info", "__pycache__")
    for room in ("rules", "engine", "playbooks", "schemas"):
        shutil.copytree(ROOT / room, source / room, ignore=shutil.ignore_patterns(*left_out))
    for name in ("cli.py", "pyproject.toml", "README.md", "LICENSE", "NOTICE"):
        shutil.copy(ROOT / name, source / name)
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", tmp_path, source],
        check=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    installed = tmp_path / "installed"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(installed)
    assert tree(installed / "playbooks" / "library") == tree(ROOT / "playbooks" / "library")
    assert tree(installed / "rules" / "explained") == tree(ROOT / "rules" / "explained")
    for sample in samples():
        made, expected = tmp_path / f"made-{sample}", tmp_path / f"expected-{sample}"
        program = (
            "import sys, engine.scaffold as s; from pathlib import Path; "
            "assert s.__file__.startswith(sys.argv[3]), s.__file__; "
            "s.init(Path(sys.argv[1]), sys.argv[2])"
        )
        subprocess.run(
            [sys.executable, "-c", program, made, sample, installed],
            check=True,
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(installed)},
        )

        init(expected, sample)

        assert tree(made) == tree(expected)


def test_shipped_files_are_laid_out() -> None:
    """`care fmt` has nothing to do in what is shipped."""
    shipped = ROOT / "playbooks"
    found = tidy(sorted(shipped.rglob("*.yaml")), shipped)
    assert [file.name for file in found if file.state is not State.SAME] == []
    assert len(found) > 70
