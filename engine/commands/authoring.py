"""Commands for writing the files of a project: fmt, schema, docs."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from engine.commands.desk import FINDINGS, FORMAT, Desk, leave, show
from rules.errors import InputError, UsageError, did_you_mean

__all__ = ["docs", "fmt", "schema"]


@click.command()
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@click.option("--check", is_flag=True, help="Write nothing; exit 3 where a file would change.")
@click.option("--diff", is_flag=True, help="Write nothing; show what would change.")
@FORMAT
@click.pass_obj
def fmt(desk: Desk, files: tuple[Path, ...], form: str, *, check: bool, diff: bool) -> None:
    """Give FILES one layout; comments and what the files say stay as they are.

    Without FILES: all YAML files of the project; of a folder: those in it. A file with an error is
    left alone, and so is one that could not keep all that it says. "-" reads stdin and writes
    stdout, for editors.

    \b
    Examples:
      care fmt
      care fmt --check
      care fmt --diff playbooks/churn.yaml
    """
    from engine.tidying import State, files_of, named, tidy, write  # noqa: PLC0415

    if files == (Path("-"),):
        _stdin()
        return
    root = None if files else desk.root()
    found = tidy(files_of(root) if root else named(files), root)
    changed = [each for each in found if each.state is State.CHANGED]
    if not (check or diff):
        for each in changed:
            write(each)

    def told() -> str:
        lines = [each.diff() for each in changed] if diff else []
        for each in found:
            lines += [str(finding) for finding in each.findings]
            if each.state is State.LEFT:
                lines.append(f"{each.name}: left as it is: {each.why}")
            elif each.state is State.CHANGED and not diff:
                lines.append(f"{each.name}: {'would change' if check else 'laid out anew'}")
        same = sum(each.state is State.SAME for each in found)
        word = "would change" if check or diff else "changed"
        return "\n".join(
            [*lines, f"{len(changed)} of {len(found)} files {word}, {same} fine already"]
        )

    show([each.to_json() for each in found], form, told)
    if any(each.state is State.LEFT for each in found):
        leave(1)
    if check and changed:
        leave(FINDINGS)


def _stdin() -> None:
    """Lay out stdin onto stdout; a text with errors comes out as it went in, with exit 1."""
    from engine.tidying import kind_of  # noqa: PLC0415
    from rules.layout import lay_out  # noqa: PLC0415

    data = sys.stdin.buffer.read()
    laid = lay_out(data, "stdin", kind_of("stdin", data))
    sys.stdout.buffer.write(laid.data)
    for finding in laid.findings:
        click.echo(str(finding), err=True)
    if laid.left:
        click.echo(f"care: left as it is: {laid.left}", err=True)
        leave(1)


@click.command()
@click.argument("kind", default="")
@click.argument("path", default="")
@click.option("--write", "put", is_flag=True, help="Set up editors: .schemas/, .vscode/settings.json.")  # fmt: skip
@FORMAT
@click.pass_obj
def schema(desk: Desk, kind: str, path: str, form: str, *, put: bool) -> None:
    """Tell what may stand in a KIND of file, or at a PATH in it: meaning, values, example.

    Without KIND: the kinds. With --format json and no PATH: the JSON Schema of the file.

    \b
    Examples:
      care schema playbook
      care schema playbook trigger.missing
      care schema step do
      care schema --write
    """
    from engine.console_schema import render_kinds, render_topic  # noqa: PLC0415
    from rules.schema_topics import FILES, PARTS, document, look_up  # noqa: PLC0415

    if put:
        from engine.editor import set_up  # noqa: PLC0415

        if kind:
            raise UsageError("--write is for the whole project; leave the kind out")
        root = desk.root()
        written = [path.relative_to(root).as_posix() for path in set_up(root)]
        show(written, form, lambda: "\n".join(written))
    elif not kind:
        show({"files": FILES, "parts": PARTS}, form, render_kinds)
    elif kind in FILES and not path and form == "json":
        show(document(kind), form, str)
    else:
        word, _, rest = kind.partition(".")
        topic = look_up(word, ".".join(filter(None, [rest, path])))
        show(topic.to_json(), form, lambda: render_topic(topic))


@click.command()
@click.argument("playbooks", nargs=-1)
@click.option(
    "--format", "form", type=click.Choice(["md", "html"]), help="Usually what --out ends with; else md.",
)  # fmt: skip
@click.option("--out", type=click.Path(path_type=Path), help="Write the page to this file.")
@click.option(
    "--language", type=click.Choice(["auto", "en", "zh"]), default="auto", show_default=True,
    help="The page's own words; auto: Chinese where the project's titles are.",
)  # fmt: skip
@click.pass_obj
def docs(
    desk: Desk, playbooks: tuple[str, ...], form: str | None, out: Path | None, language: str
) -> None:
    """Write a page of the project's playbooks for people, with a flow diagram each.

    Without PLAYBOOKS: all of them. HTML needs no network; Markdown has Mermaid diagrams, which
    GitHub, GitLab and most wikis draw.

    \b
    Examples:
      care docs --out handbook.html
      care docs churn renewal --format md
      care docs --language en --out handbook.md
    """
    from engine.handbook.chapter import handbook, tongue_of  # noqa: PLC0415
    from engine.handbook.markdown import markdown  # noqa: PLC0415
    from engine.handbook.tongue import Tongue  # noqa: PLC0415
    from engine.handbook.web import web_page  # noqa: PLC0415

    project = desk.project(talk=True)
    known = [book.name for book in project.playbooks]
    for name in playbooks:
        if name not in known:
            raise UsageError(f'no playbook "{name}"; {did_you_mean(name, known)}'.rstrip("; "))
    tongue = tongue_of(project) if language == "auto" else Tongue(language)
    book = handbook(project, tongue, playbooks)
    kind = form or ("html" if out and out.suffix in (".html", ".htm") else "md")
    page = web_page(book) if kind == "html" else markdown(book)
    if out is None:
        click.echo(page.rstrip("\n"))
        return
    try:
        out.write_text(page, encoding="utf-8")
    except OSError as error:
        raise InputError(f"can't write {out}: {error.strerror}") from error
    count = len(book.chapters)
    click.echo(f"{out}: {count} playbook{'' if count == 1 else 's'}")
