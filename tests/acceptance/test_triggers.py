"""Triggers of time and by hand through the program, on a simulated clock."""

from __future__ import annotations

from pathlib import Path

from tests.factories import CARE, Said, Shop, at, event, profile
from tests.zygote import Zygote

LUNAR = CARE.replace("calendar: none", "calendar: CN").replace(
    "  contract_end: date", "  contract_end: date\n  birthday: {type: date, calendar: lunar}"
)
WISH = """\
trigger: [{date: contract_end, before: 3 working days, at: 09:30}, {manual: yes, name: by_hand}]
again: always
overlap: parallel
steps:
  - {step: wish, do: letter, due: now}
"""
VISIT = """\
trigger: {every: month, day: first working day, at: 10:00, in: buyers}
steps:
  - {step: visit, do: call, due: within 5 working days, assign: owner}
"""
SILENT = """\
trigger: {missing: solved, after: complaint, within: 24 hours, same: case_id}
steps:
  - {step: ask, do: call, due: within 4 working hours, assign: boss}
"""


def why(made: Shop, step: str, customer: str) -> str:
    said = made.care("why", made.action(step, customer)["id"])
    assert said.code == 0, said.err
    return said.out


def one_line(said: Said) -> str:
    (line,) = (line for line in said.err.splitlines() if "reference matcher" not in line)
    return line


def test_a_month_of_triggers(tmp_path: Path, zygote: Zygote) -> None:
    """Days before a date, the first working day, an answer that never came, and a start by hand;
    each tells why."""
    made = Shop(tmp_path, through=zygote, care=LUNAR, wish=WISH, visit=VISIT, silent=SILENT)
    made.customers(
        profile("c1", "2025-09-01", contract_end="2025-10-10"), profile("c2", "2025-09-01", size=1)
    )
    made.events(
        event("c1", "order", "2025-09-20T10:00", amount=5),
        event("c2", "complaint", "2025-10-05T15:00", case_id="A"),
    )
    run = made.care(
        "run", "--from", "2025-09-25T12:00", "--to", "2025-10-10T12:00", "--every", "1 day"
    )
    assert run.code == 0, run.err
    asked = made.care("start", "wish", "c2", "--at", "2025-10-10T13:00", "--who", "李雷")
    assert asked.out == "1 to begin wish in the next run\n"
    assert made.care("run", "--at", "2025-10-10T14:00").code == 0

    # 国庆 is off from 1 to 8 October: 9 October, 30 and 29 September.
    assert "3 working days before contract_end, 2025-10-10" in why(made, "wish", "c1")
    assert made.action("wish", "c1")["opens_at"] == at("2025-09-29T09:30")
    assert "planned for 2025-10-09T10:00:00+08:00" in why(made, "visit", "c1")
    told = "no solved with the same case_id by 2025-10-06T15:00:00+08:00, 24 hours after the event"
    assert told in why(made, "ask", "c2")
    assert "asked for by 李雷 at 2025-10-10T13:00:00+08:00" in why(made, "wish", "c2")
    assert made.care("audit", "verify").code == 0


def test_start_from_a_file_once_and_in_plain_words_where_it_cannot(
    tmp_path: Path, zygote: Zygote
) -> None:
    """The same file again asks for nothing; what is wrong is one line, and nothing is written."""
    made = Shop(tmp_path, through=zygote, care=LUNAR, wish=WISH, visit=VISIT)
    made.events(event("c1", "visit", "2025-09-20T10:00"), event("c2", "visit", "2025-09-20T10:00"))
    names = tmp_path / "names.csv"
    names.write_text("customer,备注\nc1,甲\nc2,乙\n", encoding="utf-8")
    first = made.care("start", "wish", "--file", str(names), "--at", "2025-10-01T09:00")
    again = made.care("start", "wish", "--file", str(names), "--at", "2025-10-02T09:00")
    names.write_text("customer\nc1\nc9\n", encoding="utf-8")
    strange = made.care("start", "wish", "--file", str(names))
    other = made.care("start", "visit", "c1")
    nobody = made.care("start", "wish")
    assert made.care("run", "--at", "2025-10-03T08:00").code == 0

    assert first.out == "2 to begin wish in the next run\n"
    assert again.out == "0 to begin wish in the next run; 2 asked for before\n"
    assert (strange.code, one_line(strange)) == (
        1, "care: the log knows no customer c9; nothing was written",
    )  # fmt: skip
    assert one_line(other) == (
        "care: visit is not begun by hand; add `manual` to its triggers: [{event: ...}, manual]"
    )
    assert (nobody.code, one_line(nobody)) == (2, "care: name customers, or a --file with them")
    assert [len(made.journeys(customer)) for customer in ("c1", "c2")] == [1, 1]
    assert len(made.sent()) == 2
