"""A file into the log: in one transaction, wholly or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.intake.job import Job
from engine.intake.staging import Progress
from engine.intake.summary import ImportSummary
from engine.log import Log, open_log
from engine.log_schema import create_tables
from rules.errors import InputError
from rules.importmap_types import ImportMap
from rules.vocabulary import Vocabulary

__all__ = ["import_file"]

_LOG, _REJECTS = "log.duckdb", "rejects"
WAIT = 10.0  #: seconds for whoever holds the log


def import_file(
    project_root: Path,
    vocabulary: Vocabulary,
    path: Path,
    import_map: ImportMap,
    *,
    at: int,
    strict: bool = False,
    dry_run: bool = False,
    progress: Progress | None = None,
) -> ImportSummary:
    """Import a file by a map and return what went in; ``at`` is the instant of the import.

    Rows that can't be read go to a file under ``.care/rejects``. A dry run changes nothing.
    ``progress`` is called with (done, total) in bytes or rows. Raises InputError for a file that
    can't be read, a missing column, a failing query, and with ``strict`` for any rejected row;
    BusyError while another process holds the log. Whatever ends it early leaves the log as it was.
    """
    import duckdb  # noqa: PLC0415

    if not path.is_file():
        raise InputError(f"there is no file {path}")
    state = project_root / ".care"
    with _open(state / _LOG, dry_run=dry_run) as log:
        log.ensure_columns(vocabulary)
        job = Job(
            log=log,
            vocabulary=vocabulary,
            path=path,
            map=import_map,
            at=at,
            rejects=state / _REJECTS,
            progress=progress,
        )
        try:
            with log.transaction():
                summary = job.run(dry_run=dry_run)
                if strict and summary.rejected:
                    raise InputError(_refused(summary, project_root))
                if dry_run:
                    raise _DryRunError(summary)
        except _DryRunError as done:
            return done.summary
        except duckdb.OutOfRangeException as error:
            raise InputError(f"{path.name} has numbers too large to calculate with") from error
        except (duckdb.InvalidInputException, duckdb.OperationalError) as error:
            # Broken text inside Parquet, a full disk, a file that went away.
            words = str(error).splitlines()[0].partition(": ")[2] or str(error)
            raise InputError(f"{path.name} can't be imported: {words}") from error
        return summary


class _DryRunError(Exception):
    """Takes everything back."""

    def __init__(self, summary: ImportSummary) -> None:
        self.summary = summary
        super().__init__()


@contextmanager
def _open(path: Path, *, dry_run: bool) -> Iterator[Log]:
    """Open the log; a dry run before the first import makes none."""
    if dry_run and not path.exists():
        import duckdb  # noqa: PLC0415

        with duckdb.connect() as connection:
            create_tables(connection)
            yield Log(connection, path, writable=True)
        return
    with open_log(path, writable=True, wait=WAIT) as log:
        yield log


def _refused(summary: ImportSummary, root: Path) -> str:
    lines = "1 line" if summary.rejected == 1 else f"{summary.rejected} lines"
    rejects = summary.rejects
    assert rejects is not None
    shown = rejects.relative_to(root) if rejects.is_relative_to(root) else rejects
    return (
        f"{summary.file} has {lines} that can't be read, so nothing of it went in: "
        f"see {shown.as_posix()}"
    )
