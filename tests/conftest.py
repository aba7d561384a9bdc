"""Options and fixtures of all tests."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest
from hypothesis import settings

from tests.zygote import Zygote

# The build machine tries the same examples every time: a red build is then about the change.
settings.register_profile("ci", derandomize=True, deadline=None)
settings.register_profile("here", deadline=None)  # a busy machine is no finding
settings.load_profile("ci" if os.environ.get("CI") else "here")

# A shell starts what goes to the background deaf to Ctrl-C, and so would be the programs under test.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden",
        action="store_true",
        help="rewrite the expected texts under tests/golden; the diff is the review",
    )


@pytest.fixture
def update_golden(request: pytest.FixtureRequest) -> bool:
    """Tell whether golden files are to be rewritten."""
    return bool(request.config.getoption("--update-golden"))


@pytest.fixture(scope="session")
def zygote() -> Iterator[Zygote]:
    """A process that has loaded care and forks it: the program without its start-up."""
    made = Zygote()
    yield made
    made.close()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many faults were injected into care, by all workers together."""
    reports = [
        report
        for found in ("passed", "failed")
        for report in terminalreporter.getreports(found)
        if report.when == "call"
    ]
    faults = sum(
        value for report in reports for name, value in report.user_properties if name == "faults"
    )
    if faults:
        terminalreporter.write_line(f"{faults} faults injected")
