"""What ``care doctor`` says of what other programs send: the spool, the rejects, the token."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from engine.doctor import Examined
from engine.ingest.guard import guard_of
from engine.paths import paths_of
from engine.spool import Waiting, waiting
from rules.errors import InputError
from rules.ingest import Ingest
from rules.playbook import Project
from rules.units import MICROS, to_local

__all__ = ["examine_ingest"]

_STALE = 24 * 3600 * MICROS  #: so old may be what waits for a run


def examine_ingest(project: Project, environ: Mapping[str, str], at: int) -> Iterator[Examined]:
    """Yield the state of the spool and the rejects at an instant, and of the token if one is set."""
    paths = paths_of(Path(project.root))
    rules = project.vocabulary.ingest
    yield _spool(waiting(paths.spool), rules, at, project.vocabulary.timezone)
    refused = waiting(paths.refused)
    if refused.files:
        told = f"{_files(refused)}; `care ingest --rejects` shows why"
        yield Examined(name="ingest rejects", fine=True, told=told)
    if rules.token or rules.secret:
        try:
            guard_of(rules, Path(project.root), environ)
        except InputError as error:
            yield Examined(name="ingest token", fine=False, told=str(error))
        else:
            yield Examined(name="ingest token", fine=True, told="set")


def _spool(found: Waiting, rules: Ingest, at: int, tz: str) -> Examined:
    if found.oldest is None:
        return Examined(name="spool", fine=True, told="nothing waits")
    told = f"{_files(found)} since {to_local(found.oldest, tz):%Y-%m-%d %H:%M}"
    if found.bytes >= rules.limit:
        told += ", as much as it may hold: senders are turned away; `care run` empties it"
        return Examined(name="spool", fine=False, told=told)
    if found.oldest < at - _STALE:
        return Examined(name="spool", fine=False, told=f"{told}: is `care run` in cron?")
    return Examined(name="spool", fine=True, told=f"{told}, for the next run")


def _files(found: Waiting) -> str:
    return f"{found.files} file{'' if found.files == 1 else 's'}, {-(-found.bytes // 1000)} kB"
