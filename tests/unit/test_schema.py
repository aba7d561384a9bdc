"""The schemas: committed as generated, sound, complete for editors, and clear about mistakes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator

from rules.errors import Span
from rules.nodes import Mapping, Node, Scalar, Sequence
from rules.schema import SCHEMAS, render, validate, write_schemas
from rules.schema_findings import plain
from rules.source import read_yaml

ROOT = Path(__file__).parent.parent
SCHEMA_FOLDER = ROOT.parent / "schemas"
LANGUAGE = ROOT / "golden" / "language"
GOLDEN = ROOT / "golden" / "schema"
DOCUMENTS = {name.split(".")[0]: json.loads(text) for name, text in render().items()}
FILES = sorted(GOLDEN.glob("*.yaml"))


def language() -> Iterator[tuple[str, str, str]]:
    """Yield kind, name and text of every document of the language."""
    for file in sorted(LANGUAGE.rglob("*.yaml")):
        kind = file.stem if file.stem in SCHEMAS else "playbook"
        for number, text in enumerate(file.read_text(encoding="utf-8").split("\n---\n")):
            yield kind, f"{file.name}-{number}", text


TEXTS = list(language())


def node_of(text: str) -> Node:
    node, findings = read_yaml(text.encode(), "f.yaml")
    assert findings == ()
    assert node is not None
    return node


def tables(schema: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every schema of an object in a schema, with its path."""
    if isinstance(schema, dict):
        if "properties" in schema and "additionalProperties" in schema:
            yield path, schema
        for key, part in schema.items():
            if key != "examples":
                yield from tables(part, f"{path}/{key}")
    elif isinstance(schema, list):
        for index, part in enumerate(schema):
            yield from tables(part, f"{path}/{index}")


def keys(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every key that may be written, with its schema, references followed once."""
    for path, table in tables(document):
        for key, schema in table["properties"].items():
            target = document["definitions"].get(schema.get("$ref", "").rpartition("/")[2], {})
            yield f"{path}/{key}", {**target, **schema}


# ---------------------------------------------------------------- the schemas themselves


@pytest.mark.parametrize("name", sorted(render()))
def test_committed(name: str) -> None:
    """The schemas in the repository are those that the code makes."""
    assert (SCHEMA_FOLDER / name).read_text(encoding="utf-8") == render()[name]


def test_no_other_schema_is_committed() -> None:
    """No schema is left over from a kind of file that is gone."""
    assert sorted(path.name for path in SCHEMA_FOLDER.glob("*.json")) == sorted(render())


def test_write_schemas(tmp_path: Path) -> None:
    """Writing makes the folder and every file."""
    written = write_schemas(tmp_path / "new")

    assert {path.name: path.read_text(encoding="utf-8") for path in written} == render()


@pytest.mark.parametrize("kind", SCHEMAS)
def test_sound(kind: str) -> None:
    """Every schema is valid draft-07, and every reference in it leads somewhere."""
    document = DOCUMENTS[kind]
    Draft7Validator.check_schema(document)

    references = set(json.dumps(document).split('"$ref": "#/definitions/')[1:])

    assert {text.split('"', 1)[0] for text in references} == set(document["definitions"])


@pytest.mark.parametrize("kind", SCHEMAS)
def test_one_message_a_mistake(kind: str) -> None:
    """Nowhere stands anyOf, whose message is that nothing fits."""
    assert '"anyOf"' not in render()[f"{kind}.schema.json"]


@pytest.mark.parametrize("kind", SCHEMAS)
def test_hover_texts(kind: str) -> None:
    """Every key tells an editor in one sentence what it is, and shows an example or its words."""
    bare = [
        path
        for path, schema in keys(DOCUMENTS[kind])
        if not schema.get("description", "").rstrip().endswith((".", "..."))
        or not (schema.get("examples") or schema.get("oneOf") or schema.get("properties"))
    ]

    assert bare == []


@pytest.mark.parametrize("kind", SCHEMAS)
def test_words_have_meanings(kind: str) -> None:
    """Every closed word but yes and no says what it means."""
    bare = [
        choice
        for _, schema in keys(DOCUMENTS[kind])
        for choice in schema.get("oneOf", [])
        if choice["const"] not in ("yes", "no", True, False) and not choice.get("description")
    ]

    assert bare == []


@pytest.mark.parametrize("kind", SCHEMAS)
def test_examples_fit(kind: str) -> None:
    """Every example that an editor or a message shows is allowed where it stands."""
    document = DOCUMENTS[kind]
    shown = [(path, schema, each) for path, schema in keys(document) for each in schema.get("examples", [])]  # fmt: skip
    assert shown

    wrong = [
        (path, example)
        for path, schema, example in shown
        if not Draft7Validator({"definitions": document["definitions"], "allOf": [schema]}).is_valid(example)
    ]  # fmt: skip

    assert wrong == []


# ---------------------------------------------------------------- what it takes


@pytest.mark.parametrize(("kind", "name", "text"), TEXTS, ids=[name for _, name, _ in TEXTS])
def test_takes_the_whole_language(kind: str, name: str, text: str) -> None:
    """Every document of the language is sound, also what this version leaves to later ones."""
    assert validate(node_of(text), kind) == ()


def test_meaning_is_not_judged() -> None:
    """Numbers, durations and phrases that only the language reads pass."""
    text = (
        "playbook: p\npriority: 50万\ntrigger: {event: order, late: 3天}\nholdout: ５％\n"
        "only: {orders: more than 3}\nlimits: {per_run: 1_000}\n"
        "steps: [{step: 2024, do: call, due: whenever, at: 1000}]\n"
    )

    assert validate(node_of(text), "playbook") == ()


def test_plain_values() -> None:
    """Scalars are read by the core rules of YAML 1.2: yes is a text, true is none, quoted always."""
    node = node_of(
        "[yes, NO, true, FALSE, 12, -1, 1.5, 1e3, 0x1F, 1_000, '12', \"true\", ~, null, 21:30]"
    )

    assert plain(node) == [
        "yes", "NO", True, False, 12, -1, 1.5, 1000.0, "0x1F", "1_000", "12", "true", None, None, "21:30",
    ]  # fmt: skip


def test_sections_may_be_bare() -> None:
    """A section of care.yaml or shared.yaml with nothing in it yet is no mistake."""
    assert validate(node_of("care: 1\nroles:\nevents:\n  signup:\n"), "care") == ()
    assert validate(node_of("measures:\nsegments:\n"), "shared") == ()


# ---------------------------------------------------------------- what it says


def told(file: Path) -> str:
    findings = validate(node_of(file.read_text(encoding="utf-8")), file.name.split(".")[0])
    return "".join(f"{finding}  @ {finding.path or '.'}\n" for finding in findings)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_words(file: Path, update_golden: bool) -> None:
    """Each mistake in structure is told at its place and path, in the words of its golden file."""
    expected = file.with_suffix(".txt")
    if update_golden:
        expected.write_text(told(file), encoding="utf-8")

    assert expected.read_text(encoding="utf-8") == told(file)


def test_every_text_has_its_file() -> None:
    """No expected text is left over from a file that is gone."""
    assert sorted(GOLDEN.glob("*.txt")) == [file.with_suffix(".txt") for file in FILES]


def test_unknown_kind() -> None:
    """A kind of file that is none is the caller's mistake."""
    with pytest.raises(KeyError):
        validate(node_of("a: b\n"), "letter")


def paths_of(node: Node, path: str = "") -> Iterator[tuple[str, Span]]:
    yield path, node.span
    match node:
        case Mapping():
            for key, value in node:
                below = f"{path}/{key.text}".lstrip("/")
                yield below, key.span
                yield from paths_of(value, below)
        case Sequence():
            for index, item in enumerate(node.items):
                yield from paths_of(item, f"{path}/{index}".lstrip("/"))
        case Scalar():
            pass


_WORDS = st.sampled_from(
    ["x", "yes", "active", "a, b", "", "~", "12", "'q'", "within 3 days", "order", "true", "流失"]
)
_KEYS = sorted(
    {
        path.rsplit("/", 1)[-1]
        for document in DOCUMENTS.values()
        for path, _ in keys(document)
        if "/" not in path.rsplit("/", 1)[-1]
    }
)


def _written(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_written(part)}" for key, part in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_written(part) for part in value) + "]"
    return f'"{value}"' if "," in value else str(value)


