"""What a person meets at the command line when care runs: lines, exit codes, JSON."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from engine.scaffold import init
from tests.factories import Said, Shop, care, event
from tests.zygote import Zygote

GOLDEN = Path(__file__).parents[1] / "golden" / "why"
STEPS = (
    "steps:\n  - {step: hello, do: letter, due: same day}\n"
    "  - {step: ring, from: entry, do: call, due: within 3 days, assign: owner,"
    " outcomes: [ok, bad], ask: {satisfaction: 1 to 5, callback: date}}\n"
    "  - {step: later, from: entry, do: call, due: after 30 days, assign: owner}\n"
)
BOOK = f"trigger: {{event: complaint}}\nstop_when: [{{event: order}}]\n{STEPS}"


@pytest.fixture(autouse=True)
def _quick(zygote: Zygote, monkeypatch: pytest.MonkeyPatch) -> None:
    """Projects of this file run the program as forks of one that has loaded it."""
    monkeypatch.setattr(Shop, "through", zygote)


def shop(root: Path, **texts: str) -> Shop:
    made = Shop(root, **(texts or {"p": BOOK}))
    made.events(
        event("c0", "visit", "2025-02-01T10:00"),
        event("c1", "complaint", "2025-03-01T10:00", case_id="A"),
        event("c2", "complaint", "2025-03-02T11:00", case_id="B"),
        event("c2", "order", "2025-03-03T12:00", amount=5),
    )
    return made


def one_line(said: Said) -> str:
    """Return the only line of stderr, the one about the matcher aside."""
    (line,) = (line for line in said.err.splitlines() if "reference matcher" not in line)
    assert "Traceback" not in said.err
    return line


def test_twice_at_one_instant(tmp_path: Path) -> None:
    """The second `care run` of an instant says that there was nothing new, and adds no row."""
    made = shop(tmp_path)
    for day in (1, 2, 3):
        assert made.care("run", "--at", f"2025-03-0{day}T08:00").code == 0
    before = made.counts(), made.care("audit", "export").out
    said = made.care("run", "--at", "2025-03-03T08:00")

    assert said.code == 0
    assert "nothing new: this run was done before" in said.out
    assert (made.counts(), made.care("audit", "export").out) == before


def test_a_series_equals_separate_processes(tmp_path: Path) -> None:
    """`--from --to --every` in one process writes what a process a day writes."""
    one, many = shop(tmp_path / "one"), shop(tmp_path / "many")
    said = one.care(
        "run", "--from", "2025-03-01T08:00", "--to", "2025-03-06T08:00", "--every", "1 day"
    )
    for day in range(1, 7):
        assert many.care("run", "--at", f"2025-03-0{day}T08:00").code == 0

    assert said.code == 0
    assert len([line for line in said.out.splitlines() if line.startswith(" ") is False]) == 7
    assert one.care("audit", "export").out == many.care("audit", "export").out
    assert one.sent() == many.sent()


def test_a_series_again_does_only_what_is_missing(tmp_path: Path) -> None:
    """Instants that were run before are passed over, and said to be."""
    made = shop(tmp_path)
    series = ("run", "--from", "2025-03-01T08:00", "--every", "1 day", "--to")
    made.care(*series, "2025-03-03T08:00")
    said = made.care(*series, "2025-03-05T08:00")

    assert one_line(said) == "care: 3 of 5 instants were run before"
    assert [row["at"] for row in made.rows("SELECT at FROM runs")] == sorted(
        {row["at"] for row in made.rows("SELECT at FROM runs")}
    )


def test_a_run_before_the_last_one(tmp_path: Path) -> None:
    """An earlier --at is an error in words."""
    made = shop(tmp_path)
    made.care("run", "--at", "2025-03-03T08:00")
    said = made.care("run", "--at", "2025-03-02T08:00")

    assert said.code == 1
    assert one_line(said) == (
        "care: the last run was at 2025-03-03T08:00:00+08:00; a run at 2025-03-02T08:00:00+08:00"
        " would decide about a past that is decided already"
    )


def test_a_clock_gone_back_under_cron_only_delivers(tmp_path: Path) -> None:
    """Without --at a clock before the last run decides nothing, delivers, and exits 3."""
    made = shop(tmp_path)
    made.write(".care/out/letter", "in the way")
    made.care("run", "--at", "2025-03-01T08:00")
    made.care("run", "--at", "2099-03-02T08:00")
    with made.ledger() as ledger, ledger.transaction():
        ledger.execute("DELETE FROM retries")  # as if its time had come
    (tmp_path / ".care/out/letter").unlink()
    before = made.rows("SELECT count(*) AS n FROM decisions")
    said = made.care("run")

    assert said.code == 3
    assert one_line(said).endswith("; only delivered (1 sent) [clock_back]")
    assert made.rows("SELECT count(*) AS n FROM decisions") == before
    assert len(made.sent()) == 1


def test_no_log_yet(tmp_path: Path) -> None:
    """Before the first import there is nothing to run on, and the line says what to do."""
    made = Shop(tmp_path, p=BOOK)
    said = made.care("run", "--at", "2025-03-01T08:00")

    assert said.code == 1
    assert "care import" in one_line(said)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--from", "2025-03-01"), "a series needs --from, --to and --every, and no --at"),
        (
            ("--from", "2025-03-05", "--to", "2025-03-01", "--every", "1 day"),
            "--to lies before --from",
        ),
        (
            ("--from", "2025-03-01", "--to", "2025-03-02", "--every", "daily"),
            '--every takes a duration like "1 day" or "1 hour", not "daily"',
        ),
        (("--at", "yesterday"), '"yesterday" is no time; write'),
    ],
)
def test_flags_that_make_no_sense(tmp_path: Path, words: tuple[str, ...], told: str) -> None:
    """Wrong flags are answered in one line, exit 2."""
    said = Shop(tmp_path, p=BOOK).care("run", *words)

    assert said.code == 2
    assert told in one_line(said)


def test_a_broken_playbook_is_told_loudly(tmp_path: Path) -> None:
    """The run names file, line and what to write, goes on with the others, and exits 3."""
    made = shop(tmp_path, p=BOOK, q="trigger: {event: complant}\n" + STEPS)
    made.care("run", "--at", "2025-03-01T08:00")
    said = made.care("run", "--at", "2025-03-02T08:00")

    assert said.code == 3
    assert "1 started" in said.out
    assert 'playbooks/q.yaml:3:18: error[unknown-event] no event "complant"' in said.err
    assert 'did you mean "complaint"?' in said.err
    assert "care: playbooks/q.yaml is left out until it is mended; its journeys wait" in said.err


def test_a_broken_shared_file_stops_everything(tmp_path: Path) -> None:
    """care.yaml, shared.yaml and house.yaml must be sound: exit 1, and nothing is done."""
    made = shop(tmp_path)
    made.care("run", "--at", "2025-03-01T08:00")
    made.write("house.yaml", "rules:\n  - {rule: r, when: {work: {playbook: q}}, then: skip}\n")
    before = made.export()
    said = made.care("run", "--at", "2025-03-02T08:00")

    assert said.code == 1
    assert said.err.splitlines()[-1] == "care: 1 error; nothing was done"
    assert made.export() == before


def test_held_and_approved(tmp_path: Path) -> None:
    """Over the limit a playbook is held with exit 3; `care approve` lets the same ones go."""
    made = shop(tmp_path, p=f"limits: {{per_run: 1}}\n{BOOK}")
    made.care("run", "--at", "2025-03-01T08:00")
    held = made.care("run", "--at", "2025-03-04T08:00")
    wrong = made.care("approve", "q")
    approved = made.care("approve", "p", "--who", "甲")
    said = made.care("run", "--at", "2025-03-05T08:00")

    assert held.code == 3
    assert "HELD: p would begin 2 journeys" in held.out
    assert "`care approve p` lets it go" in held.out
    assert (wrong.code, one_line(wrong)) == (1, 'care: no playbook "q"; known here: p')
    assert approved.out == "p may pass its limit in the next run\n"
    assert said.code == 0
    assert "2 started" in said.out


@pytest.fixture(scope="module")
def working(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """A project with an open task (ring), a planned one (later) and a letter sent, for reading."""
    made = shop(tmp_path_factory.mktemp("working"))
    made.run("2025-03-01T08:00", "2025-03-02T08:00")
    return made


def test_done_with_what_does_not_fit(working: Shop) -> None:
    """Each wrong answer to `care done` says what to write instead, and changes nothing."""
    ring, hello = working.action("ring")["id"], working.action("hello")["id"]
    later = working.action("later")["id"]
    before = working.export()
    fine = ("--outcome", "ok", "--at", "2025-03-03T10:00")
    for words, code, told in [
        ((ring,), 2, "this task asks for an outcome: ok, bad"),
        ((ring, "--outcome", "okay"), 2, 'no outcome "okay" in step "ring"; did you mean "ok"?'),
        ((ring, *fine, "--ask", "satisfacton=3"), 2, 'did you mean "satisfaction"?'),
        ((ring, *fine, "--ask", "satisfaction=6"), 2, "satisfaction: from 1 to 5, not 6"),
        ((ring, *fine, "--ask", "satisfaction=good"), 2, "satisfaction: write a number"),
        ((ring, *fine, "--ask", "callback=soon"), 2, "callback: write a date like 2025-10-08"),
        ((ring, *fine, "--ask", "callback"), 2, '--ask takes NAME=ANSWER, not "callback"'),
        ((ring, "--outcome", "ok", "--at", "2025-03-01T09:00"), 1, "it can't be done before that"),
        ((hello,), 1, "is not a task: letter acts by itself"),
        ((later,), 1, "is planned, not open"),
        (("a-zzzzzzzzzzzz",), 1, 'no action "a-zzzzzzzzzzzz"; `care tasks`'),
        (("a-",), 1, 'no action "a-"'),
    ]:
        said = working.care("done", *words)
        assert said.code == code, said
        assert told in one_line(said)

    assert working.export() == before


def test_done_twice(tmp_path: Path) -> None:
    """The same result again changes nothing; another one is refused; a beginning of the id will do."""
    made = shop(tmp_path)
    made.run("2025-03-01T08:00", "2025-03-02T08:00")
    ring = made.action("ring")["id"]
    words = ("--outcome", "bad", "--ask", "satisfaction=2", "--at", "2025-03-02T10:00")
    first = made.care("done", ring[:8], *words, "--note", "要折扣")
    before = made.export()
    again = made.care("done", ring, *words)
    other = made.care("done", ring, "--outcome", "ok")

    assert first.out == f"{ring} done: bad\n"
    assert again.out == f"{ring} done: bad (it was already)\n"
    assert other.code == 1
    assert one_line(other) == f"care: {ring} is done since 2025-03-02T10:00:00+08:00, not open"
    assert made.export() == before
    assert "要折扣" in made.care("why", ring).out


def test_every_reader_gives_json(working: Shop) -> None:
    """`--format json` is one JSON value on stdout, with times as ISO text."""
    ring = working.action("ring")["id"]
    tasks = working.care("tasks", "--format", "json", "--at", "2025-03-20").json
    journeys = working.care("journeys", "c1", "--format", "json").json
    why = working.care("why", ring, "--format", "json").json
    log = working.care("log", "c1", "--format", "json").json
    segments = working.care("segments", "--at", "2025-03-05", "--format", "json").json
    check = working.care("check", "--format", "json").json

    assert [(task["id"], task["overdue"]) for task in tasks] == [(ring, True)]
    assert journeys[0]["entry"] == "2025-03-01T10:00:00+08:00"
    assert why["decisions"][0]["verb"] == "started"
    assert log["events"][0]["event"] == "complaint"
    assert {row["segment"]: row["customers"] for row in segments}["buyers"] == 1
    assert check == []


def test_run_gives_json(tmp_path: Path) -> None:
    """`care run --format json` tells each run as a value."""
    made = shop(tmp_path)
    made.care("run", "--at", "2025-03-01T08:00")
    (value,) = made.care("run", "--at", "2025-03-02T08:00", "--format", "json").json

    assert value["at"] == "2025-03-02T08:00:00+08:00"
    assert json.dumps(value).count("started") >= 1


def test_audit_shows_a_change_of_the_past(working: Shop, tmp_path: Path) -> None:
    """`care audit verify` names what was changed: a row, or a place in the chain."""
    made = Shop(tmp_path, p=BOOK)
    made.write(".care/placeholder", "")
    target = tmp_path / ".care" / "ledger.db"
    with working.ledger() as ledger:
        ledger.execute("VACUUM INTO ?", str(target))
    sound = made.care("audit", "verify")
    with made.ledger() as ledger:
        ledger.execute("UPDATE actions SET due_by = due_by + 1 WHERE customer = 'c1'")
    late = made.care("audit", "verify")
    with made.ledger() as ledger:
        ledger.execute("UPDATE blocks SET body = (SELECT body FROM blocks WHERE n > 1) WHERE n > 1")
    broken = made.care("audit", "verify", "--format", "json")

    assert sound.code == 0
    assert (late.code, broken.code) == (1, 1)
    assert re.match(r"actions a-\w+: due_by is \"\d+\", the chain says \"\d+\"", late.out)
    assert "not as it was written" in one_line(late)
    assert broken.json["faults"][0].startswith("the audit chain is broken at entr")


# -- the shipped starter ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def starter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The starter sample, imported and run as its README says."""
    root = tmp_path_factory.mktemp("starter") / "mycare"
    init(root)
    for name in ("customers", "events"):
        words = (
            "import",
            str(root / f"data/{name}.csv"),
            "--map",
            str(root / f"imports/{name}.yaml"),
        )
        assert care("-C", str(root), *words).code == 0
    series = ("--from", "2025-09-15T08:00", "--to", "2025-10-15T08:00", "--every", "1 day")
    assert care("-C", str(root), "run", *series, "--matcher", "reference").code == 0
    return root


