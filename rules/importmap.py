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
from rules.importmap_cells import read_cell, read_columns, read_time, read_when
from rules.importmap_notes import Notes
from rules.importmap_types import (
    AttributeMap,
    Duplicates,
    EventMap,
    FieldMap,
    FileFormat,
    FileKind,
    ImportMap,
    Known,
    ProfileMap,
    RowTest,
    Take,
    TimeMap,
)
from rules.nodes import Mapping, Node, Scalar
from rules.vocabulary import BUILT_IN_EVENTS, FieldType, Vocabulary

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
_EVENT_KEYS = ("event", "customer", "time", "known", "id", "when", "group", "fields")
_PROFILE_KEYS = ("customer", "time", "known", "id", "when", "attributes")
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
    shared = _Shared(root, notes, when)
    events = tuple(
        entry
        for index, item in enumerate(notes.items(root.get("events"), "events"))
        if (entry := _event(item, f"events/{index}", shared, vocabulary, notes)) is not None
    )
    profile_node = root.get("profile")
    profile = None
    if profile_node is not None:
        profile = _profile(profile_node, shared, vocabulary, notes)
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


class _Shared:
    """What the top of the map says for all entries."""

    def __init__(self, root: Mapping, notes: Notes, when: tuple[tuple[RowTest, ...], ...]) -> None:
        self.customer = notes.text(root, "customer", "")
        self.time = read_time(root.get("time"), "time", notes)
        self.known = _known(root.get("known"), "known", notes)
        self.id = read_columns(root.get("id"), "id", notes)
        self.when = when
        self.has_time = root.get("time") is not None
        self.has_customer = root.get("customer") is not None

    def conditions(self, own: tuple[tuple[RowTest, ...], ...]) -> tuple[tuple[RowTest, ...], ...]:
        """Return both conditions as one: any of these, each all of its tests."""
        if not self.when or not own:
            return self.when or own
        return tuple(first + second for first in self.when for second in own)


def _event(
    node: Node, path: str, shared: _Shared, vocabulary: Vocabulary, notes: Notes
) -> EventMap | None:
    entry = notes.mapping(node, path, _EVENT_KEYS, "each entry begins with - event: NAME")
    if entry is None:
        return None
    event, column, values = _event_name(entry, path, vocabulary, notes)
    customer = notes.text(entry, "customer", path) or shared.customer
    if customer is None and not shared.has_customer and entry.get("customer") is None:
        notes.add("missing-key", path, entry.span, "no column is named for customer")
    time = read_time(entry.get("time"), f"{path}/time", notes) or shared.time
    if time is None and not shared.has_time and entry.get("time") is None:
        notes.add("missing-key", path, entry.span, "no column is named for time")
    kinds = (event,) if event else tuple(dict.fromkeys(values.values()))
    fields = _fields(entry.get("fields"), f"{path}/fields", kinds, vocabulary, notes)
    known = _known(entry.get("known"), f"{path}/known", notes) or shared.known or Known.AT_EVENT
    if customer is None or time is None or not kinds:
        return None
    return EventMap(
        event=event,
        column=column,
        values=values,
        when=shared.conditions(read_when(entry.get("when"), f"{path}/when", notes)),
        customer=customer,
        time=time,
        known=known,
        id=read_columns(entry.get("id"), f"{path}/id", notes)
        or (() if entry.get("group") is not None else shared.id),
        group=read_columns(entry.get("group"), f"{path}/group", notes),
        fields=fields,
        span=entry.span,
    )


def _event_name(
    entry: Mapping, path: str, vocabulary: Vocabulary, notes: Notes
) -> tuple[str | None, str | None, dict[str, str]]:
    """Return a fixed kind, or the column and its words -> kinds."""
    node = entry.get("event")
    path = f"{path}/event"
    if node is None:
        notes.add(
            "missing-key", path, entry.span, "the entry does not say which event: event: NAME"
        )
        return None, None, {}
    if isinstance(node, Scalar):
        return _kind(node, path, vocabulary, notes), None, {}
    choice = notes.mapping(
        node, path, ("from", "values"), "event is a name, or {from: column, values: {...}}"
    )
    if choice is None:
        return None, None, {}
    column = notes.text(choice, "from", path, needed="the column that says which event")
    table = choice.get("values")
    values: dict[str, str] = {}
    if not isinstance(table, Mapping) or not table.pairs:
        span = table.span if table is not None else choice.span
        notes.add(
            "missing-key",
            path,
            span,
            "values needs the file's words and our events: {Wait: ticket_wait}",
        )
        return None, column, {}
    for word, kind in table:
        if isinstance(kind, Scalar):
            name = _kind(kind, f"{path}/values/{word.text}", vocabulary, notes)
            if name is not None:
                values[word.text] = name
        else:
            notes.add("wrong-shape", f"{path}/values", kind.span, "here stands one event")
    return None, column, values if column else {}


