"""A ledger in which every table holds something, and how somebody may tamper with it."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from engine.approvals import approve
from engine.audit.blocks import GENESIS, follow, line_of, pack, unpack
from engine.audit.tables import TABLES
from engine.audit.views import add_views
from engine.ledger import Ledger
from engine.log import open_log
from engine.paths import paths_of
from engine.requests import manual_trigger, request
from engine.settle import Settled, settle
from engine.task_changes import TaskChanges
from tests.factories import CARE, ZONE, Shop, at, event, profile

__all__ = ["Tampering", "in_memory", "rewrite", "whole"]

_BOOKS = {
    "repair": (
        "purpose: repair\ntrigger: {event: complaint}\n"
        "steps:\n  - {step: sorry, do: letter, due: now, template: mail.md}\n"
        "  - {step: ring, do: call, due: within 2 days, assign: owner, outcomes: [ok, bad],"
        " ask: {score: 1 to 5}}\n"
    ),
    "series": (
        "purpose: marketing\ntrigger: {event: visit}\nagain: always\noverlap: parallel\n"
        "steps:\n  - {step: hello, do: letter, due: after 1 day}\n"
        "  - {step: later, do: call, due: between 3 and 5 days, assign: owner}\n"
    ),
    "win": (
        "trigger: {enters: active}\nholdout: 20%\nstop_when:\n  - {leaves: active}\n"
        "steps:\n  - {step: gift, do: post, due: after 1 day}\n"
    ),
    "rhythm": (
        "trigger: {every: 2 days, since: last_time order}\n"
        "steps:\n  - {step: look, do: review, due: within 9 days, assign: boss}\n"
    ),
    "hand": "trigger: manual\nsteps:\n  - {step: talk, do: call, due: now, assign: boss}\n",
}
_HOUSE = (
    "rules:\n  - rule: 先修复\n    when: {work: {purpose: marketing}, running: {purpose: repair}}\n"
    "    then: hold\n"
    "  - {rule: 大客户, when: {work: {playbook: win}, customer: {in: big}}, then: defer 1 day}\n"
    "caps: [{at_most: 1, per: 7 days, purposes: [marketing], then: defer}]\n"
)
_MAIL = 'Subject: 抱歉\n\n{{ customer.name | default: "您好" }}，我们马上处理。\n'


def whole(root: Path) -> Shop:
    """Return a project whose ledger has rows in every table that the chain vouches for."""
    care = CARE.replace("letter: {kind: file}", "letter: {kind: file}\n  post: {kind: file}")
    made = Shop(root, care=care, house=_HOUSE, **_BOOKS)
    made.write("templates/mail.md", _MAIL)
    made.write(".care/out/post", "a file where the folder should be: nothing goes out")
    made.customers(
        *(
            profile(f"c{n}", "2025-01-01", name=f"王{n}", size=120 if n == 3 else 10, manager="甲")
            for n in range(6)
        )
    )
    made.events(*(event(f"c{n}", "order", "2025-02-27T10:00", amount=1) for n in range(3)))
    made.run("2025-03-01T08:00")
    made.events(
        *(event(f"c{n}", "visit", "2025-03-01T09:00") for n in range(3)),
        *(event(f"c{n}", "complaint", "2025-03-02T10:00", case_id="A") for n in (1, 4)),
        *(event(f"c{n}", "order", "2025-03-02T11:00", amount=3) for n in (3, 4, 5)),
    )
    made.run(*(f"2025-03-0{day}T08:00" for day in (2, 3, 4, 5)))
    made.done("ring", "2025-03-05T10:00", "c4", outcome="ok", asked={"score": "4"}, note="谢谢")
    with made.ledger() as ledger:
        _by_people(made, ledger)
    made.events(event("c2", "visit", "2025-03-05T09:30"))
    made.run("2025-03-06T08:00", "2025-03-07T08:00")
    with made.ledger() as ledger:
        approve(ledger, made.project, "win", at=at("2025-03-07T09:00"), who="甲")
    return made


def _by_people(made: Shop, ledger: Ledger) -> None:
    now = at("2025-03-05T11:00")
    with ledger.transaction():
        changes = TaskChanges(ledger, ZONE)
        key = made.action("ring", "c1")["id"]
        changes.snooze(key, until=at("2025-03-09T18:00"), at=now, why="客户出差", who="甲")
    book, trigger = manual_trigger(made.project, "hand", None)
    with open_log(paths_of(made.root).log, writable=False) as log:
        request(ledger, log, book, trigger, ["c1", "c2"], key=None, source="", at=now, who="甲")
    (waiting,) = ledger.rows(
        "SELECT id FROM actions WHERE channel = 'post' AND state = 'due' LIMIT 1"
    )
    settle(ledger, waiting["id"], Settled.FAILED, why="打过电话了", who="甲", at=now)


# -- tampering ----------------------------------------------------------------------------------


def in_memory(path: Path) -> Ledger:
    """Return a copy of a ledger that can be spoilt."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    with sqlite3.connect(path) as source:
        source.backup(connection)
    source.close()
    ledger = Ledger(connection, path)
    add_views(connection, ledger.chain)
    return ledger


