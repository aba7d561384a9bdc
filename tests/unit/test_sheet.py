"""Edits of YAML texts: what they take out is gone, and all else is as it was."""

from __future__ import annotations

from typing import Any

import yaml
from hypothesis import given
from hypothesis import strategies as st

from engine.testing.sheet import Edit, Sheet

WORDS = st.text("abc客户 -:#,'", min_size=1, max_size=6)
NODES = st.recursive(
    WORDS,
    lambda inner: (
        st.lists(inner, min_size=1, max_size=4)
        | st.dictionaries(st.text("abc客", min_size=1, max_size=3), inner, min_size=1, max_size=4)
    ),
    max_leaves=8,
)


def written(data: object, *, flow: bool | None) -> str:
    return yaml.safe_dump(data, allow_unicode=True, default_flow_style=flow, sort_keys=False)


def read(sheet: Sheet, *edits: Edit | None) -> Any:
    return yaml.safe_load(sheet.edited([edit for edit in edits if edit]))


@given(
    data=st.lists(NODES, min_size=2, max_size=5),
    flow=st.sampled_from([True, False, None]),
    chosen=st.data(),
)
def test_items_that_are_taken_out_are_gone_and_the_others_stay(
    data: list[Any], flow: bool | None, chosen: st.DataObject
) -> None:
    """Whatever stands in a list, taking out some of its items leaves the others as they are."""
    gone = chosen.draw(st.sets(st.integers(0, len(data) - 1), min_size=1))
    sheet = Sheet(written(data, flow=flow))
    assert sheet.root is not None

    found = read(sheet, *sheet.without_items(sheet.root, sorted(gone)))

    assert found == [item for n, item in enumerate(data) if n not in gone]


@given(
    data=st.dictionaries(st.text("abc客", min_size=1, max_size=3), NODES, min_size=2, max_size=5),
    flow=st.sampled_from([True, False, None]),
    inside=st.booleans(),
    chosen=st.data(),
)
def test_a_key_that_is_taken_out_is_gone_and_the_others_stay(
    data: dict[str, Any], flow: bool | None, inside: bool, chosen: st.DataObject
) -> None:
    """Whatever stands behind keys, also in an item of a list, taking one out leaves the others."""
    gone = chosen.draw(st.sampled_from(sorted(data)))
    sheet = Sheet(written([data, "last"] if inside else data, flow=flow))
    assert sheet.root is not None
    mapping = sheet.root.value[0] if inside else sheet.root

    found = read(sheet, *sheet.without_pair(mapping, gone))

    left = {key: value for key, value in data.items() if key != gone}
    assert found == ([left, "last"] if inside else left)


@given(
    data=st.lists(NODES, min_size=2, max_size=5),
    flow=st.sampled_from([True, False, None]),
    chosen=st.data(),
)
def test_items_change_places(data: list[Any], flow: bool | None, chosen: st.DataObject) -> None:
    """Two neighbours change places, whatever they are; nothing else moves."""
    index = chosen.draw(st.integers(0, len(data) - 2))
    sheet = Sheet(written(data, flow=flow))
    assert sheet.root is not None

    found = read(sheet, sheet.swapped(sheet.root, index))

    data[index : index + 2] = [data[index + 1], data[index]]
    assert found == data


def test_comments_around_what_is_taken_out_stay() -> None:
    """Only the lines of the item go, with what is said behind it."""
    sheet = Sheet("# 上\n- a  # 甲\n# 中\n- b  # 乙\n# 下")
    assert sheet.root is not None
    (edit,) = sheet.without_items(sheet.root, [0])
    assert edit is not None

    assert sheet.edited([edit]) == "# 上\n# 中\n- b  # 乙\n# 下\n"


def test_the_only_key_stays() -> None:
    """A mapping of one key can't lose it."""
    sheet = Sheet("{a: 1}")
    assert sheet.root is not None

    assert sheet.without_pair(sheet.root, "a") == [None]
