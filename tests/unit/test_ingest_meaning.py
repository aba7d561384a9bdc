"""What comes from outside gets its meaning from care.yaml."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.ingest.meaning import Happened, Known, Meaning, Passed, Refused, Result, meaning
from engine.ingest.reading import receipt
from engine.spool import Receipt, Shape
from rules.units import MICROS, from_iso, to_iso
from rules.vocabulary import Vocabulary
from tests.projects import CARE, project

NOW = from_iso("2025-10-08T12:00", "UTC")
HOUR = 3600 * MICROS

RULES = """
ingest:
  events:
    Order Completed: {event: order, fields: {amount: totals.net}}
    com.shop.order: {event: order, customer: client.id}
    com.crm.changed: {profile: yes, fields: {size: staff}}
    page: visit
  attributes: {industry: branch}
  ignore: [Product Viewed, com.shop.ping]
"""
PLAIN = project(care=CARE).vocabulary
MAPPED = project(care=CARE + RULES).vocabulary


def rules(text: str) -> Vocabulary:
    return project(care=f"{CARE}ingest: {text}\n").vocabulary


def track(event: str = "order", **more: Any) -> dict[str, Any]:
    return {"type": "track", "event": event, "userId": "c1", "messageId": "m1", **more}


def cloud(kind: str = "order", **more: Any) -> dict[str, Any]:
    event = {"specversion": "1.0", "id": "1", "source": "/shop", "type": kind, "subject": "c1"}
    return {**event, **more}


def meant(body: dict[str, Any], vocabulary: Vocabulary = PLAIN, **given: Any) -> Meaning:
    return meaning(receipt(body, at=NOW, **given), vocabulary)


def happened(body: dict[str, Any], vocabulary: Vocabulary = PLAIN, **given: Any) -> Happened:
    found = meant(body, vocabulary, **given)
    assert isinstance(found, Happened), found
    return found


def why(body: dict[str, Any], vocabulary: Vocabulary = PLAIN) -> str:
    found = meant(body, vocabulary)
    assert isinstance(found, Refused), found
    return found.why


# -- Segment -----------------------------------------------------------------------------------


def test_a_track_call_is_an_event() -> None:
    """Equal names need no map: user, event, properties and time arrive."""
    body = track(properties={"amount": "12.5", "paid": True}, timestamp="2025-10-08T11:00:00Z")

    assert meant(body) == Happened(
        source="segment", id="m1", event="order", customer="c1", at=NOW - HOUR, received=NOW,
        cells={"amount": "12.5", "paid": "true"},
    )  # fmt: skip


def test_their_names_become_ours() -> None:
    """A mapped event takes the fields that the map names, also from inside an object."""
    body = track("Order Completed", properties={"totals": {"net": "9"}, "product": "茶"})

    assert happened(body, MAPPED).cells == {"amount": "9", "product": "茶"}


def test_identify_tells_attributes() -> None:
    """Traits are attributes under their own names or mapped ones; null says that none is known."""
    body = {"type": "identify", "userId": "c1", "messageId": "m1",
            "traits": {"branch": "教育", "size": None, "need": ["price", "service"]}}  # fmt: skip

    assert meant(body, MAPPED) == Known(
        source="segment", id="m1", customer="c1", at=NOW, received=NOW,
        cells={"industry": "教育", "size": None, "need": "price,service"},
    )  # fmt: skip


def test_other_calls_are_events_under_their_kind() -> None:
    """A page call is what the map says of `page`; without a map it is refused like any name."""
    body = {"type": "page", "userId": "c1", "name": "Home"}

    assert happened(body, MAPPED).event == "visit"
    assert why(body) == (
        'no event "page"; known here: complaint, order, solved, visit'
    )  # fmt: skip


@pytest.mark.parametrize(
    ("timestamp", "sent", "at"),
    [
        ("2025-10-08T11:00:00Z", "", "2025-10-08T11:00:00"),
        ("2025-10-08T11:00:00+02:00", "", "2025-10-08T09:00:00"),
        ("2025-10-08T11:00:00", "", "2025-10-08T11:00:00"),
        ("2025-10-08T11:00:00.123456789Z", "", "2025-10-08T11:00:00.123456"),
        ("2025-10-08T11:00:00Z", "2025-10-08T11:00:05Z", "2025-10-08T11:59:55"),
        ("1970-01-01T00:00:00Z", "1970-01-01T00:01:00Z", "2025-10-08T11:59:00"),
        ("2035-01-01T00:00:00Z", "2035-01-01T00:00:00Z", "2025-10-08T12:00:00"),
        ("", "2025-10-08T11:00:05Z", "2025-10-08T12:00:00"),
    ],
)
def test_a_wrong_clock_of_the_sender_is_taken_out(timestamp: str, sent: str, at: str) -> None:
    """An event happened as long before its arrival as the sender's clock says it sent it later."""
    body = track(timestamp=timestamp) if timestamp else track()

    assert happened(body, sent=sent).at == from_iso(at, "UTC")


