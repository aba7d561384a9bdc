"""`care ingest` and `care serve --ingest`, as a person and a sender meet them."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from engine.log import open_log
from engine.paths import paths_of
from tests.factories import CARE, REPOSITORY, Shop, event, kill
from tests.zygote import Zygote

BOOK = "trigger: {first: order}\nsteps:\n  - {step: call, do: call, assign: boss, outcomes: [ok]}\n"


@pytest.fixture
def shop(tmp_path: Path, zygote: Zygote) -> Shop:
    return Shop(tmp_path, through=zygote, thanks=BOOK)


def track(key: str, customer: str = "c1", name: str = "order", **fields: Any) -> dict[str, Any]:
    return {
        "type": "track", "event": name, "userId": customer, "messageId": key,
        "timestamp": "2025-03-03T10:00:00Z", "properties": fields,
    }  # fmt: skip


def lines(path: Path, *values: Any) -> str:
    """Write JSON lines and return the file's name."""
    path.write_text("".join(f"{json.dumps(each, ensure_ascii=False)}\n" for each in values))
    return str(path)


def ids(shop: Shop) -> list[str]:
    """Return the id of every order in the log, sorted."""
    with open_log(paths_of(shop.root).log, writable=False) as log:
        return [
            row[0]
            for row in log.query("SELECT id FROM events WHERE source = 'segment' ORDER BY id")
        ]


