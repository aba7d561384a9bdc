"""``care check`` through the program: codes explained, doubts, and what only the log can tell."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.factories import Shop, event, profile
from tests.zygote import Zygote

BOOK = """\
trigger: {enters: lapsed}
only: {orders_30d: at least 0}
steps:
  - {step: hello, do: letter, template: hello.md}
  - {step: ring, do: call, assign: owner, brief: "{{ customer.tier | default: '客户' }}，回访"}
"""
HELLO = "{{ customer.name | default: '客户' }}，您好！\n"
AT = ("--at", "2025-03-10")


@pytest.fixture
def shop(tmp_path: Path, zygote: Zygote) -> Shop:
    """A project with one playbook and two texts; no log yet."""
    made = Shop(tmp_path, through=zygote, p=BOOK)
    made.write("templates/hello.md", HELLO)
    return made


def codes(shop: Shop) -> list[str]:
    said = shop.care("check", "--format", "json", *AT)
    assert said.code == 0, said.err
    return [each["code"] for each in said.json]


def test_a_code_is_explained_anywhere(tmp_path: Path, zygote: Zygote) -> None:
    """Outside of any project a code, as a finding shows it, is told with both examples."""
    said = zygote.told("check", "--explain", "error[unknown-channel]")

    assert said.code == 0
    assert "care.yaml 的 channels 下没有这个渠道。" in said.out
    assert "wrong, in playbooks/example.yaml:\n    steps: [{step: letter, do: lettre}]" in said.out
    assert "right, in playbooks/example.yaml:\n    steps: [{step: letter, do: letter}]" in said.out


def test_all_codes_are_listed(zygote: Zygote) -> None:
    """Without a code every code has its line, and in JSON its entry."""
    lines = zygote.told("check", "--explain").out.splitlines()
    entries = json.loads(zygote.told("check", "--explain", "--format", "json").out)

    listed = [line.split()[0] for line in lines if line.startswith("  ")]
    assert listed == [each["code"] for each in entries]
    assert len(listed) > 100


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--explain", "unknwn-channel"), 'no code "unknwn-channel"; did you mean "unknown-channel"?'),
        (("--explain", "alias", "--format", "sarif"), "--explain speaks text or json, not sarif"),
    ],
)  # fmt: skip
def test_a_code_that_there_is_not(words: tuple[str, ...], told: str, zygote: Zygote) -> None:
    """A misspelt code, or a form that it has not, is a usage error that names what to write."""
    said = zygote.told("check", *words)

    assert said.code == 2
    assert told in said.err


def test_doubts_are_warnings(shop: Shop) -> None:
    """What can't come true is a warning: exit 0, and 3 with --strict."""
    assert codes(shop) == []
    shop.book("q", BOOK + "stop_when: [{orders_30d: below 0}]\n")

    said = shop.care("check", "--strict", *AT)

    assert said.code == 3
    assert "warning[matches-nobody] this line of stop_when can match nobody" in said.out
    assert 'warning[same-week] "p" (step hello) and "q" (step hello)' in said.out
    assert "for example a customer who on 2025-06-15 has " in said.out


def test_what_never_happens_makes_no_clash(shop: Shop) -> None:
    """Whoever is silent for 30 days has no order in 30 days: no such customer, so nothing to say."""
    shop.book("q", BOOK.replace("at least 0", "above 0"))

    assert codes(shop) == []


def test_the_log_tells_more(shop: Shop) -> None:
    """Windows longer than the log, and names that many customers lack, are told once there is one."""
    shop.customers(*(profile(f"c{n}", "2025-03-01", tier="gold") for n in range(30)))
    shop.customers(*(profile(f"c{n}", "2025-03-02", name="甲") for n in range(20)))
    shop.events(event("c1", "order", "2025-03-01T10:00"))

    said = shop.care("check", *AT)

    assert "shared.yaml:3:3: warning[window-beyond-log]" in said.out
    assert 'measure "orders_30d" looks back 30 days, and the log begins 8 days ago' in said.out
    assert 'step "hello" says customer.name (templates/hello.md), which 33% of 30 customers lack' in said.out  # fmt: skip
    assert "customer.tier" not in said.out


def test_an_attribute_is_told_once_however_many_texts_say_it(shop: Shop) -> None:
    """One line an attribute that many lack; it counts the other texts."""
    for name in ("a", "b", "c"):
        shop.write(f"templates/{name}.md", "{{ customer.name | default: '您' }}")
        shop.book(
            name,
            "trigger: {event: order}\nsteps:\n"
            f"  - {{step: say, do: letter, due: within {len(name)} days, template: {name}.md}}\n",
        )
    shop.customers(*(profile(f"c{n}", "2025-03-01", tier="gold") for n in range(30)))

    said = shop.care("check", *AT)

    assert said.out.count("says customer.name") == 1
    assert "3 other texts say it too" in said.out


def test_a_long_log_with_all_names_is_quiet(shop: Shop) -> None:
    """Nothing is said of windows inside of the log, and of texts whose names are known."""
    shop.customers(
        *(profile(f"c{n}", "2025-03-01", name="甲", tier="gold") for n in range(30)),
    )
    shop.events(event("c1", "order", "2025-01-01T10:00"))

    assert codes(shop) == []


def test_a_log_in_other_hands(shop: Shop) -> None:
    """While somebody else writes the log the rest is checked, and stderr says what was not."""
    shop.events(event("c1", "order", "2025-03-01T10:00"))
    log = shop.root / ".care" / "log.duckdb"
    holder = f"import duckdb, sys; c = duckdb.connect({str(log)!r}); print(); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", holder], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        child.stdout.readline()
        said = shop.care("check", *AT)
        child.communicate()

    assert said.code == 0
    assert "what needs the log was not checked" in said.err
    assert "window-beyond-log" not in said.out
