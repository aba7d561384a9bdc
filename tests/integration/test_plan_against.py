"""``care plan --against``: what an edit changes, on the real log."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

import pytest

from engine.planning.compare import Comparison, compare
from engine.planning.difference import comparison_json, render_comparison
from engine.planning.other import other_project
from rules.errors import InputError, UsageError
from tests.factories import SHARED, ZONE, Shop, at, event, profile

BOOK = """\
trigger: {event: order}
steps:
  - {step: letter, do: letter, due: now, template: thanks.txt}
  - {step: ask, do: call, due: within 2 days, assign: boss}
"""
LAPSED = """\
trigger: {enters: lapsed}
steps:
  - {step: ring, do: call, due: within 1 day, assign: boss}
"""
NOW = "2025-03-03T11:00"


@cache
def made_once(books: tuple[tuple[str, str], ...]) -> tempfile.TemporaryDirectory[str]:
    """Return a folder with what ``shop`` returns; importing takes most of a test's time."""
    kept = tempfile.TemporaryDirectory()
    root = Path(kept.name)
    made = Shop(root / "shop", **dict(books))
    made.write("templates/thanks.txt", "您好，谢谢您的订单。客服热线 400-1000")
    made.customers(
        profile("c1", "2025-01-01", name="甲公司"), profile("c2", "2025-01-01", name="乙公司")
    )
    made.run("2025-03-03T09:00")
    shutil.copytree(root / "shop", root / "before", ignore=shutil.ignore_patterns(".care"))
    made.events(event("c1", "order", "2025-03-03T10:00"), event("c2", "order", "2025-03-03T10:30"))
    return kept


def shop(root: Path, **books: str) -> Shop:
    """Return a project in ``root/shop`` that ran once, beside a copy of it, and two orders since."""
    books = books or {"thanks": BOOK}
    shutil.copytree(made_once(tuple(books.items())).name, root, dirs_exist_ok=True)
    return Shop(root / "shop", **books)


def compared(made: Shop, when: str = NOW) -> Comparison:
    """Return what differs from the copy."""
    other = other_project(made.root, str(made.root.parent / "before"))
    return compare(made.project, other, against="before", at=at(when))


def told(found: Comparison) -> list[tuple[str, str, str, str]]:
    """Return (sign, what, customer, step) of the differences."""
    return [
        (str(one.sign), str(one.item.what), one.item.customer, one.item.step) for one in found.found
    ]


def edit(made: Shop, name: str, old: str, new: str) -> None:
    """Edit a file of the project."""
    text = (made.root / name).read_text(encoding="utf-8")
    assert text.count(old) == 1
    made.write(name, text.replace(old, new))


def test_nothing_edited(tmp_path: Path) -> None:
    """Where nothing was edited nothing differs, and the words say so."""
    found = compared(shop(tmp_path))

    assert (told(found), found.any) == ([], False)
    assert "no change" in render_comparison(found, ZONE, limit=20, personal=True)


def test_another_time_and_person(tmp_path: Path) -> None:
    """A step that moves or goes to somebody else is told with both, once a customer."""
    made = shop(tmp_path)
    edit(
        made, "playbooks/thanks.yaml", "within 2 days, assign: boss", "within 3 days, assign: owner"
    )
    found = compared(made)

    assert told(found) == [("~", "opens", "c1", "ask"), ("~", "opens", "c2", "ask")]
    assert found.found[0].changes == (
        "due Wed 2025-03-05 11:00 → Thu 2025-03-06 11:00", "who 经理 → 客户成功组",
    )  # fmt: skip


def test_another_channel(tmp_path: Path) -> None:
    """A step that takes another channel is the same step, changed."""
    made = shop(tmp_path)
    edit(made, "playbooks/thanks.yaml", "do: call", "do: review")

    assert compared(made).found[0].changes == ("channel call → review",)


def test_another_text(tmp_path: Path) -> None:
    """Of a text the words that differ are shown, to a person only."""
    made = shop(tmp_path)
    edit(made, "templates/thanks.txt", "谢谢您的订单", "感谢您的惠顾")
    found = compared(made)
    words = "您好，[-谢-]{+感+}谢您的[-订单-]{+惠顾+}。客服热线 400-10…"

    assert told(found) == [("~", "sends", "c1", "letter"), ("~", "sends", "c2", "letter")]
    assert [text.words for text in found.found[0].texts] == [words]
    assert words in render_comparison(found, ZONE, limit=1, personal=True)
    assert "惠顾" not in render_comparison(found, ZONE, limit=1, personal=False)
    assert "惠顾" not in str(comparison_json(found, personal=False))
    assert comparison_json(found, personal=True)["differences"][0]["texts"][0]["part"] == "text"


