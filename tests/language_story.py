"""The firm of the language page at work: a project in which every example of the language page has something to do.

All examples of care.yaml and shared.yaml are one project; each example of a playbook is a playbook of
its own in it, under the name of its section. ``language_log`` tells what happens to its customers.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from engine.intake import import_file
from engine.ledger import Ledger
from engine.paths import paths_of
from engine.run import open_runner
from engine.task_changes import finish_task
from engine.tasks import tasks
from rules.importmap import read_map
from rules.playbook import AskedKind, Do, Playbook, walk
from rules.units import MICROS, to_local
from rules.vocabulary import Vocabulary
from tests.factories import ZONE, Shop, at
from tests.language_log import FIRST, IDLE, SLOW, events, profiles
from tests.language_page import BLOCK, base, blocks, merged, sections

__all__ = ["Example", "Lived", "Story", "examples", "page_files", "settled"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One example of the page that is a playbook."""

    section: str
    number: int  #: of the playbooks of its section, from 1
    file: str
    text: str  #: as the page has it

    @property
    def name(self) -> str:
        """The playbook's name in the story: ``steps_1``."""
        return re.sub(r"\W+", "_", self.section.lower()) + f"_{self.number}"

    @property
    def dated(self) -> bool:
        """Whether it is about dates, and takes half a year to show."""
        return self.name.startswith(("triggers_of_time", "from_2", "from_3", "who_and_how_often_1"))

    @property
    def book(self) -> str:
        """The whole playbook."""
        whole = merged(base()[self.file], self.text)
        return re.sub(
            r"^playbook: .*$", f"playbook: {self.name}", whole, count=1, flags=re.MULTILINE
        )


def examples() -> list[Example]:
    """Return the examples of playbooks, in the page's order."""
    found = []
    for section, text in sections().items():
        books = [block for block in BLOCK.findall(text) if block[0].startswith("playbooks/")]
        found += [
            Example(section=section, number=number, file=file, text=lines)
            for number, (file, lines) in enumerate(books, 1)
        ]
    return found


def page_files() -> dict[str, str]:
    """Return care.yaml and shared.yaml with all their examples, later ones over earlier ones, and
    house.yaml of the first project.
    """
    files = {name: text for name, text in base().items() if not name.startswith("playbooks/")}
    for name, text in blocks():
        if name in ("care.yaml", "shared.yaml") and text != base()[name]:
            files[name] = merged(files[name], text)
    return files


# -- the project --------------------------------------------------------------------------------


