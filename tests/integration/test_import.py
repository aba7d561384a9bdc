"""Importing: what goes in, what is known already, what is turned away, and what stays untouched."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.intake import Landing
from engine.log import open_log
from rules.errors import InputError
from rules.history import AttributeVersion, Event
from rules.units import from_iso
from tests.imports import NOW, dump, landed, rejects, run_text

T0 = from_iso("2026-03-01T10:00", "UTC")
HOUR = 3_600_000_000
HEAD = "id,who,when,amount\n"
MAP = """
customer: who
time: when
id: id
events:
  - event: order
    fields: {amount: amount}
"""


def order(given: str, at: int, **fields: object) -> Event:
    return Event(id=given, name="order", at=at, fields=fields)  # type: ignore[arg-type]


def row(given: str, customer: str = "ann", hour: int = 10, amount: str = "5") -> str:
    return f"{given},{customer},2026-03-01 {hour}:00,{amount}\n"


def test_a_row_becomes_an_event(tmp_path: Path) -> None:
    """A row lands as an event of its customer, with its time, id and typed fields."""
    summary = run_text(tmp_path, HEAD + row("1", amount='"1,234.50"') + row("2", "bob", 11))

    assert (summary.rows, summary.added, summary.customers, summary.rejected) == (2, 2, 2, 0)
    assert (summary.events, summary.first_at, summary.last_at) == ({"order": 2}, T0, T0 + HOUR)
    assert (summary.first_seq, summary.last_seq) == (1, 2)
    ann, bob = landed(tmp_path, "ann", "bob")
    assert ann.events == (order("1", T0, amount=12_345_000),)
    assert bob.events == (order("2", T0 + HOUR, amount=50_000),)


def test_the_same_file_twice_adds_nothing(tmp_path: Path) -> None:
    """A second import of a file finds everything known and leaves the log as it was."""
    rows = HEAD + row("1") + row("2", "bob")
    run_text(tmp_path, rows)
    before = dump(tmp_path)
    again = run_text(tmp_path, rows, at=NOW + HOUR)

    assert (again.added, again.known, again.customers, again.last_seq) == (0, 2, 0, None)
    assert dump(tmp_path) == before


def test_a_correction_becomes_a_new_version(tmp_path: Path) -> None:
    """The same id with another value, time or customer replaces the old version from its seq on."""
    run_text(tmp_path, HEAD + row("1") + row("2") + row("3") + row("4"))
    summary = run_text(
        tmp_path,
        HEAD + row("1") + row("2", amount="7") + row("3", hour=23) + row("4", "bob"),
    )

    assert (summary.added, summary.corrected, summary.known) == (3, 3, 1)
    ann, bob = landed(tmp_path, "ann", "bob")
    assert ann.events == (
        order("1", T0, amount=50_000),
        order("2", T0, amount=70_000),
        order("3", T0 + 13 * HOUR, amount=50_000),
    )
    assert bob.events == (order("4", T0, amount=50_000),)
    (before,) = landed(tmp_path, "ann", seq=4)
    assert [event.id for event in before.events] == ["1", "2", "3", "4"]

    assert run_text(tmp_path, HEAD + row("2", amount="7")).known == 1
    back = run_text(tmp_path, HEAD + row("2"))
    assert (back.added, back.corrected) == (1, 1)
    (ann,) = landed(tmp_path, "ann")
    assert ann.events[1] == order("2", T0, amount=50_000)


def test_sources_and_kinds_have_their_own_ids(tmp_path: Path) -> None:
    """The same id of another source, or as another kind of event, is another event."""
    both = MAP + "  - event: call\n"
    first = run_text(tmp_path, HEAD + row("1"), both)
    second = run_text(tmp_path, HEAD + row("1"), both)
    with open_log(tmp_path / ".care" / "log.duckdb", writable=True) as log:
        log.query("UPDATE events SET source = 'till'")
    third = run_text(tmp_path, HEAD + row("1"), both)

    assert (first.added, second.added, third.added) == (2, 0, 2)
    assert (first.events, first.rows) == ({"order": 1, "call": 1}, 1)


def test_an_id_twice_in_a_file(tmp_path: Path) -> None:
    """Of an id that stands twice in a file the last line counts, and the summary says so."""
    summary = run_text(tmp_path, HEAD + row("1") + row("2") + row("2") + row("1", amount="8"))

    assert (summary.added, summary.repeated, summary.replaced) == (2, 1, 1)
    (ann,) = landed(tmp_path, "ann")
    assert ann.events == (order("1", T0, amount=80_000), order("2", T0, amount=50_000))


def test_rows_without_id_are_known_by_their_hash(tmp_path: Path) -> None:
    """Without id, equal lines are so many events, and the file is known again all the same."""
    rows = "who,when,amount\n" + "ann,2026-03-01,5\n" * 3 + "bob,2026-03-01,5\n"
    text = MAP.replace("id: id\n", "")
    first = run_text(tmp_path, rows, text)
    second = run_text(tmp_path, rows, text)
    more = run_text(tmp_path, rows + "ann,2026-03-01,5\n", text)

    assert (first.added, second.added, second.known, more.added) == (4, 0, 4, 1)


def test_duplicates_drop(tmp_path: Path) -> None:
    """With ``duplicates: drop`` exactly equal lines count once."""
    rows = "who,when,amount\n" + "ann,2026-03-01,5\n" * 3 + "ann,2026-03-01,6\n"
    text = "duplicates: drop\n" + MAP.replace("id: id\n", "")
    summary = run_text(tmp_path, rows, text)

    assert (summary.rows, summary.added, summary.dropped, summary.passed) == (4, 2, 2, {})


GROUPED = """
customer: who
time: when
events:
  - event: order
    when: {id: not starts with C, q: above 0}
    group: id
    fields: {amount: {sum: q * price}, lines: {count: rows}, note: {last: note}, channel: {first: ch}, due: {max: day}}
  - event: cancellation
    when: {id: starts with C}
    group: id
    fields: {lines: {distinct: note}}
