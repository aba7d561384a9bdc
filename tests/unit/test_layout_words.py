"""``care fmt``: one layout, and everything that a file says stays: values, comments, text blocks."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.layout import lay_out
from rules.nodes import Mapping, Node, Scalar, Sequence
from rules.project import check_files
from rules.source import read_yaml
from tests.damage import damages

ROOT = Path(__file__).parents[2]
SHIPPED = sorted(
    path for path in (ROOT / "playbooks").rglob("*.yaml") if path.name != "handbook.yaml"
)  # the handbook's rows are no file of a project
SHORT = [path for path in SHIPPED if path.stat().st_size < 1_000]
GOLDEN = sorted((ROOT / "tests" / "golden").rglob("*.yaml"))
TEXT = {"title", "brief", "strategy", "marks", "business", "owner", "note"}


def kind(path: Path) -> str:
    if path.stem in ("care", "shared", "house"):
        return path.stem
    return {"imports": "import", "tests": "test"}.get(path.parent.name, "playbook")


def laid(text: str, kind: str = "playbook") -> str:
    found = lay_out(text.encode(), "f.yaml", kind)
    assert found.left == ""
    return found.data.decode()


def said(node: Node | None, key: str = "") -> object:
    """Return what a file says, without the order of keys and the quotes of titles."""
    match node:
        case Scalar():
            return node.text, node.quoted and key not in TEXT
        case Sequence():
            return [said(item) for item in node.items]
        case Mapping():
            return {name.text: said(value, name.text) for name, value in node}
        case None:
            return None


def remarks(text: str) -> Counter[str]:
    """Return the comments of a text none of whose values has a # behind a space."""
    lines = [f" {line}".partition(" #")[2].rstrip() for line in text.splitlines()]
    return Counter(line for line in lines if line)


# ---------------------------------------------------------------- what it makes


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param(
            "steps:\n- step: a\n  do: call\n",
            "steps:\n  - step: a\n    do: call\n",
            id="dashes are indented",
        ),
        pytest.param(
            "trigger:\n      event:   order\n",
            "trigger:\n  event: order\n",
            id="two spaces a level",
        ),
        pytest.param(
            "a:   {x:   1,y: [ b,c ]}  \n",
            "a: {x: 1, y: [b, c]}\n",
            id="one space inside braces",
        ),
        pytest.param(
            "a: {x: 1,\n    y: 2}\n", "a: {x: 1, y: 2}\n", id="short braces go on one line"
        ),
        pytest.param(
            "a: 1\n\n\n\nb: 2\n\n", "a: 1\n\nb: 2\n", id="one blank line, none at the end"
        ),
        pytest.param("'title': '流失'\n", "title: 流失\n", id="quotes that a title does not need"),
        pytest.param("title: '30%'\n", 'title: "30%"\n', id="quotes that an editor needs"),
        pytest.param("region: '华东'\n", 'region: "华东"\n', id="quotes are meaning in a test"),
        pytest.param("title: 'it: \"a\"'\n", "title: 'it: \"a\"'\n", id="quotes inside quotes"),
        pytest.param(
            "a: 1 # one\nb: 2   # two\n", "a: 1  # one\nb: 2   # two\n", id="remarks beside"
        ),
        pytest.param(
            "steps:\n    # first\n    - step: a\n    # - step: b\n# end\ntrigger: manual\n",
            "# end\ntrigger: manual\nsteps:\n  # first\n  - step: a\n  # - step: b\n",
            id="remarks move with what they stand above",
        ),
        pytest.param(
            "- # why\n  a: 1\n", "# why\n- a: 1\n", id="a remark behind a dash goes above it"
        ),
        pytest.param(
            "a:\n    b: |\n        one\n          two\n\n        three\n\nc: 1\n",
            "a:\n  b: |\n    one\n      two\n\n    three\n\nc: 1\n",
            id="a text block moves as a whole",
        ),
        pytest.param(
            "a:\n    b: |2\n       one\nc: >-\n      x\n",
            "a:\n  b: |2\n     one\nc: >-\n  x\n",
            id="a text block that begins with a space",
        ),
        pytest.param(
            "a: [x, # first\n    y]  # both\n",
            "a: [x, # first\n    y]  # both\n",
            id="a list with remarks inside keeps its lines",
        ),
        pytest.param(
            "brief: one\n     two\n", "brief: one\n  two\n", id="a text over two lines stays on two"
        ),
        pytest.param(
            "steps: []\ntitle: t\nplaybook: p\n",
            "playbook: p\ntitle: t\nsteps: []\n",
            id="keys come in reading order",
        ),
        pytest.param(
            "title: t\n\n# part two\n\nplaybook: p\n",
            "title: t\n\n# part two\n\nplaybook: p\n",
            id="a heading keeps the order",
        ),
        pytest.param(
            "# head\nsteps:\n  - {do: call, step: a}\n  - do: call\n    step: b\nplaybook: p\n",
            "# head\nplaybook: p\nsteps:\n  - {do: call, step: a}\n  - step: b\n    do: call\n",
            id="the head stays at the top, a step begins with its name",
        ),
        pytest.param("---\na: 1\n", "a: 1\n", id="marks of a document go"),
        pytest.param("\ufeffa: 1\r\nb: 2\r\n", "a: 1\r\nb: 2\r\n", id="line ends of Windows stay"),
        pytest.param("a: 1", "a: 1\n", id="the last line ends"),
    ],
)
def test_layout(old: str, new: str) -> None:
    """Each habit of writing ends in the one layout, and that one stays as it is."""
    assert laid(old) == new
    assert laid(new) == new


