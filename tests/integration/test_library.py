"""The shipped library: projects made from it, single playbooks added, and the handbook's rows."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from engine.calendar_check import calendar_findings
from engine.library import KINDS, REMEMBERED, State, add, book, books, init_library, snippets
from engine.library_needs import SECTIONS, entries, missing
from engine.scaffold import init
from rules.errors import InputError, UsageError
from rules.playbook import Do, Project, walk
from rules.project import check, check_files

SHELF = Path(__file__).resolve().parents[2] / "playbooks" / "library"
HANDBOOK = Path(__file__).resolve().parents[1] / "handbook.yaml"
NAMES = [each.name for each in books()]


def tree(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, by its relative path."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def project_in(folder: Path) -> Project:
    """The project of a folder that has no error."""
    project, _ = check(folder)
    assert project is not None
    return project


@pytest.fixture(scope="module")
def saas(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project of the whole library, not to be written into."""
    folder = tmp_path_factory.mktemp("saas")
    init_library(folder, "saas")
    return folder


@pytest.mark.parametrize("kind", KINDS)
def test_a_project_of_each_kind_passes_check(kind: str, tmp_path: Path) -> None:
    """Whichever vocabulary: no error, no warning, and every playbook of the library is sound."""
    written = init_library(tmp_path, kind)

    project, findings = check(tmp_path)

    assert [str(each) for each in findings] == []
    assert project is not None
    assert sorted(each.name for each in project.playbooks) == sorted(NAMES)
    assert sorted(tree(tmp_path)) == sorted(
        path.relative_to(tmp_path).as_posix() for path in written
    )
    # 2026-06-01: the make-up days of 2026 are known, those of 2027 not yet needed
    assert list(calendar_findings(project.vocabulary, 1_780_243_200_000_000)) == []


def test_the_kinds_differ_in_words_only() -> None:
    """All three vocabularies declare the same names, so every playbook works with each of them."""
    declared = {
        kind: set(entries((SHELF / kind / "care.yaml").read_text("utf-8"))) for kind in KINDS
    }

    assert declared["saas"] == declared["retail"] == declared["services"]
    assert len({(SHELF / kind / "care.yaml").read_bytes() for kind in KINDS}) == len(KINDS)


def test_an_unknown_kind_is_answered_with_the_nearest(tmp_path: Path) -> None:
    """A mistyped kind gets a did-you-mean, and no folder is made."""
    with pytest.raises(UsageError, match='no library "retial"; did you mean "retail"'):
        init_library(tmp_path / "new", "retial")

    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("name", NAMES)
def test_a_playbook_needs_exactly_what_is_listed(name: str, saas: Path) -> None:
    """With only the words that are listed a playbook is sound; without one section of it, it is not."""
    one = book(name)
    whole = tree(saas)
    wanted = dict(one.needs.lines())

    files = {file: whole[file] for file in one.files if not file.startswith("tests/")}
    files |= {book(other).file: whole[book(other).file] for other in wanted.get("playbooks", ())}
    for other in wanted.get("playbooks", ()):
        files |= {file: whole[file] for file in book(other).files if file.startswith("templates/")}
        wanted = {
            section: tuple(
                {*wanted.get(section, ()), *dict(book(other).needs.lines()).get(section, ())}
            )
            for section in SECTIONS
        }
    files |= _reduced(wanted, whole)
    _, findings = check_files(files)

    allowed = {"unused-template", "matches-unknown"}
    assert [str(each) for each in findings if each.code not in allowed] == []
    sections = sorted(set(dict(one.needs.lines())) - {"playbooks"})
    section = sections[NAMES.index(name) % len(sections)]  # another one with each playbook
    less = {key: names for key, names in wanted.items() if key != section}
    _, findings = check_files({**files, **_reduced(less, whole)})
    assert [each for each in findings if each.level == "error"], section


def _reduced(wanted: dict[str, tuple[str, ...]], whole: dict[str, bytes]) -> dict[str, bytes]:
    """care.yaml, shared.yaml and house.yaml with these names only; of events, these fields only."""
    texts: dict[str, list[str]] = {
        "care.yaml": ["care: 1", "business: 甲", "timezone: Asia/Shanghai", "calendar: CN"]
    }
    texts["shared.yaml"] = []
    for section, file in SECTIONS.items():
        names = sorted(wanted.get(section, ()))
        if not names or section == "playbooks":
            continue
        known = entries(whole[file].decode())
        texts[file].append(f"{section}:")
        for name in names:
            if "." not in name or section != "events":
                line = known[f"{section}/{name}"]
                texts[file].append(_with_fields(line, name, names) if section == "events" else line)
    care = [*texts["care.yaml"], *([] if wanted.get("channels") else ["channels:"]), ""]
    at = care.index("channels:") + 1
    care.insert(at, "  routed: {kind: task}")
    return {
        "care.yaml": "\n".join(care).encode(),
        "shared.yaml": "\n".join([*texts["shared.yaml"], ""]).encode(),
        "house.yaml": b"routing: [{use: routed}]\n",
    }


