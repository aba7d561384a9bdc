"""What the solver calls impossible never happens."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings

from rules.conditions import Compare, InSegment, Not, OneOf, Subject, SubjectKind
from rules.doubts_solver import Goal, Solver, TooHardError, Want
from tests.strategies import AllRanks, World, worlds

MANY = settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def refuted(solver: Solver, goals: list[Goal], at: int) -> bool:
    try:
        return next(solver.boxes(goals, at=at), None) is None
    except TooHardError:
        return False


@given(worlds(rows=60, definitions=8))
@MANY
def test_what_is_called_impossible_never_happens(world: World) -> None:
    """No customer of any log is in a segment, outside of it, or in a class, that the solver refutes."""
    solver = Solver(vocabulary=world.vocabulary, catalogue=world.catalogue)
    histories = world.log.histories(world.at, world.seq)
    ranks = AllRanks(world.vocabulary, world.catalogue, histories, world.at)
    wrong = []
    for name, segment in world.catalogue.segments.items():
        met = {person.verdict(segment.condition) for person in ranks.people.values()}
        for want in Want:
            goal = (segment.condition, want)
            if met & want.value and refuted(solver, [goal], world.at):
                wrong.append((name, want))
            if met & want.value and refuted(solver, [goal, (Not(Not(segment.condition)), want)], world.at):  # fmt: skip
                wrong.append((name, want))
    for name, found in world.catalogue.classes.items():
        subject = Subject(SubjectKind.CLASS, name)
        for word in {person.class_value(name) for person in ranks.people.values()}:
            if word is None:
                condition = Compare(
                    subject=subject, test=OneOf(tuple(v.value for v in found.values))
                )
                if refuted(solver, [(condition, Want.NOT_HOLDS)], world.at):
                    wrong.append((name, Want.NOT_HOLDS))
            elif refuted(solver, [(InSegment(names=(f"{name}.{word}",)), Want.HOLDS)], world.at):
                wrong.append((name, Want.HOLDS))

    assert wrong == []
