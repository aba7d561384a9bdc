"""``care schema`` as text: what may stand at a place of a file."""

from __future__ import annotations

from rules.schema_topics import FILES, PARTS, Key, Topic, as_yaml

__all__ = ["render_kinds", "render_topic"]


def render_kinds() -> str:
    """Return the kinds of files and parts that ``care schema`` can explain."""
    rows = [(kind, file, says) for kind, (file, says) in FILES.items()]
    lines = ["Files:", *(f"  {kind:<9} {file:<18} {says}" for kind, file, says in rows)]
    lines += ["Parts of them:"]
    lines += [f"  {part:<9} {file} {path}" for part, (file, path) in PARTS.items()]
    return "\n".join([*lines, "More: care schema playbook, care schema step do, care schema trigger.missing"])  # fmt: skip


def render_topic(topic: Topic) -> str:
    """Return everything that is to say of a place."""
    lines = [f"{topic.name}: {topic.says}"]
    if topic.takes:
        lines.append(f"  takes: {', or '.join(topic.takes)}")
    lines += [f"    {word}{f': {says}' if says else ''}" for word, says in topic.words]
    if topic.default is not None:
        lines.append(f"  when it is missing: {as_yaml(topic.default)}")
    for example in topic.examples:
        key = f"{topic.path[-1]}: " if topic.path else ""
        lines.append(f"  example: {key}{as_yaml(example)}")
    if topic.beside:
        lines += ["", "beside it:", *_rows(topic.beside)]
    common = [key for key in topic.keys if not key.kinds]
    if common:
        lines += ["", "keys:", *_rows(common)]
    lines += _families([key for key in topic.keys if key.kinds])
    return "\n".join(lines)


def _rows(keys: tuple[Key, ...] | list[Key]) -> list[str]:
    width = max(len(key.name) for key in keys)
    return [
        f"  {key.name:<{width}}  {key.says}{' (needed)' if key.needed else ''}".rstrip()
        for key in keys
    ]


def _families(keys: list[Key]) -> list[str]:
    """Return the keys of each kind of a place: first what decides, then what goes with it."""
    if not keys:
        return []
    heads = {key.name: key for key in keys if key.kinds == (key.name,)}
    kinds = list(dict.fromkeys(kind for key in keys for kind in key.kinds))
    lines = ["", "one of these, with what goes with it:" if heads else "by what it is:"]
    width = max(map(len, kinds))
    for kind in kinds:
        others = [key.name for key in keys if kind in key.kinds and key.name != kind]
        says = heads[kind].says if kind in heads else ", ".join(others)
        lines.append(f"  {kind:<{width}}  {says}")
        if kind in heads and others:
            lines.append(f"  {'':<{width}}  with {', '.join(others)}")
    return lines