def test_starts_that_come_and_go(tmp_path: Path) -> None:
    """A new condition takes starts away, its going gives them back; each with its steps."""
    made = shop(tmp_path)
    edit(made, "playbooks/thanks.yaml", "steps:", "except: {name: 甲公司}\nsteps:")
    found = compared(made)

    assert told(found) == [
        ("-", "starts", "c1", ""), ("-", "sends", "c1", "letter"), ("-", "opens", "c1", "ask"),
    ]  # fmt: skip
    assert [(one.before, one.after) for one in found.starts] == [(2, 1)]
    assert "甲公司" in render_comparison(found, ZONE, limit=20, personal=True)


def test_an_edited_segment_shows_true_starts_only(tmp_path: Path) -> None:
    """Who was inside an edited segment at the last run does not begin; who entered since does, under
    either definition.
    """
    made = shop(tmp_path, lapsed=LAPSED)
    made.events(event("c3", "order", "2025-01-10T10:00"), event("c4", "order", "2025-02-10T10:00"))
    made.run("2025-03-03T12:00")  # c3 is inside of both, c4 of neither
    edit(made, "shared.yaml", "at least 30 days ago", "at least 24 days ago")

    later = compared(made, "2025-03-07T12:00")  # 25 days after the order of c4
    both = compared(made, "2025-03-13T12:00")  # 31 days: it enters under either

    assert told(later) == [("+", "starts", "c4", ""), ("+", "opens", "c4", "ring")]
    assert later.levelled == ("lapsed",)
    assert told(both) == []


def test_a_new_playbook(tmp_path: Path) -> None:
    """A playbook that is new begins for what happened since the last run, and the words say what the
    next run itself does.
    """
    made = shop(tmp_path)
    made.book("more", LAPSED.replace("enters: lapsed", "event: order"))
    found = compared(made)

    assert {one.item.playbook for one in found.found} == {"more"}
    assert found.count(found.found[0].sign, starts=True) == 2
    assert "the trigger of more is new or edited" in render_comparison(
        found, ZONE, limit=20, personal=True
    )


def test_a_new_playbook_that_enrols(tmp_path: Path) -> None:
    """With ``existing: enrol`` those inside begin, as in the next run itself."""
    made = shop(tmp_path)
    made.events(event("c3", "order", "2025-01-10T10:00"))
    made.book("more", "existing: enrol\n" + LAPSED)
    found = compared(made)

    assert told(found) == [("+", "starts", "c3", ""), ("+", "opens", "c3", "ring")]
    assert found.levelled == ()


def test_over_the_limit(tmp_path: Path) -> None:
    """An edit that lets too many begin is told with its blast radius: they would be held."""
    made = shop(tmp_path)
    edit(made, "playbooks/thanks.yaml", "steps:", "limits: {per_run: 1}\nsteps:")
    found = compared(made)
    text = render_comparison(found, ZONE, limit=20, personal=True)

    assert [(one.before, one.after, one.limit, one.held) for one in found.starts] == [
        (2, 2, 1, True)
    ]
    assert found.any
    assert "thanks starts 2 > 1: would be held" in text
    assert [one for one in told(found) if one[1] == "starts"] == [
        ("-", "starts", "c1", ""), ("-", "starts", "c2", ""),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("migrate", "words", "differences"),
    [
        ("stay", "stay with the version that they began under", []),
        ("move", "follow the edited playbook", [("+", "moves", "c1", ""), ("+", "opens", "c1", "then")]),
        ("cancel", "end in the next run", [("+", "stops", "c1", ""), ("+", "cancels", "c1", "ask")]),
    ],
)  # fmt: skip
def test_running_journeys(
    tmp_path: Path, migrate: str, words: str, differences: list[tuple[str, str, str, str]]
) -> None:
    """What ``migrate`` does to journeys that run is told: how many, and what changes for whom."""
    made = shop(tmp_path, thanks="trigger: {event: visit}\n" + BOOK.partition("\n")[2])
    made.events(event("c1", "visit", "2025-03-03T10:00"))
    made.run(NOW)
    text = (made.root / "playbooks/thanks.yaml").read_text(encoding="utf-8")
    more = "  - {step: then, do: review, due: now, assign: boss}\n  - {step: ask,"
    text = text.replace("steps:", f"migrate: {migrate}\nsteps:")
    made.write("playbooks/thanks.yaml", text.replace("  - {step: ask,", more))
    found = compared(made, "2025-03-04T11:00")

    assert [(one.playbook, one.count, str(one.migrate)) for one in found.inflight] == [
        ("thanks", 1, migrate)
    ]
    assert words in render_comparison(found, ZONE, limit=20, personal=True)
    assert told(found) == differences