"""


def test_lines_of_a_group_become_one_event(tmp_path: Path) -> None:
    """Lines that share a group are one event at its first line's time, with exact sums."""
    summary = run_text(
        tmp_path,
        "id,who,when,q,price,note,ch,day\n"
        "A,ann,2026-03-01 10:00,3,0.1,x,,2026-01-02\n"
        "B,bob,2026-03-01 11:00,1,2.5,,web,\n"
        "A,ann,2026-03-01 09:00,3,0.2,y,shop,2026-01-09\n"
        "A,ann,2026-03-01 09:00,0,9,z,web,\n"
        "C1,ann,2026-03-01 12:00,-1,0.1,x,,\n"
        "C1,ann,2026-03-01 12:00,-1,0.1,y,,\n"
        "A,,2026-03-01 09:00,1,1,,,\n",
        GROUPED,
    )

    assert (summary.added, summary.events) == (3, {"order": 2, "cancellation": 1})
    assert summary.passed == {"no customer": 1, "not wanted": 1}
    ann, bob = landed(tmp_path, "ann", "bob")
    assert ann.events == (
        order("A", T0, amount=9_000, lines=20_000, note="y", channel="shop", due=20_462),
        Event(id="C1", name="cancellation", at=T0 + 2 * HOUR, fields={"lines": 20_000}),
    )
    assert bob.events == (order("B", T0 + HOUR, amount=25_000, lines=10_000, channel="web"),)


def test_a_group_of_two_customers(tmp_path: Path) -> None:
    """A line with another customer than its group's first line is turned away, not mixed in."""
    summary = run_text(
        tmp_path,
        "id,who,when,q,price,note,ch,day\nA,ann,2026-03-01,1,1,,,\nA,bob,2026-03-01,1,5,,,\n",
        GROUPED,
    )

    assert rejects(summary) == ["3,who,bob,another customer than the first line of its group"]
    (ann,) = landed(tmp_path, "ann")
    assert ann.events[0].fields == {"amount": 10_000, "lines": 10_000}


