"""What an editor needs to complete and explain the files of a project: schemas, and which is whose."""

from __future__ import annotations

import json
from pathlib import Path

from engine.scaffold import SCHEMA_FOLDER
from rules.errors import InputError
from rules.schema import write_schemas
from rules.schema_topics import FILES

__all__ = ["set_up"]

SETTINGS = ".vscode/settings.json"


def set_up(root: Path) -> list[Path]:
    """Write the schemas into ``.schemas/`` and name them in ``.vscode/settings.json``.

    Other settings stay. Returns the files written, sorted. Raises InputError where the settings can't
    be read as JSON (comments in them, say); the schemas are written then.
    """
    settings = root / SETTINGS
    try:
        written = write_schemas(root / SCHEMA_FOLDER)
        settings.parent.mkdir(exist_ok=True)
        old = settings.read_text(encoding="utf-8") if settings.exists() else "{}"
    except OSError as error:
        raise InputError(f"can't write {error.filename}: {error.strerror}") from error
    ours = {f"./{SCHEMA_FOLDER}/{kind}.schema.json": file for kind, (file, _) in FILES.items()}
    new = _merged(old, ours)
    if new is None:
        lines = json.dumps({"yaml.schemas": ours}, indent=2, ensure_ascii=False)
        raise InputError(
            f"{SETTINGS} is not plain JSON and was left as it is; put this into it:\n{lines}"
        )
    if new != old:
        settings.write_text(new, encoding="utf-8")
        written.append(settings)
    return sorted(written)


def _merged(old: str, ours: dict[str, str]) -> str | None:
    """Return the settings with ours; None where they can't be read."""
    try:
        found = json.loads(old or "{}")
    except json.JSONDecodeError:
        return None
    known = found.get("yaml.schemas", {}) if isinstance(found, dict) else None
    if not isinstance(known, dict):
        return None
    if all(known.get(key) == value for key, value in ours.items()):
        return old
    found["yaml.schemas"] = {**known, **ours}
    return json.dumps(found, indent=2, ensure_ascii=False) + "\n"