def rewrite(ledger: Ledger, change: Callable[[dict[str, Any], str], None]) -> None:
    """Write the whole chain anew, each body changed in place, with hashes that fit.

    ``change`` gets the body of an entry and its kind. Who can do this needs no outside head to fear.
    """
    lines, last = [], GENESIS
    for entry in list(ledger.chain.entries()):
        change(entry.body, entry.kind)
        line = line_of(entry.at, entry.kind, entry.subject, entry.prev, entry.body)
        last = follow(last, entry.n, line)
        lines.append(line)
    ledger.connection.execute("DELETE FROM blocks")
    ledger.connection.execute(
        "INSERT INTO blocks VALUES (?, ?, ?)", [len(lines), last, pack(lines)]
    )
    ledger.chain.forget()


class Tampering:
    """Changes one thing in a ledger, chosen by a seed; ``did`` says which."""

    def __init__(self, ledger: Ledger, draw: random.Random) -> None:
        self.ledger, self.draw, self.did = ledger, draw, ""

    def once(self) -> None:
        """Edit, delete, swap, insert or cut something, so that the file is another one."""
        ways: Sequence[Callable[[], bool]] = (
            self._edit, self._edit, self._delete, self._swap, self._insert, self._rewrite, self._cut,
        )  # fmt: skip
        done = False
        while not done:
            try:
                done = self.draw.choice(ways)()
            except sqlite3.IntegrityError:
                continue  # the table itself does not take it

    def _table(self) -> tuple[str, list[dict[str, Any]]]:
        name = self.draw.choice((*TABLES, "membership"))
        return name, list(self.ledger.rows(f"SELECT * FROM {name}"))

    def _set(self, table: str, row: dict[str, Any], column: str, value: object) -> None:
        where = " AND ".join(f"{name} IS ?" for name in row)
        self.ledger.connection.execute(
            f"UPDATE {table} SET {column} = ? WHERE {where}", [value, *row.values()]
        )
        self.did = f"{table}.{column}: {row[column]!r} -> {value!r}"

    def _edit(self) -> bool:
        table, rows = self._table()
        row = self.draw.choice(rows)
        column = self.draw.choice(list(row))
        value = self._other(row[column], [other[column] for other in rows])
        if value == row[column]:
            return False
        self._set(table, row, column, value)
        return True

    def _other(self, value: object, beside: list[object]) -> object:
        match value:
            case int():
                return self.draw.choice((value + 1, value - 1, 0, value * 2, None, *beside))
            case str() if value:
                place = self.draw.randrange(len(value))
                letter = self.draw.choice("x7 王")
                changed = value[:place] + letter + value[place + 1 :]
                return self.draw.choice((changed, value + " ", value[1:], "", None, *beside))
            case bytes():
                place = self.draw.randrange(len(value))
                return value[:place] + bytes([value[place] ^ 64]) + value[place + 1 :]
            case _:
                return self.draw.choice((1, "x", *beside))

    def _delete(self) -> bool:
        table, rows = self._table()
        row = self.draw.choice(rows)
        where = " AND ".join(f"{name} IS ?" for name in row)
        self.ledger.connection.execute(f"DELETE FROM {table} WHERE {where}", list(row.values()))
        self.did = f"{table}: deleted {row}"
        return True

    def _swap(self) -> bool:
        table, rows = self._table()
        if len(rows) < 2:
            return False
        one, other = self.draw.sample(rows, 2)
        column = self.draw.choice(list(one))
        if one[column] == other[column]:
            return False
        self._set(table, one, column, other[column])
        changed = {**one, column: other[column]}
        if changed != other:
            self._set(table, other, column, one[column])
        self.did = f"{table}.{column}: {one[column]!r} <-> {other[column]!r}"
        return True

    def _insert(self) -> bool:
        table, rows = self._table()
        row = dict(self.draw.choice(rows))
        for name in self.draw.sample(list(row), self.draw.randint(1, min(3, len(row)))):
            row[name] = self._other(row[name], [])
        marks = ", ".join("?" * len(row))
        self.ledger.connection.execute(
            f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})", list(row.values())
        )
        self.did = f"{table}: inserted {row}"
        return True

    def _rewrite(self) -> bool:
        """Change what an entry says, and pack its block again."""
        row = self.draw.choice(list(self.ledger.rows("SELECT * FROM blocks")))
        lines = unpack(row["body"])
        place = self.draw.randrange(len(lines))
        match self.draw.randrange(4):
            case 0:
                del lines[place]
            case 1:
                lines.insert(place, lines[self.draw.randrange(len(lines))])
            case 2:
                lines[place] = lines[place].replace("0", "1", 1)
            case _:
                self.draw.shuffle(lines)
        if lines == unpack(row["body"]) or not lines:
            return False
        self.ledger.connection.execute(
            "UPDATE blocks SET body = ? WHERE n = ?", [pack(lines), row["n"]]
        )
        self.did = f"blocks: entry {place} of block {row['n']}"
        return True

    def _cut(self) -> bool:
        """Take the last blocks away, or one in the middle."""
        numbers = [row["n"] for row in self.ledger.rows("SELECT n FROM blocks ORDER BY n")]
        first = self.draw.choice(numbers)
        last = self.draw.choice((first, numbers[-1]))
        self.ledger.connection.execute("DELETE FROM blocks WHERE n BETWEEN ? AND ?", [first, last])
        self.did = f"blocks: {first} to {last} deleted"
        return True
