"""An explanation as a page of its own: for a ticket, a mail, a printer. Nothing is fetched by it."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

__all__ = ["STYLE", "page"]

#: What every page of ours looks like.
STYLE = """
body { font: 15px/1.5 system-ui, "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", sans-serif;
  max-width: 52rem; margin: 2rem auto; padding: 0 1rem; color: #1c1e21; background: #fff; }
h1 { font-size: 1.25rem; margin: 0 0 .75rem; }
h2 { font-size: 1rem; margin: 1.5rem 0 .4rem; border-bottom: 1px solid #d5d8dc; padding-bottom: .2rem; }
p { margin: .15rem 0; overflow-wrap: anywhere; }
.yaml { font: 13px/1.45 ui-monospace, Menlo, Consolas, monospace; background: #f5f6f8;
  white-space: pre-wrap; padding: .05rem .6rem; margin: 0; }
.no { color: #8a1c1c; } .yes { color: #14532d; }
footer { margin-top: 2rem; color: #63676d; font-size: .85rem; }
@media print { body { margin: 0; max-width: none; } .yaml { border: 1px solid #ccc; } }
""".strip()

_YAML = re.compile(r"\s*(\d+) \| ?(.*)")
_LEAF = re.compile(r"\s*([+?-]) ")


def page(text: str, *, foot: str = "") -> str:
    """Return an explanation as HTML: its first line is the title, a line at the margin a heading.

    All of the text is shown as it is; nothing of it is taken for HTML.
    """
    lines = text.splitlines()
    title = html.escape(lines[0]) if lines else ""
    body = "\n".join(_blocks(lines[1:]))
    footer = f"\n<footer>{html.escape(foot)}</footer>" if foot else ""
    return (
        '<!DOCTYPE html>\n<html>\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n<style>\n{STYLE}\n</style>\n</head>\n<body>\n"
        f"<h1>{title}</h1>\n{body}{footer}\n</body>\n</html>\n"
    )


def _blocks(lines: list[str]) -> Iterator[str]:
    fresh = False
    for line in lines:
        if not line.strip():
            fresh = True
            continue
        yaml = _YAML.fullmatch(line)
        if not line.startswith(" ") and fresh:
            yield f"<h2>{html.escape(line)}</h2>"
        elif yaml:
            yield f'<p class="yaml">{yaml[1]:>4}  {html.escape(yaml[2])}</p>'
        else:
            yield _line(line)
        fresh = False


def _line(line: str) -> str:
    indent = (len(line) - len(line.lstrip(" "))) // 2
    leaf = _LEAF.match(line)
    kind = {"+": ' class="yes"', "-": ' class="no"'}.get(leaf[1], "") if leaf else ""
    return f'<p{kind} style="padding-left: {indent * 0.9:.1f}em">{html.escape(line.strip())}</p>'
