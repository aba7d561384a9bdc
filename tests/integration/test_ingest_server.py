"""The receiver on a real socket, with the real libraries of those who send to it."""

from __future__ import annotations

import base64
import gzip
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from cloudevents.core.bindings.http import to_binary_event, to_structured_event
from cloudevents.core.v1.event import CloudEvent
from segment.analytics.client import Client
from standardwebhooks import Webhook

from engine.ingest.guard import Guard
from engine.ingest.receiver import BODY_LIMIT, Receiver, application
from engine.ingest.server import listen, serving
from engine.ingest.taking import spool_of, take
from engine.paths import paths_of
from engine.spool import Receipt, Shape, Spool, read_receipts
from rules.errors import InputError
from rules.units import MICROS, from_iso, to_datetime
from tests.factories import CARE, Shop

TOKEN = "0123456789abcdef"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
NOW = from_iso("2025-10-08T12:00", "UTC")
TRACK = {"type": "track", "event": "order", "userId": "c1", "messageId": "m1"}
BEARER = {"authorization": f"Bearer {TOKEN}"}


class Served:
    """A receiver that is listening, its spool, and what it told."""

    def __init__(self, spool: Spool, port: int, told: list[str]) -> None:
        self.spool, self.told = spool, told
        self.url = f"http://127.0.0.1:{port}"
        self.port = port

    def post(self, path: str, value: Any = None, **options: Any) -> httpx.Response:
        """Send JSON, or with ``content`` anything, under the token."""
        options.setdefault("headers", BEARER)
        if value is not None:
            options["json"] = value
        return httpx.post(self.url + path, trust_env=False, **options)

    def kept(self) -> list[Receipt]:
        """Return what is in the spool."""
        return [each for file in self.spool.files() for each in read_receipts(file)]


@contextmanager
def server(
    folder: Path,
    *,
    token: str = TOKEN,
    secret: str = "",
    limit: int = 10_000_000,
    now: int = NOW,
) -> Iterator[Served]:
    """Serve while the block lasts."""
    told: list[str] = []
    spool = Spool(folder / ".care" / "spool", limit=limit)
    guard = Guard(token=token, secret=secret)
    receiver = Receiver(spool=spool, guard=guard, clock=lambda: now, told=told.append)
    bound = listen("127.0.0.1", 0)
    port = bound.getsockname()[1]
    with serving(application(receiver), bound):
        yield Served(spool, port, told)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """A receiver that wants a token."""
    with server(tmp_path) as found:
        yield found


# -- Segment -----------------------------------------------------------------------------------


@pytest.mark.parametrize("packed", [False, True])
def test_the_segment_client_is_understood(served: Served, packed: bool) -> None:
    """What the real client sends, plain or packed, is in the spool when it is done."""
    errors: list[Any] = []
    client = Client(
        TOKEN, host=served.url, gzip=packed, upload_interval=0.01,
        on_error=lambda error, _: errors.append(error),
    )  # fmt: skip
    moment = datetime(2025, 10, 8, 11, 0, tzinfo=UTC)
    client.track(
        "c1", "order", {"amount": 12.5, "product": "茶"}, timestamp=moment, message_id="m1"
    )
    client.identify("c1", {"size": 7}, message_id="m2")
    client.page("c1", "shop", "home", message_id="m3")
    client.group("c1", "g1", {"plan": "pro"}, message_id="m4")
    client.alias("old", "c1", message_id="m5")
    client.flush()
    client.join()
    found = {each.body["messageId"]: each for each in served.kept()}

    assert errors == []
    assert sorted(found) == ["m1", "m2", "m3", "m4", "m5"]
    assert found["m1"].body["properties"] == {"amount": "12.5", "product": "茶"}
    assert found["m1"].body["timestamp"] == "2025-10-08T11:00:00.000+00:00"
    assert all(each.sent and each.shape is Shape.SEGMENT for each in found.values())


