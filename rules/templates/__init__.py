"""Texts of messages and tasks: Liquid with limits, read and checked before anything is sent.

``text`` is the model, ``reader`` reads a file, ``scan`` finds what is wrong in its form, ``study``
which variables it uses, ``fill`` puts values in. ``values`` says how a value is shown.
"""

from __future__ import annotations

from rules.templates.text import BRIEF, Filled, Text, TextKind, has_liquid

__all__ = ["BRIEF", "Filled", "Text", "TextKind", "has_liquid"]
