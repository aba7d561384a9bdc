"""The command line: the program's entry, its clock, and the words for what went wrong.

stdout is data, stderr is talk. Exit 0 fine, 1 error, 2 usage, 3 findings (a held playbook, or
warnings under ``check --strict``). Only this module reads the clock; the commands stand in
``engine.commands``.
"""

from __future__ import annotations

import os
import signal
import sqlite3
import sys
import time
from importlib import import_module
from pathlib import Path

try:  # the longest time before main() listens to Ctrl-C
    import click

    from engine.commands.desk import Desk, count_of
    from rules.errors import CareError, ProjectError, did_you_mean
except KeyboardInterrupt:
    sys.exit(130)

__all__ = ["main"]

#: command -> module of ``engine.commands`` that has it; loaded when it is asked for
_COMMANDS = {
    "add": "library",
    "approve": "run",
    "assign": "people",
    "audit": "audit",
    "backtest": "backtest",
    "check": "project",
    "deliver": "outbox",
    "docs": "authoring",
    "doctor": "project",
    "done": "people",
    "fmt": "authoring",
    "import": "log",
    "ingest": "ingest",
    "init": "project",
    "journeys": "questions",
    "library": "library",
    "log": "log",
    "outbox": "outbox",
    "plan": "plan",
    "preview": "texts",
    "reopen": "people",
    "replay": "replay",
    "report": "report",
    "run": "run",
    "schema": "authoring",
    "segments": "log",
    "serve": "ingest",
    "settle": "outbox",
    "snooze": "people",
    "start": "run",
    "tasks": "tasks",
    "test": "testing",
    "why": "questions",
    "why-not": "questions",
}


def now() -> int:
    """Return the wall clock as an instant: the only place where time comes from."""
    return time.time_ns() // 1_000


class _Commands(click.Group):
    """Loads a command when it is asked for, and names a near one for an unknown one."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return sorted(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        module = _COMMANDS.get(cmd_name)
        if module is None:
            return None
        name = "import_" if cmd_name == "import" else cmd_name.replace("-", "_")
        found = getattr(import_module(f"engine.commands.{module}"), name)
        assert isinstance(found, click.Command)
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands with whole sentences: a cut one helps nobody."""
        found = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl(
                [
                    (name, command.get_short_help_str(limit=200))
                    for name, command in found
                    if command
                ]
            )

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            hint = did_you_mean(args[0], _COMMANDS)
            if hint:
                raise click.UsageError(f'no command "{args[0]}"; {hint}', ctx) from error
            raise


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.option(
    "-C",
    "--project",
    "folder",
    type=click.Path(path_type=Path),
    help="The care project (default: the folder with care.yaml here or above).",
)
@click.option("--debug", is_flag=True, expose_value=False, help="Show tracebacks.")
@click.version_option(package_name="care-engine", prog_name="care")
@click.pass_context
def care(ctx: click.Context, folder: Path | None) -> None:
    """Customer care from playbooks in YAML: who gets what, when, and why.

    \b
    A first tour:
      care init shop --sample online-retail   make a project with real data
      cd shop
      care check                              everything wrong in the YAML, at once
      care test                               what the playbooks have to do, played in memory
      care import data/online-retail-slice.parquet --map imports/online-retail.yaml
      care plan --at 2011-11-01T08:00         what the next run would do; nothing is written
      care run --from 2011-11-01T08:00 --to 2011-12-09T08:00 --every "1 day"
      care tasks                              what people have to do
      care why a-...                          why an action is there
    """
    ctx.obj = Desk(folder=folder, clock=now)


def main() -> None:
    """Run the program; every known error becomes one line and an exit code."""
    debug = "--debug" in sys.argv
    interrupted = _listen_to_ctrl_c()
    try:
        code = care.main(standalone_mode=False)
        sys.stdout.flush()
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except (click.Abort, KeyboardInterrupt):
        code = _stopped()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except ProjectError as error:
        for finding in error.findings:
            click.echo(str(finding), err=True)
        click.echo(f"care: {count_of(error.findings)}; nothing was done", err=True)
        code = error.exit_code
    except CareError as error:
        click.echo(f"care: {error}", err=True)
        code = error.exit_code
    except Exception as error:
        if interrupted:  # DuckDB makes a RuntimeError of Ctrl-C
            code = _stopped()
        elif debug:
            raise
        else:
            code = _unexpected(error)
    sys.exit(code)


def _listen_to_ctrl_c() -> list[int]:
    """Return a list that is no longer empty once Ctrl-C was pressed."""
    pressed: list[int] = []

    def stop(number: int, _frame: object) -> None:
        pressed.append(number)
        raise KeyboardInterrupt

    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # in the background: ignored
        signal.signal(signal.SIGINT, stop)
    return pressed


def _stopped() -> int:
    click.echo("care: stopped; what was finished is kept, nothing is half done", err=True)
    return 130


def _unexpected(error: Exception) -> int:
    if isinstance(error, sqlite3.Error | OSError):
        click.echo(f"care: {error}; nothing of this step was written", err=True)
    else:
        click.echo(
            f"care: an error inside care ({type(error).__name__}: {error}); --debug shows where",
            err=True,
        )
    return 1


if __name__ == "__main__":
    main()