_TREES = st.recursive(
    _WORDS,
    lambda below: (
        st.lists(below, max_size=3)
        | st.dictionaries(st.sampled_from([*_KEYS, "orders", "tier"]), below, max_size=4)
    ),
    max_leaves=12,
)


@given(
    st.sampled_from(sorted(SCHEMAS)), st.dictionaries(st.sampled_from(_KEYS), _TREES, max_size=5)
)
@settings(max_examples=300, deadline=None)
def test_any_structure(kind: str, tree: dict[str, Any]) -> None:
    """Any keys and values are judged without failing, as draft-07 says, each at a place that is there."""
    node, _ = read_yaml(_written(tree).encode(), "f.yaml")
    if node is None:
        return

    findings = validate(node, kind)

    assert (findings == ()) == Draft7Validator(DOCUMENTS[kind]).is_valid(plain(node))
    places = set(paths_of(node))
    for finding in findings:
        assert finding.code in (
            "unknown-key",
            "missing-key",
            "wrong-shape",
            "bad-word",
            "empty-value",
        )
        assert (finding.path, finding.span) in places
        assert "is not what belongs here" not in finding.message


@given(st.sampled_from(TEXTS), st.data())
@settings(max_examples=150, deadline=None)
def test_any_lost_line(text: tuple[str, str, str], data: st.DataObject) -> None:
    """Losing or doubling lines of a real file never makes validation fail."""
    kind, _, words = text
    lines = words.split("\n")
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(lines) - 1))
        lines[at : at + 1] = data.draw(st.sampled_from([[], [lines[at]] * 2]))
        lines = lines or [""]
    node, _ = read_yaml("\n".join(lines).encode(), "f.yaml")

    if node is not None:
        valid = Draft7Validator(DOCUMENTS[kind]).is_valid(plain(node))
        assert (validate(node, kind) == ()) == valid
