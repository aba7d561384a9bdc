"""`care check` reads what lies beside the playbooks, too."""

from __future__ import annotations

from pathlib import Path

from engine.side_files import side_findings
from tests.factories import Shop

BOOK = "trigger: {event: order}\nsteps:\n  - {step: ring, do: call, due: within 2 days, assign: boss}\n"


def test_mistakes_in_tests_and_import_maps_are_told(tmp_path: Path) -> None:
    """A misspelt key of a test and an unknown event of a map stand among the findings, by place."""
    shop = Shop(tmp_path, thanks=BOOK)
    assert side_findings(shop.project) == []

    shop.write(
        "imports/more.yaml",
        "import: 1\nsource: x\nformat: csv\ncustomer: c\ntime: t\nevents:\n  - {event: ordr}\n",
    )
    shop.write(
        "tests/thanks.test.yaml",
        "playbook: thanks\ntests:\n  - tst: 下单\n    expect: [{starts: yes}]\n",
    )
    found = [(str(one.span), one.code) for one in side_findings(shop.project)]
    assert ("tests/thanks.test.yaml:3:5", "unknown-key") in found
    assert ("imports/more.yaml:7:13", "unknown-event") in found


def test_check_leaves_with_an_error(tmp_path: Path) -> None:
    """A broken import map is an error of the project, and its playbooks are sound all the same."""
    shop = Shop(tmp_path, thanks=BOOK)
    shop.write(
        "imports/more.yaml",
        "import: 1\nsource: x\nformt: csv\ncustomer: c\ntime: t\nevents:\n  - {event: order}\n",
    )
    said = shop.care("check", "--at", "2026-05-01")
    assert said.code == 1
    assert "imports/more.yaml:3:1: error[unknown-key]" in said.out
    assert said.out.endswith("1 playbook is sound\n")


def test_a_broken_playbook_is_told_once(tmp_path: Path) -> None:
    """The test of a playbook with an error is not blamed beside the playbook itself."""
    shop = Shop(tmp_path, thanks=BOOK.replace("do: call", "do: cal"), other=BOOK)
    shop.write(
        "tests/thanks.test.yaml",
        "playbook: thanks\ntests:\n  - test: 下单\n    expect: [{starts: yes}]\n",
    )
    said = shop.care("check", "--at", "2026-05-01")
    assert "error[unknown-channel]" in said.out
    assert said.out.endswith("\n1 error; 1 playbook is sound\n")