def _with_fields(line: str, event: str, names: list[str]) -> str:
    fields = [
        f"{field}: {found[1]}"
        for field in (name.partition(".")[2] for name in names if name.startswith(f"{event}."))
        if (found := re.search(rf"\b{field}: *(\[[^]]*\]|\w+)", line))
    ]
    return (
        f"  {event}: {{title: x, fields: {{{', '.join(fields)}}}}}"
        if fields
        else f"  {event}: {{title: x}}"
    )


def test_everything_is_there_in_a_library_project(saas: Path) -> None:
    """In a project made from the library no playbook lacks anything."""
    project = project_in(saas)

    assert {each.name: missing(each.needs, project).count for each in books()} == dict.fromkeys(
        NAMES, 0
    )


def test_every_task_and_message_of_the_library_has_a_title(saas: Path) -> None:
    """Task lists and reports show what is to be done in Chinese, not the name of a step."""
    untitled = [
        f"{playbook.name}.{step.name}"
        for playbook in project_in(saas).playbooks
        for step in walk(playbook.steps)
        if isinstance(step, Do) and not step.title
    ]

    assert untitled == []


def test_add_copies_and_says_what_is_missing(tmp_path: Path) -> None:
    """A playbook arrives with its texts and tests; with the lines that add prints, check is content."""
    init(tmp_path)
    before = tree(tmp_path)

    done = add(tmp_path, "complaint-loop", project_in(tmp_path))

    added = set(tree(tmp_path)) - set(before)
    assert added == {*done.book.files, REMEMBERED}
    assert all(tree(tmp_path)[name] == data for name, data in before.items())
    assert done.lacking is not None
    assert dict(done.lacking.lines()) == {
        "events": (
            "complaint_opened.complex", "complaint_opened.severity", "first_reply",
            "first_reply.case_id", "solution_given", "solution_given.case_id",
        ),
        "roles": ("director",),
    }  # fmt: skip
    care = (tmp_path / "care.yaml").read_text("utf-8")
    for _, section, lines in snippets(done.lacking):
        care = care.replace(f"\n{section}:\n", f"\n{section}:\n{lines}\n")
    care = care.replace(
        "complaint_opened: {title: 投诉, fields: {case_id: text}}",
        "complaint_opened: {title: 投诉, fields: {case_id: text, complex: yes_no, severity: [low, high]}}",
    )
    (tmp_path / "care.yaml").write_text(care, "utf-8")
    _, findings = check(tmp_path)
    assert [str(each) for each in findings] == []


def test_a_copy_is_told_from_an_edit(tmp_path: Path) -> None:
    """An untouched older copy is updated on request, after its difference; an edited one never is."""
    init_library(tmp_path, "saas")
    project = project_in(tmp_path)
    remembered = (tmp_path / REMEMBERED).read_text()
    text, letter = (
        tmp_path / "playbooks/birthday.yaml",
        tmp_path / "templates/greetings/birthday.md",
    )
    newest = text.read_bytes()
    older = newest.replace(b"before: 5 days", b"before: 6 days")
    text.write_bytes(older)
    _remember(tmp_path, "playbooks/birthday.yaml", older)
    letter.write_text("mine", "utf-8")

    shown = add(tmp_path, "birthday", project)
    states = {each.file: each.state for each in shown.changes}

    assert text.read_bytes() == older
    assert states["playbooks/birthday.yaml"] is State.NEWER
    assert states["templates/greetings/birthday.md"] is State.EDITED
    assert states["templates/greeting.md"] is State.SAME
    assert shown.open
    (difference,) = [each.difference for each in shown.changes if each.state is State.NEWER]
    assert "-trigger: {date: birthday, yearly: yes, before: 6 days, at: 09:00}" in difference
    assert "+trigger: {date: birthday, yearly: yes, before: 5 days, at: 09:00}" in difference

    add(tmp_path, "birthday", project, update=True)

    assert text.read_bytes() == newest
    assert letter.read_text("utf-8") == "mine"
    assert (tmp_path / REMEMBERED).read_text() == remembered
    assert add(tmp_path, "anniversary", project).open is False