class Story(Shop):
    """A project of the page with the firm's log, run day by day while people do their tasks."""

    def __init__(self, root: Path, files: Mapping[str, str], log: Path | None = None) -> None:
        """Write the project; ``log`` is that of another story, else ``load_log`` makes one."""
        self.root, self._files = root, 0
        for name, text in files.items():
            self.write(name, text)
        for name in ("apology", "a", "b"):
            self.write(f"templates/{name}.md", "您好\n")
        if log is not None:
            (root / ".care").mkdir()
            shutil.copy(log, paths_of(root).log)

    def load_log(self) -> Path:
        """Import all but what comes late, and return the log's file."""
        self.take(events())
        vocabulary = self.project.vocabulary
        text = "import: 1\nsource: crm\nformat: jsonl\ncustomer: customer\nprofile:\n  time: at\n"
        text += "  attributes:\n"
        text += "".join(
            f"    {name}: {name}\n"
            for name in next(iter(profiles()))
            if name in vocabulary.attributes
        )
        self._read(text, profiles(), vocabulary)
        return paths_of(self.root).log

    def take(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Import events."""
        vocabulary = self.project.vocabulary
        text = (
            "import: 1\nsource: shop\nformat: jsonl\nknown: at event\ncustomer: customer\n"
            "time: at\nevents:\n"
        )
        given = list(rows)
        for name in sorted({row["event"] for row in given}):
            fields = ", ".join(f"{field}: {field}" for field in vocabulary.events[name].fields)
            told = f", fields: {{{fields}}}" if fields else ""
            text += f"  - {{event: {name}, when: {{event: {name}}}{told}}}\n"
        empty = {field for event in vocabulary.events.values() for field in event.fields}
        self._read(text, [{**dict.fromkeys(empty), **row} for row in given], vocabulary)

    def _read(self, text: str, rows: Iterable[Mapping[str, Any]], vocabulary: Vocabulary) -> None:
        found, findings = read_map(text.encode(), "imports/map.yaml", vocabulary)
        assert found is not None, "\n".join(map(str, findings))
        self._files += 1
        path = self.root / "data" / f"{self._files}.jsonl"
        path.parent.mkdir(exist_ok=True)
        lines = (json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        path.write_text("".join(lines), encoding="utf-8")
        summary = import_file(self.root, vocabulary, path, found, at=at("2030-01-01"))
        assert summary.rejected == 0, summary.reasons

    def live(self, *moments: str, matcher: str = "reference", full: bool = False) -> None:
        """Run at some instants in one go; an hour after each, people do their tasks."""
        with self.ledger() as ledger, open_runner(
            self.project, ledger, clock=lambda: 0, prefer=matcher, full=full
        ) as runner:  # fmt: skip
            for moment in moments:
                runner.run(at(moment))
                self._work(ledger, at(moment) + 3_600 * MICROS)

    def _work(self, ledger: Ledger, now: int) -> None:
        """Let people do their tasks: an outcome by customer and turn, answers of every kind.

        Some take five days, some are never done, and no manager does others' overdue tasks.
        """
        for task in tasks(ledger, at=now):
            action = task.action
            begun = now - 5 * 86_400 * MICROS if action.customer in SLOW else now
            never = action.customer in IDLE or ".overdue" in action.step
            if never or (action.opened_at or now) > begun:
                continue
            turn = int(action.customer[1:]) + action.turn
            outcomes = task.step.outcomes
            finish_task(
                ledger, action.id, at=now, timezone=ZONE, who="甲",
                outcome=outcomes[turn % len(outcomes)] if outcomes else None,
                asked=_answers(task.step, turn, now),
            )  # fmt: skip

    def facts(self, playbook: str) -> set[str]:
        """Return what the ledger tells of a playbook, a line each, without customers.

        ``began by severe`` (``at once``: in the first run), ``began by daily at 2025-09-10 09:00``,
        ``refused late``, ``apology done settled``, ``apology for 客服组``, ``touch(2) skipped until``,
        ``release deferred quiet``, ``stopped at playbooks/p.yaml:9:5``, ``journey stopped goal won``.
        """
        found = set()
        for row in self.rows("SELECT * FROM decisions WHERE playbook = ?", playbook):
            found |= set(_decided(row))
        for row in self.rows("SELECT * FROM actions WHERE playbook = ?", playbook):
            turn = f"({row['turn']})" if row["turn"] > 1 else ""
            found.add(_joined(row["step"] + turn, row["state"], row["outcome"], row["reason"]))
            if row["assignee"]:
                found.add(f"{row['step']} for {row['assignee']}")
        for row in self.rows("SELECT * FROM journeys WHERE playbook = ?", playbook):
            found.add(_joined("journey", row["state"], row["reason"], row["goal"]))
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Lived:
    """A project after its last run."""

    story: Story
    books: dict[str, Playbook]  #: as they were before the first run

    def missing(self, example: Example, claims: Sequence[str]) -> list[str]:
        """Return what an example did not show: of its triggers, steps and stops, and of what is
        claimed for it.
        """
        found = self.story.facts(example.name)
        book = self.books[example.name]
        came = {line.partition(" ")[0].partition("(")[0] for line in found}
        stops = [f"stopped at {stop.span}" for stop in book.stops]
        begun = [f"began by {trigger.name}" for trigger in book.triggers]
        steps = [step.name for step in walk(book.steps) if not step.disabled]
        return [
            *(line for line in (*begun, *stops, *claims) if line not in found),
            *(f"step {name}" for name in steps if name not in came),
        ]


def settled(root: Path, log: Path, chosen: Sequence[Example]) -> Lived:
    """Return a project with these examples, before its first run."""
    books = {f"playbooks/{one.name}.yaml": one.book for one in chosen}
    winback = {"playbooks/winback.yaml": base()["playbooks/winback.yaml"]}  # some begin it
    story = Story(root, {**page_files(), **winback, **books}, log)
    project = story.project
    assert project.broken == (), "\n".join(map(str, project.findings))
    return Lived(story=story, books={book.name: book for book in project.playbooks})


def _decided(row: Mapping[str, Any]) -> Iterator[str]:
    if row["gate"] != "start":
        yield _joined(row["gate"], row["verb"], row["reason"], row["rule"])
        if row["gate"] == "stop":
            yield f"stopped at {row['place']}"
    elif row["verb"] != "started":
        yield _joined(row["verb"], row["reason"])
    else:
        began = f"began by {row['trigger']}"
        yield f"{began} at {to_local(row['entry'], ZONE):%Y-%m-%d %H:%M}"
        yield began
        if to_local(row["run_at"], ZONE).date() == FIRST:
            yield f"{began} at once"


def _answers(step: Do, turn: int, now: int) -> dict[str, str]:
    """Return an answer to everything that a step asks for; every fourth time there is none."""
    if turn % 4 == 3:
        return {}
    soon = to_local(now, ZONE).date() + timedelta(days=2)
    said = {
        AskedKind.TEXT: "说明", AskedKind.NUMBER: "12.5", AskedKind.DATE: f"{soon}",
        AskedKind.YES_NO: ("yes", "no")[turn % 2],
    }  # fmt: skip
    found = {}
    for item in step.ask:
        if item.kind is AskedKind.SCALE:
            found[item.name] = str((item.low, item.high)[turn % 2])
        elif item.kind is AskedKind.CHOICE:
            found[item.name] = item.choices[turn % len(item.choices)]
        else:
            found[item.name] = said[item.kind]
    return found


def _joined(*words: str | None) -> str:
    return " ".join(word for word in words if word)