def test_events_by_the_word_of_a_column(tmp_path: Path) -> None:
    """A column's words can say which event a row is; other words are not wanted."""
    text = """
customer: who
time: when
id: [id, who]
events:
  - event: {from: what, values: {Buy: order, Ring: call, 来电: call}}
"""
    summary = run_text(
        tmp_path,
        "id,who,when,what\n1,ann,2026-03-01,Buy\n2,ann,2026-03-02,来电\n3,ann,2026-03-03,Nap\n"
        "a/b,c,2026-03-03,Buy\n",
        text,
    )

    assert (summary.events, summary.passed) == ({"order": 2, "call": 1}, {"not wanted": 1})
    ann, other = landed(tmp_path, "ann", "c")
    assert [(event.name, event.id) for event in ann.events] == [
        ("order", "1/ann"),
        ("call", "2/ann"),
    ]
    assert [event.id for event in other.events] == ["a%2Fb/c"]


def test_two_events_of_one_row(tmp_path: Path) -> None:
    """A row may make several events, at times of their own; one of them may fail alone."""
    text = """
customer: who
events:
  - {event: order, time: opened, fields: {note: text}}
  - {event: call, time: closed, when: {closed: known}}
  - {event: call, time: opened}
"""
    rows = "who,opened,closed,text\nann,2026-03-01,2026-03-05,hi\nbob,2026-03-01,,\ncid,2026-03-01,x,\n"
    summary = run_text(tmp_path, rows, text)
    again = run_text(tmp_path, rows, text)

    assert (summary.events, again.added, again.known) == ({"order": 3, "call": 4}, 0, 7)
    assert [line.split(",")[:3] for line in rejects(summary)] == [["4", "closed", "x"]]


def test_what_cannot_be_read_is_told_by_line(tmp_path: Path) -> None:
    """Each row that can't go in is in the rejects file with line, column, value and reason."""
    summary = run_text(
        tmp_path,
        HEAD
        + row("1")
        + row("2", amount="a lot")
        + "3,ann,yesterday,5\n"
        + ",ann,2026-03-01,5\n"
        + "5,ann,,5\n"
        + "6,ann,2026-03-01\n"
        + "7,ann,2026-03-01,5,6\n"
        + "8,ann,2026-03-01,,\n"
        + '9,"ann"x,2026-03-01,5\n'
        + "10,,2026-03-01,a lot\n"
        + "11,ann,0026-03-01,=1+1\n"
        + row("12"),
    )

    assert rejects(summary) == [
        "3,amount,a lot,not a number care can read: write it like 1234.5",
        (
            '4,when,yesterday,"not a time care can read: write it like 2026-03-18 14:30, or give its'
            ' format; years 1900 to 2099"'
        ),
        "5,id,,no id",
        "6,when,,no time",
        '7,,"6,ann,2026-03-01","the line has 3 columns, the header 4"',
        '8,,"7,ann,2026-03-01,5,6","the line has 5 columns, the header 4"',
        '10,,"9,""ann""x,2026-03-01,5","a quote inside a quoted text; two are needed: """""',
        (
            '12,when,0026-03-01,"not a time care can read: write it like 2026-03-18 14:30, or give its'
            ' format; years 1900 to 2099"'
        ),
    ]
    assert (summary.rows, summary.added, summary.rejected) == (12, 3, 8)
    assert summary.passed == {"no customer": 1}
    assert summary.reasons["when: no time"] == 1
    (ann,) = landed(tmp_path, "ann")
    assert [event.id for event in ann.events] == ["8", "1", "12"]


def test_rejects_are_no_formulas(tmp_path: Path) -> None:
    """A value that a spreadsheet would calculate is quoted in the rejects file."""
    summary = run_text(tmp_path, HEAD + row("1", amount="=1+1") + row("2", amount="@SUM(A1)"))

    assert [line.split(",")[2] for line in rejects(summary)] == ["'=1+1", "'@SUM(A1)"]


