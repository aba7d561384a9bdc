"""The strict reader: what it keeps as text, what it refuses, and that nothing makes it fail."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rules import source_tree
from rules.errors import Finding, Level, Span
from rules.nodes import Mapping, Node, Scalar, Sequence
from rules.source import MAX_BYTES, MAX_DEPTH, MAX_FINDINGS, read_yaml
from rules.source_page import MAX_LINE, quoted

LANGUAGE = Path(__file__).parent.parent / "golden" / "language"
TEXTS = {
    file.name: file.read_text(encoding="utf-8")
    for file in sorted(LANGUAGE.rglob("*.yaml"))
    if file.name != "other-rows.yaml"
}


def read(text: str) -> Node:
    node, findings = read_yaml(text.encode(), "f.yaml")
    assert findings == ()
    assert node is not None
    return node


def findings_of(data: bytes | str) -> tuple[Finding, ...]:
    return read_yaml(data.encode() if isinstance(data, str) else data, "f.yaml")[1]


def codes(data: bytes | str) -> list[str]:
    return [finding.code for finding in findings_of(data)]


def value_of(node: Node) -> object:
    match node:
        case Mapping():
            return {key.text: value_of(value) for key, value in node.pairs}
        case Sequence():
            return [value_of(item) for item in node.items]
        case Scalar():
            return node.text


def spans_of(node: Node) -> list[tuple[str, Span]]:
    match node:
        case Mapping():
            own = [(key.text, key.span) for key, _ in node.pairs]
            return own + [each for _, value in node.pairs for each in spans_of(value)]
        case Sequence():
            return [each for item in node.items for each in spans_of(item)]
        case Scalar():
            return [(node.text, node.span)]


def composed(text: str) -> object:
    """Return what PyYAML's own composer makes of a text, every scalar as text."""

    def plain(node: yaml.Node) -> object:
        if isinstance(node, yaml.MappingNode):
            return {plain(key): plain(value) for key, value in node.value}
        if isinstance(node, yaml.SequenceNode):
            return [plain(item) for item in node.value]
        return node.value

    # libyaml takes a tab inside a plain text, PyYAML's own scanner does not
    return plain(yaml.compose(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)))


# ---------------------------------------------------------------- what is kept


@pytest.mark.parametrize("text", ["NO", "yes", "21:30", "0x1F", "1_000", "1e3", "2026-03-18", "010", "=", "~x"])  # fmt: skip
def test_scalars_stay_text(text: str) -> None:
    """No value becomes a boolean, a number in base 60 or a date."""
    node = read(f"key: {text}\n")

    assert value_of(node) == {"key": text}


def test_quotes_are_known() -> None:
    """A quoted value is literal, a plain one is not, and both say so."""
    node = read("a: above 3\nb: 'above 3'\nc: \"above 3\"\nd: |\n  above 3\n")

    assert isinstance(node, Mapping)
    assert [value.quoted for _, value in node if isinstance(value, Scalar)] == [
        False,
        True,
        True,
        True,
    ]


def test_places_are_those_of_the_file() -> None:
    """Line and column are counted from 1 in characters, Chinese or emoji alike."""
    node = read("标题: 流失\n列表: [甲, 😀乙, c]\n")

    assert spans_of(node) == [
        ("标题", Span("f.yaml", 1, 1)),
        ("列表", Span("f.yaml", 2, 1)),
        ("流失", Span("f.yaml", 1, 5)),
        ("甲", Span("f.yaml", 2, 6)),
        ("😀乙", Span("f.yaml", 2, 9)),
        ("c", Span("f.yaml", 2, 13)),
    ]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends(end: str) -> None:
    """Files of Windows and of old Macs give the same nodes at the same places."""
    text = TEXTS["4-churn-rescue.yaml"]

    assert read(text.replace("\n", end)) == read(text)


def test_byte_order_mark() -> None:
    """A byte order mark, as Notepad writes it, moves nothing."""
    text = TEXTS["house.yaml"]

    assert read_yaml(text.encode("utf-8-sig"), "f.yaml") == (read(text), ())


def test_leading_dashes() -> None:
    """One --- at the begin is no second document."""
    assert value_of(read("---\na: b\n")) == {"a": "b"}


