"""Bytes from outside become receipts: JSON within limits, in one of three shapes."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.ingest.reading import (
    CALLS,
    EVENT_LIMIT,
    broken,
    cloud_event,
    is_json,
    read_json,
    receipt,
    segment_batch,
    several,
)
from engine.spool import Receipt, Shape
from rules.errors import InputError

TRACK = {"type": "track", "event": "order", "userId": "c1", "messageId": "m1"}
CLOUD = {"specversion": "1.0", "id": "1", "source": "/shop", "type": "order", "subject": "c1"}
RESULT = {"action": "a-k3vq7m2x5p4c", "outcome": "ok"}


def refused(value: Any, **given: Any) -> str:
    with pytest.raises(InputError) as told:
        receipt(value, at=0, **given)
    return str(told.value)


def test_numbers_stay_the_texts_that_they_were() -> None:
    """No float comes in between: decimals, long ids and huge numbers keep every digit."""
    found = read_json(
        b'{"a": 0.1000, "b": 12345678901234567890, "c": 1e400, "d": [1.50], "e": NaN}'
    )

    assert found == {
        "a": "0.1000", "b": "12345678901234567890", "c": "1e400", "d": ["1.50"], "e": "NaN",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"{", "this is no JSON: Expecting property name enclosed in double quotes at character 1"),
        (b"", "this is no JSON: Expecting value at character 0"),
        (b"\xff{}", "the text is not UTF-8"),
        (b"[" * 100_000 + b"]" * 100_000, "more than 20 objects stand inside each other"),
        (b'{"a":' * 30 + b"1" + b"}" * 30, "more than 20 objects stand inside each other"),
    ],
)
def test_what_is_no_json_is_told(data: bytes, said: str) -> None:
    """Damaged, foreign and bottomless texts are refused in words."""
    with pytest.raises(InputError) as told:
        read_json(data)

    assert str(told.value) == said


@given(st.binary(max_size=200) | st.text(max_size=100).map(str.encode))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    """Whatever comes is a value or an InputError, nothing else."""
    try:
        said = json.dumps(read_json(data))
    except InputError as error:
        said = str(error)

    assert said


@pytest.mark.parametrize(
    ("value", "shape"), [(TRACK, Shape.SEGMENT), (CLOUD, Shape.CLOUDEVENT), (RESULT, Shape.RESULT)]
)
def test_the_shape_is_seen(value: dict[str, Any], shape: Shape) -> None:
    """Segment calls, CloudEvents and results are told apart by their keys."""
    assert receipt(value, at=5, origin="x") == Receipt(at=5, shape=shape, body=value, origin="x")


@pytest.mark.parametrize("call", CALLS)
def test_an_address_says_which_call_it_is(call: str) -> None:
    """`/v1/track` and its like need no `type`, and the address counts where both speak."""
    found = receipt({**TRACK, "type": "other"}, at=5, call=call)

    assert (found.shape, found.body["type"]) == (Shape.SEGMENT, call)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ([], "a JSON object is needed: { ... }"),
        ({"a": "1"},
         ("this is no Segment call (type: track, identify, page, screen, group, alias), no CloudEvent "
         "(specversion: 1.0) and no result (action: a-...)")),
        ({**TRACK, "event": " "}, "`event`, the name of what happened, is missing"),
        ({**TRACK, "userId": ""}, "`userId`, the customer, is missing"),
        ({**TRACK, "properties": "x"}, "`properties` is no JSON object"),
        ({**CLOUD, "specversion": "0.3"}, "CloudEvents 0.3 is not known, 1.0 is"),
        ({**CLOUD, "id": ""}, "`id` is missing; CloudEvents 1.0 requires it"),
        ({**CLOUD, "source": "/my shop"}, "`source` has a blank in it, and is to be a URI"),
        ({**CLOUD, "data": "x"}, "`data` is no JSON object"),
        ({**CLOUD, "data_base64": "%"}, "`data_base64` is no base64"),
        ({**CLOUD, "data_base64": "e30=", "datacontenttype": "image/png"},
         "`data_base64` holds something else than JSON"),
        ({"action": ""}, "`action`, the id of what was done, is missing"),
        ({**TRACK, "properties": {"note": "x" * EVENT_LIMIT}}, "one event may have 32 kB, this has 32"),
        ({**TRACK, "userId": "c\x001"}, "a text has a NUL character in it"),
        ({**TRACK, "userId": "c\ud800"}, "a text has half a character in it (a lone surrogate)"),
    ],
)  # fmt: skip
def test_what_lacks_something_is_told(value: Any, said: str) -> None:
    """Each missing or impossible part is named."""
    assert refused(value) == said


def test_a_result_in_the_envelope_of_standard_webhooks() -> None:
    """`{type, timestamp, data}` is the result inside it, at the time of its envelope."""
    found = receipt(
        {"type": "task.done", "timestamp": "2025-10-08T10:00:00Z", "data": RESULT}, at=5
    )

    assert found.shape is Shape.RESULT
    assert found.body == {"at": "2025-10-08T10:00:00Z", **RESULT}


def test_base64_data_is_read() -> None:
    """A CloudEvent may carry its JSON as base64; afterwards it is plain data."""
    data = base64.b64encode(b'{"amount": 12.50}').decode()
    found = receipt({**CLOUD, "data_base64": data}, at=5)

    assert found.body == {**CLOUD, "data": {"amount": "12.50"}}


def test_a_batch_keeps_its_good_calls() -> None:
    """Bad calls of a batch are named by their place, kept as they came, and stop nothing."""
    receipts, wrong = segment_batch(
        {"batch": [TRACK, 5, {**TRACK, "event": ""}], "sentAt": "2025-10-08T10:00:00Z"}, at=7
    )

    assert [each.shape for each in receipts] == [Shape.SEGMENT, Shape.BROKEN, Shape.BROKEN]
    assert receipts[0].sent == "2025-10-08T10:00:00Z"
    assert wrong == [
        (1, "a JSON object is needed: { ... }"),
        (2, "`event`, the name of what happened, is missing"),
    ]
    assert receipts[1] == broken(
        "5", "a JSON object is needed: { ... }", at=7, origin="number 2 of its batch"
    )


@pytest.mark.parametrize("value", [[], {}, {"batch": {}}])
def test_what_is_no_batch_is_refused(value: Any) -> None:
    """A batch is an object with a list in it."""
    with pytest.raises(InputError, match="a batch is"):
        segment_batch(value, at=0)


def test_a_list_has_one_shape() -> None:
    """Behind the address for results a Segment call is none."""
    receipts, wrong = several([RESULT, {"type": "track"}], at=0, shape=Shape.RESULT)

    assert [each.shape for each in receipts] == [Shape.RESULT, Shape.BROKEN]
    assert wrong == [(1, "`action`, the id of what was done, is missing")]


def test_a_cloud_event_whose_attributes_are_headers() -> None:
    """Binary mode gives the same object; its data must be JSON."""
    kind = "application/json; charset=utf-8"

    assert cloud_event({"id": "1"}, b'{"a": 1}', kind) == {"id": "1", "data": {"a": "1"}}
    assert cloud_event({"id": "1"}, b'{"a": 1}', "") == {"id": "1", "data": {"a": "1"}}
    assert cloud_event({"id": "1"}, b"", "") == {"id": "1"}
    with pytest.raises(InputError, match="is to be JSON, not image/png"):
        cloud_event({"id": "1"}, b"x", "image/png")


@pytest.mark.parametrize(
    ("kind", "json_"),
    [
        ("application/json", True),
        ("Application/JSON; charset=utf-8", True),
        ("application/cloudevents-batch+json", True),
        ("text/plain", False),
        ("", False),
        ("application/x-www-form-urlencoded", False),
    ],
)
def test_media_types(kind: str, json_: bool) -> None:
    """JSON goes by several names; what a form in a browser can send is none of them."""
    assert is_json(kind) is json_
