"""`care test --coverage` and `--mutate`, through the program."""

from __future__ import annotations

from pathlib import Path
from shlex import split
from shutil import copytree

import pytest

from tests.acceptance.test_docs import Shown, cut_like, steps, trimmed
from tests.factories import REPOSITORY, Shop
from tests.zygote import Zygote

BOOK = """\
trigger: {event: visit}
steps:
  - {step: thanks, do: letter, due: now}
"""
TESTS = """\
playbook: hello
tests:
  - test: 拜访之后致谢
    customers: {c1: {name: 甲公司}}
    events: [{at: 2025-03-03 09:00, event: visit}]
    expect: [{step: thanks, at: 2025-03-03 09:00}]
"""
WRONG = """\
  - test: 错
    customers: {c1: {}}
    events: [{at: 2025-03-03 09:00, event: order}]
    expect: [{starts: yes}]
"""


@pytest.fixture
def shop(tmp_path: Path, zygote: Zygote) -> Shop:
    """A project of two playbooks, one of them tested."""
    made = Shop(tmp_path, through=zygote, hello=BOOK, other=BOOK.replace("visit", "order"))
    made.write("tests/hello.test.yaml", TESTS)
    return made


def test_coverage(shop: Shop) -> None:
    """What no test reached: as text, as JSON, and as an exit code below a floor."""
    said = shop.care("test", "--coverage")
    told = shop.care("test", "--coverage", "--format", "json", "--floor", "51").json
    chosen = shop.care("test", "tests/hello.test.yaml", "--coverage", "--floor", "100")

    assert (said.code, said.err) == (0, "")
    assert said.out == (
        "100%  hello: trigger 1/1, step 1/1\n"
        "  0%  other: no test; trigger 0/1, step 0/1\n"
        " 50%  of all: 2 of 4 reached\n"
    )
    assert (told["percent"], [book["percent"] for book in told["playbooks"]]) == (50, [100, 0])
    assert told["playbooks"][1]["missed"][0] == {
        "file": "playbooks/other.yaml", "line": 3, "col": 1, "part": "trigger",
        "words": "trigger event order never begins a journey",
    }  # fmt: skip
    assert shop.care("test", "--coverage", "--floor", "51").code == 3
    assert chosen.code == 0


def test_mutation(shop: Shop) -> None:
    """Which mistakes no test noticed, with what was changed and which test to write."""
    said = shop.care("test", "--mutate", "hello", "--floor", "99")
    told = shop.care("test", "--mutate", "--format", "json").json

    assert (said.code, said.err) == (3, "")
    assert "playbooks/hello.yaml:3  overlap: parallel was added\n" in said.out
    assert "write a test with a second trigger while a journey runs\n" in said.out
    assert told["no_test"] == ["other"]
    assert told["score"] == told["playbooks"][0]["score"]
    assert {each["words"] for each in told["playbooks"][0]["mutants"] if "noticed_by" in each} >= {
        "due: now became after 1 day"
    }
    assert shop.care("test", "--mutate", "hello", "--mutants", "1", "--floor", "0").code == 0


def test_tests_that_fail_measure_nothing(shop: Shop) -> None:
    """A test that fails anyway is named on stderr, and the exit code is that of an error."""
    shop.write("tests/hello.test.yaml", TESTS + WRONG)

    for mode in ("--coverage", "--mutate"):
        said = shop.care("test", mode)
        assert said.code == 1
        assert said.err == (
            "care: tests/hello.test.yaml:7: fails: 错\n"
            "care: a test that fails measures nothing; `care test` tells why\n"
        )


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        (("--mutate", "helo"), 'no playbook "helo"; did you mean "hello"?'),
        (("--mutate", "tests/a.test.yaml"), "write care test tests/a.test.yaml --mutate"),
        (("--mutate", "--mutants", "few"), '"few" is no number of mistakes; write 60, or all'),
        (("--mutate", "--coverage"), "two questions; ask one at a time"),
        (("--floor", "80"), "--floor goes with --coverage or --mutate"),
    ],
)
def test_wrong_questions(shop: Shop, words: tuple[str, ...], answer: str) -> None:
    """A question that makes no sense is told what to write, with exit code 2."""
    said = shop.care("test", *words)

    assert said.code == 2
    assert answer in said.err


def test_the_page_shows_what_happens(tmp_path: Path, zygote: Zygote, update_golden: bool) -> None:
    """The blocks of docs/testing.md on coverage and mistakes are what its first file of tests gives."""
    page = REPOSITORY / "docs" / "testing.md"
    lines = page.read_text(encoding="utf-8").splitlines()
    first = lines.index("```yaml") + 1
    text = "\n".join(lines[first : lines.index("```", first)])
    root = tmp_path / "shop"
    copytree(REPOSITORY / "playbooks" / "samples" / "starter", root, ignore=lambda *_: {"tests"})
    (root / "tests").mkdir()
    (root / "tests" / "after-complaint.test.yaml").write_text(text, encoding="utf-8")
    for shown in reversed([each for each in steps(lines) if isinstance(each, Shown)]):
        given = trimmed(shown.output)
        said = zygote.told("-C", str(root), *split(shown.command)[1:])
        found = cut_like(given, trimmed(said.out.splitlines()))
        if update_golden:
            lines[shown.first : shown.first + len(given)] = found
            page.write_text("\n".join(lines) + "\n", encoding="utf-8")
        else:
            assert given == found