def test_long_braces_become_lines() -> None:
    """{ } that do not fit a line become a line a key, a list of words as few lines as it needs."""
    step = ", ".join(f"key_{n}: 一二三四五六七八" for n in range(6))
    words = ", ".join(f"word_{n}" for n in range(20))

    new = laid(f"steps:\n  - {{{step}}}  # why\nlist: [{words}]\n", "")

    lines = new.splitlines()
    assert lines[:3] == [
        "steps:",
        "  - key_0: 一二三四五六七八  # why",
        "    key_1: 一二三四五六七八",
    ]
    assert [len(line) <= 120 for line in lines] == [True] * 9
    assert lines[-2].startswith("list: [word_0, word_1")
    assert laid(new, "") == new


def test_a_file_with_an_error_is_left_alone() -> None:
    """A file that can't be read stays byte for byte, and its errors are told."""
    data = b"playbook: p\nsteps:\n - {a: 1\n"

    found = lay_out(data, "f.yaml", "playbook")

    assert (found.data, found.left) == (data, "it has errors")
    assert found.findings[0].span.line == 3


# ---------------------------------------------------------------- what it never does


@pytest.mark.parametrize(
    "path", SHIPPED, ids=lambda path: str(path.relative_to(ROOT / "playbooks"))
)
def test_shipped_files_keep_all(path: Path) -> None:
    """A shipped file says the same in its layout, with every comment, and is then laid out."""
    old = path.read_text(encoding="utf-8")

    new = laid(old, kind(path))

    assert said(read_yaml(new.encode(), "f")[0]) == said(read_yaml(old.encode(), "f")[0])
    assert remarks(new) == remarks(old)
    assert laid(new, kind(path)) == new


@pytest.mark.parametrize("name", ["starter", "online-retail"])
def test_a_project_stays_the_same(name: str) -> None:
    """A project laid out anew has the same playbooks, revisions and configuration."""
    root = ROOT / "playbooks" / "samples" / name
    files = {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in root.rglob("*")
        if path.suffix in (".yaml", ".md", ".txt")
    }
    before, _ = check_files(files)

    after, found = check_files(
        {
            file: lay_out(data, file, kind(Path(file))).data if file.endswith(".yaml") else data
            for file, data in files.items()
        }
    )

    assert found == ()
    assert before is not None
    assert after is not None
    assert after.config_hash == before.config_hash
    assert [each.revision for each in after.playbooks] == [
        each.revision for each in before.playbooks
    ]


def spoilt(text: str, rng: random.Random) -> str:
    """Return a text with deeper blocks, remarks, blank lines and spaces at the ends of lines."""
    times = 1 if ": |" in text else rng.choice([1, 2, 3])
    lines = []
    for number, line in enumerate(text.splitlines()):
        bare = line.lstrip(" ")
        if rng.random() < 0.2:
            lines.append(rng.choice(["", "   ", " " * rng.randint(0, 8) + f"# remark {number}"]))
        beside = rng.random() < 0.2 and " #" not in f" {line}" and bare
        tail = f" # beside {number}" if beside else rng.choice(["", "  "])
        dash = "-" + " " * (2 * times - 1)
        bare = bare.replace("- ", dash, 1) if bare.startswith("- ") else bare
        lines.append(" " * (len(line) - len(line.lstrip(" "))) * times + bare + tail)
    return "\n".join(lines)


@given(st.sampled_from(SHORT), st.integers(0, 2**32))
@settings(max_examples=100, deadline=None)
def test_any_spoilt_layout(path: Path, seed: int) -> None:
    """However lines are spaced and remarks strewn in, all is kept, and twice is as once."""
    old = path.read_text(encoding="utf-8")
    worse = spoilt(old, random.Random(seed))
    node, findings = read_yaml(worse.encode(), "f")
    assert not any(each.level == "error" for each in findings)

    new = laid(worse, kind(path))

    assert said(read_yaml(new.encode(), "f")[0]) == said(node)
    assert remarks(new) == remarks(worse)
    assert laid(new, kind(path)) == new


def endured(path: Path, seed: int, count: int) -> None:
    """Lay out damaged copies of a file."""
    for damage in damages(path.read_text(encoding="utf-8"), seed, count):
        data = damage.text.encode()

        found = lay_out(data, "f.yaml", kind(path))

        if found.left:
            assert found.data == data
        else:
            assert said(read_yaml(found.data, "f")[0]) == said(read_yaml(data, "f")[0])
            assert lay_out(found.data, "f.yaml", kind(path)).data == found.data


@pytest.mark.parametrize("path", SHORT[::4], ids=lambda path: path.stem)
def test_damaged_files(path: Path) -> None:
    """A damaged file is laid out without loss or left byte for byte; nothing fails."""
    endured(path, 7, 8)


@pytest.mark.long
@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_damaged_files_at_length(path: Path) -> None:
    """The same of every shipped file, with fifty slips each."""
    endured(path, 11, 50)


def test_wrong_files_of_all_sorts() -> None:
    """Of the files that people get wrong, those without an error of form can all be laid out."""
    left = [
        path.name
        for path in GOLDEN
        if lay_out(path.read_bytes(), path.name, kind(path)).left.startswith("no layout")
    ]

    assert left == []
