"""Who may send: a token, or a signature of Standard Webhooks."""

from __future__ import annotations

import base64
import datetime as dt

import pytest
from standardwebhooks import Webhook

from engine.ingest.guard import Guard, is_loopback
from rules.errors import InputError, UsageError
from rules.units import MICROS, to_datetime

TOKEN = "0123456789abcdef-令牌"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
NOW = 1_760_000_000 * MICROS
BODY = '{"action": "a-1", "note": "好"}'.encode()


def basic(user: str, password: str = "") -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def signed(body: bytes = BODY, *, secret: str = SECRET, late: int = 0) -> dict[str, str]:
    """Return the headers that the reference library writes."""
    moment: dt.datetime = to_datetime(NOW + late * MICROS)
    signature = Webhook(secret).sign("msg_1", moment, body.decode())
    return {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(NOW // MICROS + late),
        "webhook-signature": signature,
    }


@pytest.mark.parametrize(
    ("header", "admitted"),
    [
        (f"Bearer {TOKEN}", True),
        (f"bearer  {TOKEN} ", True),
        (basic(TOKEN), True),
        (basic(TOKEN, "x"), True),
        (f"Bearer {TOKEN[:-1]}", False),
        (f"Bearer {TOKEN}x", False),
        (basic("", TOKEN), False),
        ("Basic !!!", False),
        ("Basic /w==", False),
        (f"Token {TOKEN}", False),
        ("Bearer", False),
        ("", False),
    ],
)
def test_a_token_comes_as_bearer_or_as_the_user_of_basic(header: str, admitted: bool) -> None:
    """The very token admits, in the two ways in which clients send it; nothing else does."""
    guard = Guard(token=TOKEN)

    assert guard.admits({"authorization": header}, BODY, at=NOW) is admitted


def test_a_signature_of_the_reference_library_admits() -> None:
    """What the library of Standard Webhooks signs is admitted, within five minutes either way."""
    guard = Guard(secret=SECRET)

    assert [guard.admits(signed(late=late), BODY, at=NOW) for late in (0, 299, -299)] == [True] * 3
    assert [guard.admits(signed(late=late), BODY, at=NOW) for late in (301, -301)] == [False] * 2


def test_one_good_signature_of_several_is_enough() -> None:
    """While a secret is changed, senders sign with both."""
    headers = signed()
    headers["webhook-signature"] = f"v1,AAAA v1a,xyz {headers['webhook-signature']}"

    assert Guard(secret=SECRET).admits(headers, BODY, at=NOW)


@pytest.mark.parametrize(
    "change",
    [
        {"webhook-id": "msg_2"},
        {"webhook-id": ""},
        {"webhook-timestamp": str(NOW // MICROS + 1)},
        {"webhook-timestamp": "soon"},
        {"webhook-timestamp": "9" * 400},
        {"webhook-signature": ""},
        {"webhook-signature": "v1,"},
        {"webhook-signature": "v1,签名"},
    ],
)
def test_a_changed_request_is_not_admitted(change: dict[str, str]) -> None:
    """Id, time and signature belong together."""
    assert not Guard(secret=SECRET).admits({**signed(), **change}, BODY, at=NOW)


def test_another_body_or_secret_is_not_admitted() -> None:
    """The signature is over the body, with this secret."""
    other = "whsec_" + base64.b64encode(b"another secret").decode()
    guard = Guard(secret=SECRET)

    assert not guard.admits(signed(), BODY + b" ", at=NOW)
    assert not guard.admits(signed(secret=other), BODY, at=NOW)


def test_either_is_enough_where_both_are_set() -> None:
    """Token and signature are two ways in, not two locks."""
    guard = Guard(token=TOKEN, secret=SECRET)

    assert guard.admits({"authorization": f"Bearer {TOKEN}"}, BODY, at=NOW)
    assert guard.admits(signed(), BODY, at=NOW)
    assert not guard.admits({}, BODY, at=NOW)


def test_without_token_and_secret_anybody_may_send() -> None:
    """An open guard admits all, and says that it is open."""
    assert (Guard().open, Guard().admits({}, BODY, at=NOW)) == (True, True)
    assert (Guard(token=TOKEN).open, Guard(secret=SECRET).open) == (False, False)


def test_other_machines_need_a_token() -> None:
    """An address that others reach needs a token of sixteen characters, or a secret."""
    Guard().require_for("127.0.0.1")
    Guard(token=TOKEN).require_for("0.0.0.0")
    Guard(secret=SECRET).require_for("0.0.0.0")

    with pytest.raises(
        UsageError, match=r"0\.0\.0\.0 can be reached from other machines: write ingest"
    ):
        Guard().require_for("0.0.0.0")
    with pytest.raises(UsageError, match="at least 16 characters"):
        Guard(token="short").require_for("0.0.0.0")


@pytest.mark.parametrize(
    ("host", "only_this_machine"),
    [
        ("localhost", True), ("127.0.0.1", True), ("127.8.9.10", True), ("::1", True),
        ("[::1]", True), ("0.0.0.0", False), ("::", False), ("192.168.1.5", False),
        ("127.evil.example", False), ("localhost.evil.example", False), ("", False),
    ],
)  # fmt: skip
def test_which_addresses_only_this_machine_reaches(host: str, only_this_machine: bool) -> None:
    """Loopback addresses and localhost, no name that only looks like one."""
    assert is_loopback(host) is only_this_machine


def test_a_secret_that_is_no_base64_is_told() -> None:
    """A secret that begins as one of Standard Webhooks and is none is an error of the project."""
    with pytest.raises(InputError, match="what follows is no base64"):
        Guard(secret="whsec_%%%")
