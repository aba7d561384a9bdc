"""The library's own playbook tests, played by what ``care test`` plays them with."""

from __future__ import annotations

import pytest

from engine.library import KINDS, books, init_library
from engine.testing.coverage import Part, covered
from engine.testing.play import run_test
from engine.testing.suite import Suite, load
from rules.playbook import Project
from rules.project import load as load_project

NAMES = [each.name for each in books()]
#: Played always; all of them, whole, in the long suite.
ALWAYS = (
    "new_activation",
    "complaint_loop",
    "after_complaint",
    "churn_rescue",
    "farewell",
    "renewal",
)


@pytest.fixture(scope="module", params=KINDS)
def whole(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project of each kind."""
    folder = tmp_path_factory.mktemp(request.param)
    init_library(folder, request.param)
    return load_project(folder)


@pytest.fixture(scope="module")
def saas(tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, Suite]:
    """A project of one kind, and its tests."""
    folder = tmp_path_factory.mktemp("one")
    init_library(folder, "saas")
    project = load_project(folder)
    return project, load(project)


def test_the_test_files_are_sound(saas: tuple[Project, Suite]) -> None:
    """Every test file can be read, without an error or a warning."""
    _, suite = saas

    assert [str(each) for each in suite.findings] == []
    assert suite.broken == 0


@pytest.mark.parametrize("name", ALWAYS)
def test_each_playbook_does_what_its_first_test_says(
    name: str, saas: tuple[Project, Suite]
) -> None:
    """The first test of each file, the one that tells the whole story, holds."""
    project, suite = saas
    first = next(case for case in suite.cases if case.playbook == name)

    verdict = run_test(project, first)

    assert (verdict.error, [str(each) for each in verdict.failures]) == ("", [])


@pytest.mark.long
def test_all_tests_hold_and_reach_everything(whole: Project) -> None:
    """Whichever vocabulary: no test fails, and together they reach each trigger, step and branch."""
    suite = load(whole)

    found, failing = covered(whole, suite.cases, jobs=2)

    shares = found.shares(whole.playbooks, {})
    missed = [
        point.words
        for share in shares
        if share.name in NAMES
        for point in share.missed
        if point.part is not Part.CONDITION
    ]
    assert suite.broken == 0
    assert [case.name for case in failing] == []
    assert missed == []