def test_strict_refuses_the_whole_file(tmp_path: Path) -> None:
    """With ``strict`` one bad row keeps the file out; the rejects file is there all the same."""
    run_text(tmp_path, HEAD + row("1"))
    before = dump(tmp_path)
    with pytest.raises(InputError) as raised:
        run_text(tmp_path, HEAD + row("2") + row("3", amount="x"), strict=True)

    assert str(raised.value) == (
        "rows.csv has 1 line that can't be read, so nothing of it went in: "
        "see .care/rejects/rows.csv-20260501T120000.csv"
    )
    assert (tmp_path / ".care/rejects/rows.csv-20260501T120000.csv").exists()
    assert dump(tmp_path) == before
    with open_log(tmp_path / ".care" / "log.duckdb", writable=False) as log:
        assert log.max_seq() == 1
        assert log.query("SELECT count(*) FROM imports") == [(1,)]


def test_a_dry_run_changes_nothing(tmp_path: Path) -> None:
    """A dry run shows ten rows as they would land and makes no log, or leaves the log as it was."""
    rows = HEAD + "".join(row(str(index), amount=str(index)) for index in range(12))
    first = run_text(tmp_path, rows, dry_run=True)

    assert not (tmp_path / ".care" / "log.duckdb").exists()
    assert (first.added, first.dry_run, len(first.landings)) == (12, True, 10)
    assert first.landings[3] == Landing(
        line=5, event="order", customer="ann", at=T0, id="3", values={"amount": 30_000}
    )

    run_text(tmp_path, HEAD + row("0", amount="0"))
    second = run_text(tmp_path, rows, dry_run=True)
    assert (second.added, second.known, second.landings[0].id) == (11, 1, "1")
    assert len(dump(tmp_path)) == 1


def test_missing_columns_are_named_with_the_nearest(tmp_path: Path) -> None:
    """Columns that the file does not have are all named, with the nearest that it has."""
    with pytest.raises(InputError) as raised:
        run_text(tmp_path, "Id,who,When,Amuont\n")

    assert str(raised.value).splitlines() == [
        'imports/test.yaml:8:5: rows.csv has no column "id"; did you mean "Id"?',
        'imports/test.yaml:5:7: rows.csv has no column "when"; did you mean "When"?',
        'imports/test.yaml:9:22: rows.csv has no column "amount"; did you mean "Amuont"?',
    ]


PROFILE = """
customer: who
profile:
  attributes:
    name: name
    size: {column: size}
    email_ok: {column: mail, values: {Y: yes, N: no}}
    plan: plan
    tags: tags
"""
PEOPLE = "who,name,size,mail,plan,tags\n"


def versions(tmp_path: Path, name: str) -> list[tuple[int, object]]:
    (ann,) = landed(tmp_path, "ann")
    return [(version.at, version.value) for version in ann.attributes if version.name == name]


def test_profiles_add_only_what_changed(tmp_path: Path) -> None:
    """A profile adds a version of an attribute where its value differs from the one before."""
    first = run_text(tmp_path, PEOPLE + "ann,Ann,3,Y,pro,b;a\n", PROFILE)
    same = run_text(tmp_path, PEOPLE + "ann,Ann,3.0,Y,pro,a；b\n", PROFILE, at=NOW + HOUR)
    moved = run_text(tmp_path, PEOPLE + "ann,Ann,4,N,pro,\n", PROFILE, at=NOW + 2 * HOUR)

    assert (first.versions, first.customers) == (5, 1)
    assert (same.versions, same.unchanged) == (0, 5)
    assert (moved.versions, moved.unchanged) == (3, 2)
    (ann,) = landed(tmp_path, "ann")
    assert ann.attributes[0] == AttributeVersion(name="email_ok", at=NOW, value=True)
    assert versions(tmp_path, "name") == [(NOW, "Ann")]
    assert versions(tmp_path, "size") == [(NOW, 30_000), (NOW + 2 * HOUR, 40_000)]
    assert versions(tmp_path, "email_ok") == [(NOW, True), (NOW + 2 * HOUR, False)]
    assert versions(tmp_path, "tags") == [(NOW, ("a", "b")), (NOW + 2 * HOUR, None)]


