"""Mutants: mistakes that a person might make, each where it is said to be."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.testing.mutants import Litter, mutants_of
from engine.testing.slips import due_slips, longer, phrase_slips
from rules.phrases import read_duration
from rules.units import Duration, Unit
from rules.variants import Variants, playbook_of

GOLDEN = Path(__file__).parents[1] / "golden"
LANGUAGE = GOLDEN / "language"
FAREWELL = """\
playbook: farewell
owner: us
trigger: manual
steps: [{step: bye, do: call, due: now, assign: support}]
"""
FILES = {
    path.relative_to(LANGUAGE).as_posix(): path.read_bytes() for path in LANGUAGE.rglob("*.yaml")
} | {"playbooks/farewell.yaml": FAREWELL.encode()}


@lru_cache(maxsize=1)
def variants() -> Variants:
    return Variants(FILES)


@lru_cache(maxsize=64)
def litter(playbook: str, *, most: int | None = None, shared: bool = False) -> Litter:
    return mutants_of(variants(), playbook, most=most, shared=shared)


BOOKS = [book.name for book in variants().project.playbooks]


def test_the_mutants_of_a_playbook(update_golden: bool) -> None:
    """Every mistake that is tried in churn_rescue, in words, with the test that would notice."""
    found = litter("churn_rescue")
    lines = [f"{each.place} {each.kind}: {each.words}\n    {each.hint}\n" for each in found.mutants]
    shown = "".join(lines) + f"{found.stillborn} stillborn, {found.equal} equal\n"
    golden = GOLDEN / "mutants" / "churn_rescue.txt"
    if update_golden:
        golden.write_text(shown, encoding="utf-8")

    assert golden.read_text(encoding="utf-8") == shown


@pytest.mark.parametrize("name", BOOKS)
def test_every_mutant_means_something_else(name: str) -> None:
    """Each mutant's playbook is another one in the loaded model, and no two are the same."""
    found = litter(name).mutants
    revisions = {playbook_of(each.project, name).revision for each in found}
    own = playbook_of(variants().project, name).revision

    assert len(revisions - {own}) == len(found) > 3


@pytest.mark.parametrize("name", BOOKS)
def test_every_mutant_is_at_the_line_that_it_names(name: str) -> None:
    """The first line that differs is the one that the mutant names."""
    book = playbook_of(variants().project, name)
    before = book.source.splitlines()
    for mutant in litter(name).mutants:
        after = mutant.source.splitlines()
        pairs = zip(before, [*after, *[""] * len(before)], strict=False)
        first = next(n for n, (old, new) in enumerate(pairs, start=1) if old != new)

        assert (mutant.file, mutant.line) == (book.file, first), mutant.words


def test_a_few_mutants_are_of_many_kinds() -> None:
    """A small number is spread over kinds of mistakes: each once before one comes twice."""
    few = litter("churn_rescue", most=10).mutants

    assert len({mutant.kind for mutant in few}) == len(few) == 10


def test_more_mutants_take_in_the_fewer() -> None:
    """Who asks for more gets the same ones and others; the same are the same every time."""
    few, more = litter("churn_rescue", most=15), litter("churn_rescue", most=30)
    again = mutants_of(variants(), "churn_rescue", most=30)

    assert {each.id for each in few.mutants} < {each.id for each in more.mutants}
    assert [each.id for each in more.mutants] == [each.id for each in again.mutants]
    assert few.untried > more.untried


def test_what_check_finds_is_counted_apart() -> None:
    """A mistake that `care check` finds is no mutant: no test has to notice it."""
    files = {
        **FILES,
        "playbooks/new.yaml": b"playbook: new\nowner: us\ntrigger: {first: payment}\n"
        b"steps:\n  - {step: a, do: call, due: now, assign: support, outcomes: [x, y]}\n"
        b"  - {step: b, do: call, due: now, assign: support, recheck: {a.outcome: x}}\n",
    }

    found = mutants_of(Variants(files), "new", most=None)

    assert found.stillborn == 2  # no steps left; b before a, whose outcome it asks for
    assert "the steps a and b changed places" not in [each.words for each in found.mutants]


def test_a_step_goes_with_those_that_need_it() -> None:
    """A step is dropped with the steps that ask for what came of it; ``from:`` it is dropped."""
    words = [each.words for each in litter("churn_rescue").mutants]
    (found,) = [each for each in litter("churn_rescue").mutants if "step visit_call" in each.words]

    assert "the step visit_call was dropped, with by_reason, which needs it" in words
    assert "by_reason" not in found.source


def test_what_can_begin_once_is_not_asked_to_begin_again() -> None:
    """Begun by `first`, a playbook has one journey a customer: `again` and `overlap` say nothing."""
    words = [each.words for each in litter("new_activation").mutants]

    assert [each for each in words if each.startswith(("again", "overlap"))] == []


def test_shared_definitions_only_on_request() -> None:
    """Mistakes in shared.yaml are tried when asked for: those that the playbook reaches."""
    both, own = litter("renewal", most=20, shared=True), litter("renewal", most=20)

    assert {each.file for each in both.mutants} == {"playbooks/5-renewal.yaml", "shared.yaml"}
    assert {each.file for each in own.mutants} == {"playbooks/5-renewal.yaml"}


def test_an_unknown_playbook() -> None:
    """There are no mutants of a playbook that the project does not have."""
    with pytest.raises(KeyError):
        mutants_of(variants(), "nobody")


@pytest.mark.parametrize(
    ("written", "others"),
    [
        ("down at least 30%", ["up at least 30%", "down at least 33%", "down at least 27%"]),
        ("above 0", ["at most 0", "at least 0", "above 1"]),
        ("within last 30 days", ["at least 30 days ago", "within last 60 days"]),
        ("between 3 and 6 months ago", ["between 3 and 12 months ago"]),
        ("not at least 50万", ["not below 50万", "not above 50万", "not at least 550000"]),
        ("yes", ["no"]),
        ("unknown", ["known"]),
        ("甲公司", []),
        ("2026-03-01", []),
    ],
)
def test_slips_of_tests(written: str, others: list[str]) -> None:
    """What a person might write instead of a test, the most telling mistake first."""
    found = [other for _, other in phrase_slips(written)]

    assert found[: len(others)] == others
    assert bool(found) == bool(others)


@pytest.mark.parametrize(
    ("written", "others"),
    [
        ("now", ["after 1 day"]),
        ("same day", ["within 2 days"]),
        ("within 1 working day", ["within 2 working days", "after 1 working day"]),
        ("between 5 and 7 days", ["between 5 and 14 days", "between 6 and 7 days"]),
        ("after 3 hours", ["after 6 hours", "within 3 hours"]),
    ],
)
def test_slips_of_due(written: str, others: list[str]) -> None:
    """What a person might write instead of a ``due``."""
    assert list(due_slips(written)) == others


@given(st.builds(Duration, st.integers(1, 100), st.sampled_from(Unit)), st.sampled_from(Unit))
def test_longer_is_always_a_duration_and_longer(duration: Duration, unit: Unit) -> None:
    """Of any duration the slip is a duration twice as long, in whatever words it stands."""
    doubled = Duration(duration.amount * 2, duration.unit)

    assert [read_duration(other) for other in longer(str(duration))] == [doubled]
    assert list(longer(f"after {duration}")) == [f"after {doubled}"]
    assert list(longer(f"{unit}ly")) == []