@given(
    st.integers(from_iso("1990-01-01", "UTC"), from_iso("2060-01-01", "UTC")),
    st.integers(0, 10 * 24 * HOUR),
)
def test_only_what_passed_on_the_senders_clock_counts(sent: int, passed: int) -> None:
    """Whatever the sender takes for now, the event is as old as it was when it was sent."""
    body = track(timestamp=to_iso(sent - passed), sentAt=to_iso(sent, "Asia/Shanghai"))

    assert happened(body).at == NOW - passed


def test_what_segment_relays_has_its_time() -> None:
    """A call that Segment's servers pass on, late, bears the corrected time; it counts as it is."""
    body = track(
        originalTimestamp="1970-01-01T00:00:00Z", sentAt="1970-01-01T00:00:01Z",
        timestamp="2025-10-08T11:00:00Z", receivedAt="2025-10-08T11:00:01Z",
    )  # fmt: skip

    assert happened(body).at == NOW - HOUR


def test_the_original_time_goes_before_another() -> None:
    """Where a library writes both, `originalTimestamp` is the sender's own."""
    body = track(timestamp="2025-10-08T11:00:00Z", originalTimestamp="2025-10-08T10:00:00Z")

    assert happened(body).at == NOW - 2 * HOUR


def test_visitors_without_a_name() -> None:
    """A call that names only a visitor is refused, passed over, or taken, as care.yaml says."""
    body = {"type": "track", "event": "order", "anonymousId": "v7", "messageId": "m1"}

    assert why(body) == "no customer (userId), only a visitor (anonymousId)"
    assert meant(body, rules("{anonymous: ignore}")) == Passed(why="no customer, only a visitor")
    assert happened(body, rules("{anonymous: take}")).customer == "v7"


def test_calls_without_an_id_are_known_by_their_content() -> None:
    """Sent again, a call with a time is the same; without one it is new each time it comes."""
    timed = {key: value for key, value in track(timestamp="2025-10-08T11:00:00Z").items()
             if key != "messageId"}  # fmt: skip
    bare = {key: value for key, value in timed.items() if key != "timestamp"}
    later = meaning(receipt({**timed, "sentAt": "2025-10-08T11:00:01Z"}, at=NOW + 5), PLAIN)
    other = meaning(receipt(bare, at=NOW + 5), PLAIN)
    assert isinstance(later, Happened)
    assert isinstance(other, Happened)

    assert happened(timed).id == later.id
    assert happened(bare).id != other.id
    assert happened(bare, origin="number 1").id != happened(bare, origin="number 2").id


# -- CloudEvents -------------------------------------------------------------------------------


def test_a_cloud_event_is_an_event() -> None:
    """Type, subject, time and data arrive; source and id together make it known again."""
    body = cloud(time="2025-10-08T11:00:00Z", data={"amount": "3"})

    assert meant(body) == Happened(
        source="cloudevents", id="/shop 1", event="order", customer="c1", at=NOW - HOUR,
        received=NOW, cells={"amount": "3"},
    )  # fmt: skip


