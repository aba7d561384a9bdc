"""Numbered crash points, put around everything that leaves a trace outside the process.

Installed from outside, in a forked child: around each statement of SQLite and DuckDB, each opening
and closing of the log, each rename, removal and sync of a file, each send of a channel and each
piece that goes over a socket. At the point with a given number the process dies by SIGKILL, is
stopped, or can't write any more from there on.
"""

from __future__ import annotations

import errno
import os
import signal
import socket
import sqlite3
from collections.abc import Callable
from enum import StrEnum
from typing import Any

import duckdb

from engine.switchboard import Switchboard

__all__ = ["How", "Points"]

_READS = ("select", "with", "pragma", "from", "show", "describe", "explain")


class How(StrEnum):
    """What happens at a point."""

    KILL = "kill"  #: SIGKILL: neither `finally` nor ROLLBACK
    STOP = "stop"  #: SIGSTOP: somebody else goes on meanwhile
    FULL = "full"  #: the disk is full from here on
    DENIED = "denied"  #: the files are another user's from here on


class Points:
    """Counts the points that a process passes, and lets it happen at one of them."""

    def __init__(self, fatal: int = 0, how: How = How.KILL, *, pages: int | None = None) -> None:
        self.fatal = fatal  #: number of the point at which it happens; 0: never
        self.how = how
        self.pages = pages  #: so many more pages the ledger has room for
        self.passed: list[str] = []  #: what each point was
        self.refusing = False

    def hit(self, what: str) -> None:
        """Pass a point."""
        self.passed.append(what)
        if len(self.passed) != self.fatal:
            return
        match self.how:
            case How.KILL:
                os.kill(os.getpid(), signal.SIGKILL)
            case How.STOP:
                os.kill(os.getpid(), signal.SIGSTOP)
            case How.FULL | How.DENIED:
                self.refusing = True

    def around(self, what: str, act: Callable[..., Any], *given: Any, **named: Any) -> Any:
        """Do something with a point before and one after it."""
        self.hit(f"before {what}")
        done = act(*given, **named)
        self.hit(f"after {what}")
        return done

    def install(self) -> None:
        """Put the points into this process, for the rest of its life."""
        self._ledgers()
        self._logs()
        self._files()
        self._sends()

    # -- SQLite -----------------------------------------------------------------------------------

    def _ledgers(self) -> None:
        points = self
        opened = sqlite3.connect

        class Connection(sqlite3.Connection):
            def execute(self, sql: str, *given: Any) -> sqlite3.Cursor:
                points.writes_ledger(sql)
                done: sqlite3.Cursor = points.around(
                    f"ledger: {_short(sql)}", super().execute, sql, *given
                )
                return done

            def executemany(self, sql: str, *given: Any) -> sqlite3.Cursor:
                points.writes_ledger(sql)
                done: sqlite3.Cursor = points.around(
                    f"ledger: {_short(sql)}", super().executemany, sql, *given
                )
                return done

        def connect(*given: Any, **named: Any) -> sqlite3.Connection:
            made = opened(*given, factory=Connection, **named)
            if points.pages is not None:
                (count,) = sqlite3.Connection.execute(made, "PRAGMA page_count").fetchone()
                limit = f"PRAGMA max_page_count = {max(1, count + points.pages)}"
                sqlite3.Connection.execute(made, limit)
            return made

        sqlite3.connect = connect  # type: ignore[assignment]

    def writes_ledger(self, sql: str) -> None:
        """Refuse a statement that would write, where nothing can be written."""
        if not self.refusing or sql.lower().lstrip().startswith((*_READS, "rollback")):
            return
        full = self.how is How.FULL
        words = "database or disk is full" if full else "attempt to write a readonly database"
        error = sqlite3.OperationalError(words)
        error.sqlite_errorcode = sqlite3.SQLITE_FULL if full else sqlite3.SQLITE_READONLY
        raise error

    # -- DuckDB -----------------------------------------------------------------------------------

    def _logs(self) -> None:
        opened = duckdb.connect

        def connect(*given: Any, **named: Any) -> Any:
            if not named.get("read_only"):
                self.writes_log("attach")
            made = self.around("log: open", opened, *given, **named)
            return _Duck(made, self)

        duckdb.connect = connect

    def writes_log(self, sql: str) -> None:
        """Refuse a statement that would write, where nothing can be written."""
        if self.refusing and not sql.lower().lstrip().startswith((*_READS, "rollback")):
            words = "No space left on device" if self.how is How.FULL else "Permission denied"
            raise duckdb.IOException(f'IO Error: Cannot write file "log.duckdb": {words}')

    # -- files ------------------------------------------------------------------------------------

    def _files(self) -> None:
        for name in ("replace", "rename", "unlink", "fsync"):
            setattr(os, name, self._file(name, getattr(os, name)))

    def _file(self, name: str, act: Callable[..., Any]) -> Callable[..., Any]:
        def does(*given: Any, **named: Any) -> Any:
            if self.refusing and name != "unlink":
                number = errno.ENOSPC if self.how is How.FULL else errno.EACCES
                raise OSError(number, os.strerror(number))
            return self.around(f"file: {name}", act, *given, **named)

        return does

    # -- channels ---------------------------------------------------------------------------------

    def _sends(self) -> None:
        send = Switchboard.send

        def sends(board: Switchboard, *given: Any, **named: Any) -> Any:
            return self.around("send", send, board, *given, **named)

        Switchboard.send = sends  # type: ignore[method-assign]
        for name in ("sendall", "send", "connect"):
            does = self._socket(name, getattr(socket.socket, name))
            setattr(socket.socket, name, does)

    def _socket(self, name: str, act: Callable[..., Any]) -> Callable[..., Any]:
        def does(*given: Any) -> Any:
            return self.around(f"socket: {name}", act, *given)

        return does


class _Duck:
    """A connection to the log with points around what it does."""

    def __init__(self, real: Any, points: Points) -> None:
        self._real, self._points = real, points

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._real, name)
        if name not in ("execute", "sql", "query", "begin", "commit", "rollback", "close"):
            return found

        def does(*given: Any, **named: Any) -> Any:
            words = _short(given[0]) if given else name
            self._points.writes_log(words if given else "rollback")
            return self._points.around(f"log: {words}", found, *given, **named)

        return does

    def __enter__(self) -> _Duck:
        return self

    def __exit__(self, *_: object) -> None:
        self._real.close()


def _short(sql: str) -> str:
    return " ".join(sql.split())[:60]
