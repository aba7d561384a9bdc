"""Import maps: from YAML nodes to types.

::

    import: 1
    source: shop                  # names where the rows come from; with the id it makes one known
    format: csv                   # csv | jsonl | parquet | xlsx      (else found out)
    delimiter: ";"                # one character | comma | tab | semicolon | pipe | whitespace
    encoding: gb18030             # (else found out)
    sheet: Orders                 # of a workbook                     (else its first)
    columns: [a, b]               # names, for a file without a header line
    timezone: Europe/London       # of times without one              (else the project's)
    query: SELECT ... FROM rows   # for anything harder
    duplicates: keep              # keep | drop exact duplicate lines
    known: at event               # at event | at import | a time column
    customer: CustomerID          # column
    time: InvoiceDate             # column | {column, format, timezone}
    id: Id                        # column | [columns]
    when: {Status: [paid, sent]}  # row condition of all entries
    events:                       # each may have its own customer, time, known, id, when
      - event: order              # kind | {from: column, values: {word in the file: kind}}
        when: {InvoiceNo: not starts with C, Quantity: above 0}   # a list of mappings: any of
        group: InvoiceNo          # column | [columns]: their lines become one event
        fields: {amount: {sum: Quantity * UnitPrice}, country: Country}
    profile:                      # customer attributes; may have customer, time, known, id, when
      attributes: {email_ok: {column: Mail, values: {Y: yes, N: no}}}

A cell is ``Column``, ``A * B`` (numbers), ``{column:, values:, format:, timezone:}``,
``{value: fixed text}``, ``{count: rows}`` or ``{sum | min | max | first | last | count | distinct:
Column}``; ``sum`` takes a product too. Row tests: a text, a list (one of), ``not T``, ``starts
with | ends with | contains X``, ``at least | at most | above | below N``, ``between A and B``,
``known | unknown``; a quoted text is always literal. An empty cell passes no test but ``unknown``.
"""

from __future__ import annotations

from rules.errors import Finding, Level, did_you_mean
from rules.importmap_cells import read_columns, read_when
from rules.importmap_entries import Shared, read_event, read_profile
from rules.importmap_notes import Notes
from rules.importmap_types import (
    Duplicates,
    FileFormat,
    FileKind,
    ImportMap,
)
from rules.nodes import Mapping, Node, Scalar
from rules.vocabulary import Vocabulary

__all__ = ["ImportMap", "parse_map", "read_map"]

_KEYS = (
    "import",
    "source",
    "format",
    "delimiter",
    "encoding",
    "sheet",
    "columns",
    "timezone",
    "query",
    "duplicates",
    "known",
    "customer",
    "time",
    "id",
    "when",
    "events",
    "profile",
)
_DELIMITERS = {"comma": ",", "tab": "\t", "semicolon": ";", "pipe": "|", "\\t": "\t"}


def read_map(
    data: bytes, file: str, vocabulary: Vocabulary
) -> tuple[ImportMap | None, tuple[Finding, ...]]:
    """Read an import map from the bytes of its file; None where it has errors."""
    from rules.schema import validate  # noqa: PLC0415  (jsonschema is slow to load)
    from rules.source import read_yaml  # noqa: PLC0415

    node, findings = read_yaml(data, file)
    if node is None:
        return None, findings
    findings += validate(node, "import")
    found, notes = parse_map(node, vocabulary)
    # The schema has spoken of these places: one message a mistake.
    told = {(finding.span.line, finding.code) for finding in findings}
    places = {(finding.span.line, finding.span.col) for finding in findings}
    findings += tuple(
        note
        for note in notes
        if (note.span.line, note.code) not in told and (note.span.line, note.span.col) not in places
    )
    if any(finding.level is Level.ERROR for finding in findings):
        found = None
    return found, tuple(sorted(findings, key=lambda finding: finding.order))


def parse_map(node: Node, vocabulary: Vocabulary) -> tuple[ImportMap | None, tuple[Finding, ...]]:
    """Return the map behind a node, or None with everything that is wrong with it."""
    notes = Notes()
    found = _parse(node, vocabulary, notes)
    findings = notes.findings
    if any(finding.level is Level.ERROR for finding in findings):
        found = None
    return found, findings


def _parse(node: Node, vocabulary: Vocabulary, notes: Notes) -> ImportMap | None:
    root = notes.mapping(node, "", _KEYS, "an import map is keys and values: source, customer ...")
    if root is None:
        return None
    version = root.get("import")
    if not isinstance(version, Scalar) or version.text != "1":
        span = version.span if version is not None else root.span
        notes.add("bad-word", "import", span, "an import map begins with import: 1")
    source = notes.text(root, "source", "", needed="a word for where the rows come from")
    timezone = _timezone(root.get("timezone"), vocabulary.timezone, notes)
    when = read_when(root.get("when"), "when", notes)
    shared = Shared(root, notes, when)
    events = tuple(
        entry
        for index, item in enumerate(notes.items(root.get("events"), "events"))
        if (entry := read_event(item, f"events/{index}", shared, vocabulary, notes)) is not None
    )
    profile_node = root.get("profile")
    profile = None
    if profile_node is not None:
        profile = read_profile(profile_node, shared, vocabulary, notes)
    if root.get("events") is None and profile_node is None:
        notes.add(
            "missing-key",
            "events",
            root.span,
            "the map has neither events nor profile: it would import nothing",
        )
    return ImportMap(
        source=source or "",
        timezone=timezone,
        format=_format(root, notes),
        query=notes.text(root, "query", ""),
        duplicates=notes.word(root.get("duplicates"), "duplicates", Duplicates, Duplicates.KEEP),
        events=events,
        profile=profile,
        file=root.span.file,
        span=root.span,
    )


def _timezone(node: Node | None, default: str, notes: Notes) -> str:
    if node is None:
        return default
    return notes.zone(node, "timezone") or default


def _format(root: Mapping, notes: Notes) -> FileFormat:
    delimiter = notes.text(root, "delimiter", "")
    if delimiter is not None and delimiter != "whitespace":
        delimiter = _DELIMITERS.get(delimiter, delimiter)
        if len(delimiter) != 1 or delimiter in '"\r\n':
            node = root.get("delimiter")
            assert node is not None
            message = f'"{delimiter}" is no delimiter'
            hint = 'write one character in quotes (";"), or comma, tab, semicolon, pipe, whitespace'
            notes.add("bad-word", "delimiter", node.span, message, hint)
            delimiter = None
    encoding = notes.text(root, "encoding", "")
    if encoding is not None:
        try:
            "".encode(encoding)
        except (LookupError, ValueError, UnicodeError):
            node = root.get("encoding")
            assert node is not None
            hint = did_you_mean(
                encoding, ("utf-8", "utf-16", "gb18030", "big5", "latin-1", "cp1252")
            )
            notes.add(
                "bad-word", "encoding", node.span, f'no encoding is called "{encoding}"', hint
            )
            encoding = None
    kind = root.get("format")
    return FileFormat(
        kind=None if kind is None else notes.word(kind, "format", FileKind, FileKind.CSV),
        delimiter=delimiter,
        encoding=encoding,
        sheet=notes.text(root, "sheet", ""),
        columns=read_columns(root.get("columns"), "columns", notes),
    )