def _remember(root: Path, file: str, data: bytes) -> None:
    import hashlib

    path = root / REMEMBERED
    lines = [line for line in path.read_text().splitlines() if not line.endswith(f"  {file}")]
    path.write_text("\n".join([*lines, f"{hashlib.sha256(data).hexdigest()}  {file}", ""]))


def test_a_file_of_ones_own_is_never_taken_for_a_copy(tmp_path: Path) -> None:
    """A file that care never wrote stays, with update too, and stays the user's own."""
    init(tmp_path)
    own = (tmp_path / "playbooks/after-complaint.yaml").read_bytes()

    for update in (False, True, True):
        done = add(tmp_path, "after_complaint", project_in(tmp_path), update=update)
        assert done.changes[0].state is State.OWN
        assert (tmp_path / "playbooks/after-complaint.yaml").read_bytes() == own


def test_a_name_that_is_taken_is_refused(tmp_path: Path) -> None:
    """A playbook of the same name in another file is in the way, and nothing is written."""
    init(tmp_path)
    path = tmp_path / "playbooks"
    (path / "after-complaint.yaml").rename(path / "mine.yaml")
    before = tree(tmp_path)

    with pytest.raises(InputError, match=r"playbooks/mine\.yaml has a playbook after_complaint"):
        add(tmp_path, "after_complaint", project_in(tmp_path))

    assert tree(tmp_path) == before


def test_an_unknown_playbook_is_answered_with_the_nearest(tmp_path: Path) -> None:
    """A mistyped playbook gets a did-you-mean."""
    with pytest.raises(UsageError, match='no playbook "zzz"; `care library` lists them'):
        book("zzz")
    with pytest.raises(UsageError, match='no playbook "birtday"; did you mean "birthday"'):
        book("birtday")


def test_every_playbook_says_what_it_is_for() -> None:
    """Title, owner, purpose, intent, when not to use it and the handbook's row: none is left out."""
    told = {
        each.name: all(
            (each.title, each.owner, each.purpose, each.intent, each.not_for, each.handbook)
        )
        for each in books()
    }

    assert told == dict.fromkeys(NAMES, True)


def test_every_playbook_is_tested() -> None:
    """Each playbook has a test file with at least four tests, and there is no other test file."""
    counted = {}
    for each in books():
        path = SHELF / "tests" / f"{Path(each.file).stem}.test.yaml"
        text = path.read_text("utf-8")
        assert f"\nplaybook: {each.name}\n" in f"\n{text}", path
        counted[path.name] = len(re.findall(r"^  - test:", text, re.MULTILINE))

    assert {name: count for name, count in counted.items() if count < 4} == {}
    assert sorted(counted) == sorted(path.name for path in (SHELF / "tests").iterdir())


def test_every_row_of_the_handbook_is_covered(saas: Path) -> None:
    """Each row names what covers it, each name is there, and each playbook names its rows back."""
    rows = yaml.safe_load(HANDBOOK.read_text("utf-8"))["rows"]
    project = project_in(saas)
    catalogue = project.catalogue
    classes = {f"{name}.{v.value}" for name, one in catalogue.classes.items() for v in one.values}
    known = {
        "playbooks": set(NAMES),
        "segments": {*catalogue.segments, *catalogue.classes, *classes},
        "measures": set(catalogue.measures),
        "customer": set(project.vocabulary.attributes),
        "rules": {rule.name for rule in project.house.rules},
        "routing": {route.use for route in project.house.routing},
        "reports": {"segments", "tags", "care", "plan", "review", "sla"},
    }

    unknown = {
        (row["row"], name)
        for row in rows
        for kind, names in known.items()
        for name in row.get(kind, ())
        if name not in names
    }
    uncovered = {row["row"] for row in rows if not any(row.get(kind) for kind in known)}
    told = {(row["row"], name) for row in rows for name in row.get("playbooks", ())}

    assert unknown == set()
    assert uncovered == set()
    assert told == {(row, each.name) for each in books() for row in each.handbook}
    assert [sum(row["row"].startswith(f"{part}.") for row in rows) for part in "1234"] == [
        13,
        18,
        5,
        4,
    ]


def test_the_rows_are_those_of_the_chapter_on_triggers() -> None:
    """Every scene of chapter 2 has its row, in the handbook's order."""
    rows = yaml.safe_load(HANDBOOK.read_text("utf-8"))["rows"]

    assert [row["row"] for row in rows if "scene" in row] == [f"2.{n}" for n in range(1, 19)]