def test_what_the_segment_client_sent_is_in_the_log(tmp_path: Path) -> None:
    """From the client through the spool into the log: customer, fields, and the time as it was."""
    shop = Shop(tmp_path, care=CARE)
    now = int(datetime.now(UTC).timestamp() * MICROS)
    with server(tmp_path, now=now) as served:
        client = Client(TOKEN, host=served.url, sync_mode=True)
        moment = to_datetime(now - 3600 * MICROS)
        client.track("c1", "order", {"amount": 12.5}, timestamp=moment, message_id="m1")
        client.identify("c1", {"size": 7, "tier": "gold"}, timestamp=moment)
    vocabulary = shop.project.vocabulary
    with shop.ledger() as ledger:
        taken = take(paths_of(shop.root), vocabulary, ledger, None, at=now)
    from engine.log import open_log

    with open_log(paths_of(shop.root).log, writable=False) as log:
        known = log.histories(["c1"], at=now, seq=log.max_seq(), vocabulary=vocabulary)["c1"]

    assert (taken.events, taken.values, taken.refused.total()) == ({"order": 1}, 2, 0)
    (order,) = known.events
    assert (order.id, order.fields) == ("m1", {"amount": 125_000})
    # The client and this test read the clock some time apart: that much the rule moves.
    assert abs(order.at - (now - 3600 * MICROS)) < 60 * MICROS


@pytest.mark.parametrize("call", ["track", "identify", "page", "screen", "group", "alias"])
def test_every_call_has_its_address(served: Served, call: str) -> None:
    """Single calls come to their own addresses, without a type."""
    body = {"userId": "c1", "event": "order", "messageId": "m1"}
    answer = served.post(f"/v1/{call}", body)

    assert (answer.status_code, answer.json()) == (
        200, {"success": True, "taken": 1, "refused": []},
    )  # fmt: skip
    assert [each.body["type"] for each in served.kept()] == [call]


def test_a_batch_is_taken_with_its_bad_calls_named(served: Served) -> None:
    """The good calls of a batch are taken; the bad ones are named, and kept for people to see."""
    answer = served.post("/v1/batch", {"batch": [TRACK, {**TRACK, "userId": ""}, 5]})

    assert (answer.status_code, answer.json()) == (
        200,
        {"success": True, "taken": 1, "refused": [
            {"number": 2, "why": "`userId`, the customer, is missing"},
            {"number": 3, "why": "a JSON object is needed: { ... }"},
        ]},
    )  # fmt: skip
    assert [each.shape for each in served.kept()] == [Shape.SEGMENT, Shape.BROKEN, Shape.BROKEN]


# -- CloudEvents and results -------------------------------------------------------------------


def cloud_event(key: str) -> CloudEvent:
    attributes = {
        "id": key, "source": "/shop/订单", "type": "order", "subject": "c 1%",
        "time": datetime(2025, 10, 8, 11, 0, tzinfo=UTC), "datacontenttype": "application/json",
    }  # fmt: skip
    return CloudEvent(attributes=attributes, data={"amount": 12.5, "product": "茶"})


def test_the_cloud_events_library_is_understood(served: Served) -> None:
    """Structured and binary mode of the real library say the same."""
    structured = to_structured_event(cloud_event("1"))
    binary = to_binary_event(cloud_event("2"))
    answers = [
        served.post("/v1/cloudevents", content=each.body, headers={**BEARER, **each.headers})
        for each in (structured, binary)
    ]
    first, second = (each.body for each in served.kept())

    assert [answer.status_code for answer in answers] == [200, 200]
    assert first["data"] == second["data"] == {"amount": "12.5", "product": "茶"}
    for name in ("source", "type", "subject", "time", "specversion"):
        assert first[name] == second[name]
    assert (first["id"], second["id"], first["subject"]) == ("1", "2", "c 1%")


def test_cloud_events_come_in_batches(served: Served) -> None:
    """A JSON batch of CloudEvents is as many events."""
    events = [json.loads(to_structured_event(cloud_event(key)).body) for key in "12"]
    kind = {"content-type": "application/cloudevents-batch+json"}
    body = json.dumps([*events, {"id": "3"}]).encode()
    answer = served.post("/v1/cloudevents", content=body, headers={**BEARER, **kind})

    assert answer.json()["taken"] == 2
    assert answer.json()["refused"] == [
        {"number": 3, "why": "`specversion` is missing; CloudEvents 1.0 requires it"}
    ]


