"""Commands about what other programs send: ingest, serve."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine.commands.desk import FINDINGS, FORMAT, Desk, leave, show
from engine.paths import paths_of
from rules.errors import StateError, UsageError

if TYPE_CHECKING:
    from engine.ingest.piping import Piped
    from engine.ingest.taken import Taken
    from rules.playbook import Project

__all__ = ["ingest", "serve"]


@click.command()
@click.argument("files", nargs=-1)
@click.option("--now", is_flag=True, help="Take what waits into the log at once.")
@click.option("--retry-rejects", "retry", is_flag=True, help="Take what was refused before, again.")
@click.option("--rejects", is_flag=True, help="Show what was refused, and why.")
@FORMAT
@click.pass_obj
def ingest(desk: Desk, files: tuple[str, ...], form: str, *, now: bool, retry: bool, rejects: bool) -> None:  # fmt: skip
    """Take JSON lines from FILES, or - for a pipe: Segment calls, CloudEvents, results.

    They wait in the spool, like what `care serve --ingest` receives, until the next `care run` or
    `--now`. What comes twice counts once.

    \b
    Examples:
      care ingest export.jsonl
      tail -n +1 events.jsonl | care ingest - --now
      care ingest --rejects
      care ingest --retry-rejects        after care.yaml was mended
    """
    if rejects:
        if files or now or retry:
            raise UsageError("--rejects shows what was refused, and goes alone")
        _show_rejects(desk, form)
        return
    if not (files or now or retry):
        raise UsageError("name a file, or - for a pipe; --now takes what waits")
    project = desk.project(talk=True)
    piped = [_pipe(desk, project, name) for name in files]
    taken = _take(desk, project, retry=retry) if now or retry else None
    _show_taken(piped, taken, form)
    if any(each.unreadable for each in piped) or (taken and taken.refused):
        leave(FINDINGS)


def _pipe(desk: Desk, project: Project, name: str) -> Piped:
    from engine.ingest.piping import pipe  # noqa: PLC0415
    from engine.ingest.taking import spool_of  # noqa: PLC0415
    from engine.intake.files import open_bytes  # noqa: PLC0415
    from rules.errors import InputError  # noqa: PLC0415

    spool = spool_of(paths_of(Path(project.root)), project.vocabulary)
    if name == "-":
        return pipe(sys.stdin.buffer, "the pipe", spool, clock=desk.clock)
    path = Path(name)
    if not path.is_file():
        raise InputError(f"there is no file {name}")
    with open_bytes(path) as opened:
        return pipe(opened.stream, path.name, spool, clock=desk.clock)


def _take(desk: Desk, project: Project, *, retry: bool) -> Taken:
    from engine.ingest.taking import retry_refused, take  # noqa: PLC0415

    paths = paths_of(Path(project.root))
    with desk.ledger(create=True) as ledger, ledger.lease(desk.clock) as lease:
        if retry:
            retry_refused(paths)
        return take(paths, project.vocabulary, ledger, lease, at=desk.clock())


def _show_taken(piped: list[Piped], taken: Taken | None, form: str) -> None:
    from engine.console_ingest import (  # noqa: PLC0415
        piped_json,
        render_piped,
        render_taken,
        taken_json,
    )

    value = {
        "files": [piped_json(each) for each in piped],
        "taken": None if taken is None else taken_json(taken),
    }

    def text() -> str:
        lines = [render_piped(each, waits=taken is None) for each in piped]
        return "\n".join([*lines, *([] if taken is None else [render_taken(taken)])])

    show(value, form, text)


def _show_rejects(desk: Desk, form: str) -> None:
    from engine.console_ingest import refused_json, render_refused  # noqa: PLC0415
    from engine.ingest.taking import refused  # noqa: PLC0415

    zone = desk.project().vocabulary.timezone
    found = refused(paths_of(desk.root()))
    show([refused_json(each) for each in found], form, lambda: render_refused(found, zone), zone)


@click.command()
@click.option("--ingest", "receives", is_flag=True, help="Receive events and results over HTTP.")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen at.")
@click.option("--port", default=8377, show_default=True, type=click.IntRange(0, 65535))
@click.option("-q", "--quiet", is_flag=True, help="No line a request.")
@click.pass_obj
def serve(desk: Desk, host: str, port: int, *, receives: bool, quiet: bool) -> None:
    """Serve until it is stopped (Ctrl-C, SIGTERM): events come in over HTTP and wait in the spool.

    A request is answered with 200 when the disk has what it sent. `care run` takes it from there.
    Without `ingest: {token: ...}` in care.yaml only this machine may send.

    \b
    Example:
      care serve --ingest
      curl -X POST localhost:8377/v1/track -H "content-type: application/json" \\
        -d '{"userId": "17850", "event": "order", "properties": {"amount": 420}}'
    """
    from engine.ingest.guard import guard_of  # noqa: PLC0415
    from engine.ingest.receiver import Receiver, application  # noqa: PLC0415
    from engine.ingest.server import listen, serving  # noqa: PLC0415
    from engine.ingest.taking import spool_of  # noqa: PLC0415
    from rules.units import to_iso  # noqa: PLC0415

    if not receives:
        raise UsageError("write care serve --ingest: receiving is all there is to serve")
    project = desk.project()
    zone = project.vocabulary.timezone
    guard = guard_of(project.vocabulary.ingest, Path(project.root), os.environ)
    guard.require_for(host)

    def told(line: str) -> None:
        if not quiet:
            click.echo(f"{to_iso(desk.clock() // 1_000_000 * 1_000_000, zone)} {line}", err=True)

    spool = spool_of(paths_of(Path(project.root)), project.vocabulary)
    receiver = Receiver(spool=spool, guard=guard, clock=desk.clock, told=told)
    bound = listen(host, port)
    shown = f"[{host}]" if ":" in host else host
    with _asked_to_stop() as stop, serving(application(receiver), bound) as ended:
        open_to = ", for programs of this machine: there is no token" if guard.open else ""
        click.echo(f"care receives at http://{shown}:{bound.getsockname()[1]}{open_to}", err=True)
        while not stop.wait(0.2) and not ended.is_set():
            pass
    if not stop.is_set():
        raise StateError("the receiver ended by itself")


@contextmanager
def _asked_to_stop() -> Iterator[threading.Event]:
    """Yield an event that Ctrl-C and SIGTERM set."""
    stop = threading.Event()
    before = {
        number: signal.signal(number, lambda *_: stop.set())
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