def test_why_of_the_starter(starter: Path, *, update_golden: bool) -> None:
    """`care why` tells trigger, evidence, calendar and gates of an action, in these very words."""
    tasks = care("-C", str(starter), "tasks", "--all", "--format", "json").json
    chosen = {(task["playbook"], task["step"]): task["id"] for task in tasks}
    for playbook, step in [
        ("activity_drop", "visit_call"),
        ("after_complaint", "apology"),
        ("signup_welcome", "first_call"),
    ]:
        said = care("-C", str(starter), "why", chosen[playbook, step])
        assert said.code == 0
        # Entry numbers and revisions change with every edit of the sample or of the chain.
        text = re.sub(r"audit entry \d+", "audit entry N", said.out)
        text = re.sub(r"revision [0-9a-f]+", "revision R", text)
        path = GOLDEN / f"{playbook}.txt"
        if update_golden:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")

        assert text == path.read_text(encoding="utf-8")


def test_tasks_of_the_starter(starter: Path) -> None:
    """The task list names action, customer, step and person on one line each."""
    said = care("-C", str(starter), "tasks", "--at", "2025-10-15T08:00")
    rows = care("-C", str(starter), "tasks", "--format", "json").json

    assert said.code == 0
    assert len(rows) > 0
    for row in rows:
        assert any(
            line and row["id"].startswith(line.split()[0]) and row["customer"] in line
            for line in said.out.splitlines()
        )
