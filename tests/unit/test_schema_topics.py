"""What ``care schema`` knows of a place: its keys, words, examples, and the near word for a wrong one."""

from __future__ import annotations

import pytest

from engine.console_schema import render_topic
from rules.errors import UsageError
from rules.nodes import Node
from rules.schema import SCHEMAS, validate
from rules.schema_findings import plain
from rules.schema_playbook import STEP_KINDS, TRIGGER_KINDS
from rules.schema_topics import FILES, PARTS, Topic, as_yaml, look_up
from rules.source import read_yaml


def node_of(text: str) -> Node:
    node, findings = read_yaml(text.encode(), "f.yaml")
    assert findings == ()
    assert node is not None
    return node


def every(topic: Topic, depth: int) -> list[Topic]:
    """Return a place and those below it."""
    below = [look_up(topic.kind, ".".join([*topic.path, key.name])) for key in topic.keys]
    deeper = [each for one in below if depth for each in every(one, depth - 1)]
    return [topic, *deeper]


def test_every_kind_of_file_is_known() -> None:
    """Each kind of file that has a schema can be asked about."""
    assert set(FILES) == set(SCHEMAS)


@pytest.mark.parametrize("kind", [*FILES, *PARTS])
def test_every_place_says_what_it_is(kind: str) -> None:
    """Every key down to four levels has a sentence and says what it takes."""
    places = every(look_up(kind), 2)

    assert len(places) > 1
    assert [each.name for each in places if not each.says or not each.takes] == []


@pytest.mark.parametrize("kind", FILES)
def test_examples_are_written_as_yaml(kind: str) -> None:
    """Every example that is shown reads as what the schema has, through the strict loader."""
    for topic in every(look_up(kind), 2):
        for example in topic.examples:
            read = plain(node_of(f"a: {as_yaml(example)}\n"))
            assert read == {"a": {True: "yes", False: "no"}.get(example, example) if isinstance(example, bool) else example}, topic.name  # fmt: skip


def test_kinds_of_a_step() -> None:
    """A step lists what it may do, each with the keys that go with it."""
    topic = look_up("step")

    heads = [key.name for key in topic.keys if key.kinds == (key.name,)]
    assert sorted(heads) == sorted(STEP_KINDS)
    assert [key.name for key in topic.keys if key.needed] == ["step"]
    beside = {key.name for key in look_up("step", "wait").beside}
    assert beside == set(STEP_KINDS["wait"]) - {"wait"}


def test_a_place_in_words() -> None:
    """A key is shown with what it takes, what goes beside it, and an example to copy."""
    assert render_topic(look_up("playbook", "trigger.leaves")) == (
        "playbook trigger.leaves: Is no longer a member of it.\n"
        "  takes: a name\n"
        "  example: leaves: at_risk\n"
        "\n"
        "beside it:\n"
        "  holds_for  How long it must have held already."
    )
    assert render_topic(look_up("playbook", "existing")) == (
        "playbook existing: Those already inside when the playbook goes live.\n"
        "  takes: one of the words below\n"
        "    skip: they do not enter\n"
        "    enrol: they enter\n"
        "  when it is missing: skip\n"
        "  example: existing: skip"
    )


@pytest.mark.parametrize(
    ("kind", "path", "told"),
    [
        ("playbok", "", 'no kind "playbok"; did you mean "playbook"?'),
        ("playbook", "triger", 'no key "triger" in playbook; did you mean "trigger"?'),
        ("step", "wait.upto", 'no key "upto" in playbook steps.wait; did you mean "up_to"?'),
        ("playbook", "title.x", 'no key "x" in playbook title; nothing stands below it'),
    ],
)
def test_wrong_words(kind: str, path: str, told: str) -> None:
    """A kind or key that there is not is answered with the nearest one."""
    with pytest.raises(UsageError) as error:
        look_up(kind, path)

    assert str(error.value) == told


def test_defaults_hold() -> None:
    """What a key says holds where it is missing may be written there."""
    given = [each for kind in FILES for each in every(look_up(kind), 3) if each.default is not None]
    assert {each.path[-1] for each in given} >= {"status", "existing", "timezone", "on_unknown"}

    wrong = []
    for topic in given:
        text = f"{topic.path[0]}: {as_yaml(topic.default)}\n"
        if len(topic.path) == 1 and [f for f in validate(node_of(text), topic.kind) if f.code != "missing-key"]:  # fmt: skip
            wrong.append(topic.name)

    assert wrong == []


def test_triggers_are_all_there() -> None:
    """Each kind of trigger stands among the keys of a trigger, once."""
    names = [key.name for key in look_up("trigger").keys]

    assert set(TRIGGER_KINDS) <= set(names)
    assert len(names) == len(set(names))