def _kind(node: Scalar, path: str, vocabulary: Vocabulary, notes: Notes) -> str | None:
    name = node.text
    if name in BUILT_IN_EVENTS:
        notes.add(
            "built-in-event",
            path,
            node.span,
            f'"{name}" is written by care itself and can\'t be imported',
        )
        return None
    if name not in vocabulary.events:
        own = [event for event in vocabulary.events if event not in BUILT_IN_EVENTS]
        hint = did_you_mean(name, own)
        notes.add("unknown-event", path, node.span, f'care.yaml declares no event "{name}"', hint)
        return None
    return name


def _fields(
    node: Node | None, path: str, kinds: tuple[str, ...], vocabulary: Vocabulary, notes: Notes
) -> tuple[FieldMap, ...]:
    table = notes.mapping(node, path, None, "fields are names and columns: {amount: Price}")
    found: list[FieldMap] = []
    if table is None:
        return ()
    for key, value in table:
        place = f"{path}/{key.text}"
        declared = _declared(key, place, kinds, vocabulary, notes)
        if declared is not None:
            cell = read_cell(value, place, declared, notes)
            if cell is not None:
                found.append(FieldMap(field=declared, cell=cell))
    return tuple(found)


def _declared(
    key: Scalar, path: str, kinds: tuple[str, ...], vocabulary: Vocabulary, notes: Notes
) -> FieldType | None:
    """Return the declared field if every kind of the entry has it, with one type."""
    first: FieldType | None = None
    for kind in kinds:
        fields = vocabulary.events[kind].fields
        field = fields.get(key.text)
        if field is None:
            hint = did_you_mean(key.text, fields) or f"add it to {kind} in care.yaml"
            notes.add(
                "unknown-field", path, key.span, f'event {kind} has no field "{key.text}"', hint
            )
            return None
        if first is not None and first.kind != field.kind:
            message = f'field "{key.text}" is {first.kind.value} in {kinds[0]} and {field.kind.value} in {kind}'
            notes.add("field-clash", path, key.span, message, "write an entry for each event")
            return None
        first = first or field
    return first


def _profile(
    node: Node, shared: _Shared, vocabulary: Vocabulary, notes: Notes
) -> ProfileMap | None:
    entry = notes.mapping(
        node, "profile", _PROFILE_KEYS, "profile needs attributes: {name: Column}"
    )
    if entry is None:
        return None
    customer = notes.text(entry, "customer", "profile") or shared.customer
    if customer is None and not shared.has_customer and entry.get("customer") is None:
        notes.add("missing-key", "profile", entry.span, "no column is named for customer")
    path = "profile/attributes"
    table = notes.mapping(entry.get("attributes"), path, None, "attributes are names and columns")
    found: list[AttributeMap] = []
    if table is None or not table.pairs:
        notes.add("missing-key", path, entry.span, "profile needs attributes: {name: Column}")
        return None
    for key, value in table:
        declared = vocabulary.attributes.get(key.text)
        if declared is None:
            hint = (
                did_you_mean(key.text, vocabulary.attributes) or "add it to customer in care.yaml"
            )
            message = f'care.yaml declares no customer attribute "{key.text}"'
            notes.add("unknown-attribute", f"{path}/{key.text}", key.span, message, hint)
            continue
        cell = read_cell(value, f"{path}/{key.text}", declared, notes)
        if cell is not None and cell.take is not Take.FIRST:
            message = f"a profile is one row a customer, so there is nothing to {cell.take}"
            notes.add("wrong-shape", f"{path}/{key.text}", value.span, message)
        elif cell is not None:
            found.append(AttributeMap(field=declared, cell=cell))
    known = _known(entry.get("known"), "profile/known", notes) or shared.known
    time = read_time(entry.get("time"), "profile/time", notes)
    if known is None:
        known = Known.AT_IMPORT if time is None else Known.AT_EVENT
    if customer is None:
        return None
    return ProfileMap(
        customer=customer,
        attributes=tuple(found),
        when=shared.conditions(read_when(entry.get("when"), "profile/when", notes)),
        time=time,
        known=known,
        id=read_columns(entry.get("id"), "profile/id", notes),
        span=entry.span,
    )


def _known(node: Node | None, path: str, notes: Notes) -> Known | TimeMap | None:
    if isinstance(node, Scalar) and not node.quoted and node.text in tuple(Known):
        return Known(node.text)
    return read_time(node, path, notes)


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
