"""The library's tests watch over its playbooks: they notice what a person might do to them."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.console_strength import render_mutation
from engine.library import init_library
from engine.testing.coverage import percent_of
from engine.testing.hunt import cases_with, hunt
from engine.testing.mutants import mutants_of
from engine.testing.suite import load
from engine.testing.workers import cores
from rules.variants import variants_of

FLOOR = 80  #: per cent of all mistakes; measured 88


@pytest.mark.long
def test_the_library_notices_mistakes_in_it(tmp_path: Path) -> None:
    """Of a dozen mistakes in each playbook of the library, most make some test of it fail."""
    init_library(tmp_path, "saas")
    variants = variants_of(tmp_path)
    cases = load(variants.project).cases
    scores = [
        hunt(
            variants.project,
            mutants_of(variants, book.name, most=12),
            cases_with(cases, book.name),
            jobs=cores(),
        )
        for book in variants.project.playbooks
    ]

    tried = sum(len(score.fates) for score in scores)
    killed = sum(score.killed for score in scores)
    assert tried > 250
    assert percent_of(killed, tried) >= FLOOR, render_mutation(scores, [])