def test_a_broken_edit(tmp_path: Path) -> None:
    """A playbook with errors is told as left out, with what no longer begins."""
    made = shop(tmp_path)
    edit(made, "playbooks/thanks.yaml", "within 2 days", "within 2 dayz")
    found = compared(made)

    assert found.broken == ("playbooks/thanks.yaml",)
    assert {(sign, what) for sign, what, _, _ in told(found)} == {
        ("-", "starts"), ("-", "sends"), ("-", "opens"),
    }  # fmt: skip


def test_the_same_instant_again(tmp_path: Path) -> None:
    """Where the run at this instant is done already, the error says to give a later one."""
    made = shop(tmp_path)
    made.run(NOW)
    with pytest.raises(UsageError, match="later --at"):
        compared(made)


def test_comparing_writes_nothing(tmp_path: Path) -> None:
    """All files of both projects are as they were, to the time of change."""
    made = shop(tmp_path)
    made.write("shared.yaml", SHARED.replace("at least 30 days", "at least 40 days"))

    def contents() -> dict[str, tuple[bytes, int]]:
        files = (path for path in sorted(tmp_path.rglob("*")) if path.is_file())
        return {str(path): (path.read_bytes(), path.stat().st_mtime_ns) for path in files}

    before = contents()
    compared(made)

    assert contents() == before


# -- git ------------------------------------------------------------------------------------------

git = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


def told_git(folder: Path, *words: str) -> None:
    """Run git with no settings of this machine."""
    away = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    who = ["-c", "user.name=t", "-c", "user.email=t@t.invalid", "-c", "commit.gpgsign=false"]
    subprocess.run(
        ["git", "-C", str(folder), *who, *words],
        check=True, capture_output=True, env={**os.environ, **away},
    )  # fmt: skip


@git
@pytest.mark.parametrize("within", [".", "客户/care"])
def test_a_revision(tmp_path: Path, within: str) -> None:
    """The project at a revision is what was committed, also where it is a folder of the repository."""
    made = Shop(tmp_path / within, thanks=BOOK)
    made.write("templates/thanks.txt", "谢谢")
    told_git(tmp_path, "init", "-q")
    told_git(tmp_path, "add", "-A")
    told_git(tmp_path, "commit", "-qm", "one")
    committed = made.project.config_hash
    edit(made, "playbooks/thanks.yaml", "within 2 days", "within 3 days")

    assert made.project.config_hash != committed
    assert other_project(made.root, "HEAD").config_hash == committed


@git
def test_what_git_does_not_have(tmp_path: Path) -> None:
    """No repository, no such revision, no project at it, a broken project: each in plain words."""
    made = Shop(tmp_path / "shop", thanks=BOOK)
    made.write("templates/thanks.txt", "谢谢")
    with pytest.raises(UsageError, match="not under git"):
        other_project(made.root, "HEAD")
    (tmp_path / "readme").write_text("x")
    told_git(tmp_path, "init", "-q")
    told_git(tmp_path, "add", "readme")
    told_git(tmp_path, "commit", "-qm", "one")
    with pytest.raises(UsageError, match="neither a folder"):
        other_project(made.root, "mian")
    with pytest.raises(UsageError, match="neither a folder"):
        other_project(made.root, "--help")
    with pytest.raises(InputError, match=r"no care\.yaml in the folder shop at HEAD"):
        other_project(made.root, "HEAD")
    made.write("care.yaml", "care: 1\nbusines: x\n")
    told_git(tmp_path, "add", "-A")
    told_git(tmp_path, "commit", "-qm", "two")
    with pytest.raises(InputError, match=r"care\.yaml:2:1"):
        other_project(made.root, "HEAD")


def test_without_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where git is not installed the error says what else can be done."""
    made = Shop(tmp_path, thanks=BOOK)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match="git is not installed"):
        other_project(made.root, "HEAD")
