"""Importing files: reading, mapping, staging, and what can't be read."""

from __future__ import annotations

from engine.intake.importer import import_file
from engine.intake.summary import ImportSummary, Landing

__all__ = ["ImportSummary", "Landing", "import_file"]