def test_results_come_signed(tmp_path: Path) -> None:
    """A signature of Standard Webhooks is as good as a token; a wrong one is refused."""
    body = json.dumps({"action": "a-1", "outcome": "ok", "note": "好"})
    moment = to_datetime(NOW)
    with server(tmp_path, secret=SECRET) as served:
        headers = {
            "content-type": "application/json", "webhook-id": "msg_1",
            "webhook-timestamp": str(NOW // MICROS),
            "webhook-signature": Webhook(SECRET).sign("msg_1", moment, body),
        }  # fmt: skip
        good = served.post("/v1/results", content=body.encode(), headers=headers)
        bad = served.post("/v1/results", content=body.encode() + b" ", headers=headers)
        several = served.post("/v1/results", [{"action": "a-2"}, {"action": "a-3"}])
        found = [each.body["action"] for each in served.kept()]

    assert [each.status_code for each in (good, bad, several)] == [200, 401, 200]
    assert found == ["a-1", "a-2", "a-3"]


# -- who may, how much, and what is wrong ------------------------------------------------------


def test_nobody_comes_in_without_the_token(served: Served) -> None:
    """A missing or wrong token is 401, says which ways there are, and leaves nothing."""
    wrong: list[dict[str, str]] = [
        {}, {"authorization": "Bearer x"},
        {"authorization": "Basic " + base64.b64encode(b"x:").decode()},
    ]  # fmt: skip
    answers = [served.post("/v1/track", TRACK, headers=headers) for headers in wrong]

    assert [answer.status_code for answer in answers] == [401] * 3
    assert answers[0].headers["www-authenticate"] == 'Bearer realm="care", Basic realm="care"'
    assert answers[0].json()["code"] == "unauthorized"
    assert served.kept() == []


def test_without_a_token_only_this_machine_may_send(tmp_path: Path) -> None:
    """A page in a browser that was led here by another name is turned away, and so are its forms."""
    with server(tmp_path, token="") as served:
        here = served.post("/v1/track", TRACK, headers={})
        elsewhere = served.post("/v1/track", TRACK, headers={"host": "evil.example:80"})
        form = served.post(
            "/v1/track", content=json.dumps(TRACK).encode(), headers={"content-type": "text/plain"}
        )

    assert [each.status_code for each in (here, elsewhere, form)] == [200, 403, 415]


@pytest.mark.parametrize(
    ("path", "body", "status", "said"),
    [
        ("/v1/track", b"{", 400, "this is no JSON"),
        ("/v1/track", b"[]", 400, "a JSON object is needed"),
        ("/v1/track", b'{"userId": "c1"}', 400, "`event`, the name of what happened, is missing"),
        ("/v1/track", b'{"event": "order"}', 400, "`userId`, the customer, is missing"),
        ("/v1/batch", b"{}", 400, "a batch is"),
        ("/v1/cloudevents", b'{"specversion": "1.0"}', 400, "`id` is missing"),
        ("/v1/results", b"{}", 400, "`action`, the id of what was done, is missing"),
        ("/v1/track", b'{"a": "' + b"x" * (33 << 10) + b'"}', 400, "one event may have 32 kB"),
        ("/v1/track", b" " * (BODY_LIMIT + 1), 413, "a request may have 512 kB"),
        ("/v1/nowhere", b"{}", 404, "there is nothing at this address for this method"),
    ],
)
def test_a_wrong_request_is_told_what_is_wrong(
    served: Served, path: str, body: bytes, status: int, said: str
) -> None:
    """Status, a code for programs, words for people; nothing is kept."""
    headers = {**BEARER, "content-type": "application/json"}
    answer = served.post(path, content=body, headers=headers)

    assert answer.status_code == status
    assert answer.json()["message"].startswith(said)
    assert (answer.json()["success"], bool(answer.json()["code"])) == (False, True)
    assert served.kept() == []


def test_a_body_without_a_length_has_the_same_limit(served: Served) -> None:
    """A chunked body is counted as it comes."""
    parts = (b" " * 65_536 for _ in range(9))
    answer = served.post(
        "/v1/track", content=parts, headers={**BEARER, "content-type": "application/json"}
    )

    assert answer.status_code == 413


@pytest.mark.parametrize(
    ("body", "encoding", "status"),
    [
        (gzip.compress(json.dumps(TRACK).encode(), mtime=0), "gzip", 200),
        (gzip.compress(b" " * 50_000_000, mtime=0), "gzip", 413),
        (gzip.compress(json.dumps(TRACK).encode(), mtime=0)[:-9], "gzip", 400),
        (b"no gzip", "gzip", 400),
        (json.dumps(TRACK).encode(), "br", 415),
    ],
    ids=["packed", "too large", "cut off", "not packed", "unknown packing"],
)
def test_packed_bodies(served: Served, body: bytes, encoding: str, status: int) -> None:
    """Gzip is unpacked up to the limit: bombs, cut and false ones are refused."""
    headers = {**BEARER, "content-type": "application/json", "content-encoding": encoding}
    answer = served.post("/v1/track", content=body, headers=headers)

    assert answer.status_code == status
    assert len(served.kept()) == (status == 200)


def test_a_full_spool_asks_to_come_again(tmp_path: Path) -> None:
    """Where there is no room, 503 says when to try again, the health address too; then it goes on."""
    with server(tmp_path, limit=400) as served:
        first = [served.post("/v1/track", TRACK).status_code for _ in range(2)]
        full = served.post("/v1/track", {**TRACK, "context": {"x": "y" * 300}})
        for file in served.spool.files():
            file.write_bytes(b"x" * 400)
        sick = httpx.get(f"{served.url}/healthz", trust_env=False)
        for file in served.spool.files():
            file.unlink()
        after = served.post("/v1/track", TRACK)
        well = httpx.get(f"{served.url}/healthz", trust_env=False)

    assert first == [200, 200]
    assert (full.status_code, full.headers["retry-after"], full.json()["code"]) == (
        503,
        "60",
        "full",
    )
    assert [each.status_code for each in (sick, after, well)] == [503, 200, 200]
    assert (well.json(), served.told[-1]) == ({"success": True}, "POST /v1/track 200 1 taken")


def test_a_disk_that_takes_nothing_is_no_200(tmp_path: Path) -> None:
    """While the spool can't be written the answer is 503."""
    (tmp_path / ".care").write_text("a file where the folder should be")
    with server(tmp_path) as served:
        answer = served.post("/v1/track", TRACK)

    assert (answer.status_code, answer.json()["code"]) == (503, "full")


def test_the_lines_it_tells_have_nothing_personal(served: Served) -> None:
    """A line a request: address, status, count; no query, no body, no unknown path."""
    served.post("/v1/track?user=王小明", {**TRACK, "userId": "王小明"})
    served.post("/v1/track", {**TRACK, "event": "", "userId": "王小明"})
    served.post("/v1/王小明", TRACK)

    assert served.told == [
        "POST /v1/track 200 1 taken",
        "POST /v1/track 400 0 taken",
        "POST (no such address) 404",
    ]


def test_a_sender_that_goes_away_leaves_nothing(served: Served) -> None:
    """A request that is cut off in its body is told, and the next one is taken."""
    with socket.create_connection(("127.0.0.1", served.port)) as half:
        half.sendall(
            b"POST /v1/track HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n"
            b"content-type: application/json\r\n\r\n{"
        )
    answer = served.post("/v1/track", TRACK)

    assert answer.status_code == 200
    assert len(served.kept()) == 1
    assert "POST /v1/track 200 1 taken" in served.told


def test_many_at_once_are_all_kept(served: Served) -> None:
    """Forty senders at once: every one that got its 200 is in the spool."""
    answered: list[str] = []

    def send(part: int) -> None:
        with httpx.Client(base_url=served.url, headers=BEARER, trust_env=False) as client:
            for index in range(5):
                key = f"{part}-{index}"
                if client.post("/v1/track", json={**TRACK, "messageId": key}).status_code == 200:
                    answered.append(key)

    threads = [threading.Thread(target=send, args=(part,)) for part in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(answered) == 200
    assert sorted(each.body["messageId"] for each in served.kept()) == sorted(answered)


def test_a_port_in_use_is_told(served: Served) -> None:
    """A second receiver at the same port does not start, and says why."""
    with pytest.raises(InputError, match=f"can't listen at 127.0.0.1 port {served.port}: Address"):
        listen("127.0.0.1", served.port)


def test_the_spool_is_that_of_the_project(tmp_path: Path) -> None:
    """The receiver writes where the run reads, with the limit of care.yaml."""
    shop = Shop(tmp_path, care=CARE + "ingest: {limit: 3 MB}\n")
    spool = spool_of(paths_of(shop.root), shop.project.vocabulary)

    assert (spool.folder, spool.limit) == (tmp_path / ".care" / "spool", 3_000_000)