def test_profiles_with_a_time_may_come_late(tmp_path: Path) -> None:
    """Versions take their place by time; one that repeats the version before it adds nothing."""
    text = PROFILE.replace("profile:\n", "profile:\n  time: since\n")
    head = "who,since,name,size,mail,plan,tags\n"
    summary = run_text(
        tmp_path,
        head + "ann,2026-01-05,B,,,,\nann,2026-01-01,A,,,,\nann,2026-01-03,A,,,,\n",
        text,
    )
    late = run_text(tmp_path, head + "ann,2026-01-04,B,,,,\nann,2026-01-02,A,,,,\n", text)

    def day(number: int) -> int:
        return from_iso(f"2026-01-0{number}", "UTC")

    assert summary.unchanged == 9
    assert versions(tmp_path, "name") == [(day(1), "A"), (day(4), "B"), (day(5), "B")]
    assert late.versions == 1


def test_profile_values_outside_the_list(tmp_path: Path) -> None:
    """A word that care.yaml does not list, or a doubtful yes, turns the row away."""
    summary = run_text(
        tmp_path, PEOPLE + "ann,A,1,Y,gold,\nbob,B,1,perhaps,pro,\ncid,C,1,,,x;a\n", PROFILE
    )

    assert rejects(summary) == [
        '2,plan,gold,"not one of the values of plan in care.yaml: basic, pro"',
        "3,mail,perhaps,not yes or no: name the file's words in values",
        '4,tags,x;a,"not one of the values of tags in care.yaml: a, b, vip"',
    ]


def test_known_at(tmp_path: Path) -> None:
    """``known`` is the event's time, the import's, or a column's."""
    for known, wanted in (("at event", T0), ("at import", NOW), ("seen", T0 + HOUR)):
        root = tmp_path / known
        rows = "id,who,when,amount,seen\n1,ann,2026-03-01 10:00,5,2026-03-01 11:00\n"
        run_text(root, rows, f"known: {known}\n{MAP}")
        with open_log(root / ".care" / "log.duckdb", writable=False) as log:
            assert log.query("SELECT known_at FROM events") == [(wanted,)]


def test_the_import_is_noted(tmp_path: Path) -> None:
    """The log keeps which file was imported when, with counts and seqs."""
    run_text(tmp_path, HEAD + row("1") + row("2", amount="x"))
    with open_log(tmp_path / ".care" / "log.duckdb", writable=False) as log:
        (noted,) = log.query("SELECT * EXCLUDE (sha256), length(sha256) FROM imports")

    assert noted == (1, NOW, "rows.csv", "shop", 2, 1, 0, 1, 1, 1, 64)


def test_seq_follows_time(tmp_path: Path) -> None:
    """Within an import seq follows the order of time, and of lines at one instant."""
    run_text(tmp_path, HEAD + row("b", hour=12) + row("z", hour=11) + row("a", hour=11))
    with open_log(tmp_path / ".care" / "log.duckdb", writable=False) as log:
        found = log.query("SELECT seq, id FROM events ORDER BY seq")

    assert found == [(1, "z"), (2, "a"), (3, "b")]


lines = st.lists(
    st.tuples(st.integers(0, 12), st.sampled_from("ab"), st.integers(0, 23), st.integers(0, 3)),
    max_size=12,
    unique_by=lambda entry: entry[0],
)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(rows=lines, seed=st.integers(0, 9), cut=st.integers(0, 12))
def test_order_and_batches_do_not_matter(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[tuple[int, str, int, int]],
    seed: int,
    cut: int,
) -> None:
    """Always: rows with ids, shuffled, in batches and twice over, give the same set of events."""
    texts = [row(str(given), customer, hour, str(amount)) for given, customer, hour, amount in rows]
    whole, parts = tmp_path_factory.mktemp("whole"), tmp_path_factory.mktemp("parts")
    run_text(whole, HEAD + "".join(texts))
    random.Random(seed).shuffle(texts)
    for batch in (texts[:cut], texts[cut:], texts[: cut + 2]):
        run_text(parts, HEAD + "".join(batch))

    assert dump(parts) == dump(whole)