@contextmanager
def served(shop: Shop, *words: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Start the receiver at a free port; yield it and its address."""
    process = shop.start("serve", "--ingest", "--port", "0", *words)
    assert process.stderr is not None
    try:
        found = re.search(r"http://\S+:\d+", process.stderr.readline())
        assert found is not None
        yield process, found[0]
    finally:
        if process.poll() is None:
            kill(process)


def test_a_file_goes_into_the_spool_and_the_next_run_takes_it(shop: Shop, tmp_path: Path) -> None:
    """All three shapes in one file; the run begins what they tell and says what came in."""
    shop.events(event("c0", "visit", "2025-03-01"))
    shop.care("run", "--at", "2025-03-02")
    cloud = {"specversion": "1.0", "id": "1", "source": "/s", "type": "visit", "subject": "c2"}
    name = lines(
        tmp_path / "in.jsonl", track("m1", amount=9.5), {"batch": [track("m2", "c2")]}, cloud,
        {"type": "identify", "userId": "c1", "messageId": "m3", "traits": {"name": "王"}},
    )  # fmt: skip
    piped = shop.care("ingest", name)
    run = shop.care("run", "--at", "2025-03-04")
    tasks = shop.care("tasks", "--format", "json", "--at", "2025-03-04").json
    again = shop.care("ingest", name, "--now")

    assert (piped.code, piped.out) == (0, "in.jsonl: 4 rows for the next run\n")
    assert "  came in: 3 events (2 order, 1 visit), 1 attribute value, 2 new customers\n" in run.out
    assert sorted(each["customer"] for each in tasks) == ["c1", "c2"]
    assert again.out.splitlines()[1] == "4 rows: 4 known before"


def test_what_is_refused_is_shown_and_taken_when_care_yaml_is_mended(
    shop: Shop, tmp_path: Path
) -> None:
    """Unreadable lines by number, unknown names by reason, exit 3; mended, the rows go in."""
    path = tmp_path / "in.jsonl"
    lines(path, track("m1"), track("m2", name="ordered"), track("m3", name="ordered"))
    path.write_text(path.read_text() + "\n{not json\n")
    said = shop.care("ingest", str(path), "--now")
    shown = shop.care("ingest", "--rejects")
    rows = shop.care("ingest", "--rejects", "--format", "json").json
    shop.write("care.yaml", CARE + "ingest: {events: {ordered: order}}\n")
    retried = shop.care("ingest", "--retry-rejects")

    no_json = "this is no JSON: Expecting property name enclosed in double quotes at character 1"
    assert (said.code, said.out.splitlines()) == (3, [
        "in.jsonl: 4 rows",
        "  1 of them can't be read:",
        f"    line 5: {no_json}",
        "4 rows: 1 event (1 order), 1 new customer, 3 refused",
        "  3 rows refused, kept in .care/rejects/ingest",
        '    2: no event "ordered"; did you mean "order"?',
        f"    1: {no_json}",
    ])  # fmt: skip
    assert shown.out.splitlines()[0] == (
        "3 rows refused; `care ingest --retry-rejects` takes them again"
    )
    assert shown.out.splitlines()[1].endswith(': no event "ordered"; did you mean "order"?')
    assert [(each["origin"], each["shape"]) for each in rows] == [
        ("in.jsonl line 2", "segment"), ("in.jsonl line 3", "segment"), ("in.jsonl line 5", "broken"),
    ]  # fmt: skip
    assert rows[0]["body"]["messageId"] == "m2"
    assert (retried.code, retried.out.splitlines()[0]) == (
        3, "3 rows: 2 events (2 order), 1 refused",
    )  # fmt: skip
    assert ids(shop) == ["m1", "m2", "m3"]


def test_a_run_tells_what_it_refused_even_when_it_is_quiet(shop: Shop, tmp_path: Path) -> None:
    """Under cron with -q a row that was refused is still told, with exit 3: somebody has to look."""
    shop.events(event("c0", "visit", "2025-03-01"))
    shop.care("run", "--at", "2025-03-01")
    shop.care("ingest", lines(tmp_path / "in.jsonl", track("m1", name="x")))
    quiet = shop.care("run", "--at", "2025-03-02", "-q")
    then = shop.care("run", "--at", "2025-03-03", "-q")

    assert quiet.out.splitlines()[1:] == [
        "  came in: 1 refused",
        "  REFUSED: 1 row of it; `care ingest --rejects` shows why",
    ]
    assert (quiet.code, then.code, then.out) == (3, 0, "")


def test_a_pipe(shop: Shop) -> None:
    """`-` reads what another program writes, line by line, with a mark at its beginning too."""
    text = "\ufeff" + "\n".join(json.dumps(track(f"m{index}")) for index in range(3))
    process = subprocess.run(
        [sys.executable, "-P", "-m", "cli", "-C", str(shop.root), "ingest", "-", "--now"],
        input=text.encode(), capture_output=True, check=False,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
    )  # fmt: skip

    assert (process.returncode, process.stderr) == (0, b"")
    assert process.stdout.decode().splitlines() == [
        "the pipe: 3 rows",
        "3 rows: 3 events (3 order), 1 new customer",
    ]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("ingest",), 2, "name a file, or - for a pipe; --now takes what waits"),
        (("ingest", "--rejects", "--now"), 2, "--rejects shows what was refused, and goes alone"),
        (("ingest", "nowhere.jsonl"), 1, "there is no file nowhere.jsonl"),
        (("ingest", "--now"), 0, "nothing waits in the spool"),
        (("ingest", "--rejects"), 0, "nothing was refused"),
        (("serve",), 2, "write care serve --ingest: receiving is all there is to serve"),
        (("serve", "--ingest", "--host", "0.0.0.0"), 2, "0.0.0.0 can be reached from other machines"),
        (("serve", "--ingest", "--host", "192.0.2.1", "--port", "1"), 2, "192.0.2.1 can be reached"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_told(
    shop: Shop, words: tuple[str, ...], code: int, said: str
) -> None:
    """Each wrong use says what to write, with the exit code of its kind."""
    told = shop.care(*words)

    assert told.code == code
    assert said in told.out + told.err


def test_a_token_that_is_not_there_keeps_the_receiver_from_starting(shop: Shop) -> None:
    """care.yaml names a variable that nobody set: one line says which."""
    shop.write("care.yaml", CARE + "ingest: {token: '${env:CARE_NO_SUCH_TOKEN}'}\n")
    told = shop.care("serve", "--ingest")

    assert (told.code, told.err) == (
        1,
        "care: `ingest: token` needs the environment variable CARE_NO_SUCH_TOKEN, which is not set\n",
    )


def test_everything_answered_is_in_the_log_once_after_a_power_cut(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed in the middle of two hundred posts: what got its 200 is in the log after the next run,
    once, and what senders send again makes it whole.
    """
    monkeypatch.setenv("CARE_TEST_TOKEN", "0123456789abcdef")
    shop.write("care.yaml", CARE + "ingest: {token: '${env:CARE_TEST_TOKEN}'}\n")
    calls = [track(f"m{index:03}", f"c{index % 7}", amount=index) for index in range(200)]
    answered: list[str] = []
    with served(shop, "-q") as (process, address):

        def send(part: int) -> None:
            with httpx.Client(auth=("0123456789abcdef", ""), trust_env=False) as client:
                for call in calls[part::8]:
                    try:
                        answer = client.post(f"{address}/v1/track", json=call)
                    except httpx.HTTPError:
                        return
                    if answer.status_code == 200:
                        answered.append(call["messageId"])

        threads = [threading.Thread(target=send, args=(part,)) for part in range(8)]
        for thread in threads:
            thread.start()
        while len(answered) < 80:
            time.sleep(0.001)
        process.send_signal(signal.SIGKILL)
        for thread in threads:
            thread.join()
        process.communicate()
    run = shop.care("run", "--at", "2025-03-04")
    first = ids(shop)
    shop.care("ingest", lines(tmp_path / "again.jsonl", {"batch": calls}), "--now")

    assert run.code == 0
    assert 80 <= len(answered) < 200
    assert len(first) == len(set(first)) < 200
    assert set(answered) - set(first) == set()
    assert ids(shop) == [call["messageId"] for call in calls]
    assert list(paths_of(shop.root).spool.iterdir()) == []


def test_asked_to_stop_it_ends_what_it_began(shop: Shop) -> None:
    """SIGTERM lets a request that is under way come to its 200, and the program leaves with 0."""
    with served(shop) as (process, address):
        halves: list[bytes] = []

        def body() -> Iterator[bytes]:
            text = json.dumps(track("m1")).encode()
            yield text[:20]
            process.send_signal(signal.SIGTERM)
            time.sleep(0.3)
            halves.append(text[20:])
            yield text[20:]

        answer = httpx.post(
            f"{address}/v1/track", content=body(), headers={"content-type": "application/json"},
            trust_env=False,
        )  # fmt: skip
        out, err = process.communicate(timeout=30)
    shop.care("ingest", "--now")

    assert (answer.status_code, len(halves)) == (200, 1)
    assert (process.returncode, out) == (0, "")
    assert re.fullmatch(r"\S+ POST /v1/track 200 1 taken\n", err)
    assert ids(shop) == ["m1"]
