"""Texts of channel settings: references, addresses, hosts, times; and no fault repeats its text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.channel_kinds import CHANNEL_KINDS
from rules.channel_values import (
    REFERENCE,
    Shape,
    address_fault,
    fault,
    read_mailbox,
    read_seconds,
    secret_header,
    secret_in_url,
    wrong_reference,
)


@pytest.mark.parametrize(
    ("text", "better"),
    [
        ("${env:SMTP_PASSWORD}", None),
        ("Bearer ${env:A}", None),
        ("${file:secrets/hook} and ${env:B}", None),
        ("costs $5 or 5$", None),
        ("", None),
        ("$SMTP_PASSWORD", "write ${env:SMTP_PASSWORD}"),
        ("${SMTP_PASSWORD}", "write ${env:SMTP_PASSWORD}"),
        ("${ENV:PASSWORD}", "write ${env:PASSWORD}"),
        ("${env.PASSWORD}", "write ${env:PASSWORD}"),
        ("${ env:PASSWORD }", "write ${env:PASSWORD}"),
        ("$(PASSWORD)", "write ${env:PASSWORD}"),
        ("{{ env.PASSWORD }}", "write ${env:PASSWORD}"),
        ("{env:PASSWORD}", "write ${env:PASSWORD}"),
        ("${/etc/care/secret}", "write ${file:/etc/care/secret}"),
        ("${}", "write ${env:NAME}"),
        ("${env:MY-PASSWORD}", "write ${env:NAME} with letters, digits and _"),
        ("${file: secret }", "write ${file:secret}"),
    ],
)
def test_references(text: str, better: str | None) -> None:
    """What looks like a reference and is none is told with the one that is meant."""
    assert wrong_reference(text) == better


@pytest.mark.parametrize(
    ("shape", "good", "bad"),
    [
        (Shape.HOST, ["smtp.example.com", "mx", "127.0.0.1", "::1", "[::1]", "邮箱.中国", "a-b.c_d"],
         ["", "a b", "-a.com", "a..b", "http://a", "a/b", "x" * 254, "a@b"]),
        (Shape.PORT, ["1", "587", "65535"], ["", "0", "65536", "-1", "5.5", "１", "smtp"]),
        (Shape.URL, ["https://a.com", "http://a.com:8080/x?y=1#z", "https://[::1]/", "https://例子.中国/"],
         ["", "a.com", "ftp://a.com", "https://", "https:///x", "https://u:p@a.com/", "https://u@a.com/",
          "https://a.com:99999/", "https://a.com:0/", "https://a b.com/", "https://a.com/ x", "javascript:1",
          "https://[::1/", "https://a..com/"]),
        (Shape.FLAG, ["yes", "no", "true", "false"], ["", "是", "1", "Yes"]),
        (Shape.TIME, ["1 second", "20 seconds", "10 minutes"],
         ["", "0 seconds", "11 minutes", "1 month", "20", "2 working hours", "1 hour"]),
        (Shape.WORD, ["a", "b"], ["", "c", "A"]),
        (Shape.ADDRESS, ["a@b.com", "a.b+c@例子.中国", "a@localhost"],
         ["", "a", "@b.com", "a@", "a@b@c.com", "a b@c.com", "a@b.com, c@d.com", "王@b.com", "a@-b.com",
          "a..b@c.com", ".a@b.com", "<a@b.com>", "a@b.com;", "x" * 65 + "@b.com", "a@" + "b." * 130 + "c"]),
        (Shape.MAILBOX, ["a@b.com", "王 <a@b.com>", '"王, 经理" <a@b.com>', "<a@b.com>", " a@b.com "],
         ["", "王", "王 a@b.com", "王 <>", "王 <a@b.com> x", "<a@b.com> <c@d.com>"]),
        (Shape.UNSUBSCRIBE, ["mailto:a@b.com", "mailto:a@b.com?subject=stop", "https://a.com/{action}?c={customer}"],
         ["", "mailto:", "http://a.com/", "https://a.com/{name}", "a@b.com", "https://a.com/<x>", "https://a.com/,b"]),
        (Shape.TEXT, ["x", "密码"], ["", "  "]),
    ],
)  # fmt: skip
def test_shapes(shape: Shape, good: list[str], bad: list[str]) -> None:
    """Each shape takes what it is and nothing near it."""
    words = {"a": "", "b": ""}

    assert {text: fault(shape, text, words) for text in good} == dict.fromkeys(good)
    assert [text for text in bad if fault(shape, text, words) is None] == []


@given(
    shape=st.sampled_from(Shape),
    text=st.text(st.characters(codec="utf-8"), min_size=12, max_size=40),
)
def test_no_fault_repeats_its_text(shape: Shape, text: str) -> None:
    """The text may have come out of a secret."""
    assert text not in (fault(shape, text, {"json": ""}) or "")


@given(
    shape=st.sampled_from(Shape),
    text=st.text(max_size=20),
    sign=st.sampled_from("\r\n\0\x85\u2028"),
)
def test_no_value_has_a_line_break(shape: Shape, text: str, sign: str) -> None:
    """No setting can add a line to a header or a conversation."""
    assert fault(shape, f"{text}{sign}x", {}) is not None


@given(st.text(max_size=30))
def test_an_address_that_passes_is_one_token(text: str) -> None:
    """What passes has one @, no space, no bracket, no comma, in ASCII before the @."""
    if address_fault(text) is None:
        local, _, domain = text.rpartition("@")

        assert local.isascii()
        assert not set(text) & set(' <>,;:"()[]\\\r\n\t')
        assert domain


@pytest.mark.parametrize(
    ("text", "name", "address"),
    [
        ("a@b.com", "", "a@b.com"),
        ("云帆客服 <care@b.com>", "云帆客服", "care@b.com"),
        ('"王, 经理" < a@b.com > ', "王, 经理", "a@b.com"),
        ("<a@b.com>", "", "a@b.com"),
    ],
)
def test_mailboxes(text: str, name: str, address: str) -> None:
    """A name with or without quotes, or none."""
    assert read_mailbox(text) == (name, address)


def test_times() -> None:
    """Seconds of what a person writes."""
    assert [read_seconds(text) for text in ("20 seconds", "2 minutes", "", "3 days")] == [
        20.0, 120.0, None, None,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("url", "parameter"),
    [
        ("https://a.com/?access_token=abc", "access_token"),
        ("https://a.com/?x=1&KEY=abc", "KEY"),
        ("https://a.com/?api-key=abc", "api-key"),
        ("https://a.com/?key=${env:K}", None),
        ("https://a.com/?monkey=abc&keyboard=1&token=", None),
        ("https://a.com/token/abc", None),
    ],
)
def test_secrets_in_addresses(url: str, parameter: str | None) -> None:
    """A parameter that is called like a secret, with a value written out."""
    assert secret_in_url(url) == parameter


def test_secret_headers() -> None:
    """Headers that are called like a secret."""
    names = [
        "Authorization",
        "X-Api-Key",
        "Cookie",
        "X-Auth-Token",
        "X-Team",
        "X-Keyboard",
        "Accept",
    ]

    assert [name for name in names if secret_header(name)] == names[:4]


def test_every_example_of_a_setting_is_right() -> None:
    """What schema and messages show as an example passes, and shows no secret."""
    wrong = []
    for kind in CHANNEL_KINDS.values():
        for setting in kind.settings:
            example = setting.example
            texts = [example] if isinstance(example, str) else [*(example.values() if isinstance(example, dict) else example)]  # fmt: skip
            for text in texts:
                plain = (
                    REFERENCE.sub("https://a.com/", text) if setting.shape is Shape.URL else text
                )
                if fault(setting.shape, plain, setting.words) or wrong_reference(text):
                    wrong.append((kind.name, setting.name, text))
                if setting.secret and not setting.literal and not REFERENCE.search(text):
                    wrong.append((kind.name, setting.name, text))

    assert wrong == []