@pytest.mark.parametrize("name", TEXTS)
def test_language_files(name: str) -> None:
    """Every file of the language is read without a word, as PyYAML composes it."""
    assert value_of(read(TEXTS[name])) == composed(TEXTS[name])


@pytest.mark.parametrize("name", TEXTS)
def test_same_without_libyaml(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """PyYAML without its C library gives the same nodes at the same places."""
    expected = read(TEXTS[name])
    monkeypatch.setattr(source_tree, "_LOADER", yaml.SafeLoader)

    assert read(TEXTS[name]) == expected


def test_comments_do_not_warn() -> None:
    """A comment after a blank is a comment; only a number sign stuck to a word is doubtful."""
    assert codes("again: never   # because\nwhen: never #1\ntitle: a # b\n") == ["comment-cut"]


# ---------------------------------------------------------------- torture

TORTURE = {
    "empty": (b"", "empty-file", 1, 1),
    "only comments": (b"# a\n\n# b\n", "empty-file", 1, 1),
    "only blanks": (b"  \n\n ", "empty-file", 1, 1),
    "over 1 MB": (b"a: b\n" * 200_001, "file-too-large", 1, 1),
    "very long line": (b"a: b\nb: " + b"x" * MAX_LINE, "line-too-long", 2, 1),
    "NUL": (b"a: b\nb: c\x00d\n", "control-character", 2, 5),
    "bell": (b"a: \x07\n", "control-character", 1, 4),
    "zero width": ("a: b\u200b\n".encode(), "control-character", 1, 5),
    "right to left": ("a: \u202eb\n".encode(), "control-character", 1, 4),
    "line separator": ("a: b\u2028c\n".encode(), "control-character", 1, 5),
    "tab": (b"a:\n  b: c\n\td: e\n", "tab-indent", 3, 1),
    "tab behind spaces": (b"a:\n  \tb: c\n", "tab-indent", 2, 3),
    "UTF-16": ("a: 流失\n".encode("utf-16"), "not-utf8", 1, 1),
    "UTF-32": ("a: 流失\n".encode("utf-32"), "not-utf8", 1, 1),
    "UTF-16 bare": ("playbook: 流失\n".encode("utf-16-le"), "not-utf8", 1, 1),
    "GB18030": ("a: b\ntitle: 流失预警\n".encode("gb18030"), "not-utf8", 2, 8),
    "Latin-1": (b"a: caf\xe9 au lait\n", "not-utf8", 1, 7),
    "half a character": ("title: 流失预警与挽回".encode()[:-1], "not-utf8", 1, 14),
    "lone surrogate": (b"a: \xed\xa0\x80\n", "not-utf8", 1, 4),
    "deep lines": (b"".join(b"%s- \n" % (b" " * i) for i in range(1000)), "too-deep", 41, 41),
    "deep brackets": (b"a: " + b"[" * 9000, "too-deep", 1, 43),
    "deep dashes": (b"- " * 4000, "too-deep", 1, 81),
    "deep over lines": (b"a: " + (b"[" * 9000 + b"\n") * 22, "too-deep", 1, 43),
    "depth 200,000": (b"a: " + b"[" * 200_000 + b"]" * 200_000, "line-too-long", 1, 1),
    "directive": (b"%YAML 1.2\n---\na: b\n", "directive", 1, 1),
    "key is a list": (b"? [a]\n: b\n", "key-not-text", 1, 3),
    "no key": (b": b\n", "missing-key", 1, 1),
    "unknown escape": (b'a: "\\q"\n', "needs-quotes", 1, 5),
    "block without text": (b"a: |\nb: c\n", "empty-value", 1, 4),
    "folded without text": (b"a: >\nb: c\n", "empty-value", 1, 4),
}


@pytest.mark.parametrize("name", TORTURE)
def test_one_clear_line(name: str) -> None:
    """Each of these files gives one finding at its place, never an exception."""
    data, code, line, col = TORTURE[name]

    found = findings_of(data)

    assert [(f.code, f.span.line, f.span.col) for f in found] == [(code, line, col)]


def test_encodings_are_named() -> None:
    """The words say which encoding it probably is, and what to do."""
    told = {
        encoding: str(findings_of("title: 流失预警\n".encode(encoding))[0])
        for encoding in ("utf-16", "gb18030")
    }

    assert told == {
        "utf-16": "f.yaml:1:1: error[not-utf8] the file is written in UTF-16; save the file as UTF-8",
        "gb18030": "f.yaml:1:8: error[not-utf8] the file looks like GB18030 (GBK), as Windows and "
        "Excel in China write it; save the file as UTF-8",
    }


def test_alias_bomb() -> None:
    """Aliases are refused one by one and never expanded."""
    lines = ["a0: &a0 [x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 30)]

    found = codes("\n".join(lines))

    assert set(found) == {"alias", "more-findings"}
    assert len(found) == MAX_FINDINGS


def test_limits_are_inclusive() -> None:
    """A file of exactly 1 MB and a nesting of exactly the limit are read."""
    lines = b"a%06d: b\n" * (MAX_BYTES // 11)
    data = lines % tuple(range(MAX_BYTES // 11))
    data += b"#" * (MAX_BYTES - len(data))
    deep = "- " * (MAX_DEPTH - 1) + "a: b\n"

    assert (len(data), codes(data)) == (MAX_BYTES, [])
    assert codes(deep) == []


@pytest.mark.parametrize(
    "line",
    ["a: >3\n", "a{n}：b\n", "a{n}:b\n", "a{n}: @b\n", "a: b\n", "a{n}: 'b' c\n", "- {{a: 1,000}}\n",
     "a{n}: [b， c]\n", "\u200b\n", "\ta\n", "a{n}: {{b: c d: e}}\n", '"\n'],
)  # fmt: skip
def test_a_megabyte_of_mistakes(line: str) -> None:
    """A wrong file of 1 MB is told in time for a person who waits, and not a hundred thousand times."""
    one = line.format(n=100_000).encode()
    data = b"".join(line.format(n=n).encode() for n in range(100_000, 100_000 + MAX_BYTES // len(one)))  # fmt: skip
    start = time.process_time()

    found = findings_of(data[:MAX_BYTES])

    assert 1 <= len(found) <= MAX_FINDINGS
    assert (
        time.process_time() - start < 5
    )  # 1.0 s on the reference machine, with room for a busy one


# ---------------------------------------------------------------- mending


def test_all_mistakes_at_once() -> None:
    """One look at a file shows its mistakes from the first line to the last."""
    text = "title：流失\nowner: @张三\nonly: {orders: >3}\nsteps:\n  - step: call\n    do:call\n"

    assert codes(text) == ["full-width", "needs-quotes", "symbol-in-test", "missing-space"]


def test_what_is_mended_is_what_was_meant() -> None:
    """The node behind a mended file is the one that the person meant."""
    wrong = "title：流失\nonly: {orders: >= 3，tier: “A”}\nsteps:\n  - {step: call, do:call, at: 500,000}\n"
    right = (
        'title: 流失\nonly: {orders: at least 3, tier: "A"}\nsteps:\n'
        "  - {step: call, do: call, at: 500000}\n"
    )

    node, findings = read_yaml(wrong.encode(), "f.yaml")

    assert node is not None
    assert value_of(node) == value_of(read(right))
    assert len(findings) == 5


def test_mended_places() -> None:
    """Behind a mended mistake places are still those of the file, not of the mended text."""
    node, _ = read_yaml("a: {b：c，d: e}\n".encode(), "f.yaml")

    assert node is not None
    assert [(text, span.col) for text, span in spans_of(node)] == [
        ("a", 1),
        ("b", 5),
        ("d", 9),
        ("c", 7),
        ("e", 12),
    ]


def test_duplicates_keep_the_first() -> None:
    """Of a key that stands twice the first value is kept, and both lines are named."""
    node, findings = read_yaml(b"a: 1\nb: 2\na: 3\n", "f.yaml")

    assert node is not None
    assert value_of(node) == {"a": "1", "b": "2"}
    assert findings[0].message == '"a" stands twice, on lines 1 and 3'


# ---------------------------------------------------------------- whatever is written

_MARKS = [*"：，“”【】｛｝[]{}#:-,'\"*&!@%|>?\n\t \u3000\u00a0ab1\\", "- ", ": ", "\n  ", "  ", "...\n", "---\n", "{{", "}}"]  # fmt: skip


def sound(data: bytes) -> None:
    """Assert what holds of every answer."""
    node, findings = read_yaml(data, "f.yaml")
    text = data.decode("utf-8", "replace").removeprefix("\ufeff")
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")

    assert node is not None or any(finding.level is Level.ERROR for finding in findings)
    assert list(findings) == sorted(findings, key=lambda finding: finding.order)
    assert len(findings) <= MAX_FINDINGS
    for finding in findings:
        assert finding.code
        assert finding.message
        assert not finding.message.endswith(".")
        assert 1 <= finding.span.line <= len(lines)
        if finding.code != "not-utf8":
            assert 1 <= finding.span.col <= len(lines[finding.span.line - 1]) + 1
    for _, span in spans_of(node) if node is not None else []:
        assert 1 <= span.line <= len(lines)
        assert 1 <= span.col <= len(lines[span.line - 1]) + 1


@given(st.binary(max_size=300))
@settings(max_examples=300, deadline=None)
def test_any_bytes(data: bytes) -> None:
    """No bytes make the reader fail, and every finding has its place in the file."""
    sound(data)


@given(st.text(max_size=200))
@settings(max_examples=300, deadline=None)
@example("a: \ud7ff\ue000\uffff")
@example("\u0085a: b")
@example('- "')
def test_any_text(text: str) -> None:
    """No text makes the reader fail."""
    sound(text.encode("utf-8", "surrogatepass"))


@given(st.lists(st.sampled_from(_MARKS), max_size=40).map("".join))
@settings(max_examples=300, deadline=None)
def test_any_punctuation(text: str) -> None:
    """No heap of YAML's own signs and their full-width twins makes the reader fail."""
    sound(text.encode())


@st.composite
def slips(draw: st.DrawFn) -> str:
    """A file of the language with a few slips of the hand."""
    text = draw(st.sampled_from(list(TEXTS.values())))
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, len(text) - 1))
        match draw(st.sampled_from(("insert", "delete", "swap", "lines"))):
            case "insert":
                text = text[:at] + draw(st.sampled_from(_MARKS)) + text[at:]
            case "delete":
                text = text[:at] + text[at + draw(st.integers(1, 5)) :]
            case "swap":
                text = text[:at] + text[at : at + 2][::-1] + text[at + 2 :]
            case _:
                lines = text.split("\n")
                one, other = (draw(st.integers(0, len(lines) - 1)) for _ in range(2))
                lines[one], lines[other] = lines[other], lines[one]
                text = "\n".join(lines)
        text = text or "a"
    return text


@given(slips())
@settings(max_examples=200, deadline=None)
def test_any_slip(text: str) -> None:
    """A slip in a real file never makes the reader fail."""
    sound(text.encode())


@given(slips())
@settings(max_examples=60, deadline=None)
def test_any_slip_without_libyaml(text: str) -> None:
    """Nor does it where PyYAML has no C library."""
    loader = source_tree._LOADER
    try:
        source_tree._LOADER = yaml.SafeLoader
        sound(text.encode())
    finally:
        source_tree._LOADER = loader


@given(slips())
@settings(max_examples=200, deadline=None)
def test_silence_means_yaml(text: str) -> None:
    """What is read without an error is what PyYAML composes: strict is a subset, not a dialect."""
    node, findings = read_yaml(text.encode(), "f.yaml")
    if node is not None and not any(finding.level is Level.ERROR for finding in findings):
        assert value_of(node) == composed(text)


@given(st.text(st.characters(min_codepoint=32, exclude_categories=["Cc", "Cs", "Cf", "Zl", "Zp", "Cn"]), max_size=60))  # fmt: skip
@settings(max_examples=200, deadline=None)
def test_the_advice_to_quote_is_good(text: str) -> None:
    """Any text put in quotes as the messages advise is read as that text."""
    assert value_of(read(f"title: {quoted(text)}\n")) == {"title": text}
