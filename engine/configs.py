"""What runs were made with, as the ledger keeps it: vocabulary, shared definitions, house rules, and
which playbooks there were.

They let the ledger be read, and its decisions be made again, without the project's files.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import lru_cache

from engine.ids import canonical_json
from engine.ledger import Ledger
from engine.revisions import Revisions, decode, encode
from rules.errors import StateError
from rules.measures import Catalogue
from rules.playbook import HouseRules, Playbook, Project, Status
from rules.vocabulary import Vocabulary

__all__ = ["Config", "Configs", "Listed"]

_LAST = "SELECT c.model FROM configs c JOIN runs r ON r.config = c.id ORDER BY r.n DESC LIMIT 1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A sound playbook of a configuration, in the project's order."""

    file: str
    revision: str
    book: Playbook | None  #: None: an active one, which stands among the revisions


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """What the decisions of a run rest on; of its active playbooks, which revisions they were."""

    vocabulary: Vocabulary
    catalogue: Catalogue
    house: HouseRules
    books: tuple[Listed, ...]


class Configs:
    """The configurations of a ledger, by the hash that stands on runs and decisions."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger

    def keep(self, project: Project, *, at: int) -> None:
        """Store the configuration of a project that the ledger does not have yet."""
        key = project.config_hash
        if self.ledger.one("SELECT 1 FROM configs WHERE id = ?", key):
            return
        self.ledger.insert("configs", [{"id": key, "at": at, "model": _model(project)}])

    def get(self, key: str) -> Config | None:
        """Return a configuration, None where the ledger does not have it."""
        row = self.ledger.one("SELECT model FROM configs WHERE id = ?", key)
        return _config(row["model"]) if row else None

    def last(self) -> Config | None:
        """Return the configuration of the last run, None before the first."""
        row = self.ledger.one(_LAST)
        return _config(row["model"]) if row else None

    def project(self, key: str, root: str, *, broken: Collection[str] = ()) -> Project:
        """Return the project that runs had under a configuration, ``broken``: files left out.

        Raises StateError where the ledger does not have all of it.
        """
        try:
            config = self.get(key)
        except (zlib.error, ValueError, KeyError, TypeError) as error:
            raise StateError(f"the configuration {key[:12]} can't be read: {error}") from error
        if config is None:
            raise StateError(f"the ledger does not hold the configuration {key[:12]}")
        revisions = Revisions(self.ledger)
        return Project(
            root=root, vocabulary=config.vocabulary, catalogue=config.catalogue,
            house=config.house, playbooks=tuple(_book(revisions, one) for one in config.books),
            broken=tuple(broken), config_hash=key,
        )  # fmt: skip


#: The last configurations that were packed: tests play one project in a thousand ledgers.
_PACKED: dict[int, tuple[Project, bytes]] = {}
_MOST_PACKED = 64


def _model(project: Project) -> bytes:
    found = _PACKED.get(id(project))
    if found is None or found[0] is not project:
        parts = [encode(part) for part in (project.vocabulary, project.catalogue, project.house)]
        parts.append([_listed(book) for book in project.playbooks])
        if len(_PACKED) >= _MOST_PACKED:
            _PACKED.clear()
        found = project, zlib.compress(canonical_json(parts).encode())
        _PACKED[id(project)] = found
    return found[1]


def _listed(book: Playbook) -> list[object]:
    own = None if book.status is Status.ACTIVE else encode(replace(book, source=""))
    return [book.file, book.revision, own]


def _book(revisions: Revisions, one: Listed) -> Playbook:
    if one.book is not None:
        return one.book
    source = revisions.source(one.revision)
    found = revisions.get(one.revision)
    return replace(found, file=one.file, status=Status.ACTIVE, source=source)


@lru_cache(maxsize=8)
def _config(model: bytes) -> Config:
    *parts, books = json.loads(zlib.decompress(model))
    vocabulary, catalogue, house = (decode(part) for part in parts)
    listed = (
        Listed(file=file, revision=revision, book=None if own is None else decode(own))
        for file, revision, own in books
    )
    return Config(
        vocabulary=vocabulary, catalogue=catalogue, house=house, books=tuple(listed)
    )  # fmt: skip