def test_a_cloud_event_whose_data_names_the_customer() -> None:
    """`customer:` of the map goes before the subject, and is no field of the event."""
    body = cloud("com.shop.order", subject="order/7", data={"client": {"id": "c9"}, "amount": "3"})

    assert (happened(body, MAPPED).customer, happened(body, MAPPED).cells) == (
        "c9",
        {"amount": "3"},
    )
    assert (
        why(cloud("com.shop.order", data={}), MAPPED) == 'no "client.id", which names the customer'
    )


def test_a_cloud_event_may_tell_attributes() -> None:
    """`profile: yes` of the map makes attributes of its data; an empty one tells nothing."""
    found = meant(cloud("com.crm.changed", data={"staff": "40", "vip": False}), MAPPED)

    assert isinstance(found, Known)
    assert found.cells == {"size": "40", "vip": "false"}
    assert meant(cloud("com.crm.changed"), MAPPED) == Passed(why="no attributes")


# -- refusals ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (track("ordr"), 'no event "ordr"; did you mean "order"?'),
        (track("care_done"), 'event "care_done" is written by care itself'),
        (track(properties={"amuont": "1"}),
         'event "order" has no field "amuont"; did you mean "amount"?'),
        (track(properties={"utm": {"source": "x"}}),
         'event "order" has no field "utm.source"; known here: amount, paid, product'),
        ({"type": "identify", "userId": "c1", "traits": {"shoe": "42"}},
         'no attribute "shoe"; `undeclared: ignore` in care.yaml leaves such out'),
        (track(timestamp="yesterday"),
         '`timestamp` is no time care can read: write it like "2026-03-18T14:30:00Z"'),
        (track(timestamp="2025-10-10T12:00:00Z"),
         "it is said to have happened more than a day after it arrived"),
        (cloud("ordered"), 'no event "ordered"; did you mean "order"?'),
        (cloud(subject=""), "no `subject`, the customer"),
        ({"action": "a-1", "outcom": "ok"}, 'a result has no "outcom"; did you mean "outcome"?'),
        ({"action": "a-1", "ask": [1]}, '`ask` is no JSON object: write {"satisfaction": 4}'),
    ],
)  # fmt: skip
def test_the_vocabulary_is_closed(body: dict[str, Any], said: str) -> None:
    """An unknown name, a forged event, an impossible time: refused, with what is near."""
    assert why(body) == said


def test_undeclared_fields_may_be_left_out() -> None:
    """`undeclared: ignore` takes the event and drops what care.yaml does not declare."""
    body = track(properties={"amount": "1", "utm": {"source": "x"}})

    assert happened(body, rules("{undeclared: ignore}")).cells == {"amount": "1"}


def test_ignored_names_are_passed_over() -> None:
    """What `ignore` lists is no error, in either shape."""
    assert meant(track("Product Viewed"), MAPPED) == Passed(why="Product Viewed")
    assert meant(cloud("com.shop.ping"), MAPPED) == Passed(why="com.shop.ping")


def test_what_was_broken_on_arrival_keeps_its_reason() -> None:
    """A receipt that could not be read is refused for that reason."""
    broken = Receipt(at=NOW, shape=Shape.BROKEN, body={"text": "5"}, why="no object")

    assert meaning(broken, PLAIN) == Refused(why="no object")


# -- results -----------------------------------------------------------------------------------


def test_a_result_arrives_whole() -> None:
    """Action, outcome, answers, note, who and when; the answers as texts."""
    body = {
        "action": "a-1", "outcome": "ok", "ask": {"mark": "4", "again": True}, "note": "好",
        "at": "2025-10-08T11:00:00Z", "who": "甲", "id": "r1",
    }  # fmt: skip

    assert meant(body) == Result(
        id="r1", action="a-1", outcome="ok", asked={"mark": "4", "again": "true"}, note="好",
        who="甲", at=NOW - HOUR, received=NOW,
    )  # fmt: skip


def test_a_result_is_known_by_its_content() -> None:
    """The same result again has the same id, another answer another one."""
    one, again = meant({"action": "a-1", "note": "x"}), meant({"action": "a-1", "note": "x"})
    other = meant({"action": "a-1", "note": "y"})
    assert isinstance(one, Result)
    assert isinstance(again, Result)
    assert isinstance(other, Result)

    assert one.id == again.id != other.id
