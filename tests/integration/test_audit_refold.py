"""Traces made again by the audit: never a false alarm, and no verdict that does not follow."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.audit.refold import refold, refold_segment
from tests.strategies import AllRanks, World, worlds

MANY = settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@MANY
@given(world=worlds(rows=20, definitions=4))
def test_a_trace_as_it_was_written_is_sound(world: World) -> None:
    """Whatever is asked of whomever, the trace folds to its verdict."""
    histories = world.log.histories(world.at, world.seq)
    people = AllRanks(world.vocabulary, world.catalogue, histories, world.at).people
    for person in people.values():
        for name, segment in world.catalogue.segments.items():
            trace = person.trace(segment.condition).to_json()
            assert refold(segment.condition, trace, world.catalogue) == ""
            behind = person.trace_segment(name).to_json()
            assert refold_segment(name, behind, world.catalogue) == ""


@MANY
@given(world=worlds(rows=20, definitions=4), other=st.sampled_from([True, False, None]))
def test_another_verdict_does_not_follow(world: World, other: bool | None) -> None:
    """A verdict that was changed on the evidence is told, whatever the leaves say."""
    histories = world.log.histories(world.at, world.seq)
    people = AllRanks(world.vocabulary, world.catalogue, histories, world.at).people
    for person in people.values():
        for segment in world.catalogue.segments.values():
            trace = person.trace(segment.condition).to_json()
            if trace["verdict"] is not other:
                spoilt = {**trace, "verdict": other}
                assert refold(segment.condition, spoilt, world.catalogue) != ""
